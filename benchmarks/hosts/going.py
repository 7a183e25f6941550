"""`python -m benchmarks.hosts.going HOSTING`: schedules workers, says `started with` as serve does, and goes on."""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.hosts.hostings import NAMES, made
from benchmarks.hosts.load import even


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("hosting", choices=NAMES)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=100)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        made(arguments.hosting, Path(folder) / "going.db").start(
            even(arguments.workers, arguments.rate), lambda _arrival: None
        )
        print(f"started with {arguments.workers} workers", flush=True)
        time.sleep(3600)


if __name__ == "__main__":
    main()
