"""Where a running worker stands at this moment: of a thread, or of an asyncio task with all that it awaits."""

import asyncio
import sys
from types import CodeType
from typing import Any

from workerkit.failures.frames import Position, bounded, is_kit, stack_positions, without_kit
from workerkit.failures.redact import Redactor


def of_thread(thread_id: int, label: str, redactor: Redactor) -> dict[str, Any]:
    """The stack of a live thread as data: label, frames (outermost first), note."""
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001 -- documented; the only way to another thread's stack
    return _stack(label, redactor, stack_positions(frame), None if frame else "its thread has ended")


def of_task(task: "asyncio.Task[Any]", loop_thread: int | None, label: str, redactor: Redactor) -> dict[str, Any]:
    """The stack of an asyncio task: the chain of what it awaits, or the thread's stack where it is running right now.

    Task.get_stack() would give the outermost frame only.
    """
    if loop_thread is not None and asyncio.current_task(task.get_loop()) is task:
        stack = of_thread(loop_thread, label, redactor)
        return {**stack, "note": "it is executing on the event loop right now; others wait for it"}
    positions: list[Position] = []
    awaited: Any = task.get_coro()
    while awaited is not None and len(positions) < sys.getrecursionlimit():
        code, line = _suspended(awaited)
        if code is not None and line is not None:
            positions.append(Position(code, line))
        awaited = _next_awaited(awaited)
    return _stack(label, redactor, positions, None if positions else "the task has ended")


def _suspended(awaitable: Any) -> tuple[CodeType | None, int | None]:
    for prefix in ("cr", "gi", "ag"):
        frame = getattr(awaitable, f"{prefix}_frame", None)
        if frame is not None:
            return frame.f_code, frame.f_lineno
    return None, None


def _next_awaited(awaitable: Any) -> Any:
    if isinstance(awaitable, asyncio.Task):
        return awaitable.get_coro()
    for attribute in ("cr_await", "gi_yieldfrom", "ag_await"):
        if (inner := getattr(awaitable, attribute, None)) is not None:
            return inner
    return None


def _stack(label: str, redactor: Redactor, positions: list[Position], note: str | None) -> dict[str, Any]:
    frames, cut = bounded(_without_host(positions), redactor)
    return {"label": label, "frames": frames, "note": note or cut}


def _without_host(positions: list[Position]) -> list[Position]:
    """Without the threading and kit frames below the worker's own, as long as something stays."""
    first_kit = next((i for i, position in enumerate(positions) if is_kit(position.code.co_filename)), None)
    trimmed = positions if first_kit is None else without_kit(positions[first_kit:])
    return trimmed or positions
