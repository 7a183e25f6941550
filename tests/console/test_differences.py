"""What differs between two failures of one group."""

from typing import Any

from tests.console import mishaps
from tests.console.pane import exception, frame
from workerconsole.captures import Capture, read_capture
from workerconsole.differences import Comparison, compare
from workerkit.context import RunContext
from workerkit.failures import Redactor
from workerkit.failures.values import Walk


def with_locals(message: str = "m", **values: Any) -> Capture:
    entry = frame() | {"locals": Walk(Redactor(environment={})).locals(values)}
    return read_capture({"version": 1, "exceptions": [exception("E", message, frames=[entry])]})


def differing(before: Capture, after: Capture) -> Comparison:
    return compare(before, after, run_id=7)


def test_the_one_thing_that_differs_is_named_once() -> None:
    found = differing(read_capture(mishaps.page(411)), read_capture(mishaps.page(412)))
    assert found.sentence() == "only page differs from run 7: 411, now 412"
    # The echo in the dictionary is still marked where it stands.
    assert {item.path for item in found.differences} == {"page", "params['page']"}


def test_some_are_listed_and_the_rest_is_counted() -> None:
    found = differing(with_locals(a=1, b=2, c=3, d=4, e=5), with_locals(a=11, b=12, c=13, d=14, e=5))
    assert found.sentence() == "differs from run 7 in a: 1, now 11 · b: 2, now 12 · c: 3, now 13 · and 1 more"


def test_deep_parts_are_compared_by_their_path() -> None:
    found = differing(with_locals(order={"lines": [{"qty": 1}]}), with_locals(order={"lines": [{"qty": 2}]}))
    assert found.sentence() == "only order['lines'][0]['qty'] differs from run 7: 1, now 2"


def test_what_came_what_went_and_what_is_something_else() -> None:
    found = differing(with_locals(a={"x": 1}, b=1), with_locals(a={"y": 1}, b="1", c=3))
    assert {(item.path, item.before, item.after) for item in found.differences} == {
        ("a['y']", "nothing", "1"),
        ("a['x']", "1", "nothing"),
        ("b", "1", "'1'"),
        ("c", "nothing", "3"),
    }
    sizes = differing(with_locals(a=[1]), with_locals(a=[1, 2]))
    assert sizes.sentence() == "only a differs from run 7: [1], now [1, 2]"


def test_the_same_again_says_so() -> None:
    found = differing(with_locals(a=1), with_locals(a=1))
    assert found.same
    assert found.sentence() == "the same as run 7, also its variables"


def test_without_variables_the_message_tells() -> None:
    found = differing(with_locals("page 1"), with_locals("page 2"))
    assert found.sentence() == "the message differs from run 7: “page 1”, now “page 2”"
    nothing = differing(with_locals(), with_locals())
    assert nothing.sentence() == "the same as run 7, their variables were not kept"


def test_what_was_cut_or_hidden_is_no_proof_of_sameness() -> None:
    hidden = with_locals(password="a")
    assert differing(hidden, with_locals(password="b")).sentence().endswith("their variables were not kept")


def test_of_the_run_only_what_is_the_worker_s_counts() -> None:
    one, other = RunContext.for_test(), RunContext.for_test()
    one.state["seen"], other.state["seen"] = 1, 2
    other.run_id = 99
    found = differing(with_locals(ctx=one), with_locals(ctx=other))
    assert found.sentence() == "only ctx.state['seen'] differs from run 7: 1, now 2"


def test_failures_in_different_places_are_not_compared_by_variables() -> None:
    other = read_capture({"exceptions": [exception("E", "m", frames=[frame(function="other")])]})
    assert not differing(with_locals(a=1), other).compared


def test_failures_without_any_exception_compare_too() -> None:
    found = differing(read_capture(mishaps.TIMEOUT), read_capture(mishaps.CORRUPT))
    assert found.sentence()
