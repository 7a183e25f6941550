"""Whatever happens in whatever order, every due slot gets one verdict: a run, or a gap. Generated, without threads."""

from collections import Counter
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.integration.test_slots import Scene
from workerkit.clock import SECOND, Micros
from workerkit.outcome import GapReason, Trigger
from workerkit.schedule import Cron, Schedule, every, restrict

SCHEDULES: list[Schedule] = [
    every(1),
    every("7s"),
    Cron("* * * * *"),
    restrict(every(1), not_before="00:59:30", not_after="00:00:20"),
    restrict(Cron("* * * * *"), not_before="00:30", not_after="02:15"),
]
POLICIES = st.fixed_dictionaries(
    {"schedule": st.sampled_from(SCHEDULES)},
    optional={
        "overlap": st.sampled_from(["skip", "queue", "replace", 2, 3]),
        "catch_up": st.sampled_from(["once", "skip", 2, 5]),
        "start_deadline": st.sampled_from(["1s", "30s", "5m"]),
    },
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.sampled_from([0.3, 1, 1, 1, 2, 10, 60, 61, 3600, 5000])),
        st.tuples(st.sampled_from(["look", "look", "end", "pause", "go on", "catch up", "manual"]), st.just(0)),
        st.tuples(st.sampled_from(["sleep", "crash", "pause over"]), st.sampled_from([0, 5, 90, 7200])),
    ),
    max_size=40,
)


class Story:
    """One worker, to which things happen."""

    def __init__(self, policy: dict[str, Any]) -> None:
        self.scene = Scene(options=policy)

    def step(self, what: str, seconds: float) -> None:
        scene, live = self.scene, self.scene.live
        scene.clock.advance(seconds)
        match what:
            case "look":
                scene.slots.look("w")
            case "end" if live.runs:
                scene.end_run()
            case "pause" | "go on":
                live.paused = what == "pause"
            case "pause over":
                # It ended somewhere on the way, and is noticed only now.
                until = scene.clock.now() - round(seconds / 2 * SECOND)
                scene.slots.write_off(live, GapReason.PAUSED, "paused by ada", until - 1)
                live.paused = False
            case "catch up" if scene.later:
                scene.later.pop(0)[1]()
            case "manual":
                scene.runner.begin(live, Trigger.MANUAL, scene.clock.now())
            case "sleep":
                scene.slots.overdue(GapReason.CLOCK_STEP, "the machine slept", scene.call_later)
            case "crash":
                # What only memory knew is gone; the next host goes on from what is accounted for.
                live.waiting.clear()
                live.runs.clear()
                live.gap = None
                scene.later.clear()
                scene.slots.overdue(GapReason.HOST_DOWN, "the host was down", scene.call_later)

    def finish(self) -> None:
        """Lets everything come to its end."""
        self.scene.live.paused = False
        self.scene.slots.look("w")
        for _ in range(20):
            while self.scene.later:
                self.scene.later.pop(0)[1]()
            if self.scene.live.runs:
                self.scene.end_run()

    def check(self) -> None:
        """What is accounted for has one verdict; what is not waits, or has not been looked at."""
        scene, live = self.scene, self.scene.live
        schedule = live.registration.schedule
        ran = Counter(run.due_at for run in scene.writer.runs() if run.trigger is not Trigger.MANUAL)
        assert max(ran.values(), default=0) <= 1, "a slot ran twice"
        gaps = scene.writer.gaps()
        slot, slots = schedule.next_slot("w", scene.start), 0
        while slot is not None and slot <= live.covered_until:
            slots += 1
            assert ran[slot] + within(slot, gaps) == 1, (slot, ran[slot])
            slot = schedule.next_slot("w", slot)
        assert slots == sum(ran.values()) + sum(gap.slots for gap in gaps), "the counts of gaps are exact"
        assert all(due_at <= live.covered_until for due_at in ran)
        assert [each.due_at for each in live.waiting] == sorted({each.due_at for each in live.waiting})
        assert all(each.due_at > live.covered_until for each in live.waiting)


def within(slot: Micros, gaps: list[Any]) -> int:
    return sum(gap.first_due_at <= slot <= gap.last_due_at for gap in gaps)


@settings(max_examples=150, deadline=None, derandomize=True, phases=[Phase.generate])
@given(POLICIES, STEPS)
def test_every_due_slot_has_one_verdict_whatever_happens(
    policy: dict[str, Any], steps: list[tuple[str, float]]
) -> None:
    story = Story(policy)
    for what, seconds in steps:
        story.step(what, seconds)
        assert len(story.scene.live.in_flight()) <= story.scene.live.registration.overlap.limit
    story.check()
    story.finish()
    story.check()
    assert not story.scene.live.waiting
