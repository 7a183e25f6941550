"""`python -m benchmarks.hosts.long HOSTING`: a hundred thousand runs in one process. Does its memory grow with them?"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.hosts.hostings import NAMES, made
from benchmarks.hosts.load import even
from benchmarks.hosts.measuring import wait_until

MIB = 2**20
RATE = 8_000
"""Runs that are due a second."""
PATIENCE = 60.0
"""Seconds between two looks."""
LOOKS = 6
"""At the memory, evenly over the runs."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("hosting", choices=NAMES)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=120_000)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        hosting = made(arguments.hosting, Path(folder) / "long.db")
        hosting.start(even(arguments.workers, RATE), lambda _arrival: None)
        found = {}
        for look in range(1, LOOKS + 1):
            wanted = arguments.runs * look // LOOKS
            wait_until(lambda wanted=wanted: (hosting.recorded() or 0) >= wanted, PATIENCE)  # type: ignore[misc]
            found[str(wanted)] = psutil.Process().memory_info().rss / MIB
        hosting.stop()
        print(json.dumps(found))


if __name__ == "__main__":
    main()
