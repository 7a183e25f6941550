"""The ready-made workers that look at something: disk, machine, packages, SQLite, the event loop."""

import logging
import sqlite3
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest

from workerkit.context import RunContext
from workerkit.errors import RunCancelled
from workerkit.outcome import StopCause
from workerkit.registry import Registry
from workerkit.stock import (
    CheckFailed,
    DiskSpace,
    LargestFiles,
    Load,
    LoopDelay,
    Memory,
    NetworkTraffic,
    OpenFiles,
    PackageFiles,
    Processes,
    SqliteIntegrity,
    packages,
    parse_size,
)
from workerkit.stock.check import format_size
from workerkit.stock.demo import demo_workers


@pytest.fixture
def ctx(caplog: pytest.LogCaptureFixture) -> RunContext:
    caplog.set_level(logging.DEBUG)
    return RunContext.for_test()


def cancelled() -> RunContext:
    """A context whose run was asked to stop before it began."""
    context = RunContext.for_test()
    context.cancellation.request(StopCause.OPERATOR, "by the test")
    return context


@pytest.mark.parametrize(
    ("text", "size"),
    [("500 MB", 500 * 1024**2), ("5GiB", 5 * 1024**3), ("20k", 20480), ("7", 7), (9.5, 9), ("1.5 T", 1.5 * 1024**4)],
)
def test_a_size_reads_as_people_write_it(text: Any, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "5 parsec", -1, True, None])
def test_what_is_no_size_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


def test_a_size_is_written_in_the_unit_that_suits_it() -> None:
    assert [format_size(size) for size in (512, 1536, 5 * 1024**4)] == ["512 B", "1.5 KiB", "5.0 TiB"]


def test_disk_space_fails_below_its_minimum_and_says_how_much_there_is(ctx: RunContext, tmp_path: Path) -> None:
    assert "free on" in DiskSpace(tmp_path, min_free="0%").run(ctx)
    assert "free on" in DiskSpace(tmp_path, min_free=1).run(ctx)
    with pytest.raises(CheckFailed, match=r"at least .* should be"):
        DiskSpace(tmp_path, min_free="100%").run(ctx)


def test_disk_space_logs_when_the_disk_will_be_full(
    ctx: RunContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    DiskSpace(tmp_path).run(ctx)
    ctx.state["free"] += 1024**2
    ctx.state["at"] -= 3600.0
    DiskSpace(tmp_path).run(ctx)
    assert "at this pace it is full in" in caplog.text


def test_disk_space_survives_a_state_of_somebody_elses(ctx: RunContext, tmp_path: Path) -> None:
    ctx.state.update(free="much", at=None)
    assert "free on" in DiskSpace(tmp_path).run(ctx)


def test_the_largest_files_are_logged_first(ctx: RunContext, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(8):
        (tmp_path / f"file-{number}").write_bytes(b"x" * number * 1000)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert LargestFiles(tmp_path).run(ctx) == "8 files, 27.3 KiB"
    assert [record.getMessage().split()[-1][-1] for record in caplog.records] == ["7", "6", "5", "4", "3"]


@pytest.mark.parametrize(
    ("check", "too_strict"),
    [
        (Memory(max_percent=100), Memory(max_percent=-1)),
        (Load(max_per_cpu=1e6), Load(max_per_cpu=-1)),
        (Processes(max_count=10**7), Processes(max_count=0)),
        (OpenFiles(max_share=1), OpenFiles(max_share=0)),
    ],
)
def test_a_check_of_the_machine_passes_or_fails_by_its_limit(ctx: RunContext, check: Any, too_strict: Any) -> None:
    assert check.run(ctx)
    with pytest.raises(CheckFailed):
        too_strict.run(ctx)


def test_memory_logs_the_change_since_its_last_run(ctx: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    Memory(max_percent=100).run(ctx)
    assert not caplog.records
    Memory(max_percent=100).run(ctx)
    assert "points since the last look" in caplog.text


def test_network_traffic_is_a_rate_from_the_second_look_on(ctx: RunContext) -> None:
    assert NetworkTraffic().run(ctx) == "first look"
    ctx.state["at"] -= 10
    assert "/s in, " in NetworkTraffic().run(ctx)
    ctx.state["in"] += 10**15
    assert NetworkTraffic().run(ctx) == "first look"


def test_a_whole_database_passes_and_a_damaged_one_fails(ctx: RunContext, tmp_path: Path) -> None:
    path = tmp_path / "a b?#.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [(f"row {number}" * 20,) for number in range(2000)])
        connection.execute("CREATE INDEX i ON t (x)")
    connection.close()
    assert "whole" in SqliteIntegrity(path).run(ctx)
    whole = path.read_bytes()
    path.write_bytes(whole[:20480] + b"\x55" * 4096 + whole[24576:])
    with pytest.raises((CheckFailed, sqlite3.DatabaseError), match=r"damaged|malformed"):
        SqliteIntegrity(path).run(ctx)


def test_a_database_that_is_missing_is_not_made(ctx: RunContext, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SqliteIntegrity(tmp_path / "none.db").run(ctx)
    assert not list(tmp_path.iterdir())


def test_a_cancelled_integrity_check_gives_way(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 100,)] * 20_000)
    connection.close()
    with pytest.raises(RunCancelled):
        SqliteIntegrity(path).run(cancelled())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package of one module, with the checksum that its installer noted."""
    (tmp_path / "thing.py").write_bytes(b"value = 1\n")
    info = tmp_path / "thing-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: thing\nVersion: 1\n")
    (info / "RECORD").write_text(
        "thing.py,sha256=WFyTZm_LBGt7Jk0_pzICqio4JUroKks7oZ6HPC1amIY,10\nthing-1.dist-info/RECORD,,\n"
    )
    monkeypatch.setattr(packages, "distribution", lambda _name: PathDistribution(info))
    return tmp_path / "thing.py"


def test_altered_package_files_are_found(ctx: RunContext, package: Path) -> None:
    assert PackageFiles(["thing"]).run(ctx) == "1 files as installed, 10 B"
    assert ctx.reported is not None
    assert (ctx.reported.done, ctx.reported.total) == (1, 1)
    package.write_bytes(b"value = 2\n")
    with pytest.raises(CheckFailed, match=r"1 of 1 installed files were altered, e\.g\. .*thing\.py"):
        PackageFiles(["thing"]).run(ctx)
    package.unlink()
    with pytest.raises(CheckFailed):
        PackageFiles(["thing"]).run(ctx)


def test_a_cancelled_checksum_gives_way(package: Path) -> None:
    with pytest.raises(RunCancelled):
        PackageFiles(["thing"]).run(cancelled())


async def test_the_event_loops_delay_is_measured(ctx: RunContext) -> None:
    assert "ms late" in await LoopDelay(naps=2).run(ctx)
    with pytest.raises(CheckFailed, match="blocks it"):
        await LoopDelay(naps=1, max_delay=-1).run(ctx)


def test_the_demo_can_be_registered_as_it_is(tmp_path: Path) -> None:
    registry = Registry()
    for worker in demo_workers(tmp_path / "demo.db"):
        registry.register(worker)
    assert len(registry) >= 8
    periods = [
        registration.schedule.period / 1e6 for registration in registry if hasattr(registration.schedule, "period")
    ]
    assert min(periods) == 2
    assert max(periods) == 60
    assert any(registration.isolation == "async" for registration in registry)
