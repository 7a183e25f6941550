"""Local variables read back: typed, bounded, and each of them a line that is safe to draw."""

import collections
import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.console.test_captures import JSON
from workerconsole.text import clean
from workerconsole.values import MAX_DEPTH, MAX_NODES, Part, Value, about, one_line, read_variables
from workerkit.failures import Redactor
from workerkit.failures.values import Walk
from workerkit.outcome import Status


def variables(**values: Any) -> dict[str, Value]:
    """Variables that went the whole way: into a capture and back."""
    return {part.name: part.value for part in read_variables(Walk(Redactor(environment={})).locals(values))}


def line(value: Any, width: int = 200) -> str:
    return one_line(variables(x=value)["x"], width)


class Point:
    def __init__(self, x: int) -> None:
        self.x = x
        self.next: Point | None = None


def test_values_are_written_as_python_writes_them() -> None:
    assert line(None) == "None"
    assert line(12) == "12"
    assert line("it's") == '"it\'s"'
    assert line(b"ab\x00") == r"b'ab\x00'"
    assert line([1, "a", (2,)]) == "[1, 'a', (2)]"
    assert line({"a": 1, 2: None}) == "{'a': 1, 2: None}"
    assert line({3}) == "{3}"
    assert line(collections.deque([1])) == "deque([1])"
    assert line(collections.OrderedDict(a=1)) == "OrderedDict({'a': 1})"
    assert line(datetime.date(2024, 5, 1)) == "datetime.date(2024, 5, 1)"
    assert line(Status.FAILED) == "'failed'"
    assert line(Point(3)) == "Point(x=3, next=None)"
    assert line(object()) == "<object>"
    assert line(test_values_are_written_as_python_writes_them).startswith("<function test_values")
    assert line([]) == "[]"


def test_what_was_not_kept_says_why() -> None:
    point = Point(1)
    point.next = point
    found = variables(password="hunter2", many=list(range(100)), text="x" * 5000, point=point)
    assert one_line(found["password"], 80) == "hidden: its name says it is secret"
    assert one_line(found["many"], 200).endswith("11, …]")
    assert about(found["many"]) == "list, 100"
    assert about(found["text"]) == "5,000 characters"
    assert one_line(found["point"], 80) == "Point(x=1, next=→ point)"


def test_objects_of_the_kit_take_no_room() -> None:
    assert one_line(
        Value("object", "workerkit.context.RunContext", parts=(Part("a", ".a", Value("literal")),)), 80
    ) == ("RunContext(…)")


def test_text_of_a_worker_can_not_reach_the_terminal() -> None:
    evil = "\x1b]52;c;aGk=\x07[@click=app.quit]\u202e\n\x00\u200b"
    shown = line(evil)
    assert shown == clean(shown)
    assert r"\x1b]52" in shown
    assert r"\u202e" in shown
    assert one_line(variables(x={evil: evil})["x"], 400).count(r"\x1b") == 2


def test_a_line_is_never_longer_than_its_room() -> None:
    assert line({"key": "x" * 500}, 20) == "{'key': 'xxxxxxxxxx…"
    assert len(line([[[["deep"]]]] * 40, 30)) == 30


def test_parts_know_the_step_that_leads_to_them() -> None:
    found = variables(x={"a": 1, 3: 2, (1, 2): 3, None: 4}, y=[0], z=Point(1), s={1})
    assert [part.step for part in found["x"].parts] == ["['a']", "[3]", "", "[None]"]
    assert [part.step for part in found["y"].parts] == ["[0]"]
    assert [part.step for part in found["z"].parts] == [".x", ".next"]
    assert [part.step for part in found["s"].parts] == [""]


def test_too_much_and_too_deep_is_cut() -> None:
    node: dict[str, Any] = {"kind": "number", "text": "1"}
    for _ in range(100):
        node = {"kind": "sequence", "type": "list", "size": 1, "items": [node]}
    value = read_variables([["x", node]])[0].value
    for _ in range(MAX_DEPTH):
        value = value.parts[0].value
    assert value.cut == f"deeper than {MAX_DEPTH} levels"
    wide = {
        "kind": "sequence",
        "type": "list",
        "items": [{"kind": "sequence", "type": "list", "items": [node] * 60}] * 60,
    }
    budget = [MAX_NODES]
    read_variables([["x", wide], ["y", wide]], budget)
    assert budget[0] < 0


NODES = st.recursive(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["literal", "number", "string", "bytes", "reference", "cut", "redacted", "object"])},
        optional={"text": JSON | st.text(max_size=20), "type": JSON, "size": JSON},
    )
    | JSON,
    lambda inner: st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["sequence", "set", "map", "object", "string"]),
            "items": st.lists(inner | st.tuples(inner, inner) | st.tuples(st.text(max_size=5), inner), max_size=4),
        },
        optional={"type": st.text(max_size=9), "size": st.integers() | JSON, "cut": JSON},
    ),
    max_leaves=12,
)


@given(st.lists(st.tuples(st.text(max_size=5), NODES), max_size=4) | JSON, st.integers(0, 120))
@settings(max_examples=200)
def test_any_json_at_all_is_read_and_drawn_on_one_line(data: Any, width: int) -> None:
    for part in read_variables(data):
        shown = one_line(part.value, width)
        assert len(shown) <= width
        assert shown == clean(shown, 10_000)
        assert clean(about(part.value)) == about(part.value)
