"""`python -m tests.soak`: all trials in moderate size, or one of them in any size."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.soak.kills import kill_hosts
from tests.soak.leaks import run_many
from tests.soak.nasty import serve_nasty
from tests.soak.same_second import serve_same_second
from tests.soak.slots import serve_many

TRIALS: dict[str, Callable[[argparse.Namespace, Path], Any]] = {
    "kills": lambda options, folder: kill_hosts(options.count, folder, options.seed),
    "slots": lambda options, folder: serve_many(options.workers or 1000, options.seconds, folder),
    "same-second": lambda options, folder: serve_same_second(options.workers or 5000, folder),
    "leaks": lambda options, folder: run_many(options.runs, folder),
    "nasty": lambda options, folder: serve_nasty(options.seconds, options.workers or 200, folder, seed=options.seed),
}


def main() -> int:
    """Runs trials and prints their reports; 1 when one of them found a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help=f"{', '.join(TRIALS)}; all of them by default")
    parser.add_argument("--count", type=int, default=100, help="kills (default 100)")
    parser.add_argument("--runs", type=int, default=100_000, help="of the search for leaks (default 100,000)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of slots and nasty (default 60)")
    parser.add_argument("--workers", type=int, help="of slots (default 1000), same-second (5000) and nasty (200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for databases and samples, kept")
    options = parser.parse_args()
    if unknown := set(options.trials) - TRIALS.keys():
        parser.error(f"there is no trial {min(unknown)!r}; there are {', '.join(TRIALS)}")
    found = 0
    for name in options.trials or TRIALS:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) if options.keep is None else options.keep
            folder.mkdir(parents=True, exist_ok=True)
            report = TRIALS[name](options, folder)
        print(f"## {name}\n\n{report.markdown()}\n", flush=True)
        found += len(report.faults)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
