"""Where a run stands."""

from typing import Any

import pytest

from tests.console.factory import NOW, worker
from tests.console.pane import PaneApp, command, detail, frame, library_frame, lines_of, on_screen
from workerconsole.snapshot import WorkerDetail
from workerconsole.widgets.stack_panel import StackPanel
from workerkit.clock import SECOND

RUNNING = worker(status="running", running_run_id=7)
DATA: dict[str, Any] = {
    "taken_at": NOW - 5 * SECOND,
    "run_id": 7,
    "label": "thread worker-3",
    "frames": [frame(3, "run"), library_frame("wait")],
    "note": "sampled once",
}


async def shown(what: WorkerDetail) -> tuple[str, list[str]]:
    app = PaneApp()
    async with app.run_test(size=(100, 14)) as pilot:
        app.pane.show_panel("stack")
        app.pane.show(what, NOW)
        await pilot.pause()
        await pilot.pause()
        return on_screen(app.screen)[1], lines_of(app.pane.query_one(StackPanel).frames)


async def test_the_latest_answer_has_its_age_its_thread_and_its_frames() -> None:
    header, lines = await shown(detail(worker=RUNNING, stack=command("stack", data=DATA)))
    assert header.startswith(" ► 2 calls deep · run 7 · at ")
    assert header.endswith(", 5s ago · thread worker-3")
    assert lines[0] == "  … 1 library frame (http)"
    assert lines[1] == "▌ /srv/app/jobs.py:3 in run"
    assert lines[-1] == "sampled once"


def place(line: int, count: int, *below: dict[str, Any], own: bool = True) -> dict[str, Any]:
    file = "/srv/app/jobs.py" if own else "/usr/lib/python3.11/socket.py"
    text = f"call({line})"
    return {"file": file, "line": line, "function": "f", "own": own, "text": text, "count": count, "below": list(below)}


SAMPLED = {
    **DATA,
    "samples": 20,
    "tree": [place(1, 20, place(2, 19, place(705, 19, own=False)), place(3, 1))],
    "children": [{"label": "task inner", "frames": [frame(44, "inner")], "note": None, "children": []}],
}


async def test_samples_are_a_tree_with_counts_and_the_run_has_its_age() -> None:
    busy = worker(
        status="running",
        running_run_id=7,
        last_run_at=NOW - 90 * SECOND,
        recent=tuple(("succeeded", span * SECOND) for span in range(1, 21)),
    )
    said = "19 of 20 samples in recv, socket.py:705"
    header, lines = await shown(detail(worker=busy, stack=command("stack", data=SAMPLED, result=said, run_id=7)))
    assert said in header
    assert lines[0].startswith("── where 20 looks within a second found it ─")
    assert lines[1:5] == [
        " 20 ██████ jobs.py:1 in f  call(1)",
        " 19 ██████   jobs.py:2 in f  call(2)",
        " 19 ██████   socket.py:705 in f  call(705)",
        "  1 █·····   jobs.py:3 in f  call(3)",
    ]
    assert any(line.startswith("── waits for task inner ─") for line in lines)
    assert "▌ /srv/app/jobs.py:3 in run" in lines


async def test_the_run_has_its_age_beside_what_is_usual() -> None:
    spans = tuple(("succeeded", span * SECOND) for span in range(1, 21))
    busy = worker(status="running", running_run_id=7, last_run_at=NOW - 90 * SECOND, recent=spans)
    app = PaneApp()
    async with app.run_test(size=(120, 14)) as pilot:
        app.pane.show_panel("stack")
        app.pane.show(detail(worker=busy, stack=command("stack", data=SAMPLED, run_id=7)), NOW)
        await pilot.pause()
        await pilot.pause()
        second = on_screen(app.screen)[2]
    assert second.strip() == "running for 1m 30s; usually 10.0 s, p95 19.0 s over 20 runs"


async def test_an_answer_about_a_run_that_is_over_says_so() -> None:
    header, _ = await shown(detail(worker=worker(), stack=command("stack", data=DATA)))
    assert "run 7 (over by now)" in header


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (detail(worker=RUNNING), "Press b to look at where it stands now."),
        (detail(), "It is not running; b looks while it runs."),
        (detail(stack=command("stack", state="pending")), "waiting for the answer"),
        (detail(stack=command("stack", state="refused", result="no host was alive")), "no host was alive"),
        (detail(stack=command("stack", data=None)), "no frames"),
        (detail(stack=command("stack", data={"frames": "what?", "taken_at": "x"})), "no frames"),
    ],
)
async def test_without_frames_it_says_why(what: WorkerDetail, words: str) -> None:
    header, lines = await shown(what)
    assert words in header
    assert lines == []


async def test_enter_looks_again_and_a_new_answer_is_drawn() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 14)) as pilot:
        app.pane.show_panel("stack")
        app.pane.show(detail(worker=RUNNING, stack=command("stack", data=DATA)), NOW)
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("enter")
        [wanted] = app.heard
        assert isinstance(wanted, StackPanel.Wanted)
        assert wanted.worker == "web"
        newer = {**DATA, "frames": [frame(99, "elsewhere")]}
        app.pane.show(detail(worker=RUNNING, stack=command("stack", id=2, data=newer)), NOW)
        await pilot.pause()
        assert "▌ /srv/app/jobs.py:99 in elsewhere" in lines_of(app.pane.query_one(StackPanel).frames)
        await pilot.press("v")
        assert app.pane.query_one(StackPanel).hint == "b look again · v own frames"
