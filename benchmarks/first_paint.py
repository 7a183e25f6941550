"""From the start of the console to what it shows first: in a pseudo-terminal, each time in a fresh interpreter."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import histories
from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Figures, in_turn
from benchmarks.screens import fleet
from benchmarks.screens.terminal import Terminal

WORKERS, RUNS = 10_000, 200_000
"""What the database knows; each worker has the runs that a row can show."""
HOSTED = 10
"""Workers of the console that hosts them itself."""

MINIMAL = "minimal Textual app"
FIRST_FRAME = Limit(1.4, of=MINIMAL)
FIRST_ROWS = Limit(2.0, of=MINIMAL)

TITLE, ROW = rb"(?s)\x1b\[\?1049h.*workerconsole", rb"worker-\d"
"""The first one in a frame, not among what is said before there is a screen."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A program, and what it shows, in this order."""

    words: tuple[object, ...]
    shows: tuple[bytes, ...]

    def measure(self) -> Figures:
        """Milliseconds until each."""
        with Terminal(self.words) as terminal:
            return {
                str(place): (terminal.expect(shown).at - terminal.began) * 1e3 for place, shown in enumerate(self.shows)
            }


def tables(rounds: int) -> list[Table]:
    with TemporaryDirectory() as folder:
        known = Path(folder) / "known.db"
        histories.build(known, WORKERS, RUNS)
        workers = fleet.target(Path(folder), HOSTED, every="1h")
        subjects = {
            MINIMAL: Subject(("benchmarks.screens.minimal",), (rb"pressed 0 keys",)),
            "attach": Subject(("workerconsole", "attach", "--db", known), (TITLE, ROW)),
            "host": Subject(("workerconsole", workers, "--db", Path(folder) / "hosted.db"), (TITLE, ROW)),
            "DataTable": Subject(("benchmarks.screens.data_table", WORKERS), (rb"w0000",)),
        }
        for subject in subjects.values():
            subject.measure()  # its modules are compiled and its files in memory, for all alike
        found = in_turn({name: subject.measure for name, subject in subjects.items()}, rounds)
    return [
        Table(
            "First paint",
            "ms",
            f"From the execution of the interpreter to the first bytes that show it, in a pseudo-terminal of 120 x 40. "
            f"The database that is attached to knows {WORKERS:,} workers with {RUNS:,} runs, and no host lives there. "
            f"The console that hosts {HOSTED} workers itself loads them before its first frame; its host starts later.",
            (
                Row(MINIMAL, found[MINIMAL]["0"]),
                Row("attached, first frame", found["attach"]["0"], (FIRST_FRAME,)),
                Row(f"attached, first of {WORKERS:,} rows", found["attach"]["1"], (FIRST_ROWS,)),
                Row("hosting, first frame", found["host"]["0"], (FIRST_FRAME,)),
                Row("hosting, first row", found["host"]["1"]),
                Row(f"DataTable, {WORKERS:,} rows", found["DataTable"]["0"]),
            ),
        )
    ]
