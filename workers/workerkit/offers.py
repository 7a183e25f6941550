"""What an imported module offers to a host: its managers, else its worker objects and the classes it defines."""

import inspect
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from workerkit.base import BaseWorker, FunctionWorker
from workerkit.errors import RegistrationError
from workerkit.importing import describe
from workerkit.processes.locator import located
from workerkit.registration import Registration, registration_of, source_of
from workerkit.registry import satisfies_protocol


@dataclass(frozen=True, slots=True)
class Broken:
    """A worker that is there in the code and can't be hosted, and why."""

    name: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What came out of one module."""

    workers: tuple[Registration | Broken, ...] = ()
    managers: tuple[Any, ...] = ()
    """The managers that they were registered with, which say which database to use."""
    missing: str | None = None
    """The `:name` asked for is not there; says what is."""


def offer_of(module: ModuleType, attribute: str | None = None) -> Offer:
    """Everything a module offers, or the one thing asked for by attribute or by worker name.

    Runs user code: constructors, properties. Call it under workerkit.importing.guarded.
    """
    if attribute is None:
        return _everything(module)
    value: Any = module
    for part in attribute.split("."):
        value = getattr(value, part, None)
    if value is not None:
        return _one(value, attribute, module)
    whole = _everything(module)
    named = tuple(worker for worker in whole.workers if worker.name == attribute)
    if named:
        return Offer(named, whole.managers)
    names = [worker.name for worker in whole.workers]
    near = get_close_matches(attribute, [*names, *vars(module)], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it offers {', '.join(names) or 'no workers'}"
    return Offer(missing=f"has nothing named {attribute!r}; {hint}")


def _everything(module: ModuleType) -> Offer:
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    managers = _once([value for value in public.values() if _is_manager(value)])
    if managers:
        return Offer(
            tuple(registration for manager in managers for registration in manager.registry),
            tuple(managers),
        )
    objects = _once([value for value in public.values() if _is_worker_object(value)])
    classes = _once([value for value in public.values() if _is_worker_class(value, module)])
    made = [
        cls for cls in classes if not any(type(each) is cls for each in objects) and not _is_mere_base(cls, classes)
    ]
    return Offer(tuple(_registered(thing, module) for thing in (*objects, *made)))


def _one(value: Any, attribute: str, module: ModuleType) -> Offer:
    if _is_manager(value):
        return Offer(tuple(value.registry), (value,))
    if inspect.isfunction(value):
        text = f"{attribute} is a plain function; put @worker(every='30s') above it to make it a worker"
        return Offer((Broken(value.__name__, f"{value.__code__.co_filename}:{value.__code__.co_firstlineno}", text),))
    return Offer((_registered(value, module),))


def _registered(thing: Any, module: ModuleType) -> Registration | Broken:
    worker = thing
    if inspect.isclass(thing):
        try:
            worker = thing()
        except BaseException as error:  # noqa: BLE001 -- a constructor may raise anything; the other workers load
            failure = describe(error)
            return Broken(_name_of(thing), failure.place or source_of(thing), failure.text)
    try:
        return located(registration_of(worker, {}), thing, vars(module))
    except RegistrationError as error:
        return Broken(_name_of(worker), source_of(worker), str(error))


def _name_of(thing: Any) -> str:
    name = getattr(thing, "name", None)
    return name if isinstance(name, str) and name else getattr(thing, "__name__", type(thing).__name__)


def _is_manager(value: Any) -> bool:
    """Whether it is a WorkerManager; where nobody imported that class there can be no object of it."""
    manager = sys.modules.get("workerkit.manager")
    return manager is not None and isinstance(value, manager.WorkerManager)


def _is_worker_object(value: Any) -> bool:
    if inspect.isclass(value) or inspect.ismodule(value):
        return False
    try:
        return isinstance(value, FunctionWorker) or satisfies_protocol(value)
    except Exception:  # noqa: BLE001 -- a lazy proxy may raise at any look; it is no worker
        return False


def _is_worker_class(value: Any, module: ModuleType) -> bool:
    """A class of this very module that makes workers without arguments; told without making one."""
    if not inspect.isclass(value) or value.__module__ != module.__name__ or inspect.isabstract(value):
        return False
    run = getattr(value, "run", None)
    if not callable(run) or run is BaseWorker.run or getattr(value, "_is_protocol", False):
        return False
    if not all(_promises(value, attribute) for attribute in ("name", "interval")):
        return False
    try:
        inspect.signature(value).bind()
    except (TypeError, ValueError):
        return False
    return True


def _promises(cls: type, attribute: str) -> bool:
    """Whether objects of the class have the attribute: set on the class, declared, or assigned in a constructor."""
    if hasattr(cls, attribute) or issubclass(cls, BaseWorker):
        return True
    return any(
        attribute in vars(base).get("__annotations__", ())
        or attribute in getattr(getattr(vars(base).get("__init__"), "__code__", None), "co_names", ())
        for base in cls.__mro__
    )


def _is_mere_base(cls: type, classes: list[type]) -> bool:
    """A class that others of the module derive from, and that has no schedule itself, is there to be derived from."""
    derived = any(cls in other.__mro__[1:] for other in classes)
    return derived and getattr(cls, "interval", None) is None and getattr(cls, "schedule", None) is None


def _once(values: list[Any]) -> list[Any]:
    """The same, each object once: a module may hold one under two names."""
    return list({id(value): value for value in values}.values())
