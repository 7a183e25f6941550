"""show: one run, one worker, or one failure with all that is known of it, and the traceback."""

import sys
from argparse import Namespace
from collections.abc import Iterable

from workerconsole.cli import documents
from workerconsole.cli.access import known_worker, reading
from workerconsole.cli.errors import Exit, NotFoundError
from workerconsole.cli.groups import find_group, trend
from workerconsole.cli.output import coloured, emit, emit_json, paint, safe, say, takes_blocks, terminal_width
from workerconsole.cli.percentiles import document, percentiles
from workerconsole.cli.reading import progress
from workerconsole.cli.values import begins_fingerprint
from workerconsole.format import ago, count, duration, plural
from workerconsole.groups import REGRESSED, state_of
from workerconsole.roster import starts_by_itself
from workerkit.clock import Micros, SystemClock
from workerkit.store.reader import Reader
from workerkit.store.records import FailureGroupRecord, FailureRecord, RunRecord, WorkerRecord

PIPE_WIDTH = 120
"""Characters that values are bounded to where there is no terminal to fit."""
MAX_TRACEBACK = 512 * 1024
"""Characters of a traceback that are printed; captures are bounded below it."""
MAX_RUN_ID = 2**63 - 1

Field = tuple[str, str | None]


def show(arguments: Namespace) -> int:
    """A run by its number, else a worker by its name, else a failure by the beginning of its fingerprint."""
    now = SystemClock().now()
    with reading(arguments.db) as (_, reader):
        run = _run(reader, arguments.subject)
        if run is None and (worker := reader.worker(arguments.subject)) is not None:
            _show_worker(reader, worker, arguments)
            return Exit.DONE
        group = None if run is not None else _group(reader, arguments.subject, now)
        if group is not None:
            failure = next(iter(reader.failures_of_group(group.fingerprint, limit=1)), None)
            run = reader.run(failure.run_id) if failure is not None else None
        else:
            failure = reader.failure(run.id) if run is not None else None
        if arguments.json:
            _give_json(group, run, failure)
        elif arguments.plain:
            _print_plain(failure)
        else:
            its_group = reader.failure_group(failure.fingerprint, now) if failure is not None and not group else None
            _print(_group_fields(group, now) if group else _run_fields(run, its_group))
            _print_failure(failure, run if group else None)
    return Exit.DONE


def _run(reader: Reader, subject: str) -> RunRecord | None:
    return reader.run(int(subject)) if subject.isdecimal() and int(subject) <= MAX_RUN_ID else None


def _group(reader: Reader, subject: str, now: Micros) -> FailureGroupRecord:
    """Raises NotFoundError where there is no run, no worker, and not one group of that name."""
    if subject.isdecimal() and reader.failure_group(subject, now) is None:
        raise NotFoundError(f"there is no run {subject}; `workerconsole runs` lists the latest")
    if not begins_fingerprint(subject):
        known_worker(reader, subject)
    return find_group(reader, subject, now)


def _show_worker(reader: Reader, worker: WorkerRecord, arguments: Namespace) -> None:
    if arguments.plain:
        _print_plain(next(iter(reader.failures(worker.name, limit=1)), None))
        return
    usual = percentiles(reader.durations(worker.name))
    if arguments.json:
        emit_json({"worker": documents.worker(worker), "durations": document(usual)})
        return
    again = starts_by_itself(worker) and worker.next_run_at is not None
    _print(
        [
            ("worker", safe(worker.name)),
            ("about", safe(worker.description) or None),
            ("status", paint(worker.status, worker.status)),
            ("schedule", safe(worker.schedule)),
            ("last run", documents.moment(worker.last_run_at)),
            ("ended", worker.last_outcome),
            ("next run", documents.moment(worker.next_run_at) if again else None),
            ("runs", f"{count(worker.success_count)} succeeded, {count(worker.failure_count)} failed"),
            ("took", str(usual) if usual is not None else None),
            ("last error", safe(worker.last_error) or None),
            ("source", safe(worker.source) or None),
        ]
    )


def _give_json(group: FailureGroupRecord | None, run: RunRecord | None, failure: FailureRecord | None) -> None:
    document = {
        "run": None if run is None else documents.run(run),
        "failure": None if failure is None else documents.failure(failure),
    }
    emit_json({"group": documents.group(group), **document} if group is not None else document)


def _print_plain(failure: FailureRecord | None) -> None:
    from workerkit.failures.text import plain

    if failure is None:
        say("there is no failure to show")
    else:
        emit(safe(plain(failure.capture), limit=MAX_TRACEBACK, newlines=True))


def _print_failure(failure: FailureRecord | None, run: RunRecord | None) -> None:
    """The traceback; `run` is named where the lines above do not tell whose it is."""
    if failure is None:
        if run is not None:
            say("its runs have been pruned; no traceback is left")
        return
    from workerconsole.captures import read_capture
    from workerconsole.cli.tracebacks import Sheet, traceback_lines

    emit()
    if run is not None:
        emit(f"the latest, run {run.id} of {safe(run.worker)}, {documents.moment(failure.at)}:")
        emit()
    sheet = Sheet(terminal_width() or PIPE_WIDTH, coloured(sys.stdout))
    for line in traceback_lines(read_capture(failure.capture), sheet):
        emit(line)


def _print(fields: Iterable[Field]) -> None:
    for title, value in fields:
        if value is not None:
            emit(f"{title:<15}{value}")


def _run_fields(record: RunRecord | None, group: FailureGroupRecord | None) -> list[Field]:
    if record is None:
        return []
    outcome = record.outcome or "running"
    kind = f" ({record.kind})" if record.kind else ""
    return [
        ("run", f"{record.id} of {safe(record.worker)}"),
        ("outcome", paint(outcome, outcome) + kind),
        ("due", documents.moment(record.due_at)),
        ("started", documents.moment(record.started_at)),
        ("finished", documents.moment(record.finished_at)),
        ("took", duration(record.duration) if record.duration is not None else None),
        ("trigger", record.trigger),
        ("attempt", str(record.attempt)),
        ("parameters", safe(record.params) if record.params else None),
        ("progress", safe(progress(record)) or None),
        ("summary", safe(record.summary) or None),
        ("error", safe(record.error) or None),
        ("failure", _occurrences(group) if group is not None else None),
        ("host", safe(record.host)),
        ("lines left out", str(record.dropped_lines) if record.dropped_lines else None),
    ]


def _occurrences(group: FailureGroupRecord) -> str:
    state = state_of(group)
    return f"{safe(group.fingerprint)}, seen {plural(group.count, 'time')}, {paint(state, state)}"


def _group_fields(group: FailureGroupRecord, now: Micros) -> list[Field]:
    state = state_of(group)
    by = f" by {safe(group.state_by)}, {ago(group.state_at, now)}" if group.state_by and state != REGRESSED else ""
    snoozed = f", until {documents.moment(group.snoozed_until)}" if state == "snoozed" else ""
    came_back = f" {ago(group.regressed_at, now)}, after it had been resolved" if state == REGRESSED else ""
    workers = ", ".join(f"{safe(name)} ({count(times)})" for name, times in group.workers)
    parts = [safe(part) for part in group.parts]
    return [
        ("failure", safe(group.fingerprint)),
        ("title", safe(group.title)),
        ("state", paint(state, state) + by + snoozed + came_back),
        ("note", safe(group.note) or None),
        ("seen", plural(group.count, "time")),
        ("first", f"{documents.moment(group.first_seen_at)}, run {group.first_run_id}"),
        ("last", f"{documents.moment(group.last_seen_at)}, run {group.last_run_id}"),
        ("24 hours", f"{trend(group.trend)} {sum(group.trend):,}" if takes_blocks() else f"{sum(group.trend):,}"),
        ("workers", workers),
        *(("made one by" if number == 0 else "", part) for number, part in enumerate(parts)),
    ]
