"""Everything that can be said about a worker beside what it does, in one place.

A subclass of BaseWorker sets these as class attributes; its constructor, `@worker` and `register()` take them by name.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, TypedDict

from workerkit.policy import Retry
from workerkit.schedule import Schedule

Interval = timedelta | float | str | None
"""A timedelta, seconds, or a text such as `30s`."""


class RunOptions(TypedDict, total=False):
    """What can be said of any worker, however it is made."""

    timezone: str | None
    """IANA name, in which not_before, not_after and days_off are meant; by default the cron line's own, else UTC."""
    not_before: time | datetime | date | str | None
    """Not due before this time of day (`08:00`), or before this moment."""
    not_after: time | datetime | date | str | None
    """Not due after this time of day, or after this moment."""
    days_off: Iterable[Any]
    """Days on which it is not due: dates, `12-25`, weekdays such as `sun`, a Calendar, or a function of the date."""
    timeout: Interval
    """How long a run may take; None: as long as it likes."""
    retry: Retry | int | None
    """When a failed run is tried again; None: never."""
    overlap: Literal["skip", "queue", "replace"] | int
    """What a slot does that finds it running: a gap, wait, have the run stopped, or up to so many at a time."""
    catch_up: Literal["once", "skip"] | int
    """Which of the slots missed while no host lived are run after all: the latest, none, or up to so many."""
    start_deadline: Interval
    """A slot that can't begin within so long is a gap; None: late is better than never."""
    pause_after: int | None
    """Suspended after so many failures in a row; None: never."""
    isolation: Literal["thread", "async", "process"] | None
    """Where it runs: a thread (plain run), the event loop (async run), or a child process of its own."""
    memory_limit: int | str | None
    """Of its process: bytes, or a text such as `512MB`."""
    cpu_limit: Interval
    """Of its process: processor time of one run."""
    warm: bool
    """Whether its process stays for the next run; what a run leaves behind in memory, the next one finds."""
    aliases: Iterable[str]
    """Names that it had before: what is known under them becomes its own when the host starts."""
    tags: Iterable[str]
    """Words to filter by."""
    description: str | None
    """One line for people."""
    capture_locals: bool
    """Whether a failure keeps the local variables of its frames."""
    secrets: Iterable[str]
    """Names of variables whose values are never kept."""
    fingerprint: Callable[[BaseException], str | None] | None
    """Names the group of a failure, where the worker knows better than the usual rule."""
    hold_on_failure: bool
    """Whether a failure's live frames are kept for questions, on a host that allows them."""


class Options(RunOptions, total=False):
    """With what `@worker` has words of its own for."""

    name: str
    """`[A-Za-z0-9_.:-]{1,64}`, unique per host."""
    interval: Interval
    """How often; None: only when somebody asks."""
    schedule: Schedule | None
    """A Cron, Every or Manual in the interval's place."""


OPTIONS = frozenset(Options.__annotations__)
"""Their names."""
