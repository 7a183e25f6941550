"""check and init: before anything runs."""

import stat
from pathlib import Path

from tests.acceptance.commandline import CommandLine

GOOD = "from workerkit import worker\n\n@worker(every='5s', timeout='2s', tags=['a'])\ndef job():\n    '''Does it.'''\n"


def test_check_lists_what_it_found_and_runs_nothing(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(GOOD)
    said = command("check", "jobs.py")
    assert said.code == 0
    assert said.out.splitlines()[1].split() == ["ok", "job", "every", "5s", "thread", "2.0", "s", "jobs.py:3"]
    assert said.err == ""
    assert not command.database.exists()


def test_check_as_json(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(GOOD)
    document = command("check", "jobs.py", "--json").json
    found = document["workers"][0]
    assert found.pop("next_run_at").endswith("Z")
    assert found == {
        "name": "job",
        "state": "ok",
        "schedule": "every 5s",
        "interval_seconds": 5.0,
        "timeout_seconds": 2.0,
        "isolation": "thread",
        "tags": ["a"],
        "description": "Does it.",
        "source": f"{tmp_path}/jobs.py:3",
        "error": None,
    }


def test_check_exits_1_with_the_traceback_of_what_is_broken(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "good.py").write_text(GOOD)
    (tmp_path / "jobs" / "bad.py").write_text("raise ValueError('odd \\x1b]0;title\\x07')\n")
    said = command("check", "jobs")
    assert said.code == 1
    assert "bad (jobs/bad.py:1) is broken:" in said.out
    assert "ValueError: odd" in said.out
    assert "\x1b" not in said.out
    assert "1 of 2 will not run" in said.err


def test_check_of_what_does_not_exist_exits_3(command: CommandLine) -> None:
    for target in ("nothing.py", "no_such_module", "no/folder"):
        assert command("check", target).code == 3


def test_check_takes_workers_py_or_says_how_to_get_one(command: CommandLine, tmp_path: Path) -> None:
    said = command("check")
    assert said.code == 2
    assert "`workerconsole init`" in said.err
    (tmp_path / "workers.py").write_text(GOOD)
    assert command("check").code == 0


def test_serve_without_a_target_says_how_to_get_one(command: CommandLine) -> None:
    said = command("serve")
    assert said.code == 2
    assert "`workerconsole init`" in said.err


def test_init_writes_an_example_that_checks_out(command: CommandLine, tmp_path: Path) -> None:
    said = command("init")
    assert (said.code, said.out) == (0, "workers.py\n")
    text = (tmp_path / "workers.py").read_text()
    assert text.count("#") + text.count('"""') >= 10
    checked = command("check", "--json")
    assert checked.code == 0
    assert [worker["name"] for worker in checked.json["workers"]] == [
        "heartbeat",
        "cleanup",
        "report",
        "failing",
        "backup",
    ]


def test_init_never_overwrites(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "workers.py").write_text("mine")
    said = command("init")
    assert said.code == 1
    assert "stays as it is" in said.err
    assert (tmp_path / "workers.py").read_text() == "mine"


def test_init_takes_a_file_or_a_folder(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert command("init", "sub").out == "sub/workers.py\n"
    assert command("init", "other.py").out == "other.py\n"
    assert stat.S_IMODE((tmp_path / "other.py").stat().st_mode) & 0o111 == 0
    said = command("init", "no/such/folder/x.py")
    assert said.code == 1
    assert "can't be written (No such file or directory)" in said.err
