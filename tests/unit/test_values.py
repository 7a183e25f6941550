"""Values become bounded trees without a line of the worker's code being run."""

import collections
import dataclasses
import datetime
import decimal
import json
import logging
import pathlib
import time
import types
import uuid
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.hostile import HOSTILE
from workerkit.failures import Capture, Redactor
from workerkit.failures.values import MAX_BREADTH, MAX_LOCALS, MAX_NODES, MAX_STRING, Walk

PLAIN = Redactor(environment={})


def node(value: object, name: str = "value") -> dict[str, Any]:
    ((found, tree),) = Walk(PLAIN).locals({name: value})
    assert found == name
    assert isinstance(tree, dict)
    return tree


def count(tree: object) -> int:
    if isinstance(tree, dict):
        return ("kind" in tree) + sum(count(child) for child in tree.values())
    return sum(count(child) for child in tree) if isinstance(tree, list) else 0


@dataclasses.dataclass
class Order:
    number: int
    items: list[Any]
    api_key: str = "k-123456"


class Point(NamedTuple):
    x: int
    y: int


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {"kind": "literal", "text": "None"}),
        (True, {"kind": "literal", "text": "True"}),
        (17, {"kind": "number", "text": "17"}),
        (2.5, {"kind": "number", "text": "2.5"}),
        ("text", {"kind": "string", "text": "text"}),
        (b"ab\xff", {"kind": "bytes", "text": "b'ab\\xff'"}),
        ([1], {"kind": "sequence", "type": "list", "size": 1, "items": [{"kind": "number", "text": "1"}]}),
        ((), {"kind": "sequence", "type": "tuple", "size": 0, "items": []}),
        ({1}, {"kind": "set", "type": "set", "size": 1, "items": [{"kind": "number", "text": "1"}]}),
        (
            {"a": 1},
            {
                "kind": "map",
                "type": "dict",
                "size": 1,
                "items": [[{"kind": "string", "text": "a"}, {"kind": "number", "text": "1"}]],
            },
        ),
        (decimal.Decimal("1.50"), {"kind": "object", "type": "decimal.Decimal", "text": "Decimal('1.50')"}),
        (
            pathlib.PurePosixPath("/x"),
            {"kind": "object", "type": "pathlib.PurePosixPath", "text": "PurePosixPath('/x')"},
        ),
        (uuid.UUID(int=1), {"kind": "object", "type": "uuid.UUID", "text": f"UUID('{uuid.UUID(int=1)}')"}),
        (
            Slotted(),
            {"kind": "object", "type": f"{__name__}.Slotted", "items": [["a", {"kind": "number", "text": "1"}]]},
        ),
        (len, {"kind": "object", "type": "builtin_function_or_method", "text": "len"}),
        (int, {"kind": "object", "type": "type", "text": "int"}),
        (json, {"kind": "object", "type": "module", "text": "json"}),
    ],
)
def test_each_kind_of_value_has_its_kind_of_node(value: object, expected: dict[str, Any]) -> None:
    assert node(value) == expected


def test_objects_tell_their_attributes_and_hide_the_secret_ones() -> None:
    tree = node(Order(7, [1, {"password": "hunter22"}]))
    assert [name for name, _ in tree["items"]] == ["number", "items", "api_key"]
    assert tree["items"][2][1] == {"kind": "redacted", "text": "its name", "type": "str"}
    assert "hunter22" not in json.dumps(tree)
    assert "k-123456" not in json.dumps(tree)


def test_subclasses_of_containers_are_read_as_what_they_are() -> None:
    assert node(collections.defaultdict(list, a=[1]))["kind"] == "map"
    assert node(collections.deque([1, 2]))["size"] == 2
    assert node(Point(1, 2))["kind"] == "sequence"


def test_an_object_that_was_seen_is_a_reference_with_its_path() -> None:
    shared = {"deep": [1]}
    tree = node({"first": shared, "second": shared})
    assert tree["items"][1][1] == {"kind": "reference", "text": "value['first']", "type": "dict"}


def test_breadth_depth_strings_and_locals_are_bounded_and_the_cut_is_told() -> None:
    wide = node(list(range(1000)))
    assert len(wide["items"]) == MAX_BREADTH
    assert wide["cut"] == f"{1000 - MAX_BREADTH} more"
    deep = node([[[[[[[["bottom"]]]]]]]])
    assert "deeper than 5 levels" in json.dumps(deep)
    text = node("x" * 100_000)
    assert (len(text["text"]), text["size"]) == (MAX_STRING, 100_000)
    many = Walk(PLAIN).locals({f"v{number}": number for number in range(80)})
    assert len(many) == MAX_LOCALS + 1
    assert many[-1][1]["text"] == "30 more variables"


def test_the_walk_as_a_whole_is_bounded() -> None:
    tree = Walk(PLAIN).locals({f"v{number}": [list(range(20)) for _ in range(20)] for number in range(40)})
    assert count(tree) <= MAX_NODES + 40 * 25
    assert "values were kept" in json.dumps(tree)


def test_the_walk_stops_when_its_time_is_over() -> None:
    ticks = iter(range(10_000))
    walk = Walk(PLAIN, clock=lambda: next(ticks) * 0.001)
    tree = walk.locals({f"forest{number}": [list(range(20)) for _ in range(20)] for number in range(9)})
    assert "20 ms were spent" in json.dumps(tree)


def test_a_date_keeps_its_text_where_its_zone_is_known() -> None:
    assert "tzinfo" in node(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))["text"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_neither_delays_nor_breaks_the_record(name: str) -> None:
    value = HOSTILE[name]()
    began = time.thread_time()
    tree = Walk(PLAIN).locals({"value": value, "after": 17})
    text = json.dumps(tree)
    assert time.thread_time() - began < 1
    assert len(text) < 1_000_000
    assert tree[-1][0] == "after"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_failure_beside_a_hostile_local_is_recorded_in_full(name: str) -> None:
    def fail() -> None:
        trap = HOSTILE[name]()  # noqa: F841 -- a local that the capture has to pass
        witness = "it was here"
        raise ValueError(witness)

    try:
        fail()
    except ValueError as error:
        capture = Capture(error, PLAIN)
    capture.read_messages()
    assert capture.headline == "ValueError: it was here"
    frame = capture.data["exceptions"][0]["frames"][-1]
    assert dict(map(tuple, frame["locals"]))["witness"] == {"kind": "string", "text": "it was here"}
    assert len(json.dumps(capture.data)) <= 260_000


@pytest.mark.parametrize("name", ["a metaclass with __hash__ and __eq__", "a metaclass with a false module"])
def test_an_exception_of_a_hostile_class_is_recorded(name: str) -> None:
    meta: Any = type(type(HOSTILE[name]()))
    error: BaseException = meta("Hostile", (ValueError,), {})(HOSTILE[name](), 17)
    capture = Capture(error, PLAIN)
    assert not capture.harmless
    assert capture.data["exceptions"][0]["type"].endswith("Hostile")


class Login(NamedTuple):
    user: str
    password: str


@dataclasses.dataclass
class Account:
    user: str
    pin: str = dataclasses.field(repr=False)


@pytest.mark.parametrize(
    "value",
    [
        Login("ada", "hunter22"),
        Account("ada", "hunter22"),
        ("Authorization", "hunter22"),
        [("user", "ada"), (b"x-api-key", b"hunter22")],
        ["psql", "--password", "hunter22"],
        {b"password": b"hunter22"},
        "password=" + "x" * 3000 + "hunter22",
        b"token=hunter22",
    ],
)
def test_secrets_in_the_shapes_that_libraries_give_them(value: object) -> None:
    text = json.dumps(node(value))
    assert "hunter22" not in text
    assert "redacted" in text


def test_a_list_of_words_is_no_list_of_pairs() -> None:
    assert "monday" in json.dumps(node(["token", "monday", "tuesday"]))
    assert "--verbose" in json.dumps(node(["tar", "--verbose", "file"]))


def test_bytes_are_as_they_were_where_nothing_is_hidden() -> None:
    assert node("‹a› ü".encode() + b"\xff")["text"] == repr("‹a› ü".encode() + b"\xff")


def test_a_logger_is_its_name() -> None:
    assert node(logging.getLogger("shop.orders")) == {"kind": "object", "type": "logging.Logger", "text": "shop.orders"}


def test_time_that_is_used_up_leaves_short_variables_and_says_so() -> None:
    moments = iter([0.0, *([1.0] * 100)])
    tree = Walk(PLAIN, clock=lambda: next(moments)).locals({"n": 17, "short": "abc", "long": "x" * 500, "many": [1]})
    kinds = {name: (found["kind"], found["text"]) for name, found in tree}
    assert kinds["n"] == ("number", "17")
    assert kinds["short"] == ("string", "abc")
    assert kinds["long"] == kinds["many"] == ("cut", "20 ms were spent")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=60,
)


@settings(max_examples=150)
@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=5))
def test_any_graph_of_values_makes_plain_json(variables: dict[str, Any]) -> None:
    tree = Walk(PLAIN).locals(variables)
    assert json.loads(json.dumps(tree)) == tree


@st.composite
def chains(draw: st.DrawFn) -> BaseException:
    """Exceptions with causes, contexts and members, at random."""
    errors: list[BaseException] = []
    for number in range(draw(st.integers(1, 8))):
        kind: type[BaseException] = draw(st.sampled_from([ValueError, KeyError, OSError, SystemExit, UnicodeError]))
        error: BaseException = kind(draw(st.text(max_size=20)), number)
        grouped: bool = draw(st.booleans())
        if errors and grouped:
            members = [member for member in errors if isinstance(member, Exception)]
            error = ExceptionGroup("group", members[:3]) if members else error
        if errors:
            earlier: list[BaseException | None] = [None, *errors]
            error.__cause__ = draw(st.sampled_from(earlier))
            error.__context__ = draw(st.sampled_from(earlier))
        errors.append(error)
    return errors[-1]


@settings(max_examples=100)
@given(chains())
def test_any_chain_of_exceptions_is_recorded_once_each(error: BaseException) -> None:
    capture = Capture(error, PLAIN)
    capture.read_messages()
    entries = capture.data["exceptions"]
    assert 1 <= len(entries) <= 50
    assert entries[0]["relation"] == "root"
    assert all(entry["parent"] < place for place, entry in enumerate(entries) if entry["parent"] is not None)
    assert json.loads(json.dumps(capture.data)) == capture.data


def test_a_read_only_view_shows_the_dictionary_behind_it() -> None:
    tree = node(types.MappingProxyType({"order": 17, "password": "hunter2"}))
    assert (tree["kind"], tree["size"]) == ("map", 2)
    assert [pair[1] for pair in tree["items"]] == [
        {"kind": "number", "text": "17"},
        {"kind": "redacted", "text": "its name", "type": "str"},
    ]


def test_a_read_only_view_of_another_mapping_runs_none_of_its_code() -> None:
    tree = node(types.MappingProxyType(collections.ChainMap({"order": 17})))
    assert (tree["kind"], tree["items"]) == ("map", [])
