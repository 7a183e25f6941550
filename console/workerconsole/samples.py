"""The samples of a live stack as the screen reads them: typed, bounded and clean, whatever the stored JSON is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workerconsole.captures import Stack, read_stack
from workerconsole.text import clean

MAX_NODES = 1_000
"""Places of one tree; the host keeps as many."""
MAX_CHILDREN = 20
MAX_DEPTH = 100
"""Levels read of what is stored; a deeper one is not ours."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the tree of samples."""

    file: str
    line: int
    function: str
    own: bool
    text: str
    """The source line."""
    count: int
    """Samples that passed through it."""
    level: int
    """How far it is indented: only where samples part does the tree go deeper."""
    deepest: bool
    """Nothing was called from here in any sample."""


@dataclass(frozen=True, slots=True)
class Samples:
    """All that one answer to a `stack` command tells beside the last stack."""

    count: int
    """How many looks there were; 0 where the answer holds none."""
    places: tuple[Place, ...]
    """Outermost first, in the order in which they are drawn."""
    children: tuple[Stack, ...]
    """Tasks that it waits for, theirs included."""


def read_samples(data: object) -> Samples:
    """The samples in the data of a `stack` command. Never raises."""
    fields = data if isinstance(data, Mapping) else {}
    budget = [MAX_NODES]
    places = tuple(_places(_dicts(fields.get("tree")), 0, 0, budget))
    return Samples(_natural(fields.get("samples")), places, tuple(_children(fields, [MAX_CHILDREN], 0)))


def _places(nodes: Sequence[Mapping[str, Any]], level: int, depth: int, budget: list[int]) -> Iterator[Place]:
    if depth > MAX_DEPTH:
        return
    parting = len(nodes) > 1
    for node in nodes:
        if budget[0] <= 0:
            return
        budget[0] -= 1
        here = level + 1 if parting else level
        below = _dicts(node.get("below"))
        yield Place(
            file=clean(node.get("file"), 1000) or "?",
            line=_natural(node.get("line")),
            function=clean(node.get("function"), 200) or "?",
            own=node.get("own") is True,
            text=clean(node.get("text"), 200),
            count=_natural(node.get("count")),
            level=here,
            deepest=not below,
        )
        yield from _places(below, here, depth + 1, budget)


def _children(fields: Mapping[str, Any], budget: list[int], depth: int) -> Iterator[Stack]:
    if depth > MAX_DEPTH:
        return
    for child in _dicts(fields.get("children")):
        if budget[0] <= 0:
            return
        budget[0] -= 1
        yield read_stack(child)
        yield from _children(child, budget, depth + 1)


def _dicts(value: object) -> Sequence[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, (list, tuple)) else ()


def _natural(value: object) -> int:
    return value if type(value) is int and 0 <= value < 10**9 else 0
