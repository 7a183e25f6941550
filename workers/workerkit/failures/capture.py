"""An exception as plain bounded data: its chain, its groups, frames with source and variables. Nothing live stays.

Taken in two phases. The first is our own walk over the traceback's links and code positions: the standard library's and
Rich's call the user's `__repr__` and `__str__` on the way, and one hostile object would stall or falsify the record.
Only then come the messages, for which `__str__` has to be called, and which may hang without losing the rest.
"""

import json
from types import FrameType, TracebackType
from typing import Any

from workerkit.failures.chain import is_inert, message_of, related, slot
from workerkit.failures.frames import Position, frames_data, read_variables, within_bounds, without_kit
from workerkit.failures.redact import Redactor
from workerkit.failures.values import Walk, type_name

MAX_EXCEPTIONS = 50
"""Exceptions kept of one failure: causes, contexts and members of groups together."""
MAX_MESSAGE = 4096
"""Characters kept of a message or a note."""
MAX_ERROR_LINE = 500
"""Characters of the one-line form that lists show."""
MAX_NOTES = 20
"""Notes kept of one exception."""


MAX_JSON = 250_000
"""Characters of the whole as JSON; beyond it variables go first, then source."""
UNREAD = "(its message was not read)"
"""Stands where the second phase has not been."""


class Capture:
    """One failure as JSON-like data in `data`; complete but for the messages once constructed.

    Args:
        error: what left run().
        redactor: what must not be kept.
        with_locals: whether local variables are kept.
    """

    def __init__(self, error: BaseException, redactor: Redactor, *, with_locals: bool = True) -> None:
        self._redactor = redactor
        self._errors: list[BaseException] = []
        self._exceptions: list[dict[str, Any]] = []
        self._live: list[list[Position]] = []
        self.data: dict[str, Any] = {"version": 1, "exceptions": self._exceptions}
        self._follow(error)
        if with_locals:
            read_variables(self._by_worth(), Walk(redactor))
        self._size = _shrink(self.data)

    @property
    def harmless(self) -> bool:
        """Whether the messages can be read without running anybody's code."""
        return all(is_inert(error) for error in self._errors)

    def read_messages(self) -> None:
        """The second phase: str() of each exception. Runs the worker's code where it has its own `__str__`."""
        for error, entry in zip(self._errors, self._exceptions, strict=True):
            entry["message"] = self._redactor.bounded(message_of(error), MAX_MESSAGE)
        # To write the whole as JSON is a good part of what a capture costs: only where the messages can matter.
        if self._size + sum(len(json.dumps(entry["message"])) for entry in self._exceptions) > MAX_JSON:
            self._size = _shrink(self.data)

    @property
    def headline(self) -> str:
        """`Type: message` on one line, as lists show it."""
        return headline(self.data)

    def live_frame(self, exception: int, frame: int) -> FrameType | None:
        """The frame behind one of `data`, by their places there, as long as this object lives."""
        if not (0 <= exception < len(self._live) and 0 <= frame < len(self._live[exception])):
            return None
        return self._live[exception][frame].frame

    def _follow(self, error: BaseException) -> None:
        pending: list[tuple[BaseException, str, int | None]] = [(error, "root", None)]
        seen: set[int] = set()
        while pending:
            current, relation, parent = pending.pop(0)
            if id(current) in seen:
                continue
            if len(self._exceptions) == MAX_EXCEPTIONS:
                self.data["note"] = f"only the first {MAX_EXCEPTIONS} exceptions were kept"
                break
            seen.add(id(current))
            number = len(self._exceptions)
            self._errors.append(current)
            self._exceptions.append(self._entry(current, relation, parent))
            pending.extend((other, how, number) for other, how in related(current))

    def _entry(self, error: BaseException, relation: str, parent: int | None) -> dict[str, Any]:
        positions = without_kit(_positions(slot(BaseException, "__traceback__", error)))
        kept, cut = within_bounds(positions)
        self._live.append(kept)
        frames = frames_data(kept, self._redactor)
        entry: dict[str, Any] = {
            "type": type_name(type(error)),
            "message": UNREAD,
            "notes": [self._redactor.bounded(note, MAX_MESSAGE) for note in _notes(error)],
            "relation": relation,
            "parent": parent,
            "frames": frames,
        }
        if cut:
            entry["cut"] = cut
        return entry

    def _by_worth(self) -> list[tuple[dict[str, Any], Position]]:
        """All frames with their positions, those first whose variables matter most.

        The worker's own frames of every exception come before those of libraries, the innermost of them first: when the
        budget of the walk ends, it is libraries that lack variables.
        """
        frames = [
            pair
            for entry, positions in zip(self._exceptions, self._live, strict=True)
            for pair in reversed(list(zip(entry["frames"], positions, strict=True)))
        ]
        return sorted(frames, key=lambda pair: not pair[0]["own"])


def headline(data: dict[str, Any]) -> str:
    """`Type: message` of a capture's first exception, on one line; empty where it has none."""
    exceptions = data.get("exceptions") or []
    if not exceptions:
        return ""
    name = str(exceptions[0]["type"]).rpartition(".")[2]
    message = " ".join(str(exceptions[0]["message"]).split())
    return (f"{name}: {message}" if message else name)[:MAX_ERROR_LINE]


def _shrink(data: dict[str, Any]) -> int:
    """Brings the whole within MAX_JSON: variables of libraries go first, then all variables, then source.

    Returns its characters as JSON then.
    """
    frames = [frame for entry in data["exceptions"] for frame in entry["frames"]]
    steps = (
        ("locals", [frame for frame in frames if not frame["own"]]),
        ("locals", frames),
        ("source", [frame for frame in frames if not frame["own"]]),
        ("source", frames),
    )
    for key, chosen in steps:
        if (size := len(json.dumps(data))) <= MAX_JSON:
            return size
        for frame in chosen:
            if frame.get(key):
                frame[key] = []
                frame[f"{key}_note"] = "too much for one failure"
    return len(json.dumps(data))


def _positions(link: TracebackType | None) -> list[Position]:
    positions: list[Position] = []
    while link is not None:
        positions.append(Position(link.tb_frame.f_code, link.tb_lineno, _columns(link), link.tb_frame))
        link = link.tb_next
    return positions


def _columns(link: TracebackType) -> tuple[int, int] | None:
    """The columns of the failing expression, where it stands on one line."""
    index = link.tb_lasti // 2
    for position, entry in enumerate(link.tb_frame.f_code.co_positions()):
        if position == index:
            start_line, end_line, start, end = entry
            return (start, end) if start_line == end_line and start is not None and end is not None else None
    return None


def _notes(error: BaseException) -> list[str]:
    notes = slot(BaseException, "__dict__", error).get("__notes__")
    if type(notes) is not list:
        return []
    return [note if type(note) is str else f"<{type_name(type(note))}>" for note in notes[:MAX_NOTES]]
