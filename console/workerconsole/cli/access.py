"""How commands reach the database, and what they say where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from workerconsole.cli.errors import NotFoundError
from workerkit.store.database import Database, default_path, locate
from workerkit.store.records import WorkerRecord

if TYPE_CHECKING:
    from workerkit.store.reader import Reader

HOW_TO_START = "`workerconsole serve TARGET` starts a host, `workerconsole TARGET` one with a screen"


def demo_path() -> Path:
    """The demo's own database, so that it never mixes with a project's."""
    return default_path().parent / "demo.db"


@contextmanager
def existing_database(database: str | None) -> Iterator[Database]:
    """The database, open; it must exist.

    Raises:
        NotFoundError: there is none; the text says how one comes to be.
        DatabaseError: it can't be used.
    """
    path = locate(database)
    if not path.exists():
        raise NotFoundError(f"there is no database at {path}; {HOW_TO_START}{_demo_hint(database)}")
    opened = Database.open(path, create=False)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def reading(database: str | None) -> Iterator[tuple[Database, "Reader"]]:
    """The same with a reader."""
    with existing_database(database) as opened, opened.reader() as reader:
        yield opened, reader


def known_worker(reader: "Reader", name: str) -> WorkerRecord:
    """The worker of that name.

    Raises:
        NotFoundError: there is none; the text names one that is spelt like it.
    """
    record = reader.worker(name)
    if record is not None:
        return record
    names = [worker.name for worker in reader.workers()]
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`workerconsole workers` lists them"
    raise NotFoundError(f"there is no worker {name!r}; {hint}")


def _demo_hint(database: str | None) -> str:
    demo = demo_path()
    return f"; for the demo's workers add --db {demo}" if database is None and demo.exists() else ""
