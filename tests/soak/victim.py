"""A host to be killed: run as `python -m tests.soak.victim DATABASE ORACLE`, it goes on until then."""

import os
import sys
import threading

from tests.soak import victim_workers
from tests.soak.oracle import tell
from workerkit import WorkerManager


def main(database: str, oracle: str) -> None:
    os.environ[victim_workers.ORACLE] = oracle
    manager = WorkerManager(database)
    for number in range(40):
        manager.register(victim_workers.Plain(name=f"plain-{number}", interval=0.1))
        manager.register(victim_workers.Async(name=f"async-{number}", interval=0.1))
    for number in range(6):
        manager.register(victim_workers.Separate, name=f"separate-{number}", interval=0.5)
    manager.start()
    tell(oracle, "up", 0, "-")
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
