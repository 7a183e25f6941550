"""What each command imports: a command pays only for what it needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.commandline import CommandLine, environment
from tests.acceptance.conftest import Hosting
from workerconsole.cli.parser import COMMANDS
from workerkit import worker
from workerkit.store.database import Database

FAULT = "FAULT"
"""Stands for the fingerprint of a failure."""
HEAVY = ("textual", "sqlalchemy", "apscheduler", "alembic", "psutil")
HEAVY_FOR_READERS = (
    *("textual", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "apscheduler", "alembic", "psutil"),
    "workerkit.store.writer",
)
COSTLY = {"open", "demo", "attach", "serve"}
"""Commands that may import everything: they host, or draw."""
QUICK = {
    **{word: [word] for word in ("status", "workers", "runs", "failures", "gaps", "commands")},
    **{word: [word, "fails"] for word in ("show", "logs", "stack", "why", "resume", "run", "cancel", "reset-counters")},
    **{word: [word, FAULT] for word in ("acknowledge", "snooze", "resolve", "reopen")},
    "pause": ["pause", "fails", "--for", "1h"],
}
"""All others that read the database."""

SCRIPT = """
import sys
from workerconsole.cli import run
code = run(sys.argv[1:])
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def imported(folder: Path, *words: str) -> tuple[int, set[str]]:
    """The exit code of a command in a fresh interpreter, and every module that it had imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["runs", "--help"], ["statsu"]])
def test_help_and_version_import_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    _, modules = imported(tmp_path, *words)
    assert not modules & set(HEAVY)
    assert "workerconsole.cli.parser" in modules


@worker
def fails() -> None:
    raise RuntimeError("on purpose")


def test_every_command_is_looked_at() -> None:
    assert COMMANDS.keys() == QUICK.keys() | COSTLY | {"check", "init"}


@pytest.mark.parametrize("form", ["people", "json"])
@pytest.mark.parametrize("words", [*QUICK.values(), ["show", "1"], ["show", FAULT]], ids=" ".join)
def test_reading_and_asking_import_neither_screen_nor_scheduler(
    words: list[str], form: str, command: CommandLine, hosting: Hosting, tmp_path: Path
) -> None:
    hosting(fails)
    command("run", "fails", "--wait")
    fingerprint = command("failures", "--json").json["failures"][0]["fingerprint"]
    said = [fingerprint if word == FAULT else word for word in words]
    json_flag = ["--json"] if form == "json" else []
    code, modules = imported(tmp_path, *said, *json_flag, "--db", str(command.database))
    assert code == (1 if words[0] in ("stack", "cancel") else 0)  # it is not running
    assert not modules & set(HEAVY_FOR_READERS)
    assert "sqlalchemy" in modules


@pytest.mark.parametrize("words", [["attach"], ["workers.py"], ["demo"]], ids=" ".join)
def test_a_console_paints_before_anything_is_imported_that_hosts_or_reads(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "workers.py").write_text("raise RuntimeError('not before there is a screen')")
    Database.open(tmp_path / "shown.db").close()
    script = (
        "import sys, workerconsole.app\n"
        "from workerconsole.cli import screen\n"
        "from workerconsole.cli.parser import parse\n"
        "screen._need_terminal = lambda: None\n"
        "workerconsole.app.ConsoleApp.run = lambda app: sys.exit(print(*sys.modules))\n"
        f"command, arguments = parse({[*words, '--db', 'shown.db']!r})\n"
        "{'open': screen.open_console, 'attach': screen.attach, 'demo': screen.demo}[command](arguments)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) & set(HEAVY) == {"textual"}


def test_an_example_is_written_without_anything_heavy(tmp_path: Path) -> None:
    code, modules = imported(tmp_path, "init")
    assert code == 0
    assert not modules & set(HEAVY)


def test_check_imports_no_more_than_the_targets_do(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text("from workerkit import worker\n\n@worker(every='5s')\ndef job(): ...\n")
    code, modules = imported(tmp_path, "check", "jobs.py", "--json")
    assert code == 0
    assert not modules & set(HEAVY)


def test_the_kit_never_imports_the_console_nor_what_draws_it(tmp_path: Path) -> None:
    (tmp_path / "walk.py").write_text(
        "import pkgutil, sys, json, workerkit\n"
        "for found in pkgutil.walk_packages(workerkit.__path__, 'workerkit.'):\n"
        "    if '.migrations.env' not in found.name:\n"
        "        __import__(found.name)\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "walk.py"], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    modules = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert {"workerkit", "apscheduler", "sqlalchemy"} <= modules
    assert not modules & {"workerconsole", "textual", "rich"}


def test_importing_the_kit_is_cheap(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, workerkit\nfrom workerkit import worker, BaseWorker\nprint(*sys.modules)"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(done.stdout.split()) & set(HEAVY)
