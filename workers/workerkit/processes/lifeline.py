"""Nothing that a host started outlives it, however it ends.

The host holds the write end of one pipe, and nobody else does. Each process group that it starts has the read end
opened a second time, with the order to the kernel to signal the whole group with SIGKILL when the pipe's state changes
(F_SETOWN, F_SETSIG, O_ASYNC). The last writer's end is such a change, and nothing is ever written. So the kernel itself
ends the group, whatever it is doing: a child that holds the interpreter's lock as well as one that sleeps.

PR_SET_PDEATHSIG would not do: it strikes when the thread ends that started the child, and spares grandchildren.

Linux only. Elsewhere a child watches its channel to the host, which needs the interpreter's lock.
"""

import os
import sys
import threading

from workerkit.processes.trampoline import reopen, tie

__all__ = ["SUPPORTED", "read_end", "reopen", "tie"]

SUPPORTED = sys.platform == "linux"

_lock = threading.Lock()
_ends: tuple[int, int] | None = None


def read_end() -> int | None:
    """The end to hand to what this process starts; it lives as long as the process. None where there is no lifeline."""
    global _ends  # noqa: PLW0603 -- one process has one life
    if not SUPPORTED:
        return None
    with _lock:
        if _ends is None:
            _ends = os.pipe2(os.O_CLOEXEC)
        return _ends[0]


def _forget() -> None:
    """In a forked copy of this process: it must not keep alive what hangs on the life of the original."""
    global _ends
    ends, _ends = _ends, None
    for end in ends or ():
        os.close(end)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
