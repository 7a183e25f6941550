"""What the command line understands, before anything is opened."""

import argparse
from pathlib import Path

import pytest

from tests.acceptance.commandline import CommandLine
from workerconsole.cli import run
from workerconsole.cli.parser import COMMANDS, parse
from workerkit import __version__


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {word} " in text for word in COMMANDS if word != "open")
    assert "3 what was named does not exist, 4 no host is live" in text
    assert max(len(line) for line in text.splitlines()) <= 120


@pytest.mark.parametrize("word", [word for word in COMMANDS if word != "open"])
def test_every_command_has_help_of_its_own(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([word, "--help"]) == 0
    assert COMMANDS[word].help in capsys.readouterr().out.replace("\n", " ")


def test_version_is_the_kits(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"workerconsole {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--db", "x.db", "runs", "alpha", "--limit", "5"],
        ["runs", "--limit", "5", "alpha", "--db", "x.db"],
        ["--db=x.db", "runs", "--limit=5", "alpha"],
    ],
)
def test_options_may_stand_before_and_after_the_command(words: list[str]) -> None:
    command, arguments = parse(words)
    assert command == "runs"
    assert (arguments.db, arguments.worker, arguments.limit) == ("x.db", "alpha", 5)


def test_what_is_no_command_is_a_target() -> None:
    command, arguments = parse(["jobs.py", "package.more:manager", "--grace", "3"])
    assert command == "open"
    assert (arguments.targets, arguments.grace) == (["jobs.py", "package.more:manager"], 3.0)


def test_a_folder_named_like_a_command_is_written_with_a_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workers").mkdir()
    assert parse(["workers"])[0] == "workers"
    assert parse(["workers/"]) == (
        "open",
        argparse.Namespace(targets=["workers/"], grace=None, theme=None, allow_eval=False, db=None),
    )


@pytest.mark.parametrize("words", [["serve"], ["demo"], []])
def test_evaluating_in_a_host_is_off_unless_asked_for(words: list[str]) -> None:
    assert parse(words)[1].allow_eval is False
    assert parse(["--allow-eval", *words])[1].allow_eval is True


def test_parameters_are_json_where_they_read_as_json_and_text_else() -> None:
    words = ["run", "w", "--param", "day=5", "--param", "who=ann=e", "--param", 'list=[1, "a"]', "--param", "empty="]
    arguments = parse(words)[1]
    assert dict(arguments.param) == {"day": 5, "who": "ann=e", "list": [1, "a"], "empty": ""}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["statsu"], "did you mean `workerconsole status`?"),
        (["pause"], "name the workers to pause, or give --all"),
        (["resume", "a", "--all"], "not both"),
        (["acknowledge", "abc"], "`workerconsole failures` lists them"),
        (["resolve"], "FAILURE"),
        (["snooze", "abcd", "--for", "soon"], "not a duration"),
        (["snooze", "abcd", "--for", "0s"], "at most a year"),
        (["failures", "--state", "lost"], "invalid choice: 'lost'"),
        (["stack"], "WORKER"),
        (["runs", "--limit", "-1"], "positive number"),
        (["runs", "--outcome", "great"], "invalid choice: 'great'"),
        (["runs", "--since", "yesterday"], "not a duration"),
        (["serve", "--grace", "nan"], "seconds between 0 and 86400"),
        (["serve", "--grace", "soon"], "seconds between 0 and 86400"),
        (["run", "w", "--param", "novalue"], "KEY=VALUE"),
        (["run", "w", "--params", "[1]"], "JSON object"),
        (["run", "w", "--params", "{"], "is not JSON"),
        (["run"], "NAME"),
        (["cancel"], "NAME"),
        (["status", "extra"], "unrecognized arguments: extra"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_right(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""


def test_an_error_of_ours_is_one_sentence_unless_asked_for_more(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workerconsole.cli.reading.reading", lambda _db: 1 / 0)
    said = command("status")
    assert said.code == 1
    assert "this should not have happened: ZeroDivisionError" in said.err
    assert "Traceback" not in said.err
    monkeypatch.setenv("WORKERCONSOLE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        command("status")


@pytest.mark.parametrize("words", [[], ["demo"], ["attach"]])
def test_the_console_needs_a_terminal(words: list[str], command: CommandLine) -> None:
    said = command(*words)
    assert said.code == 2
    assert "`workerconsole serve` hosts the same workers" in said.err
