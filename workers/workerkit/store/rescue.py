"""A database that was deleted while it is open: it can still be read, so it is copied, and put back under its name.

Nothing here ever overwrites a file. A copy is complete before it gets its name.
"""

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from workerkit.clock import Micros, to_datetime
from workerkit.errors import DatabaseError
from workerkit.store.connect import connect, is_damaged
from workerkit.store.files import Identity, check_private, companions, create_private, identity_of

PAGES_PER_STEP = 2_000
"""Pages copied between two looks at whether there is still time."""
INSTRUCTIONS_PER_LOOK = 1_000_000
"""The same while the copy is checked, in steps of SQLite's machine."""
_MARK = ".rescued-"


class RescueError(Exception):
    """The database could not be saved; the text says why."""


def save(connection: sqlite3.Connection, home: Path, now: Micros, given_up: Callable[[], bool]) -> Path:
    """Copies the open database to a new file (0600) beside its old name, and returns that file.

    Folders that are gone are made again (0700).

    Raises:
        RescueError: when it can't be read any more, is damaged, can't be written, or there is no time left.
    """

    def look(_status: int, _remaining: int, _total: int) -> None:
        if given_up():
            raise RescueError("no time was left")

    partial = home.with_name(f"{home.name}.rescue-{os.getpid()}.part")
    try:
        partial.unlink(missing_ok=True)
        create_private(partial)
        with contextlib.closing(sqlite3.connect(partial)) as copy:
            connection.backup(copy, pages=PAGES_PER_STEP, progress=look)
            copy.set_progress_handler(given_up, INSTRUCTIONS_PER_LOOK)
            if (found := copy.execute("PRAGMA quick_check(1)").fetchone()) != ("ok",):
                raise RescueError(f"its contents are damaged ({found[0]})")
        for companion in companions(partial):
            companion.unlink(missing_ok=True)
        for name in _names(home, now):
            if _rename_to_new(partial, name):
                return name
        raise AssertionError("names never run out")
    except Exception as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, RescueError):
            raise
        why = "its contents are damaged" if isinstance(error, sqlite3.Error) and is_damaged(error) else str(error)
        raise RescueError(why) from error


def put_back(saved: Path, home: Path, ours: Mapping[Path, Identity | None]) -> bool:
    """Gives a saved copy, which nobody has open, the database's name; False where that name is taken.

    `ours` are the files that SQLite had left beside the old database; they go, as they would spoil the new one.
    """
    if identity_of(home) is not None or any(companion.exists() for companion in companions(saved)):
        return False
    return clear_away(home, ours) and _rename_to_new(saved, home)


def clear_away(home: Path, ours: Mapping[Path, Identity | None]) -> bool:
    """Removes what SQLite had left beside a database that is gone, or it would be written into whatever comes next.

    False, and nothing is removed, where one of the files is none of ours.
    """
    found = {companion: identity_of(companion) for companion in companions(home)}
    if any(identity not in (None, ours.get(companion)) for companion, identity in found.items()):
        return False
    for companion in found:
        companion.unlink(missing_ok=True)
    return True


def rescued(home: Path) -> list[Path]:
    """The copies that a host has saved of this database, latest first."""
    pattern = re.compile(re.escape(home.stem + _MARK) + r"\d{8}T\d{6}Z(-\d+)?" + re.escape(home.suffix))
    return sorted((entry for entry in home.parent.iterdir() if pattern.fullmatch(entry.name)), reverse=True)


def adopt(home: Path) -> Path | None:
    """Where a host had saved the database and died before it could put it back: does that, with the latest copy.

    To be called while the name is free, and with the host's lock. Returns the copy's name as it was; None where there
    is none, or it isn't ours to take.
    """
    with contextlib.suppress(DatabaseError, OSError, sqlite3.Error):
        for saved in rescued(home)[:1]:
            check_private(saved)
            with contextlib.closing(connect(saved, mode="rw", busy_timeout=1.0)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            # A WAL without its database is of no use to anybody.
            orphans = {companion: identity_of(companion) for companion in companions(home)}
            return saved if put_back(saved, home, orphans) else None
    return None


def _names(home: Path, now: Micros) -> list[Path]:
    stem = f"{home.stem}{_MARK}{to_datetime(now):%Y%m%dT%H%M%SZ}"
    return [home.with_name(f"{stem}{suffix}{home.suffix}") for suffix in ("", *(f"-{n}" for n in range(2, 100)))]


def _rename_to_new(source: Path, target: Path) -> bool:
    """Renames, but never over a file that exists: then False."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        source.replace(target)
        return True
    source.unlink()
    return True
