"""Failures whose live frames are kept for a while, so that their operator can ask them questions.

Off unless both the worker (`hold_on_failure`) and the host (`allow_eval`) say so: an expression runs with all the
rights of the host. Bounded in number and time, since a held failure keeps everything alive that its frames refer to.
"""

import re
import threading
from dataclasses import dataclass
from types import FrameType
from typing import Any

from workerkit.clock import SECOND, Clock, Micros
from workerkit.failures.capture import Capture
from workerkit.failures.redact import Redactor
from workerkit.failures.values import Walk

MAX_HELD = 3
"""Failures held at one time; a further one takes the place of the oldest."""
HOLD_TIME = 600.0
"""Seconds for which a failure is held."""
EVALUATION_TIME = 5.0
"""Seconds that an expression may take; its thread can't be stopped, but nobody waits for it longer."""
MAX_EXPRESSION = 2_000
"""Characters of an expression."""


@dataclass(frozen=True, slots=True)
class Held:
    """One failure with its frames alive."""

    capture: Capture
    redactor: Redactor
    until: Micros
    expires: float
    """Monotonic seconds."""


class HeldFailures:
    """What a host holds. Safe from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[int, Held] = {}

    def keep(self, run_id: int, capture: Capture, redactor: Redactor) -> Micros:
        """Holds a failure; until when (wall clock)."""
        until = self._clock.now() + round(HOLD_TIME * SECOND)
        with self._lock:
            self._held[run_id] = Held(capture, redactor, until, self._clock.monotonic() + HOLD_TIME)
            while len(self._held) > MAX_HELD:
                del self._held[min(self._held)]
        return until

    def forget_expired(self) -> None:
        """Lets go of what has been held long enough; to be called now and then."""
        now = self._clock.monotonic()
        with self._lock:
            self._held = {run_id: held for run_id, held in self._held.items() if held.expires > now}

    def forget_all(self) -> None:
        with self._lock:
            self._held = {}

    def evaluate(self, run_id: int, exception: int, frame: int, expression: str) -> dict[str, Any]:
        """The value of an expression in one frame of a held failure, as a node (see failures.values).

        Returns `{"node": ...}`, or `{"error": text}` for what the expression raised.

        Raises:
            LookupError: the failure is not held (any more), or has no such frame; the text says which.
        """
        self.forget_expired()
        with self._lock:
            held = self._held.get(run_id)
        if held is None:
            raise LookupError(f"the failure of run {run_id} is not held any more")
        live = held.capture.live_frame(exception, frame)
        if live is None:
            raise LookupError(f"the failure of run {run_id} has no frame {frame}")
        return _evaluate_aside(expression[:MAX_EXPRESSION], live, held.redactor)


def _evaluate_aside(expression: str, frame: FrameType, redactor: Redactor) -> dict[str, Any]:
    """On a thread of its own, so that an expression which hangs holds up nobody."""
    answer: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=lambda: answer.append(_evaluate(expression, frame, redactor)), name="post-mortem", daemon=True
    )
    thread.start()
    thread.join(EVALUATION_TIME)
    return answer[0] if answer else {"error": f"no answer within {EVALUATION_TIME:g} s; it may still be at work"}


def _telling_name(expression: str, redactor: Redactor) -> str:
    """The name under which the value is shown: `order.password` must not give what a variable `password` would hide."""
    names = re.findall(r"[^\W\d]\w*", expression)
    return next((name.strip("_") for name in names if redactor.reason_for_name(name)), "value")


def _evaluate(expression: str, frame: FrameType, redactor: Redactor) -> dict[str, Any]:
    try:
        code = compile(expression, "<post-mortem>", "eval")
        # The point of the whole module; who may ask is decided by the caller.
        value = eval(code, frame.f_globals, dict(frame.f_locals))  # noqa: S307
        ((_, node),) = Walk(redactor).locals({_telling_name(expression, redactor): value})
    except BaseException as error:  # noqa: BLE001 -- the expression may do whatever a worker may
        capture = Capture(error, redactor, with_locals=False)
        capture.read_messages()
        return {"error": capture.headline}
    return {"node": node}
