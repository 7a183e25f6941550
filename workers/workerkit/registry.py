"""Which workers a host knows: unique names, validated once, immutable afterwards."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, Unpack

from workerkit.base import Worker
from workerkit.errors import RegistrationError
from workerkit.options import Options
from workerkit.processes.locator import callers_names, located
from workerkit.registration import Registration, registration_of, source_of


class Registry:
    """Registrations by name, in the order in which they came."""

    def __init__(self) -> None:
        self._registrations: dict[str, Registration] = {}
        self._claimed: dict[str, Registration] = {}
        """By name and by alias."""

    def register(self, worker: Any, **options: Unpack[Options]) -> Registration:
        """Validates a worker (an object with name, interval and run; a class is made without arguments) and keeps it.

        Options win over the worker's attributes; see workerkit.options.

        Raises:
            RegistrationError: naming what is wrong, where, and the remedy. Nothing is kept then.
        """
        given = worker
        if inspect.isclass(worker):
            worker = _instantiate(worker)
        registration = located(registration_of(worker, options), given, callers_names(), self)
        self._keep(registration)
        return registration

    def add_broken(self, name: str, source: str, traceback_text: str) -> Registration:
        """Keeps a worker whose code failed to load, so that the screen can say so."""
        clean = re.sub(r"[^A-Za-z0-9_.:-]+", "-", name).strip("-")[-64:] or "target"
        registration = Registration(clean, source=source, load_error=traceback_text)
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
        names = (registration.name, *registration.aliases)
        for name in names:
            if (other := self._claimed.get(name)) is not None:
                raise RegistrationError(
                    f"{name!r} is claimed by two workers, as a name or an alias: {other.name!r} "
                    f"({other.source or 'one'}) and {registration.name!r} ({registration.source or 'another'}); "
                    "let one of them have it"
                )
        self._registrations[registration.name] = registration
        self._claimed.update(dict.fromkeys(names, registration))


def _instantiate(cls: type) -> Any:
    try:
        return cls()
    except Exception as error:
        raise RegistrationError(
            f"{cls.__qualname__} ({source_of(cls)}) can't be made without arguments: {error}; register an object of it"
        ) from error


def satisfies_protocol(thing: Any) -> bool:
    """Whether an object looks like a worker: name, interval and a callable run."""
    return isinstance(thing, Worker) and callable(thing.run)
