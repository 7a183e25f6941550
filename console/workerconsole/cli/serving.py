"""serve: a host without a screen, for systemd, tmux and containers."""

import os
import threading
import time
from argparse import Namespace

from workerconsole.cli.errors import Exit
from workerconsole.cli.hosting import Plan, plan_targets
from workerconsole.cli.output import say, warn_of_eval
from workerconsole.cli.streams import take_stdin_away
from workerconsole.deadline import HARD_DEADLINE, LAST_MOMENT, NOT_IN_TIME, Deadline
from workerconsole.signals import NOW, Signals, notify
from workerkit.engine import StopReport
from workerkit.errors import HostRunningError
from workerkit.host import Host
from workerkit.store.database import Database

HANDOVER_POLL = 0.2
"""Seconds between two attempts to become the host, while another one is going."""


def serve(arguments: Namespace) -> int:
    """Hosts the targets until SIGTERM or SIGINT; a second one ends the grace period."""
    take_stdin_away()
    return serve_plan(plan_targets(arguments), wait=arguments.wait)


def serve_plan(plan: Plan, *, wait: float) -> int:
    """Hosts until told to stop. The process ends within the grace period and two seconds, stuck threads or not.

    Raises:
        HostRunningError: another host lives on the database, and did not go within `wait` seconds.
        DatabaseError: the database can't be used.
    """
    with Signals() as signals:
        database = Database.open(plan.database)
        host = plan.host(database, "headless")
        if not _start(host, signals, wait):
            database.close()
            return Exit.DONE
        _announce(plan, host)
        warn_of_eval(plan.allow_eval)
        notify("READY=1")
        name = signals.wait()
        notify("STOPPING=1")
        deadline = Deadline()
        if name == NOW:
            say(f"stopping now ({name})")
        else:
            say(f"stopping ({name}); running workers have {plan.grace:g} s to end, a second signal ends them now")
        report = _stop(host, signals, deadline, 0 if name == NOW else plan.grace)
        say(_farewell(report))
        database.close()
        deadline.set(0 if host.leftover_threads() else LAST_MOMENT, Exit.DONE)
    return Exit.DONE


def _start(host: Host, signals: Signals, wait: float) -> bool:
    """Becomes the host, waiting for another one to go; False when a signal came first."""
    end = time.monotonic() + wait
    while True:
        try:
            host.start()
        except HostRunningError:
            if time.monotonic() >= end:
                raise
        else:
            return True
        if signals.wait(HANDOVER_POLL) is not None:
            return False


def _announce(plan: Plan, host: Host) -> None:
    broken = sum(1 for registration in plan.registry if registration.load_error is not None)
    count = len(plan.registry) - broken
    also = f" ({broken} broken)" if broken else ""
    say(f"started with {count} worker{'' if count == 1 else 's'}{also} on {plan.database}, pid {os.getpid()}")
    if host.recovered:
        names = ", ".join(f"{run.worker} (run {run.id})" for run in host.recovered[:_NAMED])
        more = f" and {len(host.recovered) - _NAMED} more" if len(host.recovered) > _NAMED else ""
        say(f"the host before died with runs in flight, now recorded as failed: {names}{more}")


_NAMED = 10
"""How many recovered runs are named."""


def _stop(host: Host, signals: Signals, deadline: Deadline, grace: float) -> StopReport:
    reports: list[StopReport] = []
    deadline.set(grace + HARD_DEADLINE, Exit.FAILED, NOT_IN_TIME)
    stopping = threading.Thread(target=lambda: reports.append(host.stop(grace)), name="stopping", daemon=True)
    stopping.start()
    while stopping.is_alive():
        if signals.wait(0.05) is not None:
            say("stopping now")
            deadline.set(HARD_DEADLINE, Exit.FAILED, NOT_IN_TIME)
            host.hurry()
    return reports[0] if reports else StopReport()


def _farewell(report: StopReport) -> str:
    parts = ["stopped"]
    if report.interrupted:
        parts.append(f"interrupted: {', '.join(report.interrupted)}")
    if report.stuck:
        parts.append(f"stuck: {', '.join(report.stuck)}")
    return "; ".join(parts)
