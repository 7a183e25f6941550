"""Becomes a program, once what the program can't do itself is done: its limits, and its tie to its host's life.

Executed as a script by an interpreter without site packages, which takes a few milliseconds; hence it imports next to
nothing, and nothing of ours. In a fork of the host these steps could meet locks that other threads hold.
"""

import os
import signal
import sys

try:
    import fcntl
    import resource
except ImportError:
    """Windows has neither; nothing here is called there."""

NOTHING = "-"
"""Stands for what is not asked for."""
NOT_EXECUTED = 127
CPU_REPRIEVE = 5
"""Seconds of processor time between the signal that a limit is reached and the one that can't be ignored."""


def reopen(end: int) -> int | None:
    """A pipe, opened anew: whom to signal belongs to the open file, and each group needs its own.

    Whoever keeps it open keeps the group tied, also when the group's own copies are closed. None without /proc.
    """
    try:
        return os.open(f"/proc/self/fd/{end}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None


def tie(opened: int, group: int) -> None:
    """Ties a process group to the life at the other end of a reopened pipe. If that is over already, the group dies."""
    if sys.platform == "linux":
        fcntl.fcntl(opened, fcntl.F_SETOWN, -group)
        fcntl.fcntl(opened, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(opened, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        try:
            over = os.read(opened, 1) == b""
        except BlockingIOError:
            over = False
        if over:
            os.killpg(group, signal.SIGKILL)


def limit(kind: int, soft: int, reprieve: int | None = None) -> None:
    """Sets a soft limit, as far as the hard one allows; with a reprieve the hard one follows so much above it."""
    _, hard = resource.getrlimit(kind)
    soft = at_most(soft, hard)
    resource.setrlimit(kind, (soft, hard if reprieve is None else at_most(soft + reprieve, hard)))


def at_most(wanted: int, hard: int) -> int:
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def main(life: str, failed: str, memory: str, cpu: str, added: str, *program: str) -> None:
    """It does not return.

    Args:
        life: descriptor of the lifeline.
        failed: descriptor that is told the error number when the program can't be executed; else it just closes.
        memory: bytes.
        cpu: seconds.
        added: names of variables that this interpreter may have set, and that the program is not to have.
        program: with its arguments.
    """
    os.set_inheritable(int(failed), False)
    if life != NOTHING:
        if (opened := reopen(int(life))) is not None:
            tie(opened, os.getpgrp())
            os.set_inheritable(opened, True)
        os.close(int(life))
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and programs don't expect to be ignored
        signal.signal(number, signal.SIG_DFL)
    for name in added.split(","):
        os.environ.pop(name, None)
    try:
        if memory != NOTHING:
            limit(resource.RLIMIT_AS, int(memory))
        if cpu != NOTHING:
            limit(resource.RLIMIT_CPU, int(cpu), CPU_REPRIEVE)
        os.execvp(program[0], program)  # noqa: S606 -- to become this program is what it is for
    except OSError as error:
        os.write(int(failed), b"%d" % (error.errno or 0))
        os._exit(NOT_EXECUTED)


if __name__ == "__main__":
    main(*sys.argv[1:])
