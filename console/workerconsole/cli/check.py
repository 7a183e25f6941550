"""check: loads and validates targets, and runs nothing."""

from argparse import Namespace
from pathlib import Path

from workerconsole.cli import documents
from workerconsole.cli.errors import Exit, UsageError
from workerconsole.cli.output import Column, emit, emit_json, safe, say, table, terminal_width
from workerconsole.cli.targets import targets_or_default
from workerconsole.format import duration
from workerkit.clock import Micros, SystemClock
from workerkit.loading import Problem, load
from workerkit.registration import Registration
from workerkit.schedule import period_of

_COLUMNS = (
    Column("STATE"),
    Column("NAME", flexible=True),
    Column("SCHEDULE", flexible=True),
    Column("ISOLATION", optional=2),
    Column("TIMEOUT", right=True, optional=1),
    Column("SOURCE", flexible=True),
)


def check(arguments: Namespace) -> int:
    """Loads and validates the targets as a host would; 1 when something is broken."""
    targets = targets_or_default(arguments.targets)
    if not targets:
        raise UsageError("there is no workers.py here; give a TARGET, or write an example with `workerconsole init`")
    loaded = load(targets)
    now = SystemClock().now()
    if arguments.json:
        emit_json({"workers": [_document(registration, now) for registration in loaded.registry]})
    else:
        for line in table(_COLUMNS, [_row(registration) for registration in loaded.registry], terminal_width()):
            emit(line)
        for problem in loaded.problems:
            _explain(problem)
    if not loaded.problems:
        return Exit.DONE
    say(f"{len(loaded.problems)} of {len(loaded.registry)} will not run")
    return Exit.FAILED


def _row(registration: Registration) -> list[str]:
    return [
        "ok" if registration.load_error is None else "broken",
        safe(registration.name),
        safe(registration.schedule.describe()),
        registration.isolation,
        duration(registration.timeout),
        safe(_short(registration.source)),
    ]


def _document(registration: Registration, now: Micros) -> documents.Document:
    schedule = registration.schedule
    return {
        "name": registration.name,
        "state": "ok" if registration.load_error is None else "broken",
        "schedule": schedule.describe(),
        "interval_seconds": documents.span(period_of(schedule)),
        "timeout_seconds": documents.span(registration.timeout),
        "isolation": registration.isolation,
        "tags": list(registration.tags),
        "description": registration.description,
        "source": registration.source,
        "next_run_at": documents.moment(schedule.next_slot(registration.name, now)),
        "error": registration.load_error,
    }


def _explain(problem: Problem) -> None:
    emit()
    emit(f"{safe(problem.name)} ({safe(_short(problem.source))}) is broken:")
    emit(safe(problem.text, limit=64 * 1024, newlines=True))


def _short(source: str) -> str:
    """The path as seen from here, where it lies below."""
    here = f"{Path.cwd()}/"
    return source.removeprefix(here)
