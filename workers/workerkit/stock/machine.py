"""Memory, load, processes, open files and network traffic of this machine, by psutil."""

import os
import time
from typing import Any

import psutil

from workerkit.base import BaseWorker
from workerkit.context import RunContext
from workerkit.stock.check import CheckFailed, format_size

_LISTED = 5
"""How many processes are logged."""


class Memory(BaseWorker):
    """Fails when more than `max_percent` of the memory is in use. Logs the change since its last run."""

    interval = "10s"
    description = "memory in use"

    def __init__(self, max_percent: float = 90.0, **options: Any) -> None:
        super().__init__(**options)
        self.max_percent = max_percent

    def run(self, ctx: RunContext) -> str:
        memory = psutil.virtual_memory()
        before = ctx.state.get("percent")
        ctx.state["percent"] = memory.percent
        if isinstance(before, int | float):
            ctx.log.info("%.1f %% in use, %+.1f points since the last look", memory.percent, memory.percent - before)
        found = f"{memory.percent:.0f} % in use, {format_size(memory.available)} available"
        if memory.percent > self.max_percent:
            raise CheckFailed(f"{found}; more than {self.max_percent:g} % is too much")
        return found


class Load(BaseWorker):
    """Fails when the load average of a minute, divided by the number of processors, is above `max_per_cpu`."""

    interval = "5s"
    description = "load average per processor"

    def __init__(self, max_per_cpu: float = 4.0, **options: Any) -> None:
        super().__init__(**options)
        self.max_per_cpu = max_per_cpu

    def run(self, ctx: RunContext) -> str:
        one, five, fifteen = psutil.getloadavg()
        cpus = os.cpu_count() or 1
        ctx.log.info("load %.2f, %.2f, %.2f over 1, 5 and 15 minutes on %d processors", one, five, fifteen, cpus)
        found = f"{one / cpus:.2f} per processor"
        if one / cpus > self.max_per_cpu:
            raise CheckFailed(f"{found}; more than {self.max_per_cpu:g} is too much")
        return found


class Processes(BaseWorker):
    """Fails when there are more than `max_count` processes. Logs those that use the most memory."""

    interval = "15s"
    description = "number of processes, and the largest"

    def __init__(self, max_count: int = 5000, **options: Any) -> None:
        super().__init__(**options)
        self.max_count = max_count

    def run(self, ctx: RunContext) -> str:
        found: list[tuple[int, int, str]] = []
        for process in psutil.process_iter(["name", "memory_info"]):
            ctx.check()
            memory = process.info["memory_info"]
            found.append((memory.rss if memory else 0, process.pid, process.info["name"] or "?"))
        found.sort(reverse=True)
        for size, pid, name in found[:_LISTED]:
            ctx.log.info("%10s  %s (pid %d)", format_size(size), name, pid)
        if len(found) > self.max_count:
            raise CheckFailed(f"{len(found)} processes; more than {self.max_count} are too many")
        return f"{len(found)} processes"


class OpenFiles(BaseWorker):
    """Fails when this process (the host) holds more than `max_share` of the file handles it may open."""

    interval = "20s"
    description = "file handles that the host holds"

    def __init__(self, max_share: float = 0.8, **options: Any) -> None:
        super().__init__(**options)
        self.max_share = max_share

    def run(self, ctx: RunContext) -> str:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        process = psutil.Process()
        count = process.num_fds()
        ctx.log.info("%d handles of %d allowed, %d threads", count, limit, process.num_threads())
        if count > limit * self.max_share:
            raise CheckFailed(f"{count} file handles of {limit} allowed are open; look for files that are never closed")
        return f"{count} of {limit} file handles"


class NetworkTraffic(BaseWorker):
    """How much went in and out since its last run, over all network interfaces."""

    interval = "10s"
    description = "traffic since the last look"

    def run(self, ctx: RunContext) -> str:
        interfaces = psutil.net_io_counters(pernic=True).values()
        came, went = sum(each.bytes_recv for each in interfaces), sum(each.bytes_sent for each in interfaces)
        now = time.time()
        before = [ctx.state.get(key, 0) for key in ("in", "out", "at")]
        ctx.state.update({"in": came, "out": went, "at": now})
        # After a restart of the machine the counters begin again at zero.
        if not before[2] or now <= before[2] or came < before[0] or went < before[1]:
            return "first look"
        span = now - before[2]
        return f"{format_size((came - before[0]) / span)}/s in, {format_size((went - before[1]) / span)}/s out"
