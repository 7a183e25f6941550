"""Bytes of a pipe become lines of a run: a flood costs little, and a secret in it stays one."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.clocks import HandClock
from workerkit.failures import Redactor
from workerkit.output import TAIL_LINES, RunOutput
from workerkit.processes.launching import pipe
from workerkit.processes.streams import PipeReader


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    with ExitStack() as undo:
        yield pipe(undo)


@pytest.fixture
def output() -> RunOutput:
    return RunOutput(HandClock(), Redactor(environment={}))


def lines(output: RunOutput) -> list[str]:
    captured = output.drain(1, "task")
    return [line.text for line in captured.lines] if captured else []


def test_a_character_may_come_in_two_pieces(ends: tuple[int, int], output: RunOutput) -> None:
    reader = PipeReader(ends[0], lambda text: output.write("stdout", text))
    reader.read()
    for piece in (b"caf\xc3", b"\xa9\n\xf0\x9f", b"\x98"):
        os.write(ends[1], piece)
        reader.read()
    assert not reader.ended
    assert lines(output) == ["café"]


def flood(output: RunOutput, count: int, start: int = 0) -> None:
    output.write("stdout", "".join(f"line {number}\n" for number in range(start, start + count)))


def test_a_flood_keeps_the_same_lines_as_a_trickle() -> None:
    at_once, in_pieces = (RunOutput(HandClock(), Redactor(environment={})) for _ in range(2))
    for output in (at_once, in_pieces):
        flood(output, 600)
    flood(at_once, 5_000, 600)
    for number in range(600, 5_600):
        in_pieces.write("stdout", f"line {number}\n")
    assert at_once.dropped == in_pieces.dropped == 5_600 - 2 * TAIL_LINES
    one, other = at_once.drain(1, "task"), in_pieces.drain(1, "task")
    assert one == other


def test_a_line_that_had_begun_before_a_flood_is_counted_once(output: RunOutput) -> None:
    flood(output, 600)
    output.write("stdout", "begun ")
    flood(output, 2_000, 600)
    assert lines(output)[-1] == "line 2599"
    assert output.dropped == 2_600 - 2 * TAIL_LINES


def test_the_middle_of_a_private_key_stays_hidden_in_a_flood(output: RunOutput) -> None:
    flood(output, 600)
    key = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkq\n" * 100
    output.write("stdout", key + "x\n" * (TAIL_LINES - 60))
    kept = lines(output)
    assert "‹redacted: private key›" in kept
    assert "MIIEvQIBADANBgkq" not in kept
