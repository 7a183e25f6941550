"""pause for a while, why, gaps, commands: as people type them."""

from contextlib import closing
from datetime import datetime

import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.conftest import Hosting
from tests.integration.test_guarded_runs import Task, raiser
from tests.waiting import wait_for
from workerkit import BaseWorker, Retry, RunContext
from workerkit.clock import HOUR, SystemClock
from workerkit.store.database import Database
from workerkit.store.records import WorkerRecord


class Minutely(BaseWorker):
    name = "minutely"
    interval = "1m"

    def run(self, ctx: RunContext) -> str:
        return "done"


class Often(Minutely):
    name = "often"
    interval = "100ms"


def record(command: CommandLine, name: str) -> WorkerRecord:
    with closing(Database.open(command.database)) as database, database.reader() as reader:
        found = reader.worker(name)
    assert found is not None
    return found


# Pausing for a while


def test_pause_for_a_span_says_which_slots_will_be_missed(command: CommandLine, hosting: Hosting) -> None:
    hosting(Minutely())
    before = SystemClock().now()
    said = command("pause", "minutely", "--for", "2h", "--reason", "disk")
    assert said.code == 0
    assert said.out.startswith("minutely is paused until ")
    assert "; 120 slots will be missed, the next at " in said.out
    assert "Z" not in said.out, "moments are told in local time"
    paused = record(command, "minutely")
    assert paused.paused_until is not None
    assert 2 * HOUR <= paused.paused_until - before < 2 * HOUR + 30_000_000
    assert "now until somebody resumes it; no slot starts" in command("pause", "minutely").out


def test_pause_until_takes_local_time_and_a_moment(command: CommandLine, hosting: Hosting) -> None:
    hosting(Minutely(), Often())
    soon = datetime.now().replace(second=0, microsecond=0)
    assert command("pause", "minutely", "--until", f"{soon:%H:%M}").code == 0
    until = record(command, "minutely").paused_until
    assert until is not None
    assert f"{datetime.fromtimestamp(until / 1e6):%H:%M}" == f"{soon:%H:%M}"
    assert 0 < until - SystemClock().now() <= 25 * HOUR, "today's is past, so it is tomorrow's"
    assert command("pause", "--all", "--until", "tomorrow 23:59").out.startswith(
        "2 workers paused until tomorrow 23:59; "
    )
    assert command("resume", "--all").out == "2 workers resumed\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--until", "25:99"], "is no time; write it like 14:30"),
        (["--until", "2020-01-01 10:00"], "is past"),
        (["--until", "whenever"], "is no time"),
        (["--for", "a while"], "not a duration; write it like"),
        (["--for", "0s"], "no time at all"),
        (["--for", "9000d"], "more than a year"),
        (["--for", "1h", "--until", "14:30"], "--for or --until, not both"),
    ],
)
def test_an_end_that_can_not_be_meant_is_wrong_usage_and_nothing_is_paused(
    command: CommandLine, hosting: Hosting, words: list[str], says: str
) -> None:
    hosting(Minutely())
    said = command("pause", "minutely", *words)
    assert said.code == 2
    assert says in said.err
    assert not record(command, "minutely").paused


def test_force_on_a_thread_is_refused_after_it_was_asked(command: CommandLine, hosting: Hosting) -> None:
    hosting(Task(lambda ctx: ctx.sleep(30)))
    command("run", "task")
    said = command("cancel", "task", "--force")
    assert said.code == 1
    assert "a thread can't be ended by force" in said.err
    wait_for(lambda: command("runs", "--json").json["runs"][0]["outcome"] == "cancelled")
    assert "cancelled by " in command("runs").out


# Why


def test_why_tells_what_it_does_what_was_missed_and_what_is_next(command: CommandLine, hosting: Hosting) -> None:
    hosting(Often())
    command("pause", "often", "--reason", "disk", "--for", "1h")
    wait_for(lambda: command("gaps", "often", "--json").json["gaps"])
    said = command("why", "often")
    assert said.code == 0
    assert said.out.startswith("often  paused  every 100ms\n")
    for words in ("It is paused by", ": disk.", "did not run: it was paused by", "It resumes by itself ", "SLOT"):
        assert words in said.out
    document = command("why", "often", "--slots", "3", "--json").json
    assert list(document) == ["worker", "status", "at", "statements", "slots"]
    assert {each["topic"] for each in document["statements"]} >= {"now", "missed", "next"}
    assert document["slots"][0]["verdict"] == "paused"
    assert list(document["slots"][0]) == [
        *("first_due_at", "last_due_at", "count", "verdict", "run_id", "outcome", "late_seconds", "text")
    ]
    assert len(document["slots"]) <= 3


def test_why_of_a_retrying_and_a_suspended_worker(command: CommandLine, hosting: Hosting) -> None:
    again = Task(raiser(ValueError("no")), name="again", retry=Retry(3, base="1h"))
    given_up = Task(raiser(ValueError("no")), name="given-up", pause_after=1)
    hosting(again, given_up)
    command("run", "again", "--wait")
    command("run", "given-up", "--wait")
    wait_for(lambda: record(command, "given-up").status == "suspended")
    assert "attempt 2 of 3 follows at" in command("why", "again").out
    assert "It is suspended since" in command("why", "given-up").out
    assert "again in " in command("runs", "again").out
    workers = {each["name"]: each for each in command("workers", "--json").json["workers"]}
    assert workers["given-up"]["suspended_because"] == "it failed 1 times in a row"
    assert workers["again"]["policy"]["retry"].startswith("3 attempts")
    assert command("status", "--json").json["counts"] == {
        **dict.fromkeys(("idle", "running", "failed", "paused", "stuck", "unregistered", "broken"), 0),
        "retrying": 1,
        "suspended": 1,
    }


def test_why_without_a_host_says_since_when(command: CommandLine, hosting: Hosting) -> None:
    hosting(Minutely())
    hosting.stop()
    said = command("why", "minutely")
    assert said.code == 0
    assert "No host is alive, so nothing starts" in said.out
    assert command("why", "minutly").code == 3


# Gaps and commands


def test_gaps_are_listed_by_worker_reason_and_age(command: CommandLine, hosting: Hosting) -> None:
    hosting(Often(), Often(name="other", interval=0.2))
    command("pause", "--all", "--reason", "disk")
    wait_for(lambda: len({gap["worker"] for gap in command("gaps", "--json").json["gaps"]}) == 2)
    found = command("gaps", "other", "--json").json["gaps"]
    assert [gap["worker"] for gap in found] == ["other"]
    assert list(found[0]) == ["id", "worker", "reason", "first_due_at", "last_due_at", "count", "detail", "run_id"]
    assert command("gaps", "--reason", "overlap", "--json").json == {"gaps": []}
    assert len(command("gaps", "--reason", "paused", "--since", "1h", "--json").json["gaps"]) == 2
    assert len(command("gaps", "--limit", "1", "--json").json["gaps"]) == 1
    lines = command("gaps").out.splitlines()
    assert lines[0].split() == ["WORKER", "REASON", "FROM", "TO", "SLOTS", "DETAIL"]
    assert "paused by " in lines[1]
    assert command("gaps", "--reason", "boredom").code == 2
    assert command("gaps", "othr").code == 3


def test_commands_are_the_audit_log(command: CommandLine, hosting: Hosting) -> None:
    hosting(Minutely())
    command("pause", "minutely", "--for", "1h", "--reason", "disk")
    command("run", "minutely", "--wait")
    found = command("commands", "--json").json["commands"]
    assert [each["verb"] for each in found] == ["run", "pause"]
    assert (found[1]["reason"], found[1]["state"]) == ("disk", "done")
    assert list(found[1]["params"]) == ["until"]
    assert found[1]["requested_by"]
    text = command("commands", "minutely").out
    assert "pause until " in text
    assert "disk" in text
    assert command("commands", "nobody").code == 3
