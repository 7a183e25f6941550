"""Whatever a worker does, the host goes on, the stack is kept, and the database says so."""

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from tests.integration.conftest import Bench
from workerkit import BaseWorker, RunContext, worker


class Task(BaseWorker):
    """A manual worker made of a function."""

    def __init__(self, function: Any, **options: Any) -> None:
        super().__init__(**{"name": "task", **options})
        self._function = function

    def run(self, ctx: RunContext) -> Any:
        return self._function(ctx)


class AsyncTask(Task):
    async def run(self, ctx: RunContext) -> Any:
        return await self._function(ctx)


def raiser(error: BaseException) -> Any:
    def work(_ctx: RunContext) -> None:
        raise error

    return work


def recurse(ctx: RunContext) -> None:
    recurse(ctx)


def test_a_run_that_ends_well_is_counted_with_what_it_returned(bench: Bench) -> None:
    bench.host(Task(lambda ctx: f"done by {ctx.worker}"))
    run = bench.run("task")
    assert (run.outcome, run.kind, run.error, run.summary) == ("succeeded", None, None, "done by task")
    assert (run.trigger, run.attempt) == ("manual", 1)
    assert run.duration is not None
    assert run.finished_at is not None
    assert run.due_at <= run.started_at <= run.finished_at
    record = bench.worker("task")
    assert (record.status, record.success_count, record.failure_count) == ("idle", 1, 0)
    assert (record.last_outcome, record.last_run_at, record.running_run_id) == ("succeeded", run.started_at, None)
    assert [outcome for outcome, _ in record.recent] == ["succeeded"]


@pytest.mark.parametrize("kind", [Task, AsyncTask])
def test_an_exception_is_an_error_with_its_traceback(bench: Bench, kind: type[Task]) -> None:
    async def fail_async(_ctx: RunContext) -> None:
        raise ValueError("no such order: 17")

    bench.host(kind(raiser(ValueError("no such order: 17")) if kind is Task else fail_async))
    run = bench.run("task")
    assert (run.outcome, run.kind, run.error) == ("failed", "error", "ValueError: no such order: 17")
    record = bench.worker("task")
    assert (record.status, record.failure_count, record.consecutive_failures) == ("failed", 1, 1)
    assert record.last_error == "ValueError: no such order: 17"
    failure = bench.reader.failure(run.id)
    assert failure is not None
    (raised,) = failure.capture["exceptions"]
    assert raised["type"] == "ValueError"
    assert raised["frames"][-1]["own"] is True
    assert raised["frames"][0]["file"].endswith("test_guarded_runs.py"), "the kit's own frames are left out"


PANICS = {
    "SystemExit": raiser(SystemExit(3)),
    "KeyboardInterrupt": raiser(KeyboardInterrupt()),
    "GeneratorExit": raiser(GeneratorExit()),
    "RecursionError": recurse,
    "MemoryError": raiser(MemoryError()),
    "Strange": raiser(type("Strange", (BaseException,), {})("from outer space")),
}


@pytest.mark.parametrize("name", PANICS)
def test_a_panic_is_recorded_as_one_and_the_host_goes_on(bench: Bench, name: str) -> None:
    bench.host(Task(PANICS[name]), Task(lambda _: "well", name="other"))
    run = bench.run("task")
    assert (run.outcome, run.kind) == ("failed", "panic")
    assert run.error is not None
    assert run.error.startswith(f"Worker panic: {name}")
    assert bench.worker("task").last_error == run.error
    assert bench.reader.failure(run.id) is not None
    assert bench.run("other").outcome == "succeeded"


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_a_panic_of_an_async_worker_does_not_end_the_event_loop(bench: Bench, error: BaseException) -> None:
    async def panic(_ctx: RunContext) -> None:
        raise error

    async def well(_ctx: RunContext) -> str:
        return "well"

    bench.host(AsyncTask(panic), AsyncTask(well, name="other"))
    assert bench.run("task").kind == "panic"
    assert bench.run("other").summary == "well"


def test_cancelled_error_that_nobody_asked_for_is_a_failure(bench: Bench) -> None:
    async def leak(_ctx: RunContext) -> None:
        raise asyncio.CancelledError

    bench.host(AsyncTask(leak))
    run = bench.run("task")
    assert (run.outcome, run.kind) == ("failed", "error")


def test_an_exception_group_is_recorded_with_its_members_and_notes(bench: Bench) -> None:
    inner = ValueError("first")
    inner.add_note("while reading line 4")
    bench.host(Task(raiser(ExceptionGroup("two things", [inner, KeyError("second")]))))
    run = bench.run("task")
    failure = bench.reader.failure(run.id)
    assert failure is not None
    exceptions = failure.capture["exceptions"]
    assert [(e["type"], e["relation"], e["parent"]) for e in exceptions] == [
        ("ExceptionGroup", "root", None),
        ("ValueError", "member", 0),
        ("KeyError", "member", 0),
    ]
    assert exceptions[1]["notes"] == ["while reading line 4"]


class Hostile(Exception):
    def __init__(self, one: object, two: object) -> None:
        super().__init__(one, two)

    def __str__(self) -> str:
        raise SystemExit("from __str__")

    def __repr__(self) -> str:
        raise KeyboardInterrupt

    def __reduce__(self) -> Any:
        raise MemoryError


def test_an_exception_that_misbehaves_when_looked_at_is_recorded_in_full(bench: Bench) -> None:
    bench.host(Task(raiser(Hostile(1, 2))))
    run = bench.run("task")
    assert (run.outcome, run.kind, run.error) == ("failed", "error", "Hostile: <its __str__ raised SystemExit>")


def test_causes_are_kept_also_when_they_form_a_cycle(bench: Bench) -> None:
    def work(_ctx: RunContext) -> None:
        first, second = ValueError("first"), KeyError("second")
        first.__cause__, second.__cause__ = second, first
        raise first

    bench.host(Task(work))
    failure = bench.reader.failure(bench.run("task").id)
    assert failure is not None
    assert [e["type"] for e in failure.capture["exceptions"]] == ["ValueError", "KeyError"]


@pytest.mark.parametrize(
    ("value", "summary"),
    [(None, None), (7, "7"), ([1] * 10_000, "list of 10,000"), ("x" * 10_000_000, "x" * 500), (object(), "object")],
)
def test_whatever_run_returns_is_kept_as_a_short_summary(bench: Bench, value: object, summary: str | None) -> None:
    bench.host(Task(lambda _: value))
    run = bench.run("task")
    assert (run.outcome, run.summary) == ("succeeded", summary)


def test_a_coroutine_that_nobody_awaited_is_a_failure_with_a_remedy(bench: Bench) -> None:
    async def inner() -> None: ...

    bench.host(Task(lambda _: inner()))
    run = bench.run("task")
    assert run.outcome == "failed"
    assert "async def run" in (run.error or "")


def test_text_that_no_database_takes_is_recorded_all_the_same(bench: Bench) -> None:
    bench.host(Task(raiser(ValueError("lone \ud800 surrogate and \0 NUL"))))
    assert bench.run("task").outcome == "failed"


def test_output_and_logging_are_kept_with_the_run(bench: Bench) -> None:
    def work(ctx: RunContext) -> None:
        print("hello")
        ctx.log.debug("detail")
        threading.Thread(target=lambda: None).start()

    bench.host(Task(work))
    run = bench.run("task")
    lines = [(line.seq, line.stream, line.level, line.text) for line in bench.reader.log_lines(run.id)]
    assert lines == [(0, "stdout", None, "hello"), (1, "log", "DEBUG", "detail")]


def test_progress_is_seen_while_the_run_goes_on(bench: Bench) -> None:
    go_on = threading.Event()

    def work(ctx: RunContext) -> None:
        ctx.progress(3, 10, "third of ten")
        go_on.wait(20)

    bench.host(Task(work))
    run_id = bench.begin("task")
    try:
        bench.wait_worker("task", lambda _: (run := bench.reader.run(run_id)) and run.progress_done == 3)
        run = bench.reader.run(run_id)
        assert run is not None
        assert (run.progress_total, run.progress_note) == (10, "third of ten")
    finally:
        go_on.set()
    bench.ended(run_id)


def test_state_lasts_across_runs_and_restarts_and_failures(bench: Bench) -> None:
    def work(ctx: RunContext) -> str:
        ctx.state["count"] = ctx.state.get("count", 0) + 1
        if ctx.params.get("fail"):
            raise RuntimeError("after the count")
        return str(ctx.state["count"])

    host = bench.host(Task(work))
    assert bench.run("task").summary == "1"
    assert bench.run("task", fail=True).outcome == "failed"
    host.stop()
    bench.host(Task(work))
    assert bench.run("task").summary == "3"


def test_state_that_is_no_json_fails_the_run_and_keeps_the_state_before(bench: Bench) -> None:
    def work(ctx: RunContext) -> str:
        if ctx.params.get("bad"):
            ctx.state["x"] = object()
        return repr(dict(ctx.state))

    bench.host(Task(work))
    run = bench.run("task", bad=True)
    assert run.outcome == "failed"
    assert "ctx.state can't be saved" in (run.error or "")
    assert bench.run("task").summary == "{}"


def test_params_reach_the_worker_read_only(bench: Bench) -> None:
    def work(ctx: RunContext) -> object:
        with pytest.raises(TypeError):
            ctx.params["x"] = 1  # type: ignore[index]  # the test's point
        return ctx.params["customer"]

    bench.host(Task(work))
    run = bench.run("task", customer="Ada")
    assert (run.summary, run.params) == ("Ada", {"customer": "Ada"})


def test_decorated_functions_and_plain_objects_run_alike(bench: Bench) -> None:
    @worker
    def takes_nothing() -> str:
        return "nothing"

    @worker
    async def takes_context(ctx: RunContext) -> str:
        await asyncio.sleep(0)
        return ctx.worker

    class Plain:
        name = "plain"
        interval = None

        def run(self, ctx: RunContext) -> str:
            return "plain object"

    bench.host(takes_nothing, takes_context, Plain())
    assert bench.run("takes-nothing").summary == "nothing"
    assert bench.run("takes-context").summary == "takes-context"
    assert bench.run("plain").summary == "plain object"


def test_a_number_too_large_to_be_told_is_described(bench: Bench) -> None:
    bench.host(Task(lambda _ctx: 10**5000))
    run = bench.run("task")
    assert (run.outcome, run.summary) == ("succeeded", "int of 16,610 bits")


def test_context_variables_of_one_run_are_not_found_by_the_next(bench: Bench) -> None:
    variable: ContextVar[int] = ContextVar("variable", default=0)

    def work(_ctx: RunContext) -> int:
        before = variable.get()
        variable.set(before + 1)
        return before

    bench.host(Task(work), max_threads=1)
    assert [bench.run("task").summary for _ in range(3)] == ["0", "0", "0"]
