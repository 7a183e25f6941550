"""The window changes its size again and again, to sizes that nobody can read: no crash, the right picture after."""

import random
from pathlib import Path

import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.test_cli_screen import WORKERS, console
from tests.waiting import wait_for

pytestmark = pytest.mark.terminal

EXTREMES = [(1, 1), (500, 200), (2, 50), (400, 1), (1, 200), (500, 2), (3, 3)]


def _some_size(chance: random.Random) -> tuple[int, int]:
    return chance.randint(1, 150), chance.randint(1, 60)


def test_a_storm_of_sizes_ends_in_the_right_picture(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "workers.py").write_text(WORKERS)
    chance = random.Random(4)
    with console(command, columns=100, rows=30) as terminal:
        terminal.expect("ValueError")
        terminal.press("?")
        for size in EXTREMES:
            terminal.resize(*size)
            wait_for(terminal.skim_some, "a picture")
        terminal.press("esc")
        for number in range(200):
            terminal.resize(*(EXTREMES[number // 20 % 7] if number % 20 == 0 else _some_size(chance)))
            terminal.skim_some()
        terminal.clear()
        terminal.resize(110, 34)

        def right() -> bool:
            lines = terminal.text().split("\n")
            names = ("alpha", "beta", "gamma")
            rows = [[line for line in lines if f" {name} " in line and " every " in line] for name in names[:2]]
            return all(len(each) == 1 for each in rows) and "quit" in lines[33] and "ValueError" in terminal.text()

        wait_for(right, lambda: f"the right picture instead of\n{terminal.text()}")
        assert terminal.busy() < 0.5
        terminal.press("q")
        terminal.expect("stop the workers and quit")
        terminal.press("enter")
        assert terminal.ended() == 0
        assert terminal.is_as_found()
    assert command("runs", "--outcome", "running", "--json").json["runs"] == []
