"""Paths to values: `order.items[3].qty`, `order['key']`. What an operator types, and where it leads."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from workerconsole.format import plural
from workerconsole.text import clean
from workerconsole.values import KEY_LENGTH, Part, Value, hidden_why, one_line, quoted

MAX_PATH = 400
"""Characters; no path that a person types is longer."""
MAX_HOPS = 10
"""References followed on one way; two that name each other would never end."""
NAMED = 6
"""So many of what there is are named where something is not."""

_NAME = re.compile(r"[^\W\d]\w*")
_SUBSCRIPT = re.compile(r"\[\s*(?P<key>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[-+]?[\w.]+)\s*\]")

Place = tuple[int, ...]
"""Where a value stands: the number of the variable, of its part, of that part's part ..."""


class PathError(Exception):
    """The text is no path, or it leads nowhere; the message says where it ends and what is there."""


@dataclass(frozen=True, slots=True)
class ValuePath:
    """A variable, and the steps from it: `.qty`, `[3]`, `['key']`."""

    root: str
    steps: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.root + "".join(self.steps)


def parse(text: str) -> ValuePath:
    """Read a path; a leading `=` is allowed.

    Raises:
        PathError: when it is none.
    """
    text = text.strip().removeprefix("=").strip()[:MAX_PATH]
    root = _NAME.match(text)
    if root is None:
        raise PathError("a path begins with the name of a variable, such as order.items[3].qty")
    place, steps = root.end(), []
    while place < len(text):
        if text[place] == "." and (name := _NAME.match(text, place + 1)):
            steps.append(f".{name[0]}")
            place = name.end()
        elif found := _SUBSCRIPT.match(text, place):
            steps.append(f"[{_key(found['key'])}]")
            place = found.end()
        else:
            said = clean(text[place:], 40)
            raise PathError(f"'{said}' is no step of a path; write .name, [3] or ['key']")
    return ValuePath(root[0], tuple(steps))


def looks_like_path(text: str) -> bool:
    """Whether the operator means a path: it begins with `=`, or is a name with a step behind it."""
    if text.lstrip().startswith("="):
        return True
    try:
        return bool(parse(text).steps)
    except PathError:
        return False


def _key(text: str) -> str:
    """A key as captures write it."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        # A bare word: somebody was too lazy for the quotation marks.
        value = text
    return quoted(value[:KEY_LENGTH]) if isinstance(value, str) else repr(value)


def resolve(path: ValuePath, variables: Sequence[Part], where: str = "this frame") -> Place:
    """Where the value of a path stands among these variables.

    Raises:
        PathError: when there is no such value; it says how far the path leads.
    """
    return _resolve(path, variables, where, MAX_HOPS)


def _resolve(path: ValuePath, variables: Sequence[Part], where: str, hops: int) -> Place:
    root = next((number for number, part in enumerate(variables) if part.name == path.root), None)
    if root is None:
        names = ", ".join(part.name for part in variables[:NAMED]) + (" …" if len(variables) > NAMED else "")
        there = f"; there are {names}" if names else "; no variables were kept"
        raise PathError(f"{where} has no variable {path.root}{there}")
    place: Place = (root,)
    value, gone = variables[root].value, path.root
    for number, step in enumerate(path.steps):
        if value.kind == "reference":
            rest = path.steps[number:]
            return _follow(value, rest, variables, where, hops)
        found = _part(value, step)
        if found is None:
            raise PathError(_nowhere(gone, step, value))
        place, value, gone = (*place, found), value.parts[found].value, gone + value.parts[found].step
    return place


def _follow(value: Value, rest: tuple[str, ...], variables: Sequence[Part], where: str, hops: int) -> Place:
    if hops == 0:
        raise PathError("the references go round in a circle")
    target = parse(value.text)
    return _resolve(ValuePath(target.root, target.steps + rest), variables, where, hops - 1)


def _part(value: Value, step: str) -> int | None:
    """The part that a step leads to. `.name` and `['name']` mean each other where only one of them is there."""
    other = f"[{quoted(step[1:])}]" if step.startswith(".") else f".{step[2:-2]}"
    for wanted in (step, other, _from_the_end(value, step)):
        for number, part in enumerate(value.parts):
            if wanted and part.step == wanted:
                return number
    return None


def _from_the_end(value: Value, step: str) -> str:
    if value.kind != "sequence" or not re.fullmatch(r"\[-\d{1,9}\]", step) or value.cut:
        return ""
    return f"[{len(value.parts) + int(step[1:-1])}]"


def _nowhere(gone: str, step: str, value: Value) -> str:
    if value.kind == "redacted":
        return f"{gone} is hidden: {hidden_why(value)}"
    if value.kind == "cut":
        return f"{gone} was not kept: {clean(value.text, 200)}"
    shown = step.removeprefix(".")
    if value.kind in ("sequence", "map", "set"):
        size, kept = value.size if value.size is not None else len(value.parts), len(value.parts)
        had = plural(size, "item")
        if value.kind == "map" and 0 < size <= NAMED and kept == size:
            had = "the keys " + ", ".join(part.name for part in value.parts)
        return f"{gone} has no {shown}; it has {had}" + (f", of which {kept:,} were kept" if kept < size else "")
    if value.parts:
        names = ", ".join(part.name for part in value.parts[:NAMED]) + (" …" if len(value.parts) > NAMED else "")
        return f"{gone} has no {shown}; it has {names}"
    return f"{gone} has no {shown}; it is {one_line(value, 40)}"
