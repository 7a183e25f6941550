"""Which workers a host knows: unique names, validated once, immutable afterwards."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from workerkit.base import FunctionWorker, Worker, is_async
from workerkit.clock import Micros
from workerkit.errors import RegistrationError
from workerkit.schedule import Cron, Every, Manual, Schedule, ScheduleError, every, parse_duration

NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""What a worker's name may be: it stands in URLs, command lines, file names and 80-column tables."""

Isolation = Literal["thread", "async"]

OPTIONS = frozenset(
    {
        *("name", "interval", "schedule", "timeout", "tags", "description", "isolation"),
        *("capture_locals", "secrets", "fingerprint", "hold_on_failure"),
    }
)
"""What register() takes beside the worker; each wins over the attribute of the same name."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One worker as the host will run it.

    A worker whose module failed to load has `worker=None` and the traceback in `load_error`; it is shown as broken
    and never runs.
    """

    name: str
    schedule: Schedule
    timeout: Micros | None
    isolation: Isolation
    tags: tuple[str, ...]
    description: str
    source: str
    """path:line of the definition, for people."""
    worker: Any
    load_error: str | None = None
    capture_locals: bool = True
    """Whether a failure keeps the local variables of its frames."""
    secrets: tuple[str, ...] = ()
    """Names of variables and parameters whose values are never kept."""
    fingerprint: Callable[[BaseException], str | None] | None = None
    """Names the group of a failure, where the worker knows better than the usual rule."""
    hold_on_failure: bool = False
    """Whether a failure's live frames are kept for questions, on a host that allows them."""


class Registry:
    """Registrations by name, in the order in which they came."""

    def __init__(self) -> None:
        self._registrations: dict[str, Registration] = {}

    def register(self, worker: Any, **options: Any) -> Registration:
        """Validates a worker (an object with name, interval and run; a class is made without arguments) and keeps it.

        Options: name, interval, schedule, timeout, tags, description, isolation, capture_locals, secrets,
        fingerprint, hold_on_failure.

        Raises:
            RegistrationError: naming what is wrong, where, and the remedy. Nothing is kept then.
        """
        if inspect.isclass(worker):
            worker = _instantiate(worker)
        source = source_of(worker)
        registration = _validate(worker, source, options)
        self._keep(registration)
        return registration

    def add_broken(self, name: str, source: str, traceback_text: str) -> Registration:
        """Keeps a worker whose code failed to load, so that the screen can say so."""
        clean = re.sub(r"[^A-Za-z0-9_.:-]+", "-", name).strip("-")[-64:] or "target"
        registration = Registration(clean, Manual(), None, "thread", (), "", source, None, traceback_text)
        self._keep(registration)
        return registration

    def add(self, registration: Registration) -> None:
        """Keeps a registration made elsewhere, e.g. by another registry.

        Raises:
            RegistrationError: when its name is taken.
        """
        self._keep(registration)

    def get(self, name: str) -> Registration | None:
        return self._registrations.get(name)

    def __iter__(self) -> Iterator[Registration]:
        return iter(tuple(self._registrations.values()))

    def __len__(self) -> int:
        return len(self._registrations)

    def _keep(self, registration: Registration) -> None:
        if (other := self._registrations.get(registration.name)) is not None:
            raise RegistrationError(
                f"two workers are named {registration.name!r}: {other.source or 'one'} and "
                f"{registration.source or 'another'}; rename one, or pass name= to register()"
            )
        self._registrations[registration.name] = registration


def _instantiate(cls: type) -> Any:
    try:
        return cls()
    except Exception as error:
        raise RegistrationError(
            f"{cls.__qualname__} ({source_of(cls)}) can't be made without arguments: {error}; register an object of it"
        ) from error


def _validate(worker: Any, source: str, options: dict[str, Any]) -> Registration:
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
    try:
        schedule = _schedule(worker, options)
        timeout = option("timeout")
        timeout_us = None if timeout is None else parse_duration(timeout)
    except ScheduleError as error:
        raise RegistrationError(f"{where}: {error}") from error
    if timeout_us == 0:
        raise RegistrationError(f"{where}: a timeout of 0 would end every run at once; leave it out for no timeout")
    return Registration(
        name=name,
        schedule=schedule,
        timeout=timeout_us,
        isolation=_isolation(worker, option("isolation"), where),
        tags=_tags(option("tags", ()), where),
        description=_description(option("description"), where),
        source=source,
        worker=worker,
        capture_locals=_flag("capture_locals", option("capture_locals", True), where),
        secrets=_names(option("secrets", ()), where),
        fingerprint=_hook(option("fingerprint"), where),
        hold_on_failure=_flag("hold_on_failure", option("hold_on_failure", False), where),
    )


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


def _schedule(worker: Any, options: dict[str, Any]) -> Schedule:
    """An option wins over the attribute, and `schedule` over `interval`."""
    for holder in (options, {key: getattr(worker, key, None) for key in ("schedule", "interval")}):
        if (schedule := holder.get("schedule")) is not None:
            if not isinstance(schedule, Every | Cron | Manual):
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
    if wanted == "async":
        raise RegistrationError(
            f"{where}: isolation='async' needs `async def run`; write it so, or leave the option out"
        )
    if wanted == "thread":
        raise RegistrationError(
            f"{where}: `async def run` runs on the event loop; leave isolation out, or write `def run`"
        )
    raise RegistrationError(f"{where}: isolation={wanted!r} is not known; it is 'thread' or 'async', and set by itself")


def _tags(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(tag, str) and NAME.fullmatch(tag) for tag in (value or ())):
        raise RegistrationError(
            f"{where}: tags={value!r} won't do; give a list of words such as ['billing', 'nightly']"
        )
    return tuple(value or ())


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


def satisfies_protocol(thing: Any) -> bool:
    """Whether an object looks like a worker: name, interval and a callable run."""
    return isinstance(thing, Worker) and callable(thing.run)
