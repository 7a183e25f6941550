"""The host's side of one run in a process: gives the order, listens, ends what must be ended, tells how it went.

One thread per run does this, in one loop: it waits for whatever comes first of frames, output, the process's end, a
request to stop, and its own next deadline. Nothing that the child says is trusted.
"""

import os
import selectors
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial

from workerkit import guard
from workerkit.failures.capture import MAX_ERROR_LINE
from workerkit.outcome import FailureKind, Outcome, Result, StopCause
from workerkit.policy import Retry
from workerkit.processes import endings
from workerkit.processes.dump import parse_dump, read_dump
from workerkit.processes.launching import Ending, Process, pair
from workerkit.processes.messages import Order, read_log, read_progress, read_result
from workerkit.processes.protocol import Decoder, Frame, ProtocolError, encode
from workerkit.processes.questions import Answer, Question, Questions
from workerkit.processes.streams import CHUNK, PipeReader
from workerkit.roster import ActiveRun

CANCEL_GRACE = 5.0
"""Seconds that a cancelled run gets to see ctx.cancelled and leave."""
TIMEOUT_GRACE = 0.1
"""The same at its timeout: only as long as it takes to hear of it."""
TERM_GRACE = 1.0
"""Seconds from SIGTERM to SIGKILL."""
DRAIN = 0.25
"""Seconds that pipes are read on after the process ended; somebody else may hold them open for ever."""
EXIT_GRACE = 1.0
"""Seconds that a process may take to end once it has given its result."""
UNKILLABLE = 5.0
"""Seconds after SIGKILL; a process that the kernel does not let go of is not waited for longer."""
_LOOK = 0.02
"""Seconds between two looks whether a process has ended that does not ring."""


@dataclass(slots=True)
class Connection:
    """A child, and the frames that have come from it so far; a warm one has several runs."""

    process: Process
    decoder: Decoder = field(default_factory=Decoder)
    runs: int = 0


class Supervision:
    """One run in one child. run() is called once; ask(), kill() and wake() come from other threads."""

    def __init__(self, active: ActiveRun, connection: Connection, order: Order) -> None:
        self._active = active
        self._connection = connection
        self._process = connection.process
        self._order = order
        self._ordered = False
        self._selector = selectors.DefaultSelector()
        with ExitStack() as undo:
            self._bell, self._button = pair(undo)
            self._button.setblocking(False)
            undo.pop_all()
        self._outgoing = bytearray()
        self._agenda: list[tuple[float, Callable[[], None]]] = []
        self._asked: deque[Question] = deque()
        self._questions = Questions(self._process, self._send, f"run {active.run.id} in its process", active.redactor)
        self._lock = threading.Lock()
        self._closed = False
        self._stop: StopCause | None = None
        self._to_kill = False
        self._signalled = False
        self._given_up = False
        self._violation: str | None = None
        self._result: Result | None = None
        self._ending: Ending | None = None
        self._pipes = [
            PipeReader(self._process.stdout, partial(active.output.write, "stdout")),
            PipeReader(self._process.stderr, partial(active.output.write, "stderr")),
        ]

    # From any thread

    def wake(self) -> None:
        """Something has changed that the loop should look at."""
        with self._lock, suppress(OSError):
            if not self._closed:
                self._button.send(b"!")

    def kill(self) -> None:
        """Ends the run's whole process group at once."""
        self._to_kill = True
        self.wake()

    def ask(self, times: int) -> Answer:
        """Where it stands, sampled so often; None when it ended meanwhile, or nothing can be seen of it."""
        done = threading.Event()
        answers: list[Answer] = []

        def answered(answer: Answer) -> None:
            answers.append(answer)
            done.set()

        question = Question(times, answered)
        with self._lock:
            if self._closed:
                return None
            self._asked.append(question)
        self.wake()
        done.wait(question.patience)
        return answers[0] if answers else None

    # The loop

    def run(self) -> Result:
        """Supervises until the run is over. The process may live on then only if reusable is true."""
        self._active.cancellation.when_requested(self.wake)
        try:
            self._register()
            while not self._over():
                self._give_order()
                for key, events in self._selector.select(self._nap()):
                    key.data(events)
                self._look_around()
            self._drain()
        except ProtocolError as error:
            self._violation = str(error)
        finally:
            self._close()
        return self._verdict()

    def _give_order(self) -> None:
        if not self._ordered and not self._signalled and self._process.within_reach:
            self._ordered = True
            self._send(self._order.frame())

    @property
    def reusable(self) -> bool:
        """Whether the process waits for another order, with nothing left over from this run."""
        return (
            self._ending is None
            and self._result is not None
            and self._result.outcome is Outcome.SUCCEEDED
            and self._stop is None
            and not self._signalled
            and self._violation is None
        )

    def _register(self) -> None:
        process = self._process
        self._selector.register(self._bell, selectors.EVENT_READ, self._on_bell)
        self._selector.register(process.channel, selectors.EVENT_READ | selectors.EVENT_WRITE, self._on_channel)
        for pipe in self._pipes:
            self._selector.register(pipe.descriptor, selectors.EVENT_READ, partial(self._on_pipe, pipe))
        if process.bell is not None:
            self._selector.register(process.bell, selectors.EVENT_READ, lambda _events: None)

    def _over(self) -> bool:
        if self._given_up or self._ending is not None:
            return True
        return self._result is not None and self._order.warm

    def _nap(self) -> float | None:
        """Seconds until something has to be done without being told."""
        moments = [*(at for at, _ in self._agenda), *self._questions.moments()]
        if self._process.bell is None:
            moments.append(time.monotonic() + _LOOK)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _look_around(self) -> None:
        cause = self._active.cancellation.cause
        if cause is not None and self._stop is None and self._result is None:
            self._stop = cause
            if self._ordered:
                self._begin_to_stop(cause)
            else:
                self._kill()
        if self._to_kill and not self._signalled:
            self._kill()
        while self._asked and self._ordered:
            self._questions.put(self._asked.popleft())
        now = time.monotonic()
        self._questions.attend(now)
        for entry in [entry for entry in self._agenda if entry[0] <= now]:
            self._agenda.remove(entry)
            entry[1]()
        self._ending = self._process.look()

    def _in(self, seconds: float, action: Callable[[], None]) -> None:
        self._agenda.append((time.monotonic() + seconds, action))

    # Ending it

    def _begin_to_stop(self, cause: StopCause) -> None:
        match cause:
            case StopCause.TIMEOUT:
                self._questions.put(Question(1, self._time_is_up))
            case StopCause.SHUTDOWN:
                self._tell_to_stop()  # the host has a grace period of its own, and kills at its end
            case _:
                self._tell_to_stop()
                self._in(CANCEL_GRACE, self._terminate)

    def _time_is_up(self, stack: Answer) -> None:
        if stack is not None:
            self._active.stack = {**stack, "label": f"run {self._active.run.id} at its timeout"}
        self._tell_to_stop()
        self._in(TIMEOUT_GRACE, self._terminate)

    def _tell_to_stop(self) -> None:
        cancellation = self._active.cancellation
        self._send({"kind": "cancel", "cause": cancellation.cause, "reason": cancellation.reason or ""})

    def _terminate(self) -> None:
        self._process.signal(signal.SIGTERM)
        self._in(TERM_GRACE, self._kill)

    def _kill(self) -> None:
        self._signalled = True
        self._process.signal(signal.SIGKILL)
        self._in(UNKILLABLE, self._give_up)

    def _give_up(self) -> None:
        self._given_up = True

    # What comes in

    def _on_bell(self, _events: int) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(4096)

    def _on_pipe(self, pipe: PipeReader, _events: int) -> None:
        pipe.read()
        if pipe.ended:
            self._selector.unregister(pipe.descriptor)

    def _on_channel(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._push()
        if events & selectors.EVENT_READ:
            self._pull()

    def _push(self) -> None:
        with suppress(BlockingIOError):
            try:
                sent = self._process.channel.send(self._outgoing)
            except (BrokenPipeError, ConnectionResetError):
                sent = len(self._outgoing)  # nobody listens; how it ended will be seen
            del self._outgoing[:sent]
        if not self._outgoing:
            self._selector.modify(self._process.channel, selectors.EVENT_READ, self._on_channel)

    def _pull(self) -> None:
        try:
            data = self._process.channel.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(self._process.channel)
            return
        try:
            for frame in self._connection.decoder.feed(data):
                self._take(frame)
        except ProtocolError as error:
            self._violation = self._violation or str(error)
            self._selector.unregister(self._process.channel)
            self._kill()

    def _take(self, frame: Frame) -> None:
        """One frame of the child's.

        Raises:
            ProtocolError: it is of no kind that a child sends, or has another shape.
        """
        match frame["kind"]:
            case "log":
                self._active.output.record(*read_log(frame))
            case "progress":
                self._take_progress(frame)
            case "looking":
                self._questions.heard(frame)
            case "stack":
                self._questions.take(frame)
            case "result":
                self._take_result(frame)
            case kind:
                raise ProtocolError(f"a frame is of the unknown kind {kind[:40]!r}")

    def _take_progress(self, frame: Frame) -> None:
        if (context := self._active.context) is not None:
            context.reported = read_progress(frame)

    def _take_result(self, frame: Frame) -> None:
        result = read_result(frame)
        cause = self._active.cancellation.cause
        if result.outcome is Outcome.INTERRUPTED and cause is not StopCause.SHUTDOWN:
            raise ProtocolError("a result says that the host was stopping")
        if result.failure is not None and result.failure.kind is FailureKind.CRASH:
            raise ProtocolError("a result says that its process had crashed")
        if frame.get("progress") is not None:
            self._take_progress(frame["progress"])
        if self._result is None:
            self._result = self._tidied(result)
            self._in(EXIT_GRACE, self._kill)

    def _tidied(self, result: Result) -> Result:
        """Within the host's own bounds: a child may have been told otherwise by the code that runs in it."""
        redactor, registration = self._active.redactor, self._active.registration
        if result.failure is not None:
            error = redactor.bounded(result.failure.error, MAX_ERROR_LINE)
            result = result._replace(failure=result.failure._replace(error=error))
        if self._active.run.attempt >= (registration.retry or Retry()).attempts:
            result = result._replace(retry_in=None)
        return result

    # The end

    def _send(self, frame: Frame) -> None:
        self._outgoing += encode(frame)
        with suppress(KeyError):  # the child has closed its end
            self._selector.modify(self._process.channel, selectors.EVENT_READ | selectors.EVENT_WRITE, self._on_channel)

    def _drain(self) -> None:
        """Reads what is still in the pipes; they end with the last who holds them, which may be somebody else."""
        until = time.monotonic() + DRAIN
        with suppress(KeyError):
            self._selector.unregister(self._bell)
        if self._process.bell is not None:
            self._selector.unregister(self._process.bell)
        alive = self._ending is None
        while self._selector.get_map() and time.monotonic() < until:
            ready = self._selector.select(0 if alive else until - time.monotonic())
            if not ready:
                return
            for key, events in ready:
                key.data(events & selectors.EVENT_READ)

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            left = [*self._questions.left(), *self._asked]
            self._bell.close()
            self._button.close()
        self._selector.close()
        for question in left:
            if question.answered != self._time_is_up:
                question.answered(None)

    def _verdict(self) -> Result:
        active = self._active
        if self._stop is StopCause.TIMEOUT:
            return guard.timed_out(active)
        if self._violation is not None:
            return endings.failed(active, "protocol", f"Broke the protocol with its host: {self._violation}")
        if self._result is not None:
            return self._result
        if self._signalled or self._stop is not None:
            return guard.stopped(active)
        assert self._ending is not None, "it ended, or was ended"
        text = read_dump(self._process.dump, max(0, os.fstat(self._process.dump).st_size - _LAST_DUMP))
        dump = parse_dump(text, f"run {active.run.id} when its process ended", active.redactor, fatal=True)
        return endings.crashed(active, self._ending, dump)


_LAST_DUMP = 128 * 1024
"""Bytes of a file of dumps in which the latest stands."""
