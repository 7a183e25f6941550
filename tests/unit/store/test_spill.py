"""What could not be written before the end is left for the next host, which writes it once."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.unit.store.bench import FAILED, SUCCEEDED, Bench
from workerkit.clock import SECOND
from workerkit.outcome import GapReason, Status
from workerkit.store import operations, spill, writer
from workerkit.store.events import (
    Event,
    HostBeat,
    LinesCaptured,
    LogLine,
    NextRunMoved,
    PauseEnded,
    RetryDropped,
    RunGoesOn,
    RunProgressed,
    SlotsMissed,
    StatusChanged,
    WorkerSuspended,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(writer, "LAST_RETRY", 0.02)
    monkeypatch.setattr("workerkit.store.database.WRITER_BUSY_TIMEOUT", 0.01)


@pytest.fixture
def locked(bench: Bench) -> Iterator[Bench]:
    """A host whose database another program has locked."""
    bench.writer.stop()
    bench.new_writer()
    bench.write(HostBeat(bench.host_id, bench.clock.now()))
    with closing(sqlite3.connect(bench.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield bench


def left(bench: Bench) -> Path:
    return spill.spill_path(bench.database.path)


def some_runs(bench: Bench) -> list[Event]:
    first, second = bench.started("a"), bench.started("b")
    bench.clock.advance(1)
    return [
        first,
        LinesCaptured(first.run_id, "a", (LogLine(0, 0, "stdout", "x"),)),
        second,
        bench.finished(first, FAILED._replace(state='{"n": 1}')),
        HostBeat(bench.host_id, bench.clock.now()),
        bench.finished(second, SUCCEEDED._replace(summary="\ud800 fine\0")),
        NextRunMoved("a", 77),
    ]


def end(bench: Bench, events: list[Event]) -> list[BaseException | None]:
    told: list[BaseException | None] = []
    for event in events:
        bench.writer.submit(event, told.append)
    assert not bench.writer.stop(timeout=0.5)
    return told


def test_the_next_host_writes_what_the_last_one_could_not(locked: Bench, caplog: pytest.LogCaptureFixture) -> None:
    told = end(locked, some_runs(locked))
    assert "left to the next host" in caplog.text
    assert [type(error).__name__ for error in told] == ["DatabaseError"] * 7
    assert (locked.writer.spilled, locked.writer.dropped) == (7, 0)
    assert left(locked).stat().st_mode & 0o777 == 0o600
    assert "pickle" not in left(locked).read_text()


def next_host(bench: Bench) -> operations.HostBegun:
    bench.new_writer()
    return bench.begin_host("a", "b")


def test_what_was_left_is_written_once_and_before_anything_else(bench: Bench) -> None:
    bench.write(HostBeat(bench.host_id, bench.clock.now()))
    bench.sql("UPDATE hosts SET pid = ?", os.getpid())
    events = some_runs(bench)
    with closing(sqlite3.connect(bench.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        end(bench, events)
    again = left(bench).with_name("again")
    shutil.copy(left(bench), again)

    begun = next_host(bench)
    assert not left(bench).exists()
    assert begun.recovered == ()
    assert (bench.counters("a"), bench.counters("b")) == ((0, 1, 1), (1, 0, 0))
    assert bench.reader.state("a") == {"n": 1}
    assert [(run.id, run.outcome, run.summary) for run in bench.reader.runs()] == [
        (2, "succeeded", "� fine�"),
        (1, "failed", None),
    ]
    assert bench.reader.log_lines(1) == []  # left out: the history is true without them
    [_, before] = bench.reader.hosts()
    assert (before.ending, before.stopped_at) == ("stopped", bench.clock.now())

    # It died after it had written them, before it could remove the file.
    bench.writer.stop()
    again.rename(left(bench))
    next_host(bench)
    assert not left(bench).exists()
    assert (bench.counters("a"), bench.counters("b")) == ((0, 1, 1), (1, 0, 0))
    assert bench.writer.call(operations.rebuild_counters) == []


EVENTS: list[Event] = [
    HostBeat(1, 5, None),
    LinesCaptured(1, "a", (LogLine(0, 0, "log", "x", "INFO"),), 1, 2, 3),
    NextRunMoved("a", None, 4),
    RunGoesOn(1, "a", 2, 3, 4),
    PauseEnded("a", 5, 6, Status.IDLE),
    RetryDropped(1, "a", Status.FAILED),
    RunProgressed(1, "a", 1, None, "n"),
    SlotsMissed(1, "a", GapReason.OVERLAP, 1, 2, 3, "d", 1, None, None, 9),
    StatusChanged("a", Status.STUCK),
    WorkerSuspended("a", 5, "because", Status.SUSPENDED),
]


def test_every_kind_of_event_comes_back_as_it_was(bench: Bench) -> None:
    start = bench.started("a", params='{"n":1}')
    failed = bench.finished(start, FAILED._replace(retry_in=5), retry_at=7)
    every: list[Event] = [*EVENTS, start, failed, bench.finished(start, SUCCEEDED)]
    assert {type(event) for event in every} == set(get_args(Event))
    for event in every:
        line = spill._line({"event": type(event).__name__, **spill._plain(event)})
        back = spill._event(json.loads(line))
        assert back == event
        assert repr(back) == repr(event)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no json at all\n",
        '{"version":99,"host":1,"pid":4711,"at":0}\n',
        '{"version":1,"host":99,"pid":4711,"at":0}\n',
        '{"version":1,"host":1,"pid":1,"at":0}\n',
        '{"version":1,"host":1,"pid":4711,"at":0}\n{"event":"__import__"}\n',
        '{"version":1,"host":1,"pid":4711,"at":0}\n{"event":"StatusChanged","worker":"a","status":"no such"}\n',
        '{"version":1,"host":1,"pid":4711,"at":0}\n' + "[" * 100_000 + "\n",
    ],
)
def test_what_can_not_be_understood_is_set_aside_and_the_host_begins(
    bench: Bench, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench.writer.stop()
    left(bench).write_text(content)
    next_host(bench)
    assert not left(bench).exists()
    assert left(bench).with_name("bench.db.unwritten.refused").read_text() == content
    assert "can't be written" in caplog.text


def test_a_link_in_its_place_is_not_followed(bench: Bench, tmp_path: Path) -> None:
    bench.writer.stop()
    secret = tmp_path / "secret"
    secret.write_text('{"version":1,"host":1,"pid":4711,"at":0}\n')
    left(bench).symlink_to(secret)
    next_host(bench)
    assert secret.exists()
    assert bench.reader.hosts()[1].ending == "crashed"


def test_an_event_that_can_not_be_written_is_left_out_and_the_others_are_not(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.writer.stop()
    start = bench.started("a")
    orphan = bench.started("b", host_id=99)
    taken = spill.spill(
        [orphan, start, bench.finished(start)],
        bench.database.path,
        host_id=bench.host_id,
        now=5 * SECOND,
        given_up=lambda: False,
    )
    assert taken == 3
    bench.sql("UPDATE hosts SET pid = ?", os.getpid())
    next_host(bench)
    assert bench.counters("a") == (1, 0, 0)
    assert "RunStarted, which the host before left, could not be written" in caplog.text


def test_a_file_that_is_there_is_not_written_over(locked: Bench) -> None:
    left(locked).write_text("somebody's")
    end(locked, some_runs(locked))
    assert left(locked).read_text() == "somebody's"
    assert (locked.writer.spilled, locked.writer.dropped) == (0, 7)


def test_the_file_is_bounded_and_what_does_not_fit_is_counted(locked: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "MAX_BYTES", 2_000)
    end(locked, [event for _ in range(50) for event in some_runs(locked)])
    assert left(locked).stat().st_size <= 2_000
    assert locked.writer.spilled > 0
    assert locked.writer.spilled + locked.writer.dropped == 350


def test_when_there_is_no_more_time_the_rest_is_given_up(locked: Bench) -> None:
    looks = iter([False, False, True])
    taken = spill.spill(some_runs(locked), locked.database.path, host_id=1, now=0, given_up=lambda: next(looks, True))
    assert taken == 3  # two starts, and the lines between them, which are left out anyway


def test_where_the_file_can_not_be_made_nothing_is_left(locked: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    end(locked, some_runs(locked))
    assert not left(locked).exists()
    assert locked.writer.dropped == 7
