"""failures, show, acknowledge and its like: which faults there are, what each is, and what operators make of it."""

import asyncio
import contextlib
import re
import sqlite3
import subprocess
import sys
from typing import Any

import pytest
from rich.cells import cell_len

from tests.acceptance.commandline import PROGRAM, CommandLine, environment
from tests.acceptance.conftest import Hosting
from workerconsole.captures import read_capture
from workerconsole.cli import output
from workerconsole.cli.tracebacks import Sheet, traceback_lines
from workerkit import RunContext, worker
from workerkit.failures.text import plain
from workerkit.store.database import Database

FAILURE_KEYS = [
    *("fingerprint", "state", "kind", "title", "count", "first_seen_at", "last_seen_at", "first_run_id", "last_run_id"),
    *("workers", "trend", "parts", "note", "state_by", "state_at", "snoozed_until", "regressed_at"),
]


class Order:
    def __init__(self) -> None:
        self.qty = [1, 2, 3]
        self.password = "hunter22"


@worker
def ships(ctx: RunContext) -> None:
    order, text = Order(), "x" * 500
    try:
        {"page": 411}[str(ctx.params.get("page", "none"))]
    except KeyError as error:
        raise RuntimeError(f"cannot ship {len(order.qty)} {text and ''}\nsecond \x1b[31mline") from error


@worker
def other() -> None:
    raise ValueError("other")


@worker
async def many() -> None:
    async def one(number: int) -> None:
        raise ValueError(f"number {number}")

    async with asyncio.TaskGroup() as group:
        group.create_task(one(1))
        group.create_task(one(2))


@worker
def recurses() -> None:
    def down(depth: int) -> None:
        down(depth + 1)

    down(0)


@worker
def good() -> str:
    return "fine"


@pytest.fixture
def history(command: CommandLine, hosting: Hosting) -> CommandLine:
    """A live host on which `ships` failed twice, as runs 1 and 2, and `other` once, as run 3."""
    hosting(ships, other, many, recurses, good)
    for name in ("ships", "ships", "other"):
        command("run", name, "--wait")
    return command


def failures(command: CommandLine, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = command("failures", "--json", *words).json["failures"]
    return found


def mark(command: CommandLine, worker: str) -> str:
    return str(failures(command, "--worker", worker)[0]["fingerprint"])


def test_failures_as_json_has_exactly_the_promised_keys_latest_first(history: CommandLine) -> None:
    latest, first = failures(history)
    assert list(latest) == list(first) == FAILURE_KEYS
    assert (latest["title"], latest["count"], latest["state"]) == ("ValueError: other", 1, "open")
    assert (first["count"], first["first_run_id"], first["last_run_id"]) == (2, 1, 2)
    assert first["workers"] == [{"worker": "ships", "count": 2}]
    assert len(first["trend"]) == 24
    assert sum(first["trend"]) == 2
    assert first["parts"][0] == "error"
    assert first["last_seen_at"].endswith("Z")


def test_failures_are_filtered_and_limited(history: CommandLine) -> None:
    history("resolve", mark(history, "other"))
    assert [each["state"] for each in failures(history)] == ["open", "resolved"]
    assert [each["title"] for each in failures(history, "--state", "resolved")] == ["ValueError: other"]
    assert len(failures(history, "--limit", "1")) == 1
    assert failures(history, "--worker", "good") == []
    assert history("failures", "--worker", "god").code == 3


def test_the_most_urgent_comes_first(history: CommandLine) -> None:
    history("run", "recurses", "--wait")
    history("run", "many", "--wait")
    history("acknowledge", mark(history, "many"))
    history("snooze", mark(history, "recurses"))
    history("resolve", mark(history, "ships"), mark(history, "other"))
    history("run", "ships", "--wait")
    said = history("failures").out.splitlines()
    assert [line.split()[1] for line in said] == ["STATE", "regressed", "acknowledged", "snoozed", "resolved"]
    assert failures(history)[0]["regressed_at"] is not None


def test_the_trend_is_shown_where_blocks_can_be_written(history: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    title, line, _ = history("failures").out.splitlines()
    assert "24 HOURS" in title
    assert re.search(r"·{22}.█|·{23}█", line)
    monkeypatch.setattr("workerconsole.cli.groups.takes_blocks", lambda: False)
    assert "24 HOURS" not in history("failures").out


def test_states_are_given_with_a_note(history: CommandLine) -> None:
    ours = mark(history, "ships")
    said = history("acknowledge", ours[:6], "--note", "on it")
    assert (said.code, said.out) == (0, f"failure {ours[:8]} is acknowledged\n")
    (found,) = failures(history, "--state", "acknowledged")
    assert (found["note"], found["fingerprint"]) == ("on it", ours)
    assert found["state_by"]
    assert history("snooze", ours, "--for", "2h").code == 0
    (found,) = failures(history, "--state", "snoozed")
    assert found["snoozed_until"] is not None
    assert history("reopen", ours.upper()).code == 0
    assert {each["state"] for each in failures(history)} == {"open"}


def test_a_state_is_stored_without_a_host_and_the_next_one_applies_it(history: CommandLine, hosting: Hosting) -> None:
    ours = mark(history, "ships")
    hosting.stop()
    said = history("resolve", ours, "--json")
    assert said.code == 4
    assert said.json["commands"][0]["state"] == "pending"
    hosting(ships, other)
    assert [each["fingerprint"] for each in failures(history, "--state", "resolved")] == [ours]


@pytest.mark.parametrize("words", [["show", "ffff0000ffff"], ["resolve", "ffff0000ffff"], ["show", "99999"]])
def test_what_does_not_exist_exits_3(history: CommandLine, words: list[str]) -> None:
    said = history(*words)
    assert (said.code, said.out) == (3, "")
    assert "there is no" in said.err


def test_a_beginning_that_several_share_names_them(history: CommandLine) -> None:
    with contextlib.closing(sqlite3.connect(history.database)) as connection, connection:
        connection.execute("UPDATE failure_groups SET fingerprint = 'abcd' || substr(fingerprint, 5)")
    said = history("show", "abcd")
    assert (said.code, said.out) == (3, "")
    assert "several failures begin with abcd; give more of it: abcd" in said.err


def test_a_number_that_is_a_run_is_the_run(history: CommandLine) -> None:
    assert history("show", "3").out.startswith("run            3 of other")


def test_show_of_a_run_prints_own_frames_with_source_and_variables(history: CommandLine) -> None:
    said = history("show", "1").out
    assert re.search(r"failure        [0-9a-f]{16}, seen 2 times, open", said)
    assert "\x1b" not in said
    before, _, after = said.partition("The above exception was the direct cause of the following exception:")
    assert re.search(r'^> File ".*test_cli_failures.py", line \d+, in ships$', before, re.MULTILINE)
    failing = next(line for line in before.splitlines() if line.startswith("  >"))
    assert failing.endswith('{"page": 411}[str(ctx.params.get("page", "none"))]')
    assert "KeyError: 'none'" in before
    assert re.search(r"order = Order\(qty=\[1, 2, 3\], password=.*\)", after)
    assert "hunter22" not in said
    assert max(len(line) for line in said.splitlines() if "text =" in line) <= 120
    assert after.endswith("RuntimeError: cannot ship 3 \nsecond line\n")


def lines_of(frame: dict[str, Any], sheet: Sheet) -> list[str]:
    entry = {"type": "ValueError", "message": "", "relation": "root", "parent": None, "frames": [frame]}
    return list(traceback_lines(read_capture({"version": 1, "exceptions": [entry]}), sheet))


def test_show_marks_the_columns_that_failed() -> None:
    text = "    漢字 = first(1) + second(2)"
    frame = {"file": "/x/jobs.py", "line": 7, "function": "work", "own": True, "source": [[6, "    if 1:"], [7, text]]}
    part = len(text[: text.index("first")].encode()), len(text[: text.index(" + second")].encode())
    assert lines_of({**frame, "columns": part}, Sheet(80, colour=False))[1:5] == [
        '> File "/x/jobs.py", line 7, in work',
        "         6  if 1:",
        "  >      7  漢字 = first(1) + second(2)",
        "                   ^^^^^^^^",
    ]
    whole = 4, len(text.encode())
    assert not any("^" in line for line in lines_of({**frame, "columns": whole}, Sheet(80, colour=False)))


@pytest.mark.parametrize("width", [40, 60, 100])
@pytest.mark.parametrize("colour", [False, True])
def test_variables_stay_within_the_width(width: int, colour: bool) -> None:
    items = [{"kind": "string", "text": "漢字" * 30}, {"kind": "number", "text": "1"}] * 5
    variables = [["text", items[0]], ["many", {"kind": "sequence", "type": "list", "size": 10, "items": items}]]
    frame = {"file": "/x/jobs.py", "line": 7, "function": "work", "own": True, "source": [], "locals": variables}
    drawn = [line for line in lines_of(frame, Sheet(width, colour)) if " = " in line]
    assert len(drawn) == 2
    assert all(cell_len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= max(width, 46) for line in drawn)
    assert all(line.endswith("…") for line in drawn)


def test_a_recursion_is_drawn_by_its_ends(history: CommandLine) -> None:
    history("run", "recurses", "--wait")
    lines = history("show", "4").out.splitlines()
    assert any("the same 57 more times" in line for line in lines)
    assert len(lines) < 60


def test_show_draws_members_of_groups_apart(history: CommandLine) -> None:
    history("run", "many", "--wait")
    said = history("show", "4").out
    assert "  +---------------- 1 ----------------" in said
    assert "  | ValueError: number 1" in said
    assert "  |       number = 2" in said


def test_show_plain_is_the_traceback_and_nothing_else(history: CommandLine) -> None:
    with Database.open(history.database).reader() as reader:
        failure = reader.failure(3)
    assert failure is not None
    assert history("show", "3", "--plain").out == plain(failure.capture) + "\n"
    assert history("show", mark(history, "other"), "--plain").out == plain(failure.capture) + "\n"


def test_show_in_colour_is_the_same_text(history: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    without = history("show", "1").out
    monkeypatch.setattr(output, "coloured", lambda stream=None: True)
    monkeypatch.setattr("workerconsole.cli.show.coloured", lambda stream=None: True)
    coloured = history("show", "1").out
    assert "\x1b[1;31mRuntimeError: cannot ship 3 \x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == without
    assert set(re.findall(r"\x1b\[([0-9;]*)m", coloured)) <= {"0", "1", "2", "31", "32", "34", "36", "1;31", "3;2"}


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.coloured()


def test_show_of_a_failure_tells_what_makes_it_one(history: CommandLine) -> None:
    ours = mark(history, "ships")
    history("acknowledge", ours, "--note", "known")
    lines = history("show", ours[:4]).out.splitlines()
    fields = {line[:15].strip(): line[15:] for line in lines[:9]}
    assert fields["failure"] == ours
    assert fields["state"].startswith("acknowledged by ")
    assert (fields["note"], fields["seen"], fields["workers"]) == ("known", "2 times", "ships (2)")
    assert "made one by    error" in lines
    assert any(line.endswith(":ships") for line in lines)
    assert any(line.startswith("the latest, run 2 of ships") for line in lines)
    assert any(line.startswith("> File ") for line in lines)


def test_show_of_a_failure_as_json_has_its_latest_occurrence(history: CommandLine) -> None:
    document = history("show", mark(history, "ships"), "--json").json
    assert list(document) == ["group", "run", "failure"]
    assert list(document["group"]) == FAILURE_KEYS
    assert document["run"]["id"] == document["failure"]["run_id"] == 2
    assert document["failure"]["fingerprint"] == document["group"]["fingerprint"]
    assert document["failure"]["capture"]["exceptions"][0]["frames"][-1]["locals"]


def test_show_plain_of_a_run_that_did_not_fail_prints_nothing(history: CommandLine) -> None:
    history("run", "good", "--wait")
    said = history("show", "4", "--plain")
    assert (said.code, said.out) == (0, "")
    assert "no failure" in said.err


def test_what_an_encoding_lacks_is_a_question_mark(history: CommandLine) -> None:
    words = [*PROGRAM, "failures", "--db", str(history.database)]
    done = subprocess.run(
        words, env=environment(PYTHONIOENCODING="ascii"), capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "24 HOURS" not in done.stdout
