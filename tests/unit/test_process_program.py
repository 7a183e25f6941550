"""Programs in a group of their own: limited, tied, ended as a whole. The commands of the stock stand on it."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_for
from workerkit.context import RunContext
from workerkit.processes.program import Program
from workerkit.stock import CheckFailed, Command

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits and lifelines are Linux's")


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def run(command: Command) -> str:
    return command.run(RunContext.for_test())


def test_a_program_gets_exactly_the_variables_that_it_is_given(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    with Program(["/bin/sh", "-c", f"env > {file}"], environment={"ONE": "1"}) as program:
        wait_for(program.look)
    names = {line.partition("=")[0] for line in file.read_text().splitlines()}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"ONE"}


def test_signals_that_python_ignores_are_as_programs_expect_them() -> None:
    ignored = int(run(Command("grep SigIgn /proc/self/status")).split()[1], 16)
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)


def test_it_leads_a_session_of_its_own() -> None:
    assert (
        run(Command([sys.executable, "-c", "import os; print(os.getsid(0) == os.getpgrp() == os.getpid())"])) == "True"
    )


@LINUX
def test_it_inherits_nothing_of_the_hosts_but_the_lifeline(tmp_path: Path) -> None:
    with (tmp_path / "database").open("w"):
        text = run(
            Command([sys.executable, "-c", "import os; print(sorted(os.listdir('/proc/self/fd'), key=int)[3:])"])
        )
    assert len(eval(text)) == 2, "the lifeline, and the folder that was just being listed"


def test_what_cannot_be_executed_says_so_as_subprocess_does(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("no program")
    for argv, error in ((["no-such-program"], FileNotFoundError), ([str(file)], PermissionError)):
        with pytest.raises(error, match=argv[0]):
            Program(argv, environment=dict(os.environ))
    with pytest.raises(FileNotFoundError):
        Program(["true"], folder=tmp_path / "nowhere", environment=dict(os.environ))


@LINUX
def test_memory_beyond_its_limit_is_not_to_be_had() -> None:
    code = "x = bytearray(2**29)"
    assert run(Command([sys.executable, "-c", code])).startswith("ended well")
    with pytest.raises(CheckFailed, match=r"ended with code 1 after .*: MemoryError"):
        run(Command([sys.executable, "-c", code], memory_limit="256MB"))


@LINUX
def test_processor_time_beyond_its_limit_ends_it() -> None:
    with pytest.raises(CheckFailed, match=r"used up its CPU limit of 1s after"):
        run(Command([sys.executable, "-c", "while True: pass"], cpu_limit=1))


def test_a_limit_that_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ValueError, match="memory_limit='much' won't do"):
        Command("true", memory_limit="much")


def test_a_kill_says_how_much_memory_there_was() -> None:
    with pytest.raises(CheckFailed, match=r"was killed by SIGKILL, having had \d+ MB after"):
        run(Command("kill -9 $$", shell=True))


def test_what_a_program_leaves_in_its_group_is_swept() -> None:
    child = int(run(Command("sleep 60 > /dev/null & echo $!", shell=True)))
    wait_for(lambda: not alive(child))


def test_a_program_that_ignores_the_request_to_end_is_killed_with_its_children() -> None:
    script = "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; sleep 60'"
    with Program(["/bin/sh", "-c", script], environment=dict(os.environ)) as program:
        os.set_blocking(program.stdout, True)
        child = int(os.read(program.stdout, 100))
        began = time.monotonic()
        program.end(0.2)
        ending = wait_for(program.look)
        assert ending is not None
        assert ending.signal == signal.SIGKILL
        assert time.monotonic() - began < 5
    wait_for(lambda: not alive(child))
