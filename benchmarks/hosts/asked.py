"""`python -m benchmarks.hosts.asked PEER`: thousands of runs are asked for one by one, as task queues are used."""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.hosts.measuring import wait_until

PATIENCE = 60.0

Ask = Callable[[], object]
"""Asks for one run of the function that counts."""
Peer = Callable[[Path, Callable[[], None]], AbstractContextManager[Ask]]
"""Brings up something that runs the function given for each Ask; it may keep files in the folder."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--runs", type=int, default=2000)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        print(json.dumps(_measure(arguments.peer, arguments.runs, Path(folder))))


def _measure(peer: str, runs: int, folder: Path) -> dict[str, float]:
    arrivals: list[None] = []
    with PEERS[peer](folder, lambda: arrivals.append(None)) as ask:
        for wanted in (runs // 10, runs):  # the first tenth warms up
            arrivals.clear()
            began = time.perf_counter()
            for _ in range(wanted):
                ask()
            wait_until(lambda wanted=wanted: len(arrivals) == wanted, PATIENCE)  # type: ignore[misc]
            taken = time.perf_counter() - began
    return {"rate": runs / taken}


def _huey(fsync: bool | None) -> Peer:
    @contextmanager
    def ready(folder: Path, run: Callable[[], None]) -> Iterator[Ask]:
        from huey import SqliteHuey

        huey = SqliteHuey(filename=str(folder / "huey.db"), fsync=fsync)
        consumer = huey.create_consumer(periodic=False)
        consumer.start()
        yield huey.task()(run)
        consumer.stop(graceful=True)

    return ready


PEERS: dict[str, Peer] = {"huey": _huey(None), "huey-no-fsync": _huey(False)}


if __name__ == "__main__":
    main()
