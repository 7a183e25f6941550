"""How a command ends other than well: one sentence and an exit code."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes; they are part of the command line's contract."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    """The worker, run, target or database named does not exist."""
    NO_HOST = 4
    """No host is live on the database."""
    INTERRUPTED = 130
    """Ctrl+C, as shells number it."""


class CommandError(Exception):
    """Ends the command with a sentence for the operator, remedy included."""

    code = Exit.FAILED


class UsageError(CommandError):
    code = Exit.USAGE


class NotFoundError(CommandError):
    code = Exit.NOT_FOUND


class NoHostError(CommandError):
    code = Exit.NO_HOST
