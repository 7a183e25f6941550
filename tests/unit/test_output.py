"""What a run prints and logs is caught, bounded, and belongs to nobody else."""

import contextvars
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.clocks import HandClock
from workerkit.failures import Redactor
from workerkit.output import (
    HEAD_CHARS,
    HEAD_LINES,
    MAX_KEY_LINES,
    MAX_LINE,
    TAIL_CHARS,
    TAIL_LINES,
    OutputRouter,
    RunOutput,
    route_to,
)


@contextmanager
def installed() -> Iterator[None]:
    """Inside the test's body: pytest exchanges the streams itself between fixtures and body."""
    router = OutputRouter()
    router.install()
    try:
        yield
    finally:
        router.uninstall()


def texts(output: RunOutput) -> list[str]:
    captured = output.drain(1, "w")
    return [line.text for line in captured.lines] if captured else []


def in_a_run(output: RunOutput, work: object) -> None:
    def body() -> None:
        route_to(output)
        assert callable(work)
        work()

    contextvars.copy_context().run(body)


def test_prints_become_lines_once_they_are_complete() -> None:
    output = RunOutput(HandClock(), Redactor(environment={}))
    output.write("stdout", "one\ntw")
    assert texts(output) == ["one"]
    output.write("stdout", "o\n")
    output.write("stderr", "unfinished")
    assert texts(output) == ["two"]
    output.close()
    assert texts(output) == ["unfinished"]
    assert output.drain(1, "w") is None


def test_head_and_tail_are_kept_and_the_middle_is_counted() -> None:
    output = RunOutput(HandClock(), Redactor(environment={}))
    total = HEAD_LINES + TAIL_LINES + 7
    for number in range(total):
        output.write("stdout", f"{number}\n")
    captured = output.drain(1, "w")
    assert captured is not None
    kept = [line.seq for line in captured.lines]
    assert kept == [*range(HEAD_LINES), *range(total - TAIL_LINES, total)]
    assert captured.dropped == output.dropped == 7


def test_lines_that_were_written_and_then_fell_out_of_the_tail_are_to_be_deleted() -> None:
    output = RunOutput(HandClock(), Redactor(environment={}))
    stored: set[int] = set()
    for number in range(3000):
        output.write("stdout", f"{number}\n")
        if number % 170 == 0:
            captured = output.drain(1, "w")
            assert captured is not None
            stored |= {line.seq for line in captured.lines}
            stored -= set(range(captured.drop_from, captured.drop_until))
    captured = output.drain(1, "w")
    assert captured is not None
    stored |= {line.seq for line in captured.lines}
    stored -= set(range(captured.drop_from, captured.drop_until))
    assert stored == {*range(HEAD_LINES), *range(3000 - TAIL_LINES, 3000)}


def test_a_gigabyte_without_a_newline_stays_bounded() -> None:
    output = RunOutput(HandClock(), Redactor(environment={}))
    for _ in range(100):
        output.write("stdout", "x" * 1_000_000)
    output.close()
    (text,) = texts(output)
    assert text == "x" * MAX_LINE + f"… {100_000_000 - MAX_LINE:,} more characters"


def test_long_lines_are_bounded_by_characters_too() -> None:
    output = RunOutput(HandClock(), Redactor(environment={}))
    for _ in range(1000):
        output.write("stdout", "x" * 5000 + "\n")
    captured = output.drain(1, "w")
    assert captured is not None
    assert sum(len(line.text) for line in captured.lines) <= HEAD_CHARS + TAIL_CHARS
    assert captured.dropped == 1000 - len(captured.lines) > 900


def test_a_secret_is_not_kept_also_where_it_stands_across_the_cut_or_two_writes() -> None:
    secret = "hunter2-is-my-secret"
    output = RunOutput(HandClock(), Redactor(environment={"DB_PASSWORD": secret}))
    for edge in range(len(secret) + 1):
        output.write("stdout", "y" * (MAX_LINE - edge) + secret[:edge])
        output.write("stdout", secret[edge:] + "\n")
    output.record("INFO", "log", f"the password is {secret}")
    for text in texts(output):
        assert not any(secret[i : i + 8] in text for i in range(len(secret) - 8))


def test_print_and_logging_of_a_run_reach_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    output = RunOutput(HandClock(), Redactor(environment={}))

    def work() -> None:
        print("printed")
        print("to stderr", file=sys.stderr)
        sys.stdout.buffer.write(b"bytes \xff\n")
        logging.getLogger("some.library").info("logged %d", 7)
        try:
            raise ValueError("odd")
        except ValueError:
            logging.getLogger("some.library").exception("failed")

    with installed():
        in_a_run(output, work)
    captured = output.drain(1, "w")
    assert captured is not None
    lines = [(line.stream, line.level, line.text) for line in captured.lines]
    assert lines[:4] == [
        ("stdout", None, "printed"),
        ("stderr", None, "to stderr"),
        ("stdout", None, "bytes \ufffd"),
        ("log", "INFO", "logged 7"),
    ]
    assert lines[4] == ("log", "ERROR", "failed")
    assert lines[-1] == ("log", "ERROR", "ValueError: odd")
    assert capsys.readouterr().out == ""


def test_what_nobodys_run_prints_passes_through(capsys: pytest.CaptureFixture[str]) -> None:
    with installed():
        print("the host speaks")
    assert capsys.readouterr().out == "the host speaks\n"


def test_a_log_record_that_cannot_be_formatted_is_kept_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own would raise what the record raises

    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

    output = RunOutput(HandClock(), Redactor(environment={}))
    with installed():
        in_a_run(output, lambda: logging.getLogger("x").warning("%s", Hostile()))
    assert texts(output) == ["<a log record that can't be formatted: RuntimeError: '%s'>"]


def test_a_worker_that_closes_stdout_does_not_close_the_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    with installed():
        in_a_run(RunOutput(HandClock(), Redactor(environment={})), sys.stdout.close)
        print("still open")
    assert capsys.readouterr().out == "still open\n"


def test_install_and_uninstall_leave_streams_and_logging_as_they_were() -> None:
    before = (sys.stdout, sys.stderr, logging.getLogger().level, list(logging.getLogger().handlers))
    router = OutputRouter()
    for _ in range(3):
        router.install()
        router.install()
        router.uninstall()
        router.uninstall()
    assert (sys.stdout, sys.stderr, logging.getLogger().level, list(logging.getLogger().handlers)) == before


def test_a_private_key_of_several_lines_is_hidden_line_by_line() -> None:
    output = RunOutput(HandClock(), Redactor(environment={}))
    output.write("stdout", "a\n-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\n-----END PRIVATE KEY-----\nb\n")
    output.record("INFO", "x", "key:\n-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7")
    lines = texts(output)
    assert "MIIE" not in "".join(lines)
    assert (lines[0], lines[4]) == ("a", "b")
    assert "private key" in lines[2]


def test_of_a_private_key_that_never_ends_only_so_many_lines_are_hidden() -> None:
    output = RunOutput(HandClock(), Redactor(environment={}))
    output.write("stdout", "-----BEGIN PRIVATE KEY-----\n" + "x\n" * MAX_KEY_LINES + "after\n")
    assert texts(output)[-2:] == ["‹redacted: private key›", "after"]


def test_a_known_secret_across_the_cut_of_a_line_shows_no_beginning() -> None:
    output = RunOutput(HandClock(), Redactor(environment={"A_PASSWORD": "correct horse battery"}))
    for before in (MAX_LINE - 8, MAX_LINE + 504):
        output.write("stdout", "." * before + "correct horse battery" + "." * 9000 + "\n")
    lines = texts(output)
    assert len(lines) == 2
    assert not any("corr" in line for line in lines)
    assert all(line.endswith("more characters") for line in lines)
