"""A thread that looks after signals and the terminal, since the screen's own loop may be waiting for the terminal.

Textual can't do that. On a dead terminal its writer fails, its reader spins, and its loop waits for the writer for
ever; on a stalled one the loop waits, too.
"""

import threading
from collections.abc import Callable

from workerconsole.signals import Signals
from workerconsole.terminal import is_gone

LOOK_EVERY = 0.5
"""Seconds between two looks at the terminal."""


class TerminalWatch:
    """Calls `told` with the name of each signal, and `gone` once when the terminal has hung up, on its own thread.

    start(), stop() and also() on the main thread; start() and stop() are idempotent.
    """

    def __init__(self, told: Callable[[str], object], gone: Callable[[], object], descriptor: int | None) -> None:
        self._told = told
        self._gone = gone
        self._descriptor = descriptor
        self._signals: Signals | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """From here on signals end nothing by themselves."""
        if self._signals is None and not self._stopping.is_set():
            self._signals = Signals()
            self._signals.__enter__()
            self._thread = threading.Thread(target=self._main, args=(self._signals,), name="terminal", daemon=True)
            self._thread.start()

    def also(self, *names: str) -> None:
        """Has these signals told as well."""
        if self._signals is not None:
            self._signals.also(*names)

    def stop(self) -> None:
        """Signals do again what they did before."""
        self._stopping.set()
        signals, self._signals = self._signals, None
        if signals is not None and self._thread is not None:
            signals.wake()
            self._thread.join(LOOK_EVERY)
            signals.__exit__(None, None, None)

    def _main(self, signals: Signals) -> None:
        while not self._stopping.is_set():
            name = signals.wait(LOOK_EVERY)
            if self._descriptor is not None and is_gone(self._descriptor):
                self._gone()
                return
            if name is not None:
                self._told(name)
