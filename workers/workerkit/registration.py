"""One worker as the host will run it: its options read, checked and put into the form that the host works with."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from workerkit.base import FunctionWorker, is_async
from workerkit.clock import Micros
from workerkit.errors import RegistrationError
from workerkit.options import OPTIONS
from workerkit.policy import (
    Overlap,
    PolicyError,
    Retry,
    parse_catch_up,
    parse_limit,
    parse_overlap,
    parse_pause_after,
    parse_retry,
    parse_size,
)
from workerkit.schedule import Manual, Schedule, ScheduleError, every, format_duration, restrict

if TYPE_CHECKING:
    from workerkit.processes.locator import Locator

NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""What a worker's name may be: it stands in URLs, command lines, file names and 80-column tables."""

Isolation = Literal["thread", "async", "process"]

MILLISECOND: Micros = 1000

MANUAL = Manual()
SKIP = Overlap()


@dataclass(frozen=True, slots=True)
class Registration:
    """One worker as the host will run it. Spans are microseconds, sizes are bytes.

    A worker whose module failed to load has `worker=None` and the traceback in `load_error`; it is shown as broken
    and never runs.
    """

    name: str
    worker: Any = None
    schedule: Schedule = MANUAL
    source: str = ""
    """path:line of the definition, for people."""
    load_error: str | None = None
    description: str = ""
    aliases: tuple[str, ...] = ()
    """Names that it had before."""
    tags: tuple[str, ...] = ()
    timeout: Micros | None = None
    retry: Retry | None = None
    overlap: Overlap = SKIP
    catch_up: int = 1
    """How many of the slots missed while no host lived are run after all, the latest ones."""
    start_deadline: Micros | None = None
    """A slot that can't begin within so long is a gap."""
    pause_after: int | None = None
    """Suspended after so many failures in a row."""
    isolation: Isolation = "thread"
    memory_limit: int | None = None
    cpu_limit: Micros | None = None
    warm: bool = False
    """Whether its process stays for the next run."""
    locator: "Locator | None" = None
    """Where a process of its own finds it; see workerkit.processes.locator."""
    capture_locals: bool = True
    """Whether a failure keeps the local variables of its frames."""
    secrets: tuple[str, ...] = ()
    """Names of variables and parameters whose values are never kept."""
    fingerprint: Callable[[BaseException], str | None] | None = None
    """Names the group of a failure, where the worker knows better than the usual rule."""
    hold_on_failure: bool = False
    """Whether a failure's live frames are kept for questions, on a host that allows them."""

    def policy(self) -> dict[str, str]:
        """What was chosen beside the defaults, by option, in words for people."""
        chosen: dict[str, str] = {}
        if self.retry is not None:
            chosen["retry"] = self.retry.describe()
        if self.overlap != SKIP:
            chosen["overlap"] = self.overlap.describe()
        if self.catch_up != 1:
            chosen["catch up"] = f"up to {self.catch_up:,} missed slots" if self.catch_up else "no missed slot"
        if self.start_deadline is not None:
            chosen["start deadline"] = f"within {format_duration(self.start_deadline)} of the slot"
        if self.pause_after is not None:
            chosen["pause after"] = f"{self.pause_after} failures in a row"
        if self.memory_limit is not None:
            chosen["memory limit"] = f"{self.memory_limit / 2**20:,.0f} MB"
        if self.cpu_limit is not None:
            chosen["cpu limit"] = format_duration(self.cpu_limit)
        if self.warm:
            chosen["process"] = "kept warm between runs"
        return chosen


def registration_of(worker: Any, options: Mapping[str, Any]) -> Registration:
    """Reads and checks a worker and its options; an option wins over the attribute of the same name.

    Raises:
        RegistrationError: naming what is wrong, where, and the remedy.
    """
    source = source_of(worker)
    where = f"worker {type(worker).__qualname__} ({source})"
    if unknown := sorted(options.keys() - OPTIONS):
        raise RegistrationError(f"{where}: unknown option {unknown[0]!r}; known are {', '.join(sorted(OPTIONS))}")

    def option(name: str, default: Any = None) -> Any:
        return options[name] if name in options else getattr(worker, name, default)

    name = option("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise RegistrationError(
            f"{where}: the name {name!r} won't do; use 1 to 64 letters, digits and _ . : -, for example 'backup-db'"
        )
    where = f"worker {name!r} ({source})"
    _check_run(worker, where)
    isolation = _isolation(worker, option("isolation"), where)
    try:
        registration = Registration(
            name=name,
            worker=worker,
            schedule=restrict(
                _schedule(worker, options),
                not_before=option("not_before"),
                not_after=option("not_after"),
                days_off=option("days_off") or (),
                timezone=option("timezone"),
            ),
            source=source,
            description=_description(option("description"), where),
            aliases=_aliases(option("aliases", ()), name, where),
            tags=_tags(option("tags", ()), where),
            timeout=parse_limit("timeout", option("timeout"), at_least=MILLISECOND),
            retry=parse_retry(option("retry")),
            overlap=parse_overlap(option("overlap", "skip")),
            catch_up=parse_catch_up(option("catch_up", "once")),
            start_deadline=parse_limit("start_deadline", option("start_deadline"), at_least=MILLISECOND),
            pause_after=parse_pause_after(option("pause_after")),
            isolation=isolation,
            memory_limit=parse_size("memory_limit", option("memory_limit")),
            cpu_limit=parse_limit("cpu_limit", option("cpu_limit")),
            warm=_flag("warm", option("warm", False), where),
            capture_locals=_flag("capture_locals", option("capture_locals", True), where),
            secrets=_names(option("secrets", ()), where),
            fingerprint=_hook(option("fingerprint"), where),
            hold_on_failure=_flag("hold_on_failure", option("hold_on_failure", False), where),
        )
    except (ScheduleError, PolicyError) as error:
        raise RegistrationError(f"{where}: {error}") from error
    return registration


def _flag(name: str, value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise RegistrationError(f"{where}: {name}={value!r} won't do; it is True or False")
    return value


def _names(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(name, str) and name for name in (value or ())):
        raise RegistrationError(f"{where}: secrets={value!r} won't do; give a list of names such as ['pin']")
    return tuple(value or ())


def _hook(value: Any, where: str) -> Callable[[BaseException], str | None] | None:
    if value is not None and not callable(value):
        raise RegistrationError(f"{where}: fingerprint={value!r} can't be called; give a function of the exception")
    hook: Callable[[BaseException], str | None] | None = value
    return hook


def _schedule(worker: Any, options: Mapping[str, Any]) -> Schedule:
    """An option wins over the attribute, and `schedule` over `interval`."""
    own = {key: getattr(worker, key, None) for key in ("schedule", "interval")}
    for holder in (options, own):
        if (schedule := holder.get("schedule")) is not None:
            if not isinstance(schedule, Schedule):
                raise ScheduleError(f"schedule={schedule!r} is none; give every(...), Cron(...) or Manual()")
            return schedule
        if (interval := holder.get("interval")) is not None:
            return every(interval)
        if "interval" in holder and holder is options:
            return Manual()
    if not hasattr(worker, "interval") and not hasattr(worker, "schedule"):
        raise ScheduleError("it has no interval; set one such as '30s', or None to run it only by hand")
    return Manual()


def _check_run(worker: Any, where: str) -> None:
    run = getattr(worker, "run", None)
    if not callable(run):
        raise RegistrationError(f"{where}: it has no run(ctx) method; write one, or use the @worker decorator")
    function: Callable[..., Any] = worker.function if isinstance(worker, FunctionWorker) else run
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    arguments = () if isinstance(worker, FunctionWorker) and not signature.parameters else (None,)
    try:
        signature.bind(*arguments)
    except TypeError as error:
        shown = f"{getattr(function, '__name__', 'run')}{signature}"
        raise RegistrationError(
            f"{where}: {shown} can't be called with the run context alone ({error}); "
            "take one parameter, ctx, and give the others defaults"
        ) from error
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise RegistrationError(f"{where}: run is a generator, whose body would never execute; remove its yield")


def _isolation(worker: Any, wanted: Any, where: str) -> Isolation:
    natural: Isolation = "async" if is_async(worker) else "thread"
    if wanted in (None, natural):
        return natural
    if wanted == "process":
        return "process"
    if wanted == "async":
        raise RegistrationError(
            f"{where}: isolation='async' needs `async def run`; write it so, or leave the option out"
        )
    if wanted == "thread":
        raise RegistrationError(
            f"{where}: `async def run` runs on the event loop; leave isolation out, or write `def run`"
        )
    raise RegistrationError(f"{where}: isolation={wanted!r} is not known; give 'process', or leave it out")


def _tags(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(tag, str) and NAME.fullmatch(tag) for tag in (value or ())):
        raise RegistrationError(
            f"{where}: tags={value!r} won't do; give a list of words such as ['billing', 'nightly']"
        )
    return tuple(value or ())


def _aliases(value: Any, name: str, where: str) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(old, str) and NAME.fullmatch(old) for old in (value or ())):
        raise RegistrationError(f"{where}: aliases={value!r} won't do; give a list of earlier names such as ['backup']")
    if name in (value or ()):
        raise RegistrationError(f"{where}: its own name is among its aliases; give only names that it had before")
    return tuple(dict.fromkeys(value or ()))


def _description(value: Any, where: str) -> str:
    if not isinstance(value, str | None):
        raise RegistrationError(f"{where}: the description is no text; give one line")
    return (value or "").strip().partition("\n")[0][:200]


def source_of(thing: Any) -> str:
    """path:line where a worker is defined, or its module's name, or nothing."""
    if isinstance(thing, FunctionWorker) and (code := getattr(thing.function, "__code__", None)) is not None:
        return f"{code.co_filename}:{code.co_firstlineno}"
    cls: type = thing if inspect.isclass(thing) else type(thing)
    return _source_of_class(cls)


@lru_cache(maxsize=1024)
def _source_of_class(cls: type) -> str:
    """Finding a class parses its file, and ten thousand workers may be of one class."""
    try:
        path = inspect.getsourcefile(cls)
        _, line = inspect.getsourcelines(cls)
    except (OSError, TypeError):
        return getattr(cls, "__module__", "") or ""
    return f"{path}:{line}"
