"""The console itself: on one's own targets, on the demo's workers, or attached to a host that lives elsewhere.

It paints before anything of a host, of the database or of the user's code is imported: all of that happens behind the
first picture, on a thread. Ours is imported first, so that no folder of the user's takes the place of a library.
"""

import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workerconsole.cli.access import demo_path, existing_database
from workerconsole.cli.errors import Exit, UsageError
from workerconsole.cli.output import say, warn_of_eval
from workerconsole.cli.streams import Kept, take_stdin_away
from workerconsole.cli.targets import targets_or_default
from workerconsole.deadline import LAST_MOMENT, Deadline
from workerconsole.session import Stage
from workerconsole.text import clean
from workerkit.store.database import Database, locate
from workerkit.store.lock import is_locked
from workerkit.store.migrate import lock_path
from workerkit.targets import parse_target

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
        return _attach(path, arguments)
    targets = targets_or_default(arguments.targets)
    if not targets:
        return _attach(path, arguments)
    for target in targets:
        parse_target(target)  # a misspelt path is told before there is a screen

    def plan() -> "Plan":
        from workerconsole.cli.hosting import plan_targets

        return plan_targets(arguments)

    return _host(plan, f"Loading {', '.join(targets)} …", arguments)


def demo(arguments: Namespace) -> int:
    """The console on the demo's workers, or the same workers without a screen."""
    if arguments.headless:
        from workerconsole.cli.hosting import plan_demo
        from workerconsole.cli.serving import serve_plan

        return serve_plan(plan_demo(arguments), wait=arguments.wait)
    _need_terminal()
    path = locate(arguments.db) if arguments.db is not None else demo_path()
    if _is_hosted(path):
        return _attach(path, arguments)

    def plan() -> "Plan":
        from workerconsole.cli.hosting import plan_demo

        return plan_demo(arguments)

    return _host(plan, "Loading the demo …", arguments)


def attach(arguments: Namespace) -> int:
    """The screen without a host."""
    _need_terminal()
    path = locate(arguments.db)
    if arguments.db is None and not path.exists() and _is_hosted(demo_path()):
        path = demo_path()
    with existing_database(str(path)) as database:
        found = database.path
    return _attach(found, arguments, read_only=arguments.read_only)


def _attach(path: Path, arguments: Namespace, *, read_only: bool = False) -> int:
    return _show(lambda: Stage(partial(Database.open, path)), arguments, read_only=read_only)


def _host(plan: "Callable[[], Plan]", opening: str, arguments: Namespace) -> int:
    """Shows what the plan hosts. What the user's code says while it is loaded is kept for after the screen."""
    kept = Kept()

    def stage() -> Stage:
        with redirect_stderr(kept):
            return plan().stage()

    take_stdin_away()
    warn_of_eval(arguments.allow_eval)
    try:
        return _show(stage, arguments, opening=opening)
    finally:
        sys.stderr.write(clean(kept.text, len(kept.text), newlines=True))


def _show(
    set_stage: Callable[[], Stage],
    arguments: Namespace,
    *,
    opening: str = "Opening the database …",
    read_only: bool = False,
) -> int:
    """Runs the screen until the operator leaves it, and ends the process if a worker's thread would not let it end."""
    from workerconsole.collector import hold_back

    hold_back()
    from workerconsole.app import ConsoleApp
    from workerconsole.theme import ThemeError

    try:
        app = ConsoleApp(set_stage, opening=opening, read_only=read_only, theme_name=arguments.theme)
    except ThemeError as error:
        raise UsageError(str(error)) from error
    sys.setswitchinterval(SWITCH_INTERVAL)
    ending = app.run()
    if ending.error is not None:
        raise ending.error
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
