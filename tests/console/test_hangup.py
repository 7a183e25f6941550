"""The end of a terminal is noticed without reading from it, and without Textual."""

import os
import pty
import threading

from tests.waiting import wait_for
from workerconsole.hangup import HangupWatch, is_gone


def test_a_closed_terminal_is_told_from_a_living_one() -> None:
    near, far = pty.openpty()
    os.write(near, b"waiting to be read\n")
    assert not is_gone(far)
    os.close(near)
    assert is_gone(far)
    os.close(far)


def test_the_watch_calls_once_when_the_terminal_goes() -> None:
    near, far = pty.openpty()
    calls: list[str] = []
    watch = HangupWatch(lambda: calls.append(threading.current_thread().name), far)
    watch.start()
    watch.start()
    assert calls == []
    os.close(near)
    wait_for(lambda: calls, "the call")
    assert calls == ["hangup"]
    watch.stop()
    os.close(far)


def test_a_stopped_watch_calls_nobody() -> None:
    near, far = pty.openpty()
    calls: list[str] = []
    watch = HangupWatch(lambda: calls.append("called"), far)
    watch.start()
    watch.stop()
    thread = watch._thread
    assert thread is not None
    os.close(near)
    thread.join(20)
    assert not thread.is_alive()
    assert calls == []
    os.close(far)
