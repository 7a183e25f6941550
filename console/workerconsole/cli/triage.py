"""acknowledge, snooze, resolve, reopen: what operators make of a failure. Stored also while no host lives."""

from argparse import Namespace
from collections.abc import Mapping

from workerconsole.cli.groups import find_group
from workerconsole.cli.verbs import Request, ask
from workerkit.clock import SystemClock
from workerkit.operator import Verb
from workerkit.store.reader import Reader


def acknowledge(arguments: Namespace) -> int:
    """It is known; it stays so when it comes again."""
    return _mark(arguments, Verb.ACKNOWLEDGE)


def snooze(arguments: Namespace) -> int:
    """It rests until its time is over, and is open again then."""
    return _mark(arguments, Verb.SNOOZE, {"until": SystemClock().now() + arguments.span})


def resolve(arguments: Namespace) -> int:
    """It is mended; when it comes back it is open, and marked as regressed."""
    return _mark(arguments, Verb.RESOLVE)


def reopen(arguments: Namespace) -> int:
    """It is open again."""
    return _mark(arguments, Verb.REOPEN)


def _mark(arguments: Namespace, verb: Verb, params: Mapping[str, object] | None = None) -> int:
    def requests(reader: Reader) -> list[Request]:
        now = SystemClock().now()
        marks = dict.fromkeys(find_group(reader, beginning, now).fingerprint for beginning in arguments.failures)
        return [Request(params={**(params or {}), "group": mark}) for mark in marks]

    return ask(arguments, verb, requests)
