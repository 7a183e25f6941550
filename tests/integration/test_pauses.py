"""Pauses that end by themselves: which slots they cost, what the database says of them, and who may change them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import Task, raiser
from tests.integration.test_slots import Scene
from tests.integration.test_timing import SteppableClock, tick
from tests.waiting import wait_for
from workerkit import WorkerManager
from workerkit.clock import HOUR, MINUTE, SECOND, SystemClock, to_datetime, to_iso
from workerkit.errors import WorkerkitError
from workerkit.outcome import GapReason, Status
from workerkit.pauses import MAX_PAUSE, Pauses
from workerkit.store.events import PauseEnded


def pausing(scene: Scene) -> Pauses:
    return Pauses(scene.roster, scene.runner.retries, scene.slots, scene.writer, scene.clock)


def now() -> int:
    return SystemClock().now()


def test_slots_before_the_end_are_gaps_and_the_one_at_the_very_end_runs_before_anybody_resumes() -> None:
    scene = Scene()
    first = scene.live.registration.schedule.next_slot("w", scene.start)
    assert first is not None
    said = pausing(scene).pause(scene.live, "ada@box", "a disk is changed", first + 3 * SECOND)
    assert (
        said == f"w is paused until {to_iso(first + 3 * SECOND)}; 3 slots will be missed, the next at {to_iso(first)}"
    )
    for _ in range(5):
        scene.clock.advance(1)
        scene.slots.look("w")
    assert list(scene.verdicts()) == ["paused"] * 3 + ["run", "overlap"]
    (gap, _) = scene.writer.gaps()
    assert gap.detail == f"paused by ada@box until {to_iso(first + 3 * SECOND)}: a disk is changed"


def test_a_pause_that_is_over_ends_once_and_accounts_for_the_slots_that_nobody_saw() -> None:
    scene = Scene()
    pauses = pausing(scene)
    pauses.pause(scene.live, "ada", "", scene.start + 10 * SECOND)
    scene.clock.advance(9)
    pauses.end_due()
    assert scene.writer.events == []
    scene.clock.advance(51)  # the machine slept
    pauses.end_due()
    pauses.end_due()
    assert not scene.live.paused
    (ended,) = [event for event in scene.writer.events if isinstance(event, PauseEnded)]
    assert (ended.until, ended.status) == (scene.start + 10 * SECOND, Status.IDLE)
    (gap,) = scene.writer.gaps()
    assert (gap.reason, gap.slots) == (GapReason.PAUSED, 10)
    assert gap.last_due_at < scene.start + 10 * SECOND


def test_a_second_pause_changes_the_first_and_says_so() -> None:
    scene = Scene(interval="1h")
    pauses = pausing(scene)
    assert pauses.pause(scene.live, "ada", "backup", None) == "w is paused; no slot starts until it is resumed"
    assert pauses.pause(scene.live, "bob", "", None) == "w was already paused"
    assert scene.live.paused_by == "ada"
    end = scene.start + 60 * SECOND
    said = pauses.pause(scene.live, "bob", "", end)
    assert said.startswith(f"w was paused until somebody resumes it; now until {to_iso(end)}; ")
    assert (scene.live.paused_by, scene.live.pause_reason) == ("bob", "backup"), "nobody gave another reason"
    assert "now until somebody resumes it" in pauses.pause(scene.live, "eve", "network", None)
    assert (scene.live.pause_reason, scene.live.paused_until) == ("network", None)


def test_a_pause_of_all_makes_no_pause_shorter() -> None:
    scene = Scene(("brief", "open", "w"))
    pauses = pausing(scene)
    pauses.pause(scene.roster["brief"], "ada", "", scene.start + MINUTE)
    pauses.pause(scene.roster["open"], "ada", "broken disk", None)
    affected, said = pauses.pause_all("bob", "maintenance", scene.start + HOUR)
    assert [live.name for live in affected] == ["brief", "w"]
    assert said.startswith("2 workers paused until ")
    assert "7,200 slots will be missed" in said
    assert said.endswith("; 1 was already paused, at least as long")
    assert scene.roster["open"].pause_reason == "broken disk"
    assert scene.roster["brief"].paused_until == scene.start + HOUR
    affected, said = pauses.resume_all()
    assert (len(affected), said) == (3, "3 workers resumed")


@pytest.mark.parametrize("until", ["14:30", 1.5, True, 0, -5, 10**30, [], {"a": 1}])
def test_an_end_that_makes_no_sense_is_refused_and_nothing_is_paused(bench: Bench, until: Any) -> None:
    bench.host(Task(tick))
    for verb, worker in (("pause", "task"), ("pause-all", None)):
        assert bench.ask(verb, worker, params={"until": until}).state == "refused"
    assert not bench.worker("task").paused


def test_an_end_that_is_past_or_too_far_is_refused_with_the_reason(bench: Bench) -> None:
    bench.host(Task(tick))
    assert "is past; nothing was paused" in (bench.ask("pause", "task", params={"until": now() - SECOND}).result or "")
    far = bench.ask("pause", "task", params={"until": now() + 2 * MAX_PAUSE})
    assert "resume by hand" in (far.result or "")


def test_it_resumes_by_itself_and_the_commands_say_who_did_that_and_why(bench: Bench) -> None:
    bench.host(Task(tick, interval=0.1))
    until = now() + SECOND
    bench.ask("pause", "task", params={"until": until}, reason="a moment")
    record = bench.wait_worker("task", lambda worker: worker.status == "paused")  # a run may have been in flight
    assert (record.paused_until, record.pause_reason) == (until, "a moment")
    record = bench.wait_worker("task", lambda worker: not worker.paused)
    assert (record.paused_at, record.paused_by, record.pause_reason, record.paused_until) == (None, None, None, None)
    resume = bench.reader.latest_command("task", "resume")
    assert resume is not None
    assert (resume.requested_by, resume.state, resume.result) == ("workerconsole", "done", "task goes on")
    assert resume.reason == f"its pause until {to_iso(until)} has ended"
    gap = next(gap for gap in bench.reader.gaps("task") if gap.reason == "paused")
    assert gap.last_due_at < until
    after = wait_for(lambda: [run for run in bench.reader.runs() if run.due_at >= until], "a run after the end")
    run = after[-1]
    assert run.due_at < until + SECOND // 10, "the first slot after the end ran"


def test_a_pause_that_ended_while_no_host_lived_costs_the_slots_up_to_its_end_only(bench: Bench) -> None:
    clock = SteppableClock()
    first = bench.host(Task(tick, interval=1), clock=clock)
    until = clock.now() + 30 * MINUTE
    bench.ask("pause", "task", params={"until": until})
    first.stop()
    clock.offset = HOUR
    bench.host(Task(tick, interval=1), clock=clock)
    wait_for(lambda: any(run.trigger == "catch-up" for run in bench.reader.runs()), "the catch-up run")
    gaps = bench.reader.gaps("task")
    paused = [gap for gap in gaps if gap.reason == "paused"]  # the first host may have noted one or two of its own
    [down] = [gap for gap in gaps if gap.reason == "host down"]
    assert 1795 <= sum(gap.count for gap in paused) <= 1801
    assert max(gap.last_due_at for gap in paused) < until <= down.first_due_at
    assert 1795 <= down.count <= 1801
    assert bench.reader.latest_command("task", "resume") is not None


def test_an_end_set_while_no_host_lived_counts_from_the_next_host_on(bench: Bench) -> None:
    from workerkit.operator import Operator

    bench.host(Task(tick, interval="1h")).stop()
    operator = Operator(bench.database, by="ada")
    over = operator.submit("pause", "task", params={"until": now() + 1000})
    until = now() + HOUR
    other = operator.submit("pause", "task", params={"until": until}, reason="night")
    wait_for(lambda: now() > until - HOUR + 1000)
    bench.host(Task(tick, interval="1h"))
    assert operator.wait(over).state == "refused"
    assert operator.wait(other).state == "done"
    assert bench.worker("task").paused_until == until


def test_the_end_of_a_pause_does_not_lift_a_suspension(bench: Bench) -> None:
    bench.host(Task(raiser(ValueError("no")), pause_after=1))
    bench.run("task")
    bench.wait_worker("task", lambda worker: worker.status == "suspended")
    bench.ask("pause", "task", params={"until": now() + SECOND // 5})
    record = bench.wait_worker("task", lambda worker: not worker.paused)
    assert (record.status, record.suspended_because) == ("suspended", "it failed 1 times in a row")


def test_the_manager_pauses_for_a_span_and_until_a_moment(tmp_path: Any) -> None:
    manager = WorkerManager(tmp_path / "jobs.db")
    manager.register(Task(tick, interval="1m"))
    with manager:
        said = manager.pause("task", "night", for_="2h")
        assert "120 slots will be missed" in (said.result or "")
        moment = datetime.now().replace(microsecond=0) + timedelta(hours=3)
        manager.pause_all(until=moment)
        (record,) = manager.workers()
        assert record.paused_until is not None
        assert to_datetime(record.paused_until) == moment.astimezone(UTC)
        with pytest.raises(WorkerkitError, match="not both"):
            manager.pause("task", until=moment, for_=5)
        with pytest.raises(WorkerkitError, match="not a duration"):
            manager.pause("task", for_="a while")
