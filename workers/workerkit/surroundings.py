"""What belongs to the whole process and not to one run, looked after while workers share it.

A worker in a thread can change the working directory, sys.stdout, the configuration of logging and more under all
others. What the host found when it started is put back: at once where no run is in flight any more, else when the
change has stood for a moment, since a library may make such a change for the length of one call. A worker that needs
surroundings of its own asks for isolation="process".

Not put back: os.environ (libraries configure themselves by it), modules that were patched, descriptors that were
closed. In a thread of the host a worker can do to it whatever it likes.
"""

import ctypes
import gc
import locale
import logging
import operator
import os
import socket
import sys
import threading
import types
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workerkit.clock import Clock

try:
    import resource
except ImportError:  # not on Windows
    _LIMITS: tuple[int, ...] = ()
else:
    _LIMITS = (resource.RLIMIT_NOFILE, resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_FSIZE)

PATIENCE = 1.0
"""Seconds that a change may stand while runs are in flight, one of which may be about to undo it."""
HOLD = 30.0
"""Seconds for which a replaced stream is kept from being freed."""
MAX_REPLACED = 100
_LONGEST_FOLDER = 4096
REMEDY = 'a worker that needs its own runs with isolation="process"'


@dataclass(frozen=True, slots=True)
class _Aspect:
    """One thing of the process, how it is read, and how it is put back."""

    what: str
    read: Callable[[], Any]
    put_back: Callable[[Any], object]
    agrees: Callable[[Any, Any], bool] = operator.eq
    """Of what is kept and what is found: whether nothing needs to be done."""
    endangers: Callable[[Any, Any], bool] = lambda _kept, _found: False
    """Of the same: whether the host itself may break while it stays so."""


class Surroundings:
    """Keeps a process as it was when this was made. Call began() and ended() around each run, and look() every second.

    For a process that is the host's alone: where the host is a library in somebody's program, that program may change
    all of it as it likes. Safe from any thread; costs a run some five microseconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept = [(aspect, aspect.read()) for aspect in _QUICK]
        self._kept_slow = [(aspect, aspect.read()) for aspect in _SLOW]
        self._odd: dict[str, float] = {}
        self._replaced: deque[tuple[float, Any]] = deque(maxlen=MAX_REPLACED)
        self._in_flight = 0
        self._lock = threading.Lock()
        self._streams_lock = threading.RLock()  # to free a stream may run anybody's code

    def guard_streams(self) -> None:
        """From here on no assignment to sys.stdout or sys.stderr frees the stream that stood there, see _hold()."""
        hold, clock = self._hold, self._clock

        class GuardedSys(types.ModuleType):
            def __setattr__(self, name: str, value: object) -> None:
                held = getattr(self, name, None) if name in ("stdout", "stderr") else None
                super().__setattr__(name, value)
                if held is not None:
                    hold(held, clock.monotonic())

        sys.__class__ = GuardedSys

    @staticmethod
    def release_streams() -> None:
        """Ends what guard_streams() began."""
        sys.__class__ = types.ModuleType

    def began(self) -> None:
        """A run begins in this process."""
        with self._lock:
            self._in_flight += 1

    def ended(self) -> tuple[str, ...]:
        """A run has ended: what had been changed and is put back, in sentences for its log."""
        with self._lock:
            self._in_flight -= 1
        return self._compare(self._kept)

    def look(self) -> tuple[str, ...]:
        """The same while runs go on, with what is dearer to read."""
        return self._compare(self._kept) + self._compare(self._kept_slow)

    def _compare(self, all_kept: Sequence[tuple[_Aspect, Any]]) -> tuple[str, ...]:
        # Looks without the lock first: reading asks the system, and all that end at one time would wait for it.
        if not self._odd and _agree(all_kept):
            return ()
        said: tuple[str, ...] = ()
        with self._lock:
            for aspect, kept in all_kept:
                found = aspect.read()
                if aspect.agrees(kept, found):
                    self._odd.pop(aspect.what, None)
                elif self._is_due(aspect, kept, found):
                    said += (_put_back(aspect, kept),)
        return said

    def _is_due(self, aspect: _Aspect, kept: Any, found: Any) -> bool:
        now = self._clock.monotonic()
        since = self._odd.setdefault(aspect.what, now)
        due = self._in_flight <= 0 or now - since >= PATIENCE or aspect.endangers(kept, found)
        if due:
            del self._odd[aspect.what]
        return due

    def _hold(self, found: Any, now: float) -> None:
        """Keeps what is about to be replaced for a while.

        print() has no reference of its own to sys.stdout: an assignment that frees a stream to which another thread
        prints ends the whole process by SIGSEGV.
        """
        with self._streams_lock:
            if not self._replaced or self._replaced[-1][1] is not found:
                self._replaced.append((now, found))
            while self._replaced[0][0] < now - HOLD:
                self._replaced.popleft()


def _agree(all_kept: Sequence[tuple[_Aspect, Any]]) -> bool:
    """Whether nothing has changed."""
    for aspect, kept in all_kept:  # noqa: SIM110 -- a generator costs as much as what it asks, and each run asks
        if not aspect.agrees(kept, aspect.read()):
            return False
    return True


def _put_back(aspect: _Aspect, kept: Any) -> str:
    try:
        aspect.put_back(kept)
    except Exception as error:  # noqa: BLE001 -- the folder may be gone, the limit above what is allowed now
        return f"changed by a worker and not to be put back ({type(error).__name__}): {aspect.what}; {REMEDY}"
    return f"changed by a worker, put back: {aspect.what}; {REMEDY}"


def _reader_of_folder() -> Callable[[], bytes]:
    """What tells the working directory, empty where it is gone.

    os.getcwd() lets the interpreter's lock go, and to get it back among busy threads takes a hundred times as long as
    the question. So where the C library can be asked, it is, with the lock held.
    """
    try:
        getcwd = ctypes.PyDLL(None).getcwd
    except (TypeError, OSError, AttributeError):  # Windows has no library without a name
        return _folder
    getcwd.argtypes, getcwd.restype = (ctypes.c_char_p, ctypes.c_size_t), ctypes.c_char_p
    room = ctypes.create_string_buffer(_LONGEST_FOLDER)
    return lambda: getcwd(room, _LONGEST_FOLDER) or b""


def _folder() -> bytes:
    try:
        return os.getcwdb()  # noqa: PTH109 -- Path.cwd() takes six times as long, and this is done for every run
    except OSError:
        return b""


def _filters() -> tuple[Any, ...]:
    return tuple(warnings.filters)


def _set_filters(kept: Sequence[Any]) -> None:
    warnings.filters[:] = kept  # type: ignore[index]  # a list, whatever typeshed says
    with warnings.catch_warnings():
        """Entering and leaving it makes the interpreter forget what it had cached of the filters."""


def _handlers() -> tuple[logging.Handler, ...]:
    return tuple(logging.root.handlers)


def _set_handlers(kept: Sequence[logging.Handler]) -> None:
    """Adds what was taken away. What was added stays: libraries do that once, when they are first used."""
    for handler in kept:
        logging.root.addHandler(handler)


def _levels() -> tuple[int, int]:
    return logging.root.level, logging.root.manager.disable


def _set_levels(kept: tuple[int, int]) -> None:
    logging.root.setLevel(kept[0])
    logging.disable(kept[1])


def _limits() -> tuple[int, ...]:
    return tuple([resource.getrlimit(kind)[0] for kind in _LIMITS])


def _set_limits(kept: Sequence[int]) -> None:
    for kind, soft in zip(_LIMITS, kept, strict=True):
        resource.setrlimit(kind, (soft, resource.getrlimit(kind)[1]))


def _mask() -> int | None:
    """The umask, where it can be read without setting it for an instant."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return None


def _stream(name: str) -> _Aspect:
    return _Aspect(f"sys.{name}", partial(getattr, sys, name, None), partial(setattr, sys, name), operator.is_)


_QUICK = (
    _Aspect("the working directory", _reader_of_folder(), os.chdir),
    *(_stream(name) for name in ("stdin", "stdout", "stderr")),
    _Aspect("warnings.filters", _filters, _set_filters),
    _Aspect("the handlers of logging", _handlers, _set_handlers, lambda kept, found: set(kept) <= set(found)),
    _Aspect("the level of logging", _levels, _set_levels),
    _Aspect("the locale", partial(locale.setlocale, locale.LC_ALL), partial(locale.setlocale, locale.LC_ALL)),
    _Aspect("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit, endangers=operator.gt),
    _Aspect("the interval of thread switches", sys.getswitchinterval, sys.setswitchinterval),
    _Aspect("the garbage collector", gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    _Aspect("the timeout of sockets", socket.getdefaulttimeout, socket.setdefaulttimeout),
    *([_Aspect("a limit of the process", _limits, _set_limits)] if _LIMITS else []),
)
_SLOW = (_Aspect("the umask", _mask, lambda mask: None if mask is None else os.umask(mask)),)
