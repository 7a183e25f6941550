"""`python -m benchmarks [NAME ...]`: runs some or all of them, and prints Markdown tables or one JSON document."""

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from time import monotonic

from benchmarks.report import Table, as_document, as_markdown

BENCHMARKS = (
    *("throughput", "lateness", "memory", "growth"),
    *("first_paint", "keys", "busy_screen", "idle"),
    *("history", "command_line", "capture", "processes"),
)
"""Modules of this package with `tables(rounds)`. A further one is named here."""
ROUNDS = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all without")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write results.json and results.md there as well")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    tables: list[Table] = []
    for name in arguments.names or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr, end="", flush=True)
        began = monotonic()
        tables += import_module(f"benchmarks.{name}").tables(arguments.rounds)
        print(f" {monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    document, text = json.dumps(as_document(tables), indent=2), as_markdown(tables)
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        (arguments.keep / "results.json").write_text(document + "\n", encoding="utf-8")
        (arguments.keep / "results.md").write_text(f"# Benchmarks\n\n{text}\n", encoding="utf-8")
    print(document if arguments.json else text)
    missed = [words for table in tables for words in table.missed()]
    for words in missed:
        print(f"not reached: {words}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
