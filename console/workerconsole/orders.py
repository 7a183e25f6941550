"""Commands to the host: given for one worker or many, and what came of them in one sentence."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from workerkit.store.records import CommandRecord

ANSWER_WITHIN = 6.0
"""Seconds to wait for all answers; a host that is busy answers later, and the screen shows it then."""

Severity = Literal["information", "warning", "error"]

_DONE = {
    "pause": "paused",
    "resume": "resumed",
    "run": "started",
    "cancel": "told to stop",
    "reset-counters": "reset",
    "stack": "looked at",
    "pause-all": "All workers are paused.",
    "resume-all": "All workers are resumed.",
}


class Ordering(Protocol):
    """What gives commands; workerkit's Operator is one."""

    def submit(
        self, verb: str, worker: str | None = None, *, params: dict[str, Any] | None = None, reason: str = ""
    ) -> int: ...
    def wait(self, command_id: int, timeout: float = 5.0) -> CommandRecord: ...


@dataclass(frozen=True, slots=True)
class Order:
    """One command for each of some workers; for none named, one for the whole host."""

    verb: str
    workers: tuple[str, ...] = ()
    params: dict[str, Any] | None = field(default=None, hash=False)
    reason: str = ""
    """Why, in the operator's words; kept with the command."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of an order."""

    order: Order
    answers: tuple[CommandRecord, ...]

    @property
    def severity(self) -> Severity:
        states = {answer.state for answer in self.answers}
        if "failed" in states:
            return "error"
        return "warning" if "refused" in states or "pending" in states else "information"

    def sentence(self, host_alive: bool) -> str:
        """What the operator reads."""
        if len(self.answers) == 1:
            return self._single(self.answers[0], host_alive)
        done = sum(answer.state == "done" for answer in self.answers)
        parts = [f"{done:,} of {len(self.answers):,} workers {_DONE.get(self.order.verb, 'done')}."]
        pending = sum(answer.state == "pending" for answer in self.answers)
        if pending:
            parts.append(f"{pending:,} not answered yet.")
        refusal = next((answer for answer in self.answers if answer.state in ("refused", "failed")), None)
        if refusal is not None:
            parts.append(f"For instance: {_result(refusal)}")
        return " ".join(parts)

    def _single(self, answer: CommandRecord, host_alive: bool) -> str:
        whom = f"{answer.worker}: " if answer.worker else ""
        if answer.state == "pending":
            when = "The host has not answered yet." if host_alive else "Stored; the next host applies it at its start."
            return f"{whom}{answer.verb}: {when}"
        if answer.result:
            return _result(answer)
        done = _DONE.get(answer.verb, answer.verb)
        return done if answer.worker is None else f"{whom}{done}."


def carry_out(operator: Ordering, order: Order, timeout: float = ANSWER_WITHIN) -> Report:
    """Give the commands, then wait for their answers. Blocks; never on the screen's thread.

    The answers share one deadline, so that many workers don't make a long wait.
    """
    whom = order.workers or (None,)
    ids = [operator.submit(order.verb, name, params=order.params, reason=order.reason) for name in whom]
    answers: list[CommandRecord] = []
    patience = timeout
    for command_id in ids:
        answer = operator.wait(command_id, patience)
        answers.append(answer)
        if answer.state == "pending":
            # The host does not answer at all: look at the others, but wait for none of them.
            patience = 0.0
    return Report(order, tuple(answers))


def _result(answer: CommandRecord) -> str:
    text = answer.result or answer.state
    return text if answer.worker is None or answer.worker in text else f"{answer.worker}: {text}"
