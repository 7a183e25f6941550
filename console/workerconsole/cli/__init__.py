"""The command line. `run` is all that others call; each command group is a module, imported when it is needed."""

import os
import sys
from importlib import import_module
from io import TextIOWrapper

from workerconsole.cli.errors import CommandError, Exit
from workerconsole.cli.parser import COMMANDS, parse

DEBUG_VARIABLE = "WORKERCONSOLE_DEBUG"
"""Set to anything, it lets an error of ours show its traceback."""


def run(argv: list[str]) -> int:
    """Runs one command line and returns its exit code; see `Exit`. Never raises for what the operator did."""
    try:
        command, arguments = parse(argv)
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else Exit.USAGE
    _survive_any_encoding()
    try:
        module = import_module(f"workerconsole.cli.{COMMANDS[command].module}")
        code: int = getattr(module, COMMANDS[command].function)(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _abandon_stdout()
        return Exit.DONE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return _tell(error)


def _tell(error: Exception) -> int:
    """The error as one sentence on stderr, and the exit code that belongs to it."""
    from workerconsole.cli.output import say
    from workerkit.errors import TargetError, WorkerkitError

    if isinstance(error, CommandError):
        say(str(error))
        return error.code
    if isinstance(error, WorkerkitError):
        say(str(error))
        return Exit.NOT_FOUND if isinstance(error, TargetError) else Exit.FAILED
    say(f"this should not have happened: {type(error).__name__}: {error}")
    say(f"set {DEBUG_VARIABLE}=1 to see where, and please report it")
    return Exit.FAILED


def _survive_any_encoding() -> None:
    """What stdout's encoding lacks becomes a question mark; a worker's text must not end the command."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _abandon_stdout() -> None:
    """Whoever read our output has gone; without this the interpreter would complain when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
