"""Local variables of a stored failure as typed trees, and a value as one short line.

What kinds of nodes there are is told in workerkit.failures.values. Here they are read back: whatever does not fit is
left out, too much is cut, and every text is safe to draw.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workerconsole.format import plural
from workerconsole.text import clean

MAX_NODES = 4_000
"""Values read of one capture; captures keep 2,000, so this only stops what is not ours."""
MAX_DEPTH = 8
MAX_VARIABLES = 60
MAX_PARTS = 60
MAX_TEXT = 2_048
KEY_LENGTH = 40
"""Characters of a key that count in a path; captures write references with as many."""
PREVIEW_PARTS = 12
"""Values of a container that its one line begins with; more would not fit anyway."""

_KIT = "workerkit."

_LEAVES = frozenset({"literal", "number", "string", "bytes", "reference", "cut", "redacted"})
_CONTAINERS = frozenset({"sequence", "set", "map", "object"})

STRING, NUMBER, MUTED, HIDDEN = "$text-success", "$text-warning", "$text-muted", "$text-muted italic"

Piece = tuple[str, str]
"""Text and its style."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable, or a part of it, held."""

    kind: str
    """One of the kinds of workerkit.failures.values"""
    type: str = ""
    text: str = ""
    """As stored: a string's own characters, a reference's path, the reason of what is cut or hidden."""
    size: int | None = None
    """How much there was, where that is known: characters, bytes, or items."""
    parts: tuple["Part", ...] = ()
    cut: str = ""
    """Why parts are missing; empty where none are."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value by its name: a local variable, an attribute, an item."""

    name: str
    """How it is called beside its value; empty for members of a set."""
    step: str
    """What it adds to a path: `.qty`, `[3]`, `['key']`; empty where no path leads to it."""
    value: Value


def read_variables(data: object, budget: list[int] | None = None) -> tuple[Part, ...]:
    """The local variables of one frame. Never raises. `budget` holds how many values may still be read."""
    left = [MAX_NODES] if budget is None else budget
    found = []
    for entry in _list(data, MAX_VARIABLES):
        if isinstance(entry, (list, tuple)) and len(entry) == 2 and isinstance(entry[0], str):
            name = clean(entry[0], 200)
            found.append(Part(name, name, _value(entry[1], 0, left)))
    return tuple(found)


def _value(node: object, depth: int, left: list[int]) -> Value:
    left[0] -= 1
    if not isinstance(node, Mapping) or left[0] < 0:
        return Value("cut", text="not readable" if left[0] >= 0 else f"{MAX_NODES:,} values are shown")
    kind, size = node.get("kind"), node.get("size")
    if kind not in _LEAVES and kind not in _CONTAINERS:
        return Value("cut", text="a kind of value that this version does not know")
    text = node.get("text")
    value = Value(
        kind,
        type=clean(node.get("type"), 200),
        text=text[:MAX_TEXT] if isinstance(text, str) else "",
        size=size if type(size) is int and size >= 0 else None,
        cut=clean(node.get("cut"), 200),
    )
    items = _list(node.get("items"), MAX_PARTS)
    if kind in _LEAVES or not items:
        return value
    if depth == MAX_DEPTH:
        return Value(kind, value.type, value.text, value.size, cut=f"deeper than {MAX_DEPTH} levels")
    parts = tuple(_parts(kind, items, depth + 1, left))
    return Value(kind, value.type, value.text, value.size, parts, value.cut)


def _parts(kind: str, items: Sequence[Any], depth: int, left: list[int]) -> Iterator[Part]:
    for place, item in enumerate(items):
        if kind in ("sequence", "set"):
            ordered = kind == "sequence"
            yield Part(f"[{place}]" if ordered else "", f"[{place}]" if ordered else "", _value(item, depth, left))
        elif isinstance(item, (list, tuple)) and len(item) == 2:
            if kind == "map":
                key = _value(item[0], depth, left)
                yield Part(one_line(key, 200), key_step(key), _value(item[1], depth, left))
            else:
                name = clean(item[0], 200)
                yield Part(name, f".{name}", _value(item[1], depth, left))


def key_step(key: Value) -> str:
    """What an item of this key adds to a path; empty for keys that can't be written in one."""
    if key.kind == "string":
        return f"[{quoted(key.text[:KEY_LENGTH])}]"
    return f"[{clean(key.text, KEY_LENGTH)}]" if key.kind in ("number", "literal") else ""


def quoted(text: str) -> str:
    """A string as Python writes it: whatever can't be seen, or would harm a terminal, is spelled out."""
    return clean(repr(text), 4 * MAX_TEXT)


def one_line(value: Value, width: int) -> str:
    """The value in at most `width` characters."""
    return _cut("".join(text for text, _ in pieces(value, width)), width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"[:width]


def pieces(value: Value, room: int) -> list[Piece]:
    """The value on one line, as pieces with styles; about `room` characters of it, since more can't be seen."""
    found: list[Piece] = []
    for text, style in _pieces(value):
        found.append((text, style))
        room -= len(text)
        if room < 0:
            break
    return found


def _pieces(value: Value) -> Iterator[Piece]:
    kind = value.kind
    if kind == "string":
        yield quoted(value.text), STRING
    elif kind == "bytes":
        yield clean(value.text), STRING
    elif kind in ("number", "literal"):
        yield clean(value.text), NUMBER
    elif kind == "reference":
        yield f"→ {clean(value.text, 300)}", MUTED
    elif kind == "cut":
        yield f"… not kept: {clean(value.text, 300)}", HIDDEN
    elif kind == "redacted":
        yield f"hidden: {hidden_why(value)}", HIDDEN
    elif kind == "object" and value.text:
        yield _described(value), ""
    else:
        yield from _container_pieces(value)


def hidden_why(value: Value) -> str:
    """Why a redacted value is not told, in words."""
    why = clean(value.text, 100)
    return "its name says it is secret" if why == "its name" else why or "it looks secret"


def _described(value: Value) -> str:
    """An object by the short text that its type has: a date by its repr, an array by its shape."""
    text, name = clean(value.text, 500), value.type.rpartition(".")[2]
    return text if name in text.partition("(")[0] else f"<{name} {text}>"


def _container_pieces(value: Value) -> Iterator[Piece]:
    name = value.type.rpartition(".")[2] or value.kind
    if is_of_kit(value):
        # Of the kit's own objects a worker's author knows what is in them, and it would fill the line.
        yield f"{name}(…)", MUTED
        return
    opening, closing = _brackets(value.kind, name)
    if not value.parts:
        empty = not value.cut and not value.size
        yield (f"<{name}>" if value.kind == "object" and empty else f"{opening}{'' if empty else '…'}{closing}"), MUTED
        return
    yield opening, MUTED
    for place, part in enumerate(value.parts[:PREVIEW_PARTS]):
        if place:
            yield ", ", MUTED
        if value.kind == "map":
            yield f"{part.name}: ", MUTED
        elif value.kind == "object":
            yield f"{part.name}=", MUTED
        yield from _pieces(part.value)
    if value.cut or len(value.parts) > PREVIEW_PARTS:
        yield ", …", MUTED
    yield closing, MUTED


def is_of_kit(value: Value) -> bool:
    """Whether it is an object of workerkit's, such as the run's context."""
    return value.kind == "object" and value.type.startswith(_KIT)


def _brackets(kind: str, name: str) -> tuple[str, str]:
    if kind == "object":
        return f"{name}(", ")"
    plain = {"list": "[]", "tuple": "()", "set": "{}", "dict": "{}"}
    if name in plain:
        return plain[name][0], plain[name][1]
    inner = {"sequence": "[]", "map": "{}", "set": "{}"}[kind]
    return f"{name}({inner[0]}", f"{inner[1]})"


_UNITS = {"string": "character", "bytes": "byte"}


def about(value: Value) -> str:
    """Its type and how much there was, for the end of its line; empty where the value itself says it."""
    name = value.type.rpartition(".")[2]
    if value.kind in _UNITS:
        return plural(value.size, _UNITS[value.kind]) if value.size is not None else ""
    if value.kind in ("sequence", "set", "map"):
        return f"{name}, {value.size if value.size is not None else len(value.parts):,}"
    return name if value.kind == "number" or (value.kind == "redacted" and name) else ""


def lines_of(value: Value) -> tuple[str, ...]:
    """The lines of a string of several; empty for any other value."""
    if value.kind != "string" or "\n" not in value.text.rstrip("\n"):
        return ()
    return tuple(quoted(line)[1:-1] for line in value.text.splitlines())


def _list(value: object, limit: int) -> Sequence[Any]:
    return value[:limit] if isinstance(value, (list, tuple)) else ()
