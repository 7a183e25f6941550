"""What faulthandler wrote on a process's last breath, or when asked by a signal: its text, as stacks are stored.

The text comes from a file that the worker's code could write into as well: it is parsed within bounds, and what is no
frame is no frame.
"""

import os
import re
from dataclasses import dataclass, field
from typing import Any

from workerkit.failures.frames import MAX_FRAMES, is_kit, place_data
from workerkit.failures.redact import Redactor

MAX_DUMP = 256 * 1024
"""Bytes read of one dump."""
MAX_THREADS = 20
"""Threads kept of one dump."""
MAX_REASON = 300
"""Characters kept of why the interpreter gave up."""

_THREAD = re.compile(
    r"(?P<current>Current thread|Thread) 0x[0-9a-f]{1,16}(?: \[[^\]]{0,64}\])? \(most recent call first\):"
)
_FRAME = re.compile(r'  File "(?P<file>[^\n]{1,2000})", line (?P<line>\d{1,9}) in (?P<function>[^\n]{1,600})')
_FATAL = re.compile(r"Fatal Python error: (?P<reason>[^\n]{1,600})")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")

Place = tuple[str, int, str]


@dataclass(slots=True)
class _Thread:
    current: bool
    places: list[Place] = field(default_factory=list)
    """Innermost first, as they were written."""


@dataclass(frozen=True, slots=True)
class Dump:
    """One dump: why it was written, where the interpreter says so, and the stack, where there is one."""

    reason: str | None
    stack: dict[str, Any] | None


def read_dump(descriptor: int, start: int = 0) -> str:
    """What was written since `start` into the file that a child's dumps go to; its own position stays."""
    return os.pread(descriptor, MAX_DUMP, start).decode("utf-8", "replace")


def parse_dump(text: str, label: str, redactor: Redactor, *, fatal: bool) -> Dump:
    """A dump as data. The stack is that of the thread that died, or, of one that lives, the main thread's.

    Other threads that execute something of the worker's are among its children.
    """
    found = _FATAL.search(text)
    threads = _threads(text)
    first = next((thread for thread in threads if thread.current), None) if fatal else None
    first = first or (threads[-1] if threads else None)  # the main thread is the oldest, and is written last
    if first is None:
        return Dump(found["reason"][:MAX_REASON] if found else None, None)
    others = [_trimmed(thread) for thread in threads if thread is not first]
    stack = _stack(label, _trimmed(first) or first.places[::-1], redactor)
    stack["children"] = [_stack("another thread", places, redactor) for places in others[:MAX_THREADS] if places]
    return Dump(found["reason"][:MAX_REASON] if found else None, stack)


def _threads(text: str) -> list[_Thread]:
    threads: list[_Thread] = []
    for line in text.split("\n"):
        if header := _THREAD.fullmatch(line):
            threads.append(_Thread(header["current"] == "Current thread"))
        elif threads and (frame := _FRAME.fullmatch(line)):
            threads[-1].places.append((_unescape(frame["file"]), int(frame["line"]), _unescape(frame["function"])))
    return threads


def _trimmed(thread: _Thread) -> list[Place]:
    """Outermost first, without the machinery that led to the worker's code; empty where there is nothing else."""
    places = thread.places[::-1]
    first = next((at for at, place in enumerate(places) if is_kit(place[0])), None)
    if first is None:
        return places
    return next((places[at:] for at in range(first, len(places)) if not is_kit(places[at][0])), [])


def _stack(label: str, places: list[Place], redactor: Redactor) -> dict[str, Any]:
    cut = len(places) - MAX_FRAMES
    return {
        "label": label,
        "frames": [place_data(*place, redactor) for place in places[-MAX_FRAMES:]],
        "note": f"{cut} outer frames were left out" if cut > 0 else None,
        "children": [],
    }


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16) % 0x110000), text)
