"""Workers that tell the oracle when they begin and how they end."""

import asyncio
import os

from tests.soak.oracle import tell
from workerkit import BaseWorker, RunContext

ORACLE = "WORKERCONSOLE_TEST_ORACLE"
"""The variable that says where the oracle listens."""


def _saw(what: str, ctx: RunContext) -> None:
    tell(os.environ[ORACLE], what, ctx.run_id, ctx.worker)


class Plain(BaseWorker):
    def run(self, ctx: RunContext) -> None:
        _saw("start", ctx)
        ctx.state["count"] = ctx.state.get("count", 0) + 1
        print("line of", ctx.run_id)
        if ctx.run_id % 7 == 0:
            _saw("raise", ctx)
            raise ValueError(ctx.run_id)
        _saw("end", ctx)


class Separate(Plain):
    """The same in a process of its own, which must not outlive the host."""

    isolation = "process"


class Async(BaseWorker):
    async def run(self, ctx: RunContext) -> None:
        _saw("start", ctx)
        await asyncio.sleep(0.02)
        ctx.state["count"] = ctx.state.get("count", 0) + 1
        _saw("end", ctx)
