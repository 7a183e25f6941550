"""From targets to a registry: the files, folders and modules that the operator names, with all that can go wrong.

Code that does not load becomes a broken worker with its traceback; everything else runs. Only a target that does not
exist at all is an error of the operator's, and stops the command.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from workerkit.errors import RegistrationError, TargetError
from workerkit.importing import LOAD_DEADLINE, LoadFailure, guarded, import_file, import_named
from workerkit.offers import Broken, Offer, offer_of
from workerkit.registration import Registration
from workerkit.registry import Registry
from workerkit.targets import Target, files_in, parse_target


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to mend in the code that was loaded."""

    name: str
    """Of the broken worker that stands for it."""
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the targets gave."""

    registry: Registry
    manager_database: str | Path | None
    """What a WorkerManager among the targets was told to use."""
    manager_grace: float | None
    """Seconds; of that manager."""
    problems: tuple[Problem, ...]


def load(targets: Sequence[str], registry: Registry | None = None, *, deadline: float = LOAD_DEADLINE) -> Loaded:
    """Imports the targets, in order, into the registry (default: a new one).

    Runs the targets' code, each module at most `deadline` seconds. Modules that fail, workers that can't be
    registered, and modules asked for by name that hold no worker, are kept as broken workers and listed as problems.

    Raises:
        TargetError: when a target, or the `:name` in it, does not exist. Paths are looked at before any code runs.
    """
    gathering = _Gathering(registry if registry is not None else Registry(), deadline)
    for target in [parse_target(text) for text in targets]:
        if target.module is not None:
            gathering.module(target, target.module)
        elif target.path is not None and target.path.is_dir():
            gathering.folder(target, target.path)
        elif target.path is not None:
            gathering.file(target, target.path)
    return Loaded(
        gathering.registry,
        next((each.database for each in gathering.managers if each.database is not None), None),
        next((getattr(each, "grace", None) for each in gathering.managers), None),
        tuple(gathering.problems),
    )


@dataclass(slots=True)
class _Gathering:
    registry: Registry
    deadline: float
    managers: list[Any] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _kept: set[int] = field(default_factory=set)
    """Identities of worker objects that came in, so that one imported by two modules comes in once."""

    def module(self, target: Target, name: str) -> None:
        offer = self._offer(partial(import_named, name), target.attribute)
        if offer is None:
            raise TargetError(
                f"there is no module {name!r}, and no file or folder of that name; "
                f"give a path, or run where `python -c 'import {name.partition('.')[0]}'` works"
            )
        self._take_named(offer, target, name, name)

    def file(self, target: Target, path: Path) -> None:
        offer = self._offer(partial(import_file, path), target.attribute)
        assert offer is not None, "only a dotted module can be missing here"
        self._take_named(offer, target, path.stem, f"{path}:1")

    def folder(self, target: Target, folder: Path) -> None:
        before = len(self.registry)
        wanted = target.attribute
        for path in files_in(folder):
            offer = self._offer(partial(import_file, path), None)
            if wanted is not None and isinstance(offer, Offer):
                offer = replace(offer, workers=tuple(worker for worker in offer.workers if worker.name == wanted))
            name = path.parent.name if path.name == "__init__.py" else path.stem
            if not (wanted is not None and isinstance(offer, LoadFailure)):
                self._take(offer, name, f"{path}:1")
        if len(self.registry) > before:
            return
        if wanted is not None:
            raise TargetError(
                f"no module of {folder} holds a worker named {wanted!r}; see `workerconsole check {folder}`"
            )
        self._broken(Broken(folder.name, str(folder), _no_workers(f"the folder {folder}")))

    def _offer(self, importing: Callable[[], ModuleType | None], attribute: str | None) -> Offer | LoadFailure | None:
        def work() -> Offer | None:
            module = importing()
            return None if module is None else offer_of(module, attribute)

        return guarded(work, self.deadline)

    def _take_named(self, offer: Offer | LoadFailure, target: Target, name: str, source: str) -> None:
        """A module that was asked for by name: what it lacks is worth saying."""
        if isinstance(offer, Offer) and offer.missing is not None:
            raise TargetError(f"{target.text}: {name} {offer.missing}")
        self._take(offer, name, source)
        if isinstance(offer, Offer) and not offer.workers:
            self._broken(Broken(name, source, _no_workers(source.removesuffix(":1"))))

    def _take(self, offer: Offer | LoadFailure | None, name: str, source: str) -> None:
        if offer is None:
            return
        if isinstance(offer, LoadFailure):
            self._broken(Broken(name, offer.place or source, offer.text))
            return
        self.managers += offer.managers
        for worker in offer.workers:
            if isinstance(worker, Broken):
                self._broken(worker)
            else:
                self._keep(worker)

    def _keep(self, registration: Registration) -> None:
        if registration.worker is not None and id(registration.worker) in self._kept:
            return
        try:
            self.registry.add(registration)
        except RegistrationError as error:
            self._broken(Broken(registration.name, registration.source, str(error)))
            return
        self._kept.add(id(registration.worker))

    def _broken(self, broken: Broken) -> None:
        """Keeps it under its name, or with `:2`, `:3`... where a worker has that already."""
        for number in count(1):
            name = broken.name if number == 1 else f"{broken.name}:{number}"
            try:
                kept = self.registry.add_broken(name, broken.source, broken.text)
            except RegistrationError:
                continue
            self.problems.append(Problem(kept.name, broken.source, broken.text))
            return


def _no_workers(where: str) -> str:
    return (
        f"There is no worker in {where}. Put @worker(every='30s') above a function, or write a class with name, "
        "interval and run(ctx); `workerconsole init` writes an example."
    )
