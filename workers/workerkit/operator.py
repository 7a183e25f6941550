"""How people act on workers: each act is a row in `commands` that the host answers. CLI, screen and library alike."""

import getpass
import os
import socket
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from workerkit.clock import Clock, SystemClock
from workerkit.store.database import Database
from workerkit.store.groups import GroupState
from workerkit.store.operations import submit_command
from workerkit.store.records import CommandRecord

ANSWER_POLL = 0.02
"""Seconds between two looks for the answer to a command."""


class Verb(StrEnum):
    """What an operator can ask of a host."""

    PAUSE = "pause"
    """params: `until`, a moment in microseconds at which the worker resumes by itself. A paused one is paused anew."""
    RESUME = "resume"
    RUN = "run"
    """params: what the run finds in ctx.params."""
    CANCEL = "cancel"
    """params: `force`, true to end a run that has a process of its own at once."""
    PAUSE_ALL = "pause-all"
    """As `pause`; no pause becomes shorter by it."""
    RESUME_ALL = "resume-all"
    RESET_COUNTERS = "reset-counters"
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    """The last four give a group of failures a state; params: `group`, its fingerprint, and for a snooze `until`, a
    moment in microseconds."""
    STACK = "stack"
    """Where the worker's run stands now; the answer is in the command's data."""
    EVALUATE = "evaluate"
    """The value of an expression in a frame of a held failure; params: `run_id`, `exception`, `frame`, `expression`."""


GROUP_STATES = {
    Verb.ACKNOWLEDGE: GroupState.ACKNOWLEDGED,
    Verb.SNOOZE: GroupState.SNOOZED,
    Verb.RESOLVE: GroupState.RESOLVED,
    Verb.REOPEN: GroupState.OPEN,
}
"""The state that each of these verbs gives."""

STORED_WITHOUT_HOST = frozenset(
    {Verb.PAUSE, Verb.RESUME, Verb.PAUSE_ALL, Verb.RESUME_ALL, Verb.RESET_COUNTERS, *GROUP_STATES}
)
"""Verbs that make sense while no host lives; the next one applies them before it schedules anything."""


class Operator:
    """One person's, or program's, hand on a database.

    `nudge` tells a host in the same process to look at once; a host elsewhere sees the row within a tenth of a second.
    """

    def __init__(
        self,
        database: Database,
        by: str | None = None,
        nudge: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._by = by or who()
        self._nudge = nudge
        self._clock = clock or SystemClock()

    def submit(
        self, verb: str, worker: str | None = None, *, params: Mapping[str, Any] | None = None, reason: str = ""
    ) -> int:
        """Writes the command and returns its id. The database shows it as pending until a host answers."""
        with self._database.transaction() as connection:
            number = submit_command(
                connection,
                verb=str(verb),
                worker=worker,
                params=dict(params or {}),
                reason=reason,
                by=self._by,
                now=self._clock.now(),
            )
        self._database.doorbell().ring()
        self._nudge()
        return number

    def wait(self, command_id: int, timeout: float = 5.0) -> CommandRecord:
        """The command as answered, or as it stands after `timeout` seconds (then still pending).

        Raises:
            LookupError: there is no such command.
        """
        end = time.monotonic() + timeout
        with self._database.reader() as reader:
            while True:
                command = reader.command(command_id)
                if command is None:
                    raise LookupError(f"there is no command {command_id}")
                if command.state != "pending" or time.monotonic() > end:
                    return command
                time.sleep(ANSWER_POLL)


def who() -> str:
    """user@host of this process, for the record of who did what."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()}"
