"""Free space, and what takes it."""

import heapq
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workerkit.base import BaseWorker
from workerkit.context import RunContext
from workerkit.stock.check import CheckFailed, format_size, parse_size

_LISTED = 5
"""How many of the largest files are logged."""
_CHECK_EVERY = 200
"""Files between two looks at whether the run was cancelled."""


class DiskSpace(BaseWorker):
    """Fails when the file system of `path` has less free than `min_free`: a share (`10%`) or a size (`5 GiB`).

    Logs the trend since its last run, and when the disk would be full at that pace.
    """

    interval = "1m"
    description = "free space of a file system"

    def __init__(self, path: str | Path = "/", min_free: float | str = "5%", **options: Any) -> None:
        super().__init__(**options)
        self.path = Path(path)
        self.min_share = float(min_free.rstrip("% ")) / 100 if isinstance(min_free, str) and "%" in min_free else None
        self.min_bytes = parse_size(min_free) if self.min_share is None else 0

    def run(self, ctx: RunContext) -> str:
        usage = shutil.disk_usage(self.path)
        self._log_trend(ctx, usage.free)
        wanted = usage.total * self.min_share if self.min_share is not None else self.min_bytes
        found = f"{format_size(usage.free)} of {format_size(usage.total)} free on {self.path}"
        if usage.free < wanted:
            raise CheckFailed(f"{found}; at least {format_size(wanted)} should be")
        return f"{found} ({usage.free / usage.total:.0%})"

    def _log_trend(self, ctx: RunContext, free: int) -> None:
        now = time.time()
        before, then = ctx.state.get("free"), ctx.state.get("at")
        ctx.state.update(free=free, at=now)
        if not isinstance(before, int) or not isinstance(then, float) or now <= then:
            return
        change, hours = free - before, (now - then) / 3600
        ctx.log.info("%s %s since the last look", format_size(abs(change)), "freed" if change >= 0 else "used")
        if change < 0:
            ctx.log.info("at this pace it is full in %.1f hours", free / (-change / hours))


class LargestFiles(BaseWorker):
    """Walks a folder and logs its largest files; reports progress, and stays on one file system."""

    interval = "1h"
    description = "the largest files under a folder"

    def __init__(self, path: str | Path = ".", **options: Any) -> None:
        super().__init__(**options)
        self.path = Path(path)

    def run(self, ctx: RunContext) -> str:
        count = total = 0
        largest: list[tuple[int, str]] = []
        for size, name in _files(self.path):
            count, total = count + 1, total + size
            heapq.heappush(largest, (size, name))
            if len(largest) > _LISTED:
                heapq.heappop(largest)
            if count % _CHECK_EVERY == 0:
                ctx.check()
                ctx.progress(count, None, format_size(total))
        for size, name in sorted(largest, reverse=True):
            ctx.log.info("%10s  %s", format_size(size), name)
        return f"{count} files, {format_size(total)}"


def _files(top: Path) -> Iterator[tuple[int, str]]:
    """Size and path of every regular file; what can't be read is passed over, and links are not followed."""
    device = top.stat().st_dev
    waiting = [str(top)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if entry.is_dir(follow_symlinks=False):
                if status.st_dev == device:
                    waiting.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield status.st_size, entry.path
