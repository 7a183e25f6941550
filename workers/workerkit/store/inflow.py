"""What waits to be written, and when the one thread that writes is woken for it."""

from collections import deque
from contextlib import suppress

from workerkit.bell import Bell
from workerkit.store.queued import Item


class Inflow:
    """Items from any thread on their way to one that takes them.

    Whom an item is awaited by, it wakes that thread for; the others lie there silently, until an awaited one comes or
    they have lingered long enough. To wake a thread costs as much as half a run does, and most of what a host writes
    is the ends of runs, for which nobody waits. put() may also be called from a destructor, at any point of itself.
    """

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._bell = Bell()
        self._awaited = False
        self._expects = False
        """Somebody was waited for, as a run that begins; what comes of it may be here in a moment, without a ring."""
        self._fast_asleep = False
        self._ended = False

    def put(self, item: Item) -> None:
        """Adds an item behind all others."""
        self._items.append(item)
        if item.awaited:
            self._awaited = True
            self._bell.ring()
        elif self._fast_asleep:
            self._bell.ring()

    def end(self) -> None:
        """Nothing comes any more: what is there is to be taken at once."""
        self._ended = True
        self._bell.ring()

    def wait(self, linger: float) -> bool:
        """Returns when it is time to take what is there, at the latest `linger` seconds after it came to be.

        False once it has ended and nothing is left.
        """
        while not (self._awaited or self._ended):
            if not (self._expects or self._items):
                self._sleep()
            elif not self._bell.wait(linger):
                self._expects = False
                if self._items:
                    break
        return bool(self._items) or not self._ended

    def take(self, most: int) -> list[Item]:
        """The first of what is there, so many at most."""
        self._expects = self._awaited
        self._awaited = len(self._items) > most  # before the taking: an item that comes from here on says so itself
        taken: list[Item] = []
        with suppress(IndexError):
            while len(taken) < most:
                taken.append(self._items.popleft())
        return taken

    def _sleep(self) -> None:
        """Until something comes, whatever it is."""
        self._fast_asleep = True  # first: who puts an item after the look at them rings
        if not (self._items or self._awaited or self._ended):
            self._bell.wait()
        self._fast_asleep = False
