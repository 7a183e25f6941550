"""A live stack as lines: where the samples were, where it stands, what it waits for, what it said last."""

from collections.abc import Iterator, Sequence
from functools import partial

from textual.content import Content

from workerconsole import format as fmt
from workerconsole.captures import Stack
from workerconsole.samples import Place, Samples
from workerconsole.text import clean
from workerconsole.usual import Usual
from workerconsole.widgets.frames import BAD, MUTED, OWN, Row, split_path, stack_rows
from workerkit.store.records import LogRecord

LATEST_LINES = 5
"""Lines of output shown under the stack."""
SHARE_CELLS = 6
"""Cells of the bar that shows the share of the samples."""
_BAR = "█"
_TRACK = "·"


def live_rows(
    stack: Stack, samples: Samples, lines: Sequence[LogRecord], width: int, *, everything: bool = False
) -> list[Row]:
    """All lines of an answer: the tree of samples first, since it tells what one look can't."""
    rows: list[Row] = []
    places = [place for place in samples.places if everything or place.own or place.deepest]
    if samples.count > 1 and places:
        rows += [_rule(f"where {samples.count} looks within a second found it", width)]
        rows += [Row(partial(_sample_line, place, samples.count, width)) for place in places]
        rows += [_blank(), _rule("where it stood at the last look", width)]
    rows += stack_rows(stack, width, everything=everything)
    for child in samples.children:
        rows += [_blank(), _rule(f"waits for {child.label}", width)]
        rows += stack_rows(child, width, everything=everything)
    if lines:
        rows += [_blank(), _rule("what it said last", width)]
        rows += list(_log_rows(lines[-LATEST_LINES:]))
    return rows


def age_text(age: int, known: Usual | None) -> Content:
    """How long the run has been at it, beside what is usual."""
    parts: list[tuple[str, str]] = [("running for ", MUTED), (fmt.duration(age), "$text")]
    if known is not None:
        late = age > known.p95
        parts += [
            ("; usually ", MUTED),
            (fmt.duration(known.p50), "$text"),
            (", p95 ", MUTED),
            (fmt.duration(known.p95), BAD if late else "$text"),
            (f" over {fmt.plural(known.runs, 'run')}", MUTED),
        ]
    return Content.assemble(*parts)


def _sample_line(place: Place, total: int, width: int) -> Content:
    share = max(1, round(SHARE_CELLS * place.count / total)) if place.count else 0
    _, name = split_path(place.file)
    indent = "  " * place.level
    where = f"{name}:{place.line}"
    line = Content.assemble(
        (f"{place.count:>3} ", "bold $text" if place.count * 2 > total else MUTED),
        (_BAR * share, "$text-primary"),
        (_TRACK * (SHARE_CELLS - share), MUTED),
        " ",
        indent,
        (where, OWN if place.own else "$text"),
        (" in ", MUTED),
        (place.function, "bold" if place.own else "$text"),
        (f"  {place.text}" if place.text else "", "$text" if place.own else MUTED),
    )
    return line.truncate(max(20, width), ellipsis=True)


def _log_rows(lines: Sequence[LogRecord]) -> Iterator[Row]:
    for line in lines:
        text = clean(line.text, 500)
        mark = (line.level or line.stream)[:7].lower()
        yield Row(partial(Content.assemble, (fmt.clock_time(line.at), MUTED), (f" {mark:<7} ", MUTED), (text, "$text")))


def _rule(text: str, width: int) -> Row:
    line = f"── {text} "
    return Row(partial(Content.styled, line + "─" * max(0, min(width, 72) - len(line)), MUTED))


def _blank() -> Row:
    return Row(Content)
