"""The source around the line where a call stood, as it was kept when the run failed."""

from textual.content import Content

from workerconsole.captures import Frame
from workerconsole.widgets.frames import NOTES, source_line
from workerconsole.widgets.line_view import LineView

MUTED, NOTE = "$text-muted", "$text-warning"


class SourceView(LineView):
    """Line numbers, the failing line with a mark, the failing expression underlined; or why there is no source."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._frame: Frame | None = None

    @property
    def line_width(self) -> int:
        return max((line.cell_length for line in self._lines), default=1)

    def set_frame(self, frame: Frame | None, change: str = "", wanted: str = "") -> None:
        """Show the source of a call. `change` says what is otherwise in the file now; `wanted` is searched for."""
        fresh = frame is not self._frame
        self._frame = frame
        self.set_lines(source_lines(frame, change, wanted))
        if fresh:
            self._bring_failing_line_into_sight()

    def _bring_failing_line_into_sight(self) -> None:
        frame = self._frame
        place = next((y for y, (number, _) in enumerate(frame.source) if number == frame.line), 0) if frame else 0
        self.scroll_to(0, max(0, place - self.size.height // 2), animate=False, immediate=True, force=True)

    def resized(self) -> None:
        super().resized()
        self._bring_failing_line_into_sight()


def source_lines(frame: Frame | None, change: str, wanted: str) -> list[Content]:
    """The lines of the pane."""
    if frame is None:
        return [Content.styled("No frames were kept.", MUTED)]
    if not frame.source:
        note = NOTES.get(frame.note, frame.note) or "none was kept"
        return [Content.styled(f"No source: {note}.", MUTED)]
    margin = min((len(text) - len(text.lstrip()) for _, text in frame.source if text), default=0)
    lines: list[Content] = []
    for place, (number, _) in enumerate(frame.source):
        line = source_line(frame, place, margin, "")
        lines.append(_highlighted(line, wanted.lower()) if wanted else line)
        if number == frame.line and change:
            lines.append(Content.styled(f"        │ {change}", NOTE))
    if frame.note:
        lines.append(Content.styled(f"        {NOTES.get(frame.note, frame.note)}", NOTE))
    return lines


def _highlighted(line: Content, wanted: str) -> Content:
    """The line with every place where the text stands in it turned inside out."""
    plain = line.plain.lower()
    start = plain.find(wanted)
    while start >= 0 and len(plain) == len(line.plain):
        line = line.stylize("reverse", start, start + len(wanted))
        start = plain.find(wanted, start + len(wanted))
    return line
