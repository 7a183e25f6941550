import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console.factory import Seed
from workerconsole.session import Session, Stage
from workerkit.errors import DatabaseError, HostRunningError
from workerkit.store.database import Database
from workerkit.store.records import RunRecord


class FakeHost:
    """Counts what it is told."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.trouble: str | None = None
        self.calls: list[str] = []

    @property
    def recovered(self) -> tuple[RunRecord, ...]:
        return ()

    def start(self) -> None:
        self.calls.append("start")
        if self.fault is not None:
            raise self.fault

    def stop(self, grace: float | None = None) -> object:
        self.calls.append(f"stop {grace}")
        return None

    def hurry(self) -> None:
        self.calls.append("hurry")

    def nudge(self) -> None:
        self.calls.append("nudge")

    def leftover_threads(self) -> bool:
        return True


@pytest.fixture
def opener(path: Path) -> Callable[[], Database]:
    return lambda: Database.open(path)


def test_opening_starts_the_host_and_a_command_nudges_it(opener: Callable[[], Database]) -> None:
    host = FakeHost()
    session = Session(lambda: Stage(opener, lambda _: host))
    assert session.open().attached_instead is None
    assert session.ready
    session.operator().submit("pause-all")
    assert host.calls == ["start", "nudge"]
    session.close(2.0)
    assert host.calls[-1] == "stop 2.0"


def test_what_our_host_says_of_the_database_is_known_without_the_database(opener: Callable[[], Database]) -> None:
    host = FakeHost()
    session = Session(lambda: Stage(opener, lambda _: host))
    said = [session.trouble]
    session.open()
    said.append(session.trouble)
    host.trouble = "the disk is full"
    said.append(session.trouble)
    session.close()
    assert said == [None, None, "the disk is full"]


def test_where_another_host_lives_it_attaches_and_stops_nobody(opener: Callable[[], Database]) -> None:
    host = FakeHost(HostRunningError("another host lives here"))
    session = Session(lambda: Stage(opener, lambda _: host))
    assert session.open().attached_instead == "another host lives here"
    session.close()
    assert host.calls == ["start"]
    assert not session.leftover_threads


def test_after_an_error_it_can_be_opened_again(path: Path) -> None:
    session = Session(lambda: Stage(lambda: Database.open(path, create=False)))
    with pytest.raises(DatabaseError):
        session.open()
    Seed(path).close()
    session.open()
    assert session.database is not None
    session.close()


def test_a_host_that_failed_to_start_is_tried_again_on_the_same_database(opener: Callable[[], Database]) -> None:
    hosts = [FakeHost(DatabaseError("disk full")), FakeHost()]
    session = Session(lambda: Stage(opener, lambda _: hosts.pop(0)))
    with pytest.raises(DatabaseError):
        session.open()
    session.open()
    assert session.host is not None
    session.close()


def test_closing_while_it_opens_waits_and_leaves_no_host_behind(opener: Callable[[], Database]) -> None:
    opening, may_go_on = threading.Event(), threading.Event()
    host = FakeHost()

    def slow() -> Database:
        opening.set()
        assert may_go_on.wait(10)
        return opener()

    session = Session(lambda: Stage(slow, lambda _: host))
    opener_thread = threading.Thread(target=session.open)
    opener_thread.start()
    assert opening.wait(10)
    closer = threading.Thread(target=session.close)
    closer.start()
    may_go_on.set()
    closer.join(10)
    opener_thread.join(10)
    assert host.calls in (["start", "stop None"], [])
    assert session.database is None


def test_once_closed_it_opens_nothing_more_and_closing_twice_is_the_same(opener: Callable[[], Database]) -> None:
    host = FakeHost()
    session = Session(lambda: Stage(opener, lambda _: host))
    session.close()
    session.close()
    session.open()
    assert host.calls == []
    assert session.database is None
