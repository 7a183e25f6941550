"""The line above a pane: what is in it, and whether the keys go there."""

from rich.cells import cell_len
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static


class PaneTitle(Static):
    """`▸ Frames  2 yours, 9 library`; with the focus it has another colour and a sign."""

    DEFAULT_CSS = """
    PaneTitle { height: 1; width: 1fr; background: $panel; color: $text-muted; }
    """

    class Clicked(Message):
        """The operator wants the focus there."""

        def __init__(self, title: "PaneTitle") -> None:
            super().__init__()
            self.title = title

    def __init__(self, name: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._name = name
        self._about = Content()
        self._hint = ""
        self._focused = False

    def set_about(self, about: Content, hint: str = "") -> None:
        """What stands behind the name, and at the right."""
        if not about.is_same(self._about) or hint != self._hint:
            self._about, self._hint = about, hint
            self._draw()

    def set_focused(self, focused: bool) -> None:
        """Whether the keys go to this pane."""
        if focused != self._focused:
            self._focused = focused
            self._draw()

    def _draw(self) -> None:
        chosen = "bold $block-cursor-foreground on $block-cursor-background" if self._focused else "bold"
        line = Content.assemble((f"{'▸' if self._focused else ' '}{self._name} ", chosen), "  ", self._about)
        room = self.size.width - 1
        if self._hint and line.cell_length + cell_len(self._hint) + 2 <= room:
            line = Content.assemble(line, " " * (room - line.cell_length - cell_len(self._hint)), self._hint)
        self.update(line.truncate(max(room, 1), ellipsis=True), layout=False)

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Clicked(self))
