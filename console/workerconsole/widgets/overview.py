"""Everything about one worker on one page, in words."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from workerconsole import format as fmt
from workerconsole.schedules import first_slot_from
from workerconsole.snapshot import WorkerDetail
from workerconsole.text import clean
from workerconsole.widgets.line_view import LineView
from workerconsole.widgets.panel import Panel
from workerconsole.widgets.sparkline import run_line
from workerconsole.widgets.standing import next_words, pause_words, status_words, suspension_words
from workerkit.clock import Micros
from workerkit.outcome import GapReason, Outcome, Status
from workerkit.store.records import CommandRecord, GapRecord, RunRecord, WorkerRecord

MUTED = "$text-muted"
LABEL = 10
POLICY_LABEL = 14
TWO_COLUMNS = 76
"""Cells from which the facts stand in two columns."""
COLUMN_GAP = 3
MOST_GAPS = 6
MOST_COMMANDS = 6

Fact = tuple[str, Content]


def page(detail: WorkerDetail, now: Micros, width: int) -> list[Content]:
    """The whole overview as lines of at most `width` cells."""
    lines = [*_headline(detail, now, width), Content()]
    lines += _columns(_schedule_facts(detail.worker, now), _history_facts(detail, now), width)
    worker = detail.worker
    lines += _facts(_identity_facts(worker), width)
    if worker.policy:
        lines += _section("Policy", width)
        lines += _facts(_policy_facts(worker), width, POLICY_LABEL)
    if worker.load_error:
        lines += _section("Why it failed to load", width)
        lines += _block(worker.load_error, "", width, most=60)
    if worker.last_error and worker.status not in (Status.FAILED, Status.RETRYING, Status.SUSPENDED):
        lines += _section(f"Last error{_error_moment(detail, now)}", width)
        lines += _block(worker.last_error, "", width, most=4)
    if detail.gaps:
        lines += _section("Slots without a run", width)
        for gap in detail.gaps[:MOST_GAPS]:
            lines += _wrap(Content.assemble(*_gap_words(gap, now)), width, 2)
    if detail.commands:
        lines += _section("What operators did", width)
        for command in detail.commands[:MOST_COMMANDS]:
            lines += _wrap(_command_words(command, now), width, 2)
    return lines


def _error_moment(detail: WorkerDetail, now: Micros) -> str:
    latest = detail.failures[0] if detail.failures else None
    if latest is None or latest.error != detail.worker.last_error:
        return ""
    return f", {fmt.ago(latest.at, now, calm=True)} in run {latest.run_id}"


# What is going on


def _headline(detail: WorkerDetail, now: Micros, width: int) -> Iterator[Content]:
    worker = detail.worker
    style = fmt.status_style(worker.status)
    run = _running(detail)
    words = status_words(detail, run, now)
    if worker.status == Status.FAILED:
        words.append((" · t shows the traceback", MUTED))
    yield from _wrap(Content.assemble((f"{fmt.status_symbol(worker.status)} ", style), *words), width, 0, hang=2)
    for status, held, about in (
        (Status.PAUSED, worker.paused, pause_words),
        (Status.SUSPENDED, worker.suspended_because is not None, suspension_words),
    ):
        if held and worker.status != status:
            sign = (f"{fmt.status_symbol(status)} ", fmt.status_style(status))
            yield from _wrap(Content.assemble(sign, *about(worker, now)), width, 2)
    if run is not None and run.progress_done is not None:
        yield _progress(run, width)
    if worker.status in (Status.FAILED, Status.RETRYING, Status.SUSPENDED) and worker.last_error:
        yield from _block(worker.last_error, "$text-error", width, most=3)


def _progress(run: RunRecord, width: int) -> Content:
    done, total = run.progress_done or 0, run.progress_total
    note = clean(run.progress_note, 200)
    if not total or total <= 0:
        return Content.styled(f"  {done:,} done" + (f", {note}" if note else ""), "$text-primary")
    share = max(0.0, min(1.0, done / total))
    room = max(10, min(40, width // 3))
    full = round(share * room)
    said = f"  {share:4.0%}  {done:,} of {total:,}" + (f", {note}" if note else "")
    bar = Content.assemble("  ", ("━" * full, "$text-primary"), ("╌" * (room - full), MUTED), said)
    return bar.truncate(width, ellipsis=True)


def _running(detail: WorkerDetail) -> RunRecord | None:
    return next(
        (run for run in detail.runs if run.id == detail.worker.running_run_id and run.finished_at is None), None
    )


# The facts in two columns


def _schedule_facts(worker: WorkerRecord, now: Micros) -> Iterator[Fact]:
    if worker.status == Status.BROKEN:
        return
    yield "schedule", Content(clean(worker.schedule, 100))
    if worker.status != Status.UNREGISTERED:
        yield "next run", _next_run(worker, now)
    yield "timeout", Content(fmt.duration(worker.timeout) if worker.timeout else "none")
    yield "isolation", Content(clean(worker.isolation, 40))
    if worker.tags:
        yield "tags", Content(clean(", ".join(worker.tags), 300))


def _identity_facts(worker: WorkerRecord) -> Iterator[Fact]:
    if worker.description:
        yield "about", Content(clean(worker.description, 500))
    if worker.source:
        yield "source", Content(clean(worker.source, 500))


def _next_run(worker: WorkerRecord, now: Micros) -> Content:
    if worker.suspended_because is not None:
        return Content.styled("none while it is suspended", "$text-error")
    if worker.paused:
        return _next_after_pause(worker, now)
    if worker.next_run_at is None:
        return Content.styled("none; press r to run it now", MUTED)
    at = fmt.clock_time(worker.next_run_at, now)
    return Content.assemble(next_words(worker, now), (f", {at}", MUTED))


def _next_after_pause(worker: WorkerRecord, now: Micros) -> Content:
    if worker.paused_until is None:
        return Content.styled("none while it is paused", "$text-warning")
    slot = first_slot_from(worker, worker.paused_until)
    if slot is None:
        return Content.styled(f"none before {fmt.when(worker.paused_until, now)}", "$text-warning")
    return Content.assemble(fmt.until(slot, now, calm=True), (f", {fmt.when(slot, now)}, after the pause", MUTED))


def _policy_facts(worker: WorkerRecord) -> Iterator[Fact]:
    for option, words in worker.policy.items():
        yield clean(option, POLICY_LABEL), Content(clean(words, 300))


def _history_facts(detail: WorkerDetail, now: Micros) -> Iterator[Fact]:
    worker = detail.worker
    done = worker.success_count + worker.failure_count
    if done:
        counts = Content.assemble(
            f"{worker.success_count:,} succeeded, ",
            (f"{worker.failure_count:,} failed", "$text-error" if worker.failure_count else ""),
        )
        yield "runs", counts
        yield "success", Content(_percent(worker.success_count, done))
    else:
        yield "runs", Content.styled("none finished yet", MUTED)
    if worker.consecutive_failures > 1 and worker.status != Status.FAILED:
        yield "in a row", Content.styled(fmt.plural(worker.consecutive_failures, "failure"), "$text-error")
    if worker.last_run_at is not None:
        at = fmt.clock_time(worker.last_run_at, now)
        yield "last run", Content.assemble(fmt.ago(worker.last_run_at, now, calm=True), (f", {at}", MUTED))
    if worker.last_outcome:
        symbol = fmt.outcome_symbol(worker.last_outcome)
        took = f" in {fmt.duration(worker.last_duration)}" if worker.last_duration is not None else ""
        yield (
            "ended",
            Content.assemble(
                (f"{symbol} {clean(worker.last_outcome, 20)}", fmt.outcome_style(worker.last_outcome)), took
            ),
        )
    if worker.recent:
        yield "duration", _durations(worker.recent)
        yield "recent", Content(run_line(worker.recent, min(len(worker.recent), 24)))


def _percent(part: int, whole: int) -> str:
    """Never 100 % while one has failed."""
    share = part * 1000 // whole / 10
    return "100 %" if part == whole else f"{share:.1f} %"


def _durations(recent: Sequence[tuple[str, Micros]]) -> Content:
    """Of the successes, where there are any: a failure that gave up at once says nothing of the work."""
    spans = sorted(span for outcome, span in recent if outcome == Outcome.SUCCEEDED) or sorted(s for _, s in recent)
    middle, longest = fmt.duration(spans[len(spans) // 2]), fmt.duration(spans[-1])
    return Content.assemble(("median ", MUTED), middle, (", max ", MUTED), longest)


def _columns(left: Iterator[Fact], right: Iterator[Fact], width: int) -> list[Content]:
    if width < TWO_COLUMNS:
        return [*_facts(left, width), *_facts(right, width)]
    half = min((width - COLUMN_GAP) // 2, 70)
    one, two = _facts(left, half), _facts(right, half)
    lines = []
    for place in range(max(len(one), len(two))):
        first = one[place] if place < len(one) else Content()
        second = two[place] if place < len(two) else Content()
        lines.append(Content.assemble(first.pad_right(half + COLUMN_GAP - first.cell_length), second))
    return lines


def _facts(facts: Iterator[Fact], width: int, label_width: int = LABEL) -> list[Content]:
    lines = []
    for label, value in facts:
        first, *rest = value.wrap(max(10, width - label_width - 1)) or [Content()]
        lines.append(Content.assemble((f"{label:<{label_width}} ", MUTED), first))
        lines += [Content.assemble(" " * (label_width + 1), line) for line in rest[:3]]
    return lines


# What was skipped, and what people did


def _gap_words(gap: GapRecord, now: Micros) -> list[str | tuple[str, str]]:
    first, last = fmt.clock_time(gap.first_due_at, now), fmt.clock_time(gap.last_due_at, now)
    if last[:-8] == first[:-8]:
        last = last[-8:]  # The same day needs no second mention.
    when = first if gap.count == 1 or first == last else f"{first}–{last}"
    return [f"{fmt.plural(gap.count, 'slot')} skipped ", (when, MUTED), f": {_gap_reason(gap, now)}"]


def _gap_reason(gap: GapRecord, now: Micros) -> str:
    detail = fmt.localised(clean(gap.detail, 300), now)
    plain = {
        GapReason.PAUSED: "it was paused",
        GapReason.SUSPENDED: "it was suspended",
        GapReason.RETRYING: "an earlier run was to be tried again",
        GapReason.LATE: "it could not begin within its start deadline",
        GapReason.OVERLAP: f"run {gap.run_id} was still running" if gap.run_id is not None else "it was still running",
        GapReason.HOST_DOWN: "no host was alive",
        GapReason.CLOCK_STEP: "the machine's clock was set, or it slept",
        GapReason.OVERLOAD: "the host was overloaded",
        GapReason.STOPPING: "the host was shutting down",
        GapReason.UNREGISTERED: "it was not in the code that the host had loaded",
    }
    return detail or {str(reason): words for reason, words in plain.items()}.get(gap.reason, clean(gap.reason, 100))


_VERBS = {
    "pause": "paused it",
    "resume": "resumed it",
    "run": "ran it",
    "cancel": "cancelled its run",
    "reset-counters": "reset its counters",
    "stack": "looked at its stack",
}


def _command_words(command: CommandRecord, now: Micros) -> Content:
    verb = _VERBS.get(command.verb, clean(command.verb, 40))
    if command.verb == "cancel" and command.params.get("force") is True:
        verb = "ended its run by force"
    if command.verb == "pause" and type(until := command.params.get("until")) is int:
        verb = f"paused it until {fmt.when(until, now)}"
    reason = f": {fmt.localised(clean(command.reason, 300), now)}" if command.reason else ""
    parts: list[str | tuple[str, str]] = [
        (f"{fmt.clock_time(command.requested_at, now)}  ", MUTED),
        f"{clean(command.requested_by, 80)} {verb}{reason}",
    ]
    if command.state == "pending":
        parts.append((" (the host has not answered yet)", "$text-warning"))
    elif command.state != "done":
        why = f": {fmt.localised(clean(command.result, 300), now)}" if command.result else ""
        parts.append((f" ({clean(command.state, 20)}{why})", "$text-warning"))
    return Content.assemble(*parts)


# Laying out


def _section(title: str, width: int) -> list[Content]:
    line = f"── {title} "
    return [Content(), Content.styled(line + "─" * max(0, min(width, 72) - cell_len(line)), MUTED)]


def _block(text: str, style: str, width: int, most: int) -> list[Content]:
    lines = Content.styled(clean(text, 16 * 1024, newlines=True), style).wrap(max(10, width - 2))
    shown = [Content.assemble("  ", line) for line in lines[:most]]
    if len(lines) > most:
        shown.append(Content.styled(f"  … {fmt.plural(len(lines) - most, 'more line')}", MUTED))
    return shown


def _wrap(line: Content, width: int, indent: int, hang: int = 2) -> Iterator[Content]:
    first, *rest = line.wrap(max(10, width - indent - hang)) or [Content()]
    yield Content.assemble(" " * indent, first)
    for more in rest:
        yield Content.assemble(" " * (indent + hang), more)


class OverviewPanel(Panel):
    """The page, scrolled; drawn again only where its words changed."""

    DEFAULT_CSS = """
    OverviewPanel > LineView { padding: 0 0 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "Edit", id="overview.edit"),
        Binding("c", "copy", "Copy", id="overview.copy"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._detail: WorkerDetail | None = None
        self._now: Micros = 0

    def compose(self) -> ComposeResult:
        yield LineView()

    def show(self, detail: WorkerDetail, now: Micros) -> None:
        """The worker as the database has it now."""
        fresh = self._detail is None or self._detail.worker.name != detail.worker.name
        self._detail, self._now = detail, now
        if self.is_mounted and self.view.width:
            self.view.set_lines(page(detail, now, self.view.width))
            if fresh:
                self.view.scroll_to(0, 0, animate=False)

    def editor_target(self) -> tuple[str, int] | None:
        path, _, line = (clean(self._detail.worker.source, 1000) if self._detail else "").rpartition(":")
        return (path, int(line)) if path and line.isdecimal() and line.isascii() and len(line) < 9 else None

    def on_resize(self) -> None:
        self.call_after_refresh(self._again)

    def _again(self) -> None:
        if self._detail is not None:
            self.show(self._detail, self._now)
