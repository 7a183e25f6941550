"""The pool of threads: one for each job that lasts, few for a crowd of short ones, and none too many in the end."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from tests.waiting import wait_for
from workerkit.executors import threads
from workerkit.executors.threads import ThreadExecutor


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """What blocking jobs wait for; at the end of a test they all go."""
    event = threading.Event()
    yield event
    event.set()


def blocks(until: threading.Event) -> None:
    until.wait(20)


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("worker-")]


def test_jobs_that_last_get_a_thread_each() -> None:
    executor, together = ThreadExecutor(8), threading.Barrier(9)

    def meet() -> None:
        together.wait(20)

    for _ in range(8):
        executor.submit(meet)
    together.wait(20)
    executor.stop()
    wait_for(lambda: not workers(), "the end of the threads")


def test_a_crowd_wakes_no_second_thread_while_the_first_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    on_their_way: list[threading.Thread] = []
    done: list[int] = []

    def held_up(thread: threading.Thread) -> None:
        on_their_way.append(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", held_up)
        executor = ThreadExecutor()
        for number in range(100):
            executor.submit(partial(done.append, number))
    assert len(on_their_way) == 1
    assert executor.waiting == 100
    on_their_way[0].start()
    wait_for(lambda: len(done) == 100, "all jobs")
    executor.stop()


def test_more_than_the_limit_wait_for_a_thread(let_go: threading.Event) -> None:
    executor, begun, done = ThreadExecutor(2), list[int](), list[int]()

    def job(number: int) -> None:
        begun.append(number)
        let_go.wait(20)
        done.append(number)

    for number in range(5):
        executor.submit(partial(job, number))
    wait_for(lambda: len(begun) == 2, "two jobs")
    assert (len(workers()), executor.waiting) == (2, 3)
    let_go.set()
    wait_for(lambda: len(done) == 5, "all jobs")
    assert begun == [0, 1, 2, 3, 4]
    executor.stop()


def test_after_the_stop_busy_threads_end_with_their_job_and_what_waits_is_dropped(let_go: threading.Event) -> None:
    executor, begun = ThreadExecutor(1), list[str]()

    def job() -> None:
        begun.append("first")
        let_go.wait(20)

    executor.submit(job)
    executor.submit(lambda: begun.append("second"))
    wait_for(lambda: begun, "the first job")
    executor.stop()
    executor.stop()
    executor.submit(lambda: begun.append("third"))
    assert executor.waiting == 0
    let_go.set()
    wait_for(lambda: not workers(), "the end of the thread")
    assert begun == ["first"]


def test_a_stuck_thread_is_replaced_and_one_goes_when_it_comes_back(let_go: threading.Event) -> None:
    executor, done = ThreadExecutor(1), list[str]()
    executor.submit(partial(blocks, let_go))
    wait_for(lambda: executor.waiting == 0, "the stuck job")
    executor.submit(lambda: done.append("next"))
    assert executor.waiting == 1
    assert executor.replace_stuck()
    wait_for(lambda: done, "the next job")
    executor.stuck_returned()
    let_go.set()
    executor.submit(lambda: done.append("last"))
    wait_for(lambda: len(done) == 2, "the last job")
    wait_for(lambda: len(workers()) == 1, "the end of the surplus thread")
    executor.stop()


def test_there_is_an_end_to_replacing() -> None:
    executor = ThreadExecutor(1)
    assert all(executor.replace_stuck() for _ in range(threads.MAX_REPLACEMENTS))
    assert not executor.replace_stuck()
    executor.stop()


def test_a_thread_that_can_not_be_had_costs_no_job(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    executor, done = ThreadExecutor(), list[int]()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        executor.submit(lambda: done.append(1))
    assert executor.waiting == 1
    assert "no thread could be started" in caplog.text
    executor.submit(lambda: done.append(2))
    wait_for(lambda: done == [1, 2], "both jobs")
    executor.stop()


def test_a_job_that_fails_is_logged_and_the_thread_lives(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise SystemExit(3)

    executor, done = ThreadExecutor(1), list[int]()
    executor.submit(fail)
    executor.submit(lambda: done.append(1))
    wait_for(lambda: done, "the job after it")
    assert "a run's machinery failed" in caplog.text
    executor.stop()
