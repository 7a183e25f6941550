"""Arranges queued events so that many become few statements, without changing what they add up to."""

from bisect import bisect_left
from collections.abc import Iterable

from workerkit.store.events import Event, HostBeat

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
        of_kind = places.setdefault(kind, [])
        at = bisect_left(of_kind, latest.get(owner, 0))
        if at == len(of_kind):
            of_kind.append(len(groups))
            groups.append((kind, []))
        latest[owner] = of_kind[at]
        groups[of_kind[at]][1].append(event)
    return groups
