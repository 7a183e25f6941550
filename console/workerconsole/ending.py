"""How a console's process ends: when it is told to, in time, and with the terminal as it was found.

The screen's own loop can't be relied on for that. It waits for the terminal, which may be stalled or dead. So signals
and the terminal are watched on a thread of their own, and where the screen does not answer, that thread ends the host
and the process without it.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from textual.driver import Driver

from workerconsole.deadline import HARD_DEADLINE, NOT_IN_TIME, Deadline, leave
from workerconsole.session import Session
from workerconsole.signals import NOW
from workerconsole.suspension import Suspension, stop_process
from workerconsole.terminal import Terminal
from workerconsole.watch import TerminalWatch

HEARD_WITHIN = 2.0
"""Seconds for the screen to hear of a signal; then its loop waits for a terminal that nobody reads."""
SCREEN_GOES_WITHIN = 2.0
"""Seconds for the screen to go once nothing else holds it."""
DONE, FAILED = 0, 1
GONE = 129
"""The exit code when the terminal has gone: 128 + SIGHUP, as shells say it."""


class Ending:
    """Sees to a console's end. Until begin() it does nothing, so a screen without a terminal needs no care.

    Args:
        session: whose host is to be stopped.
        told_to_stop: called on the screen's thread when a signal asks to stop; with True: now.
    """

    def __init__(self, session: Session, told_to_stop: Callable[[bool], object]) -> None:
        self._session = session
        self._told_to_stop = told_to_stop
        self._begun = False
        self._screen: tuple[asyncio.AbstractEventLoop, contextvars.Context] | None = None
        self._screen_gone = False
        self._past_screen = threading.Lock()
        self._suspension: Suspension | None = None

    # On the main thread, before, while and after there is a screen

    def begin(self) -> None:
        """From here on signals and the end of the terminal are seen to."""
        self._begun = True
        self._terminal = Terminal()
        self._deadline = Deadline(self._give_back)
        self._watch = TerminalWatch(self._told, partial(self._leave_past_screen, GONE), self._terminal.descriptor)
        self._watch.start()

    def screen_comes(self) -> None:
        """Called on the screen's loop: signals are told there."""
        self._screen = asyncio.get_running_loop(), contextvars.copy_context()

    def screen_stands(self, driver: Driver, redraw: Callable[[], object]) -> None:
        """It is drawn: from here on it can be suspended."""
        if self._begun:
            self._suspension = Suspension(self._terminal, driver, redraw)
            self._watch.also("SIGTSTP", "SIGCONT")

    def suspend(self) -> None:
        """What ctrl+z asks for."""
        if self._suspension is not None:
            self._suspension.suspend()

    def lend(self) -> AbstractContextManager[None]:
        """Entered while another program has the terminal."""
        return self._suspension.lent() if self._suspension is not None else nullcontext()

    def screen_gone(self, grace: float) -> None:
        """It has given the terminal back. The host has so many seconds, where it still runs."""
        self._screen_gone = True
        if self._begun:
            self._terminal.returned()
            self._deadline.set(grace + HARD_DEADLINE, FAILED, NOT_IN_TIME)

    def finish(self) -> None:
        """Everything has ended in good order."""
        if self._begun:
            self._watch.stop()
            self._deadline.lift()

    # From any thread

    def host_stops(self) -> None:
        """The host's grace period begins."""
        self._set(self._session.grace + HARD_DEADLINE, FAILED, NOT_IN_TIME)

    def hurry(self) -> None:
        """Ends the grace period."""
        self._set(HARD_DEADLINE, FAILED, NOT_IN_TIME)
        self._session.hurry()

    def screen_goes(self) -> None:
        """Nothing but the screen itself has still to end."""
        self._set(SCREEN_GOES_WITHIN, DONE)

    def _set(self, seconds: float, code: int, words: str = "") -> None:
        if self._begun:
            self._deadline.set(seconds, code, words)

    # On the watch's thread

    def _told(self, name: str) -> None:
        suspension = self._suspension
        lent = suspension is not None and suspension.is_lent
        if name == "SIGTSTP":
            if suspension is None or lent or not self._hears(suspension.suspend):
                stop_process()
        elif name == "SIGCONT":
            if suspension is not None and not lent:
                self._hears(suspension.continued)
        elif self._screen_gone:
            self.hurry()
        elif not self._hears(partial(self._told_to_stop, name == NOW)):
            self._leave_past_screen(DONE)

    def _hears(self, call: Callable[[], object]) -> bool:
        """Calls on the screen's loop; False where that did not come round to it, and never will any more."""
        if self._screen is None:
            return False
        turn, heard = threading.Lock(), threading.Event()

        def answer() -> None:
            if turn.acquire(blocking=False):
                heard.set()
                call()

        loop, context = self._screen
        try:
            loop.call_soon_threadsafe(answer, context=context)
        except RuntimeError:
            return False
        return heard.wait(HEARD_WITHIN) or not turn.acquire(blocking=False)

    def _leave_past_screen(self, code: int) -> None:
        """Ends the host and the process without the screen. The second time: at once."""
        if not self._past_screen.acquire(blocking=False):
            self.hurry()
            return
        self.host_stops()
        threading.Thread(target=self._end, args=(code,), name="ending", daemon=True).start()

    def _end(self, code: int) -> None:
        self._session.close(self._session.grace)
        self._give_back()
        leave(code)

    def _give_back(self, words: str = "") -> None:
        if self._suspension is None or not self._suspension.is_lent:
            self._terminal.give_back(words)
