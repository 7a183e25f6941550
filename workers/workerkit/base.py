"""The pattern at the heart: a Worker has a name, an interval and run(ctx)."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Protocol, Unpack, overload, runtime_checkable

from workerkit.context import RunContext
from workerkit.options import OPTIONS, Interval, Options, RunOptions
from workerkit.schedule import Cron, Manual, Schedule
from workerkit.schedule import every as every_


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

    Each option can also be given to the constructor, or to WorkerManager.register(); workerkit.options says what each
    is. The name is by default the class's in kebab-case.
    """

    name: str
    interval: Any = None
    schedule: Schedule | None = None
    timezone: str | None = None
    not_before: Any = None
    not_after: Any = None
    days_off: Iterable[Any] = ()
    timeout: Any = None
    retry: Any = None
    overlap: Any = "skip"
    catch_up: Any = "once"
    start_deadline: Any = None
    pause_after: int | None = None
    isolation: Any = None
    memory_limit: Any = None
    cpu_limit: Any = None
    warm: bool = False
    aliases: Iterable[str] = ()
    tags: Iterable[str] = ()
    description: str | None = ""
    capture_locals: bool = True
    secrets: Iterable[str] = ()
    fingerprint: Callable[[BaseException], str | None] | None = None
    hold_on_failure: bool = False

    def __init__(self, **options: Unpack[Options]) -> None:
        if unknown := options.keys() - OPTIONS:
            known = ", ".join(sorted(OPTIONS))
            raise TypeError(f"{type(self).__name__}() has no option {min(unknown)!r}; it takes {known}")
        vars(self).update(options)
        if not hasattr(self, "name"):
            self.name = _kebab(type(self).__name__)

    def run(self, ctx: RunContext) -> Any:
        """Does the work once; a subclass writes it, plain or `async def`."""
        raise NotImplementedError(f"{type(self).__name__} has no run(ctx)")


class FunctionWorker(BaseWorker):
    """A function made into a worker by `@worker`; calling it calls the function."""

    def __init__(self, function: Callable[..., Any], **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.function = function

    def run(self, ctx: RunContext) -> Any:
        return self.function(ctx) if _takes_context(self.function) else self.function()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<worker {self.name!r}>"


@overload
def worker(function: Callable[..., Any], /) -> FunctionWorker: ...
@overload
def worker(
    *, every: Interval = None, cron: str | None = None, name: str | None = None, **options: Unpack[RunOptions]
) -> Callable[[Callable[..., Any]], FunctionWorker]: ...
def worker(
    function: Callable[..., Any] | None = None,
    /,
    *,
    every: Interval = None,
    cron: str | None = None,
    name: str | None = None,
    **options: Unpack[RunOptions],
) -> FunctionWorker | Callable[[Callable[..., Any]], FunctionWorker]:
    """Makes a function a worker. It may take the run context or nothing, and may be `async def`.

    Without `every` and `cron` it runs only when somebody asks. The name is the function's with hyphens for
    underscores; the description is the first line of its docstring. The other options are those of workerkit.options.

    Raises:
        ScheduleError: for an interval or a cron line that can't be meant.
        TypeError: for an option that does not exist.
        ValueError: when both `every` and `cron` are given.
    """
    if every is not None and cron is not None:
        raise ValueError("@worker takes every= or cron=, not both")
    if unknown := options.keys() - RunOptions.__annotations__.keys():
        raise TypeError(f"@worker has no option {min(unknown)!r}; it takes every, cron, {', '.join(sorted(OPTIONS))}")

    def decorate(target: Callable[..., Any]) -> FunctionWorker:
        own: Options = {
            "name": name or target.__name__.replace("_", "-"),
            "interval": every,
            "schedule": _schedule(every, cron, options.get("timezone") or "UTC"),
            **options,
        }
        if own.get("description") is None:
            own["description"] = (inspect.getdoc(target) or "").partition("\n")[0]
        return FunctionWorker(target, **own)

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
