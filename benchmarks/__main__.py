"""`python -m benchmarks [--json]`: runs them all, and prints a Markdown table or one JSON document."""

import argparse
import json
import platform
from typing import Any

from benchmarks import capture
from benchmarks.timing import ROUNDS, Cost, measure

OURS = "Capture"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    costs = {case: measure(capture.subjects(make())) for case, make in capture.CASES.items()}
    if arguments.json:
        print(json.dumps(_document(costs), indent=2))
    else:
        print(_table(costs))


def _document(costs: dict[str, dict[str, Cost]]) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rounds": ROUNDS,
        "capture": [
            {
                "case": case,
                "subject": name,
                "least_us": round(cost.least * 1e6, 1),
                "median_us": round(cost.median * 1e6, 1),
                "most_us": round(cost.most * 1e6, 1),
                "ratio": round(cost.median / found[OURS].median, 2),
            }
            for case, found in costs.items()
            for name, cost in found.items()
        ],
    }


def _table(costs: dict[str, dict[str, Cost]]) -> str:
    document = _document(costs)
    lines = [
        f"Python {document['python']}, {document['machine']}, {ROUNDS} rounds; microseconds of one failure taken apart",
        "",
        "| case | how | least | median | most | ratio |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for row in document["capture"]:
        times = " | ".join(f"{row[key]:,.0f}" for key in ("least_us", "median_us", "most_us"))
        lines.append(f"| {row['case']} | {row['subject']} | {times} | {row['ratio']:.2f} |")
    return "\n".join(lines)


main()
