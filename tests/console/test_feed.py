import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.message import Message

from tests.console.factory import NOW, HandClock, Seed, activity, failing, host, spec, worker
from workerconsole.feed import (
    HURRIED,
    HURRY,
    RESTS,
    TICK,
    DetailFetched,
    Feed,
    SnapshotTaken,
)
from workerconsole.picture import DETAIL_EVERY, RECORD_EVERY
from workerconsole.snapshot import Snapshot, WorkerDetail
from workerkit.clock import SECOND, Micros
from workerkit.errors import DatabaseError
from workerkit.store.database import Database
from workerkit.store.glance import Glance
from workerkit.store.records import LogRecord, WorkerRecord


class FakeDatabase:
    """A database in memory whose commits the test makes; counts what it is asked."""

    def __init__(self, *workers: WorkerRecord) -> None:
        self.records = {record.name: record for record in workers}
        self.moved = True
        self.alive = True
        self.fault: Exception | None = None
        self.asked: list[str] = []
        self.logs: list[Any] = []
        self.pending: list[Any] = []
        self.beat_at = host().heartbeat_at
        self.opened = 0
        self.closed = 0

    def commit(self, *workers: WorkerRecord) -> None:
        latest = max((record.change for record in self.records.values()), default=0)
        for record in workers:
            self.records[record.name] = record._replace(change=latest + 1)
        self.moved = True

    def open(self) -> "FakeDatabase":
        self.opened += 1
        return self

    def glance(self, since: int) -> Glance:
        if self.fault is not None:
            raise self.fault
        self.asked.append("glance")
        return Glance(list(self.records.values()), self.host(), self.activity(since))

    def reader(self) -> "FakeDatabase":
        if self.fault is not None:
            raise self.fault
        self.asked.append("reader")
        self.moved = True
        return self

    def close(self) -> None:
        self.closed += 1

    def host_is_live(self) -> bool:
        return self.alive

    def changed(self) -> bool:
        if self.fault is not None:
            raise self.fault
        self.asked.append("changed")
        moved, self.moved = self.moved, False
        return moved

    def workers(self, since: int = 0) -> list[WorkerRecord]:
        self.asked.append(f"workers since {since}")
        return [record for record in self.records.values() if record.change > since]

    def worker(self, name: str) -> WorkerRecord | None:
        return self.records.get(name)

    def host(self) -> Any:
        return host()._replace(heartbeat_at=self.beat_at)

    def activity(self, since: int) -> Any:
        return list(activity(0))

    def runs(self, **_: Any) -> list[Any]:
        self.asked.append("runs")
        return []

    def failures(self, worker: str | None = None, limit: int = 20) -> list[Any]:
        return []

    def latest_log_lines(self, worker: str, limit: int = 500) -> list[Any]:
        return list(self.logs)

    def gaps(self, worker: str | None = None, limit: int = 50) -> list[Any]:
        return []

    def commands(self, worker: str | None = None, limit: int = 50) -> list[Any]:
        return []

    def latest_command(self, worker: str, verb: str) -> None:
        return None

    def pending_commands(self) -> list[Any]:
        self.asked.append("pending")
        return self.pending

    def marks(self, worker: str, run_id: int | None) -> tuple[int | None, ...]:
        self.asked.append("marks")
        return len(self.logs) or None, None, 0


class Screen:
    """What the feed posts to."""

    def __init__(self, database: FakeDatabase, clock: HandClock) -> None:
        self.database = database
        self.clock = clock
        self.messages: list[Message] = []
        self.feed = Feed(database.open, self.messages.append, clock=clock)

    def step(self) -> list[Message]:
        """One tick, after which the screen has drawn what it got."""
        posted = self.hold()
        self.feed.drawn()
        return posted

    def hold(self) -> list[Message]:
        """One tick of a screen that does not draw."""
        self.messages.clear()
        self.feed.step()
        return list(self.messages)

    def snapshot(self) -> Snapshot:
        (message,) = self.step()
        assert isinstance(message, SnapshotTaken)
        return message.snapshot

    def detail(self) -> WorkerDetail:
        (message,) = [message for message in self.step() if isinstance(message, DetailFetched)]
        return message.detail


@pytest.fixture
def screen(clock: HandClock) -> Screen:
    return Screen(FakeDatabase(worker("a"), worker("b")), clock)


def test_the_first_snapshot_holds_everything(screen: Screen) -> None:
    taken = screen.snapshot()
    assert set(taken.workers) == {"a", "b"}
    assert taken.changed == {"a", "b"}
    assert taken.host_alive
    assert taken.host == host()
    assert taken.trouble is None


def test_the_first_snapshot_needs_no_reader_and_the_next_tick_finds_what_came_meanwhile(screen: Screen) -> None:
    screen.snapshot()
    assert screen.database.asked == ["glance"]
    screen.database.commit(worker("a", status="running"))
    assert screen.snapshot().changed == {"a"}
    assert screen.database.asked == ["glance", "reader", "changed", "workers since 1"]


def test_an_idle_database_costs_one_tiny_query_a_tick(screen: Screen) -> None:
    screen.snapshot()
    screen.step()
    screen.database.asked.clear()
    for _ in range(5):
        assert screen.step() == []
    assert screen.database.asked == ["changed"] * 5


def test_only_what_changed_is_read_and_named(screen: Screen) -> None:
    screen.snapshot()
    screen.step()
    screen.database.commit(failing("b"), worker("c"))
    screen.database.asked.clear()
    taken = screen.snapshot()
    assert taken.changed == {"b", "c"}
    assert set(taken.workers) == {"a", "b", "c"}
    assert screen.database.asked == ["changed", "workers since 1"]


def test_a_snapshot_never_changes_once_it_was_handed_over(screen: Screen) -> None:
    first = screen.snapshot()
    screen.database.commit(failing("a"))
    screen.snapshot()
    assert first.workers["a"].status == "idle"
    with pytest.raises(TypeError):
        first.workers["a"] = worker("a")  # type: ignore[index]


def test_a_commit_that_touches_no_worker_makes_no_snapshot(screen: Screen) -> None:
    screen.snapshot()
    screen.database.moved = True
    assert screen.step() == []


def test_a_heartbeat_alone_makes_a_picture_only_now_and_then(screen: Screen) -> None:
    screen.step()
    screen.step()
    pictures = []
    for _ in range(10):
        screen.database.beat_at += SECOND
        screen.database.commit()
        pictures += screen.step()
    assert len(pictures) == 2


def test_a_host_in_the_same_process_is_told_of_commands_that_wait_for_it(clock: HandClock) -> None:
    database, nudged = FakeDatabase(worker("a")), [0]

    def nudge() -> None:
        nudged[0] += 1

    feed = Feed(database.open, lambda _message: None, clock=clock, nudge=nudge)

    def step() -> None:
        feed.step()
        feed.drawn()

    for _ in range(3):
        step()
    database.pending = ["a command"]
    step()
    assert nudged == [0], "nothing was committed meanwhile"
    database.commit()
    step()
    assert nudged == [1]


def test_a_screen_without_a_host_of_its_own_does_not_ask_for_commands(screen: Screen) -> None:
    screen.step()
    screen.database.commit()
    screen.step()
    assert "pending" not in screen.database.asked


Act = Callable[[Feed], object]
"""What the operator does while the feed waits."""


class Play:
    """A feed whose waits take no time: in each of them the operator acts, then the clock moves on; then it stops.

    `waited` is for how long it would have waited each time, `shown` the initials of what it had posted before.
    """

    def __init__(self, database: FakeDatabase, clock: HandClock, *acts: Act) -> None:
        self.waited: list[float] = []
        self.shown: list[str] = []
        self._clock = clock
        self._acts = list(acts)
        self._posted: list[Message] = []
        self._feed = Feed(database.open, self._posted.append, clock=clock, wait=self._wait)
        self._feed.run()

    def _wait(self, event: threading.Event, seconds: float) -> bool:
        self.waited.append(seconds)
        self.shown.append("".join(type(message).__name__[0] for message in self._posted))
        self._posted.clear()
        self._feed.drawn()
        act = self._acts.pop(0) if self._acts else Feed.stop
        act(self._feed)
        if not event.is_set():
            self._clock.move(round(seconds * SECOND))
        return event.is_set()


def nothing(_: Feed) -> None:
    """Nobody does anything."""


def to(name: str, after: Micros = 0, clock: HandClock | None = None) -> Act:
    """The cursor goes to a worker, after some time."""

    def act(feed: Feed) -> None:
        if clock is not None:
            clock.move(after)
        feed.select(name)

    return act


def test_it_looks_at_a_pace_that_can_be_read_and_quicker_after_a_command(screen: Screen, clock: HandClock) -> None:
    play = Play(screen.database, clock, nothing, Feed.hurry, *[nothing] * 13)
    quick = round(HURRY / SECOND / HURRIED)
    assert play.waited[:2] == [TICK, TICK]
    assert play.waited[2 : 2 + quick] == [HURRIED] * quick
    assert play.waited[-2:] == [TICK, TICK]


def test_details_come_at_once_and_then_when_the_cursor_rests(screen: Screen, clock: HandClock) -> None:
    play = Play(screen.database, clock, to("a"), to("b"), to("a"), to("b"), nothing, nothing)
    assert play.waited == [TICK, RESTS, RESTS, RESTS, RESTS, TICK, TICK]
    assert play.shown == ["S", "D", "", "", "", "D", ""], "a at once, then b where it came to rest"


def test_details_come_also_while_the_cursor_runs_on_and_on(screen: Screen, clock: HandClock) -> None:
    steps = [to("ab"[number % 2], SECOND // 10, clock) for number in range(1, 14)]
    shown = "".join(Play(screen.database, clock, *steps).shown)
    assert 3 <= shown.count("D") <= 6


def test_a_command_is_not_kept_waiting_by_a_cursor(screen: Screen, clock: HandClock) -> None:
    play = Play(screen.database, clock, to("a"), Feed.hurry, nothing)
    assert play.waited == [TICK, RESTS, HURRIED, HURRIED]


def test_a_screen_that_has_not_drawn_yet_gets_no_second_snapshot_and_nothing_is_read(screen: Screen) -> None:
    assert len(screen.hold()) == 1
    screen.database.commit(failing("a"))
    screen.database.asked.clear()
    assert screen.hold() == []
    assert screen.database.asked == []
    screen.feed.drawn()
    assert screen.snapshot().changed == {"a"}


def test_a_host_that_dies_is_noticed_within_a_second_without_any_commit(screen: Screen, clock: HandClock) -> None:
    screen.snapshot()
    screen.database.alive = False
    assert screen.step() == []
    clock.move(SECOND)
    assert not screen.snapshot().host_alive


def test_details_come_with_the_selection_and_again_only_when_they_change(screen: Screen) -> None:
    screen.snapshot()
    screen.feed.select("a")
    assert screen.detail().worker == worker("a")
    assert screen.step() == []
    screen.feed.select("b")
    assert screen.detail().worker.name == "b"


def test_details_follow_the_record_at_once_but_not_each_of_many_changes(screen: Screen, clock: HandClock) -> None:
    screen.feed.select("a")
    screen.step()
    clock.move(RECORD_EVERY)
    screen.database.commit(failing("a"))
    assert screen.detail().worker.status == "failed"
    screen.database.commit(worker("a"))
    assert [type(message) for message in screen.step()] == [SnapshotTaken]
    clock.move(RECORD_EVERY)
    assert screen.detail().worker.status == "idle"


def test_lines_of_a_run_show_up_although_the_record_stays(screen: Screen, clock: HandClock) -> None:
    screen.feed.select("a")
    screen.step()
    line = LogRecord(1, 0, NOW, "stdout", None, None, "hello")
    screen.database.logs = [line]
    screen.database.moved = True
    assert screen.step() == []
    clock.move(DETAIL_EVERY)
    assert screen.detail().logs == (line,)


def test_details_are_not_read_again_where_nothing_of_them_can_have_changed(screen: Screen, clock: HandClock) -> None:
    screen.feed.select("a")
    screen.step()
    screen.step()
    read = screen.database.asked.count("runs")
    for _ in range(3):
        clock.move(DETAIL_EVERY)
        screen.database.commit()
        assert screen.step() == []
    assert screen.database.asked.count("runs") == read
    assert screen.database.asked.count("marks") >= 3


def test_a_worker_that_is_not_there_has_no_details(screen: Screen) -> None:
    screen.snapshot()
    screen.feed.select("nobody")
    assert screen.step() == []
    screen.feed.select(None)
    assert screen.step() == []


def test_trouble_is_told_once_in_words_and_reading_is_tried_again_every_second(
    screen: Screen, clock: HandClock
) -> None:
    screen.snapshot()
    screen.step()
    screen.database.fault = DatabaseError("disk I/O error")
    trouble = screen.snapshot().trouble
    assert trouble is not None
    assert "disk I/O error" in trouble
    assert screen.step() == []
    assert screen.database.closed == 1
    clock.move(SECOND + 1)
    assert screen.step() == []
    screen.database.fault = None
    clock.move(SECOND + 1)
    taken = screen.snapshot()
    assert taken.trouble is None
    assert set(taken.workers) == {"a", "b"}
    assert screen.database.opened > 1


def test_what_is_known_stays_on_the_screen_while_the_database_can_not_be_read(screen: Screen) -> None:
    screen.snapshot()
    screen.database.fault = OSError("gone")
    assert set(screen.snapshot().workers) == {"a", "b"}


def test_a_worker_that_vanished_with_a_replaced_database_vanishes_from_the_screen(
    screen: Screen, clock: HandClock
) -> None:
    screen.snapshot()
    screen.database.fault = OSError("replaced")
    screen.snapshot()
    screen.database.fault = None
    screen.database.records.clear()
    clock.move(SECOND + 1)
    assert not screen.snapshot().workers


def test_a_clock_that_steps_back_stops_nothing(screen: Screen, clock: HandClock) -> None:
    screen.snapshot()
    clock.move(-3600 * SECOND)
    screen.database.commit(failing("a"))
    screen.database.alive = False
    taken = screen.snapshot()
    assert taken.changed == {"a"}
    assert not taken.host_alive


def test_start_and_stop_may_be_called_twice_and_the_reader_is_closed(screen: Screen) -> None:
    screen.snapshot()
    screen.step()
    for _ in range(2):
        screen.feed.start()
    for _ in range(2):
        screen.feed.stop()
    assert screen.database.closed == 1


def test_a_feed_that_was_never_started_can_be_stopped(screen: Screen) -> None:
    screen.feed.stop()


def test_it_reads_a_real_database(seed: Seed, clock: HandClock) -> None:
    seed.workers([spec("mail"), spec("web")])
    seed.history("mail", ["succeeded", "failed"])
    seed.lines("mail", 1, ["hello"])
    seed.command("stack", "mail", data={"frames": []})
    messages: list[Message] = []
    path = seed.database.path
    feed = Feed(lambda: Database.open(path, create=False), messages.append, clock=clock)
    feed.select("mail")
    feed.step()
    taken, fetched = messages
    assert isinstance(taken, SnapshotTaken)
    assert taken.snapshot.host_alive
    assert taken.snapshot.workers["mail"].consecutive_failures == 1
    assert isinstance(fetched, DetailFetched)
    assert [run.outcome for run in fetched.detail.runs] == ["failed", "succeeded"]
    assert [line.text for line in fetched.detail.logs] == ["hello"]
    assert len(fetched.detail.failures) == 1
    assert fetched.detail.stack is not None
    seed.close()
    feed.drawn()
    clock.move(SECOND)
    feed.step()
    assert isinstance(messages[-1], SnapshotTaken)
    assert not messages[-1].snapshot.host_alive
    assert taken.snapshot.taken_at == NOW
    feed.stop()


def test_a_fault_that_nobody_thought_of_is_trouble_and_not_the_end_of_the_feed(
    screen: Screen, clock: HandClock
) -> None:
    screen.database.fault = ValueError("a poisoned row")
    assert "a poisoned row" in (screen.snapshot().trouble or "")
    screen.database.fault = None
    clock.move(SECOND + 1)
    assert screen.snapshot().trouble is None
