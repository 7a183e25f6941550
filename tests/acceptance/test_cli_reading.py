"""status, workers, runs, show, logs: what they say of a database, for people and as JSON."""

import re

import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.conftest import Hosting
from tests.waiting import wait_for
from workerkit import RunContext, worker
from workerkit.store.database import Database

WORKER_KEYS = [
    *("name", "status", "schedule", "interval_seconds", "isolation", "tags", "policy"),
    *("paused_at", "paused_until", "paused_by", "pause_reason", "suspended_at", "suspended_because"),
    *("success_count", "failure_count", "consecutive_failures", "last_run_at", "next_run_at"),
    *("last_outcome", "last_duration_seconds", "last_error"),
]
RUN_KEYS = [
    *("id", "worker", "attempt", "trigger", "due_at", "started_at", "finished_at"),
    *("outcome", "kind", "duration_seconds", "error", "summary", "retry_at", "host"),
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@worker(every="1d", tags=["nightly"])
def good(ctx: RunContext) -> str:
    print("printed")
    ctx.log.warning("logged \x1b[31mred\x1b[0m")
    return "all well"


@worker
def bad() -> None:
    try:
        int("x")
    except ValueError as error:
        raise RuntimeError("it broke \x1b]0;title\x07[red]") from error


@pytest.fixture
def history(command: CommandLine, hosting: Hosting) -> CommandLine:
    """A live host on which `good` ran once, as run 1, and `bad` twice, as runs 2 and 3."""
    hosting(good, bad)
    for name in ("good", "bad", "bad"):
        command("run", name, "--wait")
    return command


def test_workers_as_json_has_exactly_the_promised_keys(history: CommandLine) -> None:
    said = history("workers", "--json")
    assert said.code == 0
    bad_one, good_one = said.json["workers"]
    assert list(said.json) == ["workers"]
    assert list(good_one) == list(bad_one) == WORKER_KEYS
    assert TIME.fullmatch(good_one["last_run_at"])
    assert TIME.fullmatch(good_one["next_run_at"])
    assert (good_one["status"], good_one["success_count"], good_one["interval_seconds"]) == ("idle", 1, 86_400.0)
    assert (bad_one["status"], bad_one["failure_count"], bad_one["consecutive_failures"]) == ("failed", 2, 2)
    assert (bad_one["interval_seconds"], bad_one["next_run_at"], bad_one["schedule"]) == (None, None, "manual")
    assert bad_one["last_error"].startswith("RuntimeError: it broke")


def test_runs_as_json_has_exactly_the_promised_keys_latest_first(history: CommandLine) -> None:
    said = history("runs", "--json")
    assert list(said.json) == ["runs"]
    runs = said.json["runs"]
    assert [run["id"] for run in runs] == [3, 2, 1]
    assert all(list(run) == RUN_KEYS for run in runs)
    assert runs[2]["outcome"] == "succeeded"
    assert (runs[0]["outcome"], runs[0]["kind"], runs[0]["trigger"]) == ("failed", "error", "manual")
    assert 0 <= runs[0]["duration_seconds"] < 30


def test_runs_are_limited_and_filtered(history: CommandLine) -> None:
    def ids(*words: str) -> list[int]:
        return [run["id"] for run in history("runs", "--json", *words).json["runs"]]

    assert ids("--limit", "1") == [3]
    assert ids("--since", "1h") == [3, 2, 1]
    assert ids("--since", "2h", "--until", "1h") == []
    assert ids("good") == [1]
    assert ids("--failed") == [3, 2]
    assert ids("--outcome", "succeeded") == [1]
    assert ids("--outcome", "running") == []


def test_show_as_json_gives_the_failure_or_null(history: CommandLine) -> None:
    said = history("show", "2", "--json")
    assert list(said.json) == ["run", "failure"]
    assert list(said.json["run"]) == RUN_KEYS
    failure = said.json["failure"]
    assert (failure["run_id"], failure["kind"]) == (2, "error")
    assert "ValueError: invalid literal" in failure["traceback"]
    assert failure["capture"]["version"] == 1
    assert history("show", "1", "--json").json["failure"] is None


def test_show_prints_the_traceback_for_people_without_escape_sequences(history: CommandLine) -> None:
    said = history("show", "2")
    assert "outcome        failed (error)" in said.out
    assert 'test_cli_reading.py", line' in said.out
    assert "direct cause" in said.out
    assert "RuntimeError: it broke [red]" in said.out
    assert "\x1b" not in said.out


def test_show_of_a_worker_tells_how_long_its_runs_take(history: CommandLine) -> None:
    said = history("show", "good", "--json")
    assert list(said.json) == ["worker", "durations"]
    assert list(said.json["worker"]) == WORKER_KEYS
    durations = said.json["durations"]
    assert list(durations) == ["p50_seconds", "p95_seconds", "p99_seconds", "runs"]
    assert durations["runs"] == 1
    assert durations["p50_seconds"] == durations["p99_seconds"] == said.json["worker"]["last_duration_seconds"]
    assert history("show", "bad", "--json").json["durations"] is None
    lines = dict(line.split(maxsplit=1) for line in history("show", "good").out.splitlines())
    assert lines["runs"] == "1 succeeded, 0 failed"
    assert lines["took"].startswith("usually ")
    assert history("show", "bad", "--plain").out == history("show", "3", "--plain").out


def test_status_as_json_names_the_host_and_every_status(history: CommandLine) -> None:
    document = history("status", "--json").json
    assert list(document) == ["host", "counts", "last_hour", "last_day"]
    assert document["last_hour"] == document["last_day"] == {"started": 3, "succeeded": 1, "failed": 2, "other": 0}
    assert document["counts"] == {
        "idle": 1,
        "running": 0,
        "failed": 1,
        "retrying": 0,
        "paused": 0,
        "suspended": 0,
        "stuck": 0,
        "unregistered": 0,
        "broken": 0,
    }
    assert (document["host"]["mode"], document["host"]["targets"]) == ("library", ["workers.py"])
    assert TIME.fullmatch(document["host"]["started_at"])


def test_status_without_a_live_host_is_null_and_says_how_to_start_one(history: CommandLine, hosting: Hosting) -> None:
    hosting.stop()
    assert history("status", "--json").json["host"] is None
    said = history("status")
    assert said.code == 0
    assert "none is live; `workerconsole serve TARGET` starts a host" in said.out
    assert "no host is live, this is how the last one left it" in history("workers").err


def test_tables_are_aligned_and_clean(history: CommandLine) -> None:
    said = history("workers")
    title, bad_line, good_line = said.out.splitlines()
    assert title.split()[:3] == ["STATUS", "NAME", "SCHEDULE"]
    column = title.index("SCHEDULE")
    assert bad_line[column:].startswith("manual")
    assert good_line[column:].startswith("every 1d")
    assert "\x1b" not in said.out
    lines = history("runs").out.splitlines()
    assert len({line.index("manual") for line in lines[1:]}) == 1
    assert lines[3].endswith("all well")


def test_logs_of_a_worker_and_of_a_run(history: CommandLine) -> None:
    document = wait_for(lambda: history("logs", "good", "--json").json["lines"])
    assert [(line["stream"], line["level"]) for line in document] == [("stdout", None), ("log", "WARNING")]
    assert list(document[0]) == ["run_id", "seq", "at", "stream", "level", "logger", "text"]
    said = history("logs", "1")
    assert [line.split(maxsplit=3)[1:] for line in said.out.splitlines()] == [
        ["1", "stdout", "printed"],
        ["1", "warning", "logged red"],
    ]
    assert history("logs", "good", "--lines", "1").out.count("\n") == 1
    assert history("logs", "bad").out == ""


def test_following_a_run_ends_with_it(command: CommandLine, hosting: Hosting) -> None:
    @worker
    def steps(ctx: RunContext) -> None:
        for number in range(3):
            ctx.log.info("step %d", number)
            ctx.sleep(0.1)

    hosting(steps)
    run_id = command("run", "steps", "--json").json["commands"][0]["run_id"]
    said = command("logs", str(run_id), "--follow")
    assert [line.rpartition(" ")[2] for line in said.out.splitlines()] == ["0", "1", "2"]
    again = command("logs", str(run_id), "--follow", "--json")
    assert len(again.out.splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["runs", "god"], "there is no worker 'god'; did you mean 'good'?"),
        (["runs", "zzz"], "`workerconsole workers` lists them"),
        (["logs", "god"], "did you mean 'good'?"),
        (["logs", "99"], "there is no run 99"),
        (["show", "99"], "there is no run 99"),
        (["show", "0"], "there is no run 0"),
        (["show", "god"], "there is no worker 'god'; did you mean 'good'?"),
        (["show", "abcd"], "there is no failure abcd"),
    ],
)
def test_what_does_not_exist_exits_3(history: CommandLine, words: list[str], says: str) -> None:
    said = history(*words)
    assert (said.code, said.out) == (3, "")
    assert says in said.err


@pytest.mark.parametrize("words", [["status"], ["workers", "--json"], ["runs"], ["show", "1"], ["logs", "x"]])
def test_a_database_that_does_not_exist_exits_3_and_is_not_made(command: CommandLine, words: list[str]) -> None:
    said = command(*words)
    assert (said.code, said.out) == (3, "")
    assert f"there is no database at {command.database}" in said.err
    assert not command.database.exists()


def test_a_file_that_is_no_database_is_refused_in_a_sentence(command: CommandLine) -> None:
    command.database.write_bytes(b"this is no database at all" * 100)
    said = command("status")
    assert said.code == 1
    assert str(command.database) in said.err
    assert "should not have happened" not in said.err


def test_reading_changes_nothing(command: CommandLine) -> None:
    Database.open(command.database).close()
    before = command.database.read_bytes()
    for words in (["status"], ["workers"], ["runs"]):
        assert command(*words).code == 0
    assert command.database.read_bytes() == before
