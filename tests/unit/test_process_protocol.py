"""Frames and what they say: whatever comes from a child is either exactly what it should be, or an error."""

import json
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workerkit.outcome import Failure, FailureKind, Outcome, Result
from workerkit.processes.locator import Locator
from workerkit.processes.messages import (
    Order,
    Surroundings,
    read_log,
    read_progress,
    read_result,
    result_frame,
)
from workerkit.processes.protocol import MAX_FRAME, Decoder, ProtocolError, encode
from workerkit.processes.samples import read_stack, sampled_once, where
from workerkit.stacks import MAX_TREE_NODES

VALUES = st.integers() | st.text(max_size=5) | st.none() | st.lists(st.integers(), max_size=3)
FRAMES = st.dictionaries(st.text(max_size=5), VALUES, max_size=3)


@settings(max_examples=50)
@given(st.lists(FRAMES, max_size=5), st.lists(st.integers(1, 50), min_size=1))
def test_frames_arrive_whole_however_they_are_cut(frames: list[dict[str, Any]], cuts: list[int]) -> None:
    frames = [{**frame, "kind": "test"} for frame in frames]
    data = b"".join(map(encode, frames))
    decoder, arrived, place = Decoder(), [], 0
    while place < len(data):
        size = cuts[place % len(cuts)]
        arrived += list(decoder.feed(data[place : place + size]))
        place += size
    assert arrived == frames


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_an_error(data: bytes) -> None:
    try:
        for frame in Decoder().feed(data):
            assert isinstance(frame["kind"], str)
    except ProtocolError:
        pass


@pytest.mark.parametrize(
    "frame",
    [{"x": object()}, {"x": float("nan")}, {"x": "y" * MAX_FRAME}, {"x": {1, 2}}],
    ids=["object", "nan", "too large", "set"],
)
def test_what_is_no_plain_data_or_too_much_is_not_sent(frame: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        encode(frame)


def test_a_frame_never_makes_the_decoder_hold_more_than_a_frame() -> None:
    decoder = Decoder()
    with pytest.raises(ProtocolError, match="may have"):
        list(decoder.feed((MAX_FRAME + 1).to_bytes(4)))


ORDER = Order(
    run_id=7,
    worker="backup",
    attempt=2,
    trigger="manual",
    due_at=1,
    started_at=2,
    deadline=None,
    params={"day": 5},
    state="{}",
    locator=Locator("jobs", "/srv/jobs.py", "backup"),
    asynchronous=False,
    timeout=None,
    memory_limit=2**30,
    cpu_limit=None,
    warm=False,
    capture_locals=True,
    secrets=["pin"],
    surroundings=Surroundings("/srv", ["/srv"], {"HOME": "/root", "ODD": "\udcff"}),
)


def sent(frame: dict[str, Any]) -> dict[str, Any]:
    (arrived,) = Decoder().feed(encode(frame))
    return arrived


def test_an_order_arrives_as_it_was_given() -> None:
    assert Order.read(sent(ORDER.frame())) == ORDER


@pytest.mark.parametrize("change", [{"order": None}, {"order": {"run_id": 1}}, {"order": {"surprise": 1}}])
def test_an_order_of_another_version_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="this order can't be read"):
        Order.read({**ORDER.frame(), **change})


@pytest.mark.parametrize(
    "result",
    [
        Result(Outcome.SUCCEEDED, summary="well", state='{"a": 1}'),
        Result(Outcome.FAILED, Failure(FailureKind.ERROR, "ValueError: no", {"version": 1}, "named"), retry_in=5),
        Result(Outcome.CANCELLED),
    ],
)
def test_a_result_arrives_as_it_was_given(result: Result) -> None:
    assert read_result(sent(result_frame(result, None))) == result


GOOD = result_frame(Result(Outcome.FAILED, Failure(FailureKind.ERROR, "E", {"version": 1}), "s", "{}", 5), None)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "splendid"},
        {"outcome": ["failed"]},
        {"outcome": "succeeded"},
        {"failure": None},
        {"failure": "E"},
        {"failure": {"kind": "error", "error": "E" * 2_000, "capture": {}}},
        {"failure": {"kind": "odd", "error": "E", "capture": {}}},
        {"failure": {"kind": "error", "error": "E", "capture": []}},
        {"summary": "s" * 501},
        {"summary": 5},
        {"state": "[]"},
        {"state": "{"},
        {"state": '{"x": "' + "y" * 70_000 + '"}'},
        {"retry_in": -1},
        {"retry_in": 10**30},
        {"retry_in": True},
    ],
)
def test_a_result_that_no_guard_would_give_is_refused(change: dict[str, Any]) -> None:
    assert read_result(sent(GOOD))
    with pytest.raises(ProtocolError):
        read_result({**sent(GOOD), **change})


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(["outcome", "failure", "summary", "state", "retry_in", "kind"]),
        FRAMES.map(json.dumps) | st.integers() | FRAMES,
    )
)
def test_no_frame_gets_past_the_readers_with_anything_but_a_protocol_error(frame: dict[str, Any]) -> None:
    for read in (read_result, read_progress, read_log, read_stack):
        try:
            read(frame)
        except ProtocolError:
            continue


def frame_of(function: str, line: int = 3) -> dict[str, Any]:
    source = [[number, f"line {number}"] for number in range(1, 6)]
    return {"file": "/srv/jobs.py", "line": line, "function": function, "module": "jobs", "own": True, "source": source}


def node(count: int, *below: dict[str, Any], line: int = 3) -> dict[str, Any]:
    place = {"file": "/srv/jobs.py", "line": line, "function": "f", "own": True}
    return {**place, "text": "x", "count": count, "below": list(below)}


def stack(**changes: Any) -> dict[str, Any]:
    return {"data": {"label": "run 1", "frames": [frame_of("f")], "note": None, "children": [], **changes}}


def test_a_sampled_stack_names_the_place_of_most_samples() -> None:
    answer = read_stack(stack(samples=20, tree=[node(20, node(15, line=8), node(4, line=9))]))
    assert where(answer) == "15 of 20 samples in f, jobs.py:8"
    assert where(read_stack(stack(samples=0, tree=[], note="it has ended"))) == "it has ended"


def test_a_single_look_has_the_form_of_samples() -> None:
    answer = sampled_once(read_stack(stack(frames=[frame_of("outer"), frame_of("inner", 4)])))
    assert where(answer) == "1 of 1 samples in inner, jobs.py:4"
    assert answer["tree"][0]["below"][0]["text"] == "line 4"


@pytest.mark.parametrize(
    "changes",
    [
        {"frames": {}},
        {"frames": [5]},
        {"frames": [frame_of("f")] * 1_000},
        {"frames": [{**frame_of("f"), "line": -1}]},
        {"frames": [{**frame_of("f"), "source": [[1, 2, 3]]}]},
        {"children": [[]]},
        {"label": 5},
        {"samples": 10**6, "tree": []},
        {"samples": 1, "tree": [node(1)] * (MAX_TREE_NODES + 1)},
        {"samples": 1, "tree": [node(10**9)]},
    ],
)
def test_a_stack_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read_stack(stack(**changes))


def test_a_stack_with_more_children_than_there_can_be_is_cut() -> None:
    data = stack()["data"]
    for _ in range(50):
        data = {**data, "children": [data]}
    depth, answer = 0, read_stack({"data": data})
    while answer["children"]:
        (answer,) = answer["children"]
        depth += 1
    assert depth == 16


def test_a_process_hands_its_descriptors_on_to_nobody() -> None:
    from workerkit.processes.launching import Pipes

    pipes = Pipes.make()
    ends = [pipes.channel.fileno(), pipes.stdout, pipes.stderr, pipes.dump, pipes.child_channel.fileno()]
    assert not any(os.get_inheritable(end) for end in [*ends, pipes.child_stdout, pipes.child_stderr])
    pipes.handed_over()
    pipes.close()
