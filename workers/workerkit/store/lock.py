"""One host per database: a lock that the kernel releases when its holder dies, however it dies."""

import contextlib
import errno
import os
import stat
import sys
import threading
import time
import weakref
from pathlib import Path

from workerkit.errors import DatabaseError
from workerkit.store.files import is_still, network_file_system

PROBE_PATIENCE = 0.1
"""Seconds that acquire() tries at least: somebody who asks whether a host lives holds the lock for an instant."""
_POLL = 0.01
"""Seconds between two attempts."""

_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, getattr(errno, "ENOTSUP", -1), errno.EOPNOTSUPP}

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, *, shared: bool) -> bool:  # noqa: ARG001 -- Windows knows no shared lock here
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class HostLock:
    """The right to be the host of one database. Thread-safe; acquire() and release() are idempotent.

    The lock belongs to an open file, so it ends with the process, kill -9 included. Programs that the host executes
    don't inherit it, and a forked child closes its copy at once, so that no orphan keeps a dead host's lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._guard = threading.Lock()

    def acquire(self, timeout: float = 0.0) -> bool:
        """Takes the lock, waiting at most so many seconds; whether it is held now.

        Raises:
            DatabaseError: where the file system has no such locks, or the lock file can't be made or isn't ours.
        """
        with self._guard:
            if self._descriptor is not None:
                return True
            _refuse_network(self.path)
            descriptor = _open(self.path)
            try:
                if _wait_for(descriptor, self.path, time.monotonic() + max(timeout, PROBE_PATIENCE)):
                    self._descriptor = descriptor
                    _held.add(self)
            finally:
                if self._descriptor is None:
                    os.close(descriptor)
            return self._descriptor is not None

    def renew(self) -> bool:
        """Sees to it that the name still stands for the file that is locked; whether the lock is (still) ours.

        A lock file that somebody deleted is made and locked anew. False: another process has done that first, and is
        the host now. True also while nothing is held.

        Raises:
            OSError, DatabaseError: when the lock file can't be made.
        """
        with self._guard:
            if self._descriptor is None:
                return True
            held = os.fstat(self._descriptor)
            if is_still(self.path, (held.st_dev, held.st_ino)):
                return True
            descriptor = _open(self.path)
            if not _attempt(descriptor, self.path, shared=False):
                os.close(descriptor)
                return False
            os.close(self._descriptor)
            self._descriptor = descriptor
            return True

    def release(self) -> None:
        """Gives the lock up. The file stays: removing it would let two hosts lock two files of one name."""
        with self._guard:
            descriptor, self._descriptor = self._descriptor, None
            _held.discard(self)
            if descriptor is not None:
                os.close(descriptor)

    def forget(self) -> None:
        """In a forked child: closes the inherited copy, which leaves the parent's lock as it is."""
        self._guard = threading.Lock()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether some process, this one included, holds the lock of this file."""
    try:
        descriptor = _open(path, create=False)
    except FileNotFoundError:
        return False
    try:
        return not _attempt(descriptor, path, shared=True)
    finally:
        os.close(descriptor)


def _refuse_network(path: Path) -> None:
    if (kind := network_file_system(path.parent)) is not None:
        raise DatabaseError(
            f"{path.parent} lies on a network file system ({kind}), where neither locks nor the database are safe; "
            "choose a database on a local disk with --db"
        )


def _open(path: Path, *, create: bool = True) -> int:
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | (os.O_CREAT if create else 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DatabaseError(
            f"the lock file {path} can't be opened ({error.strerror}); remove it if it is a link or belongs to "
            "somebody else, or choose another database with --db"
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DatabaseError(f"the lock file {path} is no regular file; remove it, or choose another database with --db")
    return descriptor


def _wait_for(descriptor: int, path: Path, deadline: float) -> bool:
    while not _attempt(descriptor, path, shared=False):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL)
    return True


def _attempt(descriptor: int, path: Path, *, shared: bool) -> bool:
    try:
        return _try_lock(descriptor, shared=shared)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        raise DatabaseError(
            f"the file system of {path.parent} has no file locks ({error.strerror}), without which two hosts could "
            "run on one database; choose a database on a local disk with --db"
        ) from error


_held: weakref.WeakSet[HostLock] = weakref.WeakSet()


def _forget_all() -> None:
    for lock in tuple(_held):
        lock.forget()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
