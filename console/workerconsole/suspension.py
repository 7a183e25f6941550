"""ctrl+z and fg: the terminal is the shell's meanwhile, and the screen is drawn anew afterwards.

A stopped process runs nothing, so neither do the workers that it hosts; continued in the background (`bg`) they go on,
and the screen comes back with `fg`. Textual's own handlers are not used: they take a SIGCONT without a SIGTSTP, which
anybody may send, for the end of a suspension, and lose the terminal's settings.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from textual.driver import Driver

from workerconsole.terminal import Terminal

LOOK_EVERY = 0.1
"""Seconds between two looks whether the screen is in the foreground again."""


class Suspension:
    """Gives the terminal to the shell and takes it back. All but `is_lent` on the screen's thread.

    Args:
        terminal: the process's.
        driver: what draws on it.
        redraw: has the whole screen drawn.
    """

    def __init__(self, terminal: Terminal, driver: Driver, redraw: Callable[[], object]) -> None:
        self.is_lent = False
        """Whether another program, such as an editor, has the terminal."""
        self._terminal = terminal
        self._driver = driver
        self._redraw = redraw
        self._taken_back = float("-inf")

    def suspend(self) -> None:
        """Stops this process as ctrl+z does; returns once it is in the foreground again."""
        self._driver.suspend_application_mode()
        stop_process()
        self._take_back()

    def continued(self) -> None:
        """It was continued without being suspended first (SIGSTOP): the shell may have had the terminal meanwhile."""
        if time.monotonic() - self._taken_back < 1:
            return
        self._wait_for_foreground()
        self._driver.suspend_application_mode()
        self._take_back()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Another program has the terminal: a stop is its affair, and drawing is not ours."""
        self.is_lent = True
        try:
            yield
        finally:
            self.is_lent = False

    def _take_back(self) -> None:
        self._wait_for_foreground()
        self._driver.resume_application_mode()
        self._taken_back = time.monotonic()
        self._redraw()

    def _wait_for_foreground(self) -> None:
        """In the background the screen's loop stands still; the host's threads go on."""
        while not self._terminal.is_ours:
            time.sleep(LOOK_EVERY)


def stop_process() -> None:
    """What SIGTSTP does by default; returns when the process is continued."""
    os.kill(os.getpid(), signal.SIGSTOP)
