"""Where a running worker stands: a thread's stack, or an asyncio task with all that it awaits; once, or sampled.

Reading is a matter of microseconds and stops nobody. Sources and redaction come afterwards, once for each distinct
frame, so that twenty samples cost little more than one.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from workerkit.failures.frames import (
    Position,
    frame_data,
    frames_data,
    is_kit,
    stack_positions,
    within_bounds,
    without_kit,
)
from workerkit.failures.redact import Redactor

SAMPLES = 20
"""Looks at a running worker, for one answer."""
PERIOD = 0.05
"""Seconds between two looks: twenty of them make a second."""
MAX_CHILDREN = 20
"""Tasks shown that a task waits for."""
MAX_TREE_NODES = 1_000
"""Nodes of the tree of samples; a deep recursion that moves about could make any number."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where something stands at one moment, outermost frame first."""

    positions: tuple[Position, ...]
    note: str | None = None
    """What can't be seen, and why."""
    children: tuple["Child", ...] = ()
    """Tasks that it waits for."""


@dataclass(frozen=True, slots=True)
class Child:
    """A task that another one waits for."""

    label: str
    stand: Stand


@dataclass(slots=True)
class _Node:
    """One place of the tree of samples, and how many of them passed through it."""

    position: Position
    count: int = 0
    below: dict[tuple[CodeType, int], "_Node"] = field(default_factory=dict)


def of_thread(thread_id: int) -> Stand:
    """Where a thread stands."""
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001 -- documented; the only way to another thread's stack
    return Stand(_without_host(stack_positions(frame)), None if frame else "its thread has ended")


def of_task(task: "asyncio.Task[Any]", loop_thread: int | None) -> Stand:
    """Where a task stands, or, where it executes right now, the thread of its loop.

    Task.get_stack() would give the outermost frame only.
    """
    if loop_thread is not None and asyncio.current_task(task.get_loop()) is task:
        stand = of_thread(loop_thread)
        return Stand(stand.positions, "it is executing on the event loop at this moment; the other tasks wait for it")
    return _of_waiting_task(task, {task})


def _of_waiting_task(task: "asyncio.Task[Any]", seen: "set[asyncio.Task[Any]]") -> Stand:
    positions: list[Position] = []
    waiting: list[asyncio.Task[Any]] = []
    awaited: Any = task.get_coro()
    while awaited is not None and len(positions) < sys.getrecursionlimit():
        if (frame := _frame_of(awaited)) is not None:
            positions.append(Position(frame.f_code, frame.f_lineno, frame=frame))
            waiting.extend(_tasks_of_group(frame))
        awaited = _next_awaited(awaited)
    waiting.extend(_tasks_of_future(getattr(task, "_fut_waiter", None)))
    unseen = [child for child in dict.fromkeys(waiting) if child not in seen and not child.done()]
    seen.update(unseen)
    children = tuple(Child(child.get_name(), _of_waiting_task(child, seen)) for child in unseen[:MAX_CHILDREN])
    return Stand(_without_host(positions), None if positions else "the task has ended", children)


def _frame_of(awaitable: Any) -> Any:
    for name in ("cr_frame", "gi_frame", "ag_frame"):
        if (frame := getattr(awaitable, name, None)) is not None:
            return frame
    return None


def _next_awaited(awaitable: Any) -> Any:
    for name in ("cr_await", "gi_yieldfrom", "ag_await"):
        if (inner := getattr(awaitable, name, None)) is not None:
            return inner
    return None


def _tasks_of_future(future: Any) -> "list[asyncio.Task[Any]]":
    """The tasks behind a future that is waited for: the task itself, or the members of a gather()."""
    if isinstance(future, asyncio.Task):
        return [future]
    children = getattr(future, "_children", None)
    return [child for child in children if isinstance(child, asyncio.Task)] if isinstance(children, list) else []


def _tasks_of_group(frame: Any) -> "list[asyncio.Task[Any]]":
    """The members of an asyncio.TaskGroup whose end is waited for; the future it waits on does not tell them."""
    group = frame.f_locals.get("self") if frame.f_code is asyncio.TaskGroup.__aexit__.__code__ else None
    return list(getattr(group, "_tasks", ())) if group is not None else []


def describe(label: str, stand: Stand, redactor: Redactor) -> dict[str, Any]:
    """A stand as JSON-like data: label, frames (outermost first), note, and the tasks waited for."""
    kept, cut = within_bounds(stand.positions)
    children = [describe(f"task {child.label}", child.stand, redactor) for child in stand.children]
    return {"label": label, "frames": frames_data(kept, redactor), "note": stand.note or cut, "children": children}


def sample(
    look: Callable[[], Stand | None], *, sleep: Callable[[float], object] = time.sleep, times: int = SAMPLES
) -> list[Stand]:
    """Looks again and again, PERIOD apart, until `look` gives None: the run has ended."""
    stands: list[Stand] = []
    for turn in range(times):
        if turn:
            sleep(PERIOD)
        stand = look()
        if stand is None:
            break
        stands.append(stand)
    return stands


def tree(stands: list[Stand], redactor: Redactor) -> list[dict[str, Any]]:
    """The samples as a tree: each place is a frame with `count`, the samples that passed, and `below`."""
    roots: dict[tuple[CodeType, int], _Node] = {}
    budget = MAX_TREE_NODES
    for stand in stands:
        level = roots
        for position in within_bounds(stand.positions)[0]:
            key = (position.code, position.line)
            if key not in level:
                if budget == 0:
                    break
                budget -= 1
                level[key] = _Node(position)
            node = level[key]
            node.count += 1
            level = node.below
    return list(_as_data(roots, redactor))


def _as_data(level: dict[tuple[CodeType, int], _Node], redactor: Redactor) -> Iterator[dict[str, Any]]:
    for node in sorted(level.values(), key=lambda node: -node.count):
        frame = frame_data(node.position, redactor)
        line = next((text for number, text in frame["source"] if number == frame["line"]), "")
        kept = {key: frame[key] for key in ("file", "line", "function", "own")}
        yield {**kept, "text": line.strip(), "count": node.count, "below": list(_as_data(node.below, redactor))}


def _without_host(positions: list[Position]) -> tuple[Position, ...]:
    """Without the threading and kit frames below the worker's own, as long as something stays."""
    first_kit = next((i for i, position in enumerate(positions) if is_kit(position.code.co_filename)), None)
    trimmed = positions if first_kit is None else without_kit(positions[first_kit:])
    return tuple(trimmed or positions)
