"""Starting children, and the host's end of one: what it hears of it, and how it ends it.

A child comes from a zygote or is a fresh interpreter; from here on there is no difference.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workerkit.processes import lifeline

_CLOSING = 2.0
"""Seconds that a killed process may take to be dead."""
_LOOK = 0.002
"""Seconds between two looks whether a killed process is dead."""
BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1)); from workerkit.processes.boot import main; main()"
"""What a fresh interpreter of ours executes: as `-m` would, but with the host's own import path."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended."""

    code: int | None = None
    signal: int | None = None
    peak: int | None = None
    """The most memory that it had, in bytes, where that is known."""
    cpu: float = 0.0
    """Seconds of processor time that it used."""
    lost: str | None = None
    """Why nobody knows."""

    @property
    def signal_name(self) -> str | None:
        """What it was killed by."""
        if self.signal is None:
            return None
        try:
            return signal.Signals(self.signal).name
        except ValueError:
            return f"signal {self.signal}"

    def was_out_of_time(self, limit: float) -> bool:
        """Whether a limit on its processor time ended it: by its own signal, or the one for who ignores that."""
        return self.signal == signal.SIGXCPU or (self.signal == signal.SIGKILL and self.cpu >= limit)

    @classmethod
    def of_status(cls, status: int, peak: int, cpu: float) -> "Ending":
        """From what waitpid says."""
        code = os.waitstatus_to_exitcode(status)
        return cls(code, None, peak, cpu) if code >= 0 else cls(None, -code, peak, cpu)


class Process(Protocol):
    """The host's end of one child. Used by one thread, but for signal()."""

    channel: socket.socket
    stdout: int
    stderr: int
    dump: int

    @property
    def bell(self) -> int | None:
        """A descriptor that becomes readable when look() has news; None: ask again and again."""

    @property
    def within_reach(self) -> bool:
        """Whether it can be signalled already; before that it must not be given anything to do."""

    def look(self) -> Ending | None:
        """How it ended, once it has; by then its whole process group is dead."""

    def signal(self, number: int) -> None:
        """Signals its whole process group, from any thread; nothing happens when that is gone."""

    def poke(self, number: int) -> None:
        """Signals the process alone, and only where it has a handler for it."""

    def close(self) -> None:
        """Kills what is left, and gives back everything that was open for it."""


@dataclass(slots=True)
class Pipes:
    """What connects a child with its host, before it is started: the host's ends, and the child's."""

    channel: socket.socket
    stdout: int
    stderr: int
    dump: int
    child_channel: socket.socket
    child_stdout: int
    child_stderr: int

    @classmethod
    def make(cls) -> "Pipes":
        with ExitStack() as undo:
            channel, child_channel = pair(undo)
            stdout, child_stdout = pipe(undo)
            stderr, child_stderr = pipe(undo)
            dump = dump_file("workerkit-dump")
            undo.pop_all()
        return cls(channel, stdout, stderr, dump, child_channel, child_stdout, child_stderr)

    def handed_over(self) -> None:
        """The child has its ends; ours of them would keep the pipes from ending."""
        self.child_channel.close()
        os.close(self.child_stdout)
        os.close(self.child_stderr)

    def close(self) -> None:
        """The host's ends."""
        self.channel.close()
        for end in (self.stdout, self.stderr, self.dump):
            os.close(end)


def pair(undo: ExitStack, kind: int = socket.SOCK_STREAM) -> tuple[socket.socket, socket.socket]:
    """Two connected sockets, of which the first does not block, whatever timeout somebody made the default."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    undo.callback(ours.close)
    undo.callback(theirs.close)
    ours.setblocking(False)
    theirs.setblocking(True)
    return ours, theirs


def pipe(undo: ExitStack) -> tuple[int, int]:
    """Both ends of a pipe, of which the one to read from does not block; closed with what is to be undone."""
    ends = os.pipe()
    for end in ends:
        undo.callback(os.close, end)
    os.set_blocking(ends[0], False)
    return ends


def dump_file(name: str) -> int:
    """A file without a name in any folder, to be written by a child and read by its host."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name, os.MFD_CLOEXEC)
    with tempfile.TemporaryFile(prefix=name) as file:
        return os.dup(file.fileno())


def interpreter(*arguments: str) -> list[str]:
    """The command line of a fresh interpreter like this one, which executes workerkit.processes.boot."""
    flags = [flag for flag, on in (("-E", sys.flags.ignore_environment), ("-s", sys.flags.no_user_site)) if on]
    flags += ["-O"] * sys.flags.optimize + ["-B"] * sys.flags.dont_write_bytecode
    for name, value in sys._xoptions.items():  # noqa: SLF001 -- documented, as an implementation detail of CPython
        flags += ["-X", name if value is True else f"{name}={value}"]
    flags += [part for option in sys.warnoptions for part in ("-W", option)]
    return [sys.executable, *flags, "-P", "-c", BOOT, json.dumps([str(entry) for entry in sys.path]), *arguments]


class FreshProcess:
    """A child that is a fresh interpreter, and the host's own."""

    def __init__(self, title: str) -> None:
        pipes = self._pipes = Pipes.make()
        self.channel, self.stdout, self.stderr, self.dump = pipes.channel, pipes.stdout, pipes.stderr, pipes.dump
        life = lifeline.read_end()
        handed = [pipes.child_channel.fileno(), pipes.dump, *([] if life is None else [life])]
        words = interpreter("child", str(handed[0]), str(handed[1]), "-" if life is None else str(life), title)
        try:
            self._popen = subprocess.Popen(  # noqa: S603 -- our own interpreter on our own module
                words,
                stdin=subprocess.DEVNULL,
                stdout=pipes.child_stdout,
                stderr=pipes.child_stderr,
                pass_fds=handed,
                start_new_session=True,
            )
        except BaseException:
            pipes.close()
            raise
        finally:
            pipes.handed_over()
        self._group = Group(self._popen)

    @property
    def bell(self) -> int | None:
        return self._group.bell

    @property
    def within_reach(self) -> bool:
        return True

    def look(self) -> Ending | None:
        return self._group.look()

    def signal(self, number: int) -> None:
        self._group.signal(number)

    def poke(self, number: int) -> None:
        self._group.poke(number)

    def close(self) -> None:
        self._group.close()
        self._pipes.close()


class Group:
    """A child of this very process that leads a process group, until it is reaped."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen
        self._ending: Ending | None = None
        self._lock = threading.Lock()
        self.bell: int | None = None
        if sys.platform == "linux":
            with suppress(OSError):
                self.bell = os.pidfd_open(popen.pid)

    def look(self) -> Ending | None:
        """How it ended, once it has; what was left of its group is killed then, while nobody can have its number."""
        with self._lock:
            if self._ending is None and self._has_ended():
                self._send(signal.SIGKILL)
                self._ending = self._reap()
        return self._ending

    def signal(self, number: int) -> None:
        """Signals the group, unless it has ended."""
        with self._lock:
            if self._ending is None:
                self._send(number)

    def poke(self, number: int) -> None:
        """Signals the leader alone, unless that would kill it."""
        with self._lock:
            if self._ending is None and catches(self._popen.pid, number):
                os.kill(self._popen.pid, number)

    def close(self) -> None:
        """Kills it where it still lives, and waits for its end, though not for one that the kernel won't let go of."""
        until = time.monotonic() + _CLOSING
        while self.look() is None and time.monotonic() < until:
            self.signal(signal.SIGKILL)
            time.sleep(_LOOK)
        if self.bell is not None:
            os.close(self.bell)
            self.bell = None

    def _has_ended(self) -> bool:
        """Asked without reaping it, where the system can be asked so."""
        if sys.platform == "darwin":
            return self._popen.poll() is not None
        try:
            return os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        except ChildProcessError:
            return True

    def _reap(self) -> Ending:
        if (code := self._popen.returncode) is not None:
            return Ending(code) if code >= 0 else Ending(signal=-code)
        try:
            _, status, usage = os.wait4(self._popen.pid, 0)
        except ChildProcessError:  # somebody in this process waits for children that are not theirs
            self._popen.returncode = 0
            return Ending(lost="somebody else in this host had waited for it")
        self._popen.returncode = os.waitstatus_to_exitcode(status)
        return Ending.of_status(status, peak_of(usage.ru_maxrss), usage.ru_utime + usage.ru_stime)

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, number)


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal; without one, most signals kill."""
    if sys.platform != "linux":
        return True
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def peak_of(maximum: int) -> int:
    """Bytes, of ru_maxrss: Linux counts it in kilobytes."""
    return maximum if sys.platform == "darwin" else maximum * 1024
