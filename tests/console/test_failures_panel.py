"""The traceback of the selected failure."""

from typing import Any

from tests.console.factory import NOW, failing, worker
from tests.console.pane import PaneApp, detail, exception, failure, frame, library_frame, lines_of, on_screen
from workerconsole.snapshot import WorkerDetail
from workerconsole.widgets.panel import Panel
from workerkit.clock import SECOND

THREE = detail(
    worker=failing(),
    failures=tuple(failure(n, exception("E", f"number {n}"), at=NOW - (4 - n) * SECOND) for n in (3, 2, 1)),
)


class FailuresApp(PaneApp):
    def show(self, what: WorkerDetail) -> None:
        self.pane.show_panel("failures")
        self.pane.show(what, NOW)

    @property
    def lines(self) -> list[str]:
        return lines_of(self.pane.failures_panel.frames)


async def test_the_latest_failure_is_shown_with_kind_run_and_time() -> None:
    app = FailuresApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(THREE)
        app.pane.focus_panel()
        await pilot.pause()
        await pilot.pause()
        screen = on_screen(app.screen)
        assert screen[1].startswith(" ✗ error · run 3 · ")
        assert screen[1].endswith(", 1s ago")
        assert app.lines[0] == "E: number 3"
        assert "▸Failures 3" in screen[0]
        assert "1 of 3 [ ] · v all frames" in screen[0]


async def test_brackets_go_to_older_and_newer_failures() -> None:
    app = FailuresApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(THREE)
        await pilot.pause()
        app.pane.focus_panel()
        seen = []
        for key in ("left_square_bracket",) * 3 + ("right_square_bracket",):
            await pilot.press(key)
            seen.append(app.lines[0])
        assert seen == ["E: number 2", "E: number 1", "E: number 1", "E: number 2"]


async def test_a_new_failure_shows_itself_unless_somebody_is_reading() -> None:
    app = FailuresApp()
    newer = detail(worker=failing(), failures=(failure(4, exception("E", "number 4")), *THREE.failures))
    newest = detail(worker=failing(), failures=(failure(5, exception("E", "number 5")), *newer.failures))
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(THREE)
        app.set_focus(None)
        await pilot.pause()
        app.pane.show(newer, NOW)
        assert app.lines[0] == "E: number 4"
        app.pane.focus_panel()
        await pilot.pause()
        app.pane.show(newest, NOW)
        assert app.lines[0] == "E: number 4"
        assert app.pane.failures_panel.hint.startswith("2 of 5")


async def test_a_tick_keeps_the_place() -> None:
    app = FailuresApp()
    long = detail(worker=failing(), failures=(failure(1, exception(frames=[frame(n, f"f{n}") for n in range(1, 40)])),))
    async with app.run_test(size=(80, 10)) as pilot:
        app.show(long)
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("pagedown", "j")
        top = app.pane.failures_panel.frames.scroll_offset.y
        assert top > 5
        again = detail(
            worker=failing(), failures=(failure(1, exception(frames=[frame(n, f"f{n}") for n in range(1, 40)])),)
        )
        app.pane.show(again, NOW + SECOND)
        await pilot.pause()
        assert app.pane.failures_panel.frames.scroll_offset.y == top


async def test_v_unfolds_library_frames() -> None:
    app = FailuresApp()
    mixed = exception(frames=[frame(7, "run"), library_frame("request"), library_frame("connect")])
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(detail(worker=failing(), failures=(failure(1, mixed),)))
        await pilot.pause()
        app.pane.focus_panel()
        assert any("2 library frames" in line for line in app.lines)
        await pilot.press("v")
        assert not any("library frames" in line for line in app.lines)
        assert app.pane.failures_panel.hint == "v own frames"


async def test_n_selects_the_next_frame_and_e_opens_it() -> None:
    app = FailuresApp()
    two = exception(frames=[frame(7, "run"), library_frame("between"), frame(40, "divide")])
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(detail(worker=failing(), failures=(failure(1, two),)))
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("e", "n", "e", "n", "e", "N", "e")
        edits = [message for message in app.heard if isinstance(message, Panel.EditorWanted)]
        assert [(edit.path, edit.line) for edit in edits] == [("/srv/app/jobs.py", n) for n in (40, 7, 7, 40)]


async def test_c_copies_the_whole_traceback_as_python_writes_it() -> None:
    app = FailuresApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(THREE)
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("c")
        [copy] = app.heard
        assert isinstance(copy, Panel.CopyWanted)
        assert copy.text.startswith('Traceback (most recent call last):\n  File "/srv/app/jobs.py", line 7, in work')
        assert copy.text.endswith("E: number 3")


async def test_panic_timeout_and_crash_are_named_and_explained() -> None:
    stack = {"label": "thread worker-3", "frames": [frame(12, "wait")]}
    kinds: dict[str, dict[str, Any]] = {
        "panic, it did what a worker must never do": {"exceptions": [exception("SystemExit", "3")]},
        "timeout, its time was over": {"exceptions": [], "stack": stack},
        "crash, what ran it died under it": {"exceptions": [], "note": "the host died while this run was in flight"},
    }
    app = FailuresApp()
    async with app.run_test(size=(100, 20)) as pilot:
        for number, (words, capture) in enumerate(kinds.items()):
            kind = words.partition(",")[0]
            app.show(
                detail(worker=failing(), failures=(failure(number, kind=kind, error="it failed", capture=capture),))
            )
            await pilot.pause()
            await pilot.pause()
            assert words in on_screen(app.screen)[1]
            assert app.lines


async def test_a_damaged_record_is_shown_as_such_and_copied_as_its_line() -> None:
    app = FailuresApp()
    async with app.run_test(size=(100, 20)) as pilot:
        for capture in ({"corrupt": "bad zlib"}, {"exceptions": [7, {"frames": 3}]}, {"exceptions": {"a": 1}}, {}):
            app.show(detail(worker=failing(), failures=(failure(1, error="E: the line", capture=capture),)))
            await pilot.pause()
            assert app.lines
            assert app.pane.copy_text() is not None
        app.show(detail(worker=failing(), failures=(failure(1, error="E: the line", capture={"corrupt": "bad zlib"}),)))
        await pilot.pause()
        assert "the record is damaged (bad zlib)" in "\n".join(app.lines)


async def test_no_failure_and_a_broken_worker_have_their_own_words() -> None:
    app = FailuresApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(detail(worker=worker("never")))
        await pilot.pause()
        await pilot.pause()
        assert "It has not failed yet." in on_screen(app.screen)[1]
        app.show(detail(worker=worker("pruned", failure_count=3)))
        await pilot.pause()
        assert "no longer kept" in on_screen(app.screen)[1]
        app.show(detail(worker=worker("broken", status="broken", load_error="Traceback:\nSyntaxError: no")))
        await pilot.pause()
        assert "its module failed to load" in on_screen(app.screen)[1]
        assert app.lines == ["Traceback:", "SyntaxError: no"]
        app.show(detail(worker=worker("other", status="broken", load_error="ImportError: x")))
        await pilot.pause()
        assert app.lines == ["ImportError: x"]


async def test_the_largest_failure_scrolls() -> None:
    frames = [frame(line, f"f{line}") for line in range(1, 61)]
    many = [
        exception("E", f"number {n}", frames=frames, relation="cause", parent=n - 1 if n else None) for n in range(50)
    ]
    app = FailuresApp()
    async with app.run_test(size=(120, 30)) as pilot:
        app.show(detail(worker=failing(), failures=(failure(1, *many),)))
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("v", "end")
        await pilot.pause()
        assert "return total" in on_screen(app.screen)[-1]
