"""The database's folder and file on disk: made private, and checked before anything is read from them."""

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from workerkit.errors import DatabaseError

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "fuse.sshfs", "ncpfs"})
"""Where neither SQLite's shared memory nor a lock is shared between machines."""

Identity = tuple[int, int]
"""Device and inode: which file a name stood for when it was opened."""


@dataclass(slots=True)
class Home:
    """Where a database lies, and which file that is. Shared by all that one Database hands out."""

    path: Path
    identity: Identity
    """Changes when the host's writer puts a database back that somebody had deleted."""
    away: str | None = None
    """Why the host's writer has left for another file, for the operator; None: it writes to this one."""

    def is_there(self) -> bool:
        """Whether the name stands for the database."""
        return is_still(self.path, self.identity)


def companions(path: Path) -> tuple[Path, Path]:
    """The files that SQLite keeps beside a database: its WAL, and the WAL's index."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def create_private(path: Path) -> bool:
    """Makes the file (0600) and the folders missing above it (0700); whether it was this call that made the file.

    Folders that exist keep their mode: they are somebody's choice.

    Raises:
        DatabaseError: where the folder or the file can't be made.
    """
    try:
        missing = [folder for folder in path.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600))
    except FileExistsError:
        return False
    except OSError as error:
        raise DatabaseError(
            f"the database {path} can't be made ({error.strerror}); choose a place that you may write to with --db"
        ) from error
    return True


def check_private(path: Path) -> Identity:
    """Refuses what could be somebody else's file under our name; which file it is.

    Raises:
        DatabaseError: for a link, anything but a regular file, or a file of another owner.
        FileNotFoundError: when there is none.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DatabaseError(
            f"the database {path} can't be reached ({error.strerror}); choose another with --db"
        ) from error
    if stat.S_ISLNK(found.st_mode):
        raise DatabaseError(
            f"the database {path} is a symbolic link, which is not followed; name the file itself with --db"
        )
    if not stat.S_ISREG(found.st_mode):
        raise DatabaseError(f"the database {path} is no regular file; name a file with --db")
    if sys.platform != "win32" and found.st_uid != os.geteuid():
        raise DatabaseError(
            f"the database {path} belongs to user id {found.st_uid}, not to you ({os.geteuid()}); "
            "work as that user, or choose another with --db"
        )
    return found.st_dev, found.st_ino


def is_still(path: Path, identity: Identity) -> bool:
    """Whether the name still stands for that file. SQLite writes on into a deleted one without a word.

    Raises:
        OSError: where it can't be told, which is not the same as gone.
    """
    return identity_of(path) == identity


def identity_of(path: Path) -> Identity | None:
    """Which file the name stands for; None where there is none.

    Raises:
        OSError: where it can't be told.
    """
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def network_file_system(path: Path) -> str | None:
    """The type of the network file system that the path lies on; None where it is local, or can't be told."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    longest, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) > 2 and path.is_relative_to(fields[1].replace("\\040", " ")) and len(fields[1]) >= longest:
            longest, kind = len(fields[1]), fields[2]
    return kind if kind in NETWORK_FILE_SYSTEMS else None


_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
