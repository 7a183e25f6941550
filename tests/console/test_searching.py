"""Finding text, and values by their path, in a failure."""

import pytest

from tests.console import mishaps
from workerconsole.captures import read_capture
from workerconsole.searching import Hit, find, find_value, first_from, knows
from workerconsole.traces import Trace, traces
from workerconsole.value_paths import PathError, parse


@pytest.fixture(scope="module")
def chain() -> tuple[Trace, ...]:
    return traces(read_capture(mishaps.chain()), "")


def kinds(hits: list[Hit]) -> set[str]:
    found = set()
    for hit in hits:
        parts = [("value", hit.place), ("source", hit.line), ("frame", hit.frame)]
        found.add(next((kind for kind, what in parts if what is not None), "message"))
    return found


def test_messages_frames_source_and_values_are_searched(chain: tuple[Trace, ...]) -> None:
    assert kinds(find(chain, "PRICES")) == {"message", "source", "value"}
    assert "frame" in kinds(find(chain, "decoder.py"))
    assert Hit(1) in find(chain, "gateway"), "a note"
    assert find(chain, "no such thing") == []
    assert find(chain, "  ") == []


def test_the_innermost_frame_comes_first(chain: tuple[Trace, ...]) -> None:
    places = [hit.frame for hit in find(chain, ".py") if hit.trace == 2 and hit.frame is not None]
    assert places == sorted(places, reverse=True)


def test_one_begins_where_one_stands() -> None:
    hits = [Hit(0), Hit(0, 2), Hit(1, 0), Hit(1, 1)]
    assert first_from(hits, 1, 1) == 3
    assert first_from(hits, 1, 5) == 2
    assert first_from(hits, 4, 0) == 0


def test_a_value_is_looked_for_in_the_selected_frame_and_then_in_the_others(chain: tuple[Trace, ...]) -> None:
    here = find_value(chain, parse("attempt"), 0, len(chain[0].frames) - 1)
    assert (here.trace, here.place is not None) == (0, True)
    elsewhere = find_value(chain, parse("fallback"), 0, 0)
    assert elsewhere.trace == 1
    assert knows(chain, "fallback")
    assert not knows(chain, "nobody")


def test_where_no_frame_has_it_the_one_that_knows_the_variable_answers(chain: tuple[Trace, ...]) -> None:
    with pytest.raises(PathError, match="fallback has no x; it has 0 items"):
        find_value(chain, parse("fallback.x"), 0, 0)
    with pytest.raises(PathError, match="has no variable nobody"):
        find_value(chain, parse("nobody"), 0, 0)
    with pytest.raises(PathError, match="no frames"):
        find_value([Trace("E", "m")], parse("x"), 0, None)
