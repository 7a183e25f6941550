"""The exceptions of a failure as a tree: what left run() on top, below it what caused it, one line each."""

from collections.abc import Hashable, Sequence

from textual.content import Content
from textual.events import Resize

from workerconsole.traces import Trace
from workerconsole.widgets.cursor_view import CursorView

MUTED, NAME, MESSAGE, NOTE = "$text-muted", "bold $text-error", "$text-error", "$text-warning"
DEEPEST = 6
"""Levels that are indented further; a longer chain goes straight down from there."""
MAX_MESSAGE_LINES = 60


class ChainView(CursorView):
    """The cursor's exception shows its whole message and its notes under its line; the others one line each.

    So the pane says once, and in full, what went wrong. Its height is that of its tallest state, so that nothing
    below it moves while one walks through the chain.
    """

    DEFAULT_CSS = """
    ChainView { height: 1; border-bottom: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._traces: Sequence[Trace] = ()
        self._chosen = 0
        self._rows: list[tuple[int, Content]] = []
        self._most = 8

    @property
    def line_count(self) -> int:
        return len(self._rows)

    @property
    def chosen(self) -> int:
        """The number of the exception under the cursor."""
        return self._chosen

    @property
    def traces(self) -> Sequence[Trace]:
        """What it shows."""
        return self._traces

    def shows_cursor(self, y: int) -> bool:
        return len(self._traces) > 1 and super().shows_cursor(y)

    @property
    def walkable(self) -> bool:
        """Whether the focus has any business here: there are several, or the message needs scrolling."""
        return len(self._traces) > 1 or self.line_count > self.size.height > 0

    def set_traces(self, traces: Sequence[Trace], chosen: int = 0) -> None:
        """Show these, with the cursor on one of them."""
        self._traces, self._chosen = traces, chosen
        self._lay_out()

    def choose(self, number: int) -> None:
        """Put the cursor on an exception."""
        if number != self._chosen and 0 <= number < len(self._traces):
            self._chosen = number
            self._lay_out()
            self.post_message(self.Moved(self))

    def set_most(self, lines: int) -> None:
        """It takes at most so many lines."""
        if lines != self._most:
            self._most = lines
            self._lay_out()

    def row(self, y: int) -> Content:
        return self._rows[y][1]

    def row_key(self, y: int) -> Hashable:  # noqa: ARG002 - every line depends on the choice
        return self._chosen, len(self._rows)

    def move_by(self, lines: int) -> None:
        """Through a message that is longer than the pane, and from one exception to the next."""
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        first, behind = self._block()
        if (lines > 0 and behind > bottom) or (lines < 0 and first < top):
            self.scroll_to(y=top + lines, animate=False)
        else:
            self.choose(max(0, min(len(self._traces) - 1, self._chosen + lines)))

    def move_to(self, y: int, direction: int = 1) -> None:  # noqa: ARG002 - every line belongs to an exception
        """Choose the exception that a line belongs to."""
        if 0 <= y < len(self._rows):
            self.choose(self._rows[y][0])

    def selectable(self, y: int) -> bool:  # noqa: ARG002
        return True

    def bring_into_sight(self) -> None:
        """Show the cursor's exception, as much of its message as there is room for."""
        first, behind = self._block()
        top, height = self.scroll_offset.y, self.size.height
        if first < top or behind - first >= height:
            self.scroll_to(y=first, animate=False, immediate=True, force=True)
        elif behind > top + height:
            self.scroll_to(y=behind - height, animate=False, immediate=True, force=True)

    def _block(self) -> tuple[int, int]:
        """The lines of the cursor's exception: its first, and the one behind its last."""
        places = [y for y, (number, _) in enumerate(self._rows) if number == self._chosen]
        return (places[0], places[-1] + 1) if places else (0, 0)

    def on_resize(self, event: Resize) -> None:
        self._lay_out()
        super().on_resize(event)

    def _lay_out(self) -> None:
        width = self.width
        if not self._traces:
            self._rows = []
            self.redraw()
        if not width or not self._traces:
            return
        self._rows = [(number, line) for number in range(len(self._traces)) for line in self._shown(number, width)]
        self.cursor = next(y for y, (number, _) in enumerate(self._rows) if number == self._chosen)
        tallest = max(len(_open(trace, width)) for trace in self._traces) - 1 + len(self._traces)
        self.styles.height = max(1, min(tallest, self._most))
        self.fit()
        self.redraw()
        self.call_after_refresh(self.bring_into_sight)

    def _shown(self, number: int, width: int) -> list[Content]:
        trace = self._traces[number]
        if number == self._chosen:
            return _open(trace, width)
        head = _head(trace)
        message = trace.message.partition("\n")[0]
        name = (f"{trace.name}: " if trace.name and message else trace.name, "")
        return [Content.assemble(head, name, (message, MUTED)).truncate(width - 1, ellipsis=True)]


def _head(trace: Trace) -> Content:
    """The place in the tree: `  └ caused by  `."""
    if not trace.label:
        return Content()
    indent, branch = "  " * (min(trace.depth, DEEPEST) - 1), "└" if trace.last else "├"
    return Content.styled(f"{indent}{branch} {trace.label}  ", MUTED)


def _open(trace: Trace, width: int) -> list[Content]:
    """An exception with its full type, its whole message, and its notes."""
    head = _head(trace)
    module = trace.type[: len(trace.type) - len(trace.name)]
    indent = head.cell_length
    room = max(20, width - 2 - indent)
    colon = ": " if trace.name and trace.message else ""
    lines = Content.assemble((module, MUTED), (trace.name + colon, NAME), (trace.message, MESSAGE)).wrap(room)
    found = [Content.assemble(head, lines[0])] if lines else [head]
    found += [Content.assemble(" " * indent, line) for line in lines[1:MAX_MESSAGE_LINES]]
    for note in trace.notes:
        found += [Content.assemble(" " * (indent + 2), line) for line in Content.styled(note, NOTE).wrap(room - 2)]
    return found
