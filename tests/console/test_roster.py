from hypothesis import given
from hypothesis import strategies as st

from tests.console.factory import NOW, failing, worker
from workerconsole.filters import Filter, parse
from workerconsole.roster import Order, Sort, arrange, natural, needs_attention
from workerkit.clock import SECOND


def test_those_that_need_attention_come_first_and_the_rest_by_name() -> None:
    workers = [worker("c"), failing("z"), worker("a"), worker("b", status="broken"), worker("d", registered=False)]
    assert arrange(workers, Filter(), Order()) == ["b", "z", "a", "c", "d"]


def test_a_failing_worker_keeps_its_place_while_its_next_run_is_on_its_way() -> None:
    assert needs_attention(failing("mail", status="running"))


def test_a_suspended_worker_needs_attention_and_one_that_is_only_retrying_does_not() -> None:
    assert needs_attention(worker(status="suspended", suspended_because="it failed twice"))
    assert not needs_attention(worker(status="retrying"))


def test_the_gravest_come_first_by_status() -> None:
    statuses = ("idle", "paused", "running", "retrying", "suspended", "failed", "stuck")
    workers = [worker(status, status=status) for status in statuses]
    assert arrange(workers, Filter(), Order(Sort.STATUS)) == [
        *("stuck", "failed", "suspended", "retrying", "running", "paused", "idle")
    ]


def test_numbers_in_names_are_ordered_as_numbers() -> None:
    workers = [worker("job-10"), worker("job-2"), worker("Job-1")]
    assert arrange(workers, Filter(), Order(Sort.NAME)) == ["Job-1", "job-2", "job-10"]


def test_the_order_turns_round_but_equal_ones_stay_by_name() -> None:
    workers = [worker("b", failure_count=1), worker("a", failure_count=1), worker("c", failure_count=5)]
    assert arrange(workers, Filter(), Order(Sort.FAILURES)) == ["c", "a", "b"]
    assert arrange(workers, Filter(), Order(Sort.FAILURES, reverse=True)) == ["a", "b", "c"]
    assert arrange(workers, Filter(), Order(Sort.NAME, reverse=True)) == ["c", "b", "a"]


def test_workers_that_will_not_run_come_last_by_next_run() -> None:
    workers = [
        worker("manual", next_run_at=None),
        worker("paused", paused=True, next_run_at=NOW),
        worker("suspended", suspended_because="it failed twice", next_run_at=NOW),
        worker("late", next_run_at=NOW + 9 * SECOND),
        worker("soon", next_run_at=NOW + SECOND),
    ]
    assert arrange(workers, Filter(), Order(Sort.NEXT_RUN)) == ["soon", "late", "manual", "paused", "suspended"]


def test_every_sort_can_be_reached_and_they_come_round() -> None:
    order, seen = Order(), []
    for _ in Sort:
        seen.append(order.sort)
        order = order.next()
    assert seen == list(Sort)
    assert order == Order()


def test_only_those_that_pass_the_filter_are_arranged() -> None:
    assert arrange([worker("web"), failing("mail")], parse("status:failed"), Order()) == ["mail"]


@given(st.lists(st.text(max_size=12), max_size=20))
def test_any_two_names_compare(names: list[str]) -> None:
    assert len(sorted(names, key=natural)) == len(names)
