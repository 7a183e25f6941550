"""How late the host's event loop is: an `async def` worker."""

import asyncio
from typing import Any

from workerkit.base import BaseWorker
from workerkit.context import RunContext
from workerkit.stock.check import CheckFailed

_PAUSE = 0.02
"""Seconds of each of the naps that are measured."""


class LoopDelay(BaseWorker):
    """Naps some times on the event loop and measures how late it wakes up.

    A large delay means that some `async def` worker blocks the loop that all of them share. Fails above `max_delay`
    seconds.
    """

    interval = "5s"
    description = "how late the event loop wakes up"

    def __init__(self, max_delay: float = 1.0, naps: int = 10, **options: Any) -> None:
        super().__init__(**options)
        self.max_delay = max_delay
        self.naps = naps

    async def run(self, ctx: RunContext) -> str:
        loop = asyncio.get_running_loop()
        worst = 0.0
        for _ in range(self.naps):
            ctx.check()
            due = loop.time() + _PAUSE
            await asyncio.sleep(_PAUSE)
            worst = max(worst, loop.time() - due)
        ctx.log.info("%d naps of %.0f ms, at worst %.1f ms late", self.naps, _PAUSE * 1000, worst * 1000)
        if worst > self.max_delay:
            raise CheckFailed(
                f"the event loop woke up {worst:.2f} s late; an async worker blocks it: "
                "move what blocks to a plain def, or to asyncio.to_thread"
            )
        return f"at worst {worst * 1000:.1f} ms late"
