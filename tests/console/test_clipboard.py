"""Which tool takes a text to the clipboard of this machine."""

import sys
from pathlib import Path

import pytest

from tests.waiting import wait_for
from workerconsole import clipboard


def found(name: str) -> str:
    return f"/usr/bin/{name}"


@pytest.mark.parametrize(
    ("environ", "platform", "words"),
    [
        ({}, "darwin", ["/usr/bin/pbcopy"]),
        ({"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}, "linux", ["/usr/bin/wl-copy"]),
        ({"DISPLAY": ":0"}, "linux", ["/usr/bin/xclip", "-selection", "clipboard"]),
        ({"WSL_DISTRO_NAME": "u"}, "linux", ["/usr/bin/clip.exe"]),
        ({}, "win32", ["/usr/bin/clip.exe"]),
        ({}, "linux", None),
    ],
)
def test_the_tool_fits_the_desktop(environ: dict[str, str], platform: str, words: list[str] | None) -> None:
    assert clipboard.command(environ, found, platform) == words


def test_a_tool_that_is_not_installed_is_passed_over() -> None:
    only_xsel = {"xsel": "/bin/xsel"}.get
    assert clipboard.command({"DISPLAY": ":0"}, only_xsel, "linux") == ["/bin/xsel", "--clipboard", "--input"]
    assert clipboard.command({"DISPLAY": ":0"}, lambda _: None, "linux") is None


def test_the_text_reaches_the_tool_and_trouble_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = tmp_path / "taken"
    take = f"import sys, pathlib; pathlib.Path({str(taken)!r}).write_bytes(sys.stdin.buffer.read())"
    monkeypatch.setattr(clipboard, "command", lambda _: [sys.executable, "-c", take])
    clipboard.copy("trace \ud83d back")
    wait_for(lambda: taken.exists() and taken.read_bytes() == b"trace ? back")
    monkeypatch.setattr(clipboard, "command", lambda _: ["/no/such/tool"])
    clipboard.copy("nothing happens")
