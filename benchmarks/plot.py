"""`python -m benchmarks.plot FOLDER`: draws growth.svg there, from its results.json: how figures grow with a number.

A panel for each table whose subjects all begin with a number, as in `1,000 workers`: the medians, from the least to the
most of each, and the line that they must stay under.
"""

import argparse
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 50, 40
"""Around a panel's axes."""
HEADROOM = 1.15
"""How much higher than the highest value a panel is."""
_NUMBER = re.compile(r"([\d,]+) (.+)")
_LIMIT = re.compile(r"≤ ([\d.]+) × ")


@dataclass(frozen=True, slots=True)
class Point:
    """A row of a table."""

    size: int
    least: float
    median: float
    most: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One table."""

    title: str
    unit: str
    of: str
    """What the sizes count."""
    points: tuple[Point, ...]
    bound: float | None
    """What the medians must not pass."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    panels = [panel for table in document["tables"] if (panel := panel_of(table)) is not None]
    (folder / "growth.svg").write_text(svg(panels), encoding="utf-8")


def panel_of(table: dict[str, Any]) -> Panel | None:
    """None of a table whose subjects are no sizes."""
    rows = table["rows"]
    found = [match for row in rows if (match := _NUMBER.fullmatch(row["subject"]))]
    if len(found) < len(rows) or len({match[2] for match in found}) > 1:
        return None
    points = tuple(
        Point(int(match[1].replace(",", "")), row["least"], row["median"], row["most"])
        for match, row in zip(found, rows, strict=True)
    )
    times = [match[1] for row in rows for each in row["limits"] if (match := _LIMIT.match(each["limit"]))]
    bound = float(times[0]) * points[0].median if times else None
    return Panel(table["title"], table["unit"], found[0][2], points, bound)


def svg(panels: Sequence[Panel]) -> str:
    """All panels, one under the other."""
    height = HEIGHT * len(panels)
    drawn = "\n".join(
        f'<g transform="translate(0 {HEIGHT * place})">\n{_drawn(each)}\n</g>' for place, each in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12" fill="#333">\n<rect width="{WIDTH}" height="{height}" fill="white"/>\n{drawn}\n</svg>\n'
    )


def _drawn(panel: Panel) -> str:
    first, last = math.log10(panel.points[0].size), math.log10(panel.points[-1].size)
    highest = max(*(point.most for point in panel.points), panel.bound or 0) * HEADROOM
    foot = HEIGHT - BOTTOM

    def x(size: int) -> float:
        return LEFT + (math.log10(size) - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return foot - value / highest * (foot - TOP)

    scale = (0, highest / HEADROOM / 2, highest / HEADROOM)
    lines = [
        f'<text x="{LEFT}" y="25" font-size="14" font-weight="bold">{escape(panel.title)}</text>',
        f'<text x="{LEFT - 8}" y="{TOP - 8}" text-anchor="end">{escape(panel.unit)}</text>',
        f'<path d="M{LEFT} {TOP}V{foot}H{WIDTH - RIGHT}" fill="none" stroke="#999"/>',
        *(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:,.4g}</text>' for value in scale),
    ]
    if panel.bound is not None:
        at = y(panel.bound)
        lines.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#c33" stroke-dasharray="6 4"/>')
    for point in panel.points:
        at = x(point.size)
        lines += [
            f'<path d="M{at:.1f} {y(point.least):.1f}V{y(point.most):.1f}" stroke="#9bd" stroke-width="5"/>',
            f'<circle cx="{at:.1f}" cy="{y(point.median):.1f}" r="4" fill="#27a"/>',
            f'<text x="{at:.1f}" y="{foot + 18}" text-anchor="middle">{point.size:,}</text>',
        ]
    path = " ".join(f"{x(point.size):.1f},{y(point.median):.1f}" for point in panel.points)
    lines += [
        f'<polyline points="{path}" fill="none" stroke="#27a" stroke-width="2"/>',
        f'<text x="{WIDTH - RIGHT}" y="{foot + 34}" text-anchor="end">{escape(panel.of)}</text>',
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
