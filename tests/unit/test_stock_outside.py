"""The ready-made workers that reach out: HTTP and programs."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_for
from workerkit.context import RunContext
from workerkit.errors import RunCancelled
from workerkit.outcome import StopCause
from workerkit.stock import CheckFailed, Command, HttpCheck


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/cut":
            self.connection.close()
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/200")
            self.end_headers()
            return
        self.send_response(int(self.path.strip("/")))
        self.end_headers()
        self.wfile.write(b"all is well")

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A web server on this machine that answers with the status asked for."""
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def ctx(caplog: pytest.LogCaptureFixture) -> RunContext:
    caplog.set_level(logging.DEBUG)
    return RunContext.for_test()


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_an_address_that_answers_as_expected_passes(ctx: RunContext, address: str) -> None:
    assert HttpCheck(f"{address}/200", contains="well").run(ctx).startswith("200 in ")
    assert HttpCheck(f"{address}/404", expect=[404, 410]).run(ctx).startswith("404 in ")
    assert HttpCheck(f"{address}/moved").run(ctx).startswith("200 in ")


@pytest.mark.parametrize(
    ("path", "options", "says"),
    [
        ("/500", {}, "answered 500; 200 was expected"),
        ("/200", {"expect": {201, 202}}, "answered 200; 201 or 202 was expected"),
        ("/200", {"contains": "trouble"}, "without the text 'trouble'"),
        ("/cut", {}, "gave no proper answer|can't be reached"),
    ],
)
def test_any_other_answer_fails_and_says_what_came(
    ctx: RunContext, address: str, path: str, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(CheckFailed, match=says):
        HttpCheck(address + path, **options).run(ctx)


def test_a_port_where_nothing_listens_fails_and_keeps_the_cause(ctx: RunContext) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        with pytest.raises(CheckFailed, match="refused") as caught:
            HttpCheck(url).run(ctx)
    assert caught.value.__cause__ is not None


def test_this_machine_is_not_asked_through_a_proxy(
    ctx: RunContext, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert HttpCheck(f"{address}/200").run(ctx)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "localhost:80", "http://", ""])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no http or https address"):
        HttpCheck(url)


def test_a_programs_lines_are_logged_and_the_last_is_the_summary(
    ctx: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    assert Command(["printf", "one\\ntwo\\nthree"]).run(ctx) == "three"
    assert logged(caplog) == ["one", "two", "three"]


def test_a_silent_program_says_how_long_it_took(ctx: RunContext) -> None:
    assert Command("true").run(ctx).startswith("ended well after ")


def test_a_line_is_split_as_a_shell_would_unless_a_shell_is_asked_for(ctx: RunContext) -> None:
    assert Command("echo 'a  b' $HOME | cat").run(ctx) == "a  b $HOME | cat"
    assert Command("echo a b | tr a-z A-Z", shell=True).run(ctx) == "A B"


def test_folder_and_variables_are_given(ctx: RunContext, tmp_path: Path) -> None:
    command = Command("echo $PWD $EXTRA", shell=True, cwd=tmp_path, env={"EXTRA": "yes"})
    assert command.run(ctx) == f"{tmp_path} yes"


def test_another_code_than_0_fails_with_the_last_line(ctx: RunContext) -> None:
    with pytest.raises(CheckFailed, match=r"ended with code 3 after .* s: no such thing"):
        Command("echo no such thing >&2; exit 3", shell=True).run(ctx)


def test_death_by_a_signal_is_named(ctx: RunContext) -> None:
    with pytest.raises(CheckFailed, match="was killed by SIGKILL"):
        Command("kill -9 $$", shell=True).run(ctx)


def test_a_program_that_does_not_exist_fails(ctx: RunContext) -> None:
    with pytest.raises(FileNotFoundError):
        Command("no-such-program-anywhere").run(ctx)


def test_an_empty_command_is_refused() -> None:
    with pytest.raises(ValueError, match="at least the name"):
        Command("")


def test_bytes_that_are_no_text_and_endless_lines_are_logged_in_pieces(
    ctx: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    Command("printf '\\377\\n'; head -c 10000 /dev/zero | tr '\\0' x", shell=True).run(ctx)
    lines = logged(caplog)
    assert lines[0] == "�"
    assert "".join(lines[1:]) == "x" * 10000
    assert max(len(line) for line in lines) <= 4096


def test_cancelling_ends_the_whole_process_group(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    context = RunContext.for_test()
    caught: list[BaseException] = []

    def run() -> None:
        try:
            Command("sleep 60 & echo $!; echo ready; wait", shell=True).run(context)
        except RunCancelled as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: "ready" in logged(caplog))
    grandchild = int(logged(caplog)[0])
    context.cancellation.request(StopCause.OPERATOR, "by the test")
    thread.join(10)
    assert not thread.is_alive()
    assert caught
    wait_for(lambda: not alive(grandchild))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2] if Path("/proc/self").exists() else True


def test_a_daemon_that_keeps_the_pipe_open_does_not_hold_the_run(
    ctx: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    Command("setsid sleep 30 & echo $!", shell=True).run(ctx)
    assert time.monotonic() - started < 10
    os.kill(int(logged(caplog)[0]), signal.SIGKILL)
