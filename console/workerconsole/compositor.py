"""Draws what has changed, and nothing that lies between."""

from collections.abc import Iterable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


class SparseCompositor(Compositor):
    """Textual's compositor has every widget draw itself that lies within the smallest rectangle around all changes:
    of a header at the top and a row at the bottom, the whole screen. This one asks only those that changes lie on, and
    nobody behind one that covers the change.
    """

    def __init__(self) -> None:
        super().__init__()
        self._changed: tuple[Region, ...] = ()
        """What a partial update is about; nothing while the whole screen is drawn."""

    def render_partial_update(self) -> ChopsUpdate | None:
        self._changed = tuple(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._changed = ()

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if not self._changed:
            yield from super()._get_renders(crop)
            return
        left = list(self._changed)
        # From the front to the back.
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            changed = [part for part in left if part.overlaps(seen)]
            if changed:
                top = max(seen.y, min(part.y for part in changed))
                bottom = min(seen.bottom, max(part.bottom for part in changed))
                lines = Region(seen.x, top, seen.width, bottom - top)
                yield region, lines, widget.render_lines(lines.translate(-region.offset))
                left = [part for part in left if not seen.contains_region(part)]
            if not left:
                return
