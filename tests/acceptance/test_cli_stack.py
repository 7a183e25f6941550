"""stack: where a running worker stands, from another process's point of view."""

import asyncio
import threading
from typing import Any

import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.conftest import Hosting
from tests.waiting import wait_for
from workerconsole.cli.stack import stack_lines
from workerconsole.cli.tracebacks import Sheet
from workerkit import RunContext, worker

PLAIN = Sheet(width=100, colour=False)


@worker
def hangs(ctx: RunContext) -> None:
    if not ctx.params.get("long"):
        return

    def down(depth: int) -> None:
        if depth:
            down(depth - 1)
        else:
            ctx.cancellation.wait(60)  # hangs here

    ctx.log.info("about to hang")
    down(5)


@worker
async def waits() -> None:
    async def leaf() -> None:
        await asyncio.sleep(60)

    async with asyncio.TaskGroup() as group:
        group.create_task(leaf(), name="first")
        group.create_task(leaf(), name="second")


@pytest.fixture
def hanging(command: CommandLine, hosting: Hosting) -> CommandLine:
    """A host on which `hangs` succeeded three times and hangs now, as run 4."""
    hosting(hangs, waits)
    for _ in range(3):
        command("run", "hangs", "--wait")
    command("run", "hangs", "--param", "long=true")
    wait_for(lambda: "about to hang" in command("logs", "hangs").out)
    return command


def test_stack_shows_where_it_hangs_what_is_usual_and_the_latest_lines(hanging: CommandLine) -> None:
    said = hanging("stack", "hangs")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].startswith("run 4 of hangs, a thread; for ")
    assert "95 of 100 within" in lines[0]
    assert lines[0].endswith("(of 3 runs)")
    assert lines[1].startswith("20 of 20 samples in ")
    own = [line for line in lines if line.lstrip("0123456789of ").startswith("> ")]
    assert own[0].startswith("20 of 20  > hangs, test_cli_stack.py:")
    assert own[-1].endswith("ctx.cancellation.wait(60)  # hangs here")
    assert any("[the same 4 more times]" in line for line in lines)
    assert lines[-1].endswith("about to hang")


def test_stack_as_json_has_the_tree_and_what_is_usual(hanging: CommandLine) -> None:
    document = hanging("stack", "hangs", "--json").json
    assert list(document) == ["stack", "lines"]
    stack = document["stack"]
    assert list(stack) == [
        *("worker", "run_id", "taken_at", "age_seconds", "usual", "where"),
        *("label", "samples", "tree", "frames", "note", "children"),
    ]
    assert (stack["worker"], stack["run_id"], stack["samples"]) == ("hangs", 4, 20)
    assert stack["usual"]["runs"] == 3
    assert 0 <= stack["usual"]["p50_seconds"] <= stack["usual"]["p95_seconds"]
    assert stack["age_seconds"] > 0
    assert stack["tree"][0]["count"] == 20
    assert [line["text"] for line in document["lines"]] == ["about to hang"]


def test_stack_of_a_task_shows_the_tasks_it_waits_for(command: CommandLine, hosting: Hosting) -> None:
    hosting(waits)
    command("run", "waits")
    said = wait_for(lambda: out if "waits for" in (out := command("stack", "waits").out) else "")
    assert "waits for task first" in said
    assert "waits for task second" in said
    assert "leaf, test_cli_stack.py:" in said


@pytest.mark.parametrize(("name", "code", "says"), [("hangs", 1, "not running"), ("hnags", 3, "did you mean 'hangs'?")])
def test_stack_of_what_does_not_run(command: CommandLine, hosting: Hosting, name: str, code: int, says: str) -> None:
    hosting(hangs)
    said = command("stack", name)
    assert (said.code, said.out) == (code, "")
    assert says in said.err


def test_stack_without_a_host_exits_4(command: CommandLine, hosting: Hosting) -> None:
    hosting(hangs)
    hosting.stop()
    said = command("stack", "hangs")
    assert said.code == 4
    assert "no host is live" in said.err


def node(name: str, count: int, *below: dict[str, Any], own: bool = True) -> dict[str, Any]:
    place = {"file": f"/x/{name}.py", "line": 1, "function": name, "own": own, "text": f"call {name}"}
    return {**place, "count": count, "below": list(below)}


def test_only_branches_are_indented() -> None:
    tree = [node("run", 20, node("get", 20, node("read", 12, own=False), node("send", 8)))]
    assert list(stack_lines({"samples": 20, "tree": tree}, "12 of 20 samples in read, read.py:1", PLAIN)) == [
        "12 of 20 samples in read, read.py:1",
        "",
        "20 of 20  > run, run.py:1  call run",
        "          > get, get.py:1  call get",
        "  12 of 20    read, read.py:1  call read",
        "   8 of 20  > send, send.py:1  call send",
    ]


def test_notes_say_what_cannot_be_seen() -> None:
    lines = list(stack_lines({"samples": 3, "tree": [], "note": "it waits for a free thread"}, "", PLAIN))
    assert "note: it waits for a free thread" in lines
    assert "note: the run ended while it was looked at, after 3 samples" in lines


def test_an_answer_that_makes_no_sense_is_survived() -> None:
    poisoned: dict[str, Any] = {
        "samples": "many",
        "tree": [1, {"below": {"a": 1}, "count": "x"}, {"file": "\x1b]0;x\x07", "line": None, "source": [[1]]}],
        "children": [{"frames": "x"}, None],
        "note": 3,
    }
    text = "\n".join(stack_lines(poisoned, "where", PLAIN))
    assert "\x1b" not in text


def test_it_answers_while_the_worker_blocks_the_event_loop(command: CommandLine, hosting: Hosting) -> None:
    go_on = threading.Event()

    @worker
    async def blocks() -> None:
        go_on.wait(60)  # blocks here

    hosting(blocks)
    command("run", "blocks")
    try:
        said = wait_for(lambda: out if "blocks here" in (out := command("stack", "blocks").out) else "")
        assert "note: it is executing on the event loop" in said
    finally:
        go_on.set()
