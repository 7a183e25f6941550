import os
from pathlib import Path

import pytest

from workerkit.store.doorbell import Doorbell


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.db.lock"
    path.touch()
    return path


def test_a_ring_is_heard_once_and_by_everybody(lock_file: Path) -> None:
    here, there, visitor = Doorbell(lock_file), Doorbell(lock_file), Doorbell(lock_file)
    assert not here.rang()
    visitor.ring()
    assert here.rang()
    assert not here.rang()
    assert there.rang()
    visitor.ring()
    visitor.ring()
    assert here.rang()
    assert not here.rang()


def test_what_rang_before_is_not_heard(lock_file: Path) -> None:
    Doorbell(lock_file).ring()
    assert not Doorbell(lock_file).rang()


def test_without_a_host_there_is_nothing_to_ring(tmp_path: Path) -> None:
    bell = Doorbell(tmp_path / "jobs.db.lock")
    bell.ring()
    assert not bell.rang()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_is_made_anew_rings(lock_file: Path) -> None:
    bell = Doorbell(lock_file)
    lock_file.unlink()
    assert bell.rang()
    lock_file.touch()
    assert bell.rang()
    os.utime(lock_file, ns=(1, 1))
    assert bell.rang()
