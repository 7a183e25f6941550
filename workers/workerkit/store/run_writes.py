"""What the life of a run changes in the tables: its start, progress, lines and end, with all that hangs on them."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, bindparam, case, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from workerkit.clock import MINUTE, Micros
from workerkit.failures.fingerprint import fingerprint
from workerkit.outcome import Failure, FailureKind, Outcome, Result
from workerkit.store import codec
from workerkit.store.events import (
    LinesCaptured,
    RunFinished,
    RunGoesOn,
    RunProgressed,
    RunStarted,
)
from workerkit.store.groups import Occurrence, count_failures
from workerkit.store.models import activity, commands, failures, log_lines, runs, worker_state, workers
from workerkit.store.prepared import TOGETHER, Prepared, Row
from workerkit.store.text import LINE_LIMIT, NAME_LIMIT, storable, storable_int, storable_or_none

_this_worker = workers.c.name == bindparam("_worker")
_this_run = runs.c.id == bindparam("_run")
_in_flight = runs.c.outcome.is_(None)

_insert_run = Prepared(insert(runs), "id", "worker", "attempt", "trigger", "due_at", "started_at", "host_id", "params")
_begin_worker = Prepared(
    update(workers)
    .where(_this_worker)
    .values(
        status="running",
        last_run_at=bindparam("began"),
        next_run_at=bindparam("next_run"),
        covered_until=func.coalesce(bindparam("covered"), workers.c.covered_until),
        running_run_id=bindparam("run"),
        change=bindparam("changed"),
    ),
    *("_worker", "began", "next_run", "covered", "run", "changed"),
)


def run_started(connection: Connection, change: int, events: Sequence[RunStarted]) -> None:
    _insert_run.execute(
        connection,
        [
            (
                *(event.run_id, event.worker, event.attempt, str(event.trigger)),
                *(event.due_at, event.started_at, event.host_id, event.params),
            )
            for event in events
        ],
    )
    _begin_worker.execute(
        connection,
        [
            (event.worker, event.started_at, event.next_run_at, event.covered_until, event.run_id, change)
            for event in events
            if not event.quiet
        ],
    )
    answered = [
        {
            "_command": event.command_id,
            "said": begun(event.worker, event.run_id, event.attempt),
            "run": event.run_id,
            "at": event.started_at,
        }
        for event in events
        if event.command_id is not None
    ]
    if answered:
        connection.execute(_answer, answered)
    _count_activity(connection, [(event.started_at, "started") for event in events])


def run_goes_on(connection: Connection, change: int, events: Sequence[RunGoesOn]) -> None:
    _begin_worker.execute(
        connection,
        [
            (event.worker, event.last_run_at, event.next_run_at, event.covered_until, event.run_id, change)
            for event in events
        ],
    )


_answer = (
    update(commands)
    .where(commands.c.id == bindparam("_command"), commands.c.state == "pending")
    .values(state="done", result=bindparam("said"), run_id=bindparam("run"), finished_at=bindparam("at"))
)


def begun(worker: str, run_id: int, attempt: int) -> str:
    """The answer to a command that made a run begin."""
    if attempt > 1:
        return f"attempt {attempt} of {worker} begins now, as run {run_id}"
    return f"run {run_id} of {worker} begins"


_finish_run = Prepared(
    update(runs)
    .where(_this_run, _in_flight)
    .values(
        outcome=bindparam("ended"),
        kind=bindparam("failure_kind"),
        error=bindparam("failure_error"),
        summary=bindparam("returned"),
        finished_at=bindparam("finished"),
        duration_us=bindparam("took"),
        dropped_lines=bindparam("dropped"),
        retry_at=bindparam("again_at"),
    ),
    *("_run", "ended", "failure_kind", "failure_error", "returned", "finished", "took", "dropped", "again_at"),
)

# A run that began before the last reset of the counters moves none of them.
_counted = bindparam("run") >= workers.c.counted_from_run
_succeeded = _counted & (bindparam("ended") == "succeeded")
_failed = _counted & (bindparam("ended") == "failed")
_failed_for_good = _failed & bindparam("again_at", type_=BigInteger).is_(None)

_end_worker = Prepared(
    update(workers)
    .where(_this_worker)
    .values(
        status=bindparam("status_now"),
        success_count=workers.c.success_count + case((_succeeded, 1), else_=0),
        failure_count=workers.c.failure_count + case((_failed, 1), else_=0),
        consecutive_failures=case(
            (_succeeded, 0),
            (_failed_for_good, workers.c.consecutive_failures + 1),
            else_=workers.c.consecutive_failures,
        ),
        last_error=func.coalesce(bindparam("failure_error"), workers.c.last_error),
        stored_runs=workers.c.stored_runs + 1,
        last_outcome=bindparam("ended"),
        last_run_at=bindparam("began"),
        next_run_at=bindparam("next_run"),
        covered_until=bindparam("covered"),
        last_duration_us=bindparam("took"),
        running_run_id=bindparam("still_running"),
        host_crashes=0,
        recent=bindparam("recent_now"),
        change=bindparam("changed"),
    ),
    *("_worker", "run", "ended", "failure_error", "took"),
    *("status_now", "recent_now", "again_at", "still_running", "began", "next_run", "covered", "changed"),
)


def run_finished(connection: Connection, change: int, events: Sequence[RunFinished]) -> None:
    """Runs that have an outcome already, or never began, are left alone: nothing of such an event is written."""
    ended = _end_runs(connection, events)
    if not ended:
        return
    _end_worker.execute(
        connection,
        [
            (
                *(event.worker, event.run_id, str(event.result.outcome), _error_of(event.result), event.duration),
                *(str(event.status), event.recent, event.retry_at, event.running_run_id),
                *(event.last_run_at, event.next_run_at, event.covered_until, change),
            )
            for event in ended
        ],
    )
    insert_failures(
        connection,
        [
            (event.run_id, event.worker, event.finished_at, failure)
            for event in ended
            if (failure := _failure_of(event.result)) is not None
        ],
    )
    _save_state.execute(
        connection,
        [(event.worker, event.result.state, event.finished_at) for event in ended if event.result.state is not None],
    )
    _count_activity(connection, [(event.finished_at, str(event.result.outcome)) for event in ended])


FEW = TOGETHER[-1]
"""Runs that end together, below which rows go one by one anyway: then each is asked by its UPDATE whether it was in
flight, rather than all before."""


def _end_runs(connection: Connection, events: Sequence[RunFinished]) -> Sequence[RunFinished]:
    """Writes the ends of runs that are in flight, and returns those."""
    if len(events) < FEW:
        return [event for event in events if _finish_run.applies(connection, _end_of(event))]
    ending = _still_in_flight(connection, events)
    _finish_run.execute(connection, [_end_of(event) for event in ending])
    return ending


def _end_of(event: RunFinished) -> Row:
    result, failure = event.result, _failure_of(event.result)
    return (
        *(event.run_id, str(result.outcome), failure and str(failure.kind), _error_of(result)),
        *(storable_or_none(result.summary, LINE_LIMIT), event.finished_at, event.duration),
        *(event.dropped_lines, event.retry_at),
    )


_in_flight_between = Prepared(
    select(func.json_group_array(runs.c.id)).where(_in_flight, runs.c.id.between(bindparam("low"), bindparam("high"))),
    *("low", "high"),
)
"""One row, however many runs: the driver lets the interpreter's lock go for each."""


def _still_in_flight(connection: Connection, events: Sequence[RunFinished]) -> list[RunFinished]:
    first = {event.run_id: event for event in reversed(events)}
    [found] = _in_flight_between.column(connection, min(first, default=0), max(first, default=0))
    open_ids = set(codec.from_json(found, []))
    return [event for event in events if event.run_id in open_ids and first[event.run_id] is event]


def _failure_of(result: Result) -> Failure | None:
    if result.outcome is Outcome.FAILED and result.failure is None:
        return Failure(FailureKind.ERROR, "failed without saying why", {})
    return result.failure


def _error_of(result: Result) -> str | None:
    failure = _failure_of(result)
    return None if failure is None else storable(failure.error, LINE_LIMIT)


_insert_failure = Prepared(insert(failures), "run_id", "worker", "at", "kind", "error", "capture", "fingerprint")

_insert_state = upsert(worker_state)
_save_state = Prepared(
    _insert_state.on_conflict_do_update(
        index_elements=[worker_state.c.worker],
        set_={"state": _insert_state.excluded.state, "updated_at": _insert_state.excluded.updated_at},
    ),
    *("worker", "state", "updated_at"),
)


def insert_failures(connection: Connection, failed: Sequence[tuple[int, str, Micros, Failure]]) -> None:
    """One row per failure (the run's id, its worker, the moment, and what happened), each counted in its group."""
    if not failed:
        return
    occurrences = [
        Occurrence(
            run_id,
            worker,
            at,
            failure,
            failure.mark or fingerprint(failure.capture, failure.kind, failure.named),
        )
        for run_id, worker, at, failure in failed
    ]
    _insert_failure.execute(
        connection,
        [
            (
                *(each.run_id, each.worker, each.at, str(each.failure.kind), storable(each.failure.error, LINE_LIMIT)),
                codec.pack(each.failure.capture) if each.failure.capture else b"",
                each.mark.digest,
            )
            for each in occurrences
        ],
    )
    count_failures(connection, occurrences)


_set_progress = Prepared(
    update(runs)
    .where(_this_run)
    .values(progress_done=bindparam("done"), progress_total=bindparam("total"), progress_note=bindparam("note")),
    *("_run", "done", "total", "note"),
)
_touch_worker = Prepared(update(workers).where(_this_worker).values(change=bindparam("changed")), "_worker", "changed")


def run_progressed(connection: Connection, change: int, events: Sequence[RunProgressed]) -> None:
    _set_progress.execute(
        connection,
        [
            (
                event.run_id,
                storable_int(event.done),
                None if event.total is None else storable_int(event.total),
                storable(event.note, NAME_LIMIT),
            )
            for event in events
        ],
    )
    _touch_worker.execute(connection, [(event.worker, change) for event in events])


_insert_line = Prepared(insert(log_lines), "run_id", "seq", "at", "stream", "level", "logger", "text")
_drop_lines = delete(log_lines).where(
    log_lines.c.run_id == bindparam("_run"),
    log_lines.c.seq >= bindparam("first"),
    log_lines.c.seq < bindparam("until"),
)
_set_dropped = Prepared(update(runs).where(_this_run).values(dropped_lines=bindparam("dropped")), "_run", "dropped")


def lines_captured(connection: Connection, change: int, events: Sequence[LinesCaptured]) -> None:  # noqa: ARG001
    _insert_line.execute(
        connection,
        [
            (
                *(event.run_id, line.seq, line.at, line.stream),
                storable_or_none(line.level, NAME_LIMIT),
                storable_or_none(line.logger, NAME_LIMIT),
                storable(line.text, LINE_LIMIT),
            )
            for event in events
            for line in event.lines
        ],
    )
    fallen = [
        {"_run": event.run_id, "first": event.drop_from, "until": event.drop_until}
        for event in events
        if event.drop_from < event.drop_until
    ]
    if fallen:
        connection.execute(_drop_lines, fallen)
    _set_dropped.execute(connection, [(event.run_id, event.dropped) for event in events if event.dropped])


_COUNTED = ("started", "succeeded", "failed", "other")
_insert_activity = upsert(activity)
_add_activity = Prepared(
    _insert_activity.on_conflict_do_update(
        index_elements=[activity.c.minute],
        set_={column: activity.c[column] + _insert_activity.excluded[column] for column in _COUNTED},
    ),
    *("minute", *_COUNTED),
)


def _count_activity(connection: Connection, happened: Sequence[tuple[Micros, str]]) -> None:
    """Adds to the minutes: at which moment a run `started`, or ended with which outcome."""
    minutes: dict[Micros, list[int]] = {}
    for moment, what in happened:
        minute = moment - moment % MINUTE
        counts = minutes.get(minute) or minutes.setdefault(minute, [0] * len(_COUNTED))
        counts[_COUNTED.index(what if what in _COUNTED else "other")] += 1
    _add_activity.execute(connection, [(minute, *counts) for minute, counts in minutes.items()])
