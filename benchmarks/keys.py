"""From a key to what it does: the frame that shows it, and a run that is under way.

The key is written to the pseudo-terminal; what counts is the moment at which the bytes are read there that show it.
"""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks import histories
from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Figures, in_turn
from benchmarks.screens import fleet
from benchmarks.screens.terminal import Terminal

WORKERS, RUNS = 10_000, 200_000
KEYS = 40
KEYS_AROUND = 32
"""Of which half lead down, and half up again."""
SEED = 20260305
APART = (0.010, 0.030)
"""Seconds from the frame that shows a key to the next key, at random: faster than a key repeats that is held down."""
STANDS = 1.5
"""Seconds in which everything comes to rest after a start."""
RATE = 1000
"""Runs a second of the console that hosts busy workers; each worker is due every `WORKERS / RATE` seconds."""
ASKED = 6
"""Runs that are asked for, a round."""
WORKS = "ctx.sleep(0.5)"

MINIMAL, DATA_TABLE = "minimal Textual app", f"DataTable, {WORKERS:,} rows"
CONSOLE, HOSTING = f"console, {WORKERS:,} workers", f"console that hosts {WORKERS:,}"

CURSOR = rb"48;2;44;58;79m"
"""The colour under the console's cursor, as it stands before the text there."""
DOWN, UP = "\x1b[B", "\x1b[A"


@dataclass(frozen=True, slots=True)
class Subject:
    """A program that has been started, and how it shows where its cursor is: the pattern's group."""

    terminal: Terminal
    shown: bytes
    random: Random = field(default_factory=lambda: Random(SEED))

    def step(self, before: bytes = b"", key: str = DOWN) -> tuple[float, bytes]:
        """Presses a key; the seconds until the cursor is not where it was before, and where it is then."""
        pressed = self.terminal.press(key)
        seen = self.terminal.expect(self.shown % (rb"(?!%b\b)" % before if before else b""))
        self.terminal.skim(self.random.uniform(*APART))
        return seen.at - pressed, seen.match[1]

    def walk(self) -> Figures:
        """Milliseconds from `down` to the frame that has the cursor elsewhere, one key after the other."""
        taken: list[float] = []
        _, place = self.step()
        for _ in range(KEYS):
            seconds, place = self.step(place)
            taken.append(seconds * 1e3)
        return {"p50": percentile(taken, 50), "p99": percentile(taken, 99)}

    def work(self) -> Figures:
        """Processor time of the program for a key, with all that it does beside, in microseconds.

        Four rows down, four up, and again, so that it ends where it began: there is room for that among ten workers.
        """
        _, place = self.step()
        before = self.terminal.processor_time()
        for number in range(KEYS_AROUND):
            _, place = self.step(place, (DOWN, UP)[number // 4 % 2])
        cost = (self.terminal.processor_time() - before) / KEYS_AROUND * 1e6
        self.step(place, UP)
        return {"cost": cost}

    def ask(self) -> Figures:
        """Milliseconds from `r` to the row that says running, of one worker after the other."""
        taken: list[float] = []
        for _ in range(ASKED):
            pressed = self.terminal.press("r")
            taken.append((self.terminal.expect(CURSOR + "► running".encode()).at - pressed) * 1e3)
            self.step()
        return {"p95": percentile(taken, 95)}


def percentile(values: list[float], percent: int) -> float:
    """By nearest rank."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@contextmanager
def started(words: tuple[object, ...], ready: bytes, shown: bytes) -> Iterator[Subject]:
    with Terminal(words) as terminal:
        terminal.expect(ready)
        terminal.skim(STANDS)
        yield Subject(terminal, shown)


def tables(rounds: int) -> list[Table]:
    with TemporaryDirectory() as folder:
        return [
            *_paint(Path(folder), rounds),
            *_paint_while_runs_go(Path(folder), rounds),
            _effect(Path(folder), rounds),
        ]


def _paint(folder: Path, rounds: int) -> Iterator[Table]:
    known = folder / "known.db"
    histories.build(known, WORKERS, RUNS)
    with ExitStack() as stack:
        subjects = {
            MINIMAL: stack.enter_context(_minimal()),
            DATA_TABLE: stack.enter_context(
                started(("benchmarks.screens.data_table", WORKERS), rb"w0000", rb"48;2;1;120;212m %b(w\d+)")
            ),
            CONSOLE: stack.enter_context(console("attach", "--db", known)),
        }
        found = in_turn({name: subject.walk for name, subject in subjects.items()}, rounds)
    says = (
        f"From a key to the first bytes of the frame that shows it; {KEYS} keys a round, one at a time, each "
        f"{APART[0] * 1e3:.0f} to {APART[1] * 1e3:.0f} ms after the frame before. The console shows the details of "
        "each worker besides."
    )
    for figure, limit in (("p50", Limit(1.5, of=MINIMAL)), ("p99", Limit(30))):
        limits = {CONSOLE: (limit,)}
        rows = tuple(Row(name, values[figure], limits.get(name, ())) for name, values in found.items())
        yield Table(f"Key to paint, {figure}", "ms", says, rows)


def _paint_while_runs_go(folder: Path, rounds: int) -> Iterator[Table]:
    database = folder / "hosted.db"
    workers = fleet.target(folder, WORKERS, every=f"{WORKERS // RATE}s")
    with _minimal() as minimal, console(workers, "--db", database) as hosting:

        def walk_and_count() -> Figures:
            done, began = fleet.runs_done(database), time.perf_counter()
            figures = hosting.walk()
            done, ended = fleet.runs_done(database) - done, time.perf_counter()
            return {**figures, "rate": done / (ended - began)}

        found = in_turn({MINIMAL: minimal.walk, HOSTING: walk_and_count}, rounds)
    says = (
        f"As above, in a console that hosts {WORKERS:,} workers of {WORKERS // RATE} s itself, each run of which is "
        "recorded, its start before it begins. The minimal app runs beside it."
    )
    for figure, limit in (("p50", Limit(10)), ("p99", Limit(50))):
        limits = {HOSTING: (limit,)}
        rows = tuple(Row(name, values[figure], limits.get(name, ())) for name, values in found.items())
        yield Table(f"Key to paint while {RATE:,} runs a second go, {figure}", "ms", says, rows)
    rate = Row(HOSTING, found[HOSTING]["rate"], (Limit(0.95 * RATE, at_least=True),))
    yield Table("Runs that went meanwhile", "runs/s", "By the counters of the database.", (rate,), more_is_better=True)


def _effect(folder: Path, rounds: int) -> Table:
    workers = fleet.target(folder, ASKED * 2, work=WORKS)
    elsewhere = folder / "elsewhere.db"
    with (
        fleet.serving(workers, elsewhere),
        console(workers, "--db", folder / "own.db") as embedded,
        console("attach", "--db", elsewhere) as attached,
    ):
        found = in_turn({"embedded": embedded.ask, "attached": attached.ask}, rounds)
    return Table(
        "From r to a run that is shown as running, p95",
        "ms",
        f"The command is committed, the host starts the run and commits that, the console reads it and draws it; "
        f"{ASKED} runs a round. Embedded: the host is in the console's process; attached: in another.",
        (
            Row("console and host in one process", found["embedded"]["p95"], (Limit(150),)),
            Row("host in another process", found["attached"]["p95"], (Limit(250),)),
        ),
    )


def _minimal() -> AbstractContextManager[Subject]:
    return started(("benchmarks.screens.minimal",), rb"pressed 0", rb"pressed %b(\d+) keys")


def console(*words: object) -> AbstractContextManager[Subject]:
    """The program itself, once it shows a worker."""
    return started(("workerconsole", *words), rb"worker-\d", CURSOR + rb"%b(worker-\d+)")
