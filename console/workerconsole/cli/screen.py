"""The console itself: on one's own targets, on the demo's workers, or attached to a host that lives elsewhere.

Who hosts is imported only to host: one that attaches paints before SQLAlchemy and APScheduler are there.
"""

import sys
from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workerconsole.cli.access import demo_path, existing_database
from workerconsole.cli.errors import Exit, UsageError
from workerconsole.cli.output import say
from workerconsole.deadline import LAST_MOMENT, Deadline
from workerkit.store.database import Database, locate
from workerkit.store.lock import is_locked
from workerkit.store.migrate import lock_path

if TYPE_CHECKING:
    from workerconsole.cli.hosting import Plan

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread that computes lets another one on. A key waits for that several times: by Python's own
5 ms each, it would take 50 ms to show while workers are busy."""


def open_console(arguments: Namespace) -> int:
    """Hosts the targets with a screen; attaches where a host lives already, without loading them again."""
    _need_terminal()
    path = locate(arguments.db)
    if _is_hosted(path):
        say(f"a host lives on {path} already; attached to it")
        return _show(path, None, arguments)
    from workerconsole.cli.hosting import plan_targets

    plan = plan_targets(arguments)
    return _show(path if plan is None else plan.database, plan, arguments)


def demo(arguments: Namespace) -> int:
    """The console on the demo's workers, or the same workers without a screen."""
    from workerconsole.cli.hosting import plan_demo

    if arguments.headless:
        from workerconsole.cli.serving import serve_plan

        return serve_plan(plan_demo(arguments), wait=arguments.wait)
    _need_terminal()
    plan = plan_demo(arguments)
    return _show(plan.database, None if _is_hosted(plan.database) else plan, arguments)


def attach(arguments: Namespace) -> int:
    """The screen without a host."""
    _need_terminal()
    path = locate(arguments.db)
    if arguments.db is None and not path.exists() and _is_hosted(demo_path()):
        path = demo_path()
    with existing_database(str(path)) as database:
        found = database.path
    return _show(found, None, arguments, read_only=arguments.read_only)


def _show(path: Path, plan: "Plan | None", arguments: Namespace, *, read_only: bool = False) -> int:
    """Runs the screen until the operator leaves it, and ends the process if a worker's thread would not let it end."""
    from workerconsole.collector import hold_back

    hold_back()
    from workerconsole.app import ConsoleApp
    from workerconsole.theme import ThemeError

    make_app = partial(ConsoleApp, partial(Database.open, path), read_only=read_only, theme_name=arguments.theme)
    if plan is not None:
        from workerconsole.cli.hosting import leave_headless

        plan.warn()
        make_app = partial(
            make_app,
            host_factory=partial(plan.host, mode="console"),
            targets=plan.targets,
            leave_headless=partial(leave_headless, plan),
            grace=plan.grace,
        )
    try:
        app = make_app()
    except ThemeError as error:
        raise UsageError(str(error)) from error
    sys.setswitchinterval(SWITCH_INTERVAL)
    ending = app.run()
    if ending.message:
        say(ending.message)
    code = Exit.FAILED if ending.end == "crashed" else Exit.DONE
    Deadline().set(0 if ending.leftover_threads else LAST_MOMENT, code)
    return code


def _is_hosted(path: Path) -> bool:
    return is_locked(lock_path(path))


def _need_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the console needs a terminal; without one, `workerconsole serve` hosts the same workers")
