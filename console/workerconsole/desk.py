"""What the main screen's actions can do, and what they need to know of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from workerkit.store.records import WorkerRecord

Verb = Literal["pause", "resume", "run", "cancel", "pause-all", "resume-all", "reset-counters", "stack"]
Panel = Literal["overview", "runs", "failures", "logs", "stack"]


class Desk(Protocol):
    """What an action can do. The main screen is one; tests have another."""

    def order(
        self,
        verb: Verb,
        workers: Sequence[WorkerRecord] = (),
        params: dict[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """Give a command to the host, for each worker, or for all with a verb that names none."""

    def ask(self, question: str, yes: str, then: Callable[[], None]) -> None:
        """Ask before something that is hard to reverse."""

    def ask_params(self, worker: WorkerRecord) -> None: ...
    def ask_pause(self, workers: Sequence[WorkerRecord], *, everyone: bool = False) -> None:
        """Ask for how long and why, then pause."""

    def open_why(self) -> None: ...
    def show_panel(self, panel: Panel) -> None: ...
    def turn_panel(self, step: int) -> None: ...
    def open_traceback(self) -> None: ...
    def open_failures(self) -> None: ...
    def show_workers(self) -> None: ...
    def open_detail(self) -> None: ...
    def go_back(self) -> None: ...
    def leave(self) -> None: ...
    def open_help(self) -> None: ...
    def open_palette(self) -> None: ...
    def open_filter(self) -> None: ...
    def freeze(self) -> None: ...
    def copy_error(self) -> None: ...
    def move_cursor(self, rows: int = 0, pages: int = 0) -> None: ...
    def move_cursor_to_end(self, bottom: bool) -> None: ...
    def toggle_mark(self) -> None: ...
    def mark_all(self) -> None: ...
    def sort_next(self) -> None: ...
    def sort_reverse(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The state of the screen that decides what can be done now."""

    desk: Desk
    selected: WorkerRecord | None = None
    marked: tuple[WorkerRecord, ...] = ()
    known: int = 0
    """How many workers there are."""
    all_paused: bool = False
    host_alive: bool = True
    ready: bool = True
    """The database is open."""
    read_only: bool = False
    frozen: bool = False

    @property
    def targets(self) -> tuple[WorkerRecord, ...]:
        """Whom an action means: the marked workers, else the one under the cursor."""
        if self.marked:
            return self.marked
        return (self.selected,) if self.selected is not None else ()
