"""Reads the database on a thread of its own and hands frozen pictures of it to the screen.

The screen gets the next picture only when it has drawn the last, so pressure can't build up, however busy the host.
"""

import threading
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from textual.message import Message

from workerconsole.picture import Picture, Question, Readable
from workerconsole.snapshot import Snapshot, WorkerDetail
from workerkit.clock import SECOND, Clock, Micros

TICK = 0.3
"""Seconds between two looks at the database: rows that change faster can't be read, and each picture costs."""
HURRIED = 0.1
"""The same while the operator waits for what a command brings about."""
RESTS = 0.12
"""Seconds after which a cursor that ran from worker to worker has come to rest, and its details are read."""
RUNS_ON = 0.5
"""Seconds after which they are read although it runs on."""
HURRY: Micros = SECOND
"""For how long after a command the operator waits for what it brings about."""


@runtime_checkable
class Following(Protocol):
    """A screen that shows the details of a worker."""

    def take_detail(self, detail: WorkerDetail, now: Micros) -> None: ...


@runtime_checkable
class Asking(Protocol):
    """A screen that asks a question of its own."""

    def take_answer(self, question: object, answer: object) -> None: ...


class SnapshotTaken(Message):
    """There is a new picture of the database. Answer with `Feed.drawn()`."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class SnapshotDrawn(Message):
    """The screen has drawn what it was given before this came."""


class DetailFetched(Message):
    """There is a new picture of the selected worker."""

    def __init__(self, detail: WorkerDetail) -> None:
        super().__init__()
        self.detail = detail


class Feed:
    """Polls a database for the screen. `post` is called on the feed's thread; it must not block.

    `open_database` and `nudge` are for its Picture; `wait` waits for an event for so many seconds.
    """

    def __init__(
        self,
        open_database: Callable[[], Readable],
        post: Callable[[Message], object],
        *,
        clock: Clock,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
        nudge: Callable[[], object] | None = None,
    ) -> None:
        self._post = post
        self._clock = clock
        self._wait = wait
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._may_post = threading.Event()
        self._may_post.set()
        self._hurry_until: Micros = 0
        self._wanted: str | None = None
        self._question: Question | None = None
        self._picture = Picture(open_database, clock, nudge)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read. A second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self.run, name="workerconsole-feed", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """End the thread and close the reader; waits at most `timeout` seconds. A second call does nothing."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def select(self, name: str | None) -> None:
        """From now on read the details of this worker. Any thread."""
        self._wanted = name
        self._wake.set()

    def ask(self, question: Question | None) -> None:
        """From now on answer this, now and whenever the database moved; None to stop. Any thread."""
        self._question = question
        self._wake.set()

    def drawn(self) -> None:
        """The screen has drawn the last snapshot and may have the next. Any thread."""
        self._may_post.set()

    def hurry(self) -> None:
        """Something is about to happen that the operator waits for: show it as soon as can be. Any thread."""
        self._hurry_until = self._clock.now() + HURRY
        self._wake.set()

    def step(self) -> None:
        """One look: read what changed, post what the screen may have."""
        snapshot = self._picture.look() if self._may_post.is_set() else None
        if snapshot is not None:
            self._may_post.clear()
            self._post(SnapshotTaken(snapshot))
        detail = self._picture.look_at(self._wanted)
        if detail is not None:
            self._post(DetailFetched(detail))
        answered = self._picture.answer(self._question)
        if answered is not None:
            self._post(answered)

    def run(self) -> None:
        """Look again and again, until stop(); what the feed's thread does."""
        try:
            while not self._stopping.is_set():
                self.step()
                if self._wait(self._wake, HURRIED if self._hurries() else TICK) and not self._stopping.is_set():
                    self._wake.clear()
                    self.step()
                    self._let_the_cursor_rest()
        finally:
            self._picture.close()

    def _hurries(self) -> bool:
        return 0 <= self._hurry_until - self._clock.now() <= HURRY

    def _let_the_cursor_rest(self) -> None:
        """Each worker that it passes would have a picture of its own, and each key would wait for that."""
        if self._hurries():
            self._wait(self._stopping, HURRIED)
            return
        end = self._clock.monotonic() + RUNS_ON
        while self._wait(self._wake, RESTS) and self._clock.monotonic() < end:
            if self._hurries() or self._stopping.is_set():
                return
            self._wake.clear()
