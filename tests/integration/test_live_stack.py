"""One look tells where a running worker hangs: in a socket, a loop, a lock, an await, or on the event loop itself."""

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import AsyncTask, Task
from tests.waiting import wait_for
from workerkit import RunContext, stacks
from workerkit.failures import Redactor


class Hang:
    """Ways to hang, all of which end when told to."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.lock = threading.Lock()
        self.lock.acquire()
        self.near, self.far = socket.socketpair()
        self.near.settimeout(60)

    def release(self) -> None:
        self.go_on.set()
        self.lock.release()
        self.far.shutdown(socket.SHUT_RDWR)
        self.far.close()

    def close(self) -> None:
        self.near.close()

    def in_a_socket(self, _ctx: RunContext) -> None:
        with self.near:
            self.near.recv(1)  # hangs here

    def in_a_loop(self, _ctx: RunContext) -> None:
        while not self.go_on.is_set():
            sum(range(1000))  # hangs here

    def on_a_lock(self, _ctx: RunContext) -> None:
        with self.lock:  # hangs here
            pass

    async def on_the_event_loop(self, _ctx: RunContext) -> None:
        self.go_on.wait(60)  # hangs here


def own_frames(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for node in nodes:
        found += [node] if node["own"] else []
        found += own_frames(node["below"])
    return found


@pytest.mark.parametrize("how", ["in_a_socket", "in_a_loop", "on_a_lock", "on_the_event_loop"])
def test_the_sampled_stack_names_the_line_where_a_worker_hangs(bench: Bench, how: str) -> None:
    hang = Hang()
    work: Callable[[RunContext], Any] = getattr(hang, how)
    bench.host(AsyncTask(work) if how == "on_the_event_loop" else Task(work))
    run_id = bench.begin("task")
    try:
        wait_for(lambda: bench.ask("stack", "task").data)
        answer = bench.ask("stack", "task")
        assert (answer.state, answer.run_id) == ("done", run_id)
        assert answer.data["samples"] == stacks.SAMPLES
        frames = own_frames(answer.data["tree"])
        assert any("# hangs here" in frame["text"] and frame["count"] >= 15 for frame in frames)
        assert " samples in " in (answer.result or "")
    finally:
        hang.release()
    bench.ended(run_id)
    hang.close()


def test_other_commands_do_not_wait_for_the_samples(bench: Bench) -> None:
    hang = Hang()
    bench.host(Task(hang.in_a_socket), Task(lambda _: None, name="other"))
    bench.begin("task")
    try:
        from workerkit.operator import Operator

        operator = Operator(bench.database, by="tester", nudge=bench.hosts[-1].nudge)
        stack = operator.submit("stack", "task")
        bench.run("other")
        pending = bench.reader.command(stack)
        assert pending is not None
        assert pending.state == "pending"
        assert operator.wait(stack, timeout=20).state == "done"
    finally:
        hang.release()
    bench.wait_worker("task", lambda w: w.status != "running")
    hang.close()


async def test_a_task_shows_the_tasks_that_it_waits_for() -> None:
    gate = asyncio.Event()

    async def leaf() -> None:
        await gate.wait()

    async def gathers() -> None:
        await asyncio.gather(leaf(), leaf())

    async def groups() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(leaf(), name="first")
            group.create_task(gathers(), name="second")

    async def awaits_a_task() -> None:
        await asyncio.create_task(groups(), name="inner")

    task = asyncio.create_task(awaits_a_task())
    for _ in range(5):
        await asyncio.sleep(0)
    stand = stacks.of_task(task, None)
    data = stacks.describe("the task", stand, Redactor(environment={}))
    (inner,) = data["children"]
    assert inner["label"] == "task inner"
    labels = [child["label"] for child in inner["children"]]
    assert sorted(labels) == ["task first", "task second"]
    second = next(child for child in inner["children"] if child["label"] == "task second")
    assert len(second["children"]) == 2
    leaf_frames = second["children"][0]["frames"]
    assert [frame["function"].rpartition(".")[2] for frame in leaf_frames] == ["leaf", "wait"]
    gate.set()
    await task


def test_samples_make_a_tree_with_counts() -> None:
    def outer(inner: Callable[[], stacks.Stand]) -> stacks.Stand:
        return inner()

    def left() -> stacks.Stand:
        return stacks.of_thread(threading.get_ident())

    def right() -> stacks.Stand:
        return stacks.of_thread(threading.get_ident())

    turns = iter([left, right, right])
    stands = stacks.sample(lambda: outer(next(turns)), sleep=lambda _: None, times=3)
    (root,) = stacks.tree(stands, Redactor(environment={}))
    assert root["count"] == 3
    node = root
    while not node["function"].endswith("outer"):
        (node,) = node["below"]
    assert [(below["function"].rpartition(".")[2], below["count"]) for below in node["below"]] == [
        ("right", 2),
        ("left", 1),
    ]


def test_of_a_deep_recursion_the_innermost_line_is_in_the_tree() -> None:
    def deep(levels: int) -> stacks.Stand:
        return deep(levels - 1) if levels else stacks.of_thread(threading.get_ident())

    (node,) = stacks.tree([deep(400)], Redactor(environment={}))
    while node["below"]:
        (node,) = node["below"]
    assert node["function"] == "of_thread"


def test_sampling_ends_when_the_run_does() -> None:
    stands = iter([stacks.Stand(()), stacks.Stand(()), None])
    assert len(stacks.sample(lambda: next(stands), sleep=lambda _: None)) == 2
