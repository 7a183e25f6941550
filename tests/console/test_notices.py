from collections.abc import Iterable

from tests.console.factory import NOW, failing, snapshot, worker
from workerconsole.notices import EVERY, QUIET, Watch
from workerkit.clock import SECOND, Micros
from workerkit.store.records import WorkerRecord


def nobody(name: str) -> bool:
    return False


def watching(*workers: WorkerRecord) -> Watch:
    watch = Watch()
    watch.see(snapshot(workers), nobody)
    return watch


def texts(watch: Watch, now: Micros = NOW) -> list[str]:
    return [notice.text for notice in watch.due(now)]


def see(watch: Watch, workers: Iterable[WorkerRecord], at: Micros = NOW) -> None:
    watch.see(snapshot(workers, taken_at=at), nobody)


def test_how_things_are_at_the_start_is_no_news() -> None:
    assert texts(watching(failing())) == []


def test_a_worker_out_of_sight_that_begins_to_fail_is_told_with_its_error() -> None:
    watch = watching(worker("mail"))
    see(watch, [failing("mail", last_error="OSError: \x1b[31mdisk full")])
    assert texts(watch) == ["mail began to fail: OSError: disk full"]


def test_a_worker_in_sight_is_not_told() -> None:
    watch = watching(worker("mail"))
    watch.see(snapshot([failing("mail")]), lambda name: name == "mail")
    assert texts(watch) == []


def test_failing_once_more_is_no_news() -> None:
    watch = watching(failing("mail"))
    see(watch, [failing("mail", consecutive_failures=4, failure_count=4)])
    assert texts(watch) == []


def test_a_recovery_is_told() -> None:
    watch = watching(failing("mail"))
    see(watch, [worker("mail", success_count=13, failure_count=3)])
    assert texts(watch) == ["mail recovered."]


def test_a_reset_of_the_counters_is_no_recovery() -> None:
    watch = watching(failing("mail"))
    see(watch, [worker("mail", success_count=0, failure_count=0)])
    assert texts(watch) == []


def test_many_at_once_are_one_message_with_their_number() -> None:
    names = [f"w{number}" for number in range(12)]
    watch = watching(*(worker(name) for name in names))
    see(watch, [failing(name) for name in names])
    assert texts(watch) == ["12 workers began to fail."]


def test_a_few_are_named_together() -> None:
    watch = watching(worker("a"), worker("b"))
    see(watch, [failing("a"), failing("b")])
    assert texts(watch) == ["a, b began to fail."]


def test_notices_of_a_few_seconds_are_told_together() -> None:
    watch = watching(worker("a"), worker("b"), worker("c"))
    see(watch, [failing("a"), worker("b"), worker("c")])
    assert len(texts(watch)) == 1
    see(watch, [failing("a"), failing("b"), worker("c")], NOW + SECOND)
    see(watch, [failing("a"), failing("b"), failing("c")], NOW + 2 * SECOND)
    assert texts(watch, NOW + 2 * SECOND) == []
    assert texts(watch, NOW + EVERY) == ["b, c began to fail."]


def test_a_worker_that_flaps_is_named_once_a_minute() -> None:
    watch = watching(worker("mail"))
    told = 0
    for step in range(10):
        at = NOW + step * 4 * SECOND
        record = failing("mail") if step % 2 == 0 else worker("mail", success_count=20 + step)
        see(watch, [record], at)
        told += len(texts(watch, at))
    assert told == 1
    see(watch, [failing("mail", success_count=40)], NOW + QUIET)
    assert texts(watch, NOW + QUIET) != []


def test_one_that_recovered_before_it_was_told_is_not_told() -> None:
    watch = watching(worker("a"), worker("b"))
    see(watch, [failing("a"), worker("b")])
    assert len(texts(watch)) == 1
    see(watch, [failing("a"), failing("b")], NOW + SECOND)
    see(watch, [failing("a"), worker("b", success_count=13)], NOW + 2 * SECOND)
    assert texts(watch, NOW + EVERY) == []
