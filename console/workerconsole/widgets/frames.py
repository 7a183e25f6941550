"""A failure or a stack as lines: the exception first, then its calls, the deepest first, own code apart from the rest.

Lines are made on demand: a failure of fifty exceptions with sixty frames each has thousands of them, and an operator
sees forty.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.highlight import HighlightTheme, highlight

from workerconsole.captures import Capture, CaughtException, Frame, Stack
from workerconsole.format import plural
from workerconsole.text import TAB_SIZE

MUTED = "$text-muted"
BAD = "bold $text-error"
OWN = "bold $text-primary"
FAILING = "►"
SELECTED = "▌"
NEAR_BEFORE, NEAR_AFTER = 3, 2
"""Source lines around the failing one of the deepest frame, unless everything is unfolded."""
DEEPEST_INDENT = 6
MAX_MESSAGE_LINES = 40

_RELATIONS = {"cause": "caused by", "context": "raised while handling"}
NOTES = {
    "changed": "the file has changed since",
    "denied": "the source lies outside the project and is not read",
    "gone": "the file is gone",
    "no file": "no source file",
    "unreadable": "the file can't be read",
}
"""What captures note instead of source, in words."""


_CODE = {
    "Token.Comment": "$text-muted italic",
    "Token.Keyword": "$text-accent",
    "Token.Keyword.Constant": "$text-warning",
    "Token.Literal.String": "$text-success",
    "Token.Literal.Number": "$text-warning",
    "Token.Name.Decorator": "$text-accent",
    "Token.Operator.Word": "$text-accent",
}
_STYLES = {token: _CODE[str(token)] for token in HighlightTheme.STYLES if str(token) in _CODE}


class Row(NamedTuple):
    """One line: what draws it, and the frame it belongs to."""

    make: Callable[[], Content]
    frame: Frame | None = None
    heading: bool = False
    """It is the first line of its frame."""


class CodeTheme(HighlightTheme):
    """Source in few colours: what a word is matters less here than which line failed."""

    STYLES = _STYLES


def capture_rows(capture: Capture, title: str, width: int, *, everything: bool = False) -> list[Row]:
    """The lines of a failure. `title` stands where it kept no exception; `everything` unfolds library frames."""
    if capture.corrupt:
        return [
            *_wrapped(title, BAD, width, ""),
            _plain(""),
            _plain(f"Its details can't be shown: the record is damaged ({capture.corrupt}).", MUTED),
        ]
    rows = list(_exception_rows(capture.exceptions, 0, width, "", everything)) if capture.exceptions else []
    if not rows:
        rows.extend(_wrapped(title, BAD, width, ""))
    if capture.stack is not None:
        label = f" ({capture.stack.label})" if capture.stack.label else ""
        rows += [_plain(""), _rule(f"where it stood{label}", width, "")]
        rows += _stack_rows(capture.stack, width, everything)
    if capture.note and capture.note not in title:
        rows += [_plain(""), *_wrapped(capture.note, MUTED, width, "")]
    return rows


def stack_rows(stack: Stack, width: int, *, everything: bool = False) -> list[Row]:
    """The lines of a live stack, the deepest call first."""
    return list(_stack_rows(stack, width, everything))


def _stack_rows(stack: Stack, width: int, everything: bool) -> Iterator[Row]:
    yield from _frame_rows(stack.frames, width, "", everything)
    if stack.note:
        yield from _wrapped(stack.note, MUTED, width, "")


def _exception_rows(
    entries: Sequence[CaughtException], index: int, width: int, indent: str, everything: bool
) -> Iterator[Row]:
    entry = entries[index]
    module, dot, name = entry.type.rpartition(".")
    text = f"{name}: {entry.message}" if entry.message else name
    yield from _wrapped(text, BAD, width, indent, before=(module + dot, MUTED))
    for note in entry.notes:
        yield from _wrapped(note, "$text-warning", width, indent + "  ")
    yield from _frame_rows(entry.frames, width, indent, everything)
    if entry.cut:
        yield _plain(f"{indent}  … {entry.cut}", MUTED)
    children = [number for number in range(index + 1, len(entries)) if entries[number].parent == index]
    members = [number for number in children if entries[number].relation == "member"]
    deeper = indent + "│ " if len(indent) < 2 * DEEPEST_INDENT else indent
    for place, number in enumerate(members, 1):
        yield _plain(indent)
        yield _rule(f"{place} of {len(members)} in the group", width, deeper)
        yield from _exception_rows(entries, number, width, deeper, everything)
    for number in children:
        if entries[number].relation != "member":
            yield _plain(indent)
            yield _rule(_RELATIONS[entries[number].relation], width, indent)
            yield from _exception_rows(entries, number, width, indent, everything)


def _frame_rows(frames: Sequence[Frame], width: int, indent: str, everything: bool) -> Iterator[Row]:
    deepest = next((frame for frame in reversed(frames) if frame.own), frames[-1] if frames else None)
    for shown, run in groupby(reversed(frames), lambda frame: frame.own or everything or frame is deepest):
        if not shown:
            yield _folded(list(run), width, indent)
            continue
        # A recursion repeats one frame; once is enough to see it.
        for _, same in groupby(run, lambda frame: (frame.file, frame.line, frame.function)):
            frame, *again = same
            near = frame is deepest or (everything and frame.own)
            yield from _open_frame(frame, width, indent, near, everything)
            if again:
                yield _plain(f"{indent}  … and {plural(len(again), 'more call')} from this line to itself", MUTED)


def _open_frame(frame: Frame, width: int, indent: str, near: bool, everything: bool) -> Iterator[Row]:
    yield Row(partial(_frame_heading, frame, width, indent), frame, heading=True)
    before, after = (100, 100) if everything and near else (NEAR_BEFORE, NEAR_AFTER) if near else (0, 0)
    places = [
        place for place, (number, _) in enumerate(frame.source) if frame.line - before <= number <= frame.line + after
    ]
    for edge in (0, -1):
        while places and not frame.source[places[edge]][1] and frame.source[places[edge]][0] != frame.line:
            places.pop(edge)
    texts = [frame.source[place][1] for place in places]
    margin = min((len(text) - len(text.lstrip()) for text in texts if text), default=0)
    for place in places:
        yield Row(partial(source_line, frame, place, margin, indent), frame)
    if frame.note and (near or frame.own):
        note = NOTES.get(frame.note, frame.note)
        yield Row(partial(Content.styled, f"{indent}        {note}", MUTED), frame)


def _frame_heading(frame: Frame, width: int, indent: str) -> Content:
    where, name = split_path(frame.file)
    at = f"{name}:{frame.line}" if frame.line else name
    room = width - cell_len(indent) - 4 - cell_len(at) - 4 - cell_len(frame.function)
    where = shorten_path(where, max(room, 0))
    return Content.assemble(
        (indent, MUTED),
        "  ",
        (where, MUTED),
        (at, OWN if frame.own else "$text"),
        (" in ", MUTED),
        (frame.function, "bold" if frame.own else "$text"),
    )


def _folded(frames: Sequence[Frame], width: int, indent: str) -> Row:
    """One line for library frames that follow each other; the deepest one's function tells what was asked of them."""
    text = f"{indent}  … {plural(len(frames), 'library frame')}"
    packages = list(dict.fromkeys(package_of(frame.file) for frame in frames))
    names = ", ".join(packages[:4]) + (" …" if len(packages) > 4 else "")
    if len(text) + len(names) + 3 < width:
        text += f" ({names})"
    return _plain(text, MUTED)


def source_line(frame: Frame, place: int, margin: int, indent: str) -> Content:
    """A line of source without the `margin` that all lines shown of its frame begin with."""
    number = frame.source[place][0]
    failing = number == frame.line
    code = _highlighted(frame)[place]
    if failing and frame.mark is not None:
        start, stop = (min(column, len(code)) for column in frame.mark)
        if start < stop:
            code = code.stylize("underline", start, stop)
    gutter = f"{FAILING if failing else ' '}{number:>5} │ "
    return Content.assemble(
        (indent, MUTED), "  ", (gutter, BAD if failing else MUTED), code[margin:].stylize_before("$text")
    )


@lru_cache(maxsize=64)
def _highlighted(frame: Frame) -> tuple[Content, ...]:
    texts = [text for _, text in frame.source]
    language = "python" if frame.file.endswith((".py", ".pyw")) else "text"
    lines = highlight("\n".join(texts), language=language, theme=CodeTheme, tab_size=TAB_SIZE).split("\n")
    # The highlighter drops empty lines at the end.
    return (*lines, *(Content(text, strip_control_codes=False) for text in texts[len(lines) :]))


def _wrapped(text: str, style: str, width: int, indent: str, *, before: tuple[str, str] | None = None) -> Iterator[Row]:
    head = Content.assemble(before) if before and before[0] else Content()
    whole = Content.assemble(head, (text, style))
    lines = whole.wrap(max(20, width - len(indent)))
    for line in lines[:MAX_MESSAGE_LINES]:
        yield Row(partial(Content.assemble, (indent, MUTED), line))
    if len(lines) > MAX_MESSAGE_LINES:
        yield _plain(f"{indent}… {plural(len(lines) - MAX_MESSAGE_LINES, 'more line')}", MUTED)


def _rule(text: str, width: int, indent: str) -> Row:
    line = f"{indent}── {text} "
    return _plain(line + "─" * max(0, min(width, 72) - cell_len(line)), MUTED)


def _plain(text: str, style: str = "") -> Row:
    return Row(partial(Content.styled, text, style))


def shorten_path(folder: str, room: int) -> str:
    """A folder in at most `room` cells; its end says more than its beginning."""
    if cell_len(folder) <= room:
        return folder
    parts = folder.split("/")
    for first in range(1, len(parts)):
        tail = "…/" + "/".join(parts[first:])
        if cell_len(tail) <= room and tail != "…/":
            return tail
    return "…/" if room >= 2 else ""


def package_of(file: str) -> str:
    """The name by which people know a library file: its package, or its module."""
    for root in ("/site-packages/", "/dist-packages/"):
        if root in file:
            return file.rpartition(root)[2].partition("/")[0].removesuffix(".py")
    parts = file.split("/")
    for place, part in enumerate(parts[:-1]):
        if part.startswith("python3") or part in ("workerkit", "Lib"):
            return part if part == "workerkit" else parts[place + 1].removesuffix(".py")
    return parts[-1].removesuffix(".py")


def split_path(file: str) -> tuple[str, str]:
    """A path as its folder, with the slash, and the file's name."""
    folder, slash, name = file.rpartition("/")
    return folder + slash, name
