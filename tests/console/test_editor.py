from pathlib import Path

import pytest

from workerconsole.editor import EditorError, command, run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "workers with space.py"
    found.write_text("pass\n")
    return found


def test_most_editors_take_the_line_with_a_plus(file: Path) -> None:
    assert command(str(file), 12, {"EDITOR": "vim -p"}) == ["vim", "-p", "+12", str(file)]


def test_others_take_it_behind_the_file(file: Path) -> None:
    assert command(str(file), 12, {"VISUAL": "/usr/bin/code"}) == ["/usr/bin/code", "--wait", "--goto", f"{file}:12"]


@pytest.mark.parametrize("path", ["relative.py", "/nowhere/at/all.py", "--version", "/tmp\0x", "/tmp"])
def test_a_path_of_a_record_that_is_no_absolute_file_is_refused(path: str) -> None:
    with pytest.raises(EditorError, match="There is no file"):
        command(path, 1, {"EDITOR": "vim"})


@pytest.mark.parametrize(("value", "words"), [("", "set EDITOR"), ('vim "', "not closed")])
def test_a_missing_or_odd_editor_is_said(file: Path, value: str, words: str) -> None:
    with pytest.raises(EditorError, match=words):
        command(str(file), 1, {"EDITOR": value})


def test_an_editor_that_is_not_there_is_said() -> None:
    assert "could not be started" in (run(["/nowhere/editor", "x"]) or "")
    assert run(["true"]) is None
