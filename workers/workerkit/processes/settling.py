"""How a child makes itself at home: signals, streams, logging, folder and environment, whatever it was forked from."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from workerkit.context import RUN_LOGGER
from workerkit.output import text_of
from workerkit.processes.messages import MAX_LOG, MAX_WORD, Surroundings
from workerkit.processes.protocol import Frame


def move_to(surroundings: Surroundings) -> None:
    """Folder, import path and environment as the host has them now; what is so already is left alone."""
    with suppress(OSError):
        if os.getcwd() != surroundings.folder:  # noqa: PTH109 -- compared as text
            os.chdir(surroundings.folder)
    if sys.path != surroundings.path:
        sys.path[:] = surroundings.path
    if dict(os.environ) != surroundings.environment:
        os.environ.clear()
        os.environ.update(surroundings.environment)


def reset_signals() -> None:
    """As in a fresh interpreter, whatever was set before this process was forked."""
    for number in signal.valid_signals():
        if signal.getsignal(number) is not signal.SIG_DFL:
            with suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_IGN)


def open_streams() -> None:
    """Standard streams on descriptors 0 to 2, anew: a forked process has its parent's."""
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        stream = open(number, mode, buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def set_up_logging(handler: logging.Handler) -> None:
    """As in a host: ctx.log speaks from DEBUG up, everything else from INFO, unless the worker's module says other."""
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger(RUN_LOGGER).setLevel(logging.DEBUG)
    if root.level == logging.WARNING:
        root.setLevel(logging.INFO)


class LogHandler(logging.Handler):
    """Sends on every record: all that is logged in this process is of its run."""

    def __init__(self, say: Callable[[Frame], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        text = text_of(record)
        if len(text) > MAX_LOG:
            kept = MAX_LOG - MAX_WORD
            text = f"{text[:kept]}… {len(text) - kept:,} more characters"
        level, logger = str(record.levelname)[:MAX_WORD], str(record.name)[:MAX_WORD]
        self._say({"kind": "log", "level": level, "logger": logger, "text": text})
