"""What is to be hosted, where, and how it goes on without a screen."""

import os
import subprocess
import sys
from argparse import Namespace
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from workerconsole.cli.access import demo_path
from workerconsole.cli.errors import UsageError
from workerconsole.cli.output import say
from workerconsole.cli.targets import targets_or_default
from workerconsole.session import Stage

# Here and not later: once the user's code is loaded their folder comes first on sys.path, perhaps with an `alembic`.
from workerkit.host import DEFAULT_GRACE, Host
from workerkit.loading import load
from workerkit.registry import Registry
from workerkit.store.database import Database, locate

HANDOVER_MARGIN = 30
"""Seconds beyond the grace period that a host left headless waits for the one with the screen to end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Workers, the database that they are hosted on, and the words that host the same again."""

    registry: Registry
    database: Path
    grace: float
    targets: tuple[str, ...]
    words: tuple[str, ...]
    """Of the command line without a screen, but for --db and --grace."""
    allow_eval: bool = False
    """Whether the user who hosts may evaluate expressions in held failures."""

    def host(self, database: Database, mode: str) -> Host:
        """A host for them, not started."""
        return Host(
            database, self.registry, mode=mode, targets=self.targets, grace=self.grace, allow_eval=self.allow_eval
        )

    def stage(self) -> Stage:
        """What a screen needs to host them."""
        return Stage(
            partial(Database.open, self.database),
            partial(self.host, mode="console"),
            self.grace,
            partial(leave_headless, self),
        )


def plan_targets(arguments: Namespace) -> Plan:
    """Loads the targets named, else workers.py of this folder.

    Says on stderr what is broken in them.

    Raises:
        UsageError: there is neither.
        TargetError: a target does not exist.
        DatabaseError: the database named is none.
    """
    targets = targets_or_default(arguments.targets)
    if not targets:
        raise UsageError("there is no workers.py here; give a TARGET, or write an example with `workerconsole init`")
    loaded = load(targets)
    for problem in loaded.problems:
        say(f"{problem.name} is broken and will not run ({problem.source}); `workerconsole check` tells why")
    grace = arguments.grace if arguments.grace is not None else loaded.manager_grace
    return Plan(
        registry=loaded.registry,
        database=locate(arguments.db if arguments.db is not None else loaded.manager_database),
        grace=DEFAULT_GRACE if grace is None else grace,
        targets=tuple(targets),
        words=("serve", *targets, *_eval_word(arguments)),
        allow_eval=arguments.allow_eval,
    )


def plan_demo(arguments: Namespace) -> Plan:
    """The demo's workers, on the demo's own database unless another is named."""
    from workerkit.stock.demo import demo_workers

    database = locate(arguments.db) if arguments.db is not None else demo_path()
    registry = Registry()
    for worker in demo_workers(database):
        registry.register(worker)
    grace = DEFAULT_GRACE if arguments.grace is None else arguments.grace
    return Plan(
        registry,
        database,
        grace,
        targets=("demo",),
        words=("demo", "--headless", *_eval_word(arguments)),
        allow_eval=arguments.allow_eval,
    )


def _eval_word(arguments: Namespace) -> tuple[str, ...]:
    return ("--allow-eval",) if arguments.allow_eval else ()


def leave_headless(plan: Plan) -> str:
    """Starts a process that takes over once this one's host has stopped; says how to find and end it.

    Its narration goes to a file beside the database. It belongs to no terminal, so it outlives this one.
    """
    log = plan.database.with_name(plan.database.name + ".log")
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(log, flags, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter on our own module
            [
                *(sys.executable, "-P", "-m", "workerconsole", *plan.words),
                *(
                    "--db",
                    str(plan.database),
                    "--grace",
                    f"{plan.grace:g}",
                    "--wait",
                    f"{plan.grace + HANDOVER_MARGIN:g}",
                ),
            ],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    # It is nobody's child to wait for: without this, Popen would complain when it is collected.
    process.returncode = 0
    return (
        f"the workers go on without a screen in process {process.pid} (log: {log}); "
        f"`workerconsole attach --db {plan.database}` shows them, `kill {process.pid}` ends them"
    )
