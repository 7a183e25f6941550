"""A process with everything imported that forks children on request: it saves them the start of an interpreter.

It has one thread, so that a fork finds no lock held, and executes nothing of the worker's but the import of one module,
asked for when it starts. It is the children's parent, and so the one that can signal their groups and reap them without
a chance that a number meanwhile means somebody else. Linux only.

Requests come as single messages, with descriptors: each has a socket of its own on which the host says what to do with
that one child and hears how it ended. When the host closes that socket the child dies; when the host itself is gone,
all of them do, and the zygote too: by the lifeline, and by its main loop.
"""

import gc
import json
import os
import selectors
import signal
import socket
import traceback
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from workerkit.importing import describe
from workerkit.processes import child, here, lifeline
from workerkit.processes.launching import catches
from workerkit.processes.locator import Locator

MAX_MESSAGE = 16 * 1024
"""Bytes of one message, in either direction."""
DESCRIPTORS = 5
"""Handed over with a request: the child's channel, its own socket, stdout, stderr, and the file for dumps."""


@dataclass(slots=True)
class _Forked:
    """One child, and the host's socket for it."""

    pid: int
    socket: socket.socket
    tied: int | None
    """The lifeline of its group, kept open here too: the child may close whatever it finds."""


def main(control: socket.socket, life: int, module: list[str]) -> None:
    """Serves until the host has gone; it does not return."""
    here.enter()
    os.set_inheritable(life, False)
    control.set_inheritable(False)
    own = lifeline.reopen(life)
    if own is not None:
        lifeline.tie(own, os.getpgrp())
    unfit = _preload(Locator(module[0], module[1] or None, "")) if module else None
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"unfit": unfit}).encode())
    if unfit is None:
        _Zygote(control, life).serve()
    os._exit(0)


def _preload(locator: Locator) -> str | None:
    """Imports the worker's module; why it can't be shared by forks, if so."""
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- names alone
    try:
        locator.load()
    except BaseException as error:  # noqa: BLE001 -- a module may raise anything; each child will see it for itself
        return f"its import failed: {describe(error).text[-500:]}"
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        return "its import leaves threads behind, which a fork would lose"
    if set(os.listdir("/proc/self/fd")) != before:  # noqa: PTH208
        return "its import leaves files or connections open, which forks would share"
    with suppress(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return "its import leaves processes behind"
    return None


class _Zygote:
    """The main loop."""

    def __init__(self, control: socket.socket, life: int) -> None:
        self._control = control
        self._life = life
        self._children: dict[int, _Forked] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, self._on_request)
        self._wakeup, alarm = socket.socketpair()
        for end in (self._wakeup, alarm):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(alarm.fileno(), warn_on_full_buffer=False)
        self._alarm = alarm
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._on_child)

    def serve(self) -> None:
        """Returns when the host has gone, and nothing lives that was forked here."""
        try:
            with suppress(EOFError):
                while True:
                    for key, _ in self._selector.select():
                        key.data()
        finally:
            for forked in list(self._children.values()):
                self._signal(forked, signal.SIGKILL)

    def _on_request(self) -> None:
        message, descriptors, *_ = socket.recv_fds(self._control, MAX_MESSAGE, DESCRIPTORS)
        if not message:
            raise EOFError
        try:
            channel, own, stdout, stderr, dump = descriptors
            title = str(json.loads(message)["title"])
        except (ValueError, KeyError):
            for descriptor in descriptors:
                os.close(descriptor)
            return
        tied = lifeline.reopen(self._life)
        answers = socket.socket(fileno=own)
        answers.setblocking(False)
        try:
            if (pid := os.fork()) == 0:
                _become_child(channel, stdout, stderr, dump, tied, title)
        except OSError as error:  # too many processes, or no memory for another
            with suppress(OSError):
                answers.send(json.dumps({"refused": str(error)}).encode())
            answers.close()
            if tied is not None:
                os.close(tied)
            return
        finally:
            for descriptor in (channel, stdout, stderr, dump):
                os.close(descriptor)
        forked = self._children[pid] = _Forked(pid, answers, tied)
        with suppress(OSError):
            answers.send(json.dumps({"pid": pid}).encode())
        self._selector.register(forked.socket, selectors.EVENT_READ, lambda: self._on_word(forked))

    def _on_word(self, forked: _Forked) -> None:
        """The host says with which number to signal a child, or its group; or it closes: then the child is to die."""
        if self._children.get(forked.pid) is not forked:
            return  # buried in this very round of the loop
        try:
            word = forked.socket.recv(MAX_MESSAGE).decode()
        except BlockingIOError:
            return
        except OSError:
            word = ""
        match word.split():
            case ["leader", number]:
                if catches(forked.pid, int(number)):
                    os.kill(forked.pid, int(number))
            case ["group", number]:
                self._signal(forked, int(number))
            case _:
                self._selector.unregister(forked.socket)
                self._signal(forked, signal.SIGKILL)

    def _on_child(self) -> None:
        with suppress(BlockingIOError):
            self._wakeup.recv(4096)
        for forked in list(self._children.values()):
            if os.waitid(os.P_PID, forked.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                self._bury(forked)

    def _bury(self, forked: _Forked) -> None:
        """First what is left of its group, as long as its number is its own; then itself."""
        self._signal(forked, signal.SIGKILL)
        _, status, usage = os.wait4(forked.pid, 0)
        del self._children[forked.pid]
        ending = {"status": status, "peak": usage.ru_maxrss, "cpu": usage.ru_utime + usage.ru_stime}
        with suppress(OSError):
            forked.socket.send(json.dumps(ending).encode())
        with suppress(KeyError):
            self._selector.unregister(forked.socket)
        forked.socket.close()
        if forked.tied is not None:
            os.close(forked.tied)

    def _signal(self, forked: _Forked, number: int) -> None:
        try:
            os.killpg(forked.pid, number)
        except ProcessLookupError:
            # Just forked: it leads no group yet. Or dead and not reaped: then this does nothing.
            with suppress(ProcessLookupError):
                os.kill(forked.pid, number)


def _become_child(channel: int, stdout: int, stderr: int, dump: int, tied: int | None, title: str) -> None:
    """In the fork: keeps what is the child's own, and nothing of the zygote's."""
    try:
        signal.set_wakeup_fd(-1)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        kept = {0, 1, 2, channel, dump, *([] if tied is None else [tied])}
        _close_all_but(kept)
        child.live(socket.socket(fileno=channel), dump, tied, title)
    except BaseException:  # noqa: BLE001 -- a fault of ours; the run's output is the place where it will be read
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(child.NO_HOST)


def _close_all_but(kept: set[int]) -> None:
    bounds = [-1, *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    for low, high in pairwise(bounds):
        if high - low > 1:  # an empty range would be taken for all there are
            os.closerange(low + 1, high)


def read_message(data: bytes) -> dict[str, Any]:
    """A message of a zygote's; empty where it is none."""
    try:
        message = json.loads(data)
    except ValueError:
        return {}
    return message if type(message) is dict else {}
