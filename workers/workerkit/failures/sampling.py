"""Which failures are kept in full: the first at its place, and then one every ten seconds. The others are counted.

A full capture of a typical failure takes a hundred times as long as to tell that it is the same as one of a moment ago,
and takes room on the disk each time. What retention thins out of those that were kept is in workerkit.store.retention.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from workerkit.clock import Clock
from workerkit.failures.capture import MAX_MESSAGE, UNREAD, headline
from workerkit.failures.chain import is_inert, message_of, related, slot
from workerkit.failures.redact import Redactor
from workerkit.failures.values import type_name
from workerkit.outcome import Fingerprint

FULL_EVERY = 10.0
"""Seconds after which a failure that goes on happening is captured in full once more."""
MAX_PLACES = 1_000
"""Places that are remembered; the one that was not seen for longest is forgotten first."""
MAX_EXCEPTIONS = 8
"""Exceptions of a chain or group that tell a place."""
MAX_LINKS = 40
"""Innermost frames of each that do."""


@dataclass(slots=True)
class _Known:
    full_at: float
    mark: Fingerprint


class Sampler:
    """Remembers what was captured lately. Safe from any thread.

    Two failures at one place have one fingerprint; those with one fingerprint may have several places.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()

    def counted(self, place: Hashable) -> Fingerprint | None:
        """The fingerprint of a failure that need only be counted; None: it is to be kept in full."""
        with self._lock:
            known = self._known.get(place)
            if known is None or self._clock.monotonic() - known.full_at >= FULL_EVERY:
                return None
            self._known.move_to_end(place)
            return known.mark

    def kept(self, place: Hashable, mark: Fingerprint) -> None:
        """One at this place has just been captured in full."""
        with self._lock:
            self._known[place] = _Known(self._clock.monotonic(), mark)
            self._known.move_to_end(place)
            if len(self._known) > MAX_PLACES:
                self._known.popitem(last=False)


def place_of(error: BaseException) -> Hashable:
    """Where an exception comes from: its type and the code that it passed, and the same of what it is related to.

    Runs no code of the worker's.
    """
    parts: list[Hashable] = []
    pending, seen = deque([(error, "root")]), set[int]()
    while pending and len(seen) < MAX_EXCEPTIONS:
        current, relation = pending.popleft()
        if id(current) not in seen:
            seen.add(id(current))
            parts.append((relation, type_name(type(current)), _links(slot(BaseException, "__traceback__", current))))
            pending.extend(related(current))
    return tuple(parts)


def _links(link: TracebackType | None) -> tuple[Hashable, ...]:
    found: deque[Hashable] = deque(maxlen=MAX_LINKS)
    while link is not None:
        code = link.tb_frame.f_code
        found.append((code.co_filename, code.co_qualname, code.co_firstlineno, link.tb_lasti))
        link = link.tb_next
    return tuple(found)


class Mention:
    """An exception's one line, where the rest of it has just been captured; to be used as a Capture is."""

    def __init__(self, error: BaseException, redactor: Redactor) -> None:
        self._error = error
        self._redactor = redactor
        self._message = UNREAD
        self.data: dict[str, Any] = {}

    @property
    def harmless(self) -> bool:
        """Whether the message can be read without running anybody's code."""
        return is_inert(self._error)

    def read_messages(self) -> None:
        """str() of the exception. Runs the worker's code where it has its own `__str__`."""
        self._message = self._redactor.bounded(message_of(self._error), MAX_MESSAGE)

    @property
    def headline(self) -> str:
        """`Type: message` on one line, as lists show it."""
        return headline({"exceptions": [{"type": type_name(type(self._error)), "message": self._message}]})
