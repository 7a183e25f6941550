from collections import defaultdict
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from workerkit.outcome import GapReason, Status, Trigger
from workerkit.store.batch import arrange
from workerkit.store.events import Event, HostBeat, NextRunMoved, RunProgressed, RunStarted, SlotsMissed, StatusChanged

EVENTS = st.lists(
    st.builds(StatusChanged, worker=st.sampled_from("abc"), status=st.sampled_from(Status))
    | st.builds(NextRunMoved, worker=st.sampled_from("abc"), next_run_at=st.integers())
    | st.builds(
        RunProgressed,
        run_id=st.just(1),
        worker=st.sampled_from("abc"),
        done=st.integers(),
        total=st.none(),
        note=st.just(""),
    )
    | st.builds(HostBeat, host_id=st.just(1), at=st.integers())
)


def of_each_owner(events: Sequence[Event]) -> dict[str, list[Event]]:
    owned = defaultdict(list)
    for event in events:
        owned["" if isinstance(event, HostBeat) else event.worker].append(event)
    return owned


@given(EVENTS)
def test_events_of_one_worker_keep_their_order_and_none_is_lost(events: list[Event]) -> None:
    arranged = [event for _, group in arrange(events) for event in group]
    assert of_each_owner(arranged) == of_each_owner(events)


@given(EVENTS)
def test_every_group_is_of_one_type(events: list[Event]) -> None:
    for kind, group in arrange(events):
        assert group
        assert {type(event) for event in group} == {kind}


def test_alternating_events_of_many_workers_become_two_groups() -> None:
    events: list[Event] = []
    for name in ("a", "b", "c", "d"):
        events += [StatusChanged(name, Status.IDLE), NextRunMoved(name, 1)]
    assert [(kind, len(group)) for kind, group in arrange(events)] == [(StatusChanged, 4), (NextRunMoved, 4)]


def test_alternating_events_of_one_worker_stay_apart() -> None:
    events: list[Event] = [StatusChanged("a", Status.IDLE), NextRunMoved("a", 1), StatusChanged("a", Status.RUNNING)]
    assert [kind for kind, _ in arrange(events)] == [StatusChanged, NextRunMoved, StatusChanged]


def missed(worker: str) -> SlotsMissed:
    return SlotsMissed(1, worker, GapReason.OVERLOAD, 1, 2, 2, "", 1, None, 5, covered_until=2)


def started(worker: str, covered_until: int | None) -> RunStarted:
    return RunStarted(1, worker, 1, Trigger.SCHEDULE, 3, 3, 1, next_run_at=5, covered_until=covered_until)


def test_missed_slots_leave_their_worker_to_the_start_that_follows() -> None:
    manual = started("c", None)
    of_a, of_b, of_c = (missed(name) for name in "abc")
    events: list[Event] = [of_a, of_b, of_c, started("a", 3), manual, started("b", 3), missed("b")]
    assert arrange(events) == [
        (SlotsMissed, [of_a._replace(covered_until=None), of_b._replace(covered_until=None), of_c]),
        (RunStarted, [started("a", 3), manual, started("b", 3)]),
        (SlotsMissed, [missed("b")]),
    ]
