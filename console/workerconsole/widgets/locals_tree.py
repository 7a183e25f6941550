"""The local variables of a call as a tree: each one a line, opened where one wants to see into it."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from workerconsole.value_paths import Place
from workerconsole.values import Part, Value, about, is_of_kit, one_line, pieces, quoted
from workerconsole.widgets.cursor_view import CursorView

MUTED, NOTE, HIDDEN = "$text-muted", "$text-warning", "$text-muted italic"
CLOSED, OPEN = "▸", "▾"
LONGEST_NAME = 18
"""Names up to this length stand in a column; a longer one pushes its value to the right."""
LEAST_VALUE = 12
"""Cells of a value before what stands behind it gives way."""
MAX_TEXT_LINES = 200


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One line: a part, a line of its text, or why parts are missing."""

    place: Place
    part: Part
    path: str
    """Empty where none leads here."""
    column: int
    """Cells of the names beside it."""
    text: str | None = None
    """A line of a long string, or the reason of a cut."""

    @property
    def depth(self) -> int:
        return len(self.place) - 1


def tree_rows(parts: Sequence[Part], opened: frozenset[Place], width: int) -> list[TreeRow]:
    """The lines of the tree, those of opened parts included."""
    return list(_rows(parts, (), "", opened, width))


def _rows(parts: Sequence[Part], above: Place, path: str, opened: frozenset[Place], width: int) -> Iterator[TreeRow]:
    column = min(max((cell_len(part.name) for part in parts), default=0), LONGEST_NAME)
    for number, part in enumerate(parts):
        here = (*above, number)
        # Below a part that no path leads to there is none either.
        where = path + part.step if part.step and (path or not above) else ""
        yield TreeRow(here, part, where, column)
        if here not in opened:
            continue
        if text := text_lines(part.value, width - 2 * len(here) - 4):
            yield from (TreeRow((*here, line), part, "", 0, piece) for line, piece in enumerate(text))
        yield from _rows(part.value.parts, here, where, opened, width)
        if part.value.cut:
            yield TreeRow((*here, len(part.value.parts)), part, "", 0, f"… {part.value.cut}")


def opens(part: Part, room: int) -> bool:
    """Whether there is more to see than `room` cells beside its name show."""
    value = part.value
    if value.kind in ("string", "bytes"):
        return "\n" in value.text or value.size is not None or len(one_line(value, room + 1)) > room
    return bool(value.parts or (value.cut and value.size))


def text_lines(value: Value, width: int) -> list[str]:
    """A long text in lines: by its own line breaks, and where it is wider than the view."""
    if value.kind not in ("string", "bytes"):
        return []
    width = max(20, width)
    found: list[str] = []
    for line in value.text.splitlines() if value.kind == "string" else [value.text]:
        shown = quoted(line)[1:-1] if value.kind == "string" else line
        found += [shown[start : start + width] for start in range(0, len(shown), width)] or [""]
    if value.size is not None:
        found.append(f"… {len(value.text):,} of {value.size:,} were kept")
    return found[:MAX_TEXT_LINES]


def opened_at_first(parts: Sequence[Part], width: int, height: int) -> frozenset[Place]:
    """What does not fit into its line is open from the start, as long as there is room for all of it."""
    column = min(max((cell_len(part.name) for part in parts), default=0), LONGEST_NAME)
    room, left = width - column - 6, height - len(parts) - 1
    found: set[Place] = set()
    for number, part in enumerate(parts):
        value = part.value
        needs = len(value.parts) + bool(value.cut)
        fits = len(one_line(value, room + 1)) <= room - cell_len(about(value)) - 2
        if value.parts and not fits and needs <= left and not is_of_kit(value):
            found.add((number,))
            left -= needs
    return frozenset(found)


class LocalsTree(CursorView):
    """The variables of one call. Space, enter and the arrows open and close; a reference leads to what it means."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._parts: Sequence[Part] = ()
        self._opened: frozenset[Place] = frozenset()
        self._rows: list[TreeRow] = []
        self._before: Mapping[str, str] = {}
        self._empty = ""

    @property
    def line_count(self) -> int:
        return len(self._rows) or 1

    @property
    def selected(self) -> TreeRow | None:
        """What is under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    def set_variables(self, parts: Sequence[Part], empty: str, before: Mapping[str, str]) -> None:
        """Show these; `empty` says why there are none. `before` holds the values of the failure before, by path,
        where they were others."""
        if parts is self._parts and empty == self._empty and before == self._before:
            return
        same = parts is self._parts
        self._parts, self._empty, self._before = parts, empty, before
        if not same:
            self._opened, self.cursor = opened_at_first(parts, self.width, self.size.height), 0
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self._arrange()

    def reveal(self, place: Place) -> None:
        """Open whatever hides a value, and put the cursor on it."""
        self._opened |= {place[:length] for length in range(1, len(place))}
        self._arrange(place)

    def toggle(self) -> None:
        """Open or close what is under the cursor."""
        row = self.selected
        if row is not None and row.text is None and opens(row.part, self._room(row)):
            self._opened ^= {row.place}
            self._arrange(row.place)

    def open_here(self) -> None:
        """Open what is under the cursor; when it is open, go into it."""
        row = self.selected
        if row is None or row.text is not None or not opens(row.part, self._room(row)):
            return
        if row.place in self._opened:
            self.move_by(1)
        else:
            self.toggle()

    def close_here(self) -> None:
        """Close what is under the cursor; when there is nothing to close, go to what it is part of."""
        row = self.selected
        if row is None:
            return
        if row.text is None and row.place in self._opened:
            self.toggle()
        elif len(row.place) > 1:
            self._arrange(row.place[:-1])

    def action_shift(self, cells: int) -> None:
        """The arrows to the sides open and close, where a list would scroll."""
        if cells > 0:
            self.open_here()
        else:
            self.close_here()

    def resized(self) -> None:
        self._arrange(self.selected.place if self.selected is not None else None)
        super().resized()

    def _arrange(self, place: Place | None = None) -> None:
        wanted = place if place is not None else (self.selected.place if self.selected is not None else None)
        self._rows = tree_rows(self._parts, self._opened, self.width)
        self.cursor = next((y for y, row in enumerate(self._rows) if row.place == wanted), 0)
        self.fit()
        self.redraw()
        self.bring_into_sight()
        self.post_message(self.Moved(self))

    def shows_cursor(self, y: int) -> bool:
        return bool(self._rows) and super().shows_cursor(y)

    def selectable(self, y: int) -> bool:
        return y < len(self._rows)

    def row_key(self, y: int) -> Hashable:
        if not self._rows:
            return self._empty
        row = self._rows[y]
        return row.place, row.text, row.place in self._opened, self._was(row)

    def row(self, y: int) -> Content:
        if not self._rows:
            return Content.styled(self._empty, MUTED)
        row = self._rows[y]
        indent = "  " * row.depth
        if row.text is not None:
            style = HIDDEN if row.text.startswith("…") else "$text-success"
            return Content.assemble(f"{indent}  ", (row.text, style)).truncate(self.width - 1, ellipsis=True)
        sign = (OPEN if row.place in self._opened else CLOSED) if opens(row.part, self._room(row)) else " "
        name = row.part.name.ljust(row.column)
        before = self._was(row)
        start = Content.assemble(
            indent, (f"{sign} ", MUTED), (name, "bold" if before is not None else ""), "  " if name else ""
        )
        room = self.width - 1 - start.cell_length
        return Content.assemble(start, self._value(row, before, room)).truncate(self.width - 1, ellipsis=True)

    def _room(self, row: TreeRow) -> int:
        """Cells of the line behind its name."""
        name = max(row.column, cell_len(row.part.name))
        return self.width - 1 - 2 * row.depth - 2 - (name + 2 if name else 0)

    def _was(self, row: TreeRow) -> str | None:
        """What the failure before had here; only a sign where it is another in a part that is not in sight."""
        if not row.path:
            return None
        if (before := self._before.get(row.path)) is not None:
            return f"≠ was {before}"
        inside = (f"{row.path}.", f"{row.path}[")
        return "≠" if row.place not in self._opened and any(p.startswith(inside) for p in self._before) else None

    def _value(self, row: TreeRow, before: str | None, room: int) -> Content:
        """The value, what kind of thing it is, and what it was in the failure before."""
        value = row.part.value
        opened = row.place in self._opened
        ends = [(f"  {text}", style) for text, style in ((about(value), MUTED), (before or "", NOTE)) if text]
        while ends and room - sum(cell_len(text) for text, _ in ends) < LEAST_VALUE:
            ends.pop(0)
        left = room - sum(cell_len(text) for text, _ in ends)
        # Opened, its parts stand below: the line need not say them again.
        body = [(_short(value), MUTED)] if opened and value.parts else pieces(value, left)
        return Content.assemble(Content.assemble(*body).truncate(max(0, left), ellipsis=True), *ends)


def _short(value: Value) -> str:
    return one_line(Value(value.kind, value.type, value.text, cut="open"), 60)
