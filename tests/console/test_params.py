import pytest

from workerconsole.params import ParamsError, parse


def test_pairs_are_read_and_their_values_are_json_where_they_look_so() -> None:
    assert parse('day=2024-05-01 full=true n=3 note="two words" ids=[1,2] none=null') == {
        "day": "2024-05-01",
        "full": True,
        "n": 3,
        "note": "two words",
        "ids": [1, 2],
        "none": None,
    }


def test_a_number_that_json_does_not_know_is_text() -> None:
    assert parse("limit=NaN") == {"limit": "NaN"}


def test_a_json_object_is_taken_as_it_is() -> None:
    assert parse(' {"a": {"b": [1, 2.5, "x"]}} ') == {"a": {"b": [1, 2.5, "x"]}}


def test_nothing_typed_is_no_parameters() -> None:
    assert parse("  ") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("day", "'day' is not a pair"),
        ("=3", "is not a pair"),
        ("a=1 a=2", "'a' is given twice"),
        ('a="open', "not closed"),
        ('{"a": }', "at character 7"),
        ("[1, 2]", "give an object"),
        ('{"a": Infinity}', "Infinity is not a JSON number"),
        ('{"a":' * 100_000, "nested too deep"),
    ],
)
def test_what_can_not_be_read_is_refused_with_the_place_and_the_reason(text: str, words: str) -> None:
    with pytest.raises(ParamsError, match=words):
        parse(text)
