"""Commands as whole processes, beside the interpreter alone, and the import of what they need most."""

import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import histories
from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Figures, in_turn
from workerkit import WorkerManager, worker

WORKERS, RUNS = 100, 100_000

PASS, SQLALCHEMY, ORM = "python -c pass", "import sqlalchemy", "import sqlalchemy.orm"
IMPORTS = Limit(1.4, of=SQLALCHEMY)
AT_ONCE = Limit(120.0)

HELP = ("--version", "--help", "runs --help")
READING = ("status", "status --json", "workers", "runs", "failures", "show worker-0001", "why worker-0001", "gaps")


@worker
def idle() -> None:
    """There is a host, and it has nothing to do."""


def tables(rounds: int) -> list[Table]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "live.db"
        histories.build(path, WORKERS, RUNS)
        manager = WorkerManager(path)
        manager.register(idle)
        with manager:
            found = in_turn(
                {
                    PASS: partial(_process, ("-c", "pass")),
                    SQLALCHEMY: partial(_process, ("-c", SQLALCHEMY)),
                    ORM: partial(_process, ("-c", ORM)),
                    **{words: partial(_process, ("-m", "workerconsole", *words.split())) for words in HELP},
                    **{words: partial(_process, _command(words, path)) for words in READING},
                },
                rounds,
            )
    values = {name: each["whole process"] for name, each in found.items()}
    return [
        Table(
            "Commands that tell what there is",
            "ms",
            "From the start of the interpreter to its end.",
            (Row(PASS, values[PASS]), *(Row(words, values[words], (AT_ONCE,)) for words in HELP)),
        ),
        Table(
            "Commands that read",
            "ms",
            f"From the start of the interpreter to its end, on a database of {WORKERS} workers with {RUNS:,} runs, on "
            "which a host lives in another process.",
            (
                Row(SQLALCHEMY, values[SQLALCHEMY]),
                Row(ORM, values[ORM]),
                *(Row(words, values[words], (IMPORTS,)) for words in READING),
            ),
        ),
    ]


def _command(words: str, database: Path) -> tuple[str, ...]:
    return ("-m", "workerconsole", *words.split(), "--db", str(database))


def _process(arguments: Sequence[str]) -> Figures:
    return {"whole process": _milliseconds(arguments)}


def _milliseconds(arguments: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1e3
