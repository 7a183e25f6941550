"""Records for the detail pane, an app that shows nothing else, and what stands on its screen."""

import json
import zlib
from typing import Any

from textual.app import App, ComposeResult
from textual.message import Message
from textual.screen import Screen

from tests.console.factory import NOW, worker
from workerconsole.safe_filter import SafeFilter
from workerconsole.snapshot import WorkerDetail
from workerconsole.widgets.detail_pane import DetailPane
from workerconsole.widgets.line_view import LineView
from workerconsole.widgets.panel import Panel
from workerconsole.widgets.stack_panel import StackPanel
from workerkit.clock import SECOND
from workerkit.store.records import CommandRecord, FailureRecord, GapRecord, LogRecord, RunRecord


def run(id: int = 1, **changes: Any) -> RunRecord:  # noqa: A002 - the record's name for it
    """A run that succeeded in 1.2 s, a few seconds ago."""
    fields: dict[str, Any] = {
        "id": id,
        "worker": "web",
        "attempt": 1,
        "trigger": "schedule",
        "due_at": NOW - 4 * SECOND,
        "started_at": NOW - 4 * SECOND,
        "finished_at": NOW - 2_800_000,
        "outcome": "succeeded",
        "kind": None,
        "duration": 1_200_000,
        "error": None,
        "summary": None,
        "params": None,
        "host_id": 1,
        "host": "box:4211",
        "progress_done": None,
        "progress_total": None,
        "progress_note": None,
        "dropped_lines": None,
        "retry_at": None,
    }
    return RunRecord(**(fields | changes))


def frame(line: int = 7, function: str = "work", **changes: Any) -> dict[str, Any]:
    """A frame of the user's code with two lines around the failing one."""
    source = [[line - 1, "    total = 0"], [line, "    total = price / count"], [line + 1, "    return total"]]
    fields = {
        "file": "/srv/app/jobs.py",
        "line": line,
        "function": function,
        "own": True,
        "columns": [12, 25],
        "source": source,
    }
    return fields | changes


def library_frame(name: str = "connect", **changes: Any) -> dict[str, Any]:
    file = "/usr/lib/python3.11/http/client.py"
    return frame(941, name, file=file, own=False, source=[[941, "self.sock = create()"]], columns=None) | changes


def exception(type_: str = "ZeroDivisionError", message: str = "division by zero", **changes: Any) -> dict[str, Any]:
    fields = {"type": type_, "message": message, "notes": [], "relation": "root", "parent": None, "frames": [frame()]}
    return fields | changes


def failure(run_id: int = 1, *exceptions: dict[str, Any], **changes: Any) -> FailureRecord:
    fields: dict[str, Any] = {
        "run_id": run_id,
        "worker": "web",
        "at": NOW - 12 * SECOND,
        "kind": "error",
        "error": "ZeroDivisionError: division by zero",
        "capture": {"version": 1, "exceptions": list(exceptions or (exception(),))},
        "fingerprint": "3f2a",
    }
    fields |= changes
    fields.setdefault("capture_of", fields["run_id"])
    return FailureRecord(packed=zlib.compress(json.dumps(fields.pop("capture")).encode()), **fields)


def log(run_id: int = 1, seq: int = 0, text: str = "hello", **changes: Any) -> LogRecord:
    fields: dict[str, Any] = {
        "run_id": run_id,
        "seq": seq,
        "at": NOW - 3 * SECOND,
        "stream": "stdout",
        "level": None,
        "logger": None,
        "text": text,
    }
    return LogRecord(**(fields | changes))


def gap(**changes: Any) -> GapRecord:
    fields: dict[str, Any] = {
        "id": 1,
        "worker": "web",
        "reason": "overlap",
        "first_due_at": NOW - 60 * SECOND,
        "last_due_at": NOW - 10 * SECOND,
        "count": 12,
        "detail": "run 31 was still running",
        "run_id": 31,
        "host_id": 1,
    }
    return GapRecord(**(fields | changes))


def command(verb: str = "pause", **changes: Any) -> CommandRecord:
    fields: dict[str, Any] = {
        "id": 1,
        "verb": verb,
        "worker": "web",
        "params": {},
        "reason": "",
        "requested_at": NOW - 30 * SECOND,
        "requested_by": "anna",
        "state": "done",
        "result": "done",
        "data": None,
        "run_id": None,
        "finished_at": NOW - 30 * SECOND,
    }
    return CommandRecord(**(fields | changes))


def detail(**changes: Any) -> WorkerDetail:
    """A healthy worker without any history, and what the test adds."""
    fields: dict[str, Any] = {
        "worker": worker(),
        "runs": (),
        "failures": (),
        "logs": (),
        "gaps": (),
        "commands": (),
        "stack": None,
    }
    return WorkerDetail(**(fields | changes))


class PaneApp(App[None]):
    """The detail pane alone; what it asks for is kept in `heard`."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield DetailPane()

    async def on_mount(self) -> None:
        await self.pane.furnish()

    def get_line_filters(self) -> list[Any]:
        return [*super().get_line_filters(), SafeFilter()]

    @property
    def pane(self) -> DetailPane:
        return self.query_one(DetailPane)

    def on_detail_pane_left(self, message: DetailPane.Left) -> None:
        self.heard.append(message)

    def on_detail_pane_run_opened(self, message: DetailPane.RunOpened) -> None:
        self.heard.append(message)

    def on_panel_editor_wanted(self, message: Panel.EditorWanted) -> None:
        self.heard.append(message)

    def on_stack_panel_wanted(self, message: StackPanel.Wanted) -> None:
        self.heard.append(message)

    def on_panel_copy_wanted(self, message: Panel.CopyWanted) -> None:
        self.heard.append(message)


def lines_of(view: LineView) -> list[str]:
    """All lines of a view, in sight or not."""
    return [view.line(y).plain.rstrip() for y in range(view.line_count)]


def on_screen(screen: Screen[Any]) -> list[str]:
    """What the terminal shows, line by line."""
    return ["".join(segment.text for segment in strip).rstrip() for strip in screen._compositor.render_strips()]
