"""What a worker changes of its process is put back: at once when nothing runs any more, else after a moment."""

import gc
import io
import locale
import logging
import os
import resource
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clocks import HandClock
from workerkit.surroundings import PATIENCE, Surroundings, _folder, _reader_of_folder


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def surroundings(clock: HandClock) -> Iterator[Surroundings]:
    """Those of the test's process, put back at its end whatever the test did."""
    keeper = Surroundings(HandClock())
    yield Surroundings(clock)
    keeper.look()


def lower_a_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))


CHANGES: dict[str, Callable[[], object]] = {
    "the working directory": lambda: os.chdir("/"),
    "sys.stdin": lambda: setattr(sys, "stdin", None),
    "sys.stdout": lambda: setattr(sys, "stdout", None),
    "sys.stderr": lambda: setattr(sys, "stderr", io.StringIO()),
    "warnings.filters": lambda: warnings.filterwarnings("ignore", message="anything"),
    "the handlers of logging": logging.root.handlers.clear,
    "the level of logging": lambda: logging.disable(logging.CRITICAL),
    "the locale": lambda: locale.setlocale(
        locale.LC_ALL, "C" if "UTF" in locale.setlocale(locale.LC_ALL) else "C.UTF-8"
    ),
    "the recursion limit": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "the interval of thread switches": lambda: sys.setswitchinterval(0.3),
    "the garbage collector": gc.disable,
    "the timeout of sockets": lambda: socket.setdefaulttimeout(0.5),
    "a limit of the process": lower_a_limit,
    "the umask": lambda: os.umask(0o777 - os.umask(0o022)),
}


def found() -> list[object]:
    """The process as an observer has it."""
    return [
        *(Path.cwd(), sys.stdin, sys.stdout, sys.stderr, list(warnings.filters), list(logging.root.handlers)),
        *(logging.root.level, logging.root.manager.disable, locale.setlocale(locale.LC_ALL), sys.getrecursionlimit()),
        *(sys.getswitchinterval(), gc.isenabled(), socket.getdefaulttimeout()),
        *(resource.getrlimit(resource.RLIMIT_NOFILE), Path("/proc/self/status").read_text().split("Umask:")[1][:6]),
    ]


@pytest.mark.parametrize("what", CHANGES)
def test_what_the_only_run_changed_is_put_back_and_said(surroundings: Surroundings, what: str) -> None:
    before = found()
    surroundings.began()
    CHANGES[what]()
    assert found() != before
    said = surroundings.ended() + surroundings.look()
    assert said == (
        f'changed by a worker, put back: {what}; a worker that needs its own runs with isolation="process"',
    )
    assert found() == before
    assert surroundings.look() == ()


def test_a_run_that_changes_nothing_says_nothing(surroundings: Surroundings) -> None:
    surroundings.began()
    assert surroundings.ended() == ()
    assert surroundings.look() == ()


def test_a_change_for_the_length_of_a_call_is_left_alone(surroundings: Surroundings, clock: HandClock) -> None:
    surroundings.began()
    surroundings.began()
    before = sys.stdout
    sys.stdout = sys.stderr
    assert surroundings.ended() == ()
    assert sys.stdout is not before
    sys.stdout = before
    clock.advance(2 * PATIENCE)
    assert surroundings.ended() == ()


def test_a_change_that_stands_while_others_run_is_put_back(surroundings: Surroundings, clock: HandClock) -> None:
    surroundings.began()
    surroundings.began()
    before = Path.cwd()
    os.chdir("/")
    assert surroundings.ended() == ()
    clock.advance(PATIENCE)
    assert len(surroundings.look()) == 1
    assert Path.cwd() == before


def test_what_endangers_the_host_is_put_back_at_once(surroundings: Surroundings) -> None:
    limit = sys.getrecursionlimit()
    surroundings.began()
    surroundings.began()
    sys.setrecursionlimit(limit - 1)
    assert len(surroundings.ended()) == 1
    assert sys.getrecursionlimit() == limit


def test_handlers_that_a_library_added_stay(surroundings: Surroundings) -> None:
    handler = logging.NullHandler()
    surroundings.began()
    logging.root.addHandler(handler)
    try:
        assert surroundings.ended() == ()
        assert handler in logging.root.handlers
    finally:
        logging.root.removeHandler(handler)


def test_a_folder_that_is_gone_can_not_be_put_back_and_that_is_said(clock: HandClock, tmp_path: Path) -> None:
    before, gone = Path.cwd(), tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    try:
        surroundings = Surroundings(clock)
        surroundings.began()
        os.chdir(before)
        gone.rmdir()
        (said,) = surroundings.ended()
        assert "not to be put back (FileNotFoundError): the working directory" in said
    finally:
        os.chdir(before)


def test_a_stream_that_was_replaced_is_not_freed_under_a_thread_that_prints_to_it(
    surroundings: Surroundings, clock: HandClock, tmp_path: Path
) -> None:
    surroundings.guard_streams()
    try:
        sys.stdout = replaced = (tmp_path / "elsewhere").open("w")
        references = sys.getrefcount(replaced)
        sys.stdout = sys.stderr
        assert sys.getrefcount(replaced) == references, "it is held in place of sys.stdout"
        clock.advance(3600)
        sys.stdout = sys.__stdout__
        assert sys.getrefcount(replaced) == references - 1
        replaced.close()
    finally:
        surroundings.release_streams()


def test_many_runs_at_once_end_with_the_process_as_it_was(surroundings: Surroundings) -> None:
    before = found()

    def work() -> None:
        for number in range(100):
            surroundings.began()
            os.chdir("/" if number % 2 else "/tmp")
            sys.stdout = None
            surroundings.ended()

    crowd = [threading.Thread(target=work) for _ in range(4)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(20)
    surroundings.look()
    assert found() == before


def test_where_the_library_can_not_be_asked_python_tells_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless(name: object) -> object:
        raise TypeError(name)

    asked = _reader_of_folder()
    monkeypatch.setattr("ctypes.PyDLL", nameless)
    assert asked is not _folder
    assert _reader_of_folder() is _folder
    assert asked() == _folder() == os.fsencode(Path.cwd())
