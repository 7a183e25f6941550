import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import wait_for
from workerkit.errors import DatabaseError
from workerkit.store import lock as lock_module
from workerkit.store.lock import HostLock, is_locked


def test_only_one_holds_the_lock_at_a_time(tmp_path: Path) -> None:
    first, second = HostLock(tmp_path / "x.lock"), HostLock(tmp_path / "x.lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_acquire_and_release_are_idempotent(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "x.lock")
    lock.release()
    assert lock.acquire()
    assert lock.acquire()
    lock.release()
    lock.release()
    assert not is_locked(lock.path)


def test_asking_sees_the_own_lock_too_and_makes_no_file(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "x.lock")
    assert not is_locked(lock.path)
    assert not lock.path.exists()
    lock.acquire()
    assert is_locked(lock.path)
    lock.release()
    assert not is_locked(lock.path)


def test_acquire_outlasts_somebody_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = HostLock(tmp_path / "x.lock")
    descriptor = os.open(lock.path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # as is_locked() holds it for an instant
    monkeypatch.setattr("time.sleep", lambda _seconds: fcntl.flock(descriptor, fcntl.LOCK_UN))
    assert lock.acquire(0)
    lock.release()
    os.close(descriptor)


CHILD = """
import sys, time
from pathlib import Path
from workerkit.store.lock import HostLock
lock = HostLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        assert is_locked(path)
        assert not HostLock(path).acquire()
        child.kill()
        child.wait()
    lock = HostLock(path)
    assert lock.acquire()
    lock.release()


def test_a_program_that_the_host_executes_does_not_inherit_the_lock(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "x.lock")
    lock.acquire()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        lock.release()
        wait_for(lambda: not is_locked(lock.path), "the kernel to close the child's copy")
        child.kill()


def test_a_forked_child_gives_its_copy_up_and_leaves_the_parents(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "x.lock")
    lock.acquire()
    asked, answer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(answer)
        os.read(asked, 1)  # lives until the parent closes its end
        os._exit(0)
    os.close(asked)
    assert is_locked(lock.path)
    lock.release()
    freed = HostLock(lock.path).acquire(5)
    os.close(answer)
    os.waitpid(child, 0)
    assert freed


def test_a_link_in_the_lock_files_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatabaseError, match="remove it if it is a link"):
        HostLock(tmp_path / "x.lock").acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_system_without_locks_is_reported_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(_descriptor: int, *, shared: bool) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock_module, "_try_lock", unsupported)
    with pytest.raises(DatabaseError, match=r"No locks available.* local disk"):
        HostLock(tmp_path / "x.lock").acquire()


def test_a_network_file_system_is_refused_to_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "network_file_system", lambda _path: "nfs4")
    with pytest.raises(DatabaseError, match=r"network file system \(nfs4\).*local disk"):
        HostLock(tmp_path / "x.lock").acquire()


def test_a_lock_file_that_was_deleted_is_made_and_locked_anew(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "lock")
    assert lock.renew(), "nothing is held: nothing is lost"
    assert not lock.path.exists()
    assert lock.acquire()
    for _ in range(2):
        lock.path.unlink(missing_ok=True)
        assert lock.renew()
        assert not HostLock(lock.path).acquire()
        assert lock.renew()
    lock.path.unlink()
    other = HostLock(lock.path)
    assert other.acquire()
    assert not lock.renew()
    other.release()
    assert lock.renew()
    lock.release()
    assert not is_locked(lock.path)
