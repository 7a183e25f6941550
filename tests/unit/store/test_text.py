import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from workerkit.store.text import LINE_LIMIT, storable, storable_int, storable_or_none


def test_ordinary_text_is_kept_as_it_is() -> None:
    text = "Grüße, 世界 🎉\n\ttab"
    assert storable(text, LINE_LIMIT) == text


def test_nul_and_lone_surrogates_are_replaced() -> None:
    assert storable("a\0b\ud800c", 10) == "a\ufffdb\ufffdc"


def test_long_text_is_cut_with_a_mark_at_the_limit() -> None:
    assert storable("x" * 11, 10) == "x" * 9 + "…"
    assert storable("x" * 10, 10) == "x" * 10


def test_missing_text_stays_missing() -> None:
    assert storable_or_none(None, 10) is None
    assert storable_or_none("", 10) == ""


def test_a_subclass_of_str_cannot_smuggle_its_methods_in() -> None:
    class Hostile(str):
        __slots__ = ()

        def __len__(self) -> int:
            raise AssertionError("called")

        def isascii(self) -> bool:
            raise AssertionError("called")

    assert type(storable(Hostile("x"), 10)) is str


def test_numbers_beyond_64_bits_become_the_nearest_that_fits() -> None:
    assert storable_int(10**30) == 2**63 - 1
    assert storable_int(-(10**30)) == -(2**63)
    assert storable_int(7) == 7


@given(st.text(st.characters(codec=None)), st.integers(1, 50))
def test_whatever_text_comes_sqlite_stores_it(text: str, limit: int) -> None:
    stored = storable(text, limit)
    assert len(stored) <= limit
    connection = sqlite3.connect(":memory:")
    assert connection.execute("SELECT ?", (stored,)).fetchone() == (stored,)
    connection.close()
