"""Guarded execution: calls the worker's code and turns whatever it does into a Result. Nothing gets past it."""

import asyncio
import inspect
import json
import logging
import random
import threading
import time
from typing import Any

from workerkit.clock import Micros
from workerkit.context import RunContext
from workerkit.errors import Cancel, RetryAfter, RunCancelled
from workerkit.failures import Capture, fingerprint
from workerkit.failures.sampling import Mention, place_of
from workerkit.failures.values import type_name
from workerkit.outcome import Failure, FailureKind, Outcome, Result, StopCause
from workerkit.output import route_to
from workerkit.policy import Retry
from workerkit.roster import ActiveRun
from workerkit.schedule import MAX_INTERVAL, parse_duration

logger = logging.getLogger(__name__)

_to_json = json.JSONEncoder(allow_nan=False).encode

MAX_STATE = 64 * 1024
"""Characters of ctx.state as JSON; it is a note to the next run, not a store."""
MAX_SUMMARY = 500
"""Characters kept of what run() returned."""
MAX_OWN_NAME = 200
"""Characters kept of what a worker calls its failure."""
_NOTHING_TO_TELL = Result(Outcome.SUCCEEDED)
"""What nearly every run comes to."""
_ASKED = Retry()
"""How often a worker without a policy may raise RetryAfter."""
PANIC = "Worker panic: "
"""What last_error begins with when a worker did what none must ever do."""


def call(active: ActiveRun, ctx: RunContext, state_before: str) -> Result:
    """Runs a plain worker on this thread. Never raises."""
    active.thread_id = threading.get_ident()
    route_to(active.output)
    try:
        returned = active.registration.worker.run(ctx)
        result = _returned(active, returned)
    except BaseException as error:  # noqa: BLE001 -- the guard's whole purpose
        result = _raised(active, error)
    return _finish(active, ctx, state_before, result)


async def call_async(active: ActiveRun, ctx: RunContext, state_before: str) -> Result:
    """Runs an async worker as the current task. Never raises, not even CancelledError."""
    route_to(active.output)
    try:
        returned = await active.registration.worker.run(ctx)
        result = _returned(active, returned)
    except BaseException as error:  # noqa: BLE001 -- the guard's whole purpose
        result = _raised(active, error)
    return _finish(active, ctx, state_before, result)


def stopped(active: ActiveRun) -> Result:
    """The result of a run that gave way to a request to stop, or never began because of one."""
    match active.cancellation.cause:
        case StopCause.TIMEOUT:
            return timed_out(active)
        case StopCause.SHUTDOWN:
            return Result(Outcome.INTERRUPTED)
        case _:
            return Result(Outcome.CANCELLED, summary=active.cancellation.reason)


def timed_out(active: ActiveRun) -> Result:
    """The failure of a run that passed its timeout, with the stack where it stood then."""
    capture: dict[str, Any] = {"version": 1, "exceptions": [], "note": active.cancellation.reason or "timeout"}
    if active.stack is not None:
        capture["stack"] = active.stack
    text = f"Timeout: {active.cancellation.reason}"
    return Result(
        Outcome.FAILED, Failure(FailureKind.TIMEOUT, text, capture), retry_in=retry_in(active, TimeoutError())
    )


def retry_in(active: ActiveRun, error: BaseException) -> Micros | None:
    """After which time a run that failed like this is to be tried again; None: it is not. Never raises."""
    policy, attempt = active.registration.retry, active.run.attempt
    if active.cancellation.cause in (StopCause.OPERATOR, StopCause.REPLACED):
        return None  # whoever wanted an end of it wants no other attempt, however it ended
    try:
        asked = error.seconds if isinstance(error, RetryAfter) else None
        if attempt >= (policy or _ASKED).attempts or (policy is None and asked is None):
            return None
        if asked is not None:
            return min(parse_duration(asked), MAX_INTERVAL)
        assert policy is not None
        return policy.delay(attempt, random.random()) if policy.wants(error) else None  # noqa: S311 -- only spreads
    except BaseException:
        logger.exception(
            "the retry rule of %s failed; run %d is not tried again", active.registration.name, active.run.id
        )
        return None


def _returned(active: ActiveRun, value: Any) -> Result:
    cancellation = active.cancellation
    if cancellation.cause is StopCause.TIMEOUT:
        return timed_out(active)
    if cancellation.cause is not None and cancellation.observed:
        return stopped(active)
    if inspect.iscoroutine(value):
        value.close()
        error = "TypeError: run() returned a coroutine that nobody awaited; write it as `async def run(self, ctx)`"
        return Result(Outcome.FAILED, _told(error))
    summary = _summary(value)
    if summary is None:
        return _NOTHING_TO_TELL
    return Result(Outcome.SUCCEEDED, summary=active.redactor.bounded(summary, MAX_SUMMARY))


def _raised(active: ActiveRun, error: BaseException) -> Result:
    if active.cancellation.cause is StopCause.TIMEOUT:
        return timed_out(active)
    if active.cancellation.cause is not None and issubclass(type(error), RunCancelled | asyncio.CancelledError):
        return stopped(active)
    if issubclass(type(error), Cancel):
        return Result(Outcome.CANCELLED, summary=_reason(active, error))
    return Result(Outcome.FAILED, _failure(active, error), retry_in=retry_in(active, error))


def _reason(active: ActiveRun, error: BaseException) -> str | None:
    """Why a worker cancelled itself; taken from the arguments, for a subclass may have a __str__ of its own."""
    match error.args:
        case [str(reason), *_] if type(reason) is str:
            return active.redactor.bounded(reason, MAX_SUMMARY)
        case _:
            return None


def _failure(active: ActiveRun, error: BaseException) -> Failure:
    """What is known of an exception. While its own __str__ is at work, active.unread holds what is known so far."""
    kind = classify(type(error))
    prefix = PANIC if kind is FailureKind.PANIC else ""
    try:
        named = _own_name(active, error)
        place = (active.run.worker, named, place_of(error))
        mark = active.sampler.counted(place) if active.sampler is not None and active.held is None else None
        if mark is not None:
            capture: Capture | Mention = Mention(error, active.redactor)
        else:
            capture = Capture(error, active.redactor, with_locals=active.registration.capture_locals)
            mark = fingerprint(capture.data, kind, named)
            if active.sampler is not None:
                active.sampler.kept(place, mark)
        if not capture.harmless:
            active.unread = (Failure(kind, prefix + capture.headline, capture.data, named, mark), time.monotonic())
        capture.read_messages()
        if active.held is not None and isinstance(capture, Capture):
            capture.data["held_until"] = active.held.keep(active.run.id, capture, active.redactor)
        return Failure(kind, prefix + capture.headline, capture.data, named, mark)
    except BaseException as broken:  # noqa: BLE001 -- memory may be exhausted, or the exception hostile beyond our care
        lost = {"version": 1, "exceptions": [], "note": f"the traceback was lost: {type(broken).__name__}"}
        return Failure(kind, prefix + type(error).__name__, lost)
    finally:
        active.unread = None


def _own_name(active: ActiveRun, error: BaseException) -> str | None:
    """What the worker itself calls this failure, where it has a say and says something sensible."""
    ask = active.registration.fingerprint
    if ask is None:
        return None
    try:
        answer = ask(error)
    except BaseException:
        logger.exception("the fingerprint of %s failed; the usual one is taken", active.registration.name)
        return None
    return active.redactor.bounded(answer, MAX_OWN_NAME) if type(answer) is str and answer else None


def classify(error: type[BaseException]) -> FailureKind:
    """A panic is what a worker must never do: leave the process, exhaust it, or raise what is no Exception.

    CancelledError that nobody asked for is an ordinary error: libraries leak it.
    """
    if issubclass(error, RecursionError | MemoryError):
        return FailureKind.PANIC
    if issubclass(error, Exception | asyncio.CancelledError):
        return FailureKind.ERROR
    return FailureKind.PANIC


def _finish(active: ActiveRun, ctx: RunContext, before: str, result: Result) -> Result:
    """Adds what the run leaves behind: its state, where that can be kept."""
    active.output.close()
    if before == "{}" and type(ctx.state) is dict and not ctx.state:
        return result
    try:
        state = _to_json(ctx.state)
        if len(state) > MAX_STATE:
            raise ValueError(f"it has {len(state):,} characters as JSON, {MAX_STATE:,} are kept")
        if not isinstance(ctx.state, dict):
            raise TypeError("it is no dictionary")
    except Exception as error:  # noqa: BLE001 -- state holds whatever the worker put there
        if result.outcome is not Outcome.SUCCEEDED:
            return result
        text = active.redactor.bounded(f"{type(error).__name__}: ctx.state can't be saved: {error}", MAX_SUMMARY)
        return Result(Outcome.FAILED, _told(text))
    if state == before:
        return result
    return result._replace(state=state)


def _told(text: str) -> Failure:
    """A failure that the guard itself finds, without an exception."""
    return Failure(FailureKind.ERROR, text, {"version": 1, "exceptions": [], "note": text})


def _summary(value: Any) -> str | None:
    """A short text of a returned value, made without running code of the worker's."""
    if value is None:
        return None
    if type(value) is str:
        return value
    # By identity: == would ask a metaclass.
    if type(value) is int and value.bit_length() > MAX_SUMMARY:
        return f"int of {value.bit_length():,} bits"  # whose digits the interpreter may refuse to tell
    if any(type(value) is kind for kind in (bool, int, float)):
        return repr(value)
    if any(type(value) is kind for kind in (list, tuple, dict, set, frozenset, bytes)):
        return f"{type(value).__name__} of {len(value):,}"
    return type_name(type(value)).rpartition(".")[2]


def elapsed(active: ActiveRun, now: float) -> Micros:
    """Microseconds since user code began; 0 where it never did."""
    return 0 if active.began is None else max(0, round((now - active.began) * 1_000_000))
