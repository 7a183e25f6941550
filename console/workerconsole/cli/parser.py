"""What the command line takes: the table of commands, and one argparse parser for each.

Not argparse's subparsers: a first word that is no command is a TARGET, and `--db` may stand on either side of the word.
Nothing heavy is imported here, so `--help` and `--version` answer at once.
"""

import argparse
import contextlib
import importlib.util
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from workerkit.clock import DAY, HOUR
from workerkit.version import __version__

PROGRAM = "workerconsole"
GROUP_STATES = ("open", "acknowledged", "snoozed", "resolved", "all")
OUTCOMES = ("succeeded", "failed", "cancelled", "interrupted", "running")
MAX_SECONDS = 86_400
"""A day: more is more likely a mistake of unit."""
MAX_SNOOZE = 366 * DAY
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


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def _targets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="a Python file, folder or module, with `:name`")


def _grace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--grace", type=_seconds, metavar="SECONDS", help="how long running workers may take to stop (default: 10)"
    )


def _theme(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--theme", choices=("dark", "light", "ansi"), help="colours (default: dark)")


def _allow_eval(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-eval",
        action="store_true",
        help="let yourself evaluate expressions in held failures; they run with all the host's rights",
    )


def _open(parser: argparse.ArgumentParser) -> None:
    _targets(parser)
    _grace(parser)
    _allow_eval(parser)
    _theme(parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    _grace(parser)
    _allow_eval(parser)
    _theme(parser)
    parser.add_argument("--headless", action="store_true", help="run the demo's workers without a screen")
    _wait_for_host(parser)


def _serve(parser: argparse.ArgumentParser) -> None:
    _targets(parser)
    _grace(parser)
    _allow_eval(parser)
    _wait_for_host(parser)


def _wait_for_host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait", type=_seconds, default=0.0, metavar="SECONDS", help="how long to wait for another host to go"
    )


def _attach(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--read-only", action="store_true", help="look, touch nothing")
    _theme(parser)


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    _targets(parser)
    _json(parser)


def _init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", default="workers.py", metavar="PATH", help="default: workers.py")


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("worker", nargs="?", metavar="WORKER", help="only its runs")
    parser.add_argument("--limit", type=_count, default=20, metavar="N", help="at most so many (default: 20)")
    parser.add_argument("--outcome", choices=OUTCOMES, help="only runs that ended so, or are running")
    parser.add_argument("--failed", dest="outcome", action="store_const", const="failed", help="--outcome failed")
    _json(parser)


def _show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "subject",
        type=_subject,
        metavar="RUN|FAILURE",
        help="a run's number, or the beginning of a failure's fingerprint",
    )
    parser.add_argument("--plain", action="store_true", help="only the traceback, as Python prints it")
    _json(parser)


def _failures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", choices=GROUP_STATES, default="all", help="only failures in this state")
    parser.add_argument("--worker", metavar="WORKER", help="only failures that it has had")
    parser.add_argument("--limit", type=_count, default=20, metavar="N", help="at most so many (default: 20)")
    _json(parser)


def _stack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("worker", metavar="WORKER", help="a worker that is running")
    _json(parser)


def _marked(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "failures", nargs="+", type=_fingerprint, metavar="FAILURE", help="the beginning of a failure's fingerprint"
    )
    parser.add_argument("--note", dest="reason", default="", metavar="TEXT", help="why; kept with the failure")
    _json(parser)


def _snooze(parser: argparse.ArgumentParser) -> None:
    _marked(parser)
    parser.add_argument(
        "--for", dest="span", type=_span, default=HOUR, metavar="TIME", help="how long: 30m, 8h, 2d (default: 1h)"
    )


def _logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", metavar="WORKER|RUN", help="a worker's name or a run's number")
    parser.add_argument(
        "--follow", "-f", action="store_true", help="go on as lines come; with --json, one object a line"
    )
    parser.add_argument("--lines", "-n", type=_count, default=200, metavar="N", help="the latest N (default: 200)")
    _json(parser)


def _names(parser: argparse.ArgumentParser, *, everyone: bool) -> None:
    parser.add_argument("names", nargs="*" if everyone else "+", metavar="NAME", help="a worker's name")
    if everyone:
        parser.add_argument("--all", action="store_true", help="every worker")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; kept with the command")
    _json(parser)


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a worker's name")
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        type=_pair,
        metavar="KEY=VALUE",
        help="a parameter for ctx.params; the value is read as JSON where it is JSON, else as text; may be repeated",
    )
    parser.add_argument("--params", type=_object, default={}, metavar="JSON", help="all parameters as a JSON object")
    parser.add_argument("--wait", action="store_true", help="wait for the outcome; exit 1 unless it succeeded")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; kept with the command")
    _json(parser)


def _subject(text: str) -> str:
    if re.fullmatch(r"0*[1-9][0-9]*", text, re.ASCII) or _FINGERPRINT.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is neither a run's positive number nor four or more characters of a failure's fingerprint"
    )


def _fingerprint(text: str) -> str:
    if _FINGERPRINT.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is not four or more characters of a failure's fingerprint; `{PROGRAM} failures` lists them"
    )


_FINGERPRINT = re.compile(r"[0-9a-fA-F]{4,16}")


def _span(text: str) -> int:
    """Microseconds."""
    from workerkit.schedule import ScheduleError, parse_duration

    try:
        span = parse_duration(text)
    except ScheduleError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not 0 < span <= MAX_SNOOZE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time of at most a year")
    return span


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (value := float(text)) <= MAX_SECONDS:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds between 0 and {MAX_SECONDS}")


def _count(text: str) -> int:
    with contextlib.suppress(ValueError):
        if 0 < (value := int(text)) < 2**63:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")


def _pair(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object such as '{{\"day\": 5}}'")
    return value


_USAGE = f"{PROGRAM} [TARGET ...] [options]\n       {PROGRAM} COMMAND ..."

COMMANDS: dict[str, Command] = {
    "open": Command("screen", "open_console", "open the console", _open, _USAGE),
    "demo": Command("screen", "demo", "the console on workers that watch this machine, one of which fails", _demo),
    "serve": Command("serving", "serve", "host the workers without a screen", _serve),
    "attach": Command("screen", "attach", "the screen on a host that lives elsewhere", _attach),
    "check": Command("check", "check", "load and validate targets, run nothing", _check_arguments),
    "init": Command("init", "init", "write a commented example", _init),
    "status": Command("reading", "status", "the host, and how many workers are in which state", _json),
    "workers": Command("reading", "workers", "every worker with its state and counters", _json),
    "runs": Command("reading", "runs", "the latest runs", _runs),
    "failures": Command("groups", "failures", "failures by fault, the most urgent first", _failures),
    "show": Command("show", "show", "one run or one failure, with its traceback", _show),
    "logs": Command("logs", "logs", "what a worker or a run logged and printed", _logs),
    "stack": Command("stack", "stack", "where a running worker stands, sampled for a second", _stack),
    "pause": Command("verbs", "pause", "let workers start no more runs", lambda p: _names(p, everyone=True)),
    "resume": Command("verbs", "resume", "let paused workers run again", lambda p: _names(p, everyone=True)),
    "run": Command("verbs", "run_now", "run a worker now", _run),
    "cancel": Command("verbs", "cancel", "ask the run in flight to stop", lambda p: _names(p, everyone=False)),
    "acknowledge": Command("triage", "acknowledge", "say that a failure is known", _marked),
    "snooze": Command("triage", "snooze", "let a failure rest for a while", _snooze),
    "resolve": Command("triage", "resolve", "say that a failure is mended; it is marked when it comes back", _marked),
    "reopen": Command("triage", "reopen", "let a failure be open again", _marked),
    "reset-counters": Command(
        "verbs", "reset_counters", "let a worker's counters begin at zero", lambda p: _names(p, everyone=False)
    ),
}  # fmt: skip
