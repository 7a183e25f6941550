"""Disks that are full, locked, read-only, gone or damaged, for real, under a host that goes on."""

import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from tests.unit.store.bench import FAILED, SUCCEEDED, Bench, sql
from tests.waiting import wait_for
from workerkit.errors import DatabaseError
from workerkit.store import operations, rescue, writer
from workerkit.store.database import Database
from workerkit.store.events import LinesCaptured, LogLine, NextRunMoved

HOLD_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(writer, "LAST_RETRY", 0.02)


class Hosted(Bench):
    """A bench that holds the host's lock, as a host does."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.lock = self.database.host_lock()
        assert self.lock.acquire()
        self.writer.stop()
        self.new_writer()
        self.begin_host("a", "b")

    def close(self) -> None:
        super().close()
        self.lock.release()


@contextmanager
def benched(folder: Path) -> Iterator[Hosted]:
    bench = Hosted(folder / "data" / "jobs.db")
    yield bench
    bench.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Hosted]:
    with benched(tmp_path) as bench:
        yield bench


class Witness:
    """Runs that begin and end while nothing can be written, and what their senders were told."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.told: list[BaseException | None] = []
        self.runs: dict[int, str] = {}

    def run(self, count: int = 1) -> None:
        """Whole runs, their lines included."""
        for number in range(count):
            start = self.bench.started("ab"[number % 2])
            self.bench.clock.advance(0.25)
            result = (SUCCEEDED, FAILED)[number % 3 == 0]
            lines = LinesCaptured(start.run_id, start.worker, (LogLine(0, 0, "stdout", "x" * 500),))
            for event in (start, lines, self.bench.finished(start, result)):
                self.bench.writer.submit(event, self.told.append)
            self.runs[start.run_id] = result.outcome.value

    def look_up(self, seconds: float = 2) -> None:
        """Lets the writer look at the file again."""
        self.bench.clock.advance(seconds)
        self.bench.writer.submit(NextRunMoved("b", None))

    def expect_trouble(self, words: str) -> None:
        wait_for(lambda: words in (self.bench.writer.trouble or ""), f"the trouble {words!r}")
        self.bench.clock.advance(5)
        assert self.bench.writer.troubled_for() >= 5
        assert words in (self.bench.writer.report() or "")

    def expect_all_written(self) -> None:
        """Nothing lost, nothing twice, in order, and the counters agree."""
        assert self.bench.writer.flush(20)
        assert self.told == [None] * (3 * len(self.runs))
        with self.bench.database.reader() as reader:
            records = {run.id: run for run in reader.runs(limit=100_000)}
            assert {run_id: records[run_id].outcome for run_id in self.runs} == self.runs
            for run_id in self.runs:
                assert len(reader.log_lines(run_id)) == 1
        assert self.bench.writer.call(operations.rebuild_counters) == []
        assert sql(self.bench.database.path, "PRAGMA integrity_check") == [("ok",)]
        assert (self.bench.writer.dropped, self.bench.writer.trouble) == (0, None)
        assert (self.bench.writer.troubled_for(), self.bench.writer.report()) == (0.0, None)


@pytest.fixture
def witness(bench: Hosted) -> Witness:
    witness = Witness(bench)
    witness.run(10)
    assert bench.writer.flush(20)
    return witness


# Full


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A file system of its own, where we may mount one."""
    folder.mkdir()
    answer = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip(f"no file system can be mounted here: {answer.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_full_disk_is_outwaited_and_everything_is_written_when_there_is_room(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=2m", "tmpfs") as disk, benched(disk) as bench:
        witness = Witness(bench)
        witness.run(5)
        assert bench.writer.flush(20)
        ballast = disk / "ballast"
        with pytest.raises(OSError, match="No space left"):
            fill(ballast)
        witness.run(400)
        witness.expect_trouble("the disk is full")
        assert sql(bench.database.path, "PRAGMA integrity_check") == [("ok",)]
        ballast.unlink()
        witness.expect_all_written()


def fill(path: Path) -> None:
    with path.open("wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()


FILE_SIZE_LIMIT = """
import resource, signal, sys
from pathlib import Path
import tests.integration.test_store_trouble as trouble
from workerkit.store import writer

writer.FIRST_RETRY = writer.LAST_RETRY = 0.01
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with trouble.benched(Path(sys.argv[1])) as bench:
    witness = trouble.Witness(bench)
    witness.run(5)
    assert bench.writer.flush(20)
    size = max(path.stat().st_size for path in bench.database.path.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    witness.run(400)
    trouble.wait_for(lambda: bench.writer.trouble, "trouble")
    print(bench.writer.trouble)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    witness.expect_all_written()
"""


def test_a_file_that_may_not_grow_is_outwaited(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    answer = subprocess.run(
        [sys.executable, "-c", FILE_SIZE_LIMIT, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "disk" in answer.stdout


# Locked, read-only


def test_a_lock_that_another_program_keeps_is_outwaited(witness: Witness) -> None:
    path = str(witness.bench.database.path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        witness.run(20)
        witness.expect_trouble("another program has locked it")
        other.communicate("\n")
    witness.expect_all_written()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_disk_that_turns_read_only_keeps_what_was_acknowledged_and_the_host_says_so(tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    if subprocess.run(["mkfs.ext4", "-q", str(image)], capture_output=True, check=False).returncode:
        pytest.skip("no ext4 here")
    disk = tmp_path / "disk"
    with mounted(disk, "-o", "loop,errors=remount-ro", str(image)):
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        device = next(Path(line.split()[0]).name for line in mounts if f" {disk} " in line)
        fault = Path(f"/sys/fs/ext4/{device}/trigger_fs_error")
        if not fault.exists():
            pytest.skip("this kernel makes no errors on demand")
        with benched(disk) as bench:
            witness = Witness(bench)
            witness.run(5)
            assert bench.writer.flush(20)
            to_disk(bench.database.path.with_name("jobs.db-wal"))
            fault.write_text("1")  # what a dying disk does to its file system
            witness.run(20)
            wait_for(lambda: bench.writer.trouble, "trouble")
            assert not bench.writer.stop(0.5)
            wait_for(lambda: len(witness.told) == 75, "an answer to each")  # the writer's thread may outlast stop()
            assert [error is None for error in witness.told] == [True] * 15 + [False] * 60
    disk.rmdir()
    with mounted(disk, "-o", "loop", str(image)), benched(disk) as bench:
        assert len(bench.reader.runs()) == 5
        assert bench.reader.in_flight() == []
        assert sql(bench.database.path, "PRAGMA integrity_check") == [("ok",)]


def to_disk(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


@contextmanager
def protected(path: Path) -> Iterator[None]:
    """A file that its owner may not write; for root, who may, immutable."""
    path.chmod(0o400)
    if os.geteuid() == 0 and subprocess.run(["chattr", "+i", str(path)], capture_output=True, check=False).returncode:
        pytest.skip("no file can be made immutable here")
    try:
        yield
    finally:
        if os.geteuid() == 0:
            subprocess.run(["chattr", "-i", str(path)], check=True)
        path.chmod(0o600)


def test_a_file_that_may_not_be_written_is_outwaited_and_opened_anew(tmp_path: Path) -> None:
    with benched(tmp_path) as bench:
        pass
    with protected(bench.database.path):
        later = Bench(bench.database.path)
        later.host_id = bench.host_id
        witness = Witness(later)
        witness.run(5)
        witness.expect_trouble("it is read-only")
    witness.expect_all_written()
    later.close()


# Gone


def rescued_copies(bench: Bench) -> list[str]:
    return [path.name for path in rescue.rescued(bench.database.path)]


def test_a_deleted_database_is_put_back_with_all_that_it_held(
    witness: Witness, caplog: pytest.LogCaptureFixture
) -> None:
    bench = witness.bench
    before = contents(bench)
    bench.database.path.unlink()
    witness.look_up()
    wait_for(bench.database.path.exists, "the database")
    witness.run(10)
    witness.expect_all_written()
    assert contents(bench)[: len(before)] == before
    assert bench.database.path.stat().st_mode & 0o777 == 0o600
    assert rescued_copies(bench) == []
    assert "was deleted under the host" in caplog.text
    assert "was put back with all that it held" in caplog.text


def contents(bench: Bench) -> list[tuple[object, ...]]:
    return sql(bench.database.path, "SELECT id, outcome, finished_at, error FROM runs ORDER BY id")


def test_readers_in_the_hosts_process_find_the_database_that_was_put_back(witness: Witness) -> None:
    bench = witness.bench
    assert bench.reader.changed()
    bench.database.path.unlink()
    with pytest.raises(DatabaseError, match="deleted or replaced"):
        bench.reader.changed()
    witness.look_up()
    wait_for(bench.database.path.exists, "the database")
    assert bench.writer.flush()
    assert bench.reader.changed()
    assert len(bench.reader.runs()) == 10
    assert not bench.reader.changed()
    with bench.database.transaction() as connection:
        operations.submit_command(connection, verb="run", worker="a", params={}, reason="", by="op", now=0)
    assert bench.reader.changed()


READ = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM runs").fetchone()
print("open", flush=True)
sys.stdin.readline()
connection.close()
"""


def test_another_programs_goodbye_to_the_deleted_file_leaves_the_new_ones_wal_alone(witness: Witness) -> None:
    bench = witness.bench
    with subprocess.Popen(
        [sys.executable, "-c", READ, str(bench.database.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        bench.reader.close()
        bench.database.path.unlink()
        witness.look_up()
        wait_for(bench.database.path.exists, "the database")
        witness.run(3)
        assert bench.writer.flush()
        other.communicate("\n")
    assert bench.database.path.with_name("jobs.db-wal").exists()
    witness.run(3)
    witness.expect_all_written()


def test_a_folder_that_was_removed_is_made_again_with_database_and_lock(witness: Witness) -> None:
    bench = witness.bench
    folder = bench.database.path.parent
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    witness.look_up()
    wait_for(bench.database.path.exists, "the database")
    witness.run(3)
    witness.expect_all_written()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert bench.database.host_is_live()
    assert not Database.open(bench.database.path).host_lock().acquire()


def test_a_database_moved_away_is_put_back_and_the_moved_file_stays_as_it_is(witness: Witness) -> None:
    bench = witness.bench
    moved = bench.database.path.with_name("moved.db")
    bench.database.path.rename(moved)
    before = moved.read_bytes()
    witness.look_up()
    wait_for(bench.database.path.exists, "the database")
    witness.run(3)
    witness.expect_all_written()
    assert moved.read_bytes() == before


def replace_with(path: Path, content: bytes) -> None:
    other = path.with_name("other")
    other.write_bytes(content)
    other.replace(path)


def test_under_a_file_that_took_its_name_the_host_writes_beside_it_and_returns_once_the_name_is_free(
    witness: Witness,
) -> None:
    bench = witness.bench
    path = bench.database.path
    replace_with(path, b"somebody's notes")
    witness.look_up()
    wait_for(lambda: rescued_copies(bench), "the copy")
    witness.run(10)
    assert bench.writer.flush(20)
    assert witness.told == [None] * 60
    assert path.read_bytes() == b"somebody's notes"
    assert (bench.writer.trouble, bench.writer.troubled_for()) == (None, 0.0)
    report = bench.writer.report() or ""
    assert "was replaced by another file" in report
    assert rescued_copies(bench)[0] in report
    with pytest.raises(DatabaseError, match="was replaced by another file"), bench.database.transaction():
        raise AssertionError("entered")
    [saved] = rescue.rescued(path)
    assert saved.stat().st_mode & 0o777 == 0o600
    assert len(sql(saved, "SELECT id FROM runs")) == 20

    path.rename(path.with_name("notes.txt"))
    witness.look_up()
    wait_for(lambda: rescued_copies(bench) == [], "the return")
    witness.run(5)
    witness.expect_all_written()
    assert path.with_name("notes.txt").read_bytes() == b"somebody's notes"


def test_a_host_that_dies_beside_its_name_is_found_again_by_the_next_one(bench: Hosted, witness: Witness) -> None:
    path = bench.database.path
    replace_with(path, b"somebody's notes" * 20)
    witness.look_up()
    witness.run(3)
    assert bench.writer.flush(20)
    [saved] = rescue.rescued(path)
    with pytest.raises(DatabaseError, match="not a database"):
        Database.open(path)
    path.unlink()
    bench.writer._home.path = path.with_name("elsewhere.db")  # it dies here: it does not return any more
    bench.writer._channel.close()
    with pytest.raises(DatabaseError, match="was deleted while a host lives on it"):
        Database.open(path)
    bench.lock.release()
    with Database.open(path).reader() as reader:
        assert len(reader.runs()) == 13
    assert not saved.exists()


def test_where_nothing_can_be_saved_the_trouble_says_so_until_it_can(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = witness.bench
    folder = bench.database.path.parent
    moved = folder.with_name("moved")
    folder.rename(moved)
    folder.write_text("a file where the folder was")
    witness.run(3)
    witness.look_up()
    witness.expect_trouble("what it held can't be saved yet")
    folder.unlink()
    bench.clock.advance(2)
    witness.expect_all_written()


def test_two_hosts_after_somebody_deleted_the_lock_file_the_first_writes_no_more(witness: Witness) -> None:
    bench = witness.bench
    lock_file = bench.database.path.with_name("jobs.db.lock")
    lock_file.unlink()
    witness.look_up()
    assert bench.writer.flush()
    other = Database.open(bench.database.path).host_lock()
    assert not other.acquire()  # made again within a second

    lock_file.unlink()
    assert other.acquire()
    runs = len(bench.reader.runs())
    witness.run(1)
    witness.look_up()
    witness.expect_trouble("another host has taken over")
    assert bench.writer.superseded
    assert len(bench.reader.runs()) == runs
    assert not bench.writer.stop(0.2)
    assert not bench.database.path.with_name("jobs.db.unwritten").exists()
    other.release()


# Damaged


def test_a_damaged_database_is_never_the_end_of_the_host_and_the_remedy_is_said(witness: Witness) -> None:
    bench = witness.bench
    with closing(sqlite3.connect(bench.database.path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = other.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()
        (size,) = other.execute("PRAGMA page_size").fetchone()
    with bench.database.path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(os.urandom(size))
    bench.writer._channel._doubtful = True  # its cache still knows the page
    witness.run(3)
    witness.expect_trouble("its contents are damaged")
    assert "stop the host and restore a backup" in (bench.writer.report() or "")
    with pytest.raises(DatabaseError, match="damaged"):
        bench.database.reader().runs()
    assert not bench.writer.stop(0.2)


def test_damage_that_only_housekeeping_meets_does_not_stop_the_rest(witness: Witness) -> None:
    bench = witness.bench
    with closing(sqlite3.connect(bench.database.path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = other.execute("SELECT rootpage FROM sqlite_master WHERE name = 'gaps'").fetchone()
        (size,) = other.execute("PRAGMA page_size").fetchone()
    with bench.database.path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    bench.writer._channel._doubtful = True
    with pytest.raises(DBAPIError, match="malformed"):
        bench.writer.call(lambda connection, _change: connection.exec_driver_sql("SELECT sum(count) FROM gaps").all())
    told = bench.write(start := bench.started("a"), bench.finished(start))
    assert told == [None, None]
    assert bench.writer.trouble is None


# A disk that does not answer


def test_a_disk_that_does_not_answer_is_trouble_and_holds_up_nobodys_stop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, asked = threading.Event(), threading.Event()
    connection = bench.writer._channel.connection

    def hang() -> object:
        asked.set()
        answers.wait(30)
        return connection()

    monkeypatch.setattr(bench.writer._channel, "connection", hang)
    told: list[BaseException | None] = []
    bench.writer.submit(bench.started("a"), told.append)
    assert asked.wait(20)
    said = [bench.writer.trouble]
    bench.clock.advance(3)
    said.append(bench.writer.trouble)
    assert said == [None, "the disk has not answered for 3 s"]
    assert bench.writer.troubled_for() == 3
    began = time.monotonic()
    assert not bench.writer.stop(timeout=0.3)
    assert time.monotonic() - began < 2
    answers.set()
    wait_for(lambda: told, "the sender to be told")
