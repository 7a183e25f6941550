"""What a child may use: address space and processor time, as the kernel counts them."""

import os
from pathlib import Path

from workerkit.clock import SECOND, Micros
from workerkit.processes.trampoline import CPU_REPRIEVE, limit

try:
    import resource
except ImportError:
    """Not on Windows, where this is not called."""


def limit_memory(size: int) -> None:
    """Lets this process take `size` bytes of address space beyond what it has now.

    The limit is a soft one: allocating beyond it raises MemoryError, and relax() gives room to report that.
    """
    limit(resource.RLIMIT_AS, _address_space() + size)


def relax() -> None:
    """Lifts the limit of limit_memory()."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def limit_cpu(span: Micros, *, final: bool = True) -> None:
    """Lets this process compute for so long from now on, in whole seconds; then SIGXCPU.

    With `final`, SIGKILL follows for who ignores that; it can't be taken back, so not where another run follows.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + -(-span // SECOND)
    limit(resource.RLIMIT_CPU, soft, CPU_REPRIEVE if final else None)


def _address_space() -> int:
    """Bytes of address space that this process has; 0 where that can't be told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
