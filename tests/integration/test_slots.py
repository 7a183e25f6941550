"""Every due slot has a verdict: a run or a gap. The clock is moved by hand; no scheduler runs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import pytest

from tests.clocks import HandClock
from workerkit.clock import HOUR, SECOND, Micros
from workerkit.errors import DatabaseError
from workerkit.executors.event_loop import LoopExecutor
from workerkit.executors.threads import ThreadExecutor
from workerkit.outcome import GapReason, Trigger
from workerkit.registry import Registry
from workerkit.roster import LiveWorker, Roster
from workerkit.runner import Runner
from workerkit.slots import Slots
from workerkit.store.events import Event, RunGoesOn, RunStarted, SlotsMissed
from workerkit.watchdog import Watchdog

E = TypeVar("E", bound=Event)


class Recorder:
    """A writer that commits at once, in memory. Runs are started, and end only when the test says so."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.refusal: Exception | None = None
        """Why no start of a run is written."""

    def submit(self, event: Event, done: Callable[[BaseException | None], None] | None = None) -> None:
        if self.refusal is not None and isinstance(event, RunStarted) and done is not None:
            done(self.refusal)
        else:
            self.events.append(event)

    def runs(self) -> list[RunStarted]:
        return [event for event in self.events if isinstance(event, RunStarted)]

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def gaps(self) -> list[SlotsMissed]:
        """Gap rows as the database would hold them: the latest event of each id."""
        return list({event.gap_id: event for event in self.events if isinstance(event, SlotsMissed)}.values())


class Scene:
    """One or more workers of one second each, under a clock that is moved by hand."""

    def __init__(
        self, names: tuple[str, ...] = ("w",), interval: Any = 1, options: Mapping[str, Any] | None = None
    ) -> None:
        registry = Registry()
        for name in names:
            registry.register(_Nothing(), name=name, interval=interval, **(options or {}))
        self.clock = HandClock()
        self.writer = Recorder()
        lives = [LiveWorker(registration, covered_until=self.clock.now()) for registration in registry]
        self.roster = Roster(lives, next_run_id=1, next_gap_id=1)
        runner = Runner(
            self.roster,
            self.writer,
            Watchdog(self.clock),
            self.clock,
            host_id=1,
            threads=ThreadExecutor(),
            loop=LoopExecutor(),
        )
        self.slots = Slots(self.roster, runner, self.writer, self.clock, host_id=1)
        self.runner = runner
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.start = self.clock.now()

    @property
    def live(self) -> LiveWorker:
        return self.roster["w"]

    def end_run(self, name: str = "w") -> None:
        """The oldest run of the worker ends."""
        live = self.roster[name]
        del live.runs[:1]
        self.runner.on_free(live)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self.later.append((seconds, call))

    def verdicts(self, name: str = "w") -> Iterator[str]:
        """What became of each slot since the start of the scene, in order."""
        schedule = self.roster[name].registration.schedule
        slot: Micros | None = schedule.next_slot(name, self.start)
        while slot is not None and slot <= self.clock.now():
            ran = any(run.worker == name and run.due_at == slot for run in self.writer.runs())
            gap = next(
                (g for g in self.writer.gaps() if g.worker == name and g.first_due_at <= slot <= g.last_due_at), None
            )
            assert not (ran and gap), "two verdicts on one slot"
            yield "run" if ran else gap.reason if gap else "NOTHING"
            slot = schedule.next_slot(name, slot)


class _Nothing:
    name = "w"
    interval = 1

    def run(self, ctx: Any) -> None: ...


def test_a_slot_that_comes_due_gets_a_run() -> None:
    scene = Scene()
    scene.clock.advance(1)
    scene.slots.look("w")
    (run,) = scene.writer.runs()
    assert run.trigger is Trigger.SCHEDULE
    assert scene.start < run.due_at <= scene.clock.now()
    assert run.covered_until == run.due_at
    assert run.next_run_at == run.due_at + SECOND
    assert list(scene.verdicts()) == ["run"]


def test_in_a_press_of_runs_the_next_begin_quietly_and_are_shown_when_they_go_on() -> None:
    names = tuple(f"w{number}" for number in range(12))
    scene = Scene(names)
    scene.clock.advance(1)
    for name in names:
        scene.slots.look(name)
    assert [run.quiet for run in scene.writer.runs()] == [False] * 8 + [True] * 4
    everybody = scene.roster.active()

    for active in everybody:
        scene.runner.journal.goes_on(active)
    assert scene.writer.of(RunGoesOn) == [], "it may be over in a moment"
    scene.clock.advance(0.06)
    everybody[-1].claim()
    for active in everybody * 2:
        scene.runner.journal.goes_on(active)
    shown = scene.writer.of(RunGoesOn)
    live = scene.roster["w8"]
    assert shown[0] == RunGoesOn(9, "w8", scene.clock.now() - 60_000, live.next_run_at, live.covered_until)
    assert [event.run_id for event in shown] == [9, 10, 11], "the first began aloud, the last has ended"


def test_a_run_that_a_command_asked_for_never_begins_quietly() -> None:
    scene = Scene(tuple(f"w{number}" for number in range(12)))
    scene.clock.advance(1)
    for live in scene.roster:
        scene.runner.begin(live, Trigger.MANUAL, scene.clock.now(), command_id=5)
    assert [run.quiet for run in scene.writer.runs()] == [False] * 12


def test_looking_twice_at_one_slot_runs_it_once() -> None:
    scene = Scene()
    scene.clock.advance(1)
    for _ in range(3):
        scene.slots.look("w")
        scene.end_run()
    assert len(scene.writer.runs()) == 1


def test_a_slot_whose_run_could_not_be_recorded_is_a_gap_and_the_next_one_has_its_turn() -> None:
    scene = Scene()
    scene.writer.refusal = DatabaseError("the disk is full")
    for _ in range(2):
        scene.clock.advance(1)
        scene.slots.look("w")
    scene.writer.refusal = None
    scene.clock.advance(1)
    scene.slots.look("w")
    assert list(scene.verdicts()) == ["overload", "overload", "run"]
    assert {gap.detail for gap in scene.writer.gaps()} == {"its start could not be recorded: the disk is full"}


def test_slots_during_a_run_are_one_gap_that_names_it() -> None:
    scene = Scene()
    for _ in range(5):
        scene.clock.advance(1)
        scene.slots.look("w")
    assert list(scene.verdicts()) == ["run", "overlap", "overlap", "overlap", "overlap"]
    (gap,) = scene.writer.gaps()
    assert (gap.slots, gap.run_id) == (4, 1)
    assert "run 1 is still running" in gap.detail


def test_a_run_between_two_gaps_makes_them_two_rows() -> None:
    scene = Scene()
    for step in range(6):
        if step == 3:
            scene.end_run()
        scene.clock.advance(1)
        scene.slots.look("w")
    assert [gap.slots for gap in scene.writer.gaps()] == [2, 2]


def test_slots_of_a_paused_worker_are_a_gap_that_says_who_and_why() -> None:
    scene = Scene()
    scene.live.paused, scene.live.paused_by, scene.live.pause_reason = True, "ada", "disk is being moved"
    for _ in range(3):
        scene.clock.advance(1)
        scene.slots.look("w")
    (gap,) = scene.writer.gaps()
    assert (gap.reason, gap.slots, gap.detail) == (GapReason.PAUSED, 3, "paused by ada: disk is being moved")


def test_slots_that_nobody_looked_at_in_time_are_overload_and_the_latest_runs() -> None:
    scene = Scene()
    scene.clock.advance(10)
    scene.slots.look("w")
    assert list(scene.verdicts()) == ["overload"] * 9 + ["run"]


def test_a_manual_run_leaves_the_phase_alone() -> None:
    scene = Scene()
    scene.clock.advance(0.3)
    scene.runner.begin(scene.live, Trigger.MANUAL, scene.clock.now())
    (manual,) = scene.writer.runs()
    assert manual.covered_until is None
    scene.end_run()
    scene.clock.advance(0.7)
    scene.slots.look("w")
    assert list(scene.verdicts()) == ["run"]


def test_after_a_downtime_there_is_one_catch_up_and_one_gap() -> None:
    scene = Scene()
    scene.clock.advance(3600)
    assert scene.slots.overdue(GapReason.HOST_DOWN, "the host was down", scene.call_later) == 1
    for _, call in scene.later:
        call()
    assert list(scene.verdicts()) == ["host down"] * 3599 + ["run"]
    (run,) = scene.writer.runs()
    assert run.trigger is Trigger.CATCH_UP
    assert len(scene.writer.gaps()) == 1


def test_a_regular_run_that_comes_first_makes_the_catch_up_unneeded() -> None:
    scene = Scene()
    scene.clock.advance(60)
    scene.slots.overdue(GapReason.HOST_DOWN, "the host was down", scene.call_later)
    scene.clock.advance(1)
    scene.slots.look("w")
    for _, call in scene.later:
        call()
    assert list(scene.verdicts()) == ["host down"] * 60 + ["run"]
    assert len(scene.writer.gaps()) == 1


def test_a_week_of_a_thousand_workers_at_one_second_is_no_storm() -> None:
    names = tuple(f"w{number}" for number in range(1000))
    scene = Scene(names)
    scene.clock.advance(7 * 24 * 3600)
    scene.slots.overdue(GapReason.HOST_DOWN, "the host was down", scene.call_later)
    assert len(scene.writer.events) == len(names), "one gap row each"
    assert sum(gap.slots for gap in scene.writer.gaps()) == (7 * 24 * 3600 - 1) * len(names)
    delays = [seconds for seconds, _ in scene.later]
    assert len(delays) == len(names)
    assert max(delays) <= 60
    assert len(set(delays)) == len(names), "staggered"


def test_a_paused_worker_is_not_caught_up() -> None:
    scene = Scene()
    scene.live.paused = True
    scene.clock.advance(10)
    scene.slots.overdue(GapReason.HOST_DOWN, "the host was down", scene.call_later)
    for _, call in scene.later:
        call()
    assert list(scene.verdicts()) == ["paused"] * 10
    assert scene.writer.runs() == []


def test_slots_while_nobody_had_the_worker_are_written_off_without_a_catch_up() -> None:
    scene = Scene()
    scene.clock.advance(10)
    scene.slots.write_off(scene.live, GapReason.UNREGISTERED, "no host had it")
    assert list(scene.verdicts()) == ["unregistered"] * 10


def test_nothing_begins_once_the_host_is_stopping() -> None:
    scene = Scene()
    scene.runner.stop_admitting()
    scene.clock.advance(2)
    scene.slots.look("w")
    assert scene.writer.runs() == []
    assert set(scene.verdicts()) == {"overload", "stopping"}


def test_a_clock_set_back_over_one_slot_does_not_run_it_twice() -> None:
    scene = Scene(interval="1d")
    scene.clock.advance(24 * 3600)
    scene.slots.look("w")
    scene.end_run()
    scene.clock.step(-HOUR / SECOND - (scene.clock.now() - scene.writer.runs()[0].due_at) / SECOND)
    scene.slots.set_back()
    for _ in range(8):
        scene.clock.advance(HOUR / SECOND)
        scene.slots.look("w")
    assert len(scene.writer.runs()) == 1


def test_after_the_clock_went_back_slots_begin_anew() -> None:
    scene = Scene()
    scene.clock.advance(1)
    scene.slots.look("w")
    scene.end_run()
    scene.clock.step(-HOUR / SECOND)
    scene.slots.set_back()
    scene.clock.advance(1)
    scene.slots.look("w")
    assert len(scene.writer.runs()) == 2


@pytest.mark.parametrize("count", [10_000])
def test_ten_thousand_workers_of_one_period_are_spread_over_it(count: int) -> None:
    scene = Scene(tuple(f"worker-{number}" for number in range(count)), interval=10)
    tenths = [0] * 100
    for live in scene.roster:
        slot = live.registration.schedule.next_slot(live.name, 0)
        assert slot is not None
        tenths[slot // (SECOND // 10) % 100] += 1
    assert max(tenths) < 3 * count / 100
