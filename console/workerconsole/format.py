"""Numbers, moments and states as short text of a known shape."""

import re
from datetime import datetime, timedelta

from workerkit.clock import DAY, HOUR, MINUTE, SECOND, Micros, from_datetime

UNKNOWN = "–"
"""What stands where there is nothing to say."""

SECONDS_COUNT: Micros = 10 * MINUTE
"""Up to so far ahead a countdown has seconds."""
CALM_FROM: Micros = 10 * SECOND
CALM_STEP: Micros = 5 * SECOND
"""Steps in which a calm time moves that is further away than CALM_FROM."""

# One cell each, told apart by shape alone, in every common monospace font, and none that a terminal may draw as emoji.
_STATUS_SYMBOLS = {
    "idle": "○",
    "running": "►",
    "failed": "✗",
    "retrying": "↻",
    "paused": "‖",
    "suspended": "■",
    "stuck": "!",
    "unregistered": "?",
    "broken": "⊠",
}
_OUTCOME_SYMBOLS = {
    "succeeded": "✓",
    "failed": "✗",
    "cancelled": "⊘",
    "interrupted": "◑",
}
_STATUS_STYLES = {
    "idle": "$text-muted",
    "running": "bold $text-primary",
    "failed": "bold $text-error",
    "retrying": "bold $text-warning",
    "paused": "$text-warning",
    "suspended": "bold $text-error",
    "stuck": "bold $text-error",
    "unregistered": "$text-muted",
    "broken": "bold $text-error",
}
_OUTCOME_STYLES = {
    "succeeded": "$text-success",
    "failed": "bold $text-error",
    "cancelled": "$text-warning",
    "interrupted": "$text-muted",
}


def status_symbol(status: str) -> str:
    """One cell that stands for a worker's status; `·` for one that this version does not know."""
    return _STATUS_SYMBOLS.get(status, "·")


def status_style(status: str) -> str:
    """How a worker's status is drawn.

    The text is a Textual style with theme variables: usable as it is in Content (`Content.styled`, `Span`), and in
    `render_line` through `Content.render_segments(self.visual_style)` or `app.stylesheet.parse_style(...)`.
    """
    return _STATUS_STYLES.get(status, "$text-muted")


def outcome_symbol(outcome: str | None) -> str:
    """One cell that stands for a run's outcome; None is a run in flight."""
    if outcome is None:
        return _STATUS_SYMBOLS["running"]
    return _OUTCOME_SYMBOLS.get(outcome, "·")


def outcome_style(outcome: str | None) -> str:
    """How a run's outcome is drawn; see `status_style`."""
    if outcome is None:
        return _STATUS_STYLES["running"]
    return _OUTCOME_STYLES.get(outcome, "$text-muted")


def duration(span: Micros | None) -> str:
    """A span in at most eight cells: `<1 ms`, `250 ms`, `1.2 s`, `3m 04s`, `2h 05m`, `3d 04h`."""
    if span is None:
        return UNKNOWN
    if span < 0:
        return "-" + duration(-span)
    if span == 0:
        return "0 ms"
    if span < 1000:
        return "<1 ms"
    if span < SECOND:
        return f"{span // 1000} ms"
    if span < MINUTE:
        return f"{span // 100_000 / 10:.1f} s"
    return _long(span)


def ago(then: Micros | None, now: Micros, *, calm: bool = False) -> str:
    """How long ago a moment was: `never`, `now`, `12s ago`, `3m ago`, `2h ago`, `3d ago`. For `calm` see until()."""
    if then is None:
        return "never"
    span = now - then
    if calm and span >= CALM_FROM:
        span -= span % CALM_STEP
    return "now" if span < SECOND else f"{_coarse(span)} ago"


def until(then: Micros | None, now: Micros, *, calm: bool = False) -> str:
    """How long until a moment: `–`, `due now`, `in 8s`, `in 3m 04s`, `in 14m`, `in 2h 05m`, `in 3d 04h`.

    From ten minutes on nobody counts seconds. On a screen, which would never be at rest, nobody does from ten seconds
    on: `calm` goes by steps of five there.
    """
    if then is None:
        return UNKNOWN
    span = then - now
    if span <= 0:
        return "due now"
    # Rounded up, so that a countdown ends with `in 1s` and not with a second of `in 0s`.
    unit = MINUTE if span > SECONDS_COUNT else CALM_STEP if calm and span > CALM_FROM else SECOND
    whole = -(-span // unit) * unit
    if whole < MINUTE:
        return f"in {whole // SECOND}s"
    return f"in {whole // MINUTE}m" if SECONDS_COUNT < whole < HOUR else f"in {_long(whole)}"


def clock_time(moment: Micros | None, now: Micros | None = None) -> str:
    """Local time: `14:03:22` on the day of `now` (default: today), else `2024-03-05 14:03:22`."""
    then = _local(moment)
    if then is None:
        return UNKNOWN
    today = (_local(now) or then).date() if now is not None else datetime.now().astimezone().date()
    return f"{then:%H:%M:%S}" if then.date() == today else f"{then:%Y-%m-%d %H:%M:%S}"


def when(moment: Micros | None, now: Micros) -> str:
    """Local time as people say it: `14:30`, `14:30:05`, `tomorrow 06:00`, `yesterday 23:10`, `2024-03-05 06:00`."""
    then, today = _local(moment), _local(now)
    if then is None or today is None:
        return UNKNOWN
    time = f"{then:%H:%M:%S}" if then.second else f"{then:%H:%M}"
    days = (then.date() - today.date()) // timedelta(days=1)
    day = {0: "", 1: "tomorrow ", -1: "yesterday "}.get(days, f"{then:%Y-%m-%d} ")
    return f"{day}{time}"


def at(moment: Micros | None, now: Micros) -> str:
    """The same within a sentence: `at 14:30`, `tomorrow at 06:00`, `on 2024-03-05 at 06:00`."""
    day, _, time = when(moment, now).rpartition(" ")
    return f"{'on ' if day[:1].isdigit() else ''}{day} at {time}" if day else f"at {time}"


_ISO_MOMENT = re.compile(r"(at )?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
"""How the host writes a moment in its sentences."""


def localised(text: str, now: Micros) -> str:
    """The text with the host's UTC moments in local time."""

    def local(found: re.Match[str]) -> str:
        try:
            moment = from_datetime(datetime.fromisoformat(found[0].removeprefix("at ")))
            return (at if found[1] else when)(moment, now)
        except ValueError:
            return found[0]

    return _ISO_MOMENT.sub(local, text)


def count(number: int | None) -> str:
    """A number in groups of three: `12,345`."""
    return UNKNOWN if number is None else f"{number:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 run`, `2 runs`, `1,204 runs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _long(span: Micros) -> str:
    if span < HOUR:
        return f"{span // MINUTE}m {span % MINUTE // SECOND:02d}s"
    if span < DAY:
        return f"{span // HOUR}h {span % HOUR // MINUTE:02d}m"
    return f"{span // DAY}d {span % DAY // HOUR:02d}h"


def _coarse(span: Micros) -> str:
    for unit, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if span >= unit:
            return f"{span // unit}{letter}"
    return f"{span // SECOND}s"


def _local(moment: Micros | None) -> datetime | None:
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(moment / SECOND).astimezone()
    except (OverflowError, OSError, ValueError):
        return None
