"""Where another process finds a worker again: by names, because code does not travel.

A worker is the variable of a module, a class of a module, or what a WorkerManager that is a module's variable has
under a name. Found when it is registered, so that a worker which can't be found is refused then and not at 3 a.m.
"""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from workerkit.base import FunctionWorker
from workerkit.errors import RegistrationError, WorkerkitError
from workerkit.importing import import_file
from workerkit.policy import parse_retry
from workerkit.processes.here import inside
from workerkit.registration import Registration

MAIN = "__main__"
_REMEDY = (
    "assign it to a variable at the top level of its module, register its class, or register it on a WorkerManager "
    "that is such a variable; not inside a function, and not in an interactive session"
)


class LocatorError(WorkerkitError):
    """A worker that was there when it was registered is not to be found in its own process."""


@dataclass(frozen=True, slots=True)
class Locator:
    """A worker by names."""

    module: str
    file: str | None
    """Of the module, absolute; None where it was not loaded from a file."""
    path: str
    """Dotted, within the module: of the worker, its class, or its manager."""
    worker: str | None = None
    """The worker's name, where the path is a manager's."""

    def load(self) -> ModuleType:
        """Imports the module, unless that has been done. A script that is the host's __main__ gets its file's name.

        Raises:
            BaseException: whatever the module raises.
        """
        if self.file is None or _leads_to(self.module, self.file):
            return importlib.import_module(self.module)
        return import_file(Path(self.file))

    def find(self) -> tuple[Any, Registration | None]:
        """The worker, and how its manager registered it, where there is one. A class is made without arguments.

        Raises:
            LocatorError: the module has no such thing (any more).
            BaseException: whatever the module or the constructor raises.
        """
        module = self.load()
        found = _follow(module, self.path)
        if self.worker is None and found is not None:
            return (found() if inspect.isclass(found) else found), None
        registration = found.registry.get(self.worker) if found is not None else None
        if registration is None or registration.worker is None:
            raise LocatorError(
                f"{self.worker or self.path} is not in {module.__name__} once a process of its own has imported that; "
                'register it at the top level of the module, not under `if __name__ == "__main__":`'
            )
        return registration.worker, registration


def located(registration: Registration, given: Any, names: Mapping[str, Any], registry: object = None) -> Registration:
    """The registration with the place where its own process finds the worker, where it is to have one.

    Args:
        registration: as it was read.
        given: what was registered, the worker or its class.
        names: of the module among whose variables it, or its manager, is to be found.
        registry: the one that it was registered with.

    Raises:
        RegistrationError: it asks for a process and can't have one; says why and what to do.
    """
    where = f"worker {registration.name!r} ({registration.source})"
    if registration.isolation != "process":
        _check_limits(registration, where)
        return registration
    if inside():
        return registration
    if sys.platform == "win32":
        raise RegistrationError(f"{where}: isolation='process' needs Linux or macOS; leave it out")
    if getattr(registration.worker, "limits_its_program", False):
        kind = type(registration.worker).__name__
        raise RegistrationError(f"{where}: {kind} runs its program in a process of its own; leave isolation out")
    if registration.hold_on_failure:
        raise RegistrationError(
            f"{where}: a failure can't be held in a process that ends with its run; "
            "leave out hold_on_failure or isolation='process'"
        )
    locator = _locate(registration, given, names, registry)
    if locator is None:
        raise RegistrationError(
            f"{where}: isolation='process' needs a worker that another process finds again; {_REMEDY}"
        )
    if locator.worker is None:
        _check_options(registration, where)
    return replace(registration, locator=locator)


def callers_names() -> Mapping[str, Any]:
    """The global names of the code outside the kit that called."""
    frame = sys._getframe(1)  # noqa: SLF001 -- documented; there is no other way to the caller's module
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "workerkit":
        frame = frame.f_back
    return frame.f_globals


def _locate(registration: Registration, given: Any, names: Mapping[str, Any], registry: object) -> Locator | None:
    worker = registration.worker
    if registry is not None:
        for name, value in names.items():
            if getattr(value, "registry", None) is registry:
                return _in_module(names, name, registration.name)
    if inspect.isclass(given) and "<locals>" not in given.__qualname__:
        return _of_definition(given, given)
    for name, value in names.items():
        if value is worker and not name.startswith("__"):
            return _in_module(names, name)
    return _of_definition(worker.function, worker) if isinstance(worker, FunctionWorker) else None


def _of_definition(definition: Any, wanted: Any) -> Locator | None:
    """By the name that a class or function was defined under, where that name leads to what is wanted."""
    module = sys.modules.get(definition.__module__)
    path = definition.__qualname__
    return _in_module(vars(module), path) if module and _follow(module, path) is wanted else None


def _in_module(names: Mapping[str, Any], path: str, worker: str | None = None) -> Locator | None:
    module, spec = str(names.get("__name__", "")), names.get("__spec__")
    file = names.get("__file__")
    if module == MAIN and spec is not None:
        module = spec.name  # python -m package.module
    elif module == MAIN and not (isinstance(file, str) and file.endswith(".py")):
        return None  # an interactive session, or python -c
    absolute = str(Path(file).resolve()) if isinstance(file, str) and file.endswith(".py") else None
    return Locator(module, absolute, path, worker) if module else None


def _follow(module: ModuleType, path: str) -> Any:
    found: Any = module
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def _leads_to(module: str, file: str) -> bool:
    """Whether importing that name gives that file, here and now."""
    if module == MAIN:
        return False
    if (loaded := sys.modules.get(module)) is not None:
        origin = getattr(loaded, "__file__", None)
    else:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            return False
        origin = spec.origin if spec is not None else None
    return isinstance(origin, str) and str(Path(origin).resolve()) == file


def _check_limits(registration: Registration, where: str) -> None:
    """Limits are a process's: of a run in one, or of the program that the worker starts."""
    for option in ("memory_limit", "cpu_limit", "warm"):
        if not getattr(registration, option):
            continue
        if not getattr(registration.worker, "limits_its_program", False):
            raise RegistrationError(f"{where}: {option} is a process's; it needs isolation='process'")
        if not getattr(registration.worker, option, None):
            raise RegistrationError(f"{where}: give {option} to {type(registration.worker).__name__}() itself")


def _check_options(registration: Registration, where: str) -> None:
    """Rules that are code can't be sent along; the worker has them, or its manager."""
    worker = registration.worker
    if registration.fingerprint != getattr(worker, "fingerprint", None):
        option = "fingerprint"
    elif registration.retry != parse_retry(getattr(worker, "retry", None)):
        option = "retry"
    else:
        return
    raise RegistrationError(
        f"{where}: {option}= given to register() does not reach the worker's process; "
        f"make it an attribute of the worker, or keep the WorkerManager in a variable of the module"
    )
