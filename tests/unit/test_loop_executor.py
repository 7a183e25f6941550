"""The loop of async workers: jobs come from any thread, one wake-up serves many, and a stop drops what waits."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from workerkit.executors.event_loop import LoopExecutor

PATIENCE = 5.0


@pytest.fixture
def executor() -> Iterator[LoopExecutor]:
    executor = LoopExecutor()
    yield executor
    executor.stop()


def test_jobs_of_many_threads_are_all_done(executor: LoopExecutor) -> None:
    executor.start()
    done: list[int] = []
    all_done = threading.Event()

    async def job(number: int) -> None:
        done.append(number)
        if len(done) == 8 * 500:
            all_done.set()

    def submit(first: int) -> None:
        for number in range(first, first + 500):
            executor.submit(partial(job, number))

    threads = [threading.Thread(target=submit, args=(500 * place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    assert all_done.wait(PATIENCE)
    assert sorted(done) == list(range(8 * 500))


def test_a_job_that_comes_while_another_blocks_the_loop_is_done_after_it(executor: LoopExecutor) -> None:
    executor.start()
    began, may_end, done = threading.Event(), threading.Event(), threading.Event()

    async def block() -> None:
        began.set()
        may_end.wait(PATIENCE)

    async def follow() -> None:
        done.set()

    executor.submit(block)
    assert began.wait(PATIENCE)
    executor.submit(follow)
    may_end.set()
    assert done.wait(PATIENCE)


def test_what_was_dropped_by_a_stop_does_not_hold_up_what_comes_after_the_next_start(executor: LoopExecutor) -> None:
    done: list[str] = []
    after = threading.Event()

    async def note(name: str) -> None:
        done.append(name)
        after.set()

    executor.submit(lambda: note("before the start"))
    executor.start()
    executor.stop()
    executor.submit(lambda: note("after the stop"))
    executor.start()
    executor.submit(lambda: note("after the next start"))
    assert after.wait(PATIENCE)
    assert done == ["after the next start"]
