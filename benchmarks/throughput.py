"""Tracked runs per second: our host, which records every run, beside APScheduler, which records none, and Huey."""

from collections.abc import Mapping
from functools import partial

from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Values, figures_of, in_turn

DEMAND = 10_000
"""Runs a second that are due; more than most can do."""
WORKERS = 2_000
"""That share them: each is due every 0.2 s."""
SECONDS = 1.0
"""For which they are counted."""
BURST = 3_000
"""Workers that are due in one instant."""
ASKED = 800
"""Runs that are asked for one by one."""

PLAIN = "workerkit, plain workers"
ASYNC = "workerkit, async workers"
THREADS = "APScheduler with threads"
HUEY = "Huey on SQLite"
HUEY_NO_FSYNC = "Huey on SQLite, fsync off"

HOSTINGS = {THREADS: "threads", PLAIN: "plain", ASYNC: "async"}
QUEUES = {HUEY: "huey", HUEY_NO_FSYNC: "huey-no-fsync"}

DURABLE = (
    "Ours records everything: a run's start is committed before its first line of code, outcome and counters after it, "
    "in WAL with synchronous=NORMAL: a killed process loses nothing, a power failure may lose the last commits."
)


def tables(rounds: int) -> list[Table]:
    return [_demanded(rounds), _at_once(rounds)]


def _demanded(rounds: int) -> Table:
    demand = ("--workers", WORKERS, "--rate", DEMAND, "--seconds", SECONDS)
    found = in_turn(
        {name: partial(figures_of, "benchmarks.hosts.steady", (key, *demand)) for name, key in HOSTINGS.items()}, rounds
    )
    limits = {PLAIN: Limit(0.8, THREADS, at_least=True), ASYNC: Limit(1.0, THREADS, at_least=True)}
    return Table(
        f"Tracked runs per second of {DEMAND:,} that are due",
        "runs/s",
        f"{WORKERS:,} workers that do nothing are due so often that {DEMAND:,} slots a second come; who can't keep up "
        f"leaves some out. Counted are runs that were over within {SECONDS:g} s, and with ours: whose outcome was "
        f"committed. {DURABLE} A slot that is left out is recorded, too. APScheduler records nothing.",
        _rows(found, limits),
        more_is_better=True,
    )


def _at_once(rounds: int) -> Table:
    burst, asked = ("--workers", BURST), ("--runs", ASKED)
    at_once = {name: key for name, key in HOSTINGS.items() if name != ASYNC}
    subjects = {name: partial(figures_of, "benchmarks.hosts.burst", (key, *burst)) for name, key in at_once.items()}
    subjects |= {name: partial(figures_of, "benchmarks.hosts.asked", (key, *asked)) for name, key in QUEUES.items()}
    return Table(
        "Runs per second while a pile of them is worked off",
        "runs/s",
        f"{BURST:,} workers are due in one instant; the time is that from the instant until the last run is over, and "
        f"with ours committed. {DURABLE} Huey takes {ASKED:,} runs that are asked for one by one, while its "
        "thread already works, one as by default. It stores a task when it is asked "
        "for, removes it and then runs it: one that was under way when the process died is lost.",
        _rows(in_turn(subjects, rounds), {PLAIN: Limit(8, HUEY, at_least=True)}),
        more_is_better=True,
    )


def _rows(found: Mapping[str, Values], limits: Mapping[str, Limit]) -> tuple[Row, ...]:
    return tuple(Row(name, values["rate"], (limits[name],) if name in limits else ()) for name, values in found.items())
