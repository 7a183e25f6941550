"""What the panels of the detail pane have in common, and what they ask of the app."""

from dataclasses import dataclass

from textual.containers import Vertical
from textual.message import Message

from workerconsole.snapshot import WorkerDetail
from workerconsole.widgets.line_view import LineView
from workerkit.clock import Micros


class Panel(Vertical):
    """One view of a worker. `show` is called up to ten times a second, so it does only what changed."""

    DEFAULT_CSS = """
    Panel { height: 1fr; }
    """

    @dataclass
    class EditorWanted(Message):
        """Open this file at this line in the operator's editor. Both come from a worker's record: check them."""

        path: str
        line: int

    @dataclass
    class CopyWanted(Message):
        """Put this text on the clipboard; `what` names it for the toast."""

        text: str
        what: str

    @dataclass
    class HintChanged(Message):
        """The panel has something else to say about itself."""

        panel: "Panel"

        @property
        def control(self) -> "Panel":
            return self.panel

    @property
    def view(self) -> LineView:
        """What takes the focus."""
        return self.query_one(LineView)

    @property
    def hint(self) -> str:
        """A few words on where the operator is and which keys help; ours, never a worker's text."""
        return ""

    def show(self, detail: WorkerDetail, now: Micros) -> None:
        raise NotImplementedError

    def editor_target(self) -> tuple[str, int] | None:
        """The file and line that the editor key means here, or None."""
        return None

    def copy_text(self) -> tuple[str, str] | None:
        """The text that the copy key means here, and what it is called; None when there is nothing."""
        view = self.view
        text = "\n".join(view.line(y).plain.rstrip() for y in range(view.line_count))
        return (text, "the panel") if text.strip() else None

    def action_edit(self) -> None:
        if (target := self.editor_target()) is not None:
            self.post_message(self.EditorWanted(*target))

    def action_copy(self) -> None:
        if (copied := self.copy_text()) is not None:
            self.post_message(self.CopyWanted(*copied))
