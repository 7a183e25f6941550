"""Workers that do what no worker should: each fault that a host has to survive, made to happen every few seconds.

A target for `workerconsole serve`. NASTY_WORKERS says how many workers there are, NASTY_SEED how they are dealt.
What one of them leaks it leaks for a bounded time, so that a host which holds its own has figures that stay flat.
"""

import asyncio
import contextlib
import ctypes
import gc
import locale
import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from workerkit import RunCancelled, RunContext, WorkerManager, worker

SECOND = 1_000_000


@dataclass(frozen=True)
class Fault:
    """One way to misbehave."""

    name: str
    run: Callable[..., Any]
    options: dict[str, Any] = field(default_factory=dict)
    once: bool = False
    """Too dear for more than one worker, which does it every five seconds."""


FAULTS: list[Fault] = []


def fault(*, once: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds a function to the catalogue under its own name."""

    def add(run: Callable[..., Any]) -> Callable[..., Any]:
        FAULTS.append(Fault(run.__name__.strip("_").replace("_", "-"), run, options, once))
        return run

    return add


# 1 to 4: what is raised


@fault()
def system_exit() -> None:
    sys.exit(3)


@fault()
async def system_exit_async() -> None:
    sys.exit("from the loop")


@fault()
def keyboard_interrupt() -> None:
    raise KeyboardInterrupt


@fault()
async def keyboard_interrupt_async() -> None:
    await asyncio.sleep(0.01)
    raise KeyboardInterrupt


@fault()
def generator_exit() -> None:
    raise GeneratorExit


@fault()
async def generator_exit_async() -> None:
    raise GeneratorExit


@fault()
def base_exception() -> None:
    class Own(BaseException):
        pass

    raise Own("neither error nor exit")


@fault()
def cancelled_error() -> None:
    raise asyncio.CancelledError("nobody asked")


@fault()
async def cancels_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel("of its own accord")
    await asyncio.sleep(1)


@fault()
def says_cancelled() -> None:
    raise RunCancelled("nobody asked")


@fault()
async def stop_iteration_async() -> None:
    raise StopIteration("a coroutine can't")


def _group(depth: int) -> BaseException:
    if depth == 0:
        return ValueError("a leaf", b"\xff", "\x1b]0;title\x07")
    return BaseExceptionGroup(f"level {depth}", [_group(depth - 1), SystemExit(depth), OSError(28, "full")])


@fault()
def exception_group() -> None:
    raise _group(6)


@fault()
async def task_group() -> None:
    async def breaks(number: int) -> None:
        await asyncio.sleep(0.01 * number)
        raise ValueError(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(breaks(number))


class Hostile(Exception):
    """Misbehaves whenever it is looked at."""

    def __init__(self, one: object, two: object) -> None:
        super().__init__("two arguments, one kept")
        self.one = one
        self.two = two

    def __str__(self) -> str:
        raise SystemExit("from __str__")

    def __repr__(self) -> str:
        raise KeyboardInterrupt

    def __reduce__(self) -> Any:
        return os._exit, (9,)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__notes"):
            raise RecursionError(name)
        return super().__getattribute__(name)


@fault()
def hostile_exception() -> None:
    error = Hostile(1, 2)
    error.__cause__ = error
    raise error


@fault()
async def hostile_exception_async() -> None:
    raise Hostile([], {})


class Endless(Exception):
    def __str__(self) -> str:
        time.sleep(4)
        return "at last"


@fault()
def str_that_hangs() -> None:
    raise Endless


@fault(fingerprint=lambda error: 1 / 0)
def fingerprint_that_raises() -> None:
    raise ValueError("with a rule that breaks")


@fault(fingerprint=lambda error: sys.exit(1))
def fingerprint_that_exits() -> None:
    raise ValueError("with a rule that leaves")


@fault(fingerprint=lambda error: ["no", "text"])
def fingerprint_of_a_wrong_kind() -> None:
    raise ValueError("with a rule that answers oddly")


@fault()
def recursion() -> None:
    recursion()


@fault()
async def recursion_async() -> None:
    await recursion_async()


@fault()
def out_of_memory() -> None:
    bytearray(1 << 62)


@fault()
def memory_error_with_much_in_hand() -> None:
    hoard = [bytes(1000) for _ in range(1000)]
    raise MemoryError(len(hoard))


@fault()
def huge_locals() -> None:
    text, rows = "x" * 3_000_000, [{"row": number} for number in range(20_000)]
    raise ValueError(f"{len(text)} {len(rows)}")


@fault()
def error_with_a_huge_text() -> None:
    raise ValueError("y" * 3_000_000)


# 6 and 7: time


@fault(timeout="500ms")
def sleeps_beyond_its_timeout() -> None:
    time.sleep(4)


@fault(timeout="500ms")
def looks_at_its_context(ctx: RunContext) -> None:
    ctx.sleep(60)


@fault(timeout="500ms")
async def awaits_beyond_its_timeout() -> None:
    await asyncio.sleep(60)


@fault(timeout="500ms")
async def swallows_its_cancellation() -> None:
    end = time.monotonic() + 4
    while time.monotonic() < end:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.1)


@fault(timeout="500ms", once=True)
def never_returns() -> None:
    threading.Event().wait()


@fault(timeout="300ms", once=True)
def loops() -> None:
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        pass


@fault(once=True)
def holds_the_interpreter() -> None:
    re.match(r"(a+)+$", "a" * 24 + "b")


@fault(timeout="1s")
def waits_for_a_lock_that_it_holds() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=4)


@fault(once=True)
async def blocks_the_loop() -> None:
    time.sleep(0.7)


@fault(timeout="300ms", once=True)
async def blocks_the_loop_beyond_its_timeout() -> None:
    time.sleep(1.2)


@fault()
async def leaves_tasks_behind() -> None:
    async def lingers() -> None:
        await asyncio.sleep(3)
        raise ValueError("nobody waits for me")

    asyncio.get_running_loop().create_task(lingers())


@fault()
async def asyncio_run_within() -> None:
    coroutine = asyncio.sleep(0)
    try:
        asyncio.run(coroutine)
    finally:
        coroutine.close()


@fault()
def asyncio_run_in_a_thread() -> None:
    asyncio.run(asyncio.sleep(0.01))


# 8: output


@fault(once=True)
def prints_ten_megabytes() -> None:
    for _ in range(10_000):
        print("z" * 1000)


@fault(once=True)
def prints_ten_megabytes_in_one_line() -> None:
    for _ in range(100):
        print("z" * 100_000, end="")


@fault()
def prints_bytes() -> None:
    sys.stdout.buffer.write(bytes(range(256)) * 8)
    sys.stdout.flush()


@fault()
def prints_escapes() -> None:
    print("\x1b[2J\x1b]0;pwned\x07\x1b]52;c;cm0gLXJm\x07\x9b31m\u202egnp.exe [@click=app.quit]x[/]")


@fault()
def prints_surrogates() -> None:
    print("\ud800 and \0 and \udfff")
    print("half", file=sys.stderr, end="")


@fault()
def closes_stdout() -> None:
    sys.stdout.close()
    print("still heard")


@fault()
def logs_a_storm() -> None:
    log = logging.getLogger("storm")
    for number in range(2000):
        log.warning("line %d", number)
    log.error("%d is no number", "this")


class Unprintable:
    def __str__(self) -> str:
        raise SystemExit("from a log record")


@fault()
def logs_what_cannot_be_printed() -> None:
    logging.getLogger("odd").error("%s", Unprintable())


@fault()
def writes_past_python() -> None:
    os.write(1, b"to the descriptor\n")


# 9: what belongs to the whole process


@fault()
def changes_directory() -> None:
    os.chdir(tempfile.gettempdir())


@fault()
def changes_the_locale() -> None:
    locale.setlocale(locale.LC_ALL, "C")


@fault()
def replaces_stdout() -> None:
    sys.stdout = open(os.devnull, "w")
    sys.stderr = None


@fault()
def changes_warning_filters() -> None:
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", message=f"{random.random()}")


@fault()
def changes_logging() -> None:
    logging.basicConfig(force=True, level=logging.CRITICAL, stream=open(os.devnull, "w"))
    logging.disable(logging.CRITICAL)


@fault()
def sets_a_signal_handler() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@fault()
def sets_an_alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(0.05)


@fault()
def changes_the_mask_and_the_environment() -> None:
    os.umask(0)
    os.environ["NASTY"] = str(random.random())


@fault()
def changes_the_interpreter() -> None:
    gc.disable()
    socket.setdefaulttimeout(0.001)
    sys.setswitchinterval(0.5)


@fault()
def lowers_the_recursion_limit() -> None:
    sys.setrecursionlimit(len(sys._current_frames()) + 90)


@fault()
def leaks_threads() -> None:
    for _ in range(3):
        threading.Thread(target=time.sleep, args=(10,), daemon=True).start()


@fault()
def leaves_a_thread_that_dies() -> None:
    def dies() -> None:
        raise ValueError("in a thread of its own")

    threading.Thread(target=dies).start()


_files: list[Any] = []


@fault()
def leaks_files() -> None:
    _files.append(open(__file__))
    if len(_files) > 50:
        _files.clear()


_children: deque[subprocess.Popen[bytes]] = deque()


@fault()
def leaks_children() -> None:
    _children.append(subprocess.Popen(["sleep", "5"]))
    if len(_children) > 10:
        _children.popleft().wait()


# 10: forks


@fault()
def leaves_a_daemon_with_its_pipes() -> None:
    child = subprocess.Popen(["sh", "-c", "sleep 6 & echo here"], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    child.stdout.readline()
    child.wait()


@fault()
def forks() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


# 11: what is returned


async def _never_awaited() -> None: ...


def _generator() -> Iterator[int]:
    yield 1


@fault()
def returns_a_coroutine() -> Any:
    return _never_awaited()


@fault()
def returns_a_generator() -> Any:
    return _generator()


@fault()
def returns_ten_megabytes() -> str:
    return "r" * 10_000_000


@fault()
def returns_a_huge_number() -> int:
    return 10**5000


@fault()
def returns_something_hostile() -> Any:
    class Meta(type):
        def __repr__(cls) -> str:
            raise SystemExit

    return Meta("Odd", (), {"__repr__": lambda self: sys.exit(1), "__len__": lambda self: -1})()


@fault()
def state_that_cannot_be_saved(ctx: RunContext) -> None:
    ctx.state["me"] = ctx.state


@fault()
def state_that_is_too_much(ctx: RunContext) -> None:
    ctx.state["text"] = "s" * 200_000


@fault()
def state_that_is_something_else(ctx: RunContext) -> None:
    ctx.state = ctypes.c_int(3)  # type: ignore[assignment]


@fault()
def progress_of_a_wrong_kind(ctx: RunContext) -> None:
    ctx.progress("half", "all")  # type: ignore[arg-type]


# 5, 6, 8, 9, 10: in a process of their own, where a worker may do even worse


@fault(isolation="process")
def segmentation_fault_in_process() -> None:
    ctypes.string_at(0)


@fault(isolation="process")
def abort_in_process() -> None:
    os.abort()


@fault(isolation="process")
def leaves_without_a_word_in_process() -> None:
    os._exit(0)


@fault(isolation="process")
def exits_with_a_code_in_process() -> None:
    os._exit(3)


@fault(isolation="process")
def killed_from_outside_in_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@fault(isolation="process", memory_limit="96MB")
def exhausts_memory_in_process() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(2**20))


@fault(isolation="process", timeout=0.5)
def ignores_all_signals_and_loops_in_process() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(0.01)


@fault(isolation="process", timeout=0.5)
def holds_the_interpreter_in_process() -> None:
    re.fullmatch(r"(a+)+b", "a" * 40)


@fault(isolation="process")
def prints_fifty_megabytes_in_process() -> None:
    for _ in range(50):
        os.write(1, b"\xff\x1b]52;c;bm8=\x07 nonsense \n" * 40_000)


@fault(isolation="process")
def leaves_a_daemon_with_its_pipes_in_process() -> None:
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)


@fault(isolation="process")
def says_what_is_no_frame_in_process() -> None:
    for number in range(3, 20):
        with contextlib.suppress(OSError):
            os.write(number, b"\xff" * 64)


@fault(isolation="process")
def raises_something_hostile_in_process() -> None:
    raise Hostile(1, 2)


@fault(isolation="process", warm=True)
def changes_everything_in_process(ctx: RunContext) -> int:
    os.chdir("/")
    os.environ.clear()
    sys.stdout = sys.stderr = None
    logging.disable(logging.CRITICAL)
    ctx.state["count"] = ctx.state.get("count", 0) + 1
    return int(ctx.state["count"])


@fault(isolation="process", timeout=1)
async def awaits_beyond_its_timeout_in_process() -> None:
    await asyncio.sleep(60)


# And workers that do nothing wrong, which all of this must not touch


@fault()
def plain(ctx: RunContext) -> int:
    ctx.state["count"] = ctx.state.get("count", 0) + 1
    print("run", ctx.run_id)
    return int(ctx.state["count"])


@fault()
async def patient(ctx: RunContext) -> None:
    await ctx.sleep_async(0.2)


@dataclass(frozen=True)
class Planned:
    """A worker as it is dealt."""

    name: str
    period: int
    """Microseconds."""
    fault: Fault


def plan(count: int, seed: int) -> list[Planned]:
    """So many workers: each fault in turn, the dear ones once, at 1 to 5 s."""
    chance = random.Random(seed)
    faults = [each for each in FAULTS if not each.once]
    dealt = [each for each in FAULTS if each.once][:count]
    dealt += [faults[number % len(faults)] for number in range(count - len(dealt))]
    return [
        Planned(f"{each.name}:{number}", 5 * SECOND if each.once else chance.randrange(10, 51) * SECOND // 10, each)
        for number, each in enumerate(dealt)
    ]


def _register(manager: WorkerManager, planned: Planned) -> None:
    made = worker(planned.fault.run)
    manager.register(made, name=planned.name, interval=planned.period / SECOND, **planned.fault.options)


if wanted := int(os.environ.get("NASTY_WORKERS", "0")):
    manager = WorkerManager()
    for each in plan(wanted, int(os.environ.get("NASTY_SEED", "1"))):
        _register(manager, each)
