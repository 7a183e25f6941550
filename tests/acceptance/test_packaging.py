"""What the distribution holds, and how it is started."""

import subprocess
import sys
import tomllib
import zipfile
from importlib import resources
from importlib.metadata import distribution, entry_points
from pathlib import Path

import pytest

from tests.acceptance.commandline import environment
from workerkit import __version__

ROOT = Path(__file__).parents[2]


def test_the_script_and_the_module_are_the_same_program(tmp_path: Path) -> None:
    script = next(point for point in entry_points(group="console_scripts") if point.name == "workerconsole")
    assert script.value == "workerconsole.__main__:main"
    done = subprocess.run(
        [sys.executable, "-m", "workerconsole", "--version"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"workerconsole {__version__}\n"


def test_the_version_stands_in_one_place() -> None:
    assert distribution("workerconsole").version == __version__
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]


def test_typing_marks_and_migrations_are_importable_resources() -> None:
    assert resources.files("workerkit").joinpath("py.typed").is_file()
    assert resources.files("workerconsole").joinpath("py.typed").is_file()
    versions = resources.files("workerkit.store").joinpath("migrations", "versions")
    assert any(entry.name.endswith(".py") for entry in versions.iterdir())


def test_the_wheel_holds_both_packages_with_everything_they_need(tmp_path: Path) -> None:
    wheels = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed here")
    (built,) = wheels.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(built).namelist())
    assert {
        "workerkit/__init__.py",
        "workerkit/py.typed",
        "workerkit/store/migrations/env.py",
        "workerkit/store/migrations/versions/0001_first.py",
        "workerkit/stock/demo.py",
        "workerconsole/__main__.py",
        "workerconsole/py.typed",
        "workerconsole/cli/parser.py",
    } <= names
    assert not any(name.startswith(("tests/", "workers/", "console/", "benchmarks/")) for name in names)
    metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
    text = zipfile.ZipFile(built).read(metadata).decode()
    assert f"Version: {__version__}\n" in text
    assert "License-Expression: MIT\n" in text
    assert "Requires-Dist: textual" in text


def test_the_readmes_example_is_a_worker(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    example = readme.split("```python\n", 1)[1].split("```", 1)[0]
    (tmp_path / "workers.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "-m", "workerconsole", "check", "workers.py"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(example.strip().splitlines()) <= 12


def test_the_documents_name_only_commands_and_files_that_exist() -> None:
    from workerconsole.cli.parser import COMMANDS

    text = (ROOT / "docs" / "cli.md").read_text()
    assert all(f"`{word}" in text for word in COMMANDS if word != "open")
    for picture in ("assets/console.png",):
        assert picture in (ROOT / "README.md").read_text()
        assert (ROOT / picture).is_file()
