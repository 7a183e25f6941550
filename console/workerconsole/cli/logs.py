"""logs: what a worker or a run logged and printed, and what it goes on to print."""

import time
from argparse import Namespace
from collections.abc import Iterator
from itertools import chain

from workerconsole.cli import documents
from workerconsole.cli.access import known_worker, reading
from workerconsole.cli.errors import Exit, NotFoundError
from workerconsole.cli.output import emit, emit_json, safe
from workerconsole.format import clock_time
from workerkit.store.reader import Reader
from workerkit.store.records import LogRecord

FOLLOW_POLL = 0.2
"""Seconds between two looks for new lines; one look is one pragma while nothing changes."""
_AT_ONCE = 1000
"""Lines fetched per look."""


def logs(arguments: Namespace) -> int:
    """The latest lines, oldest first; with --follow until the run ends, or for a worker until Ctrl+C."""
    with reading(arguments.db) as (_, reader):
        source = _source(reader, arguments.subject, arguments.lines)
        lines = source.latest()[-arguments.lines :]
        if not arguments.follow:
            _give(lines, as_json=arguments.json)
            return Exit.DONE
        for line in chain(lines, _following(reader, source, lines)):
            if arguments.json:
                emit_json(documents.log_line(line), line=True)
            else:
                _print(line)
    return Exit.DONE


class _RunLines:
    """The lines of one run; they end when it ends."""

    def __init__(self, reader: Reader, run_id: int) -> None:
        self._reader = reader
        self._run_id = run_id

    def latest(self) -> list[LogRecord]:
        return self.after(self._run_id, -1)

    def after(self, _run_id: int, seq: int) -> list[LogRecord]:
        found: list[LogRecord] = []
        while page := self._reader.log_lines(self._run_id, after=found[-1].seq if found else seq, limit=_AT_ONCE):
            found += page
        return found

    def ended(self) -> bool:
        run = self._reader.run(self._run_id)
        return run is None or run.outcome is not None


class _WorkerLines:
    """The lines of a worker's runs, one after the other; they never end."""

    def __init__(self, reader: Reader, worker: str, count: int) -> None:
        self._reader = reader
        self._worker = worker
        self._count = count

    def latest(self) -> list[LogRecord]:
        return self._reader.latest_log_lines(self._worker, limit=self._count)

    def after(self, run_id: int, seq: int) -> list[LogRecord]:
        lines = self._reader.latest_log_lines(self._worker, limit=_AT_ONCE)
        return [line for line in lines if (line.run_id, line.seq) > (run_id, seq)]

    def ended(self) -> bool:
        return False


def _source(reader: Reader, subject: str, count: int) -> _RunLines | _WorkerLines:
    """A number is a run, unless a worker is named so."""
    if subject.isdecimal() and reader.worker(subject) is None:
        if reader.run(int(subject)) is None:
            raise NotFoundError(f"there is no run {subject}; `workerconsole runs` lists the latest")
        return _RunLines(reader, int(subject))
    return _WorkerLines(reader, known_worker(reader, subject).name, count)


def _following(reader: Reader, source: _RunLines | _WorkerLines, seen: list[LogRecord]) -> Iterator[LogRecord]:
    last = (seen[-1].run_id, seen[-1].seq) if seen else (0, -1)
    while True:
        # Asked before the lines are read: what a run wrote before it ended is there by then.
        ended = source.ended()
        for line in source.after(*last):
            yield line
            last = (line.run_id, line.seq)
        if ended:
            return
        while not reader.changed():
            time.sleep(FOLLOW_POLL)


def _give(lines: list[LogRecord], *, as_json: bool) -> None:
    if as_json:
        emit_json({"lines": [documents.log_line(line) for line in lines]})
        return
    for line in lines:
        _print(line)


def _print(line: LogRecord) -> None:
    kind = line.level or line.stream
    emit(f"{clock_time(line.at)} {line.run_id:>6} {kind.lower():<8} {safe(line.text)}")
