"""The host's ends of its children, at the instants at which things cross."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from tests.waiting import wait_for
from workerkit.processes import zygote
from workerkit.processes.launching import Group, Pipes, catches, pair
from workerkit.processes.zygotes import ZygoteProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="zygotes and /proc are Linux's")


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that leads no group yet, as a child just forked."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_child_whose_zygote_died_before_it_led_a_group_is_killed(sleeper: "subprocess.Popen[bytes]") -> None:
    with ExitStack() as undo:
        own, theirs = pair(undo, socket.SOCK_SEQPACKET)
        pipes = Pipes.make()
        pipes.handed_over()
        process = ZygoteProcess(pipes, own)
        theirs.send(json.dumps({"pid": sleeper.pid}).encode())
        assert process.look() is None
        process.signal(signal.SIGTERM)  # never read: then the end arrives as an error
        theirs.close()
        ending = process.look()
        assert ending is not None
        assert ending.lost == "the process that had forked it ended"
        assert sleeper.wait(10) == -signal.SIGKILL
        process.close()


def test_a_word_about_a_child_that_was_buried_meanwhile_is_no_matter(sleeper: "subprocess.Popen[bytes]") -> None:
    with ExitStack() as undo:
        _, theirs = pair(undo, socket.SOCK_SEQPACKET)
        theirs.close()
        main_loop = object.__new__(zygote._Zygote)
        main_loop._children = {}
        main_loop._on_word(zygote._Forked(sleeper.pid, theirs, None))
    assert sleeper.poll() is None, "and whoever has its number now is left alone"


def test_a_signal_without_a_handler_is_not_sent_where_it_would_kill(sleeper: "subprocess.Popen[bytes]") -> None:
    assert not catches(sleeper.pid, signal.SIGUSR1)
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        assert catches(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not catches(2**22 + 1, signal.SIGUSR1)


def test_a_group_is_swept_before_its_leader_is_reaped() -> None:
    script = "sleep 60 & echo $!; exit 3"
    popen = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    group = Group(popen)
    assert popen.stdout is not None
    child = int(popen.stdout.readline())
    popen.stdout.close()
    ending = wait_for(group.look)
    assert ending is not None
    assert ending.code == 3
    wait_for(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
    group.signal(signal.SIGKILL)  # nobody is signalled any more
    group.close()


def test_somebody_else_in_the_host_may_have_waited_for_it() -> None:
    popen = subprocess.Popen(["true"], start_new_session=True)
    group = Group(popen)
    os.waitpid(popen.pid, 0)
    ending = group.look()
    assert ending is not None
    assert ending.lost == "somebody else in this host had waited for it"
    group.close()
