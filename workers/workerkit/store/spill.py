"""What a host could not write before its end: JSON lines in a file beside the database, for the next host to write.

The first line says whose they are, every other is one event. They are applied in one transaction, together with the
end of their host's row; a host that has an end gets none of them, so nothing is written twice.
"""

import contextlib
import json
import logging
import os
import types
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from sqlalchemy import Connection, select, update

from workerkit.clock import Micros
from workerkit.errors import DatabaseError
from workerkit.store.connect import trouble_of
from workerkit.store.events import Event, HostBeat, LinesCaptured, RunProgressed
from workerkit.store.files import check_private, create_private
from workerkit.store.models import hosts
from workerkit.store.writes import APPLY

VERSION = 3
MAX_BYTES = 64 * 1024 * 1024
"""A file beyond it takes no more events, and is not read."""
LEFT_OUT = (LinesCaptured, RunProgressed, HostBeat)
"""Events without which the history is true."""

_KINDS = {kind.__name__: kind for kind in get_args(Event)}
_log = logging.getLogger(__name__)


def spill_path(database: Path) -> Path:
    """Where the host of a database leaves what it could not write."""
    return database.with_name(f"{database.name}.unwritten")


def spill(events: Iterable[Event], database: Path, *, host_id: int, now: Micros, given_up: Callable[[], bool]) -> int:
    """Leaves the events for the next host, in their order; how many of the first they are that were left.

    0, and no file, where it can't be written; 0 also where one is there already. Lines, progress and heartbeats are
    left out, and counted as if they were not. Ends early when the file is full, or there is no more time.
    """
    path = spill_path(database)
    try:
        if not create_private(path):
            return 0
        taken = 0
        with path.open("w", encoding="ascii") as file:
            size = file.write(_line({"version": VERSION, "host": host_id, "pid": os.getpid(), "at": now}))
            for event in events:
                if not isinstance(event, LEFT_OUT):
                    text = _line({"event": type(event).__name__, **_plain(event)})
                    if given_up() or size + len(text) > MAX_BYTES:
                        break
                    size += file.write(text)
                taken += 1
            file.flush()
            os.fsync(file.fileno())
    except (OSError, DatabaseError, ValueError, TypeError, RecursionError):
        _log.exception("what could not be written to %s could not be left for the next host either", database)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return 0
    return taken


def _plain(value: Any) -> Any:
    """The value as JSON has it, named tuples by their names."""
    if hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


def take_in(connection: Connection, change: int, database: Path) -> int:
    """Writes what the host before left; how many events that were. Then settle() is due, once it is committed.

    What can't be written of it is logged, and left out.

    Raises:
        DatabaseError: when the file isn't ours, or can't be understood; nothing was written.
    """
    header, events = _read(spill_path(database))
    owner = hosts.c.id == header["host"]
    found = connection.execute(select(hosts.c.pid, hosts.c.ending).where(owner)).first()
    if found is None or found.pid != header["pid"]:
        raise DatabaseError(f"the host that left it (host {header['host']}) is none of this database's")
    if found.ending is not None:
        return 0
    for event in events:
        try:
            with connection.begin_nested():
                APPLY[type(event)](connection, change, [event])
        except Exception as error:
            if trouble_of(error) is not None:
                raise
            _log.exception("%s, which the host before left, could not be written", type(event).__name__)
    connection.execute(
        update(hosts)
        .where(owner)
        .values(ending="stopped", stopped_at=header["at"], heartbeat_at=header["at"], notice=None)
    )
    return len(events)


def settle(database: Path, error: BaseException | None) -> None:
    """Removes the file once it was written, or sets it aside where it can't be. Never raises."""
    path = spill_path(database)
    try:
        if error is None:
            path.unlink(missing_ok=True)
        else:
            aside = path.with_name(f"{path.name}.refused")
            _log.error("what the host before left in %s can't be written: %s; see %s", path, error, aside)
            path.replace(aside)
    except OSError:
        _log.exception("%s can't be put away; remove it", path)


def _read(path: Path) -> tuple[dict[str, Any], list[Event]]:
    check_private(path)
    if path.stat().st_size > 2 * MAX_BYTES:
        raise DatabaseError(f"{path} is too large to be read")
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        header = json.loads(lines[0])
        if header["version"] != VERSION:
            raise DatabaseError(f"{path} is of another version")
        return header, [_event(json.loads(line)) for line in lines[1:]]
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise DatabaseError(f"{path} can't be understood ({error!r})") from error


def _event(data: dict[str, Any]) -> Event:
    kind = _KINDS[data.pop("event")]
    event: Event = _build(kind, data)
    return event


def _build(hint: Any, value: Any) -> Any:
    """The value as its type says: the inverse of _plain() and JSON for what events are made of."""
    if isinstance(hint, type) and hasattr(hint, "_fields"):
        hints = get_type_hints(hint)
        return hint(**{name: _build(hints[name], value[name]) for name in hints if name in value})
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _build(next(part for part in get_args(hint) if part is not type(None)), value)
    if origin is tuple:
        return tuple(_build(get_args(hint)[0], part) for part in value)
    return hint(value) if isinstance(hint, type) and issubclass(hint, Enum) else value
