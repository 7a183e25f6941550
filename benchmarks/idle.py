"""What a console costs that shows workers which have nothing to do."""

import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Limit, Row, Table
from benchmarks.screens import fleet
from benchmarks.screens.terminal import Terminal

STANDS, WINDOW = 3.0, 60.0
"""Seconds until all has come to rest after the start, and those that are measured, divided among the rounds."""
IDLE, CALM = 1000, 100
"""Workers that are not due, and those that are due once a minute each."""


def tables(rounds: int) -> list[Table]:
    minimal, attached, hosting = "minimal Textual app", f"attached to {IDLE:,} idle workers", f"hosting {CALM} of 60 s"
    with TemporaryDirectory() as folder, ExitStack() as stack:
        idle, calm = Path(folder) / "idle", Path(folder) / "calm"
        idle.mkdir()
        calm.mkdir()
        elsewhere, own = idle / "idle.db", calm / "calm.db"
        stack.enter_context(fleet.serving(fleet.target(idle, IDLE, every="1d"), elsewhere))
        programs = {
            minimal: ("benchmarks.screens.minimal",),
            attached: ("workerconsole", "attach", "--db", elsewhere),
            hosting: ("workerconsole", fleet.target(calm, CALM, every="60s"), "--db", own),
        }
        terminals = {name: stack.enter_context(Terminal(words)) for name, words in programs.items()}
        for name, terminal in terminals.items():
            terminal.expect(rb"pressed 0" if name == minimal else rb"worker-0")
        _pass_time(terminals.values(), STANDS)
        shares: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(rounds):
            before = {name: terminal.processor_time() for name, terminal in terminals.items()}
            began = time.perf_counter()
            _pass_time(terminals.values(), WINDOW / rounds)
            passed = time.perf_counter() - began
            for name, terminal in terminals.items():
                shares[name].append((terminal.processor_time() - before[name]) / passed * 100)
    limits = {attached: (Limit(1.0),), hosting: (Limit(1.5),)}
    return [
        Table(
            "Idle",
            "% of a core",
            f"Processor time of each process, all in the same {WINDOW:.0f} s. Attached: the host lives in another "
            "process, whose time does not count. Hosting: with scheduler, writer and all, and 100 runs a minute.",
            tuple(Row(name, tuple(values), limits.get(name, ())) for name, values in shares.items()),
        )
    ]


def _pass_time(terminals: Iterable[Terminal], seconds: float) -> None:
    """Reads what they write meanwhile: a terminal that nobody reads would bring them to a halt."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        time.sleep(0.1)
        for terminal in terminals:
            terminal.skim(0)
