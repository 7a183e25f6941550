"""The one thread of a host that writes: events come in from anywhere, and leave in few, large transactions."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection

from workerkit.clock import Clock
from workerkit.errors import DatabaseError
from workerkit.store.channel import Channel, FileTakenError
from workerkit.store.connect import is_damaged, is_locked_out, trouble_of
from workerkit.store.events import Event, HostBeat
from workerkit.store.files import Home
from workerkit.store.inflow import Inflow
from workerkit.store.lock import HostLock
from workerkit.store.queued import Call, Done, Item, Submission
from workerkit.store.spill import settle, spill, spill_path, take_in
from workerkit.store.transaction import transact

SPACING = 0.002
"""Seconds from one transaction to the next: what comes in between goes together. An idle writer begins at once."""
LINGER = 0.05
"""Seconds for which events that nobody waits for may wait to go with one that somebody waits for: a run's end goes
with the start of the next. A host that is killed within them has its last ends recorded as crashes."""
MANY = 64
"""Events in a transaction, of whose cost each then bears so little that company would save nothing:"""
LINGER_AFTER_MANY = 0.005
"""the seconds for those that come after it."""
MAX_BATCH = 5_000
"""Events in one transaction: a long queue must not keep its first waiting for its last."""
FIRST_RETRY, LAST_RETRY = 0.05, 1.0
"""Seconds between attempts while the database can't be written, doubling from the first to the last."""
AFTERMATH = 60.0
"""Seconds for which trouble that has passed is still told: nobody could read of it in the database while it lasted."""
WORTH_TELLING = 5.0
"""Seconds that it must have lasted for that."""
SLOW = 2.0
"""Seconds without an answer from the disk from which on that counts as trouble."""
LAST_ATTEMPTS = 0.6
"""Part of the time of stop() in which writing is tried; the rest is for leaving what remains to the next host."""

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

    def __init__(self, home: Home, clock: Clock, *, busy_timeout: float, lock: HostLock | None = None) -> None:
        self.dropped = 0
        """Events that were given up because too many waited, or because they came after the stop."""
        self.spilled = 0
        """Events that could not be written before the stop and were left, in a file, for the next host."""
        self._home = home
        self._path = home.path
        self._clock = clock
        self._inflow = Inflow()
        self._gate = threading.RLock()  # re-entrant, because a destructor that logs can run at any allocation
        self._closed = False
        self._waiting = 0
        self._give_up = threading.Event()
        self._ends_at = float("inf")
        self._thread: threading.Thread | None = None
        self._channel = Channel(home, clock, busy_timeout=busy_timeout, lock=lock, given_up=self._give_up.is_set)
        self._batch: list[Item] = []
        self._began_at = float("-inf")
        self._wrote_many = False
        self._trying_since: float | None = None
        self._trouble: str | None = None
        self._passed: tuple[str, float] | None = None
        self._dropped_before = 0
        self._host_id: int | None = None

    def start(self) -> None:
        """Opens the connection and starts the thread. What a host before could not write any more is written first.

        Raises:
            DatabaseError: when the database can't be opened.
            RuntimeError: after stop().
        """
        with self._gate:
            if self._closed:
                raise RuntimeError("this writer was stopped; ask the database for another")
            if self._thread is not None:
                return
            self._channel.open()
            self._thread = threading.Thread(target=self._run, name="workerkit-writer", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Writes all that waits, then ends the thread; returns within so many seconds, whatever the disk does.

        What can't be written is left in a file for the next host, where that can be done, and given up otherwise; the
        log says how much. Whether everything was written. Events that come later are dropped.
        """
        ends_at = time.monotonic() + timeout
        with self._gate:
            if not self._closed:
                self._closed, self._ends_at = True, ends_at
                self._inflow.end()
            thread = self._thread
        if thread is None:
            self._abandon(self._inflow.take(sys.maxsize))
        elif thread is not threading.current_thread():
            thread.join(timeout * LAST_ATTEMPTS)
            self._give_up.set()
            thread.join(max(0.0, ends_at - time.monotonic()))
            if thread.is_alive() and self._waiting:
                _log.error("%s does not answer; %d events that wait for it are given up", self._path, self._waiting)
        return self._waiting == self.dropped == self.spilled == 0

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written right now, for the operator; None when all is well."""
        if self._trouble is None and (lasted := self.troubled_for()):
            return f"the disk has not answered for {lasted:.0f} s"
        return self._trouble

    def troubled_for(self) -> float:
        """Seconds for which what waits first could not be written; 0 when all is well."""
        if (since := self._trying_since) is None:
            return 0.0
        lasted = self._clock.monotonic() - since
        return lasted if self._trouble is not None or lasted >= SLOW else 0.0

    @property
    def superseded(self) -> bool:
        """Whether another host has taken the database over, which takes somebody who deletes the lock file."""
        return self._channel.superseded

    def report(self) -> str | None:
        """What the operator must know of the database now, with its remedy; None when all is well."""
        if (trouble := self.trouble) is None:
            return self._home.away
        lost = f", {self.dropped:,} were dropped" if self.dropped else ""
        return (
            f"{self._path} can't be written: {trouble}. Workers go on; {self._waiting:,} records wait in memory{lost}, "
            "and are written when it can be"
        )

    def aftermath(self) -> str | None:
        """What the operator should know of trouble that has just passed; None where there was none."""
        passed = self._passed
        return passed[0] if passed is not None and self._clock.monotonic() - passed[1] < AFTERMATH else None

    def submit(self, event: Event, done: Done | None = None) -> None:
        """Queues an event, at once. `done` is called on the writer's thread, with None once committed, or the error.

        An event that is dropped at once (see MAX_WAITING, or after the stop) gets its error on the caller's thread.
        """
        if isinstance(event, HostBeat):
            self._host_id = event.host_id
            if self._trouble is not None and done is None and not self._closed:
                return  # that the host lived then is of no interest later
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

    def _enter(self, item: Item) -> DatabaseError | None:
        with self._gate:
            if self._closed:
                refusal = DatabaseError(f"nothing more is written to {self._path}: its writer has stopped")
            elif item.weight + self._waiting > item.limit and not item.lighten():
                refusal = DatabaseError(
                    f"too much waits to be written to {self._path}: {self.trouble or 'it is too slow'}"
                )
            else:
                self._waiting += item.weight
                self._inflow.put(item)
                return None
            self.dropped += 1
            return refusal

    def _run(self) -> None:
        try:
            self._take_in()
            while not self._give_up.is_set() and (batch := self._next_batch()):
                self._write(batch)
        finally:
            with self._gate:
                self._closed = True
            self._abandon([*self._batch, *self._inflow.take(sys.maxsize)])
            self._channel.close()

    def _take_in(self) -> None:
        """Writes what the host before left, before anything else."""
        if not spill_path(self._path).exists():
            return
        call = Call(lambda connection, change: take_in(connection, change, self._path))
        with self._gate:
            self._waiting += call.weight
        self._write([call])
        if self._batch:
            return
        if call.error is None:
            _log.warning("%s: %d events were written that the host before could not write", self._path, call.result)
        settle(self._path, call.error)

    def _next_batch(self) -> list[Item]:
        """Waits for something to write, and for what is to go with it; empty once stopped, with nothing left."""
        batch: list[Item] = []
        linger = LINGER_AFTER_MANY if self._wrote_many else LINGER
        while not batch and self._inflow.wait(linger):
            if (early := self._began_at + SPACING - time.monotonic()) > 0:
                time.sleep(early)
            batch = self._inflow.take(MAX_BATCH)
        self._began_at, self._wrote_many = time.monotonic(), len(batch) >= MANY
        return batch

    def _write(self, batch: list[Item]) -> None:
        """Commits the batch, however long that takes; then tells the senders. Given up, it stays in `_batch`."""
        self._batch, self._trying_since = batch, self._clock.monotonic()
        if self._commit():
            self._report(None)
            done, self._batch, self._trying_since = self._batch, [], None
            self._leave(done)

    def _commit(self) -> bool:
        """Tries until `_batch` is written; False where it has to give up."""
        careful, delay = False, FIRST_RETRY
        while not self._give_up.is_set():
            try:
                transact(self._batch, self._channel.connection(), careful=careful)
            except Exception as error:  # noqa: BLE001 -- this thread survives anything, and every error reaches its sender
                if (trouble := _trouble_of(error)) is not None:
                    self._channel.doubt(error)
                    if self._leave_spoilt():
                        continue
                    # A lock is nothing to tell of before it has lasted for a while.
                    if delay > FIRST_RETRY or not is_locked_out(error):
                        self._report(trouble)
                    self._give_up.wait(delay)
                    delay = min(2 * delay, LAST_RETRY)
                    continue
                if not careful:
                    careful = True
                    continue
                for item in self._batch:
                    item.error = error
            return True
        return False

    def _leave_spoilt(self) -> bool:
        """After damage that a function met in a corner of the file SQLite commits nothing: goes on without it."""
        spoilt = [item for item in self._batch if item.error is not None and is_damaged(item.error)]
        if spoilt:
            self._batch = [item for item in self._batch if item not in spoilt]
            self._leave(spoilt)
        return bool(spoilt)

    def _report(self, trouble: str | None) -> None:
        if trouble is not None and self._trouble is None:
            self._dropped_before = self.dropped
            _log.warning("%s can't be written: %s; runs go on, and all waits to be written", self._path, trouble)
        elif trouble is None and self._trouble is not None:
            dropped, lasted = self.dropped - self._dropped_before, self.troubled_for()
            lost = f"{dropped:,} records were dropped" if dropped else "nothing was lost"
            text = f"{self._path} could not be written for {lasted:.0f} s ({self._trouble}); {lost}"
            if lasted >= WORTH_TELLING or dropped:
                self._passed = (text, self._clock.monotonic())
            _log.warning("%s; it is written again", text)
        self._trouble = trouble

    def _leave(self, batch: Sequence[Item]) -> None:
        with self._gate:
            self._waiting -= sum(item.weight for item in batch)
        _log_faults([item for item in batch if item.error is not None and isinstance(item, Submission)])
        for item in batch:
            item.finish(item.error)

    def _abandon(self, items: Sequence[Item]) -> None:
        """Leaves to the next host what it can, and tells the senders of all of it that it was not written."""
        why = f"{self._path} could not be written before the end: {self.trouble or 'no time was left'}"
        kept = 0 if not items else self._spill([item.event for item in items if isinstance(item, Submission)])
        with self._gate:
            self._waiting -= sum(item.weight for item in items)
            self.spilled += kept
            self.dropped += len(items) - kept
        if items:
            _log.error("%s; %d events are left to the next host, %d were given up", why, kept, len(items) - kept)
        for item in items:
            item.finish(DatabaseError(why))

    def _spill(self, events: Sequence[Event]) -> int:
        if not events or self._host_id is None or self._thread is None or self.superseded:
            return 0
        with suppress(OSError):
            # What a copy beside the old name lacks must not go into whatever bears that name at the next start.
            if self._home.is_there():
                return spill(
                    events,
                    self._path,
                    host_id=self._host_id,
                    now=self._clock.now(),
                    given_up=lambda: time.monotonic() > self._ends_at,
                )
        return 0


def _trouble_of(error: Exception) -> str | None:
    if isinstance(error, (FileTakenError, OSError)):
        return str(error)
    remedy = "; stop the host and restore a backup" if is_damaged(error) else ""
    return None if (trouble := trouble_of(error)) is None else f"{trouble}{remedy}"


def _log_faults(faulty: Sequence[Item]) -> None:
    """One entry a batch: what is wrong with thousands of events is wrong with the first."""
    if faulty:
        more = f" (nor {len(faulty) - 1} more of its batch)" if len(faulty) > 1 else ""
        _log.error("%s could not be written%s", faulty[0], more, exc_info=faulty[0].error)
