"""Timers strike once and in order, duties come round, and nothing that they raise ends the watchdog."""

import threading

from tests.clocks import HandClock
from tests.waiting import wait_for
from workerkit.clock import SECOND, SystemClock
from workerkit.watchdog import Drift, Watchdog


def test_timers_strike_in_the_order_of_their_time() -> None:
    clock = HandClock()
    dog = Watchdog(clock)
    struck: list[str] = []
    dog.call_in(2, lambda: struck.append("two"))
    dog.call_in(1, lambda: struck.append("one"))
    dog.call_in(1, lambda: struck.append("one again"))
    dog.run_due()
    assert struck == []
    clock.advance(1)
    dog.run_due()
    assert struck == ["one", "one again"]
    clock.advance(1)
    dog.run_due()
    assert struck == ["one", "one again", "two"]


def test_a_cancelled_timer_does_not_strike() -> None:
    clock = HandClock()
    dog = Watchdog(clock)
    struck: list[int] = []
    dog.call_in(1, lambda: struck.append(1)).cancel()
    clock.advance(2)
    dog.run_due()
    assert struck == []


def test_a_duty_that_raises_comes_round_again(caplog: object) -> None:
    clock = HandClock()
    dog = Watchdog(clock)
    calls: list[float] = []

    def duty() -> None:
        calls.append(clock.monotonic())
        raise RuntimeError("a bad day")

    dog.every(5, duty)
    for _ in range(3):
        clock.advance(5)
        dog.run_due()
    assert len(calls) == 3


def test_start_and_stop_are_idempotent_under_a_storm() -> None:
    dog = Watchdog(SystemClock())
    struck = threading.Event()

    def storm() -> None:
        for _ in range(20):
            dog.start()
            dog.stop()

    threads = [threading.Thread(target=storm) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dog.start()
    dog.call_in(0, struck.set)
    wait_for(struck.is_set, "the timer")
    dog.stop()


def test_drift_sees_a_step_and_not_the_passing_of_time() -> None:
    clock = HandClock()
    drift = Drift(clock)
    clock.advance(100_000)
    assert drift.step() == 0
    clock.step(1.5)
    assert drift.step() == 0
    clock.step(3600)
    assert drift.step() == round(3601.5 * SECOND)
    drift.rebase()
    assert drift.step() == 0
    clock.step(-3600)
    assert drift.step() == -3600 * SECOND


def test_timers_that_were_cancelled_are_not_kept_until_their_time() -> None:
    watchdog = Watchdog(HandClock())
    for _ in range(20_000):
        watchdog.call_in(3600, lambda: None).cancel()
    assert len(watchdog._heap) <= 1_000
