"""pause, resume, run, cancel, reset-counters: what operators ask of a host."""

import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from workerconsole.cli import documents
from workerconsole.cli.access import HOW_TO_START, existing_database, known_worker
from workerconsole.cli.errors import Exit, NoHostError
from workerconsole.cli.output import emit, emit_json, safe, say
from workerconsole.format import duration, localised
from workerkit.clock import SystemClock
from workerkit.operator import STORED_WITHOUT_HOST, Operator, Verb
from workerkit.store.database import Database, locate
from workerkit.store.reader import Reader
from workerkit.store.records import CommandRecord, RunRecord

ANSWER_PATIENCE = 5.0
"""Seconds that a live host may take to answer; it looks twenty times a second."""
RUN_POLL = 0.1
"""Seconds between two looks whether a run has ended."""


def pause(arguments: Namespace) -> int:
    """Stored also while no host lives; the next one keeps to it, unless the end that was set is past by then."""
    until = arguments.span if arguments.until is None else arguments.until
    params = None if until is None else {"until": until}
    return _ask(arguments, Verb.PAUSE_ALL if arguments.all else Verb.PAUSE, arguments.names, params)


def resume(arguments: Namespace) -> int:
    """Stored also while no host lives; the next one keeps to it."""
    return _ask(arguments, Verb.RESUME_ALL if arguments.all else Verb.RESUME, arguments.names)


def cancel(arguments: Namespace) -> int:
    """Asks the runs in flight to stop; they do so when they next look at their context. By force: at once."""
    return _ask(arguments, Verb.CANCEL, arguments.names, {"force": True} if arguments.force else None)


def reset_counters(arguments: Namespace) -> int:
    """Counts from zero; the history stays."""
    return _ask(arguments, Verb.RESET_COUNTERS, arguments.names)


def run_now(arguments: Namespace) -> int:
    """One run outside the schedule; with --wait until it ended."""
    params = {**arguments.params, **dict(arguments.param)}
    return _ask(arguments, Verb.RUN, [arguments.name], params)


@dataclass(frozen=True, slots=True)
class Request:
    """What one command is about: a worker, and what is told with it."""

    worker: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)


def _ask(arguments: Namespace, verb: Verb, names: Sequence[str], params: Mapping[str, object] | None = None) -> int:
    def requests(reader: Reader) -> list[Request]:
        known = [known_worker(reader, name).name for name in dict.fromkeys(names)]
        return [Request(name, params or {}) for name in known] or [Request(params=params or {})]

    return ask(arguments, verb, requests)


def ask(arguments: Namespace, verb: Verb, requests: Callable[[Reader], Sequence[Request]]) -> int:
    """Asks the host, and says what it answered. `requests` finds what is meant before anything is written.

    Raises:
        NoHostError: there is no database of the project's, so there was never a host.
        NotFoundError: something that was named does not exist.
    """
    if arguments.db is None and not locate(None).exists():
        raise NoHostError(f"no host is live, nor ever was on {locate(None)}; {HOW_TO_START}")
    with existing_database(arguments.db) as database:
        with database.reader() as reader:
            wanted = requests(reader)
        live = database.host_is_live()
        commands: list[CommandRecord] = []
        if live or verb in STORED_WITHOUT_HOST:
            operator = Operator(database)
            ids = [operator.submit(verb, each.worker, params=each.params, reason=arguments.reason) for each in wanted]
            commands = [operator.wait(number, ANSWER_PATIENCE if live else 0.0) for number in ids]
        if not live:
            return _without_host(commands, verb, as_json=arguments.json)
        if getattr(arguments, "wait", False) and commands[0].state == "done":
            return _outcome(database, commands[0], as_json=arguments.json)
        return _report(commands, as_json=arguments.json)


def _without_host(commands: list[CommandRecord], verb: Verb, *, as_json: bool) -> int:
    if as_json:
        emit_json({"commands": [documents.command(command) for command in commands]})
    if commands:
        say(f"no host is live; {verb} is stored, and the next host applies it before it schedules anything")
    else:
        say(f"no host is live, so nothing was asked to {verb}")
    say(HOW_TO_START)
    return Exit.NO_HOST


def _report(commands: list[CommandRecord], *, as_json: bool) -> int:
    if as_json:
        emit_json({"commands": [documents.command(command) for command in commands]})
    now = SystemClock().now()
    for command in commands:
        result = localised(safe(command.result), now)
        if command.state == "pending":
            say(f"the host has not answered within {ANSWER_PATIENCE:g} s; command {command.id} is still in its queue")
        elif command.state != "done":
            say(f"{command.state}: {result}")
        elif not as_json:
            emit(result)
    return Exit.DONE if all(command.state == "done" for command in commands) else Exit.FAILED


def _outcome(database: Database, command: CommandRecord, *, as_json: bool) -> int:
    run = _finished(database, command)
    if as_json:
        emit_json({"commands": [documents.command(command)], "run": None if run is None else documents.run(run)})
    if run is None:
        raise NoHostError(f"the host went away before run {command.run_id} ended; {HOW_TO_START}")
    if not as_json:
        detail = run.error or run.summary
        took = f" after {duration(run.duration)}" if run.duration is not None else ""
        emit(f"run {run.id} of {safe(run.worker)} {run.outcome}{took}{f': {safe(detail)}' if detail else ''}")
    return Exit.DONE if run.outcome == "succeeded" else Exit.FAILED


def _finished(database: Database, command: CommandRecord) -> RunRecord | None:
    """The run once it has an outcome; None when the host died first."""
    if command.run_id is None:
        return None
    with database.reader() as reader:
        while True:
            live = database.host_is_live()
            run = reader.run(command.run_id)
            if run is not None and run.outcome is not None:
                return run
            if not live:
                return None
            time.sleep(RUN_POLL)
