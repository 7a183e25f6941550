"""What the frames say: an order to a child, and what it answers. What a child says is checked in every part."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from workerkit.clock import Micros
from workerkit.context import Progress
from workerkit.guard import MAX_OWN_NAME, MAX_STATE, MAX_SUMMARY
from workerkit.outcome import Failure, FailureKind, Outcome, Result
from workerkit.processes.locator import Locator
from workerkit.processes.protocol import Frame, ProtocolError
from workerkit.schedule import MAX_INTERVAL

MAX_ERROR = 1_000
"""Characters of the line that a failure shows in lists."""
MAX_LOG = 256 * 1024
"""Characters of one log record on its way to the host."""
MAX_WORD = 200
"""Characters of a level or a logger's name."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process must have as the host has it."""

    folder: str
    path: list[str]
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Order:
    """One run, as its child is told."""

    run_id: int
    worker: str
    attempt: int
    trigger: str
    due_at: Micros
    started_at: Micros
    deadline: Micros | None
    params: dict[str, Any]
    state: str
    locator: Locator
    asynchronous: bool
    timeout: Micros | None
    memory_limit: int | None
    cpu_limit: Micros | None
    warm: bool
    capture_locals: bool
    secrets: list[str]
    surroundings: Surroundings

    def frame(self) -> Frame:
        return {"kind": "start", "order": asdict(self)}

    @classmethod
    def read(cls, frame: Frame) -> "Order":
        """The order in a frame of the host's.

        Raises:
            ProtocolError: it has other parts; host and child are of two versions.
        """
        try:
            fields = dict(frame["order"])
            locator, surroundings = Locator(**fields.pop("locator")), Surroundings(**fields.pop("surroundings"))
            return cls(locator=locator, surroundings=surroundings, **fields)
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"this order can't be read: {error}") from error


def result_frame(result: Result, progress: Progress | None) -> Frame:
    """A result as a frame."""
    return {
        "kind": "result",
        "outcome": result.outcome.value,
        "failure": None if (failure := result.failure) is None else _failure_fields(failure),
        "summary": result.summary,
        "state": result.state,
        "retry_in": result.retry_in,
        "progress": None if progress is None else asdict(progress),
    }


def _failure_fields(failure: Failure) -> Frame:
    return {name: getattr(failure, name) for name in ("kind", "error", "capture", "named")}


def read_result(frame: Frame) -> Result:
    """The result in a frame of a child's.

    Raises:
        ProtocolError: it is none, or none that guarded execution could have made.
    """
    try:
        outcome = Outcome(_text(frame, "outcome", MAX_WORD))
    except ValueError as error:
        raise ProtocolError("a result has an unknown outcome") from error
    failure = _read_failure(frame["failure"]) if frame.get("failure") is not None else None
    if (failure is not None) != (outcome is Outcome.FAILED):
        raise ProtocolError(f"a result is {outcome} {'with' if failure else 'without'} a failure")
    return Result(
        outcome,
        failure,
        summary=_optional(frame, "summary", MAX_SUMMARY),
        state=_read_state(_optional(frame, "state", MAX_STATE)),
        retry_in=_number(frame, "retry_in", MAX_INTERVAL),
    )


def read_progress(frame: Frame) -> Progress:
    """How far a run is.

    Raises:
        ProtocolError: the frame says something else.
    """
    done = _number(frame, "done", 2**63, least=-(2**63))
    if done is None:
        raise ProtocolError("progress says not how much is done")
    return Progress(done, _number(frame, "total", 2**63, least=-(2**63)), _text(frame, "note", MAX_ERROR))


def read_log(frame: Frame) -> tuple[str, str, str]:
    """Level, logger and text of a log record.

    Raises:
        ProtocolError: the frame says something else.
    """
    return _text(frame, "level", MAX_WORD), _text(frame, "logger", MAX_WORD), _text(frame, "text", MAX_LOG)


def _read_failure(value: Any) -> Failure:
    if type(value) is not dict or type(value.get("capture")) is not dict:
        raise ProtocolError("a failure has no capture")
    try:
        kind = FailureKind(_text(value, "kind", MAX_WORD))
    except ValueError as error:
        raise ProtocolError("a failure is of an unknown kind") from error
    return Failure(kind, _text(value, "error", MAX_ERROR), value["capture"], _optional(value, "named", MAX_OWN_NAME))


def _read_state(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        if type(json.loads(text)) is dict:
            return text
    except (ValueError, RecursionError):
        pass
    raise ProtocolError("the state is no JSON object")


def _text(frame: Frame, name: str, limit: int) -> str:
    value = frame.get(name)
    if type(value) is not str or len(value) > limit:
        raise ProtocolError(f"{name} is no text of at most {limit:,} characters")
    return value


def _optional(frame: Frame, name: str, limit: int) -> str | None:
    return None if frame.get(name) is None else _text(frame, name, limit)


def _number(frame: Frame, name: str, limit: int, *, least: int = 0) -> int | None:
    value = frame.get(name)
    if value is not None and (type(value) is not int or not least <= value < limit):
        raise ProtocolError(f"{name} is no number from {least:,} to {limit:,}")
    return value
