"""What was measured: tables of subjects, each with the figures of all its rounds, and what ours must reach."""

import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limit:
    """What a row must reach in its quiet rounds: so much of its unit, or so many times a peer of the table."""

    bound: float
    of: str | None = None
    """The peer; None: the bound is absolute."""
    at_least: bool = False
    always: bool = False
    """In every round, quiet or not; of an absolute bound that is not to be passed."""

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {self.bound:g}" if self.of is None else f"{sign} {self.bound:g} × {self.of}"


@dataclass(frozen=True, slots=True)
class Row:
    """One subject of a table."""

    subject: str
    values: tuple[float, ...]
    """One a round, in the table's unit."""
    limits: tuple[Limit, ...] = ()

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def quiet(self, *, more_is_better: bool) -> float:
        """The median of the better half of its rounds: of five the second best.

        What the machine gives to its neighbours makes rounds worse and none better; but one may be lucky.
        """
        best_first = sorted(self.values, reverse=more_is_better)
        return statistics.median(best_first[: (len(best_first) + 1) // 2])


@dataclass(frozen=True, slots=True)
class Table:
    """Subjects measured in the same rounds. The first is what the others' ratios refer to."""

    title: str
    unit: str
    says: str
    """What the figures include, and what is durable when."""
    rows: tuple[Row, ...]
    more_is_better: bool = False

    def quiet(self, row: Row) -> float:
        return row.quiet(more_is_better=self.more_is_better)

    def reaches(self, row: Row, limit: Limit) -> bool:
        """Of a peer, to the second digit: two that do all there is to do differ by when it was counted."""
        if limit.always:
            return max(row.values) <= limit.bound
        value = self.quiet(row) if limit.of is None else round(self.quiet(row) / self._quiet_of(limit.of), 2)
        return value >= limit.bound if limit.at_least else value <= limit.bound

    def ratio(self, row: Row) -> float | None:
        """How many times what the first row does in its quiet rounds this row does in its own."""
        first = self.quiet(self.rows[0])
        return self.quiet(row) / first if first else None

    def missed(self) -> Iterator[str]:
        """In words, what was not reached."""
        for row in self.rows:
            for limit in row.limits:
                if not self.reaches(row, limit):
                    yield f"{self.title}: {row.subject} is {_figure(self.quiet(row))} {self.unit}; it must be {limit}"

    def _quiet_of(self, subject: str) -> float:
        return next(self.quiet(row) for row in self.rows if row.subject == subject)


def as_document(tables: Sequence[Table]) -> dict[str, Any]:
    """All of it for programs."""
    return {
        "machine": {
            "python": platform.python_version(),
            "system": platform.system(),
            "architecture": platform.machine(),
            "processors": os.cpu_count(),
        },
        "tables": [
            {
                "title": table.title,
                "unit": table.unit,
                "says": table.says,
                "rows": [
                    {
                        "subject": row.subject,
                        "least": min(row.values),
                        "median": row.median,
                        "most": max(row.values),
                        "quiet": table.quiet(row),
                        "values": list(row.values),
                        "ratio": table.ratio(row),
                        "limits": [{"limit": str(limit), "reached": table.reaches(row, limit)} for limit in row.limits],
                    }
                    for row in table.rows
                ],
            }
            for table in tables
        ],
    }


def as_markdown(tables: Sequence[Table]) -> str:
    """All of it for people."""
    rounds = sorted({len(row.values) for table in tables for row in table.rows})
    counts = " to ".join(str(count) for count in {rounds[0]: None, rounds[-1]: None})
    machine = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    )
    meaning = (
        "Quiet is the median of the better half of the rounds; by it a row is compared with the first of its table "
        "(ratio), and with what it must reach."
    )
    lines = [f"{machine}, {counts} rounds of each in turn. {meaning}"]
    for table in tables:
        lines += [
            f"\n## {table.title}\n",
            f"{table.says}\n",
            f"| {table.unit} | least | median | most | quiet | ratio | must reach |",
            "|---|--:|--:|--:|--:|--:|---|",
            *(f"| {row.subject} | {_cells(table, row)} |" for row in table.rows),
        ]
    return "\n".join(lines)


def _cells(table: Table, row: Row) -> str:
    figures = " | ".join(_figure(value) for value in (min(row.values), row.median, max(row.values), table.quiet(row)))
    ratio = "" if (value := table.ratio(row)) is None else f"{value:.2f}"
    limits = ", ".join(f"{limit} {'✓' if table.reaches(row, limit) else '✗'}" for limit in row.limits)
    return f"{figures} | {ratio} | {limits}"


def _figure(value: float) -> str:
    """Three digits that mean something."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
