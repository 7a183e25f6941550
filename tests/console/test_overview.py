"""The overview in words."""

from tests.console.factory import NOW, failing, worker
from tests.console.pane import PaneApp, command, detail, failure, gap, lines_of, run
from workerconsole.format import clock_time, when
from workerconsole.snapshot import WorkerDetail
from workerconsole.widgets.overview import page
from workerkit.clock import MINUTE, SECOND, to_iso


def words(what: WorkerDetail, width: int = 100) -> str:
    lines = page(what, NOW, width)
    assert all(line.cell_length <= width for line in lines), [line.plain for line in lines]
    return "\n".join(line.plain.rstrip() for line in lines)


def test_a_failing_worker_says_how_often_when_and_why() -> None:
    text = words(detail(worker=failing(last_run_at=NOW - 12 * SECOND)))
    assert text.startswith("✗ failed 3 times in a row, last 10s ago · t shows the traceback\n  ConnectionRefusedError")


def test_a_worker_that_never_ran_says_what_to_press() -> None:
    text = words(
        detail(worker=worker(last_run_at=None, last_outcome=None, success_count=0, next_run_at=NOW + 8 * SECOND))
    )
    assert text.startswith("○ never ran yet; next run in 8s; press r to run it now")
    assert "none finished yet" in text


def test_a_running_worker_shows_its_progress() -> None:
    progress = {"progress_done": 12, "progress_total": 30, "progress_note": "copying users"}
    live = run(9, outcome=None, finished_at=None, trigger="manual", started_at=NOW - 3 * SECOND, **progress)
    text = words(detail(worker=worker(status="running", running_run_id=9), runs=(live,)))
    assert "► running for 3.0 s (run 9, manual)" in text
    assert " 40%  12 of 30, copying users" in text
    assert "━" in text


def test_progress_without_a_total_is_a_number() -> None:
    live = run(9, outcome=None, finished_at=None, progress_done=1200, progress_note="rows")
    assert "1,200 done, rows" in words(detail(worker=worker(status="running", running_run_id=9), runs=(live,)))


def test_a_paused_worker_says_who_when_and_why() -> None:
    paused = worker(
        status="paused", paused=True, paused_by="anna", paused_at=NOW - 3 * MINUTE, pause_reason="deploying"
    )
    text = words(detail(worker=paused))
    assert text.startswith("‖ paused by anna 3m ago: deploying · p resumes it")
    assert "none while it is paused" in text


def test_a_worker_paused_in_its_run_says_both() -> None:
    text = words(detail(worker=worker(status="running", paused=True, paused_by="anna")))
    assert text.startswith("► running\n  ‖ paused by anna · no run starts after this one")


def test_stuck_unregistered_and_broken_are_explained() -> None:
    stuck = detail(worker=worker(status="stuck", timeout=5 * SECOND))
    assert "its run passed its timeout (5.0 s) and still holds its thread; press b to see" in words(stuck)
    assert "not in the code that the host loaded" in words(detail(worker=worker(status="unregistered")))
    text = words(detail(worker=worker(status="broken", load_error="Traceback:\n  SyntaxError: '(' was never closed")))
    assert "Why it failed to load" in text
    assert "SyntaxError: '(' was never closed" in text


def test_a_slot_that_is_overdue_is_not_counted_down() -> None:
    assert "was due 1m ago" in words(detail(worker=worker(next_run_at=NOW - MINUTE)))


def test_counts_rate_and_durations() -> None:
    recent = (("failed", 9_000_000), ("succeeded", 1_000_000), ("succeeded", 2_000_000), ("succeeded", 4_000_000))
    text = words(detail(worker=worker(success_count=1999, failure_count=1, recent=recent)))
    assert "1,999 succeeded, 1 failed" in text
    assert "99.9 %" in text
    assert "median 2.0 s, max 4.0 s" in text
    assert "×" in text


def test_all_successes_are_a_hundred_per_cent_and_one_failure_never_is() -> None:
    assert "100 %" in words(detail(worker=worker(success_count=7)))
    assert "99.9 %" in words(detail(worker=worker(success_count=999_999, failure_count=1)))


def test_slots_without_a_run_are_told_in_plain_words() -> None:
    text = words(detail(gaps=(gap(), gap(count=1, reason="clock step", detail=""))))
    assert "Slots without a run" in text
    assert "12 slots skipped" in text
    assert "run 31 was still running" in text
    assert "1 slot skipped" in text
    assert "the machine's clock was set, or it slept" in text


def test_moments_in_a_record_are_told_in_local_time() -> None:
    since = to_iso(NOW - 60 * SECOND)
    text = words(detail(gaps=(gap(reason="host down", detail=f"down from {since} to 2024-99-99T00:00:00Z"),)))
    assert f"down from {clock_time(NOW - 60 * SECOND, NOW)} to 2024-99-99T00:00:00Z" in text


def test_what_operators_did_is_told_with_its_result() -> None:
    commands = (
        command("pause", reason="deploying"),
        command("run", state="refused", result="it is running"),
        command("cancel", state="pending"),
    )
    text = words(detail(commands=commands))
    assert "anna paused it: deploying" in text
    assert "anna ran it (refused: it is running)" in text
    assert "anna cancelled its run (the host has not answered yet)" in text


def test_an_error_of_the_past_says_when_it_was() -> None:
    past = worker(last_error="ZeroDivisionError: division by zero", failure_count=1)
    assert "Last error, 10s ago in run 1" in words(detail(worker=past, failures=(failure(1),)))


def test_it_fits_from_twenty_columns_to_two_hundred_and_fifty() -> None:
    full = detail(
        worker=failing(description="word " * 60, source="/very/long" * 20), gaps=(gap(),), commands=(command(),)
    )
    for width in (30, 50, 76, 80, 140, 250):
        words(full, width)


async def test_a_second_later_only_lines_that_changed_are_drawn() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 20)) as pilot:
        what = detail(worker=worker(next_run_at=NOW + 8 * SECOND))
        app.pane.show(what, NOW)
        await pilot.pause()
        view = app.pane.current.view
        before = list(view._lines)
        app.pane.show(what, NOW + SECOND)
        after = list(view._lines)
        changed = [y for y, (one, two) in enumerate(zip(before, after, strict=True)) if not one.is_same(two)]
        assert 0 < len(changed) <= 3
        assert "in 7s" in "\n".join(lines_of(view))


def test_a_retrying_worker_says_which_attempt_follows_and_when() -> None:
    failed = run(11, outcome="failed", error="no", retry_at=NOW + 4 * SECOND)
    about = worker(status="retrying", last_error="no route", policy={"retry": "3 attempts, 2s apart"})
    text = words(detail(worker=about, runs=(failed,)))
    assert text.startswith(
        "↻ retrying: attempt 2 of 3 in 4s, run 11 failed · r begins it now, x gives it up\n  no route"
    )


def test_a_suspended_worker_says_why_since_when_and_what_lifts_it() -> None:
    because = "it failed 3 times in a row"
    about = failing(status="suspended", suspended_at=NOW - 3 * MINUTE, suspended_because=because)
    text = words(detail(worker=about))
    assert text.startswith(f"■ suspended 3m ago: {because} · no slot of it runs · p resumes it, r runs it once\n")
    assert "none while it is suspended" in text
    running = words(detail(worker=failing(status="running", suspended_because=because)))
    assert running.startswith("► running\n  ■ suspended")


def test_a_pause_with_an_end_says_when_it_runs_again() -> None:
    about = worker(status="paused", paused=True, paused_by="anna", paused_until=NOW + MINUTE)
    text = words(detail(worker=about))
    assert f"paused by anna, until {when(NOW + MINUTE, NOW)} · p resumes it" in text
    assert ", after the pause" in text


def test_the_chosen_policy_is_told_line_by_line() -> None:
    policy = {"retry": "3 attempts, 2s apart", "start deadline": "within 30s of the slot"}
    lines = words(detail(worker=worker(policy=policy))).splitlines()
    assert "retry          3 attempts, 2s apart" in lines
    assert "start deadline within 30s of the slot" in lines


def test_several_runs_in_flight_are_named() -> None:
    runs = tuple(run(number, outcome=None, finished_at=None) for number in (9, 8, 7))
    text = words(detail(worker=worker(status="running", running_run_id=7), runs=runs))
    assert text.startswith("► running for 4.0 s (run 7), and 2 more runs (9, 8)")


def test_what_operators_did_names_the_end_of_a_pause_and_force() -> None:
    pause = command("pause", params={"until": NOW + MINUTE})
    force = command("cancel", params={"force": True})
    text = words(detail(commands=(force, pause)))
    assert f"paused it until {when(NOW + MINUTE, NOW)}" in text
    assert "ended its run by force" in text
