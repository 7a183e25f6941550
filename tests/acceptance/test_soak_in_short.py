"""The trials of `make soak`, short: kills under load, due slots counted, every nasty worker at once."""

from pathlib import Path

from tests.soak.kills import kill_hosts
from tests.soak.nasty import serve_nasty
from tests.soak.nasty_workers import FAULTS
from tests.soak.slots import serve_many


def test_after_kills_under_load_the_database_agrees_with_what_another_process_saw(tmp_path: Path) -> None:
    report = kill_hosts(4, tmp_path)
    assert report.faults == []
    assert report.starts_witnessed > 50
    assert report.runs >= report.starts_witnessed


def test_no_due_slot_is_without_a_run_or_a_gap(tmp_path: Path) -> None:
    report = serve_many(200, 3, tmp_path)
    assert report.faults == []
    assert report.runs > 100


def test_a_host_of_every_nasty_worker_lives_and_accounts_for_every_slot(tmp_path: Path) -> None:
    report = serve_nasty(8, len(FAULTS), tmp_path, every=1)
    assert report.faults == []
