"""The registries of the screens of failures: keys, footers, and why something can't be done."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.console.factory import NOW, worker
from tests.console.pane import failure, run
from tests.console.test_groups import group
from workerconsole.action import Action, bindings_of
from workerconsole.actions import ACTIONS
from workerconsole.cases import Case
from workerconsole.group_actions import BY_ID as GROUPS
from workerconsole.group_actions import GROUP_ACTIONS, GroupContext
from workerconsole.screens.help import help_groups
from workerconsole.trace_actions import BY_ID as TRACES
from workerconsole.trace_actions import TRACE_ACTIONS, TraceContext
from workerconsole.traces import Trace
from workerconsole.widgets.facts import facts_line
from workerconsole.widgets.footer import entries

REGISTRIES: list[Sequence[Action[Any]]] = [TRACE_ACTIONS, GROUP_ACTIONS]


class FakeDesk:
    def __getattr__(self, name: str) -> Any:
        return lambda *args: None


def case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "failure": failure(9),
        "traces": (Trace("E", "m"),),
        "run": run(9),
        "group": group(),
        "newer": None,
        "older": None,
        "place": 1,
        "kept": 1,
        "comparison": None,
    }
    return Case(**(fields | changes))


def traced(**changes: Any) -> TraceContext:
    fields: dict[str, Any] = {"desk": FakeDesk(), "case": case(), "worker": worker()}
    return TraceContext(**(fields | changes))


def grouped(**changes: Any) -> GroupContext:
    fields: dict[str, Any] = {"desk": FakeDesk(), "group": group()}
    return GroupContext(**(fields | changes))


@pytest.mark.parametrize("actions", REGISTRIES)
def test_ids_are_unique_over_all_screens_and_keys_within_one(actions: Sequence[Action[Any]]) -> None:
    ids = [action.id for registry in (ACTIONS, *REGISTRIES) for action in registry]
    assert len(ids) == len(set(ids))
    keys = [key for action in actions for key in action.keys]
    assert len(keys) == len(set(keys))
    assert {binding.id for binding in bindings_of(actions, "screen")} == {action.id for action in actions}


@pytest.mark.parametrize("actions", REGISTRIES)
def test_every_action_is_on_the_help_screen_and_fits(actions: Sequence[Action[Any]]) -> None:
    page = "\n".join(lines.plain for _, lines in help_groups(actions))
    for action in actions:
        assert action.help in page
        assert len(action.help) <= 50


@pytest.mark.parametrize("actions", REGISTRIES)
@pytest.mark.parametrize("width", [30, 60, 80, 140, 250])
def test_the_footer_fits_and_always_shows_help_and_the_way_back(actions: Sequence[Action[Any]], width: int) -> None:
    shown = entries(width, actions)
    assert {"help", "back"} <= {entry.action.id.partition(".")[2] for entry in shown}
    assert shown[-1].left + len(shown[-1].text) <= width


@pytest.mark.parametrize(
    ("action", "context", "said"),
    [
        ("trace.copy", traced(case=None), "not read yet"),
        ("trace.older", traced(), "the oldest failure"),
        ("trace.newer", traced(), "the latest failure"),
        ("trace.run", traced(host_alive=False), "No host is alive"),
        ("trace.run", traced(read_only=True), "read-only"),
        ("trace.run", traced(ready=False), "not open yet"),
        ("trace.run", traced(worker=None), "web is not known any more"),
        ("trace.run", traced(worker=worker("web", status="running", running_run_id=9)), "running already"),
        ("trace.acknowledge", traced(case=case(group=None)), "no group that is kept"),
        ("trace.acknowledge", traced(read_only=True), "read-only"),
        ("trace.edit", traced(), "No frame is selected"),
        ("trace.libraries", traced(), "All frames are yours"),
        ("trace.next", traced(), "/ searches"),
    ],
)
def test_what_can_not_be_done_with_a_failure_says_why(action: str, context: TraceContext, said: str) -> None:
    assert said in (TRACES[action].disabled(context) or "")


@pytest.mark.parametrize(
    ("action", "context", "said"),
    [
        ("group.open", grouped(group=None), "No failure is selected"),
        ("group.resolve", grouped(group=group(state="resolved")), "resolved already"),
        ("group.reopen", grouped(), "open already"),
        ("group.snooze", grouped(read_only=True), "read-only"),
        ("group.acknowledge", grouped(ready=False), "not open yet"),
    ],
)
def test_what_can_not_be_done_with_a_group_says_why(action: str, context: GroupContext, said: str) -> None:
    assert said in (GROUPS[action].disabled(context) or "")


def test_a_regressed_group_can_be_reopened_which_says_that_somebody_looked() -> None:
    assert GROUPS["group.reopen"].disabled(grouped(group=group(regressed_at=NOW))) is None


@pytest.mark.parametrize("width", [20, 40, 80, 140, 220])
def test_the_facts_fit_into_their_line(width: int) -> None:
    line = facts_line(case(place=2, kept=3), NOW, width)
    assert line.cell_length <= max(width, 40)
    assert "error" in line.plain
    assert line.plain.endswith("✗ open")


def test_a_failure_without_a_group_is_told_alone() -> None:
    assert "open" not in facts_line(case(group=None, run=None), NOW, 100).plain
