"""Whether files still say what they said."""

import os
from pathlib import Path

import pytest

from workerconsole.captures import Frame
from workerconsole.sources import changes


def frame(file: Path | str, line: int = 2, text: str = "b = 2") -> Frame:
    return Frame(str(file), line, "f", own=True, source=((line, text),), mark=None, note="")


@pytest.fixture
def code(tmp_path: Path) -> Path:
    file = tmp_path / "jobs.py"
    file.write_text("a = 1\nb = 2\n\tc = 3\n")
    return file


def test_a_line_that_is_as_it_was_needs_no_word(code: Path) -> None:
    assert changes([frame(code), frame(code, 3, "    c = 3")]) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1\nb = 3\n", "changed since: now b = 3"),
        ("a = 1\n", "changed since: the file ends with line 1 now"),
        ("a = 1\n\n", "changed since: the line is empty now"),
        ("a = 1\nb = '\x1b[31m'\n", "changed since: now b = ''"),
    ],
)
def test_a_line_that_changed_is_told(code: Path, text: str, said: str) -> None:
    code.write_text(text)
    assert changes([frame(code), frame(code)]) == {(str(code), 2): said}


def test_a_file_that_went_is_told(code: Path) -> None:
    code.unlink()
    assert changes([frame(code)]) == {(str(code), 2): "the file is gone"}


def test_a_line_that_held_a_secret_is_not_compared(code: Path) -> None:
    assert changes([frame(code, text="password = ‹redacted: its name›")]) == {}


def test_only_regular_source_files_are_opened(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe.py"
    os.mkfifo(fifo)
    link = tmp_path / "link.py"
    link.symlink_to("/etc/passwd")
    folder = tmp_path / "folder.py"
    folder.mkdir()
    assert changes([frame(fifo), frame(link), frame("/etc/passwd"), frame(folder)]) == {}


def test_frames_without_source_are_left_alone(code: Path) -> None:
    assert changes([Frame(str(code), 2, "f", own=True, source=(), mark=None, note="gone")]) == {}
