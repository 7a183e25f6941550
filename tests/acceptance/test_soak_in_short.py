"""The trials of `make soak`, short: hosts killed under load, and due slots counted."""

from pathlib import Path

from tests.soak import kill_hosts, serve_many


def test_after_kills_under_load_the_database_agrees_with_what_the_workers_saw(tmp_path: Path) -> None:
    report = kill_hosts(4, tmp_path)
    assert report.faults == ()
    assert report.starts_witnessed > 50
    assert report.runs >= report.starts_witnessed


def test_no_due_slot_is_without_a_run_or_a_gap(tmp_path: Path) -> None:
    report = serve_many(200, 6, tmp_path)
    assert report.without_verdict == 0
    assert report.runs > 100
