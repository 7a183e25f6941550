"""What is said of a worker that runs or does not: the words, without any screen."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.console.factory import NOW, failing, host, worker
from tests.console.pane import run
from tests.zones import local_zone
from workerconsole.verdicts import Evidence, verdicts, when
from workerconsole.why import Topic, statements
from workerkit.clock import HOUR, MINUTE, SECOND, Micros, to_iso
from workerkit.outcome import GapReason
from workerkit.store.records import GapRecord, RunRecord, WorkerRecord

# NOW is 2023-11-14 22:13:20 UTC.


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    with local_zone("UTC"):
        yield


def gap(reason: str = GapReason.OVERLAP, **changes: Any) -> GapRecord:
    """One slot a minute ago that met this."""
    fields: dict[str, Any] = {
        "id": 1,
        "worker": "web",
        "reason": reason,
        "first_due_at": NOW - MINUTE,
        "last_due_at": NOW - MINUTE,
        "count": 1,
        "detail": "",
        "run_id": None,
        "host_id": 1,
    }
    return GapRecord(**(fields | changes))


def evidence(
    about: WorkerRecord | None = None,
    runs: tuple[RunRecord, ...] = (),
    gaps: tuple[GapRecord, ...] = (),
    *,
    alive: bool = True,
    **of_host: Any,
) -> Evidence:
    return Evidence(about or worker(), runs, gaps, host(**of_host), alive)


def said(topic: Topic, about: Evidence) -> str:
    return " ".join(statement.text for statement in statements(about, NOW) if statement.topic is topic)


def in_flight(**changes: Any) -> RunRecord:
    return run(**({"finished_at": None, "outcome": None, "duration": None} | changes))


# Now


def test_an_idle_worker_waits_for_its_slot_and_a_manual_one_for_somebody() -> None:
    assert said(Topic.NOW, evidence()) == "It is not running; it waits for its next slot."
    manual = worker(schedule="manual", interval=None, next_run_at=None)
    assert said(Topic.NOW, evidence(manual)) == "It is not running; it waits for somebody to run it."
    assert said(Topic.NEXT, evidence(manual)) == "It has no schedule: it runs when somebody asks."


def test_a_running_worker_says_since_when_why_and_how_far_it_is() -> None:
    running = in_flight(id=12, started_at=NOW - 40 * SECOND, progress_done=3, progress_total=5, progress_note="mail")
    text = said(Topic.NOW, evidence(worker(status="running", running_run_id=12, recent=()), (running,)))
    assert text == "It is running: run 12 began at 22:12:40 for its slot, 40.0 s ago. It says: 3 of 5, mail."
    by_hand = in_flight(id=13, trigger="manual", attempt=2)
    about = worker(status="running", running_run_id=13, policy={"retry": "3 attempts, 1s apart"})
    assert "began at 22:13:16 by hand, attempt 2 of 3," in said(Topic.NOW, evidence(about, (by_hand,)))


def test_a_run_that_takes_far_longer_than_usual_is_called_long() -> None:
    about = worker(status="running", running_run_id=12, last_run_at=NOW - HOUR)
    text = said(Topic.NOW, evidence(about, (in_flight(id=12, started_at=NOW - HOUR),)))
    assert "That is long: it usually takes 130 ms, rarely more than 170 ms." in text


def test_several_runs_at_one_time_are_all_told_of_up_to_a_few() -> None:
    runs = tuple(in_flight(id=number) for number in range(5, 0, -1))
    text = said(Topic.NOW, evidence(worker(status="running", running_run_id=1), runs))
    assert "run 1 began" in text
    assert "run 3 began" in text
    assert text.endswith("2 more runs of it are in flight.")


def test_a_retrying_worker_says_which_attempt_follows_when_and_why() -> None:
    failed = run(11, outcome="failed", error="ConnectionError: no route", retry_at=NOW + 4 * SECOND)
    about = worker(status="retrying", policy={"retry": "3 attempts, 2s apart"})
    text = "Run 11 failed, and attempt 2 of 3 follows at 22:13:24, in 4s: ConnectionError: no route."
    assert said(Topic.NOW, evidence(about, (failed,))) == text
    assert "before the last attempt has ended are missed" in said(Topic.NEXT, evidence(about, (failed,)))


def test_a_suspended_worker_says_since_when_why_and_what_ends_it() -> None:
    about = failing(status="suspended", suspended_at=NOW - HOUR, suspended_because="it failed 3 times in a row")
    assert said(Topic.NOW, evidence(about)) == "It is suspended since 21:13:20: it failed 3 times in a row."
    assert "until somebody resumes it; it can be run by hand" in said(Topic.NEXT, evidence(about))


def test_a_paused_worker_says_by_whom_until_when_and_what_that_costs() -> None:
    paused: dict[str, Any] = {"status": "paused", "paused": True, "paused_at": NOW - HOUR, "paused_by": "ops@box"}
    about = worker(pause_reason="disk", paused_until=NOW + HOUR, interval=10 * MINUTE, **paused)
    assert said(Topic.NOW, evidence(about)) == "It is paused by ops@box since 21:13:20 until 23:13:20: disk."
    text = said(Topic.NEXT, evidence(about))
    assert text.startswith("It resumes by itself at 23:13:20, in 1h 00m. Its first slot then is at 23:")
    assert "6 slots will be missed, the next at 22:" in text
    assert "No slot of it runs until somebody resumes it" in said(Topic.NEXT, evidence(worker(**paused)))


def test_without_a_host_nothing_starts_and_it_is_said_since_when() -> None:
    died = evidence(alive=False, heartbeat_at=NOW - HOUR)
    text = "No host is alive, so nothing starts: the last one (box:4211) died; it was last seen at 21:13:20, 1h ago. "
    assert said(Topic.NOW, died) == f"{text}Start one with `workerconsole serve`."
    stopped = evidence(alive=False, stopped_at=NOW - MINUTE, ending="stopped")
    assert "was stopped at 22:12:20, 1m ago" in said(Topic.NOW, stopped)
    assert said(Topic.NEXT, died) == "It would be due at 22:13:26, but no host is alive to start it."
    assert "No host has ever lived" in said(Topic.NOW, Evidence(worker(), (), (), None, False))


def test_without_a_host_the_attempt_that_is_owed_is_the_next_hosts() -> None:
    about = worker(status="retrying", policy={"retry": "3 attempts, 2s apart"})
    failed = run(11, outcome="failed", error="no", retry_at=NOW + 4 * SECOND)
    assert said(Topic.NOW, evidence(about, (failed,), alive=False)).endswith(
        "Run 11 failed; the next host begins attempt 2 of 3."
    )


def test_without_a_host_a_run_left_on_record_is_not_called_running() -> None:
    about = evidence(worker(status="running", running_run_id=1), (in_flight(),), alive=False)
    assert "It is running" not in said(Topic.NOW, about)


def test_broken_and_unregistered_workers_name_the_remedy() -> None:
    broken = worker(status="broken", load_error="Traceback\n  File x\nSyntaxError: invalid syntax")
    assert "failed to load: SyntaxError: invalid syntax. Mend it" in said(Topic.NOW, evidence(broken))
    gone = worker("old-name", status="unregistered", registered=False, next_run_at=None)
    assert "aliases=['old-name']" in said(Topic.NOW, evidence(gone))
    assert said(Topic.NEXT, evidence(gone)) == said(Topic.NEXT, evidence(broken)) == ""


def test_a_stuck_worker_says_what_holds_it() -> None:
    text = said(Topic.NOW, evidence(worker(status="stuck", timeout=10 * SECOND)))
    assert "passed its timeout of 10.0 s, was recorded as failed, and still holds its thread" in text


# The last run


def test_the_last_run_is_told_with_its_end_and_its_lateness() -> None:
    assert said(Topic.LAST, evidence(runs=(run(7),))) == "Run 7 began on time at 22:13:16 and succeeded after 1.2 s."
    late = run(7, due_at=NOW - 10 * SECOND, outcome="failed", error="ValueError: no.")
    text = said(Topic.LAST, evidence(failing(), (late,)))
    assert text == (
        "Run 7 began at 22:13:16, 6.0 s after it was due, and failed after 1.2 s: ValueError: no. "
        "It has failed 3 times in a row."
    )
    assert said(Topic.LAST, evidence(worker(last_run_at=None))) == "It has never run."
    assert "that run is no longer kept" in said(Topic.LAST, evidence())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"outcome": "cancelled", "summary": "replaced by a later slot"},
            "was cancelled after 1.2 s: replaced by a later",
        ),
        ({"outcome": "interrupted"}, "was interrupted after 1.2 s: the host was stopped"),
        ({"trigger": "manual"}, "was begun by hand at 22:13:16"),
        ({"attempt": 2}, "as attempt 2 for the slot of 22:13:16"),
        ({"trigger": "catch-up", "due_at": NOW - HOUR}, "made up for the slot of 21:13:20 at 22:13:16"),
    ],
)
def test_other_beginnings_and_ends_are_told_as_well(changes: dict[str, Any], words: str) -> None:
    assert words in said(Topic.LAST, evidence(runs=(run(7, **changes),)))


# What did not run


def ran(begun: Micros, ended: Micros | None, **changes: Any) -> RunRecord:
    outcome = None if ended is None else "succeeded"
    return run(5, started_at=begun, due_at=begun, finished_at=ended, outcome=outcome, **changes)


@pytest.mark.parametrize(
    ("missed", "runs", "words"),
    [
        (
            gap(run_id=5, count=3, first_due_at=NOW - 3 * MINUTE, detail="run 5 is still running (for 2m)"),
            (ran(NOW - 5 * MINUTE, NOW - SECOND),),
            (
                "3 slots from 22:10:20 to 22:12:20 did not run: "
                "run 5 was still running, from 22:08:20 to 22:13:19 (4m 59s)."
            ),
        ),
        (gap(run_id=5), (ran(NOW - 5 * MINUTE, None),), "run 5 has been running since 22:08:20, for 5m 00s."),
        (
            gap(run_id=5),
            (ran(NOW - 5 * MINUTE, NOW - 2 * MINUTE, kind="timeout"),),
            "run 5 was recorded as timeout at 22:11:20, but still held its thread.",
        ),
        (gap(run_id=5, detail="run 5 is still running (for 2m)"), (), "run 5 is still running (for 2m)."),
        (
            gap(GapReason.RETRYING, run_id=5),
            (ran(NOW - 5 * MINUTE, NOW - 4 * MINUTE, retry_at=NOW),),
            "run 5 had failed and was to be tried again at 22:13:20.",
        ),
        (
            gap(GapReason.PAUSED, detail="paused by ops: disk"),
            (),
            "The slot of 22:12:20 did not run: it was paused by ops: disk.",
        ),
        (gap(GapReason.SUSPENDED, detail="it failed twice"), (), "it was suspended: it failed twice."),
        (
            gap(GapReason.HOST_DOWN, detail=f"the host was down from {to_iso(NOW - HOUR)} to {to_iso(NOW - MINUTE)}"),
            (),
            "the host was down from 21:13:20 to 22:12:20.",
        ),
        (gap(GapReason.LATE), (), "it could not begin within its start deadline."),
        (gap(GapReason.CLOCK_STEP), (), "the machine's clock was set, or it slept."),
        (gap("of another version"), (), "did not run: of another version."),
    ],
)
def test_every_reason_of_a_gap_has_its_words(missed: GapRecord, runs: tuple[RunRecord, ...], words: str) -> None:
    assert said(Topic.MISSED, evidence(runs=runs, gaps=(missed,))).endswith(words)


def test_that_nothing_was_missed_is_said_too() -> None:
    assert said(Topic.MISSED, evidence()) == "No slot of it was missed, as far back as the records go."


# What comes


def test_what_could_stop_the_next_slot_is_told_with_it() -> None:
    assert said(Topic.NEXT, evidence()) == "It is due at 22:13:26, in 6s (every 10s)."
    endings = {
        "": "the slot is missed.",
        "queue one": "the slot waits for its end.",
        "stop the run in flight": "it is asked to stop.",
        "up to 3 at a time": "(every 10s).",
    }
    for overlap, words in endings.items():
        about = worker(status="running", running_run_id=1, policy={"overlap": overlap} if overlap else {})
        assert said(Topic.NEXT, evidence(about, (in_flight(),))).endswith(words)


def test_a_slot_that_waits_is_said_to_wait() -> None:
    late = worker(next_run_at=NOW - 10 * SECOND)
    assert said(Topic.NEXT, evidence(late)) == "It was due at 22:13:10, 10.0 s ago: the host has not come to it yet."
    assert said(Topic.NEXT, evidence(late, (in_flight(),))).endswith("its turn comes after the run in flight.")


def test_how_late_its_runs_are_and_that_they_waited_for_a_thread() -> None:
    assert said(Topic.PACE, evidence(runs=(run(1), run(2)))) == ""
    prompt = tuple(run(number, due_at=NOW - 4 * SECOND - number * 1000) for number in range(1, 6))
    assert said(Topic.PACE, evidence(runs=prompt)) == "Its last 5 scheduled runs began within 5 ms of their slots."
    text = "Of its last 6 scheduled runs half began within 4 ms of their slots; the latest began 4.0 s after it."
    assert said(Topic.PACE, evidence(runs=(*prompt, run(9, due_at=NOW - 8 * SECOND)))) == text
    queued = tuple(run(number, finished_at=NOW, duration=SECOND) for number in range(3))
    assert "Then they waited for a free thread: 3.0 s at most." in said(Topic.PACE, evidence(runs=queued))


# Slot by slot


def test_every_slot_has_its_verdict_latest_first_and_attempts_are_one() -> None:
    slot = NOW - 10 * MINUTE
    runs = (
        run(9),
        run(8, trigger="manual", due_at=NOW - MINUTE, started_at=NOW - MINUTE),
        run(7, due_at=slot, started_at=slot + 70 * SECOND, attempt=2),
        run(6, due_at=slot, started_at=slot + 60 * SECOND, outcome="failed", error="no", retry_at=slot + 70 * SECOND),
        run(5, due_at=slot - MINUTE, started_at=slot, trigger="catch-up"),
    )
    missed = gap(GapReason.PAUSED, count=12, first_due_at=NOW - 5 * MINUTE, last_due_at=NOW - 3 * MINUTE)
    found = verdicts(evidence(runs=runs, gaps=(missed,)), NOW)
    assert [(each.verdict, each.count, each.run_id) for each in found] == [
        ("on time", 1, 9),
        ("by hand", 1, 8),
        ("paused", 12, None),
        ("ran late", 1, 7),
        ("caught up", 1, 5),
    ]
    assert [each.ran for each in found] == [True, True, False, True, True]
    assert when(found[2], NOW) == "22:08:20–22:10:20"
    assert found[3].text == "1m 00s late, attempt 2, run 7 succeeded after 1.2 s"
    assert found[2].text == "it was paused"


def test_text_of_others_is_made_harmless_and_nothing_of_it_is_markup() -> None:
    nasty = "\x1b]52;c;AAAA\x07[bold]evil[/]"
    about = worker(status="paused", paused=True, paused_by=nasty, pause_reason=nasty, schedule=nasty)
    runs = (run(1, outcome="failed", error=nasty),)
    for statement in statements(evidence(about, runs, (gap("x" + nasty, detail=nasty),)), NOW):
        assert "\x1b" not in statement.text
        assert "\x07" not in statement.text
