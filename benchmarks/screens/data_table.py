"""Textual's own table with as many rows; from one space bar to the next some of them change ten times a second."""

import argparse
from itertools import count
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

COLUMNS = ("STATUS", "NAME", "SCHEDULE", "LAST", "NEXT", "TOOK", "OK", "FAILED")


def row(number: int, runs: int) -> tuple[str, ...]:
    """The cells of a worker that has run so often."""
    return ("○ idle", f"w{number:05}", "every 1h", "4s", "59m 56s", f"{runs % 900} ms", f"{runs:,}", "0")


class Rows(App[None]):
    """A table of `rows` workers; while they change, `changing` of them have one more run every tenth of a second."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "turn", priority=True)]

    def __init__(self, rows: int, changing: int) -> None:
        super().__init__()
        self._rows = rows
        self._changing = changing
        self._runs = count(1)
        self._turning = False

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table: DataTable[str] = self.query_one(DataTable)
        self._columns = table.add_columns(*COLUMNS)
        self._keys = table.add_rows(row(number, 0) for number in range(self._rows))
        self._timer = self.set_interval(0.1, self._change, pause=True)

    def action_turn(self) -> None:
        self._turning = not self._turning
        (self._timer.resume if self._turning else self._timer.pause)()

    def _change(self) -> None:
        table: DataTable[str] = self.query_one(DataTable)
        runs = next(self._runs)
        for number in range(self._changing):
            for column, cell in zip(self._columns, row(number, runs), strict=True):
                table.update_cell(self._keys[number], column, cell)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("--changing", type=int, default=0)
    arguments = parser.parse_args()
    Rows(arguments.rows, arguments.changing).run()
