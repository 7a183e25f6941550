"""Workers that run in processes of their own, each of which does one thing that would hurt a host."""

import asyncio
import ctypes
import faulthandler
import locale
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from workerkit import BaseWorker, Retry, RunContext, worker
from workerkit.errors import WorkerCrashed

in_process = worker(isolation="process")
marks: list[int] = []
"""What a run leaves behind in memory."""


@in_process
def reports(ctx: RunContext) -> str:
    """Uses everything that a context has."""
    print("printed")
    print("to stderr", file=sys.stderr)
    ctx.log.debug("logged %d", 5)
    logging.getLogger("library").info("by a library")
    ctx.progress(3, 4, "three of four")
    ctx.state["runs"] = ctx.state.get("runs", 0) + 1
    return f"{ctx.worker} {ctx.attempt} {ctx.params['colour']} {ctx.deadline is not None}"


@in_process
def describes_itself() -> str:
    """Where it finds itself, as text."""
    target = {number: _target(number) for number in _descriptors()}
    return repr(
        {
            "pid": os.getpid(),
            "leads": os.getpgrp() == os.getpid() == os.getsid(0),
            "folder": str(Path.cwd()),
            "path": sys.path,
            "secret": os.environ.get("SHOP_PASSWORD"),
            "umask": next(line.split()[1] for line in _status() if line.startswith("Umask")),
            "ignored": next(line.split()[1] for line in _status() if line.startswith("SigIgn")),
            "stdin": sys.stdin.read(),
            "files": target,
            "threads": threading.active_count(),
        }
    )


def _descriptors() -> list[int]:
    return sorted(int(entry.name) for entry in Path("/proc/self/fd").iterdir())


def _status() -> list[str]:
    return Path("/proc/self/status").read_text().splitlines()


def _target(number: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{number}").readlink())
    except OSError:
        return "gone"


@in_process
def prints_its_facts() -> None:
    print(describes_itself.function())


@in_process
def fails(ctx: RunContext) -> None:
    order, password = {"id": 17}, "hunter22"
    raise ValueError(f"no such order: {order['id']} for {os.environ.get('SHOP_PASSWORD')} {password[:0]}")


@in_process
async def waits() -> str:
    await asyncio.sleep(0.01)
    return "waited"


@in_process
def tells_its_parent() -> str:
    return str(os.getppid())


@in_process
async def sleeps_async(ctx: RunContext) -> None:
    print("ready", flush=True)
    await asyncio.sleep(60)


@in_process
async def leaves_a_thread_in_its_executor() -> str:
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
    return "done"


class Exploding(Exception):
    """Would run code wherever it is unpickled, and can't be made from its arguments."""

    def __init__(self, one: object, two: object) -> None:
        super().__init__(one)
        self.two = two

    def __reduce__(self) -> Any:
        return (os._exit, (99,))

    def __str__(self) -> str:
        raise SystemExit("from __str__")


@in_process
def raises_what_explodes() -> None:
    raise Exploding(1, 2)


@in_process
def hangs_in_its_own_message() -> None:
    class Slow(Exception):
        def __str__(self) -> str:
            time.sleep(60)
            return "never"

    raise Slow


@in_process
def exits(ctx: RunContext) -> None:
    os._exit(ctx.params["code"])


@in_process
def leaves_by_system_exit() -> None:
    sys.exit(3)


@in_process
def reads_null() -> None:
    ctypes.string_at(0)


@in_process
def aborts() -> None:
    os.abort()


@in_process
def dies_in_a_thread() -> None:
    thread = threading.Thread(target=_segfault)
    thread.start()
    thread.join()


def _segfault() -> None:
    faulthandler._sigsegv()  # type: ignore[attr-defined]  # private, and made for just this


@in_process
def is_killed() -> None:
    blob = bytearray(32 * 2**20)
    os.kill(os.getpid(), signal.SIGKILL)
    del blob


@worker(isolation="process", retry=Retry(attempts=2, base=0, on=WorkerCrashed))
def is_killed_once(ctx: RunContext) -> str:
    if ctx.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "second attempt"


@in_process
def is_terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


@worker(isolation="process", memory_limit="64MB")
def takes_memory() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(2**20))


@worker(isolation="process", cpu_limit=1)
def burns() -> None:
    while True:
        pass


@worker(isolation="process", cpu_limit=1)
def burns_on() -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    burns.function()


@in_process
def loops() -> None:
    print("ready", flush=True)
    while True:
        pass


@in_process
def sleeps(ctx: RunContext) -> None:
    print("ready", flush=True)
    time.sleep(60)


@in_process
def holds_the_lock() -> None:
    print("ready", flush=True)
    sum(range(10**15))


@in_process
def holds_the_lock_with_a_child() -> None:
    process = subprocess.Popen(["sleep", "60"])
    print("pids", os.getpid(), process.pid, flush=True)
    sum(range(10**15))


@in_process
def hides_with_a_child() -> None:
    """Closes all that ties it to anybody."""
    process = subprocess.Popen(["sleep", "60"])
    print("pids", os.getpid(), process.pid, flush=True)
    os.closerange(0, 256)
    time.sleep(60)


@in_process
def polite(ctx: RunContext) -> None:
    print("ready", flush=True)
    try:
        ctx.sleep(60)
    finally:
        print("tidied up", flush=True)


@in_process
def tidies_up_when_told() -> None:
    print("ready", flush=True)
    try:
        time.sleep(60)
    finally:
        print("tidied up", flush=True)


@in_process
def deaf() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        time.sleep(1)


@in_process
def floods(ctx: RunContext) -> str:
    line = b"x" * 99 + b"\n"
    chunk = line * 10_000
    for _ in range(ctx.params["megabytes"]):
        os.write(1, chunk)
    print("the end")
    return "printed"


@in_process
def one_endless_line(ctx: RunContext) -> None:
    for _ in range(ctx.params["megabytes"]):
        os.write(1, b"y" * 2**20)


@in_process
def prints_rubbish() -> None:
    os.write(1, b"\xff\xfe \x1b]52;c;aGk=\x07 \xf0\x9f")
    os.write(1, b"\x98\x80\n")
    os.write(2, b"no newline \xc3")


@in_process
def closes_everything() -> str:
    os.closerange(0, 256)
    return "unheard"


@in_process
def closes_standard_streams() -> str:
    for number in (0, 1, 2):
        os.close(number)
    print("into the void")
    return "fine"


@in_process
def returns_much() -> str:
    return "z" * (100 * 2**20)


@in_process
def forges(ctx: RunContext) -> str:
    """Writes into its connection to the host."""
    data: dict[str, bytes] = {
        "rubbish": b"GET / HTTP/1.1\r\n\r\n",
        "huge": struct.pack(">I", 2**31) + b"x" * 100,
        "no json": _framed(b"\x80\x04\x95."),
        "no object": _framed(b"[1, 2]"),
        "unknown kind": _framed(b'{"kind": "pickle", "data": ""}'),
        "deep": _framed(b'{"kind": "log", "text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        "nan": _framed(b'{"kind": "progress", "done": NaN}'),
        "long number": _framed(b'{"kind": "progress", "done": ' + b"9" * 5000 + b"}"),
        "odd log": _framed(b'{"kind": "log", "level": 1, "logger": [], "text": {}}'),
        "odd result": _framed(b'{"kind": "result", "outcome": "failed"}'),
        "odd outcome": _framed(b'{"kind": "result", "outcome": "splendid"}'),
        "interrupted": _framed(b'{"kind": "result", "outcome": "interrupted"}'),
        "odd state": _framed(b'{"kind": "result", "outcome": "succeeded", "state": "[]"}'),
        "odd stack": _framed(b'{"kind": "stack", "id": 1, "data": {"frames": 5}}'),
    }
    with socket.socket(fileno=os.dup(_connection())) as forged:
        forged.sendall(data[ctx.params["what"]])
    time.sleep(60)
    return "unheard"


@in_process
def claims_to_retry_for_ever() -> None:
    frame = (
        b'{"kind": "result", "outcome": "failed", "retry_in": 5, "failure": {"kind": "error", "error": "'
        + b"e" * 900
        + b'", "capture": {}, "named": null}}'
    )
    with socket.socket(fileno=os.dup(_connection())) as forged:
        forged.sendall(_framed(frame))
    time.sleep(60)


def _framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def _connection() -> int:
    sockets = [number for number in _descriptors() if _target(number).startswith("socket:")]
    return min(sockets)


@in_process
def leaves_a_child(ctx: RunContext) -> str:
    """A child of its own goes on, in its group or out of it, and keeps stdout open."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=ctx.params["apart"])
    return str(process.pid)


@in_process
def forks_a_herd() -> str:
    for _ in range(20):
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
            os._exit(0)
    return "herd"


@in_process
def leaves_threads() -> str:
    for daemon in (True, False):
        threading.Thread(target=time.sleep, args=(60,), daemon=daemon).start()
    return "left"


@in_process
def disturbs() -> str:
    os.chdir("/")
    os.environ["DISTURBED"] = "yes"
    locale.setlocale(locale.LC_ALL, "C")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable()
    sys.path.insert(0, "/nowhere")
    sys.setrecursionlimit(50)
    sys.stdout = sys.stderr = None
    return "disturbed"


@worker(isolation="process", warm=True)
def counts(ctx: RunContext) -> str:
    marks.append(ctx.run_id)
    if ctx.params.get("fail"):
        raise ValueError("on purpose")
    if ctx.params.get("print"):
        print("line of run", len(marks))
    if ctx.params.get("wait"):
        print("ready")
        ctx.sleep(60)
    return f"{os.getpid()} {len(marks)}"


@worker(isolation="process", warm=True)
async def counts_async() -> str:
    marks.append(0)
    asyncio.get_running_loop().create_task(asyncio.sleep(60))
    return f"{os.getpid()} {len(marks)}"


class Settings(BaseWorker):
    """Found by its class."""

    isolation = "process"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.state = "made"

    def run(self, ctx: RunContext) -> str:
        return self.state


assigned = Settings(name="assigned")
