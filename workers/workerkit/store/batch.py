"""Arranges queued events so that many become few statements, without changing what they add up to."""

from bisect import bisect_left
from collections.abc import Iterable

from workerkit.store.events import Event, HostBeat, RunStarted, SlotsMissed

Group = tuple[type[Event], list[Event]]


def arrange(events: Iterable[Event]) -> list[Group]:
    """Groups of one type, to be applied one after the other.

    Events of one worker keep their order; those of different workers touch different rows (or add to the same
    minute, in any order), so they may change places to stand together.
    """
    groups: list[Group] = []
    places: dict[type[Event], list[int]] = {}
    latest: dict[str, int] = {}
    for event in events:
        kind = type(event)
        owner = "" if isinstance(event, HostBeat) else event.worker
        of_kind = places.get(kind)
        if of_kind is None:
            of_kind = places[kind] = []
        at = bisect_left(of_kind, latest[owner]) if owner in latest else 0
        if at == len(of_kind):
            of_kind.append(len(groups))
            groups.append((kind, []))
        place = latest[owner] = of_kind[at]
        groups[place][1].append(event)
    return _without_what_starts_say(groups) if SlotsMissed in places else groups


def _without_what_starts_say(groups: list[Group]) -> list[Group]:
    """Leaves to a run's start, where one follows, what missed slots say of their worker: it, or its end, says it anew.

    So it is of every slot that a host comes to too late: those before it are missed, and for the last a run begins.
    """
    begun: set[str] = set()
    for kind, events in reversed(groups):
        if kind is RunStarted:
            begun.update(event.worker for event in events if event.covered_until is not None)
        elif kind is SlotsMissed:
            events[:] = [event._replace(covered_until=None) if event.worker in begun else event for event in events]
    return groups
