"""Only what changes lie on draws itself, and the terminal ends up with the same picture."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from workerconsole.compositor import SparseCompositor


class Lines(Widget):
    """Three lines that say a number; remembers which of them it was asked for."""

    DEFAULT_CSS = "Lines { height: 3; }"

    def __init__(self, id: str) -> None:  # noqa: A002 -- Textual's own name
        super().__init__(id=id)
        self.number = 0
        self.asked: list[int] = []

    def render_lines(self, crop: Region) -> list[Strip]:
        self.asked += crop.line_range
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        return Strip([Segment(f"{self.id} {y} {self.number}")]).adjust_cell_length(self.size.width)


class Behind(Vertical):
    """What the lines lie on."""

    asked = 0

    def render_lines(self, crop: Region) -> list[Strip]:
        self.asked += 1
        return super().render_lines(crop)


class SparseScreen(Screen[None]):
    def __init__(self) -> None:
        super().__init__()
        self._compositor = SparseCompositor()

    def compose(self) -> ComposeResult:
        with Behind():
            yield from map(Lines, ("top", "middle", "bottom"))


class LinesApp(App[None]):
    def get_default_screen(self) -> SparseScreen:
        return SparseScreen()


@asynccontextmanager
async def shown() -> AsyncIterator[tuple[SparseCompositor, dict[str, Lines]]]:
    app = LinesApp()
    async with app.run_test(size=(20, 9)) as pilot:
        await pilot.pause()
        widgets = {str(lines.id): lines for lines in app.query(Lines)}
        for lines in widgets.values():
            lines.asked.clear()
        compositor = app.screen._compositor
        assert isinstance(compositor, SparseCompositor)
        yield compositor, widgets


def change(compositor: SparseCompositor, lines: Lines, y: int) -> None:
    lines.number += 1
    region, _ = compositor.visible_widgets[lines]
    lines._styles_cache.set_dirty(Region(0, y, region.width, 1))
    compositor._dirty_regions.add(Region(0, region.y + y, region.width, 1))


async def test_who_lies_between_two_changes_is_not_asked() -> None:
    async with shown() as (compositor, widgets):
        change(compositor, widgets["top"], 1)
        change(compositor, widgets["bottom"], 2)
        assert compositor.render_partial_update() is not None
        assert {name: lines.asked for name, lines in widgets.items()} == {"top": [1], "middle": [], "bottom": [2]}


async def test_who_lies_behind_a_change_is_not_asked() -> None:
    async with shown() as (compositor, widgets):
        behind = widgets["top"].parent
        assert isinstance(behind, Behind)
        before = behind.asked
        change(compositor, widgets["middle"], 0)
        assert compositor.render_partial_update() is not None
        assert behind.asked == before


async def test_what_is_written_is_what_changed() -> None:
    async with shown() as (compositor, widgets):
        change(compositor, widgets["top"], 0)
        change(compositor, widgets["top"], 2)
        change(compositor, widgets["bottom"], 1)
        update = compositor.render_partial_update()
        assert update is not None
        written = {
            y: "".join(strip.text for strip in update.chops[y].values() if strip is not None)
            for y, _, _ in update.spans
        }
        assert {y: text.strip() for y, text in written.items()} == {0: "top 0 2", 2: "top 2 2", 7: "bottom 1 1"}


async def test_a_whole_picture_has_everybody_in_it() -> None:
    async with shown() as (compositor, _):
        lines = [strip.text.strip() for strip in compositor.render_strips()]
        assert lines == [f"{name} {y} 0" for name in ("top", "middle", "bottom") for y in range(3)]


async def test_without_a_change_there_is_nothing_to_write() -> None:
    async with shown() as (compositor, _):
        assert compositor.render_partial_update() is None
