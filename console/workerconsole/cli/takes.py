"""What each command takes: its arguments and options, as argparse wants them. Nothing heavy is imported here."""

import argparse

from workerconsole.cli import values
from workerkit.clock import HOUR
from workerkit.outcome import GapReason

GROUP_STATES = ("open", "acknowledged", "snoozed", "resolved", "all")
GAP_REASONS = tuple(reason.value for reason in GapReason)
OUTCOMES = ("succeeded", "failed", "cancelled", "interrupted", "running")


def as_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def targets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="a Python file, folder or module, with `:name`")


def grace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--grace",
        type=values.seconds,
        metavar="SECONDS",
        help="how long running workers may take to stop (default: 10)",
    )


def theme(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--theme", choices=("dark", "light", "ansi"), help="colours (default: dark)")


def allow_eval(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-eval",
        action="store_true",
        help="let yourself evaluate expressions in held failures; they run with all the host's rights",
    )


def open_console(parser: argparse.ArgumentParser) -> None:
    targets(parser)
    grace(parser)
    allow_eval(parser)
    theme(parser)


def demo(parser: argparse.ArgumentParser) -> None:
    grace(parser)
    allow_eval(parser)
    theme(parser)
    parser.add_argument("--headless", action="store_true", help="run the demo's workers without a screen")
    wait_for_host(parser)


def serve(parser: argparse.ArgumentParser) -> None:
    targets(parser)
    grace(parser)
    allow_eval(parser)
    wait_for_host(parser)


def wait_for_host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait", type=values.seconds, default=0.0, metavar="SECONDS", help="how long to wait for another host to go"
    )


def attach(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--read-only", action="store_true", help="look, touch nothing")
    theme(parser)


def check(parser: argparse.ArgumentParser) -> None:
    targets(parser)
    as_json(parser)


def init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", default="workers.py", metavar="PATH", help="default: workers.py")


def runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("worker", nargs="?", metavar="WORKER", help="only its runs")
    parser.add_argument("--limit", type=values.positive, default=20, metavar="N", help="at most so many (default: 20)")
    parser.add_argument("--outcome", choices=OUTCOMES, help="only runs that ended so, or are running")
    parser.add_argument("--since", type=values.span, metavar="TIME", help="only runs of the last 24h, 7d, ...")
    parser.add_argument("--until", type=values.span, metavar="TIME", help="only runs that began so long ago, or before")
    parser.add_argument("--failed", dest="outcome", action="store_const", const="failed", help="--outcome failed")
    as_json(parser)


def show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "subject",
        metavar="RUN|WORKER|FAILURE",
        help="a run's number, a worker's name, or the beginning of a failure's fingerprint",
    )
    parser.add_argument("--plain", action="store_true", help="only the traceback, as Python prints it")
    as_json(parser)


def failures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", choices=GROUP_STATES, default="all", help="only failures in this state")
    parser.add_argument("--worker", metavar="WORKER", help="only failures that it has had")
    parser.add_argument("--limit", type=values.positive, default=20, metavar="N", help="at most so many (default: 20)")
    as_json(parser)


def stack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("worker", metavar="WORKER", help="a worker that is running")
    as_json(parser)


def marked(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "failures",
        nargs="+",
        type=values.fingerprint,
        metavar="FAILURE",
        help="the beginning of a failure's fingerprint",
    )
    parser.add_argument("--note", dest="reason", default="", metavar="TEXT", help="why; kept with the failure")
    as_json(parser)


def snooze(parser: argparse.ArgumentParser) -> None:
    marked(parser)
    parser.add_argument(
        "--for", dest="span", type=values.span, default=HOUR, metavar="TIME", help="how long: 30m, 8h, 2d (default: 1h)"
    )


def logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", metavar="WORKER|RUN", help="a worker's name or a run's number")
    parser.add_argument(
        "--follow", "-f", action="store_true", help="go on as lines come; with --json, one object a line"
    )
    parser.add_argument(
        "--lines", "-n", type=values.positive, default=200, metavar="N", help="the latest N (default: 200)"
    )
    as_json(parser)


def names(parser: argparse.ArgumentParser, *, everyone: bool) -> None:
    parser.add_argument("names", nargs="*" if everyone else "+", metavar="NAME", help="a worker's name")
    if everyone:
        parser.add_argument("--all", action="store_true", help="every worker")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; kept with the command")
    as_json(parser)


def pause(parser: argparse.ArgumentParser) -> None:
    names(parser, everyone=True)
    parser.add_argument(
        "--for", dest="span", type=values.pause_for, metavar="TIME", help="resume by itself after so long: 30m, 2h, 1d"
    )
    parser.add_argument(
        "--until",
        type=values.until,
        metavar="TIME",
        help="resume by itself then: 14:30, 'tomorrow 06:00', or a date; local time",
    )


def resume(parser: argparse.ArgumentParser) -> None:
    names(parser, everyone=True)


def reset_counters(parser: argparse.ArgumentParser) -> None:
    names(parser, everyone=False)


def cancel(parser: argparse.ArgumentParser) -> None:
    names(parser, everyone=False)
    parser.add_argument("--force", action="store_true", help="end a run that has a process of its own at once")


def why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("worker", metavar="WORKER", help="a worker's name")
    parser.add_argument(
        "--slots", type=values.positive, default=20, metavar="N", help="at most so many slots (default: 20)"
    )
    as_json(parser)


def gaps(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("worker", nargs="?", metavar="WORKER", help="only its gaps")
    parser.add_argument(
        "--since", type=values.span, metavar="TIME", help="only gaps that lasted into the last 24h, 7d, ..."
    )
    parser.add_argument("--reason", choices=GAP_REASONS, metavar="REASON", help=f"one of: {', '.join(GAP_REASONS)}")
    parser.add_argument("--limit", type=values.positive, default=20, metavar="N", help="at most so many (default: 20)")
    as_json(parser)


def audit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("worker", nargs="?", metavar="WORKER", help="only what was asked of it")
    parser.add_argument("--limit", type=values.positive, default=20, metavar="N", help="at most so many (default: 20)")
    as_json(parser)


def run_now(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a worker's name")
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        type=values.key_value,
        metavar="KEY=VALUE",
        help="a parameter for ctx.params; the value is read as JSON where it is JSON, else as text; may be repeated",
    )
    parser.add_argument(
        "--params", type=values.json_object, default={}, metavar="JSON", help="all parameters as a JSON object"
    )
    parser.add_argument("--wait", action="store_true", help="wait for the outcome; exit 1 unless it succeeded")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; kept with the command")
    as_json(parser)
