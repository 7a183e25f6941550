"""status, workers, runs: what the database says now."""

from argparse import Namespace

from workerconsole.cli import documents
from workerconsole.cli.access import HOW_TO_START, known_worker, reading
from workerconsole.cli.errors import Exit
from workerconsole.cli.output import Column, emit, emit_json, paint, safe, say, table, terminal_width
from workerconsole.format import UNKNOWN, ago, clock_time, count, duration, localised, plural, until
from workerconsole.roster import starts_by_itself
from workerkit.clock import DAY, HOUR, SystemClock
from workerkit.store.records import HostRecord, RunRecord, WorkerRecord


def status(arguments: Namespace) -> int:
    """The live host or none, and the workers by status."""
    with reading(arguments.db) as (database, reader):
        host = reader.host() if database.host_is_live() else None
        counts = reader.counts()
        now = SystemClock().now()
        hour, day = reader.totals(now - HOUR), reader.totals(now - DAY)
        if arguments.json:
            emit_json(
                {
                    "host": None if host is None else documents.host(host),
                    "counts": documents.counts(counts),
                    "last_hour": documents.totals(hour),
                    "last_day": documents.totals(day),
                }
            )
            return Exit.DONE
        emit(f"host      {_host_line(host, now)}")
        emit(f"database  {database.path}")
        words = ", ".join(paint(f"{count} {word}", word) for word, count in sorted(counts.items()) if count)
        emit(f"workers   {sum(counts.values())}{words and f': {words}'}")
        emit(f"last hour {plural(hour.started, 'run')}, {hour.failed:,} failed")
        emit(f"last day  {plural(day.started, 'run')}, {day.failed:,} failed")
        if host is not None and host.notice:
            say(safe(host.notice))
    return Exit.DONE


def workers(arguments: Namespace) -> int:
    """Every worker, ordered by name."""
    with reading(arguments.db) as (database, reader):
        records = reader.workers()
        if arguments.json:
            emit_json({"workers": [documents.worker(record) for record in records]})
            return Exit.DONE
        if not database.host_is_live():
            say(f"no host is live, this is how the last one left it; {HOW_TO_START}")
        now = SystemClock().now()
        for line in table(_WORKER_COLUMNS, [_worker_row(record, now) for record in records], terminal_width()):
            emit(line)
    return Exit.DONE


def runs(arguments: Namespace) -> int:
    """The latest runs, the newest first."""
    with reading(arguments.db) as (_, reader):
        if arguments.worker is not None:
            known_worker(reader, arguments.worker)
        now = SystemClock().now()
        records = reader.runs(
            worker=arguments.worker,
            outcome=arguments.outcome,
            limit=arguments.limit,
            since=None if arguments.since is None else now - arguments.since,
            until=None if arguments.until is None else now - arguments.until,
        )
        if arguments.json:
            emit_json({"runs": [documents.run(record) for record in records]})
            return Exit.DONE
        for line in table(_RUN_COLUMNS, [_run_row(record, now) for record in records], terminal_width()):
            emit(line)
    return Exit.DONE


_WORKER_COLUMNS = (
    Column("STATUS"),
    Column("NAME", flexible=True),
    Column("SCHEDULE", flexible=True, optional=3),
    Column("LAST RUN", optional=1),
    Column("NEXT RUN", optional=4),
    Column("TOOK", right=True, optional=5),
    Column("OK", right=True, optional=2),
    Column("FAILED", right=True, optional=2),
    Column("LAST ERROR", flexible=True),
)
_RUN_COLUMNS = (
    Column("RUN", right=True),
    Column("WORKER", flexible=True),
    Column("OUTCOME"),
    Column("TRY", right=True, optional=4),
    Column("STARTED", optional=1),
    Column("TOOK", right=True, optional=2),
    Column("TRIGGER", optional=3),
    Column("RESULT", flexible=True),
)


def _worker_row(record: WorkerRecord, now: int) -> list[str]:
    return [
        record.status,
        safe(record.name),
        safe(record.schedule),
        ago(record.last_run_at, now),
        until(record.next_run_at, now) if starts_by_itself(record) else UNKNOWN,
        duration(record.last_duration),
        count(record.success_count),
        count(record.failure_count),
        safe(_first_line(record.last_error or record.load_error, last=record.last_error is None)),
    ]


def _run_row(record: RunRecord, now: int) -> list[str]:
    return [
        str(record.id),
        safe(record.worker),
        record.outcome or "running",
        str(record.attempt) if record.attempt > 1 or record.retry_at is not None else "",
        clock_time(record.started_at, now),
        duration(record.duration),
        record.trigger,
        _result(record, now),
    ]


def _result(record: RunRecord, now: int) -> str:
    """The error, and when the next attempt follows; or what the run said."""
    again = f"again {until(record.retry_at, now)}: " if record.retry_at is not None and record.retry_at > now else ""
    return again + localised(safe(record.error or record.summary or progress(record)), now)


def _host_line(host: HostRecord | None, now: int) -> str:
    if host is None:
        return f"none is live; {HOW_TO_START}"
    up = duration(now - host.started_at)
    return f"{safe(host.hostname)}:{host.pid}, {host.mode}, up {up}, version {safe(host.version)}"


def progress(record: RunRecord) -> str:
    """How far a run said it is: `3 of 5 cleaning`; empty where it said nothing."""
    if record.progress_done is None:
        return ""
    total = "" if record.progress_total is None else f" of {record.progress_total:,}"
    return f"{record.progress_done:,}{total} {record.progress_note or ''}".rstrip()


def _first_line(text: str | None, *, last: bool) -> str:
    """The line that says most: the first of an error, the last of a traceback."""
    lines = [line for line in (text or "").splitlines() if line.strip()]
    return lines[-1 if last else 0] if lines else ""
