"""The host's side of the commands table: reads what operators asked, does it, and writes the answer."""

import contextlib
import logging
import math
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from workerkit import stacks
from workerkit.bell import Bell
from workerkit.clock import Clock
from workerkit.errors import DatabaseError
from workerkit.operator import GROUP_STATES, STORED_WITHOUT_HOST, Verb, who
from workerkit.outcome import StopCause, Trigger
from workerkit.pauses import Pauses
from workerkit.postmortem import HeldFailures
from workerkit.processes import samples
from workerkit.roster import ActiveRun, LiveWorker, Refusal, Roster, Run
from workerkit.runner import Runner
from workerkit.service import Service
from workerkit.store import operations
from workerkit.store.database import Database
from workerkit.store.groups import set_group_state
from workerkit.store.reader import Reader
from workerkit.store.records import CommandRecord
from workerkit.store.writer import Writer

logger = logging.getLogger(__name__)

POLL = 0.1
"""Seconds between two looks at whether another process has rung."""
POLL_BESIDE_SCREEN = 0.5
"""The same where a screen in the same process looks at the database anyway, and says by nudge() what it finds; while
its picture is held still it does not look."""
UNASKED = 1.0
"""Seconds between two looks at the table though nobody has rung."""
SLOW = frozenset({Verb.STACK, Verb.EVALUATE})
"""Verbs that take a second or more, and are done aside: other commands must not wait for them."""


Effect = Callable[[Connection, int], "Answer | None"]
"""Writes what a command changes, in the transaction that answers it; another answer where the database knows better."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: `result` is one sentence for the operator."""

    state: str
    result: str
    run_id: int | None = None
    data: Any = None
    effect: Effect | None = None


def done(result: str, run_id: int | None = None, data: Any = None) -> Answer:
    return Answer("done", result, run_id, data)


def refused(result: str, run_id: int | None = None) -> Answer:
    return Answer("refused", result, run_id)


def written(result: str, write: Callable[[Connection, int], object]) -> Answer:
    """Done, once this has been written along with the answer."""

    def effect(connection: Connection, change: int) -> None:
        write(connection, change)

    return Answer("done", result, effect=effect)


class Verbs:
    """What each verb does to a host's workers: in the roster at once, in the database by the effect of the answer."""

    def __init__(
        self,
        roster: Roster,
        runner: Runner,
        pauses: Pauses,
        clock: Clock,
        held: HeldFailures | None = None,
    ) -> None:
        self._roster = roster
        self._runner = runner
        self._pauses = pauses
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
            case Verb.PAUSE_ALL | Verb.RESUME_ALL:
                return self._pause_or_resume_all(command)
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
                return self._pause(live, command)
            case Verb.RESUME:
                words = self._pauses.resume(live)
                return written(words, lambda connection, change: self._pauses.write(connection, change, [live]))
            case Verb.RUN:
                return self._run(live, command)
            case Verb.CANCEL:
                return self._cancel(live, command)
            case Verb.RESET_COUNTERS:
                return self._reset(live)
            case _:
                return self._stack(live)

    def _pause(self, live: LiveWorker, command: CommandRecord) -> Answer:
        until = command.params.get("until")
        if (wrong := self._pauses.cannot_end(until)) is not None:
            return refused(wrong)
        words = self._pauses.pause(live, command.requested_by, command.reason, until)
        return written(words, lambda connection, change: self._pauses.write(connection, change, [live]))

    def _pause_or_resume_all(self, command: CommandRecord) -> Answer:
        until = command.params.get("until")
        if command.verb == Verb.RESUME_ALL:
            affected, words = self._pauses.resume_all()
        elif (wrong := self._pauses.cannot_end(until)) is not None:
            return refused(wrong)
        else:
            affected, words = self._pauses.pause_all(command.requested_by, command.reason, until)
        return written(words, lambda connection, change: self._pauses.write(connection, change, affected))

    def _run(self, live: LiveWorker, command: CommandRecord) -> Answer:
        """Once the run's start is recorded it answers the command itself; this answer counts where it never is."""
        begun: Run | Refusal | None = None
        if live.retries and not live.runs:
            if command.params:
                run_id = live.retries[0].run.id
                return refused(
                    f"run {run_id} waits for its next attempt, which has its own parameters; cancel it first"
                )
            begun = self._runner.retries.hasten(live, command.id)
        if begun is None:
            begun = self._runner.begin(live, Trigger.MANUAL, self._clock.now(), command.params, command.id)
        if isinstance(begun, Refusal):
            return refused(begun.text, begun.run_id)
        return Answer("failed", f"the start of run {begun.id} could not be recorded, so it did not begin", begun.id)

    def _cancel(self, live: LiveWorker, command: CommandRecord) -> Answer:
        because = f": {command.reason}" if command.reason else ""
        if dropped := self._runner.retries.drop(live):
            text = f"the next attempt of run {dropped[0].id} is given up"
            if not live.runs:
                return done(text, dropped[0].id)
        asked = self._runner.stops.cancel(
            live.name, StopCause.OPERATOR, f"cancelled by {command.requested_by}{because}"
        )
        if command.params.get("force") is True and (forced := self._force(live, asked)) is not None:
            return forced
        if isinstance(asked, Refusal):
            return refused(asked.text, asked.run_id)
        how = {
            "async": "at its next await, which is all that can be done to a task",
            "process": "or is ended in a moment",
        }.get(live.registration.isolation, "when it next looks at its context")
        return done(f"run {asked.id} of {live.name} was asked to stop; it does so {how}", asked.id)

    def _force(self, live: LiveWorker, asked: Run | Refusal) -> Answer | None:
        """Ends what can be ended, once it was asked; None where asking was all that is left to say."""
        if ended := self._runner.stops.force(live):
            runs = ", ".join(str(run.id) for run in ended)
            return done(f"run {runs} of {live.name} was ended by force", ended[0].id)
        if isinstance(asked, Refusal) or live.registration.isolation != "thread":
            return None
        return refused(
            f"run {asked.id} of {live.name} was asked to stop, but a thread can't be ended by force; "
            "with isolation='process' it could",
            asked.id,
        )

    def _reset(self, live: LiveWorker) -> Answer:
        with self._roster.lock:
            live.failing, live.failures_in_row = False, 0
        return written(
            f"the counters of {live.name} begin at zero",
            lambda connection, change: operations.reset_counters(
                connection, change, live.name, self._roster.last_run_id + 1
            ),
        )

    def _set_group_state(self, verb: Verb, command: CommandRecord) -> Answer:
        group, until, state = command.params.get("group"), command.params.get("until"), GROUP_STATES[verb]
        if type(group) is not str or (verb is Verb.SNOOZE and type(until) is not int):
            return refused(f"{verb} needs the group's fingerprint{', and until when' if verb is Verb.SNOOZE else ''}")

        def effect(connection: Connection, _change: int) -> Answer | None:
            known = set_group_state(
                connection,
                group,
                state,
                by=command.requested_by,
                note=command.reason,
                now=self._clock.now(),
                until=until,
            )
            return None if known else refused(f"there is no failure {group!r}")

        return Answer("done", f"failure {group[:8]} is {state}", effect=effect)

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
        if live.registration.isolation == "process":
            return self._stack_of_process(live, active)
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

    def _stack_of_process(self, live: LiveWorker, active: ActiveRun) -> Answer:
        """The child samples itself; one that can't is looked at once."""
        found = self._runner.look_at_process(active)
        if found is None:
            return refused(f"run {active.run.id} has just ended, or its process lets nobody look into it")
        label = f"run {active.run.id} of {live.name}, in a process of its own"
        data = {**found, "taken_at": self._clock.now(), "run_id": active.run.id, "label": label}
        return done(samples.where(found), active.run.id, data)


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
    """Watches the commands table.

    What a command changes in the database is written in the transaction of its answer. A host that is killed before
    has done nothing of it, and the next one finds it pending; a host that is killed afterwards has answered it.
    """

    name = "commands"

    def __init__(self, database: Database, verbs: Verbs, writer: Writer, clock: Clock, poll: float = POLL) -> None:
        super().__init__()
        self._poll = poll
        self._database = database
        self._verbs = verbs
        self._writer = writer
        self._clock = clock
        self._bell = Bell()
        self._aside: set[int] = set()
        self._unwritten: dict[int, Answer] = {}
        """Answers to what was done while the database could not be written. It must not be done again."""

    def nudge(self) -> None:
        """There is a command: look now."""
        self._bell.ring()

    def settle_old(self) -> None:
        """Applies what was asked while no host lived, and refuses what makes no sense any more."""
        with self._database.reader() as reader:
            pending = reader.pending_commands()
        for command in pending:
            if command.verb in STORED_WITHOUT_HOST:
                self._settle(command)
            else:
                self._write(command, refused("no host was alive to do it; ask again"))

    def _main(self, stopping: threading.Event) -> None:
        doorbell, looked_at = self._database.doorbell(), -math.inf
        with self._database.reader() as reader:
            while not stopping.is_set():
                called = self._bell.wait(self._poll) or doorbell.rang()
                now = self._clock.monotonic()
                if not (called or self._unwritten or now - looked_at >= UNASKED):
                    continue
                looked_at = now
                # A database that can't be read or written now is the writer's to report; the commands wait in it.
                with contextlib.suppress(Exception):
                    if reader.changed() or self._unwritten:
                        self._look(reader, stopping)

    def _look(self, reader: Reader, stopping: threading.Event) -> None:
        for command in reader.pending_commands():
            if stopping.is_set():
                return
            if command.verb not in SLOW:
                self._settle(command)
            elif command.id not in self._aside:
                self._aside.add(command.id)
                threading.Thread(target=self._settle_aside, args=(command,), name="slow-command", daemon=True).start()

    def _settle_aside(self, command: CommandRecord) -> None:
        try:
            self._settle(command)
        except DatabaseError:
            logger.warning("the answer to command %d was not recorded", command.id, exc_info=True)
        finally:
            self._aside.discard(command.id)

    def _wake(self) -> None:
        self._bell.ring()

    def _settle(self, command: CommandRecord) -> None:
        """Does what was asked, unless that was done before and could not be written."""
        answer = self._unwritten.pop(command.id, None) or self._verbs.perform(command)
        try:
            self._write(command, answer)
        except DatabaseError:
            self._unwritten[command.id] = answer
            raise
        except Exception as error:
            logger.exception("what command %d (%s) changes could not be written", command.id, command.verb)
            self._write(command, Answer("failed", f"it could not be recorded: {type(error).__name__}: {error}"))

    def _write(self, command: CommandRecord, answer: Answer) -> None:
        def write(connection: Connection, change: int) -> None:
            told = (answer.effect(connection, change) if answer.effect is not None else None) or answer
            operations.finish_command(
                connection,
                command.id,
                state=told.state,
                result=told.result,
                now=self._clock.now(),
                data=told.data,
                run_id=told.run_id,
            )

        self._writer.call(write)
