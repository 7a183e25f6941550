"""The pattern at the heart: a Worker has a name, an interval and run(ctx)."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Protocol, overload, runtime_checkable

from workerkit.context import RunContext
from workerkit.schedule import Cron, Manual, Schedule
from workerkit.schedule import every as every_

Interval = timedelta | float | str | None
"""A timedelta, seconds, or a text such as `30s`; None: the worker runs only when somebody asks."""


@runtime_checkable
class Worker(Protocol):
    """Anything with these three can be registered; no base class is needed."""

    name: str
    interval: Any
    """An `Interval`; typed loosely so that a plain class attribute of any of its types satisfies the protocol."""

    def run(self, ctx: RunContext) -> Any:
        """Does the work once. May be `async def`. What it returns is kept as a short summary."""


class BaseWorker:
    """Name, interval and the defaults of everything else; a subclass sets class attributes and writes run().

    Each option can also be given to the constructor, or to WorkerManager.register().

    Attributes:
        name: `[A-Za-z0-9_.:-]{1,64}`, unique per host; by default the class's name in kebab-case.
        interval: timedelta, seconds, or text such as `30s`; None: manual only.
        schedule: a Cron, Every or Manual in the interval's place.
        timeout: how long a run may take (as interval); None: as long as it likes.
        tags: words to filter by.
        description: one line for people.
        capture_locals: whether a failure keeps the local variables of its frames.
        secrets: names of variables whose values are never kept.
        fingerprint: a function of the exception that names the failure's group; None: the usual rule.
        hold_on_failure: whether a failure's live frames are kept for questions, on a host that allows them.
    """

    name: str
    interval: Any = None
    schedule: Schedule | None = None
    timeout: Any = None
    tags: Iterable[str] = ()
    description: str = ""
    capture_locals: bool = True
    secrets: Iterable[str] = ()
    fingerprint: Callable[[BaseException], str | None] | None = None
    hold_on_failure: bool = False

    _OPTIONS: ClassVar = frozenset(
        {
            *("name", "interval", "schedule", "timeout", "tags", "description"),
            *("capture_locals", "secrets", "fingerprint", "hold_on_failure"),
        }
    )

    def __init__(self, **options: Any) -> None:
        unknown = options.keys() - self._OPTIONS
        if unknown:
            known = ", ".join(sorted(self._OPTIONS))
            raise TypeError(f"{type(self).__name__}() has no option {min(unknown)!r}; it takes {known}")
        for option, value in options.items():
            setattr(self, option, value)
        if not hasattr(self, "name"):
            self.name = _kebab(type(self).__name__)

    def run(self, ctx: RunContext) -> Any:
        """Does the work once; a subclass writes it, plain or `async def`."""
        raise NotImplementedError(f"{type(self).__name__} has no run(ctx)")


@dataclass(frozen=True)
class FunctionWorker:
    """A function made into a worker by `@worker`; calling it calls the function."""

    function: Callable[..., Any]
    name: str
    interval: Interval
    schedule: Schedule
    timeout: Interval
    tags: tuple[str, ...]
    description: str
    capture_locals: bool = True
    secrets: tuple[str, ...] = ()
    fingerprint: Callable[[BaseException], str | None] | None = None
    hold_on_failure: bool = False

    def run(self, ctx: RunContext) -> Any:
        return self.function(ctx) if _takes_context(self.function) else self.function()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


@overload
def worker(function: Callable[..., Any], /) -> FunctionWorker: ...
@overload
def worker(
    *,
    every: Interval = None,
    cron: str | None = None,
    timezone: str = "UTC",
    name: str | None = None,
    timeout: Interval = None,
    tags: Iterable[str] = (),
    description: str | None = None,
    capture_locals: bool = True,
    secrets: Iterable[str] = (),
    fingerprint: Callable[[BaseException], str | None] | None = None,
    hold_on_failure: bool = False,
) -> Callable[[Callable[..., Any]], FunctionWorker]: ...
def worker(
    function: Callable[..., Any] | None = None,
    /,
    *,
    every: Interval = None,
    cron: str | None = None,
    timezone: str = "UTC",
    name: str | None = None,
    timeout: Interval = None,
    tags: Iterable[str] = (),
    description: str | None = None,
    capture_locals: bool = True,
    secrets: Iterable[str] = (),
    fingerprint: Callable[[BaseException], str | None] | None = None,
    hold_on_failure: bool = False,
) -> FunctionWorker | Callable[[Callable[..., Any]], FunctionWorker]:
    """Makes a function a worker. It may take the run context or nothing, and may be `async def`.

    Without `every` and `cron` it runs only when somebody asks. The name is the function's with hyphens for
    underscores; the description is the first line of its docstring.

    Raises:
        ScheduleError: for an interval or a cron line that can't be meant.
        ValueError: when both `every` and `cron` are given.
    """
    if every is not None and cron is not None:
        raise ValueError("@worker takes every= or cron=, not both")

    def decorate(target: Callable[..., Any]) -> FunctionWorker:
        doc = inspect.getdoc(target) or ""
        return FunctionWorker(
            function=target,
            name=name or target.__name__.replace("_", "-"),
            interval=every,
            schedule=_schedule(every, cron, timezone),
            timeout=timeout,
            tags=tuple(tags),
            description=description if description is not None else doc.partition("\n")[0],
            capture_locals=capture_locals,
            secrets=tuple(secrets),
            fingerprint=fingerprint,
            hold_on_failure=hold_on_failure,
        )

    return decorate(function) if function is not None else decorate


def _schedule(interval: Interval, cron: str | None, timezone: str) -> Schedule:
    if cron is not None:
        return Cron(cron, timezone)
    return Manual() if interval is None else every_(interval)


def _takes_context(function: Callable[..., Any]) -> bool:
    return bool(inspect.signature(function).parameters)


def is_async(target: object) -> bool:
    """Whether this worker's run() is `async def`, seen through @worker."""
    function = target.function if isinstance(target, FunctionWorker) else getattr(target, "run", None)
    return inspect.iscoroutinefunction(function)


def _kebab(name: str) -> str:
    return "".join(
        f"-{c.lower()}" if c.isupper() and i and not name[i - 1].isupper() else c.lower() for i, c in enumerate(name)
    )
