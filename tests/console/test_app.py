import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events

from tests.console.conftest import resize, type_in, until
from tests.console.factory import HandClock, Seed, spec
from workerconsole.app import ConsoleApp, Exit
from workerconsole.screens.confirm import Leave
from workerconsole.screens.help import Help
from workerconsole.screens.logs import LogsScreen
from workerconsole.screens.params import AskParams
from workerconsole.screens.pause import AskPause
from workerconsole.screens.stopping import Stopping
from workerconsole.screens.traceback import TracebackScreen
from workerconsole.session import Stage
from workerconsole.widgets.worker_table import WorkerTable
from workerkit.clock import SECOND
from workerkit.errors import DatabaseError, HostRunningError
from workerkit.outcome import GapReason
from workerkit.store.database import Database
from workerkit.store.records import CommandRecord, RunRecord

Console = Callable[..., Any]


@pytest.fixture
def fleet(seed: Seed) -> Seed:
    """Four workers: mail fails, export runs, web is well, cert is paused."""
    seed.workers([spec("mail", tags=("net",)), spec("export"), spec("web", tags=("net",)), spec("cert")])
    seed.history("mail", ["succeeded", "failed", "failed"])
    seed.history("web", ["succeeded"] * 5)
    seed.lines("web", 4, ["hello from web"])
    run_id = seed.start("export")
    seed.progress("export", run_id, 3, 10, "invoices")
    seed.pause("cert", "maintenance")
    seed.gap("cert", GapReason.PAUSED, 3, "paused by ops@box: maintenance")
    return seed


def screen_text(app: ConsoleApp) -> str:
    """What the terminal shows."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


async def opened(app: ConsoleApp, pilot: Any) -> None:
    await until(pilot, lambda: app.main.detail is not None, "the first picture with details")


def commands(path: Path) -> list[CommandRecord]:
    with Database.open(path).reader() as reader:
        return reader.commands()


def toasts(app: ConsoleApp) -> list[str]:
    return [notification.message for notification in app._notifications]


async def test_workers_of_the_database_are_shown_the_failing_one_first(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        assert app.main.table.names == ("mail", "cert", "export", "web")
        text = screen_text(app)
        assert "● headless host box:4211" in text
        assert "4 workers" in text
        assert "2× ConnectionRefusedError" in text


async def test_times_are_told_with_a_picture_that_is_drawn_anyway(
    console: Console, fleet: Seed, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        told: list[int] = []
        monkeypatch.setattr(WorkerTable, "tick", lambda table: told.append(table.row_count))
        app.main.take(app.main.snapshot)
        assert told == [], "they were told just now"
        clock.move(SECOND)
        app.main.take(app.main.snapshot)
        app.main._each_second()
        assert told == [4], "the tick that follows has nothing to add"
        clock.move(SECOND)
        app.main._each_second()
        assert told == [4, 4]


async def test_a_commit_of_the_host_shows_up(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        fleet.history("web", ["failed"])
        await until(pilot, lambda: "web" in app.main.table.names[:2] or app.main.table.tick(), "web among the failing")


async def test_the_selected_worker_is_shown_in_the_details(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("G")
        await until(pilot, lambda: app.main.detail.worker.name == "web", "the details of web")
        await pilot.press("l")
        await until(pilot, lambda: "hello from web" in screen_text(app), "the lines of web")
        await pilot.press("g", "t")
        await until(pilot, lambda: "Mail.run" in screen_text(app), "the traceback of mail")


@pytest.mark.parametrize("size", [(250, 70), (190, 30), (80, 24), (10, 3), (1, 1)])
async def test_it_draws_at_any_size(console: Console, fleet: Seed, size: tuple[int, int]) -> None:
    async with console(size=size) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("j", "enter", "l", "tab", "escape", "question_mark", "escape", "slash", "x", "escape")
        await resize(pilot, 100, 30)
        await pilot.pause()
        assert app.is_running


async def test_the_filter_works_while_one_types_and_escape_clears_it(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("slash")
        type_in(app, "tag:net !mail")
        await until(pilot, lambda: app.main.table.names == ("web",), "the filter")
        await until(pilot, lambda: "1 of 4" in screen_text(app), "the count")
        await pilot.press("enter")
        assert app.main.table.has_focus
        await pilot.press("escape")
        assert len(app.main.table.names) == 4
        await pilot.press("slash")
        type_in(app, "nobody")
        await until(pilot, lambda: "No worker matches" in screen_text(app), "the reason")
        await pilot.press("escape")
        assert len(app.main.table.names) == 4


async def test_keys_typed_right_behind_the_slash_are_meant_for_the_filter(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        for key, character in (("slash", "/"), ("p", "p"), ("a", "a"), ("y", "y"), ("enter", None)):
            app.post_message(events.Key(key, character))
        await until(pilot, lambda: app.main.table.filter.text == "pay", "the filter")
        await until(pilot, lambda: not app.main.filter_bar.has_focus_within, "the end of typing")
        await pilot.press("escape")
        await until(pilot, lambda: app.main.table.has_focus, "the table")
        assert commands(app.database_path) == []


async def test_keys_typed_right_behind_the_enter_are_meant_for_the_workers(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        for key, character in (("slash", "/"), ("w", "w"), ("enter", None), ("space", " ")):
            app.post_message(events.Key(key, character))
        await until(pilot, lambda: len(app.main.table.marked) == 1, "the mark")
        assert app.main.table.filter.text == "w"


async def test_on_a_narrow_screen_enter_gives_the_details_all_room_and_escape_takes_it_back(
    console: Console, fleet: Seed
) -> None:
    async with console(size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        assert app.main.table.region.height > 3
        await pilot.press("enter")
        assert app.main.has_class("-expanded")
        assert app.main.pane.has_focus_within
        await pilot.press("escape")
        await until(pilot, lambda: app.main.table.has_focus, "the table")
        assert not app.main.has_class("-expanded")


async def test_enter_in_logs_and_failures_takes_the_whole_screen(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: app.main.pane.has_focus_within, "the pane")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TracebackScreen), "the traceback screen")
        await pilot.press("escape")
        await pilot.press("l", "enter")
        await until(pilot, lambda: isinstance(app.screen, LogsScreen), "the log screen")


async def test_pausing_writes_a_command_and_tells_the_answer(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("p")
        await until(pilot, lambda: commands(app.database_path), "the command")
        (command,) = commands(app.database_path)
        assert (command.verb, command.worker, command.state) == ("pause", "mail", "pending")
        fleet.answer(command.id, "refused", "mail is being looked after")
        await until(pilot, lambda: "mail is being looked after" in toasts(app), "the toast")


async def test_marked_workers_are_acted_on_together(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("space", "space", "p")
        await until(pilot, lambda: len(commands(app.database_path)) == 1, "the commands")
        assert {command.worker for command in commands(app.database_path)} == {"mail"}  # cert is paused already
        await pilot.press("escape")
        assert app.main.table.marked == ()


async def test_a_disabled_key_says_why(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("x")
        assert "mail is not running." in toasts(app)


async def test_a_read_only_console_writes_nothing(console: Console, fleet: Seed) -> None:
    async with console(read_only=True) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("p", "r", "x", "P", "R", "b")
        await pilot.pause()
        assert commands(app.database_path) == []
        assert "READ-ONLY" in screen_text(app)
        assert any("read-only" in toast for toast in toasts(app))


async def test_parameters_are_asked_until_they_can_be_read(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("R", "d", "enter")
        assert isinstance(app.screen, AskParams)
        assert "'d' is not a pair" in screen_text(app)
        type_in(app, "=1 full=true")
        await pilot.press("enter")
        await until(pilot, lambda: commands(app.database_path), "the command")
        (command,) = commands(app.database_path)
        assert (command.verb, command.worker, command.params) == ("run", "mail", {"d": 1, "full": True})


async def test_pausing_all_asks_first(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("P")
        assert isinstance(app.screen, AskPause)
        await pilot.press("escape")
        await pilot.press("P", "enter")
        await until(pilot, lambda: commands(app.database_path), "the command")
        assert [command.verb for command in commands(app.database_path)] == ["pause-all"]


async def test_a_frozen_picture_stands_still_and_catches_up(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("z")
        assert "FROZEN" in screen_text(app)
        fleet.history("web", ["failed"])
        await until(pilot, lambda: app.main._held is not None, "a snapshot that is held back")
        assert app.main.snapshot.workers["web"].status == "idle"
        await pilot.press("z")
        await until(pilot, lambda: app.main.snapshot.workers["web"].status == "failed", "the present")
        fleet.history("web", ["succeeded"])
        await until(pilot, lambda: app.main.snapshot.workers["web"].status == "idle", "the next snapshot")


async def test_a_frozen_picture_still_shows_the_details_of_another_worker(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("z", "G")
        await until(pilot, lambda: app.main.detail.worker.name == "web", "the details of web")


async def test_copying_takes_the_traceback_without_control_characters(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("c")
        await until(pilot, lambda: "Mail.run" in app.clipboard, "the clipboard")
        assert "ConnectionRefusedError" in app.clipboard


async def test_the_palette_offers_actions_and_workers(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("colon")
        type_in(app, "worker web")
        await until(pilot, lambda: "worker web" in screen_text(app).split("worker web", 1)[-1], "the hit")
        await pilot.press("enter")
        await until(pilot, lambda: app.main.table.selected.name == "web", "the cursor on web")
        await pilot.press("ctrl+p")
        type_in(app, "theme calm-l")
        await until(pilot, lambda: "theme calm-light" in screen_text(app), "the hit")
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "calm-light", "the light theme")


async def test_help_opens_and_closes(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("escape")
        assert app.screen is app.main


async def test_the_footer_can_be_clicked(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        line = screen_text(app).splitlines()[-1]
        await pilot.click("KeyFooter", offset=(line.index("? help"), 0))
        await until(pilot, lambda: isinstance(app.screen, Help), "the help")


async def test_what_a_worker_wrote_is_never_markup_nor_an_escape_sequence(console: Console, seed: Seed) -> None:
    evil = "[@click=app.quit]x[/] \x1b]52;c;ZXZpbA==\x07 \u202e[/"
    seed.workers([spec("evil", description=evil, tags=(evil,), schedule=evil, source=evil), spec("b", load_error=evil)])
    seed.history("evil", ["failed"], error=evil)
    seed.lines("evil", 1, [evil])
    async with console() as (app, pilot):
        await opened(app, pilot)
        for key in ("tab", "tab", "tab", "c", "2", "escape", "t", "c", "colon", "e", "v"):
            await pilot.press(key)
            await pilot.pause()
            assert not any(character in screen_text(app) for character in "\x1b\x07\u202e")


async def test_workers_out_of_sight_that_begin_to_fail_are_told(console: Console, seed: Seed) -> None:
    seed.workers([spec(f"w{number:03}") for number in range(200)])
    async with console() as (app, pilot):
        await opened(app, pilot)
        for name in ("w150", "w151", "w000"):
            seed.history(name, ["failed"])
        await until(pilot, lambda: any("w150" in toast for toast in toasts(app)), "the toast")
        assert not any("w000" in toast for toast in toasts(app))


async def test_a_database_that_is_not_there_yet_is_waited_for(
    console: Console, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workerconsole.app.OPEN_AGAIN", 0.05)
    async with console() as (app, pilot):
        await until(pilot, lambda: "The database can't be opened" in screen_text(app), "the reason")
        with Seed(path) as late:
            late.workers([spec("web")])
            await until(pilot, lambda: app.main.table.names == ("web",), "the worker")


async def test_a_host_that_dies_is_told_and_what_needs_one_is_disabled(
    console: Console, fleet: Seed, clock: HandClock
) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        fleet.close()
        clock.move(2 * SECOND)
        await until(pilot, lambda: "No host is alive" in screen_text(app), "the banner")
        await pilot.press("r")
        assert any("workerconsole serve" in toast for toast in toasts(app))
        await pilot.press("p")
        await until(pilot, lambda: any("next host" in toast for toast in toasts(app)), "the stored pause")


async def test_what_a_recovery_found_stays_on_the_banner_until_it_is_dismissed(
    console: Console, path: Path, clock: HandClock
) -> None:
    with Seed(path, alive=False) as first:
        first.workers([spec("mail")])
        first.start("mail")
    with Seed(path) as second:
        second.workers([spec("mail")])
        async with console() as (app, pilot):
            await opened(app, pilot)
            assert "1 run in flight was marked failed" in screen_text(app)
            await pilot.press("escape")
            assert "marked failed" not in screen_text(app)
            clock.move(2 * SECOND)
            app.main.tick()
            await pilot.pause()
            assert "marked failed" not in screen_text(app)


async def test_the_details_stand_under_the_table_or_beside_it_where_there_is_no_room(
    console: Console, fleet: Seed
) -> None:
    async with console(size=(220, 60)) as (app, pilot):
        await opened(app, pilot)
        await pilot.pause()
        assert app.main.pane.region.y >= app.main.table.region.bottom
        assert app.main.table.region.height <= 8
        await resize(pilot, 220, 24)
        await until(pilot, lambda: app.main.pane.region.x >= app.main.table.region.right, "the details at the side")
        assert app.main.pane.region.y == app.main.table.region.y


async def test_an_attached_console_leaves_at_once(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("q")
        await until(pilot, lambda: app.return_value is not None, "the end")
        assert app.return_value == Exit("left")


class FakeHost:
    """A host whose runs end when the test says so."""

    def __init__(self, running: int = 0, refuses: bool = False) -> None:
        self.count = running
        self.refuses = refuses
        self.started = 0
        self.stopped: list[float | None] = []
        self.over = threading.Event()
        if not running:
            self.over.set()

    @property
    def recovered(self) -> tuple[RunRecord, ...]:
        return ()

    def start(self) -> None:
        if self.refuses:
            raise HostRunningError("another host lives on this database")
        self.started += 1

    def stop(self, grace: float | None = None) -> object:
        self.stopped.append(grace)
        assert self.over.wait(10)
        self.count = 0
        return None

    def hurry(self) -> None:
        self.over.set()

    def nudge(self) -> None: ...

    @property
    def trouble(self) -> str | None:
        return None

    def leftover_threads(self) -> bool:
        return False


async def test_a_hosting_console_asks_and_enter_stops_the_workers(console: Console, fleet: Seed) -> None:
    host = FakeHost()
    async with console(make_host=lambda _: host, grace=3.0) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("q")
        assert isinstance(app.screen, Leave)
        await pilot.press("escape")
        assert app.screen is app.main
        await pilot.press("q", "enter")
        await until(pilot, lambda: app.return_value is not None, "the end")
        assert app.return_value == Exit("stopped")
        assert host.stopped[0] == 3.0


async def test_while_runs_are_in_flight_the_screen_counts_down_and_x_ends_the_waiting(
    console: Console, fleet: Seed
) -> None:
    host = FakeHost(running=2)
    async with console(make_host=lambda _: host) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("q")
        assert "1 run is in flight" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Stopping), "the countdown")
        assert "Waiting for 1 run, 10 s left." in screen_text(app)
        await pilot.press("q", "escape")
        assert isinstance(app.screen, Stopping)
        await pilot.press("x")
        await until(pilot, lambda: app.return_value is not None, "the end")
        assert app.return_value.end == "stopped"


async def test_the_workers_can_be_left_to_a_host_without_a_screen(console: Console, fleet: Seed) -> None:
    host = FakeHost()
    options = {"make_host": lambda _: host, "leave_headless": lambda: "They go on in process 4712."}
    async with console(**options) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("q", "l")
        await until(pilot, lambda: app.return_value is not None, "the end")
        assert app.return_value == Exit("headless", "They go on in process 4712.")
        assert host.stopped


async def test_when_no_host_without_a_screen_can_be_started_the_console_stays(console: Console, fleet: Seed) -> None:
    def refuse() -> str:
        raise OSError("no more processes")

    host = FakeHost()
    async with console(make_host=lambda _: host, leave_headless=refuse) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("q", "l")
        await until(pilot, lambda: any("no more processes" in toast for toast in toasts(app)), "the toast")
        assert not host.stopped
        assert app.screen is app.main


async def test_a_signal_stops_without_asking_and_a_second_one_now(console: Console, fleet: Seed) -> None:
    host = FakeHost(running=1)
    async with console(make_host=lambda _: host) as (app, pilot):
        await opened(app, pilot)
        app.told_to_stop()
        await until(pilot, lambda: isinstance(app.screen, Stopping), "the countdown")
        assert app.return_value is None
        app.told_to_stop()
        await until(pilot, lambda: app.return_value is not None, "the end")


async def test_where_another_host_lives_the_console_attaches_and_says_so(console: Console, fleet: Seed) -> None:
    host = FakeHost(refuses=True)
    async with console(make_host=lambda _: host) as (app, pilot):
        await opened(app, pilot)
        assert any("another host lives" in toast for toast in toasts(app))
        await pilot.press("q")
        await until(pilot, lambda: app.return_value is not None, "the end")
        assert app.return_value == Exit("left")
        assert not host.stopped


async def test_the_first_picture_does_not_wait_for_the_database(clock: HandClock) -> None:
    may_open = threading.Event()

    def slow() -> Database:
        assert may_open.wait(10)
        raise DatabaseError("no such luck")

    app = ConsoleApp(lambda: Stage(slow), clock=clock)
    try:
        async with app.run_test() as pilot:
            await until(pilot, lambda: "Opening the database" in screen_text(app), "the first picture")
            await pilot.press("question_mark", "escape", "p")
            may_open.set()
            await until(pilot, lambda: "no such luck" in screen_text(app), "the reason")
    finally:
        may_open.set()
        app.session.close()


async def test_a_crash_shows_no_values_of_variables(
    console: Console, fleet: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[str] = []

    def crash() -> None:
        secret = "hunter2-of-a-worker"
        raise RuntimeError(f"a secret of {len(secret)} letters")

    async def crashing() -> None:
        async with console() as (app, pilot):
            monkeypatch.setattr(app.error_console, "print", lambda text, **_: printed.append(str(text)))
            await opened(app, pilot)
            app.call_later(crash)
            await until(pilot, lambda: not app.is_running, "the end")

    with pytest.raises(RuntimeError, match="19 letters"):
        await crashing()
    text = "\n".join(printed)
    assert "a secret of 19 letters" in text
    assert "hunter2-of-a-worker" not in text.replace('secret = "hunter2-of-a-worker"', "")


def test_counting_down_ends_at_the_moment_given() -> None:
    clock = HandClock()
    stopping = Stopping(lambda: 1, 10.0, lambda: None, clock, headless=False)
    clock.move(4 * SECOND)
    assert stopping._text().plain == "Waiting for 1 run, 6 s left."
    clock.move(7 * SECOND)
    assert stopping._text().plain == "Interrupting 1 run."
