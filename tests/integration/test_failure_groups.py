"""Failures that are one fault are one group, with a state that operators give it."""

from typing import Any

from tests.integration import process_workers
from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import AsyncTask, Task
from tests.waiting import wait_for
from workerkit import RunContext
from workerkit.clock import HOUR, SystemClock
from workerkit.store.records import FailureGroupRecord


def fails(ctx: RunContext) -> None:
    page = ctx.params.get("page", 411)
    raise ValueError(f"no page {page}")


def other(ctx: RunContext) -> None:
    raise KeyError(ctx.params.get("key", "a"))


def now() -> int:
    return SystemClock().now()


def groups(bench: Bench) -> list[FailureGroupRecord]:
    return bench.reader.failure_groups(now())


def test_the_same_fault_is_one_group_whatever_its_message_says(bench: Bench) -> None:
    bench.host(Task(fails), Task(fails, name="second"), Task(other, name="other"))
    first = bench.run("task", page=411)
    bench.run("task", page=412)
    last = bench.run("second")
    bench.run("other")
    found = {group.title: group for group in groups(bench)}
    assert set(found) == {"ValueError: no page 411", "KeyError: 'a'"}
    group = found["ValueError: no page 411"]
    assert (group.count, group.first_run_id, group.last_run_id) == (3, first.id, last.id)
    assert group.workers == (("task", 2), ("second", 1))
    assert group.trend[-1] + group.trend[-2] == 3
    assert len(group.trend) == 24
    assert group.parts[0] == "error"
    assert any(part.endswith(":fails") for part in group.parts)
    occurrences = bench.reader.failures_of_group(group.fingerprint)
    assert [failure.error for failure in occurrences] == [
        "ValueError: no page 411",
        "ValueError: no page 412",
        "ValueError: no page 411",
    ]


def test_a_worker_may_name_the_group_itself(bench: Bench) -> None:
    def by_page(error: BaseException) -> str:
        return str(error)

    def broken(error: BaseException) -> str:
        raise SystemExit

    class Named(Task):
        fingerprint: Any = staticmethod(by_page)

    class Broken(Task):
        fingerprint: Any = staticmethod(broken)

    bench.host(Named(fails), Broken(fails, name="broken"))
    bench.run("task", page=1)
    bench.run("task", page=2)
    assert bench.run("broken").error == "ValueError: no page 411"
    assert len(groups(bench)) == 3
    assert any(group.parts == ("named by the worker: no page 1",) for group in groups(bench))


def test_states_of_a_group_and_its_regression(bench: Bench) -> None:
    bench.host(Task(fails))
    bench.run("task")
    (group,) = groups(bench)
    assert group.state == "open"
    mark = {"group": group.fingerprint}
    assert bench.ask("acknowledge", params=mark, reason="on it").state == "done"
    (group,) = groups(bench)
    assert (group.state, group.note, group.state_by) == ("acknowledged", "on it", "tester")
    bench.run("task")
    assert groups(bench)[0].state == "acknowledged", "known already"
    assert bench.ask("resolve", params=mark, reason="fixed in 1.2").state == "done"
    assert (groups(bench)[0].state, groups(bench)[0].regressed_at) == ("resolved", None)
    bench.run("task")
    (group,) = groups(bench)
    assert group.state == "open"
    assert group.regressed_at is not None
    bench.ask("acknowledge", params=mark)
    assert groups(bench)[0].regressed_at is None, "somebody has looked at it"


def test_a_snooze_ends_by_itself(bench: Bench) -> None:
    bench.host(Task(fails))
    bench.run("task")
    (group,) = groups(bench)
    assert bench.ask("snooze", params={"group": group.fingerprint, "until": now() + HOUR}).state == "done"
    assert groups(bench)[0].state == "snoozed"
    bench.run("task")
    assert groups(bench)[0].state == "snoozed"
    assert bench.reader.failure_groups(now() + 2 * HOUR)[0].state == "open"
    bench.ask("snooze", params={"group": group.fingerprint, "until": now() - 1})
    bench.run("task")
    assert groups(bench)[0].state == "open"


def test_commands_on_groups_that_make_no_sense_are_refused(bench: Bench) -> None:
    bench.host(Task(fails))
    assert bench.ask("acknowledge", params={"group": "nonsense"}).state == "refused"
    assert bench.ask("resolve").state == "refused"
    assert bench.ask("snooze", params={"group": "x"}).state == "refused"


def test_a_group_is_found_by_the_beginning_of_its_fingerprint(bench: Bench) -> None:
    bench.host(Task(fails))
    bench.run("task")
    (group,) = groups(bench)
    found = bench.reader.failure_group(group.fingerprint[:6], now())
    assert found == group
    assert bench.reader.failure_group("no such", now()) is None
    assert bench.reader.failure_group("%", now()) is None


def test_local_variables_are_kept_unless_the_worker_says_otherwise(bench: Bench) -> None:
    def work(ctx: RunContext) -> None:
        order = {"qty": 3, "password": "hunter22"}
        pin = 1234
        raise ValueError(f"cannot ship {len(order)} {pin and ''}")

    class Quiet(Task):
        capture_locals = False

    class Careful(Task):
        secrets = ("pin",)

    bench.host(Task(work), Quiet(work, name="quiet"), Careful(work, name="careful"))
    captures: dict[str, Any] = {}
    for name in ("task", "quiet", "careful"):
        failure = bench.reader.failure(bench.run(name).id)
        assert failure is not None
        assert "hunter22" not in str(failure.capture)
        captures[name] = failure.capture["exceptions"][0]["frames"][-1].get("locals")
    variables = dict(map(tuple, captures["task"]))
    assert variables["pin"] == {"kind": "number", "text": "1234"}
    assert variables["order"]["kind"] == "map"
    assert captures["quiet"] is None
    assert dict(map(tuple, captures["careful"]))["pin"]["kind"] == "redacted"


class Endless(Exception):
    """Its text never comes, or only when it is told to."""

    go_on = False

    def __str__(self) -> str:
        wait_for(lambda: Endless.go_on)
        return "at last"


def test_an_exception_whose_text_never_comes_is_recorded_without_it(bench: Bench) -> None:
    def work(_ctx: RunContext) -> None:
        raise Endless

    async def work_async(_ctx: RunContext) -> None:
        raise Endless

    Endless.go_on = False
    bench.host(Task(work), AsyncTask(work_async, name="async"))
    try:
        for name in ("task", "async"):
            run = bench.run(name)
            assert (run.outcome, run.kind, run.error) == ("failed", "error", "Endless: (its message was not read)")
            failure = bench.reader.failure(run.id)
            assert failure is not None
            assert failure.capture["exceptions"][0]["frames"]
            assert bench.worker(name).status == "stuck"
    finally:
        Endless.go_on = True
    for name in ("task", "async"):
        bench.wait_worker(name, lambda w: w.status == "failed")


def full(bench: Bench) -> list[int]:
    """Runs whose failure has a capture of its own, oldest first."""
    return sorted(record.run_id for record in bench.reader.failures(limit=1000) if record.capture_of == record.run_id)


def test_a_worker_that_fails_the_same_way_again_and_again_pays_for_one_capture(bench: Bench) -> None:
    bench.host(Task(fails), Task(fails, name="second"))
    runs = [bench.run("task", page=page) for page in range(30)]
    bench.run("second")
    assert full(bench) == [runs[0].id, runs[-1].id + 1], "of each worker the first"
    (group,) = groups(bench)
    assert (group.count, group.title) == (31, "ValueError: no page 411")
    assert [run.error for run in runs[-2:]] == ["ValueError: no page 28", "ValueError: no page 29"]
    shown = bench.reader.failure(runs[-1].id)
    assert shown is not None
    assert shown.capture["note"] == f"this is the traceback of run {runs[0].id}; this failure was only counted"
    assert shown.capture["exceptions"][0]["frames"][-1]["function"] == "fails"


def test_in_a_process_of_its_own_each_failure_is_captured_and_one_is_kept(bench: Bench) -> None:
    bench.host(process_workers.fails)
    runs = [bench.run("fails") for _ in range(3)]
    assert {run.kind for run in runs} == {"error"}
    assert full(bench) == [runs[0].id]
    (group,) = groups(bench)
    assert group.count == 3


def test_a_worker_that_holds_its_failures_has_each_one_captured(bench: Bench) -> None:
    bench.host(Task(fails, hold_on_failure=True), allow_eval=True)
    runs = [bench.run("task") for _ in range(3)]
    assert full(bench) == [run.id for run in runs]


def test_what_the_worker_itself_calls_another_failure_is_captured_anew(bench: Bench) -> None:
    class Named(Task):
        def fingerprint(self, error: BaseException) -> str:
            return str(error)

    bench.host(Named(fails))
    runs = [bench.run("task", page=page) for page in (1, 2, 1)]
    assert full(bench) == [runs[0].id, runs[1].id]
    assert {group.count for group in groups(bench)} == {1, 2}
