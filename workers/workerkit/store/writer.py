"""The one thread of a host that writes: events come in from anywhere, and leave in few, large transactions."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from sqlalchemy import Connection, Engine

from workerkit.clock import Clock
from workerkit.errors import DatabaseError
from workerkit.store.batch import arrange
from workerkit.store.connect import trouble_of
from workerkit.store.events import Event
from workerkit.store.files import Identity, is_still
from workerkit.store.operations import next_change
from workerkit.store.queued import Call, Done, Item, Submission
from workerkit.store.writes import APPLY

MAX_BATCH = 5_000
"""Events in one transaction: a long queue must not keep its first waiting for its last."""
FIRST_RETRY, LAST_RETRY = 0.05, 1.0
"""Seconds between attempts while the database can't be written, doubling from the first to the last."""
FILE_CHECK_INTERVAL = 1.0
"""Seconds between two looks at whether the file is still the one that was opened."""
LAST_WORDS = 3.0
"""Seconds that stop() grants the attempt in progress after it has told the thread to give up."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Writer:
    """Applies events and functions to the database, in the order in which they came, in groups.

    Whatever has queued up while one transaction was committed goes into the next. While the database can't be
    written (full disk, foreign lock) everything waits, and `trouble` says why; an event that is itself at fault is
    reported to its sender, and the others of its group are written.

    start() and stop() are idempotent; a stopped writer stays stopped. All methods may be called from any thread;
    submit() also from a destructor.
    """

    def __init__(self, engine: Engine, path: Path, identity: Identity, clock: Clock) -> None:
        self.trouble: str | None = None
        """Why nothing can be written right now, for the operator; None when all is well."""
        self.dropped = 0
        """Events that were given up because too many waited, or because they came after the stop."""
        self._engine = engine
        self._path = path
        self._identity = identity
        self._clock = clock
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._gate = threading.RLock()  # re-entrant, because a destructor that logs can run at any allocation
        self._closed = False
        self._waiting = 0
        self._give_up = threading.Event()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._file_checked_at = float("-inf")

    def start(self) -> None:
        """Opens the connection and starts the thread.

        Raises:
            DatabaseError: when the database can't be opened.
            RuntimeError: after stop().
        """
        with self._gate:
            if self._closed:
                raise RuntimeError("this writer was stopped; ask the database for another")
            if self._thread is not None:
                return
            try:
                self._connection = self._engine.connect()
            except Exception as error:
                raise DatabaseError(
                    f"{self._path} can't be opened for writing: {trouble_of(error) or error}"
                ) from error
            self._thread = threading.Thread(target=self._run, name="workerkit-writer", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Writes all that waits, then ends the thread. Whatever can't be written in so many seconds is given up.

        Whether everything was written. Events that come later are dropped.
        """
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
            thread = self._thread
        if thread is None:
            self._abandon(list(self._drain()))
        elif thread is not threading.current_thread():
            thread.join(timeout)
            if thread.is_alive():
                self._give_up.set()
                thread.join(LAST_WORDS)
        return self._waiting == 0 and self.dropped == 0

    def submit(self, event: Event, done: Done | None = None) -> None:
        """Queues an event, at once. `done` is called on the writer's thread, with None once committed, or the error.

        An event that is dropped at once (see MAX_WAITING, or after the stop) gets its error on the caller's thread.
        """
        item = Submission(event, done)
        refusal = self._enter(item)
        if refusal is not None:
            item.finish(refusal)

    def call(self, function: Callable[[Connection, int], T], timeout: float = 30.0) -> T:
        """Runs `function(connection, change)` in the next transaction, and returns what it returned, once committed.

        The function may be called again when the transaction has to be repeated. When it raises, its own part is
        rolled back and the error is raised here.

        Raises:
            DatabaseError: when it could not be written in so many seconds; it will not be written later.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("call() on the writer's own thread would wait for itself")
        item = Call(function)
        refusal = self._enter(item)
        if refusal is not None:
            raise refusal
        if not item.wait(timeout):
            raise DatabaseError(
                f"{self._path} could not be written within {timeout:g} s: {self.trouble or 'too much waits'}; try again"
            )
        if item.error is not None:
            raise item.error
        result: T = item.result
        return result

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until everything submitted before is committed; whether it was, in so many seconds."""
        try:
            self.call(lambda _connection, _change: None, timeout)
        except DatabaseError:
            return self._closed and self._waiting == 0
        return True

    def troubled_for(self) -> float:
        return 0.0

    def _enter(self, item: Item) -> DatabaseError | None:
        with self._gate:
            if self._closed:
                refusal = DatabaseError(f"nothing more is written to {self._path}: its writer has stopped")
            elif item.weight + self._waiting > item.limit:
                refusal = DatabaseError(
                    f"too much waits to be written to {self._path}: {self.trouble or 'it is too slow'}"
                )
            else:
                self._waiting += item.weight
                self._queue.put(item)
                return None
            self.dropped += 1
            return refusal

    def _run(self) -> None:
        assert self._connection is not None
        try:
            while batch := self._next_batch():
                self._write(batch)
        finally:
            with self._gate:
                self._closed = True
            self._abandon(list(self._drain()))
            self._connection.close()

    def _next_batch(self) -> list[Item]:
        """Waits for something to write; empty once stopped, with nothing left."""
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        for item in self._drain():
            batch.append(item)
            if len(batch) >= MAX_BATCH:
                break
        return batch

    def _drain(self) -> Iterator[Item]:
        """What waits right now. The mark of the end goes back: behind it nothing comes."""
        while True:
            try:
                item = self._queue.get_nowait()
            except Empty:
                return
            if item is None:
                self._queue.put(None)
                return
            yield item

    def _write(self, batch: list[Item]) -> None:
        """Commits the batch, however long that takes; then tells the senders."""
        careful, delay = False, FIRST_RETRY
        while not self._give_up.is_set():
            try:
                self._attempt(batch, careful=careful)
            except Exception as error:  # noqa: BLE001 -- this thread survives anything, and every error reaches its sender
                if (trouble := _trouble_of(error)) is not None:
                    self._report(trouble)
                    self._give_up.wait(delay)
                    delay = min(2 * delay, LAST_RETRY)
                    continue
                if not careful:
                    careful = True
                    continue
                for item in batch:
                    item.error = error
            self._report(None)
            self._leave(batch)
            return
        self._abandon(batch)

    def _attempt(self, batch: Sequence[Item], *, careful: bool) -> None:
        """One transaction. Careful: each item in a savepoint of its own, to find the one that is at fault."""
        connection = self._checked_connection()
        calls = [item for item in batch if isinstance(item, Call)]
        with ExitStack() as attempts:
            for call in calls:
                attempts.enter_context(call.attempt)
            attempts.callback(_roll_back_remains, connection)
            with connection.begin():
                _apply(batch, connection, next_change(connection), careful=careful)
            for call in calls:
                call.settled = True

    def _checked_connection(self) -> Connection:
        assert self._connection is not None
        now = self._clock.monotonic()
        if now - self._file_checked_at >= FILE_CHECK_INTERVAL:
            if not is_still(self._path, self._identity):
                raise _FileGoneError("the file was deleted or replaced; put it back, or restart the host")
            self._file_checked_at = now
        return self._connection

    def _report(self, trouble: str | None) -> None:
        if trouble is not None and self.trouble is None:
            _log.warning("%s can't be written: %s; runs go on, and all waits to be written", self._path, trouble)
        elif trouble is None and self.trouble is not None:
            _log.warning("%s is written again; %d events were dropped meanwhile", self._path, self.dropped)
        self.trouble = trouble

    def _leave(self, batch: Sequence[Item]) -> None:
        with self._gate:
            self._waiting -= sum(item.weight for item in batch)
        _log_faults([item for item in batch if item.error is not None and isinstance(item, Submission)])
        for item in batch:
            item.finish(item.error)

    def _abandon(self, items: Sequence[Item]) -> None:
        error = DatabaseError(f"{self._path} could not be written before the end: {self.trouble or 'no time was left'}")
        with self._gate:
            self._waiting -= sum(item.weight for item in items)
            self.dropped += len(items)
        for item in items:
            item.finish(error)


class _FileGoneError(Exception):
    """The name no longer stands for the file that was opened."""


def _trouble_of(error: Exception) -> str | None:
    return str(error) if isinstance(error, _FileGoneError) else trouble_of(error)


def _log_faults(faulty: Sequence[Item]) -> None:
    """One entry a batch: what is wrong with thousands of events is wrong with the first."""
    if faulty:
        more = f" (nor {len(faulty) - 1} more of its batch)" if len(faulty) > 1 else ""
        _log.error("%s could not be written%s", faulty[0], more, exc_info=faulty[0].error)


def _roll_back_remains(connection: Connection) -> None:
    """SQLAlchemy takes a COMMIT that failed for the end of its transaction; SQLite may still hold it open."""
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection) and driver.in_transaction:
        driver.rollback()


def _apply(batch: Sequence[Item], connection: Connection, change: int, *, careful: bool) -> None:
    """In order; events that stand side by side in as few statements as possible."""
    for alone, items in groupby(batch, key=lambda item: careful or isinstance(item, Call)):
        if alone:
            for item in items:
                _apply_alone(item, connection, change)
        else:
            for kind, events in arrange(item.event for item in items if isinstance(item, Submission)):
                APPLY[kind](connection, change, events)


def _apply_alone(item: Item, connection: Connection, change: int) -> None:
    item.error = None
    try:
        with connection.begin_nested():
            item.apply(connection, change)
    except BaseException as error:
        if trouble_of(error) is not None:
            raise
        item.error = error
