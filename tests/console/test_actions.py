from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.console.factory import failing, worker
from workerconsole.action import key_name
from workerconsole.actions import ACTIONS, BULK_ASKS, BY_ID, bindings
from workerconsole.desk import Context, Panel, Verb
from workerconsole.screens.help import help_groups
from workerconsole.widgets.footer import entries
from workerkit.store.records import WorkerRecord


class FakeDesk:
    """Writes down what it is told; answers every question with yes."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, tuple[str, ...]]] = []
        self.questions: list[str] = []
        self.calls: list[str] = []

    def order(
        self,
        verb: Verb,
        workers: Sequence[WorkerRecord] = (),
        params: dict[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        self.orders.append((verb, tuple(record.name for record in workers)))
        self.calls.append(f"{verb} {params or ''}{reason}".strip())

    def ask_pause(self, workers: Sequence[WorkerRecord], *, everyone: bool = False) -> None:
        self.calls.append(f"ask {'all' if everyone else ' '.join(record.name for record in workers)}")

    def ask(self, question: str, yes: str, then: Callable[[], None]) -> None:
        self.questions.append(question)
        then()

    def show_panel(self, panel: Panel) -> None:
        self.calls.append(f"panel {panel}")

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: self.calls.append(name)


def context(*marked: WorkerRecord, selected: WorkerRecord | None = None, **changes: Any) -> Context:
    return Context(desk=FakeDesk(), selected=selected, marked=marked, known=3, **changes)


def perform(action_id: str, given: Context) -> FakeDesk:
    assert BY_ID[action_id].disabled(given) is None
    BY_ID[action_id].perform(given)
    assert isinstance(given.desk, FakeDesk)
    return given.desk


def reason(action_id: str, given: Context) -> str:
    found = BY_ID[action_id].disabled(given)
    assert found is not None
    return found


def test_every_action_has_an_id_of_its_own_and_no_key_has_two_meanings() -> None:
    assert len(BY_ID) == len(ACTIONS)
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))


def test_every_binding_carries_the_id_of_its_action() -> None:
    assert {binding.id for scope in ("screen", "table") for binding in bindings(scope)} == {
        action.id for action in ACTIONS if action.keys
    }


def test_every_action_is_on_the_help_screen() -> None:
    page = "\n".join(lines.plain for _, lines in help_groups())
    for action in ACTIONS:
        if not action.id.startswith("panel-"):
            assert action.help in page


def test_help_lines_fit_beside_their_keys() -> None:
    assert max(len(action.help) for action in ACTIONS) <= 50


def test_pause_pauses_those_that_run_and_resumes_when_all_are_paused() -> None:
    paused = worker("b", paused=True, status="paused")
    assert perform("pause", context(selected=worker("a"))).orders == [("pause", ("a",))]
    assert perform("pause", context(selected=paused)).orders == [("resume", ("b",))]
    assert perform("pause", context(worker("a"), paused)).orders == [("pause", ("a",))]


def test_pause_resumes_what_is_suspended() -> None:
    suspended = worker("b", status="suspended", suspended_because="it failed 3 times in a row")
    paused = worker("c", status="paused", paused=True)
    assert perform("pause", context(selected=suspended)).orders == [("resume", ("b",))]
    assert perform("pause", context(suspended, paused)).orders == [("resume", ("b", "c"))]
    assert perform("pause", context(suspended, worker("a"))).orders == [("pause", ("a",))]


def test_a_pause_for_a_while_asks_about_those_that_can_be_paused() -> None:
    broken = worker("b", status="broken", load_error="SyntaxError")
    assert perform("pause-until", context(worker("a"), broken)).calls == ["ask a"]
    assert "nothing to pause" in reason("pause-until", context(selected=broken))


def test_a_retrying_worker_can_be_hastened_and_given_up_but_takes_no_parameters() -> None:
    retrying = worker("a", status="retrying")
    assert perform("run", context(selected=retrying)).orders == [("run", ("a",))]
    assert perform("cancel", context(selected=retrying)).orders == [("cancel", ("a",))]
    assert "its own parameters" in reason("run-with", context(selected=retrying))


def test_where_runs_may_overlap_a_running_worker_can_be_run_again() -> None:
    several = worker("a", status="running", running_run_id=7, policy={"overlap": "up to 3 at a time"})
    assert perform("run", context(selected=several)).orders == [("run", ("a",))]


def test_force_asks_first_and_says_what_it_can_not_do() -> None:
    process = worker("a", status="running", running_run_id=7, isolation="process")
    desk = perform("force", context(selected=process))
    assert desk.calls == ["cancel {'force': True}"]
    assert desk.questions == ["End what a runs by force? Its process group is killed."]
    both = perform("force", context(process, worker("b", status="running", running_run_id=8)))
    assert "can only be asked to stop" in both.questions[0]
    assert reason("force", context(selected=worker("a"))) == "a is not running."


def test_marks_come_before_the_cursor() -> None:
    desk = perform("run", context(worker("a"), worker("b"), selected=worker("c")))
    assert desk.orders == [("run", ("a", "b"))]


def test_running_many_asks_first() -> None:
    few = perform("run", context(*(worker(f"w{n}") for n in range(BULK_ASKS))))
    many = perform("run", context(*(worker(f"w{n}") for n in range(BULK_ASKS + 1))))
    assert not few.questions
    assert len(many.questions) == 1


def test_running_marked_ones_leaves_out_those_that_run_already() -> None:
    desk = perform("run", context(worker("a"), worker("b", status="running", running_run_id=7)))
    assert desk.orders == [("run", ("a",))]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("running", "running already"),
        ("stuck", "stuck"),
        ("broken", "failed to load"),
        ("unregistered", "not in the code"),
    ],
)
def test_run_now_says_why_it_can_not_run(status: str, words: str) -> None:
    assert words in reason("run", context(selected=worker("a", status=status)))


def test_cancel_needs_a_run_in_flight() -> None:
    assert reason("cancel", context(selected=worker("a"))) == "a is not running."
    running = worker("b", status="running", running_run_id=7)
    assert perform("cancel", context(worker("a"), running)).orders == [("cancel", ("b",))]


def test_without_a_host_nothing_can_be_run_but_a_pause_is_stored() -> None:
    given = context(selected=worker("a"), host_alive=False)
    assert "workerconsole serve" in reason("run", given)
    assert perform("pause", given).orders == [("pause", ("a",))]


@pytest.mark.parametrize(
    "action_id", ["pause", "pause-until", "run", "run-with", "cancel", "force", "pause-all", "reset-counters"]
)
def test_a_read_only_screen_changes_nothing(action_id: str) -> None:
    running = worker("a", status="running", running_run_id=7)
    assert "read-only" in reason(action_id, context(selected=running, read_only=True))


def test_a_read_only_screen_shows_the_stack_panel_but_asks_no_host() -> None:
    desk = perform("stack", context(selected=worker("a"), read_only=True))
    assert desk.calls == ["panel stack"]
    assert not desk.orders


def test_pausing_all_asks_for_how_long_and_resumes_when_all_are_paused() -> None:
    assert perform("pause-all", context(selected=worker("a"))).calls == ["ask all"]
    assert perform("pause-all", context(all_paused=True)).orders == [("resume-all", ())]


def test_resetting_counters_asks_and_names_the_worker() -> None:
    desk = perform("reset-counters", context(selected=failing("mail")))
    assert "mail" in desk.questions[0]
    assert desk.orders == [("reset-counters", ("mail",))]


def test_there_is_nothing_to_copy_without_an_error() -> None:
    assert reason("copy", context(selected=worker("a"))) == "a has no error to copy."
    assert BY_ID["copy"].disabled(context(selected=failing())) is None


@pytest.mark.parametrize("action_id", ["open", "logs", "traceback", "stack", "pause", "run", "copy", "mark"])
def test_without_a_worker_an_action_on_one_says_so(action_id: str) -> None:
    assert reason(action_id, context()) == "No worker is selected."


def test_keys_are_written_as_they_stand_on_the_keyboard() -> None:
    assert [key_name(key) for key in ("question_mark", "f1", "ctrl+p", "slash", "f")] == ["?", "F1", "ctrl+p", "/", "f"]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 250])
def test_the_footer_fits_and_always_shows_help_and_quit(width: int) -> None:
    shown = entries(width)
    assert {"help", "quit"} <= {entry.action.id for entry in shown}
    assert shown[-1].left + len(shown[-1].text) <= max(width, 24)
