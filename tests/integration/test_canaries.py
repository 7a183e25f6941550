"""Secrets planted wherever a worker may have them are nowhere in the database, nor in what any command prints.

A canary counts as found when any eight characters of it in a row are: a secret that is cut in two has leaked as well.
"""
# ruff: noqa: F841 -- the variables are there to be captured

import asyncio
import contextlib
import functools
import hashlib
import http.client
import importlib.util
import io
import logging
import os
import sqlite3
import sys
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import AsyncTask, Task
from tests.waiting import wait_for
from workerconsole.app import ConsoleApp
from workerconsole.cli import run
from workerkit import RunContext
from workerkit.context import MAX_NOTE
from workerkit.failures.capture import MAX_MESSAGE
from workerkit.failures.values import MAX_STRING
from workerkit.guard import MAX_SUMMARY
from workerkit.output import MAX_LINE
from workerkit.registry import Registry

PIECE = 8
"""Characters of a canary that give it away."""
VISIBLE = "no-secret-at-all"
"""What must be found, or the search is worth nothing."""


def canary(place: str) -> str:
    """A secret that nobody would know by its look, different for each place."""
    return "qz" + hashlib.sha256(place.encode()).hexdigest()[:30]


ENVIRONMENT = {
    "DB_PASSWORD": canary("environment"),
    "QUOTED_PASSWORD": f"{canary('quoted')[:16]}'\\\"ü {canary('quoted')[16:]}",
    "SIGNING_KEY": "\n".join(["-----BEGIN KEY-----", canary("key line 1"), canary("key line 2"), "-----END KEY-----"]),
}


class Login(NamedTuple):
    user: str
    password: str


class Header(StrEnum):
    AUTHORIZATION = "authorization"


class Client:
    def __init__(self, api_key: str, **more: str) -> None:
        self.host = VISIBLE
        self._api_key = api_key
        self.__dict__.update(more)


class Slotted:
    __slots__ = ("client_secret",)

    def __init__(self) -> None:
        self.client_secret = canary("slot")


def local_variables(_ctx: RunContext) -> None:
    password = canary("local")
    host = VISIBLE
    order = {"customer": [{"db": {"Password": canary("nested")}}], "api-key": canary("map")}
    by_bytes = {b"authorization": canary("bytes key").encode(), Header.AUTHORIZATION: canary("enum key")}
    login = Login(VISIBLE, canary("named tuple"))
    headers = [("Cookie", canary("pair")), (b"x-api-key", canary("pair of bytes").encode())]
    message = http.client.HTTPMessage()
    message["Set-Cookie"] = f"sid={canary('header')}; Path=/"
    command = ["psql", "-h", VISIBLE, "--password", canary("option")]
    later = functools.partial(print, password=canary("partial"))
    client, slotted = Client(canary("attribute"), refresh_token=canary("update")), Slotted()
    parsed = urllib.parse.urlparse(f"postgresql://ada:{canary('parsed url')}@db.example/shop")
    raise RuntimeError(f"{VISIBLE} {len(password)} {len(host)}", len(order))


def arguments(_ctx: RunContext) -> None:
    def connect(host: str, passwd: str, *rest: str, auth_token: str, **options: str) -> None:
        raise ConnectionError(host)

    connect(VISIBLE, canary("argument"), auth_token=canary("keyword"), secret_key=canary("options"))


def messages(_ctx: RunContext) -> None:
    error = RuntimeError(
        f"{VISIBLE}: password={canary('message')} url=postgres://ada:{canary('userinfo')}@db/x "
        f"Authorization: Bearer {canary('bearer')}, psql --password {canary('option in text')} "
        f"--token={canary('long option')}\n"
        f"Cookie: a=1; sid={canary('cookie')}\n"
        f'{{"body": "{{\\"client_secret\\": \\"{canary("escaped json")}\\"}}"}}'
    )
    error.add_note(f"{VISIBLE} token: {canary('note')}")
    raise error


def chain(_ctx: RunContext) -> None:
    try:
        try:
            raise KeyError(f"secret={canary('context')}")
        except KeyError:
            password = canary("local of a context")
            raise ValueError(f"secret={canary('cause')} {len(password)}")  # noqa: B904 -- this is a context
    except ValueError as error:
        raise RuntimeError(VISIBLE) from error


async def members(_ctx: RunContext) -> None:
    async def fails(token: str) -> None:
        await asyncio.sleep(0)
        raise ValueError(f"{VISIBLE} api_key='{token}'")

    async with asyncio.TaskGroup() as group:
        group.create_task(fails(canary("member")))
        group.create_task(fails(canary("other member")))


def everywhere(ctx: RunContext) -> str:
    """What stands in the environment is known, whatever it is called."""
    value, quoted = os.environ["DB_PASSWORD"], os.environ["QUOTED_PASSWORD"]
    raw, mutable, pair = value.encode(), bytearray(quoted.encode()), {value: {quoted}}
    client = Client("", note=f"see {value}")
    encoded = [repr(quoted), urllib.parse.quote(quoted), urllib.parse.quote_plus(quoted)]
    key_lines = os.environ["SIGNING_KEY"].splitlines()
    print(VISIBLE, value, quoted, raw, repr(quoted))
    print(os.environ["SIGNING_KEY"])
    ctx.log.error("%s %s %r", VISIBLE, value, key_lines)
    ctx.progress(1, 2, f"{VISIBLE} {value}")
    error = KeyError(f"{VISIBLE} {value}", quoted)
    error.add_note(value)
    raise error


def edges(ctx: RunContext) -> None:
    """Known secrets that stand where something is cut off."""
    value = os.environ["DB_PASSWORD"]
    half = len(value) // 2
    text = "." * (MAX_STRING - half) + value
    far = "-----BEGIN PRIVATE KEY-----" + "A" * (MAX_STRING + 400) + "-----END PRIVATE KEY-----" + "." * 99 + value * 99
    raw = text.encode()
    print("." * (MAX_LINE - half) + value)
    print("." * (MAX_LINE + 512 - half) + value)
    ctx.log.info("%s", "." * (MAX_LINE - half) + value)
    ctx.progress(1, 2, "." * (MAX_NOTE - half) + value)
    error = RuntimeError(VISIBLE + "." * (MAX_MESSAGE - half - len(VISIBLE)) + value)
    error.add_note("." * (MAX_MESSAGE - half) + value)
    raise error


def output(ctx: RunContext) -> None:
    for stream in (sys.stdout, sys.stderr):
        secret = canary((stream is sys.stdout and "stdout") or "stderr")
        stream.write(f"{VISIBLE} password=")
        stream.flush()
        stream.write(secret[:10])
        stream.flush()
        stream.write(f"{secret[10:]}\n")
    sys.stdout.buffer.write(f"token={canary('stdout bytes')}\n".encode())
    for line in ("-----BEGIN RSA PRIVATE KEY-----", canary("printed key"), canary("more of it"), "-----END"):
        print(line)
    logging.getLogger("some.library").warning("%s api_key=%s", VISIBLE, canary("logging"))
    logging.getLogger("some.library").info("key:\n-----BEGIN PRIVATE KEY-----\n%s\n", canary("logged key"))
    try:
        raise ValueError(f"password={canary('logged exception')}")
    except ValueError:
        ctx.log.exception("%s secret: %s", VISIBLE, canary("logged"))
    raise RuntimeError(VISIBLE)


def returns(_ctx: RunContext) -> str:
    return f"{VISIBLE} token={canary('returned')} {os.environ['DB_PASSWORD']}"


def returns_at_the_edge(_ctx: RunContext) -> str:
    value = os.environ["DB_PASSWORD"]
    return "." * (MAX_SUMMARY - len(value) // 2) + value


SOURCE = f'''
import threading

go_on, hanging = threading.Event(), threading.Event()


def connect(**options):
    raise ConnectionError("{VISIBLE}")


def literals(ctx):
    api_key = "{canary("source, behind")}"
    connect(host="{VISIBLE}", password="{canary("source, the line itself")}", user="ada")
    headers = {{"Authorization": "Bearer {canary("source, before")}", 'client_secret': b'{canary("source, bytes")}'}}
    {"x" * 190} = "{ENVIRONMENT["DB_PASSWORD"]}"


def hangs(ctx):
    hanging.set()
    password = "{canary("source of a live stack")}"; go_on.wait(60)


def times_out(ctx):
    token = "{canary("source of a timeout")}"; go_on.wait(60)
'''

BROKEN = f'''
db_password = "{canary("source of a broken module")}"; raise RuntimeError("{VISIBLE} secret={canary("broken module")}")
'''


class Finding(NamedTuple):
    """Everything that is stored or printed, by where it is."""

    stored: dict[str, bytes]
    printed: dict[str, bytes]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finding]:
    folder = tmp_path_factory.mktemp("canaries")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        bench = Bench(folder / "data" / "bench.db")
        try:
            yield Finding(*_let_them_sing(bench, folder))
        finally:
            bench.close()


def _let_them_sing(bench: Bench, folder: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    literals = _module(folder / "literals.py", SOURCE)
    (folder / "broken.py").write_text(BROKEN)
    plain: list[Callable[[RunContext], object]] = [local_variables, arguments, messages, chain, everywhere, edges]
    workers = [Task(function, name=function.__name__) for function in [*plain, output, returns, returns_at_the_edge]]
    workers += [Task(literals.literals, name="literals"), Task(literals.hangs, name="hangs")]
    workers += [Task(literals.times_out, name="times_out", timeout="100ms"), AsyncTask(members, name="members")]
    host = bench.host(*workers, start=False)
    _add_broken(host._registry, folder / "broken.py")
    host.start()
    bench.begin("hangs")
    ids = [bench.run(worker.name).id for worker in workers if worker.name != "hangs"]
    wait_for(literals.hanging.is_set)
    said = {"stack": _said(bench, "stack", "hangs"), "stack --json": _said(bench, "stack", "hangs", "--json")}
    # While the host lives, so that its write-ahead log is there.
    stored = {path.name: path.read_bytes() for path in bench.path.parent.iterdir()}
    assert f"{bench.path.name}-wal" in stored
    stored["captures"] = b"\n".join(_captures(bench.path))
    literals.go_on.set()
    bench.wait_worker("hangs", lambda worker: worker.status == "idle")
    host.stop()
    stored["after the end"] = b"".join(path.read_bytes() for path in bench.path.parent.iterdir())
    for words in (
        ["failures"],
        ["failures", "--json"],
        ["workers"],
        ["workers", "--json"],
        ["runs"],
        ["runs", "--json"],
    ):
        said[" ".join(words)] = _said(bench, *words)
    for run_id in ids:
        for words in (["show"], ["show", "--plain"], ["show", "--json"], ["logs"], ["logs", "--json"]):
            said[f"{' '.join(words)} {run_id}"] = _said(bench, *words, str(run_id))
    for group in bench.reader.failure_groups(0):
        said[f"show {group.title}"] = _said(bench, "show", group.fingerprint)
    return stored, {where: text.encode() for where, text in said.items()}


def _module(path: Path, source: str) -> Any:
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _add_broken(registry: Registry, path: Path) -> None:
    from workerkit.loading import load

    (problem,) = load([str(path)]).problems
    registry.add_broken(problem.name, problem.source, problem.text)


def _captures(path: Path) -> Iterator[bytes]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for (packed,) in connection.execute("SELECT capture FROM failures"):
            yield zlib.decompress(packed)


def _said(bench: Bench, *words: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert run([*words, "--db", str(bench.path)]) == 0, err.getvalue()
    return out.getvalue() + err.getvalue()


PLACES = """
    local; nested; map; bytes key; enum key; named tuple; pair; pair of bytes; header; option; partial; attribute
    update; slot; parsed url; argument; keyword; options; message; userinfo; bearer; option in text; long option; cookie
    escaped json; note; context; local of a context; cause; member; other member; environment; quoted; key line 1
    key line 2; stdout; stderr; stdout bytes; printed key; more of it; logging; logged key; logged exception; logged
    returned; source, behind; source, the line itself; source, before; source, bytes; source of a live stack
    source of a timeout; source of a broken module; broken module
"""


@pytest.mark.parametrize("place", [place.strip() for place in PLACES.replace("\n", ";").split(";") if place.strip()])
def test_no_piece_of_a_secret_is_stored_or_printed(found: Finding, place: str) -> None:
    secret = canary(place)
    assert _leaks({**found.stored, **found.printed}, secret) == []


def test_what_is_no_secret_is_found_in_all_of_them(found: Finding) -> None:
    """Or the tests above would hold for a search in nothing."""
    assert {"bench.db", "bench.db-wal", "captures", "after the end"} <= set(found.stored)
    for where in ("captures", "after the end"):
        assert VISIBLE.encode() in found.stored[where], where
    assert sum(VISIBLE.encode() in text for text in found.printed.values()) > 40
    assert found.stored["captures"].count(rb"\u2039redacted: its name\u203a") > 10
    assert b"known secret" in found.stored["captures"]
    assert b"private key" in found.stored["after the end"]


def test_the_consoles_own_crash_does_not_print_variables() -> None:
    app = ConsoleApp(lambda: pytest.fail("never opened"))
    try:
        password, host = canary("crash"), canary("crash, of no telling name")
        raise RuntimeError(f"{VISIBLE} {len(password)} {len(host)}")
    except RuntimeError:
        app._fatal_error()
    told = " ".join(str(each) for each in app._exit_renderables)
    assert VISIBLE in told
    assert _leaks({"crash": told.encode()}, canary("crash") + canary("crash, of no telling name")) == []


def _leaks(texts: dict[str, bytes], secret: str) -> list[str]:
    """Where a piece of the secret stands, and in what."""
    pieces = [secret[start : start + PIECE].encode() for start in range(len(secret) - PIECE + 1)]
    places = {where: max(text.find(piece) for piece in pieces) for where, text in texts.items()}
    return [f"{where}: {texts[where][max(0, at - 80) : at + 40]!r}" for where, at in places.items() if at >= 0]
