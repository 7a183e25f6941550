"""What need not be captured once more: a failure at the place of one of a moment ago."""

from collections.abc import Callable

import pytest

from tests.clocks import HandClock
from workerkit.failures import Capture, Redactor, fingerprint
from workerkit.failures.sampling import FULL_EVERY, MAX_PLACES, Mention, Sampler, place_of
from workerkit.outcome import FailureKind, Fingerprint

MARK = Fingerprint("3f2a", ("error",))


def test_the_first_is_kept_those_of_the_next_seconds_count_and_then_one_is_kept_again() -> None:
    clock = HandClock()
    sampler = Sampler(clock)
    assert sampler.counted("place") is None
    sampler.kept("place", MARK)
    assert sampler.counted("place") == MARK
    assert sampler.counted("another") is None
    clock.advance(FULL_EVERY - 0.001)
    assert sampler.counted("place") == MARK
    clock.advance(0.001)
    assert sampler.counted("place") is None
    sampler.kept("place", MARK)
    assert sampler.counted("place") == MARK


def test_of_too_many_places_the_one_that_was_not_seen_for_longest_is_forgotten() -> None:
    sampler = Sampler(HandClock())
    for place in range(MAX_PLACES):
        sampler.kept(place, MARK)
    assert sampler.counted(0) == MARK
    sampler.kept("one more", MARK)
    assert sampler.counted(0) == MARK
    assert sampler.counted(1) is None


def caught(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("it should have failed")


def divide(by: int) -> float:
    if by < 0:
        raise ValueError(f"{by} is negative")
    return 1 / by


def wrapped(by: int, *, hide: bool = False) -> None:
    try:
        divide(by)
    except ArithmeticError as error:
        if hide:
            raise LookupError("nothing found") from None
        raise LookupError("nothing found") from error


def recursive(depth: int) -> float:
    return recursive(depth - 1) if depth else divide(0)


def group(*bys: int) -> None:
    raise ExceptionGroup("several", [caught(lambda by=by: divide(by)) for by in bys])  # type: ignore[misc, type-var]


def test_one_place_is_the_same_whatever_the_message_says() -> None:
    places = {place_of(caught(lambda by=by: divide(by))) for by in (-1, -2, -3)}  # type: ignore[misc]
    assert len(places) == 1


def test_another_line_another_way_and_another_cause_are_other_places() -> None:
    errors = [
        caught(lambda: divide(0)),
        caught(lambda: divide(-1)),
        caught(lambda: wrapped(0)),
        caught(lambda: wrapped(0, hide=True)),
        caught(lambda: group(0)),
        caught(lambda: group(0, -1)),
        caught(lambda: recursive(3)),
    ]
    assert len({place_of(error) for error in errors}) == len(errors)


def test_failures_at_one_place_have_one_fingerprint() -> None:
    for fail in (divide, wrapped, recursive):
        errors = [caught(lambda fail=fail: fail(0)) for _ in range(2)]  # type: ignore[misc]
        assert len({place_of(error) for error in errors}) == 1
        marks = {fingerprint(Capture(error, Redactor()).data, FailureKind.ERROR) for error in errors}
        assert len(marks) == 1


def test_a_place_is_bounded_and_a_circle_ends() -> None:
    deep = caught(lambda: recursive(900))
    assert len(str(place_of(deep))) < 20_000
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert place_of(first) != place_of(deep)


class Hostile(Exception):
    """Lies about itself wherever it can, and counts who asks."""

    asked = 0

    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        type(self).asked += 1
        raise SystemExit

    __context__ = __traceback__ = __cause__  # type: ignore[assignment]

    def __str__(self) -> str:
        type(self).asked += 1
        raise SystemExit

    __repr__ = __hash__ = __eq__ = __str__  # type: ignore[assignment]


def test_no_code_of_the_exception_runs_for_its_place() -> None:
    def fail() -> None:
        raise Hostile

    errors = [caught(fail) for _ in range(2)]
    before = Hostile.asked
    assert len({place_of(error) for error in errors}) == 1
    assert Hostile.asked == before


@pytest.mark.parametrize(
    ("error", "harmless", "line"),
    [
        (ValueError("no page 411"), True, "ValueError: no page 411"),
        (ValueError("two\nlines"), True, "ValueError: two lines"),
        (ValueError(), True, "ValueError"),
        (ValueError("password=hunter22"), True, "ValueError: password=‹redacted: its name›"),
        (Hostile(), False, "Hostile: <its __str__ raised SystemExit>"),
    ],
)
def test_a_mention_is_the_line_of_a_capture(error: BaseException, harmless: bool, line: str) -> None:
    mention = Mention(error, Redactor())
    assert mention.harmless is harmless
    assert "not read" in mention.headline
    mention.read_messages()
    capture = Capture(error, Redactor())
    capture.read_messages()
    assert mention.headline == capture.headline
    assert mention.headline == line
    assert mention.data == {}
