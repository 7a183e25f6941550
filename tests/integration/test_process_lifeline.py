"""A host that is killed with -9 takes everything with it that it had started, whatever that is doing."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.integration.test_process_faults import alive
from tests.waiting import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the lifeline is Linux's")

HOST = """
import sys, threading, time, logging
from tests.integration import process_workers as workers
from tests.integration.process_bench import Trial
from workerkit import RunContext
from workerkit.executors.processes import ProcessExecutor
from workerkit.stock import Command

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
if __name__ == "__main__":
    trials = []
    for zygote in (True, False):
        executor = ProcessExecutor(zygote=zygote)
        executor.start()
        trials.append(Trial(executor, workers.holds_the_lock_with_a_child).begin())
        if zygote:  # which holds on to the lifeline of a child that closes its own
            trials.append(Trial(executor, workers.hides_with_a_child).begin())
    command = Command("sleep 60 & echo pids $$ $!; trap '' TERM HUP; wait", shell=True, name="command")
    threading.Thread(target=command.run, args=(RunContext.for_test(),), daemon=True).start()
    while True:
        for trial in trials:
            for line in list(trial.lines()):
                print(line, flush=True)
            trial._said.clear()
        time.sleep(0.02)
"""


def test_nothing_outlives_a_host_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "host.py"
    script.write_text(HOST)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=tmp_path,
    ) as host:
        pids: list[int] = []

        def read() -> None:
            assert host.stdout is not None
            for line in host.stdout:
                if "pids" in line:
                    pids.extend(int(word) for word in line.split("pids")[1].split())

        threading.Thread(target=read, daemon=True).start()
        wait_for(lambda: len(pids) == 8, "eight processes")
        below = {process.pid for process in psutil.Process(host.pid).children(recursive=True)}
        assert set(pids) <= below
        assert len(below) > len(pids), "the zygotes are among them"
        host.send_signal(signal.SIGKILL)
        host.wait()
        killed = time.monotonic()
        wait_for(lambda: not any(alive(pid) for pid in below), "the end of all", deadline=5)
        assert time.monotonic() - killed < 1.0
