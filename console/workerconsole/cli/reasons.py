"""why, gaps, commands: why slots did or did not run, and what operators had to do with it."""

import textwrap
from argparse import Namespace
from collections.abc import Iterator

from workerconsole import format as fmt
from workerconsole.cli import documents
from workerconsole.cli.access import known_worker, reading
from workerconsole.cli.errors import Exit
from workerconsole.cli.output import Column, emit, emit_json, paint, safe, table, terminal_width
from workerconsole.verdicts import Evidence, Verdict, verdicts, when
from workerconsole.why import Topic, statements
from workerkit.clock import Micros, SystemClock, to_iso
from workerkit.store.records import CommandRecord, GapRecord

RUNS, GAPS = 200, 100
"""Latest ones that are looked at."""
LABEL = 10
LEAST_WIDTH, PIPE_WIDTH = 40, 100
_MEANINGS = {"bad": "failed", "warning": "paused", "busy": "running", "good": "", "calm": ""}
"""The word in whose colour a statement is drawn."""


def why(arguments: Namespace) -> int:
    """What a worker does, how it last ended, why slots did not run, when it is due, and what could stop it."""
    with reading(arguments.db) as (database, reader):
        worker = known_worker(reader, arguments.worker)
        evidence = Evidence(
            worker,
            tuple(reader.runs(worker=worker.name, limit=max(RUNS, arguments.slots))),
            tuple(reader.gaps(worker.name, limit=max(GAPS, arguments.slots))),
            reader.host(),
            database.host_is_live(),
        )
    now = SystemClock().now()
    said, slots = statements(evidence, now), verdicts(evidence, now, arguments.slots)
    if arguments.json:
        emit_json(
            {
                "worker": worker.name,
                "status": worker.status,
                "at": to_iso(now),
                "statements": [documents.statement(each) for each in said],
                "slots": [documents.verdict(each) for each in slots],
            }
        )
        return Exit.DONE
    emit(f"{safe(worker.name)}  {paint(worker.status, worker.status)}  {safe(worker.schedule)}")
    width = max(LEAST_WIDTH, terminal_width() or PIPE_WIDTH)
    topic: Topic | None = None
    for each in said:
        label = "" if each.topic is topic else each.topic.value
        topic = each.topic
        lines = textwrap.wrap(safe(each.text), width - LABEL - 1) or [""]
        for number, line in enumerate(lines):
            emit(f"{label if number == 0 else '':<{LABEL}} {paint(line, _MEANINGS[each.tone])}")
    if slots:
        emit()
        for line in table(_SLOT_COLUMNS, [_slot_row(slot, now) for slot in slots], terminal_width()):
            emit(line)
    return Exit.DONE


def gaps(arguments: Namespace) -> int:
    """Slots that got no run, the latest first."""
    now = SystemClock().now()
    with reading(arguments.db) as (_, reader):
        if arguments.worker is not None:
            known_worker(reader, arguments.worker)
        since = None if arguments.since is None else now - arguments.since
        found = reader.gaps(arguments.worker, arguments.limit, since=since, reason=arguments.reason)
    if arguments.json:
        emit_json({"gaps": [documents.gap(gap) for gap in found]})
        return Exit.DONE
    for line in table(_GAP_COLUMNS, [_gap_row(gap, now) for gap in found], terminal_width()):
        emit(line)
    return Exit.DONE


def commands(arguments: Namespace) -> int:
    """Who asked for what, why, and what became of it; the latest first."""
    with reading(arguments.db) as (_, reader):
        if arguments.worker is not None:
            known_worker(reader, arguments.worker)
        found = reader.commands(arguments.worker, arguments.limit)
    if arguments.json:
        emit_json({"commands": [documents.asked(command) for command in found]})
        return Exit.DONE
    now = SystemClock().now()
    for line in table(_COMMAND_COLUMNS, [_command_row(command, now) for command in found], terminal_width()):
        emit(line)
    return Exit.DONE


_SLOT_COLUMNS = (
    Column("SLOT"),
    Column("COUNT", right=True, optional=1),
    Column("VERDICT"),
    Column("OUTCOME", optional=2),
    Column("DETAIL", flexible=True),
)
_GAP_COLUMNS = (
    Column("WORKER", flexible=True),
    Column("REASON"),
    Column("FROM", optional=1),
    Column("TO"),
    Column("SLOTS", right=True),
    Column("DETAIL", flexible=True),
)
_COMMAND_COLUMNS = (
    Column("WHEN"),
    Column("BY", flexible=True, optional=2),
    Column("VERB"),
    Column("WORKER", flexible=True),
    Column("STATE"),
    Column("REASON", flexible=True, optional=1),
    Column("RESULT", flexible=True),
)


def _slot_row(slot: Verdict, now: Micros) -> list[str]:
    outcome = (slot.outcome or "running") if slot.ran else ""
    return [when(slot, now), f"{slot.count:,}", slot.verdict, outcome, safe(slot.text)]


def _gap_row(gap: GapRecord, now: Micros) -> list[str]:
    detail = safe(gap.detail) or (f"run {gap.run_id}" if gap.run_id is not None else "")
    first, last = fmt.clock_time(gap.first_due_at, now), fmt.clock_time(gap.last_due_at, now)
    return [safe(gap.worker), safe(gap.reason), first, last, f"{gap.count:,}", fmt.localised(detail, now)]


def _command_row(command: CommandRecord, now: Micros) -> list[str]:
    return [
        fmt.clock_time(command.requested_at, now),
        safe(command.requested_by),
        safe(" ".join(_verb(command, now))),
        safe(command.worker or ""),
        safe(command.state),
        fmt.localised(safe(command.reason), now),
        fmt.localised(safe(command.result or ""), now),
    ]


def _verb(command: CommandRecord, now: Micros) -> Iterator[str]:
    yield command.verb
    if type(until := command.params.get("until")) is int:
        yield f"until {fmt.when(until, now)}"
    if command.params.get("force") is True:
        yield "by force"
