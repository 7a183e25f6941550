"""What a screen full of rows that change ten times a second costs the process that draws it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Figures, in_turn
from benchmarks.screens import fleet
from benchmarks.screens.terminal import Terminal
from workerkit.operator import Operator, Verb
from workerkit.store.database import Database

IN_SIGHT, FEW = 40, 10
"""Rows that can be seen, and those of them that change where not all do."""
EVERY = "100ms"
COLUMNS, ROWS = 120, 90
"""A terminal in which the console's table has room for all of them; its other half shows the details of the first."""
STANDS, SETTLES, WINDOW = 1.0, 0.4, 1.2
"""Seconds until all has come to rest after a start, until changes go evenly, and those that are measured."""

Measure = Callable[[], Figures]


@contextmanager
def _console(folder: Path, changing: int) -> Iterator[Measure]:
    """Attached to a host in another process, whose workers run only while this is measured."""
    database = folder / f"{changing}.db"
    workers = fleet.target(folder, IN_SIGHT, every=EVERY, changing=changing)
    with fleet.serving(workers, database), _started("workerconsole", "attach", "--db", database) as terminal:
        operator = Operator(Database.open(database, create=False))

        def tell(verb: Verb) -> None:
            operator.wait(operator.submit(verb))
            terminal.skim(SETTLES)

        def measure() -> Figures:
            tell(Verb.RESUME_ALL)
            share = terminal.busy(WINDOW)
            tell(Verb.PAUSE_ALL)
            return {"share": share}

        tell(Verb.PAUSE_ALL)
        yield measure


@contextmanager
def _data_table(changing: int) -> Iterator[Measure]:
    """It changes its rows itself, from one space bar to the next."""
    with _started("benchmarks.screens.data_table", IN_SIGHT, "--changing", changing) as terminal:

        def measure() -> Figures:
            terminal.press(" ")
            terminal.skim(SETTLES)
            share = terminal.busy(WINDOW)
            terminal.press(" ")
            return {"share": share}

        yield measure


@contextmanager
def _started(*words: object) -> Iterator[Terminal]:
    with Terminal(words, columns=COLUMNS, rows=ROWS) as terminal:
        terminal.expect(rb"w(orker-)?00")
        terminal.skim(STANDS)
        yield terminal


def tables(rounds: int) -> list[Table]:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        subjects = {
            f"DataTable, {IN_SIGHT} rows change": stack.enter_context(_data_table(IN_SIGHT)),
            f"console, {IN_SIGHT} rows change": stack.enter_context(_console(Path(folder), IN_SIGHT)),
            f"console, {FEW} rows change": stack.enter_context(_console(Path(folder), FEW)),
        }
        found = in_turn(subjects, rounds)
    limits = {f"console, {IN_SIGHT} rows change": (Limit(10),), f"console, {FEW} rows change": (Limit(4),)}
    return [
        Table(
            "A busy screen",
            "% of a core",
            f"Processor time of the process that draws, while so many of {IN_SIGHT} rows in sight change ten times a "
            f"second, in a terminal of {COLUMNS} x {ROWS}. The console reads the changes from the database of a host "
            "in another process, each of whose workers runs ten times a second, and shows the details of one of them; "
            "the DataTable makes them up.",
            tuple(Row(name, values["share"], limits.get(name, ())) for name, values in found.items()),
        )
    ]
