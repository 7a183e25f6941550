"""The host's side of the commands table: reads what operators asked, does it, and writes the answer."""

import contextlib
import logging
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from workerkit import stacks
from workerkit.clock import Clock
from workerkit.errors import DatabaseError
from workerkit.operator import GROUP_STATES, STORED_WITHOUT_HOST, Verb, who
from workerkit.outcome import StopCause, Trigger
from workerkit.postmortem import HeldFailures
from workerkit.roster import LiveWorker, Refusal, Roster, Run
from workerkit.runner import Runner
from workerkit.service import Service
from workerkit.store import operations
from workerkit.store.database import Database
from workerkit.store.groups import set_group_state
from workerkit.store.reader import Reader
from workerkit.store.records import CommandRecord
from workerkit.store.writer import Writer

logger = logging.getLogger(__name__)

POLL = 0.05
"""Seconds between two looks at the table for commands of other processes; one look is one pragma."""
SLOW = frozenset({Verb.STACK, Verb.EVALUATE})
"""Verbs that take a second or more, and are done aside: other commands must not wait for them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: `result` is one sentence for the operator."""

    state: str
    result: str
    run_id: int | None = None
    data: Any = None


def done(result: str, run_id: int | None = None, data: Any = None) -> Answer:
    return Answer("done", result, run_id, data)


def refused(result: str, run_id: int | None = None) -> Answer:
    return Answer("refused", result, run_id)


class Verbs:
    """What each verb does to a host's workers. The database shows the effect before the answer."""

    def __init__(
        self, roster: Roster, runner: Runner, writer: Writer, clock: Clock, held: HeldFailures | None = None
    ) -> None:
        self._roster = roster
        self._runner = runner
        self._writer = writer
        self._clock = clock
        self._held = held

    def perform(self, command: CommandRecord) -> Answer:
        """Does what a command asks; a fault of ours becomes a failed command, never the host's end."""
        try:
            return self._perform(command)
        except Exception as error:
            logger.exception("command %d (%s) failed", command.id, command.verb)
            return Answer("failed", f"the host could not do it: {type(error).__name__}: {error}")

    def _perform(self, command: CommandRecord) -> Answer:
        match command.verb:
            case Verb.PAUSE_ALL:
                return self._all(command, paused=True)
            case Verb.RESUME_ALL:
                return self._all(command, paused=False)
            case Verb.ACKNOWLEDGE | Verb.SNOOZE | Verb.RESOLVE | Verb.REOPEN:
                return self._set_group_state(Verb(command.verb), command)
            case Verb.EVALUATE:
                return self._evaluate(command)
            case Verb.PAUSE | Verb.RESUME | Verb.RUN | Verb.CANCEL | Verb.RESET_COUNTERS | Verb.STACK:
                live = self._roster.get(command.worker or "")
                if live is None:
                    return refused(f"this host has no worker {command.worker!r}")
                return self._one(Verb(command.verb), live, command)
            case _:
                return refused(f"{command.verb!r} is no verb of this host; is it of another version?")

    def _one(self, verb: Verb, live: LiveWorker, command: CommandRecord) -> Answer:
        match verb:
            case Verb.PAUSE:
                return self._set_paused(live, command, paused=True)
            case Verb.RESUME:
                return self._set_paused(live, command, paused=False)
            case Verb.RUN:
                return self._run(live, command)
            case Verb.CANCEL:
                return self._cancel(live, command)
            case Verb.RESET_COUNTERS:
                return self._reset(live)
            case _:
                return self._stack(live)

    def _set_paused(self, live: LiveWorker, command: CommandRecord, *, paused: bool) -> Answer:
        if live.paused == paused and (paused or not live.suspended):
            return done(f"{live.name} was {'already' if paused else 'not'} paused")
        self._pause_in_roster(live, command, paused=paused)
        self._writer.call(lambda connection, change: self._write_pause(connection, change, live, command))
        if not paused:
            return done(f"{live.name} goes on")
        running = " after the run in flight" if live.runs else ""
        return done(f"{live.name} is paused{running}")

    def _all(self, command: CommandRecord, *, paused: bool) -> Answer:
        affected = [
            live
            for live in self._roster
            if (live.paused != paused or (live.suspended and not paused)) and live.registration.worker is not None
        ]
        for live in affected:
            self._pause_in_roster(live, command, paused=paused)

        def write(connection: Connection, change: int) -> None:
            for live in affected:
                self._write_pause(connection, change, live, command)

        self._writer.call(write)
        count = f"{len(affected)} worker{'' if len(affected) == 1 else 's'}"
        return done(f"{count} paused" if paused else f"{count} resumed")

    def _pause_in_roster(self, live: LiveWorker, command: CommandRecord, *, paused: bool) -> None:
        with self._roster.lock:
            if paused:
                self._runner.retries.drop(live)
            elif live.suspended:
                live.suspended, live.failures_in_row = "", 0
            live.paused = paused
            live.paused_by = command.requested_by if paused else ""
            live.pause_reason = command.reason if paused else ""

    def _write_pause(self, connection: Connection, change: int, live: LiveWorker, command: CommandRecord) -> None:
        operations.set_paused(
            connection,
            change,
            live.name,
            paused=live.paused,
            by=command.requested_by,
            reason=command.reason,
            now=self._clock.now(),
            status=live.status(),
        )

    def _run(self, live: LiveWorker, command: CommandRecord) -> Answer:
        if live.retries and not live.runs:
            if command.params:
                run_id = live.retries[0].run.id
                return refused(
                    f"run {run_id} waits for its next attempt, which has its own parameters; cancel it first"
                )
            hastened = self._runner.retries.hasten(live)
            if isinstance(hastened, Run):
                return done(f"attempt {hastened.attempt} of {live.name} begins now, as run {hastened.id}", hastened.id)
        answer = self._runner.begin(live, Trigger.MANUAL, self._clock.now(), command.params)
        if isinstance(answer, Refusal):
            return refused(answer.text, answer.run_id)
        return done(f"run {answer.id} of {live.name} begins", answer.id)

    def _cancel(self, live: LiveWorker, command: CommandRecord) -> Answer:
        because = f": {command.reason}" if command.reason else ""
        if dropped := self._runner.retries.drop(live):
            text = f"the next attempt of run {dropped[0].id} is given up"
            if not live.runs:
                return done(text, dropped[0].id)
        answer = self._runner.cancel(live.name, StopCause.OPERATOR, f"cancelled by {command.requested_by}{because}")
        if isinstance(answer, Refusal):
            return refused(answer.text, answer.run_id)
        how = "at its next await" if live.registration.isolation == "async" else "when it next looks at its context"
        return done(f"run {answer.id} of {live.name} was asked to stop; it does so {how}", answer.id)

    def _reset(self, live: LiveWorker) -> Answer:
        with self._roster.lock:
            live.failing, live.failures_in_row = False, 0
        self._writer.call(
            lambda connection, change: operations.reset_counters(
                connection, change, live.name, self._roster.last_run_id + 1
            )
        )
        return done(f"the counters of {live.name} begin at zero")

    def _set_group_state(self, verb: Verb, command: CommandRecord) -> Answer:
        group, until, state = command.params.get("group"), command.params.get("until"), GROUP_STATES[verb]
        if type(group) is not str or (verb is Verb.SNOOZE and type(until) is not int):
            return refused(f"{verb} needs the group's fingerprint{', and until when' if verb is Verb.SNOOZE else ''}")
        known = self._writer.call(
            lambda connection, _change: set_group_state(
                connection,
                group,
                state,
                by=command.requested_by,
                note=command.reason,
                now=self._clock.now(),
                until=until,
            )
        )
        return done(f"failure {group[:8]} is {state}") if known else refused(f"there is no failure {group!r}")

    def _evaluate(self, command: CommandRecord) -> Answer:
        if self._held is None:
            return refused("this host evaluates nothing; start it with --allow-eval")
        if command.requested_by != who():
            return refused("only the user who started this host may evaluate in it")
        wanted = [command.params.get(name) for name in ("run_id", "exception", "frame", "expression")]
        match wanted:
            case [int(run_id), int(exception), int(frame), str(expression)]:
                try:
                    answer = self._held.evaluate(run_id, exception, frame, expression)
                except LookupError as error:
                    return refused(str(error.args[0]))
                return done(answer.get("error") or "evaluated", run_id, answer)
            case _:
                return refused("evaluate needs run_id, exception, frame and expression")

    def _stack(self, live: LiveWorker) -> Answer:
        """Samples where the run stands; takes about a second."""
        active = next(iter(live.runs), None)
        if active is None:
            return refused(f"{live.name} is not running")
        stands = stacks.sample(lambda: self._runner.look_at(active))
        if not stands:
            return refused(f"run {active.run.id} has just ended")
        label = f"run {active.run.id} of {live.name}, a {'task' if active.task is not None else 'thread'}"
        data = {
            "taken_at": self._clock.now(),
            "run_id": active.run.id,
            "samples": len(stands),
            "tree": stacks.tree(stands, active.redactor),
            **stacks.describe(label, stands[-1], active.redactor),
        }
        return done(_where(stands), active.run.id, data)


def _where(stands: list[stacks.Stand]) -> str:
    """Where most of the samples were, in one sentence."""
    places = Counter(
        (stand.positions[-1].code.co_qualname, stand.positions[-1].code.co_filename, stand.positions[-1].line)
        for stand in stands
        if stand.positions
    )
    if not places:
        return stands[-1].note or "nothing can be seen of it"
    (function, file, line), count = places.most_common(1)[0]
    return f"{count} of {len(stands)} samples in {function}, {Path(file).name}:{line}"


class Inbox(Service):
    """Watches the commands table."""

    name = "commands"

    def __init__(self, database: Database, verbs: Verbs, writer: Writer, clock: Clock) -> None:
        super().__init__()
        self._database = database
        self._verbs = verbs
        self._writer = writer
        self._clock = clock
        self._nudged = threading.Event()
        self._aside: set[int] = set()

    def nudge(self) -> None:
        """There is a command: look now."""
        self._nudged.set()

    def settle_old(self) -> None:
        """Applies what was asked while no host lived, and refuses what makes no sense any more."""
        with self._database.reader() as reader:
            pending = reader.pending_commands()
        for command in pending:
            if command.verb in STORED_WITHOUT_HOST:
                self._answer(command, self._verbs.perform(command))
            else:
                self._answer(command, refused("no host was alive when it was asked; ask again"))

    def _main(self, stopping: threading.Event) -> None:
        with self._database.reader() as reader:
            while not stopping.is_set():
                if self._nudged.wait(POLL):
                    self._nudged.clear()
                # A database that can't be read now is the writer's to report; the commands wait in it.
                with contextlib.suppress(Exception):
                    if reader.changed():
                        self._look(reader, stopping)

    def _look(self, reader: Reader, stopping: threading.Event) -> None:
        for command in reader.pending_commands():
            if stopping.is_set():
                return
            if command.verb not in SLOW:
                self._answer(command, self._verbs.perform(command))
            elif command.id not in self._aside:
                self._aside.add(command.id)
                threading.Thread(target=self._answer_aside, args=(command,), name="slow-command", daemon=True).start()

    def _answer_aside(self, command: CommandRecord) -> None:
        try:
            self._answer(command, self._verbs.perform(command))
        except DatabaseError:
            logger.warning("the answer to command %d was not recorded", command.id, exc_info=True)
        finally:
            self._aside.discard(command.id)

    def _wake(self) -> None:
        self._nudged.set()

    def _answer(self, command: CommandRecord, answer: Answer) -> None:
        self._writer.call(
            lambda connection, _change: operations.finish_command(
                connection,
                command.id,
                state=answer.state,
                result=answer.result,
                now=self._clock.now(),
                data=answer.data,
                run_id=answer.run_id,
            )
        )
