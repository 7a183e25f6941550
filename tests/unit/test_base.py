"""Worker, BaseWorker and @worker."""

from datetime import timedelta
from typing import Any

import pytest

from workerkit import BaseWorker, RunContext, Worker, worker
from workerkit.base import FunctionWorker, is_async
from workerkit.registry import Registry
from workerkit.schedule import Cron, Every, Manual, ScheduleError


class NightlyBackup(BaseWorker):
    interval: Any = "1h"

    def run(self, ctx: RunContext) -> str:
        return "done"


class Bare:
    name = "bare"
    interval = timedelta(seconds=5)

    def run(self, ctx: RunContext) -> None: ...


def test_any_object_with_name_interval_and_run_is_a_worker() -> None:
    assert isinstance(Bare(), Worker)
    assert not isinstance(object(), Worker)


def test_a_base_worker_is_named_after_its_class() -> None:
    assert NightlyBackup().name == "nightly-backup"


def test_the_constructor_overrides_class_attributes_of_this_object_alone() -> None:
    special = NightlyBackup(name="special", interval=5, tags=["x"])
    assert special.name == "special"
    assert special.interval == 5
    assert special.tags == ["x"]
    assert NightlyBackup().interval == "1h"


def test_an_unknown_option_is_refused_with_those_that_exist() -> None:
    with pytest.raises(TypeError, match=r"no option 'intervall'; it takes aliases, capture_locals, catch_up"):
        NightlyBackup(**dict[str, Any](intervall="5s"))


def test_a_base_worker_without_run_says_so() -> None:
    with pytest.raises(NotImplementedError, match=r"BaseWorker has no run\(ctx\)"):
        BaseWorker().run(RunContext.for_test())


def test_a_function_becomes_a_worker_named_and_described_by_itself() -> None:
    @worker(every="30s", tags=["web"])
    def fetch_prices(ctx: RunContext) -> str:
        """Fetches prices.

        And more.
        """
        return f"run {ctx.run_id}"

    assert isinstance(fetch_prices, FunctionWorker)
    assert (fetch_prices.name, fetch_prices.description, fetch_prices.tags) == (
        "fetch-prices",
        "Fetches prices.",
        ["web"],
    )
    assert fetch_prices.schedule == Every(30_000_000)
    assert fetch_prices.run(RunContext.for_test()) == "run 0"


def test_a_function_may_take_no_context_and_stays_callable() -> None:
    @worker
    def ping() -> str:
        return "pong"

    assert ping.schedule == Manual()
    assert ping.run(RunContext.for_test()) == ping() == "pong"


def test_a_cron_line_makes_a_cron_schedule() -> None:
    @worker(cron="0 3 * * *", timezone="Europe/Berlin")
    def nightly() -> None: ...

    assert nightly.schedule == Cron("0 3 * * *", "Europe/Berlin")


def test_every_and_cron_together_are_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        worker(every="5s", cron="* * * * *")(lambda: None)


def test_a_nonsense_interval_is_refused_where_it_is_written() -> None:
    with pytest.raises(ScheduleError, match="write it like"):
        worker(every="often")(lambda: None)


def test_async_is_seen_through_the_decorator() -> None:
    @worker
    async def waits() -> None: ...

    assert is_async(waits)
    assert not is_async(NightlyBackup())


def test_the_options_of_failures_are_taken_by_every_form() -> None:
    def by_text(error: BaseException) -> str:
        return str(error)

    class Careful(BaseWorker):
        interval = None

        def run(self, ctx: RunContext) -> None: ...

    made = Careful(capture_locals=False, secrets=["pin"], fingerprint=by_text, hold_on_failure=True)

    @worker(capture_locals=False, secrets=["pin"], fingerprint=by_text, hold_on_failure=True)
    def careful() -> None: ...

    for thing in (made, careful):
        registration = Registry().register(thing)
        assert (registration.capture_locals, registration.secrets) == (False, ("pin",))
        assert (registration.fingerprint, registration.hold_on_failure) == (by_text, True)
