"""The screens that stand over the main one, and what has to be fetched for them. Each is imported when it is needed."""

from dataclasses import replace
from typing import TYPE_CHECKING

from workerconsole.snapshot import WorkerDetail
from workerkit.clock import Clock
from workerkit.store.records import LogRecord, WorkerRecord

if TYPE_CHECKING:
    from workerconsole.app import ConsoleApp


class Visits:
    """Opens them."""

    def __init__(self, console: "ConsoleApp", clock: Clock) -> None:
        self._console = console
        self._clock = clock

    def failures(self) -> None:
        """All failures, as groups."""
        from workerconsole.screens.failures import FailuresScreen

        self._console.push_screen(FailuresScreen(self._clock))

    def failure(self, run_id: int) -> None:
        """The traceback of a run."""
        from workerconsole.screens.traceback import TracebackScreen

        self._console.push_screen(TracebackScreen(run_id, self._clock))

    def why(self, worker: str) -> None:
        """Why a worker runs, or does not."""
        from workerconsole.screens.why import WhyScreen

        main = self._console.main
        self._console.push_screen(WhyScreen(worker, main.detail, lambda: main.snapshot, self._clock))

    def logs(self, detail: WorkerDetail, run_id: int | None = None) -> None:
        """What the latest runs of a worker printed, or this one."""
        from workerconsole.screens.logs import LogsScreen

        self._console.push_screen(LogsScreen(detail, self._console.main.now(), run_id))

    def run(self, run_id: int, *, failed: bool) -> None:
        """A run that is older than what the details have: the traceback of a failed one, the lines of any other."""
        database, detail = self._console.session.database, self._console.main.detail
        if database is None or detail is None:
            return
        if failed:
            self.failure(run_id)
            return

        def fetch() -> list[LogRecord]:
            with database.reader() as reader:
                return reader.log_lines(run_id)

        def show(lines: list[LogRecord]) -> None:
            if lines:
                self.logs(replace(detail, logs=tuple(lines)), run_id)
            else:
                self._console.tell(f"Run {run_id} has no lines, or they have been pruned.")

        self._console.in_background(fetch, show, self._not_fetched)

    def latest_failure(self, worker: WorkerRecord) -> None:
        """The traceback of a worker's latest failure; of one that failed to load, what the panel has of it."""
        database = self._console.session.database
        if database is None:
            return

        def latest() -> int | None:
            with database.reader() as reader:
                return next((failure.run_id for failure in reader.failures(worker.name, limit=1)), None)

        def show(run_id: int | None) -> None:
            if worker.load_error:
                self._console.main.pane.show_panel("failures")
            elif run_id is not None:
                self.failure(run_id)
            elif worker.failure_count:
                self._console.tell(f"The failures of {worker.name} are no longer kept; the counters still know them.")
            else:
                self._console.tell(f"{worker.name} has not failed yet.")

        self._console.in_background(latest, show, self._not_fetched)

    def _not_fetched(self, error: Exception) -> None:
        self._console.tell(str(error), severity="error")
