import contextlib
import os
import re
import sqlite3
import stat
from pathlib import Path

import pytest

from tests.unit.store.bench import Bench, sql
from workerkit.errors import DatabaseError
from workerkit.store import database as database_module
from workerkit.store import migrate
from workerkit.store.database import Database, default_path, locate
from workerkit.store.files import network_file_system


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Where it lies


def test_a_path_is_taken_as_it_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate("jobs.db") == tmp_path / "jobs.db"
    assert locate(Path("sub") / ".." / "jobs.db") == tmp_path / "jobs.db"


def test_a_tilde_stands_for_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/op")
    assert locate("~/jobs.db") == Path("/home/op/jobs.db")


def test_a_sqlite_url_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate("sqlite:////var/lib/jobs.db") == Path("/var/lib/jobs.db")
    assert locate("sqlite:///jobs.db") == tmp_path / "jobs.db"


@pytest.mark.parametrize(
    "url", ["postgresql://op:s3cret@db/jobs", "sqlite://", "sqlite:///", "sqlite:///x.db?mode=ro", "http://x/y.db"]
)
def test_any_other_url_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(DatabaseError, match="SQLite file") as caught:
        locate(url)
    assert "s3cret" not in str(caught.value)


def test_without_a_path_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERCONSOLE_DB", "/srv/jobs.db")
    assert locate(None) == Path("/srv/jobs.db")
    monkeypatch.setenv("WORKERCONSOLE_DB", "")
    assert locate(None) == default_path()


@pytest.mark.parametrize("mark", ["workers.toml", "workers.py", "pyproject.toml", ".git"])
def test_the_default_is_one_file_per_project(mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    project = tmp_path / "My Shop!"
    (project / "deep" / "er").mkdir(parents=True)
    (project / mark).touch()
    monkeypatch.chdir(project / "deep" / "er")
    path = default_path()
    assert path == default_path(project)
    assert re.fullmatch(r"my-shop-[0-9a-f]{8}\.db", path.name)
    assert path != default_path(tmp_path)


def test_a_folder_without_a_project_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_PROJECT_MARKS", ("no-such-mark",))
    monkeypatch.chdir(tmp_path)
    assert default_path() == default_path(tmp_path)


# Making it


def test_a_new_database_is_private_with_all_its_files(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "data" / "jobs.db")
    bench.begin_host("a")
    lock = bench.database.host_lock()
    assert lock.acquire()
    files = {path.name: mode_of(path) for path in (tmp_path / "data").iterdir()}
    assert files == dict.fromkeys(("jobs.db", "jobs.db-wal", "jobs.db-shm", "jobs.db.lock"), 0o600)
    assert mode_of(tmp_path / "data") == 0o700
    lock.release()
    bench.close()


def test_every_missing_folder_is_private_and_one_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    Database.open(shared / "one" / "two" / "jobs.db")
    assert [mode_of(path) for path in (shared, shared / "one", shared / "one" / "two")] == [0o755, 0o700, 0o700]


def test_a_permissive_umask_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = Database.open(tmp_path / "new" / "jobs.db").path
    finally:
        os.umask(before)
    assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    path.touch(0o644)
    with Database.open(path).reader() as reader:
        assert reader.workers() == []
    assert mode_of(path) == 0o600


def test_writers_and_readers_do_not_block_each_other(bench: Bench) -> None:
    assert sql(bench.database.path, "PRAGMA journal_mode") == [("wal",)]
    with contextlib.closing(sqlite3.connect(bench.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert len(bench.reader.workers()) == 2
        other.execute("ROLLBACK")


def test_odd_characters_in_the_path_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "a b#c?d%41 ü" / "jobs & co.db"
    Database.open(path)
    with Database.open(path, create=False).reader() as reader:
        assert reader.workers() == []
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["jobs & co.db"]


# Refusing


def test_without_create_a_missing_database_is_an_error_that_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="start a host first"):
        Database.open(tmp_path / "none" / "jobs.db", create=False)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("create", [True, False])
def test_a_database_deleted_under_its_host_is_not_begun_anew(create: bool, bench: Bench) -> None:
    lock = bench.database.host_lock()
    assert lock.acquire()
    bench.database.path.unlink()
    with pytest.raises(DatabaseError, match=r"was deleted while a host lives on it.*see that host's log"):
        Database.open(bench.database.path, create=create)
    assert not bench.database.path.exists()
    lock.release()
    if create:
        assert Database.open(bench.database.path).path.exists()


def test_without_create_an_empty_file_is_left_empty(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    path.touch()
    with pytest.raises(DatabaseError, match="start a host once"):
        Database.open(path, create=False)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("create", [True, False])
def test_a_symbolic_link_is_not_followed(create: bool, tmp_path: Path) -> None:
    real = Database.open(tmp_path / "real.db").path
    link = tmp_path / "link.db"
    link.symlink_to(real)
    with pytest.raises(DatabaseError, match="symbolic link"):
        Database.open(link, create=create)
    dangling = tmp_path / "dangling.db"
    dangling.symlink_to(tmp_path / "nowhere.db")
    with pytest.raises(DatabaseError, match="symbolic link"):
        Database.open(dangling, create=create)
    assert not (tmp_path / "nowhere.db").exists()


def test_a_folder_or_a_pipe_is_no_database(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(DatabaseError, match="no regular file"):
            Database.open(path)


def test_a_file_of_another_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Database.open(tmp_path / "jobs.db").path
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(DatabaseError, match=r"belongs to user id .* work as that user"):
        Database.open(path)


def test_a_place_that_can_not_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="choose a place that you may write to"):
        Database.open(tmp_path / "file" / "jobs.db")


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("text", [b"This is no database. " * 100, b"x"])
def test_a_file_that_is_no_database_is_refused_untouched(text: bytes, create: bool, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(text)
    with pytest.raises(DatabaseError, match=r"not a database.*choose another file"):
        Database.open(path, create=create)
    assert path.read_bytes() == text


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = Database.open(tmp_path / "jobs.db").path
    content = bytearray(path.read_bytes())
    content[100:4096] = os.urandom(3996)
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match="restore it from a backup"):
        Database.open(path)


def test_a_file_that_may_not_be_read_is_reported_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Database.open(tmp_path / "jobs.db").path

    def denied(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(migrate, "connect", denied)
    with pytest.raises(DatabaseError, match=r"can't be read: Permission denied; see to its permissions"):
        Database.open(path)


def test_a_file_that_another_program_keeps_locked_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workerkit.store.migrate.BUSY_TIMEOUT", 0.01)
    path = Database.open(tmp_path / "jobs.db").path
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseError, match=r"another program has locked it .*; try again"):
            Database.open(path)


@pytest.mark.parametrize("create", [True, False])
def test_a_database_of_another_program_is_refused_untouched(create: bool, tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    sql(path, "CREATE TABLE orders (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(DatabaseError, match="another program"):
        Database.open(path, create=create)
    assert path.read_bytes() == before


# Using it


def test_a_transaction_commits_at_its_end_and_rolls_back_on_an_error(bench: Bench) -> None:
    with bench.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE workers SET description = 'one' WHERE name = 'a'")
    with pytest.raises(ZeroDivisionError):
        update_and_fail(bench)
    assert bench.worker("a").description == "one"


def update_and_fail(bench: Bench) -> None:
    with bench.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE workers SET description = 'two' WHERE name = 'a'")
        raise ZeroDivisionError


def test_a_locked_database_is_reported_in_words(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT", 0.01)
    with contextlib.closing(sqlite3.connect(bench.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with (
            pytest.raises(DatabaseError, match=r"another program has locked it .*try again"),
            bench.database.transaction(),
        ):
            raise AssertionError("entered")
        other.execute("ROLLBACK")


def test_a_reader_can_not_write(bench: Bench) -> None:
    with pytest.raises(Exception, match="readonly"):
        bench.reader._connection.exec_driver_sql("DELETE FROM workers")


def test_a_reader_and_a_database_may_be_closed_twice(bench: Bench) -> None:
    for _ in range(2):
        bench.reader.close()
        bench.database.close()


def open_files() -> list[str]:
    """What this process has open, by name; a descriptor may vanish while we look."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(link.readlink()))
    return found


def test_no_file_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    database = Database.open(path)
    with database.reader() as reader:
        reader.workers()
    with database.transaction():
        pass
    database.close()
    assert str(path) not in "".join(open_files())


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /srv/share nfs4 rw 0 0
server:/odd /srv/with\\040space cifs rw 0 0
/dev/vdb /srv/share/local ext4 rw 0 0
nonsense
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/share/jobs", "nfs4"),
        ("/srv/share", "nfs4"),
        ("/srv/with space/jobs", "cifs"),
        ("/srv/share/local/jobs", None),
        ("/srv/share2", None),
        ("/home/op", None),
    ],
)
def test_network_file_systems_are_told_from_local_ones(
    folder: str, kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_args, **_options: MOUNTS)
    assert network_file_system(Path(folder)) == kind


def test_where_mounts_can_not_be_told_every_folder_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object, **_options: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert network_file_system(Path("/srv")) is None
