"""The filter line: words that a worker must meet, all of them.

`web` keeps names that contain it, `!web` those that don't; `status:failed` and `tag:nightly` look at the status and
the tags (a beginning is enough, a comma means or), and `!` inverts them as well.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workerkit.outcome import Status
from workerkit.store.records import WorkerRecord

_STATUSES = tuple(status.value for status in Status)


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter."""

    field: str
    """name, status or tag"""
    values: tuple[str, ...]
    """Lower case; one of them must fit."""
    inverted: bool = False

    def accepts(self, worker: WorkerRecord) -> bool:
        return _TESTS[self.field](worker, self.values) is not self.inverted


@dataclass(frozen=True, slots=True)
class Filter:
    """What the operator wants to see."""

    text: str = ""
    terms: tuple[Term, ...] = ()
    mistake: str | None = None
    """Why a word of it can't match anything, for the operator."""

    def accepts(self, worker: WorkerRecord) -> bool:
        return all(term.accepts(worker) for term in self.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)


def parse(text: str) -> Filter:
    """Read a filter line. A leading slash is forgiven; a word with an unknown prefix is part of a name."""
    terms = tuple(term for word in text.strip().removeprefix("/").split() if (term := _term(word)) is not None)
    return Filter(text=text.strip(), terms=terms, mistake=_mistake(terms))


def _term(word: str) -> Term | None:
    inverted = word.startswith("!")
    bare = word.removeprefix("!").lower()
    field, colon, value = bare.partition(":")
    if not (colon and field in ("name", "status", "tag")):
        field, value = "name", bare
    values = tuple(part for part in value.split(",") if part)
    return Term(field, values, inverted) if values else None


def _mistake(terms: Iterable[Term]) -> str | None:
    for term in terms:
        if term.field == "status":
            for value in term.values:
                if not any(status.startswith(value) for status in _STATUSES):
                    return f"no status begins with '{value}'; there are {', '.join(_STATUSES)}"
    return None


def _name(worker: WorkerRecord, values: tuple[str, ...]) -> bool:
    name = worker.name.lower()
    return any(value in name for value in values)


def _status(worker: WorkerRecord, values: tuple[str, ...]) -> bool:
    # A paused worker that is still in its run has status running; the operator means both by "paused".
    statuses = {worker.status}
    if worker.paused:
        statuses.add(Status.PAUSED)
    if worker.suspended_because is not None:
        statuses.add(Status.SUSPENDED)
    return any(status.startswith(value) for status in statuses for value in values)


def _tag(worker: WorkerRecord, values: tuple[str, ...]) -> bool:
    return any(tag.lower().startswith(value) for tag in worker.tags for value in values)


_TESTS: dict[str, Callable[[WorkerRecord, tuple[str, ...]], bool]] = {"name": _name, "status": _status, "tag": _tag}
