"""What the command line takes: the table of commands, and one argparse parser for each.

Not argparse's subparsers: a first word that is no command is a TARGET, and `--db` may stand on either side of the word.
Nothing heavy is imported here, so `--help` and `--version` answer at once.
"""

import argparse
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from workerconsole.cli import takes
from workerconsole.cli.values import PROGRAM
from workerkit.version import __version__

_VALUED = frozenset({"--db", "--grace", "--theme"})
"""Options with a value that may stand before the command word."""

Add = Callable[[argparse.ArgumentParser], None]


@dataclass(frozen=True, slots=True)
class Command:
    """One command word: where its code is, and what it takes."""

    module: str
    function: str
    help: str
    add: Add
    usage: str = ""


def parse(argv: list[str]) -> tuple[str, argparse.Namespace]:
    """The command word (`open` where there is none) and its arguments.

    Raises:
        SystemExit: after --help, --version, or words that make no sense (code 2).
    """
    position = _command_word(argv)
    if position is None:
        arguments = _parser("open").parse_intermixed_args(argv)
        _refuse_misspelt(arguments.targets)
        return "open", arguments
    word = argv[position]
    arguments = _parser(word).parse_intermixed_args(argv[:position] + argv[position + 1 :])
    _check(word, arguments)
    return word, arguments


def _command_word(argv: list[str]) -> int | None:
    position = 0
    while position < len(argv):
        word = argv[position]
        if not word.startswith("-"):
            return position if word in COMMANDS and word != "open" else None
        if word == "--":
            return None
        position += 2 if word in _VALUED else 1
    return None


def _refuse_misspelt(targets: list[str]) -> None:
    """A first word that is nearly a command and names no path and no module was meant as the command."""
    if not targets or not re.fullmatch(r"[a-z-]+", targets[0]) or Path(targets[0]).exists():
        return
    near = get_close_matches(targets[0], COMMANDS.keys() - {"open"}, n=1, cutoff=0.7)
    if near and importlib.util.find_spec(targets[0]) is None:
        _usage_error(f"there is no command {targets[0]!r}; did you mean `{PROGRAM} {near[0]}`?")


def _check(word: str, arguments: argparse.Namespace) -> None:
    names, everyone = getattr(arguments, "names", None), getattr(arguments, "all", False)
    if names is not None and bool(names) == everyone and word in ("pause", "resume"):
        _usage_error(f"name the workers to {word}, or give --all; not both")
    if word == "pause" and arguments.until is not None and arguments.span is not None:
        _usage_error("give --for or --until, not both")


def _usage_error(text: str) -> NoReturn:
    print(f"{PROGRAM}: {text}", file=sys.stderr)  # noqa: T201 -- narration before anything else is imported
    raise SystemExit(2)


class _Parser(argparse.ArgumentParser):
    def __init__(self, word: str, command: Command) -> None:
        super().__init__(
            prog=PROGRAM if word == "open" else f"{PROGRAM} {word}",
            description=command.help,
            usage=command.usage or None,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )


def _parser(word: str) -> argparse.ArgumentParser:
    command = COMMANDS[word]
    parser = _Parser(word, command)
    if word == "open":
        parser.description = _OVERVIEW
        parser.epilog = _command_list()
        parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    command.add(parser)
    parser.add_argument(
        "--db",
        metavar="PATH",
        help="the database: a path or a sqlite:/// URL (default: one per project, see below)"
        if word == "open"
        else "the database: a path or a sqlite:/// URL (default: one per project)",
    )
    return parser


_OVERVIEW = """An operations console for background workers.

Opens the console and hosts the workers of the targets; attaches when a host lives on the database already.
A TARGET is a Python file, a folder or a dotted module, each with an optional `:name` of a manager or worker in it.
Without one, workers.py in the current folder is taken."""


def _command_list() -> str:
    lines = [f"  {word:<15} {command.help}" for word, command in COMMANDS.items() if word != "open"]
    return "\n".join(
        [
            "commands:",
            *lines,
            "",
            f"`{PROGRAM} COMMAND --help` tells more. A folder named like a command is written with a slash: workers/",
            "The default database is a file of the project's in your user data folder; WORKERCONSOLE_DB names another.",
            "Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 what was named does not exist, 4 no host is live.",
        ]
    )


_USAGE = f"{PROGRAM} [TARGET ...] [options]\n       {PROGRAM} COMMAND ..."

COMMANDS: dict[str, Command] = {
    "open": Command("screen", "open_console", "open the console", takes.open_console, _USAGE),
    "demo": Command("screen", "demo", "the console on workers that watch this machine, one of which fails", takes.demo),
    "serve": Command("serving", "serve", "host the workers without a screen", takes.serve),
    "attach": Command("screen", "attach", "the screen on a host that lives elsewhere", takes.attach),
    "check": Command("check", "check", "load and validate targets, run nothing", takes.check),
    "init": Command("init", "init", "write a commented example", takes.init),
    "status": Command("reading", "status", "the host, and how many workers are in which state", takes.as_json),
    "workers": Command("reading", "workers", "every worker with its state and counters", takes.as_json),
    "runs": Command("reading", "runs", "the latest runs", takes.runs),
    "failures": Command("groups", "failures", "failures by fault, the most urgent first", takes.failures),
    "show": Command("show", "show", "one run, worker or failure, and what is known of it", takes.show),
    "logs": Command("logs", "logs", "what a worker or a run logged and printed", takes.logs),
    "stack": Command("stack", "stack", "where a running worker stands, sampled for a second", takes.stack),
    "why": Command("reasons", "why", "why a worker runs, or does not, and what is next", takes.why),
    "gaps": Command("reasons", "gaps", "slots that got no run, and why", takes.gaps),
    "commands": Command("reasons", "commands", "what operators asked for, and what became of it", takes.audit),
    "pause": Command("verbs", "pause", "let workers start no more runs, for a while or until resumed", takes.pause),
    "resume": Command("verbs", "resume", "let paused and suspended workers run again", takes.resume),
    "run": Command("verbs", "run_now", "run a worker now", takes.run_now),
    "cancel": Command("verbs", "cancel", "ask the runs in flight to stop, and give up attempts to come", takes.cancel),
    "acknowledge": Command("triage", "acknowledge", "say that a failure is known", takes.marked),
    "snooze": Command("triage", "snooze", "let a failure rest for a while", takes.snooze),
    "resolve": Command("triage", "resolve", "say that a failure is mended; marked when it comes back", takes.marked),
    "reopen": Command("triage", "reopen", "let a failure be open again", takes.marked),
    "reset-counters": Command("verbs", "reset_counters", "let a worker's counters begin at zero", takes.reset_counters),
}  # fmt: skip
