"""pause, resume, run, cancel, reset-counters: with a host and without one."""

import threading
from typing import Any

import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.conftest import Hosting
from tests.waiting import wait_for
from workerconsole.cli import run
from workerconsole.cli.access import demo_path
from workerkit import RunContext, worker
from workerkit.store.database import Database

COMMAND_KEYS = ["id", "verb", "worker", "state", "result", "run_id"]


@worker
def echo(ctx: RunContext) -> str:
    return f"got {dict(ctx.params)}"


@worker
def fails() -> None:
    raise RuntimeError("on purpose")


@worker
def waits(ctx: RunContext) -> None:
    ctx.sleep(60)


def status(command: CommandLine, name: str) -> Any:
    found = {each["name"]: each["status"] for each in command("workers", "--json").json["workers"]}
    return found[name]


def test_pause_and_resume_change_the_workers_named(command: CommandLine, hosting: Hosting) -> None:
    hosting(echo, fails, waits)
    said = command("pause", "echo", "fails", "--reason", "quiet please")
    assert said.code == 0
    assert [line.partition(";")[0] for line in said.out.splitlines()] == ["echo is paused", "fails is paused"]
    assert [status(command, name) for name in ("echo", "fails", "waits")] == ["paused", "paused", "idle"]
    with Database.open(command.database).reader() as reader:
        record = reader.worker("echo")
    assert record is not None
    assert record.pause_reason == "quiet please"
    assert command("resume", "echo").code == 0
    assert status(command, "echo") == "idle"


def test_everyone_can_be_paused_at_once(command: CommandLine, hosting: Hosting) -> None:
    hosting(echo, fails)
    said = command("pause", "--all", "--json")
    assert said.code == 0
    assert (said.json["commands"][0]["verb"], said.json["commands"][0]["worker"]) == ("pause-all", None)
    assert status(command, "fails") == "paused"
    assert command("resume", "--all").out == "2 workers resumed\n"


def test_run_takes_parameters_and_answers_with_the_run(command: CommandLine, hosting: Hosting) -> None:
    hosting(echo)
    said = command("run", "echo", "--params", '{"a": 1, "b": 2}', "--param", "b=three", "--json", "--wait")
    assert said.code == 0
    assert list(said.json) == ["commands", "run"]
    answer = said.json["commands"][0]
    assert list(answer) == COMMAND_KEYS
    assert (answer["verb"], answer["worker"], answer["state"]) == ("run", "echo", "done")
    assert (said.json["run"]["id"], said.json["run"]["outcome"]) == (answer["run_id"], "succeeded")
    assert "got {'a': 1, 'b': 'three'}" in command("show", str(answer["run_id"])).out


def test_waiting_for_a_run_that_fails_exits_1(command: CommandLine, hosting: Hosting) -> None:
    hosting(fails)
    said = command("run", "fails", "--wait")
    assert said.code == 1
    assert "run 1 of fails failed after" in said.out
    assert "RuntimeError: on purpose" in said.out


def test_run_of_a_running_worker_is_refused_with_the_reason(command: CommandLine, hosting: Hosting) -> None:
    hosting(waits)
    assert command("run", "waits").code == 0
    said = command("run", "waits")
    assert said.code == 1
    assert "refused" in said.err
    assert "run 1 " in said.err


def test_cancel_ends_the_run_in_flight(command: CommandLine, hosting: Hosting) -> None:
    hosting(waits)
    command("run", "waits")
    assert command("cancel", "waits").code == 0
    wait_for(lambda: command("runs", "--json").json["runs"][0]["outcome"] == "cancelled")
    said = command("cancel", "waits")
    assert said.code == 1
    assert "not running" in said.err


def test_counters_begin_at_zero_again(command: CommandLine, hosting: Hosting) -> None:
    hosting(fails)
    command("run", "fails", "--wait")
    assert command("reset-counters", "fails").code == 0
    found = command("workers", "--json").json["workers"][0]
    assert (found["failure_count"], found["consecutive_failures"]) == (0, 0)
    assert len(command("runs", "--json").json["runs"]) == 1


@pytest.mark.parametrize("words", [["pause", "echo", "ehco"], ["run", "ehco"], ["cancel", "ehco"]])
def test_a_misspelt_worker_exits_3_and_nothing_is_asked(
    command: CommandLine, hosting: Hosting, words: list[str]
) -> None:
    hosting(echo)
    said = command(*words)
    assert said.code == 3
    assert "did you mean 'echo'?" in said.err
    assert status(command, "echo") == "idle"


def test_without_a_host_pause_is_stored_and_the_next_host_keeps_to_it(command: CommandLine, hosting: Hosting) -> None:
    hosting(echo)
    hosting.stop()
    said = command("pause", "echo", "--json")
    assert said.code == 4
    assert said.json["commands"][0]["state"] == "pending"
    assert "`workerconsole serve TARGET` starts a host" in said.err
    hosting(echo)
    assert status(command, "echo") == "paused"


@pytest.mark.parametrize("words", [["run", "echo"], ["run", "echo", "--wait"], ["cancel", "echo"]])
def test_without_a_host_run_and_cancel_are_not_stored(command: CommandLine, hosting: Hosting, words: list[str]) -> None:
    hosting(echo)
    hosting.stop()
    said = command(*words, "--json")
    assert said.code == 4
    assert said.json == {"commands": []}
    assert "starts a host" in said.err
    with Database.open(command.database).reader() as reader:
        assert reader.commands() == []


def test_a_database_that_does_not_exist_exits_3_when_it_was_named(command: CommandLine) -> None:
    assert command("pause", "echo").code == 3


def test_waiting_ends_when_the_host_goes(command: CommandLine, hosting: Hosting) -> None:
    host = hosting(waits)
    stopping = threading.Thread(
        target=lambda: (wait_for(lambda: host.running_count() == 1), host.stop(0)), name="stopping"
    )
    stopping.start()
    said = command("run", "waits", "--wait")
    stopping.join()
    assert said.code == 1
    assert "interrupted" in said.out


def test_without_any_database_of_the_project_there_is_no_host(
    command: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pause", "echo"]) == 4
    assert "no host is live, nor ever was on" in capsys.readouterr().err
    assert run(["status"]) == 3


def test_who_has_only_tried_the_demo_is_told_where_its_database_is(
    command: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    Database.open(demo_path()).close()
    assert run(["workers"]) == 3
    assert f"for the demo's workers add --db {demo_path()}" in capsys.readouterr().err
