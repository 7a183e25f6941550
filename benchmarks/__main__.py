"""`python -m benchmarks [--json]`: runs them all, and prints Markdown tables or one JSON document."""

import argparse
import json
import platform
from typing import Any

from benchmarks import capture, processes
from benchmarks.timing import ROUNDS, Cost, measure

OURS = "Capture"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    arguments = parser.parse_args()
    captures = {case: measure(capture.subjects(make())) for case, make in capture.CASES.items()}
    with processes.subjects() as subjects:
        runs = measure(subjects)
    document = _document(captures, runs)
    print(json.dumps(document, indent=2) if arguments.json else _tables(document))


def _document(captures: dict[str, dict[str, Cost]], runs: dict[str, Cost]) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rounds": ROUNDS,
        "capture": [
            {"case": case, **row} for case, found in captures.items() for row in _rows(found, found[OURS].median)
        ],
        "processes": _rows(runs, runs[processes.OURS].median),
    }


def _rows(found: dict[str, Cost], ours: float) -> list[dict[str, Any]]:
    return [
        {
            "subject": name,
            "least_us": round(cost.least * 1e6, 1),
            "median_us": round(cost.median * 1e6, 1),
            "most_us": round(cost.most * 1e6, 1),
            "ratio": round(cost.median / ours, 2),
        }
        for name, cost in found.items()
    ]


def _tables(document: dict[str, Any]) -> str:
    lines = [
        f"Python {document['python']}, {document['machine']}, {ROUNDS} rounds; microseconds of one failure taken apart",
        "",
        "| case | how | least | median | most | ratio |",
        "|---|---|--:|--:|--:|--:|",
        *(f"| {row['case']} | {row['subject']} | {_figures(row)} |" for row in document["capture"]),
        "",
        "Microseconds of one run in a process of its own, from the call to its result",
        "",
        "| how | least | median | most | ratio |",
        "|---|--:|--:|--:|--:|",
        *(f"| {row['subject']} | {_figures(row)} |" for row in document["processes"]),
    ]
    return "\n".join(lines)


def _figures(row: dict[str, Any]) -> str:
    times = " | ".join(f"{row[key]:,.0f}" for key in ("least_us", "median_us", "most_us"))
    return f"{times} | {row['ratio']:.2f}"


if __name__ == "__main__":
    main()
