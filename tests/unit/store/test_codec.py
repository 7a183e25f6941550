import json
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workerkit.store import codec

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None)) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), PLAIN))
def test_what_is_packed_comes_back(capture: dict[str, Any]) -> None:
    assert codec.unpack(codec.pack(capture)) == capture


def test_a_capture_too_large_is_replaced_by_one_that_says_so() -> None:
    capture = codec.unpack(codec.pack({"version": 1, "exceptions": [{"message": "x" * 300_000}]}))
    assert capture["exceptions"] == []
    assert "293 KiB" in capture["cut"]
    assert capture["note"] == capture["cut"]


@pytest.mark.parametrize("odd", [object(), {1, 2}, b"bytes", 10**5000], ids=["object", "set", "bytes", "huge"])
def test_what_is_no_plain_json_is_replaced_by_a_capture_that_says_so(odd: object) -> None:
    assert "could not be stored" in codec.unpack(codec.pack({"odd": odd}))["cut"]


def test_a_capture_that_contains_itself_is_replaced() -> None:
    capture: dict[str, Any] = {}
    capture["self"] = capture
    assert "cut" in codec.unpack(codec.pack(capture))


def nested(depth: int) -> bytes:
    return zlib.compress(b'{"a":' + b"[" * depth + b"]" * depth + b"}")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"plain bytes", "unreadable: error"),
        (zlib.compress(b"{" + b" " * 1000 + b"}")[:-8], "cut off"),
        (zlib.compress(b"not json"), "unreadable: JSONDecodeError"),
        (zlib.compress(b"\xff\xfe\xff"), "unreadable"),
        (zlib.compress(b"[1]"), "not a JSON object"),
        (zlib.compress(b" " * (5 * 1024 * 1024)), "larger than any capture"),
        (nested(201), "nested deeper than 200"),
        (nested(100_000), "unreadable: RecursionError"),
        (zlib.compress(b'{"n":' + b"9" * 5000 + b"}"), "unreadable: ValueError"),
    ],
)
def test_poisoned_bytes_read_as_corrupt_and_never_raise(data: bytes, why: str) -> None:
    assert why in codec.unpack(data)["corrupt"]


def test_a_capture_at_the_bounds_is_read() -> None:
    assert "corrupt" not in codec.unpack(nested(198))


def test_json_text_is_pure_ascii() -> None:
    assert codec.to_json({"ü": "\ud800"}).isascii()


@pytest.mark.parametrize("text", [None, "", "{", "[1]", "null", "1" * 5000, "[" * 100_000])
def test_broken_json_text_reads_as_the_default(text: str | None) -> None:
    assert codec.from_json(text, {}) == {}


def test_any_json_is_read_where_the_default_is_none() -> None:
    assert codec.from_json(json.dumps([1]), None) == [1]
