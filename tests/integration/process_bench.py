"""One run in one process, as a host would have it, without the host."""

import json
import threading
from itertools import count
from types import MappingProxyType
from typing import Any, Self

from tests.waiting import wait_for
from workerkit import RunContext
from workerkit.clock import SystemClock, to_datetime
from workerkit.executors.processes import ProcessExecutor
from workerkit.failures import Redactor
from workerkit.outcome import Failure, Result, StopCause, Trigger
from workerkit.output import RunOutput
from workerkit.registration import Registration
from workerkit.registry import Registry
from workerkit.roster import ActiveRun, Run

_ids = count(1)


class Trial:
    """Begins a run on a thread of its own; result() waits for its end."""

    def __init__(
        self, executor: ProcessExecutor, worker: Any, params: dict[str, Any] | None = None, state: str = "{}"
    ) -> None:
        self.executor = executor
        registration = worker if isinstance(worker, Registration) else Registry().register(worker)
        clock, redactor = SystemClock(), Redactor(registration.secrets)
        now = clock.now()
        run = Run(next(_ids), registration.name, 1, Trigger.MANUAL, now, now, params or {})
        self.output = RunOutput(clock, redactor)
        self.active = ActiveRun(run, registration, self.output, redactor)
        self.context = self.active.context = RunContext(
            run_id=run.id,
            worker=run.worker,
            attempt=1,
            due_at=to_datetime(now),
            deadline=None,
            params=MappingProxyType(run.params),
            state=json.loads(state),
            cancellation=self.active.cancellation,
        )
        self._state = state
        self._said: list[str] = []
        self._results: list[Result] = []
        self._thread = threading.Thread(target=self._perform, daemon=True)

    def _perform(self) -> None:
        self._results.append(self.executor.perform(self.active, self.context, self._state))

    def begin(self) -> Self:
        self._thread.start()
        return self

    def begin_and_wait(self, line: str = "stdout: ready") -> Self:
        """Until the worker has printed that."""
        self.begin()
        wait_for(lambda: line in self.lines() or self._results, line)
        assert not self._results, self._results[0].failure
        return self

    def wait_for_its_process(self) -> None:
        """Until it has one; or has already lost it, where the zygote that it asked was dying."""
        wait_for(lambda: self.executor._runs.get(self.active.run.id) or self._results, "its process")

    def stop(self, cause: StopCause, reason: str = "it took longer than 1s") -> Self:
        self.active.cancellation.request(cause, reason)
        return self

    def result(self, patience: float = 20.0) -> Result:
        self._thread.join(patience)
        assert self._results, "the run did not end"
        return self._results[0]

    def run(self) -> Result:
        return self.begin().result()

    def failure(self) -> Failure:
        failure = (self.result() if self._thread.ident else self.run()).failure
        assert failure is not None
        return failure

    def lines(self) -> list[str]:
        """What it has printed and logged so far, each with its stream in front."""
        if (captured := self.output.drain(self.active.run.id, "trial")) is not None:
            self._said += [f"{line.stream}: {line.text}" for line in captured.lines]
        return self._said


def functions(stack: dict[str, Any] | None) -> list[str]:
    """The functions of a stack, outermost first."""
    assert stack is not None
    return [frame["function"] for frame in stack["frames"]]
