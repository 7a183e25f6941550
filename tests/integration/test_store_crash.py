"""What stands in the database after its host was killed, at any moment."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.store.bench import Bench, sql
from workerkit.store import operations

CHILD = """
import sys
from pathlib import Path
from tests.unit.store.bench import FAILED, SUCCEEDED, Bench

bench = Bench(Path(sys.argv[1]))
assert bench.database.host_lock().acquire(), "the lock of the dead host was not free"
begun = bench.begin_host(*(f"worker-{n}" for n in range(8)))
print("recovered", *(run.id for run in begun.recovered), flush=True)

def tell(what, run_id):
    def done(error):
        assert error is None, error
        sys.stdout.write(f"{what} {run_id}\\n")
        sys.stdout.flush()
    return done

ending = []
while True:
    for n in range(8):
        start = bench.started(f"worker-{n}")
        bench.writer.submit(start, tell("started", start.run_id))
        ending.append(bench.finished(start, (SUCCEEDED, FAILED)[start.run_id % 3 == 0]))
    while len(ending) > 20:
        end = ending.pop(0)
        bench.writer.submit(end, tell("finished", end.run_id))
    bench.writer.flush()
"""


def killed_host(path: Path, after: int) -> dict[str, set[int]]:
    """A host that is killed once it has acknowledged so many events; which runs it had acknowledged."""
    seen: dict[str, set[int]] = {"recovered": set(), "started": set(), "finished": set()}
    command = [sys.executable, "-c", CHILD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for number, line in enumerate(child.stdout):
            if number == after:
                child.kill()
            if line.endswith("\n"):
                what, *ids = line.split()
                seen[what].update(map(int, ids))
    assert child.returncode == -9
    return seen


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_host_loses_nothing_that_it_had_acknowledged(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    seen = killed_host(path, after=random.Random(seed).randrange(50, 400))

    assert sql(path, "PRAGMA integrity_check") == [("ok",)]
    before = dict(sql(path, "SELECT id, outcome FROM runs"))
    assert seen["started"] <= before.keys()
    assert seen["finished"] <= {run_id for run_id, outcome in before.items() if outcome}
    in_flight = {run_id for run_id, outcome in before.items() if outcome is None}

    bench = Bench(path)
    assert not bench.database.host_is_live()
    begun = bench.begin_host()
    assert {run.id for run in begun.recovered} == in_flight
    assert begun.next_run_id > max(before)
    assert bench.reader.in_flight() == []
    assert {failure.run_id for failure in bench.reader.failures(limit=10_000)} == {
        run.id for run in bench.reader.runs(outcome="failed", limit=10_000)
    }
    assert bench.writer.call(operations.rebuild_counters) == []
    assert sum(minute.started for minute in bench.reader.activity(0)) == len(before)
    bench.close()


def test_a_host_killed_again_and_again_keeps_a_true_history(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    started: set[int] = set()
    recovered: set[int] = set()
    for generation in range(4):
        seen = killed_host(path, after=40 + 30 * generation)
        assert started.isdisjoint(seen["started"])
        started |= seen["started"]
        recovered |= seen["recovered"]
    bench = Bench(path)
    recovered |= {run.id for run in bench.begin_host().recovered}
    runs = {run.id: run for run in bench.reader.runs(limit=10_000)}
    assert started <= runs.keys()
    assert recovered == {run.id for run in runs.values() if run.kind == "crash"}
    assert bench.writer.call(operations.rebuild_counters) == []
    assert [host.ending for host in bench.reader.hosts()] == [None] + ["crashed"] * 4
    bench.close()
