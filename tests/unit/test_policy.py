"""Policies: what can be meant is read, what can't be is refused with the remedy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workerkit.errors import RegistrationError
from workerkit.policy import (
    Overlap,
    PolicyError,
    Retry,
    ScheduleError,
    parse_catch_up,
    parse_limit,
    parse_overlap,
    parse_pause_after,
    parse_retry,
    parse_size,
)
from workerkit.registry import Registry


def test_the_waits_between_attempts_grow_by_the_factor_up_to_the_longest() -> None:
    retry = Retry(attempts=6, base="2s", factor=3, max="1m", jitter=0)
    assert [retry.delay(attempt, 0.5) for attempt in range(1, 6)] == [
        2_000_000,
        6_000_000,
        18_000_000,
        54_000_000,
        60_000_000,
    ]


def test_jitter_moves_a_wait_by_its_part_both_ways() -> None:
    retry = Retry(base="10s", factor=1, jitter=0.2)
    assert [retry.delay(1, chance) for chance in (0.0, 0.5, 1.0)] == [8_000_000, 10_000_000, 12_000_000]


@given(
    attempt=st.integers(1, 100),
    base=st.floats(0, 1e6),
    factor=st.floats(1, 1000),
    longest=st.floats(0, 1e8),
    jitter=st.floats(0, 1),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_no_wait_is_negative_or_longer_than_the_longest_with_its_jitter(
    attempt: int, base: float, factor: float, longest: float, jitter: float, chance: float
) -> None:
    retry = Retry(attempts=100, base=base, factor=factor, max=longest, jitter=jitter)
    assert 0 <= retry.delay(attempt, chance) <= round(longest * 1_000_000) * (1 + jitter) + 1


def test_retry_tells_worthy_exceptions_by_class_by_tuple_and_by_function() -> None:
    assert Retry().wants(ValueError())
    assert not Retry().wants(SystemExit())
    assert Retry(on=OSError).wants(ConnectionResetError())
    assert not Retry(on=(OSError, KeyError)).wants(ValueError())
    assert Retry(on=lambda error: "busy" in str(error)).wants(ValueError("busy"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"attempts": 0}, "attempts=0 won't do"),
        ({"attempts": True}, "attempts=True won't do"),
        ({"attempts": 101}, "from 1 to 100"),
        ({"factor": 0.5}, "factor=0.5 won't do"),
        ({"factor": float("nan")}, "factor=nan won't do"),
        ({"jitter": 2}, "jitter=2 won't do"),
        ({"on": "ValueError"}, "give exception classes"),
        ({"on": (ValueError, "KeyError")}, "give exception classes"),
        ({"base": -1}, "negative"),
        ({"max": "soon"}, "not a duration"),
    ],
)
def test_a_retry_that_cannot_be_meant_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises((PolicyError, ScheduleError), match=says):
        Retry(**options)


def test_short_forms_are_read() -> None:
    assert parse_retry(4) == Retry(attempts=4)
    assert parse_retry(None) is None
    assert parse_overlap("queue") == Overlap(1, "queue")
    assert parse_overlap(5) == Overlap(5)
    assert [parse_catch_up(value) for value in ("once", "skip", 7)] == [1, 0, 7]
    assert parse_pause_after(3) == 3
    assert [parse_size("memory_limit", value) for value in (None, "512MB", "1.5GiB", 64 * 2**20)] == [
        None,
        512 * 2**20,
        1536 * 2**20,
        64 * 2**20,
    ]
    assert parse_limit("cpu_limit", "10s") == 10_000_000


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("retry", "three", "retry='three' won't do"),
        ("retry", 0, "attempts=0"),
        ("overlap", "allow", "overlap='allow' won't do"),
        ("overlap", 0, "overlap=0 won't do"),
        ("catch_up", "all", "catch_up='all' won't do"),
        ("catch_up", -1, "catch_up=-1 won't do"),
        ("start_deadline", 0, "start_deadline=0 is too short"),
        ("start_deadline", "soon", "not a duration"),
        ("pause_after", 0, "pause_after=0 won't do"),
        ("pause_after", True, "pause_after=True won't do"),
        ("memory_limit", "lots", "memory_limit='lots' won't do"),
        ("memory_limit", 1024, "at least 16MB"),
        ("cpu_limit", 0.1, "cpu_limit=0.1 is too short"),
        ("warm", "yes", "True or False"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_at_registration(option: str, value: Any, says: str) -> None:
    class Job:
        name, interval = "job", 5

        def run(self, ctx: object) -> None: ...

    with pytest.raises(RegistrationError, match=says) as refused:
        Registry().register(Job(), **{option: value})
    assert "worker 'job'" in str(refused.value)


def test_a_policy_beside_the_defaults_is_said_in_words() -> None:
    class Job:
        name, interval = "job", 5

        def run(self, ctx: object) -> None: ...

    plain = Registry().register(Job())
    assert plain.policy() == {}
    chosen = Registry().register(
        Job(), retry=Retry(5, base="2s"), overlap="replace", catch_up="skip", start_deadline="1m", pause_after=3
    )
    assert chosen.policy() == {
        "retry": "5 attempts, 2s apart, each 2 times the last up to 5m",
        "overlap": "stop the run in flight",
        "catch up": "no missed slot",
        "start deadline": "within 1m of the slot",
        "pause after": "3 failures in a row",
    }
