"""A failure as lines."""

from typing import Any

from tests.console.pane import exception, frame, library_frame
from workerconsole.captures import Capture, read_capture, read_stack
from workerconsole.widgets.frames import capture_rows, package_of, shorten_path, stack_rows


def drawn(*exceptions: dict[str, Any], everything: bool = False, width: int = 100, **more: Any) -> list[str]:
    capture = read_capture({"exceptions": list(exceptions), **more})
    return [row.make().plain.rstrip() for row in capture_rows(capture, "the title", width, everything=everything)]


def test_the_exception_comes_first_and_the_deepest_call_next() -> None:
    lines = drawn(exception(frames=[frame(7, "run"), frame(40, "divide")]))
    assert lines == [
        "ZeroDivisionError: division by zero",
        "  /srv/app/jobs.py:40 in divide",
        "      39 │ total = 0",
        "  ►   40 │ total = price / count",
        "      41 │ return total",
        "  /srv/app/jobs.py:7 in run",
        "  ►    7 │ total = price / count",
    ]


def test_library_calls_are_folded_until_everything_is_wanted() -> None:
    frames = [frame(7, "run"), library_frame("request"), library_frame("connect")]
    assert "  … 2 library frames (http)" in drawn(exception(frames=frames))
    lines = drawn(exception(frames=frames), everything=True)
    assert not any("library frame" in line for line in lines)
    assert "  /usr/lib/python3.11/http/client.py:941 in connect" in lines


def test_where_no_call_is_the_users_the_deepest_one_is_shown() -> None:
    lines = drawn(exception(frames=[library_frame("request"), library_frame("connect")]))
    assert "  /usr/lib/python3.11/http/client.py:941 in connect" in lines
    assert "  … 1 library frame (http)" in lines


def test_the_failing_expression_is_underlined() -> None:
    capture = read_capture({"exceptions": [exception()]})
    line = next(row.make() for row in capture_rows(capture, "", 100) if "►" in row.make().plain)
    [span] = [span for span in line.spans if span.style == "underline"]
    assert line.plain[span.start : span.end] == "price / count"


def test_causes_and_contexts_follow_under_a_rule() -> None:
    lines = drawn(
        exception("ValueError", "outer"),
        exception("KeyError", "'inner'", relation="cause", parent=0),
        exception("OSError", "first", relation="context", parent=1),
    )
    order = [line for line in lines if line.startswith(("──", "ValueError", "KeyError", "OSError"))]
    assert [line.rstrip("─ ") for line in order] == [
        "ValueError: outer",
        "── caused by",
        "KeyError: 'inner'",
        "── raised while handling",
        "OSError: first",
    ]


def test_members_of_a_group_are_numbered_and_set_in() -> None:
    members = [exception("KeyError", str(n), relation="member", parent=0) for n in range(2)]
    lines = drawn(exception("ExceptionGroup", "2 failed"), *members)
    assert [line.rstrip("─ ") for line in lines if "in the group" in line] == [
        "│ ── 1 of 2 in the group",
        "│ ── 2 of 2 in the group",
    ]
    assert "│ KeyError: 1" in lines


def test_a_recursion_is_shown_once() -> None:
    lines = drawn(exception("RecursionError", "too deep", frames=[frame(9, "deep")] * 30))
    assert sum("in deep" in line for line in lines) == 1
    assert "  … and 29 more calls from this line to itself" in lines


def test_notes_and_messages_of_many_lines_keep_them() -> None:
    lines = drawn(exception("ValueError", "one\ntwo", notes=["while syncing\naccount 3"]))
    assert lines[:4] == ["ValueError: one", "two", "  while syncing", "  account 3"]


def test_an_endless_message_is_cut() -> None:
    lines = drawn(exception("ValueError", "line\n" * 500, frames=[]))
    assert len(lines) < 60
    assert "more lines" in lines[-1]


def test_source_that_is_missing_or_misleading_is_explained() -> None:
    assert "        the file has changed since" in drawn(exception(frames=[frame(source_note="changed")]))
    lines = drawn(exception(frames=[frame(source=[], source_note="denied")]))
    assert "        the source lies outside the project and is not read" in lines


def test_a_timeout_shows_where_it_stood() -> None:
    lines = drawn(stack={"label": "thread worker-3", "frames": [frame(12, "wait")]})
    assert lines[0] == "the title"
    assert lines[2].startswith("── where it stood (thread worker-3) ─")
    assert lines[3] == "  /srv/app/jobs.py:12 in wait"


def test_a_crash_without_frames_has_its_title_and_its_note() -> None:
    assert drawn(note="the host died under it") == ["the title", "", "the host died under it"]
    assert drawn(note="title") == ["the title"]


def test_a_damaged_record_has_its_title_and_says_what_is_wrong() -> None:
    lines = [row.make().plain for row in capture_rows(Capture(corrupt="bad zlib"), "E: x", 80)]
    assert lines == ["E: x", "", "Its details can't be shown: the record is damaged (bad zlib)."]


def test_markup_in_a_message_is_only_text() -> None:
    assert drawn(exception("E", "[@click=app.quit]quit[/] [/", frames=[])) == ["E: [@click=app.quit]quit[/] [/"]


def test_a_stack_begins_with_the_deepest_call() -> None:
    rows = stack_rows(read_stack({"frames": [frame(1, "run"), frame(2, "sleep")], "note": "blocked"}), 80)
    lines = [row.make().plain for row in rows]
    assert lines[0] == "  /srv/app/jobs.py:2 in sleep"
    assert lines[-1] == "blocked"


def test_the_largest_failure_is_laid_out_without_drawing_it() -> None:
    frames = [frame(line, f"f{line}") for line in range(1, 61)]
    many = [exception(frames=frames, relation="cause", parent=n - 1 if n else None) for n in range(50)]
    rows = capture_rows(read_capture({"exceptions": many}), "", 120, everything=True)
    assert len(rows) > 50 * 60 * 3
    assert rows[-1].make().plain.endswith("return total")


def test_paths_are_shortened_from_the_left() -> None:
    assert shorten_path("/srv/app/jobs/", 20) == "/srv/app/jobs/"
    assert shorten_path("/srv/app/jobs/", 12) == "…/app/jobs/"
    assert shorten_path("/srv/app/jobs/", 8) == "…/jobs/"
    assert shorten_path("/srv/app/jobs/", 3) == "…/"
    assert shorten_path("/srv/app/jobs/", 0) == ""


def test_library_files_are_named_by_their_package() -> None:
    assert package_of("/venv/lib/python3.11/site-packages/requests/adapters.py") == "requests"
    assert package_of("/venv/lib/python3.11/site-packages/six.py") == "six"
    assert package_of("/usr/lib/python3.11/json/decoder.py") == "json"
    assert package_of("/usr/lib/python3.11/socket.py") == "socket"
    assert package_of("/opt/workerkit/stock/http.py") == "workerkit"
    assert package_of("<frozen importlib>") == "<frozen importlib>"
