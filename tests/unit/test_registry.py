"""Registration: what is refused, and what it says then."""

from typing import Any

import pytest

from workerkit import BaseWorker, RegistrationError, RunContext, worker
from workerkit.registry import Registry, satisfies_protocol
from workerkit.schedule import Cron, Every, Manual


class Job(BaseWorker):
    name = "job"
    interval: Any = "30s"

    def run(self, ctx: RunContext) -> None: ...


def test_a_registration_carries_what_the_worker_says() -> None:
    registration = Registry().register(Job(timeout="5s", tags=["a", "b"], description="One.\nTwo."))
    assert registration.schedule == Every(30_000_000)
    assert registration.timeout == 5_000_000
    assert (registration.tags, registration.description, registration.isolation) == (("a", "b"), "One.", "thread")
    assert registration.source.endswith(f"test_registry.py:{Job.run.__code__.co_firstlineno - 4}")


def test_options_win_over_attributes() -> None:
    registration = Registry().register(Job(), name="other", interval=None, tags=["x"])
    assert (registration.name, registration.schedule, registration.tags) == ("other", Manual(), ("x",))


def test_a_schedule_wins_over_an_interval() -> None:
    assert Registry().register(Job(), schedule=Cron("* * * * *")).schedule == Cron("* * * * *")


def test_a_class_is_made_without_arguments() -> None:
    assert isinstance(Registry().register(Job).worker, Job)


def test_a_class_that_needs_arguments_is_refused_with_the_remedy() -> None:
    class Needy(Job):
        def __init__(self, address: str) -> None:
            super().__init__()

    with pytest.raises(RegistrationError, match="register an object of it"):
        Registry().register(Needy)


def test_async_run_is_isolated_on_the_event_loop() -> None:
    @worker(every="1s")
    async def waits(ctx: RunContext) -> None: ...

    assert Registry().register(waits).isolation == "async"


def test_a_name_taken_twice_names_both_places() -> None:
    registry = Registry()
    registry.register(Job())

    class Another(Job): ...

    with pytest.raises(RegistrationError, match=r"two workers are named 'job': .*test_registry.py:\d+ and .*:\d+"):
        registry.register(Another())
    assert len(registry) == 1


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 65, "a/b", None, 5, "a\n"])
def test_an_odd_name_is_refused_with_an_example(name: Any) -> None:
    with pytest.raises(RegistrationError, match="backup-db"):
        Registry().register(Job(), name=name)


@pytest.mark.parametrize("interval", [0, -1, 0.05, float("nan"), float("inf"), "3651d", "soon", object()])
def test_an_interval_that_cannot_be_meant_is_refused(interval: Any) -> None:
    with pytest.raises(RegistrationError, match="worker 'job'"):
        Registry().register(Job(interval=interval))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"intervall": 5}, "unknown option 'intervall'"),
        ({"timeout": 0}, "timeout=0 is too short"),
        ({"timeout": "never"}, "not a duration"),
        ({"isolation": "async"}, "needs `async def run`"),
        ({"isolation": "fibre"}, "not known"),
        ({"tags": "web"}, "list of words"),
        ({"tags": ["a b"]}, "list of words"),
        ({"description": 5}, "one line"),
        ({"schedule": "* * * * *"}, "Cron"),
    ],
)
def test_a_wrong_option_is_refused_with_the_remedy(options: dict[str, Any], says: str) -> None:
    with pytest.raises(RegistrationError, match=says):
        Registry().register(Job(), **options)


def test_run_must_take_the_context_alone() -> None:
    class Greedy:
        name, interval = "greedy", 1

        def run(self, ctx: RunContext, more: int) -> None: ...

    with pytest.raises(RegistrationError, match="take one parameter, ctx"):
        Registry().register(Greedy())


def test_a_generator_is_refused_because_its_body_would_never_execute() -> None:
    class Yielding(BaseWorker):
        interval = 1

        def run(self, ctx: RunContext) -> Any:
            yield 1

    with pytest.raises(RegistrationError, match="remove its yield"):
        Registry().register(Yielding())


def test_a_worker_without_interval_or_run_is_refused() -> None:
    class NoInterval:
        name = "x"

        def run(self, ctx: RunContext) -> None: ...

    class NoRun:
        name = "x"
        interval = 1

    with pytest.raises(RegistrationError, match="it has no interval"):
        Registry().register(NoInterval())
    with pytest.raises(RegistrationError, match="it has no run"):
        Registry().register(NoRun())


def test_a_broken_worker_keeps_its_traceback_under_a_proper_name() -> None:
    registration = Registry().add_broken("my jobs/üx.py", "x.py:1", "Traceback...")
    assert (registration.name, registration.worker, registration.load_error) == ("my-jobs-x.py", None, "Traceback...")


def test_a_registry_keeps_the_order_in_which_workers_came() -> None:
    registry = Registry()
    for name in ("c", "a", "b"):
        registry.register(Job(), name=name)
    assert [registration.name for registration in registry] == ["c", "a", "b"]
    assert registry.get("a") is not None
    assert registry.get("d") is None


def test_satisfies_protocol_asks_for_a_callable_run() -> None:
    class Odd:
        name, interval, run = "x", 1, "not callable"

    assert satisfies_protocol(Job())
    assert not satisfies_protocol(Odd())
