"""Paths to values: what is understood, and what is said where one leads nowhere."""

import string
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.console.mishaps import Order
from workerconsole.value_paths import PathError, ValuePath, looks_like_path, parse, resolve
from workerconsole.values import Part, one_line, read_variables
from workerkit.failures import Redactor
from workerkit.failures.values import Walk

NAMES = st.text(string.ascii_letters + "_", min_size=1, max_size=8)


def variables(**values: Any) -> tuple[Part, ...]:
    return read_variables(Walk(Redactor(environment={})).locals(values))


SHOP = variables(
    order=Order(qty=7),
    table={"key": {"in'ner": 1}, 3: "three", None: 0, "a b": [1]},
    few=[1, 2],
    many=list(range(100)),
    password="hunter2",
    text="abc",
)


def value(path: str, parts: tuple[Part, ...] = SHOP) -> str:
    place = resolve(parse(path), parts, "work")
    part = parts[place[0]]
    for number in place[1:]:
        part = part.value.parts[number]
    return one_line(part.value, 60)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("text", "'abc'"),
        ("=text", "'abc'"),
        ("order.items[0].qty", "7"),
        ("order.items[0]['qty']", "7"),
        ('order["items"][1]["sku"]', "'B-2'"),
        ("order.itself.itself.items[1].qty", "2"),
        ('table.key["in\'ner"]', "1"),
        ("table[3]", "'three'"),
        ("table[None]", "0"),
        ("table['a b'][ 0 ]", "1"),
        ("few[-1]", "2"),
        ("many[24]", "24"),
    ],
)
def test_a_path_leads_to_its_value(path: str, found: str) -> None:
    assert value(path) == found


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("few[2]", "few has no [2]; it has 2 items"),
        ("order.items[3]", "order.items has no [3]; it has 2 items"),
        ("many[50]", "many has no [50]; it has 100 items, of which 25 were kept"),
        ("many[-1]", "many has no [-1]; it has 100 items, of which 25 were kept"),
        ("order.qty", "order has no qty; it has items, api_token, itself"),
        ("table.nothing", "table has no nothing; it has the keys 'key', 3, None, 'a b'"),
        ("text.upper", "text has no upper; it is 'abc'"),
        ("password.x", "password is hidden: its name says it is secret"),
        ("order.api_token[0]", "order.api_token is hidden: its name says it is secret"),
        ("nobody", "work has no variable nobody; there are order, table, few, many, password, text"),
        ("order..x", "'..x' is no step of a path; write .name, [3] or ['key']"),
        ("order[", "'[' is no step of a path; write .name, [3] or ['key']"),
        ("", "a path begins with the name of a variable, such as order.items[3].qty"),
        ("[3]", "a path begins with the name of a variable, such as order.items[3].qty"),
    ],
)
def test_a_path_that_leads_nowhere_says_how_far_it_came(path: str, said: str) -> None:
    with pytest.raises(PathError) as error:
        value(path)
    assert str(error.value) == said


def test_references_that_go_round_in_a_circle_end() -> None:
    circle = read_variables([["a", {"kind": "reference", "text": "b"}], ["b", {"kind": "reference", "text": "a"}]])
    with pytest.raises(PathError, match="circle"):
        resolve(parse("a.x"), circle)


def test_a_forged_reference_is_no_path() -> None:
    forged = read_variables([["a", {"kind": "reference", "text": "\x1b[31m"}]])
    with pytest.raises(PathError):
        resolve(parse("a.x"), forged)


@pytest.mark.parametrize("text", ["order.items", "a[0]", "=page", "x['y']"])
def test_what_is_meant_as_a_path(text: str) -> None:
    assert looks_like_path(text)


@pytest.mark.parametrize("text", ["page", "time out", "order.", "x = 3", "127.0.0.1", ""])
def test_what_is_meant_as_text(text: str) -> None:
    assert not looks_like_path(text)


@given(NAMES, st.lists(NAMES.map(lambda name: f".{name}") | st.integers(0, 99).map(lambda n: f"[{n}]"), max_size=5))
def test_a_path_is_read_as_it_is_written(root: str, steps: list[str]) -> None:
    path = ValuePath(root, tuple(steps))
    assert parse(str(path)) == path


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(PathError):
        resolve(parse(text), SHOP)
