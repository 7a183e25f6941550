"""Whatever a worker does in a process of its own, its host gets a result that says so."""

import ast
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration import process_workers as workers
from tests.integration.process_bench import Trial, functions
from tests.waiting import wait_for
from workerkit.context import Progress
from workerkit.executors.processes import ProcessExecutor
from workerkit.outcome import FailureKind, Outcome

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def executor() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor()
    executor.start()
    yield executor
    executor.stop()


@pytest.fixture(scope="module")
def fresh() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor(zygote=False)
    executor.start()
    yield executor
    executor.stop()


@pytest.fixture(params=["zygote", "fresh"])
def either(request: pytest.FixtureRequest) -> ProcessExecutor:
    executor: ProcessExecutor = request.getfixturevalue("executor" if request.param == "zygote" else "fresh")
    return executor


def test_the_context_works_there_as_in_a_thread(either: ProcessExecutor) -> None:
    trial = Trial(either, workers.reports, {"colour": "green"}, state='{"runs": 4}')
    result = trial.run()
    assert (result.outcome, result.summary, result.state) == ("succeeded", "reports 1 green False", '{"runs": 5}')
    assert sorted(trial.lines()) == ["log: by a library", "log: logged 5", "stderr: to stderr", "stdout: printed"]
    assert trial.context.reported == Progress(3, 4, "three of four")


def test_a_child_has_the_hosts_surroundings_and_nothing_else_of_it(
    either: ProcessExecutor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_PASSWORD", "correct-horse-battery")
    monkeypatch.syspath_prepend(str(tmp_path))
    with (tmp_path / "open.db").open("w") as held, socket.socket() as also_held:
        os.set_inheritable(held.fileno(), False)
        trial = Trial(either, workers.prints_its_facts)
        assert trial.run().outcome == "succeeded", trial.result().failure
        assert also_held.fileno() > 0
    facts = ast.literal_eval(trial.lines()[0].removeprefix("stdout: ").replace("‹redacted: its name›", "'hidden'"))
    assert facts["pid"] != os.getpid()
    assert facts["leads"]
    assert facts["folder"] == str(tmp_path)
    assert facts["path"] == sys.path
    assert facts["stdin"] == ""
    own = Path("/proc/self/status").read_text()
    assert f"Umask:\t{facts['umask']}" in own
    ignored = {number for number in signal.valid_signals() if int(facts["ignored"], 16) >> number - 1 & 1}
    assert ignored <= {signal.SIGPIPE, signal.SIGXFSZ}
    kinds = sorted({name.partition(":")[0] for name in facts["files"].values()} - {"gone"})
    assert kinds == ["/dev/null", "/memfd", "pipe", "socket"]
    assert sum(name.startswith("socket") for name in facts["files"].values()) == 1
    assert facts["threads"] == 2, "its own, and the one that listens to the host"


def test_a_failure_is_captured_there_with_variables_and_without_secrets(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "correct-horse-battery")
    failure = Trial(executor, workers.fails).failure()
    assert failure.kind is FailureKind.ERROR
    assert failure.error.startswith("ValueError: no such order: 17 for ‹redacted")
    (raised,) = failure.capture["exceptions"]
    frame = raised["frames"][-1]
    assert raised["frames"][0]["function"] == "fails", "the machinery's own frames are left out"
    assert frame["own"] is True
    names = dict(frame["locals"])
    assert names["order"]["items"] == [[{"kind": "string", "text": "id"}, {"kind": "number", "text": "17"}]]
    assert names["password"]["kind"] == "redacted"
    assert "hunter22" not in str(failure.capture["exceptions"][0]["frames"][-1]["locals"])
    assert "correct-horse" not in str(failure)


def test_async_workers_may_run_in_a_process(either: ProcessExecutor) -> None:
    assert Trial(either, workers.waits).run().summary == "waited"


def test_a_thread_that_an_async_worker_leaves_is_not_waited_for(executor: ProcessExecutor) -> None:
    began = time.monotonic()
    assert Trial(executor, workers.leaves_a_thread_in_its_executor).run().summary == "done"
    assert time.monotonic() - began < 10


def test_an_exception_that_would_explode_when_unpickled_is_recorded_and_nothing_explodes(
    executor: ProcessExecutor,
) -> None:
    failure = Trial(executor, workers.raises_what_explodes).failure()
    assert (failure.kind, failure.error) == ("error", "Exploding: <its __str__ raised SystemExit>")


def test_an_exception_whose_message_hangs_is_recorded_without_it(executor: ProcessExecutor) -> None:
    failure = Trial(executor, workers.hangs_in_its_own_message).failure()
    assert failure.error == "Slow: (its message was not read)"


def test_system_exit_is_a_panic_as_in_a_thread(executor: ProcessExecutor) -> None:
    failure = Trial(executor, workers.leaves_by_system_exit).failure()
    assert (failure.kind, failure.error) == ("panic", "Worker panic: SystemExit: 3")


@pytest.mark.parametrize("code", [0, 3])
def test_leaving_without_a_result_is_a_crash_also_with_code_0(either: ProcessExecutor, code: int) -> None:
    failure = Trial(either, workers.exits, {"code": code}).failure()
    assert (failure.kind, failure.error) == ("crash", f"Exited with code {code} without a result")


@pytest.mark.parametrize(
    ("worker", "text", "function"),
    [
        (workers.reads_null, "Killed by SIGSEGV: Segmentation fault", "reads_null"),
        (workers.aborts, "Killed by SIGABRT: Aborted", "aborts"),
        (workers.dies_in_a_thread, "Killed by SIGSEGV: Segmentation fault", "_segfault"),
    ],
    ids=["segfault", "abort", "in a thread"],
)
def test_a_fatal_signal_is_a_crash_with_the_python_stack(
    either: ProcessExecutor, worker: object, text: str, function: str
) -> None:
    failure = Trial(either, worker).failure()
    assert (failure.kind, failure.error) == ("crash", text)
    stack = failure.capture["stack"]
    assert function in functions(stack)
    frame = next(frame for frame in stack["frames"] if frame["function"] == function)
    assert frame["own"] is True
    assert frame["line"] in [number for number, _ in frame["source"]]


def test_crashes_of_different_kinds_are_different_failures(executor: ProcessExecutor) -> None:
    from workerkit.failures import fingerprint

    first, second = (Trial(executor, workers.exits, {"code": code}).failure() for code in (0, 3))
    assert fingerprint(first.capture, first.kind) != fingerprint(second.capture, second.kind)


def test_a_kill_from_outside_says_so_and_how_much_memory_there_was(either: ProcessExecutor) -> None:
    failure = Trial(either, workers.is_killed).failure()
    assert failure.kind == "crash"
    assert failure.error.startswith("Killed from outside by SIGKILL, possibly out of memory; it had ")
    assert int(failure.error.split()[-5].replace(",", "")) >= 32


def test_a_foreign_sigterm_is_named(executor: ProcessExecutor) -> None:
    assert Trial(executor, workers.is_terminated).failure().error == "Killed by SIGTERM"


def test_memory_beyond_the_limit_is_a_panic_recorded_in_full(either: ProcessExecutor) -> None:
    failure = Trial(either, workers.takes_memory).failure()
    assert (failure.kind, failure.error) == ("panic", "Worker panic: MemoryError")
    frame = failure.capture["exceptions"][0]["frames"][-1]
    assert frame["function"] == "takes_memory"
    assert dict(frame["locals"])["hoard"]["size"] > 20, "most of the 64 MB were to be had"


@pytest.mark.parametrize("worker", [workers.burns], ids=["burns"])
def test_processor_time_beyond_the_limit_is_a_crash_that_says_so(executor: ProcessExecutor, worker: object) -> None:
    failure = Trial(executor, worker).failure()
    assert (failure.kind, failure.error) == ("crash", "Used up its CPU limit of 1s")
    assert functions(failure.capture["stack"]) == ["burns"]


def test_a_flood_of_output_is_read_in_bounded_memory_and_counted(executor: ProcessExecutor) -> None:
    me = psutil.Process()
    Trial(executor, workers.floods, {"megabytes": 2}).run()
    before = me.memory_info().rss
    trial = Trial(executor, workers.floods, {"megabytes": 60})
    assert trial.run().summary == "printed"
    assert me.memory_info().rss - before < 20 * 2**20
    lines = trial.lines()
    assert lines[-1] == "stdout: the end"
    assert len(lines) <= 1_000 + 1
    assert trial.output.dropped + len(lines) == 600_001


def test_a_line_without_end_is_cut(executor: ProcessExecutor) -> None:
    trial = Trial(executor, workers.one_endless_line, {"megabytes": 20})
    trial.run()
    trial.output.close()
    (line,) = trial.lines()
    assert len(line) < 5_000
    assert line.endswith("more characters")


def test_bytes_that_are_no_text_are_replaced_and_characters_are_not_torn(executor: ProcessExecutor) -> None:
    trial = Trial(executor, workers.prints_rubbish)
    trial.run()
    trial.output.close()
    assert sorted(trial.lines()) == ["stderr: no newline �", "stdout: �� \x1b]52;c;aGk=\x07 😀"]


def test_a_worker_may_close_its_standard_streams(executor: ProcessExecutor) -> None:
    assert Trial(executor, workers.closes_standard_streams).run().outcome in ("succeeded", "failed")


def test_a_worker_that_closes_its_connection_is_a_crash(either: ProcessExecutor) -> None:
    failure = Trial(either, workers.closes_everything).failure()
    assert failure.kind == "crash"
    assert "without a result" in failure.error


def test_a_hundred_megabytes_returned_are_a_short_summary(executor: ProcessExecutor) -> None:
    result = Trial(executor, workers.returns_much).run()
    assert result.outcome == "succeeded"
    assert result.summary is not None
    assert len(result.summary) <= 500


FORGED = [
    *("rubbish", "huge", "no json", "no object", "unknown kind", "deep", "nan", "long number"),
    *("odd log", "odd result", "odd outcome", "interrupted", "odd state", "odd stack"),
]


@pytest.mark.parametrize("what", FORGED)
def test_a_frame_that_is_none_ends_the_run_as_a_breach_of_protocol(executor: ProcessExecutor, what: str) -> None:
    failure = Trial(executor, workers.forges, {"what": what}).failure()
    assert failure.kind == "crash"
    assert failure.error.startswith("Broke the protocol with its host: ")


def test_a_forged_result_is_cut_to_what_a_run_may_have(executor: ProcessExecutor) -> None:
    trial = Trial(executor, workers.claims_to_retry_for_ever)
    trial.active.run = trial.active.run._replace(attempt=3)
    assert len(trial.failure().error) <= 500
    assert trial.result().retry_in is None, "three attempts are all there are"


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_children_that_a_run_leaves_in_its_group_die_with_it(either: ProcessExecutor) -> None:
    child = int(Trial(either, workers.leaves_a_child, {"apart": False}).run().summary or 0)
    wait_for(lambda: not alive(child))


def test_a_daemon_that_keeps_stdout_open_does_not_hold_the_run(either: ProcessExecutor) -> None:
    began = time.monotonic()
    child = int(Trial(either, workers.leaves_a_child, {"apart": True}).run().summary or 0)
    assert time.monotonic() - began < 10
    assert alive(child), "what made itself a session of its own is beyond reach"
    os.kill(child, signal.SIGKILL)


def test_a_herd_of_forks_is_swept(executor: ProcessExecutor) -> None:
    trial = Trial(executor, workers.forks_a_herd)
    assert trial.run().outcome is Outcome.SUCCEEDED
    wait_for(
        lambda: not [p for p in psutil.process_iter(["name"]) if p.info["name"] == "forks-a-herd" and alive(p.pid)]
    )


def test_threads_that_a_run_leaves_end_with_its_process(executor: ProcessExecutor) -> None:
    began = time.monotonic()
    assert Trial(executor, workers.leaves_threads).run().summary == "left"
    assert time.monotonic() - began < 10


def test_what_a_run_does_to_its_process_neither_host_nor_the_next_run_sees(executor: ProcessExecutor) -> None:
    folder, limit = str(Path.cwd()), sys.getrecursionlimit()
    assert Trial(executor, workers.disturbs).run().summary == "disturbed"
    assert (str(Path.cwd()), sys.getrecursionlimit(), os.environ.get("DISTURBED")) == (folder, limit, None)
    trial = Trial(executor, workers.prints_its_facts)
    trial.run()
    assert f"'folder': '{folder}'" in trial.lines()[0]
