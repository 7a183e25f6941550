"""The host's zygotes: a bare one, and one for each module of workers, whose import it has behind it.

A module is imported by its own zygote, so that one which hangs or exits there harms no other; until that has succeeded
its children come from the bare zygote and import it themselves. Linux only.
"""

import json
import logging
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from workerkit.processes import lifeline
from workerkit.processes.launching import Ending, Pipes, dump_file, interpreter, pair, peak_of
from workerkit.processes.locator import Locator
from workerkit.processes.zygote import MAX_MESSAGE, read_message

logger = logging.getLogger(__name__)

START_PATIENCE = 15.0
"""Seconds that a bare zygote may take to begin; usually it is a fifth of one."""
PRELOAD_DEADLINE = 30.0
"""Seconds that a module may take to be imported in its zygote."""
REQUEST_PATIENCE = 5.0
"""Seconds that a zygote whose queue is full may take to look at it."""
MAX_ZYGOTES = 16
"""Modules that have a zygote of their own; workers of further ones are forked from the bare one."""
MAX_DEATHS = 3
"""Times in a row that a zygote may die before its next child; then it is not started again."""
_SAID = 500
"""Characters of a zygote's last words that are logged."""
Module = tuple[str, str | None]


class ZygoteProcess:
    """The host's end of a child that a zygote forked."""

    def __init__(self, pipes: Pipes, own: socket.socket) -> None:
        self._pipes = pipes
        self._own = own
        self._pid: int | None = None
        self._handle: int | None = None
        """Means this child, also when its number means another one."""
        self._ending: Ending | None = None
        self.channel, self.stdout, self.stderr, self.dump = pipes.channel, pipes.stdout, pipes.stderr, pipes.dump

    @property
    def bell(self) -> int | None:
        return self._own.fileno()

    @property
    def within_reach(self) -> bool:
        """Should the zygote die before it has said whom it forked, nobody could end that child but the child itself."""
        return self._pid is not None

    def look(self) -> Ending | None:
        while self._ending is None:
            try:
                said = self._own.recv(MAX_MESSAGE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return None
            except ConnectionResetError:
                continue  # said once, before what the zygote had sent and the end
            self._hear(said)
        return self._ending

    def _hear(self, said: bytes) -> None:
        match read_message(said):
            case {"pid": int(pid)}:
                self._pid = pid
                with suppress(OSError):
                    self._handle = os.pidfd_open(pid)
            case {"refused": str(why)}:
                self._ending = Ending(lost=f"it could not be forked: {why}")
            case {"status": int(status), "peak": int(peak), "cpu": float(cpu)}:
                self._ending = Ending.of_status(status, peak_of(peak), cpu)
            case _:
                self._ending = Ending(lost="the process that had forked it ended")
                self._kill()

    def _kill(self) -> None:
        """Without the zygote: the child, which may not have come to lead a group yet, and what there is of that."""
        if self._handle is not None:
            with suppress(OSError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        if self._pid is not None:
            # Until its group is dead, the group's number is nobody else's.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        self._say(f"group {number}")

    def poke(self, number: int) -> None:
        self._say(f"leader {number}")

    def _say(self, word: str) -> None:
        with suppress(OSError):
            self._own.send(word.encode(), socket.MSG_DONTWAIT)

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._own.close()
        self._pipes.close()


@dataclass(frozen=True, slots=True)
class _Start:
    """One zygote process."""

    popen: "subprocess.Popen[bytes]"
    control: socket.socket
    words: int
    """The file that it writes its last words into."""
    since: float


class Zygote:
    """One zygote, started when it is first needed, and again when it has died. Safe from any thread."""

    def __init__(self, module: Module | None = None) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._start: _Start | None = None
        self._ready = False
        self._deaths = 0
        self.unfit: str | None = None
        """Why it will fork nothing, ever."""

    def fork(self, title: str, *, patient: bool) -> ZygoteProcess | None:
        """A child; None where there is none to be had from it, or where it would have to be waited for.

        Args:
            title: what `ps` calls the child.
            patient: whether to wait until the zygote is up.
        """
        with self._lock:
            for _ in range(2):
                if self.unfit is not None:
                    return None
                start = self._start or self._begin()
                try:
                    ready = self._is_ready(start, START_PATIENCE if patient else 0.0)
                except OSError:
                    self._mourn(start)
                    continue
                if not ready:
                    return None
                with ExitStack() as undo:
                    own, theirs = pair(undo, socket.SOCK_SEQPACKET)
                    pipes = Pipes.make()
                    undo.callback(pipes.close)
                    try:
                        _request(start.control, title, pipes, theirs)
                    except OSError:
                        self._mourn(start)
                        continue
                    undo.pop_all()
                self._deaths = 0
                return ZygoteProcess(pipes, own)
            return None

    def begin(self) -> None:
        """Starts it ahead of its first child."""
        with self._lock, suppress(OSError):
            if self._start is None and self.unfit is None:
                self._begin()

    def stop(self) -> None:
        """Ends it, and with it everything that it forked."""
        with self._lock:
            start, self._start = self._start, None
            if start is not None:
                _end(start)

    def _begin(self) -> _Start:
        life = lifeline.read_end()
        assert life is not None, "there is a lifeline wherever there are zygotes"
        module = [] if self._module is None else [self._module[0], self._module[1] or ""]
        with ExitStack() as undo:
            control, theirs = pair(undo, socket.SOCK_SEQPACKET)
            words = dump_file("workerkit-zygote")
            undo.callback(os.close, words)
            popen = subprocess.Popen(  # noqa: S603 -- our own interpreter on our own module
                interpreter("zygote", str(theirs.fileno()), str(life), *module),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                pass_fds=(theirs.fileno(), life),
                start_new_session=True,
            )
            undo.pop_all()
        theirs.close()
        self._ready = False
        self._start = _Start(popen, control, words, time.monotonic())
        return self._start

    def _is_ready(self, start: _Start, patience: float) -> bool:
        """Whether it has said that it forks; waits for that so many seconds.

        Raises:
            OSError: it is dead, or not worth waiting for, and no module of anybody's can be the reason.
        """
        if self._ready:
            return True
        if not _comes(start.control, select.POLLIN, patience):
            if self._module is None:
                raise TimeoutError(f"it did not begin within {patience:g} s")
            if time.monotonic() - start.since > PRELOAD_DEADLINE:
                self._give_up(start, f"its import did not end within {PRELOAD_DEADLINE:g} s")
            return False
        message = read_message(start.control.recv(MAX_MESSAGE))
        if "unfit" not in message and self._module is None:
            raise ConnectionResetError("it ended before it had begun")
        unfit = message.get("unfit", "its import ended the process")
        self._ready = unfit is None
        if not self._ready:
            self._give_up(start, str(unfit))
        return self._ready

    def _give_up(self, start: _Start, why: str) -> None:
        assert self._module is not None
        self.unfit = why
        self._start = None
        _end(start)
        logger.info("%s is imported anew for each run of its workers: %s", self._module[0], why)

    def _mourn(self, start: _Start) -> None:
        """It is dead: says so, and lets the next one be started."""
        self._start = None
        self._deaths += 1
        words = os.pread(start.words, MAX_MESSAGE, 0).decode("utf-8", "replace").strip()[-_SAID:]
        code = _end(start)
        logger.warning("the process that forks workers ended (%s); another one is started. %s", code, words)
        if self._deaths >= MAX_DEATHS:
            self.unfit = f"it ended {self._deaths} times before it had forked anything: {words}"
            logger.error("it is not started again, so that runs take longer to begin: %s", self.unfit)


class Zygotes:
    """All of a host's. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bare = Zygote()
        self._own: dict[Module, Zygote] = {}

    def begin(self, expected: Iterable[Locator]) -> None:
        """Starts the zygotes of these workers, and the bare one with them."""
        for locator in expected:
            self._bare.begin()
            if (own := self._of_module((locator.module, locator.file))) is not None:
                own.begin()

    def fork(self, locator: Locator, title: str) -> ZygoteProcess | None:
        """A child for a worker; None where it has to be started in another way."""
        own = self._of_module((locator.module, locator.file))
        forked = own.fork(title, patient=False) if own is not None else None
        return forked or self._bare.fork(title, patient=True)

    def stop(self) -> None:
        """Ends all of them, and everything that they forked."""
        with self._lock:
            zygotes = [self._bare, *self._own.values()]
        for zygote in zygotes:
            zygote.stop()

    def _of_module(self, module: Module) -> Zygote | None:
        with self._lock:
            if module not in self._own and len(self._own) < MAX_ZYGOTES:
                self._own[module] = Zygote(module)
            return self._own.get(module)


def _request(control: socket.socket, title: str, pipes: Pipes, theirs: socket.socket) -> None:
    """Asks for a child, and hands over what is the child's.

    Raises:
        OSError: the zygote is dead, or as good as dead.
    """
    handed = [pipes.child_channel.fileno(), theirs.fileno(), pipes.child_stdout, pipes.child_stderr, pipes.dump]
    try:
        if not _comes(control, select.POLLOUT, REQUEST_PATIENCE):
            raise TimeoutError(f"it has not looked at its requests for {REQUEST_PATIENCE:g} s")
        socket.send_fds(control, [json.dumps({"title": title}).encode()], handed)
    finally:
        pipes.handed_over()
        theirs.close()


def _comes(control: socket.socket, event: int, patience: float) -> bool:
    poll = select.poll()
    poll.register(control, event)
    return bool(poll.poll(patience * 1000))


def _end(start: _Start) -> str:
    """Closes its control, at which it kills its children and goes; what it ended with."""
    start.control.close()
    os.close(start.words)
    try:
        code = start.popen.wait(1.0)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(start.popen.pid, signal.SIGKILL)
        code = start.popen.wait()
    return f"code {code}" if code >= 0 else signal.Signals(-code).name
