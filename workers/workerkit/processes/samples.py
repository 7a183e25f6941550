"""A child's answer to where it stands, checked in every part: the child may answer what it likes."""

from collections.abc import Iterator
from typing import Any

from workerkit.failures.frames import MAX_FRAMES, MAX_SOURCE_LINE, SOURCE_CONTEXT
from workerkit.processes.protocol import Frame, ProtocolError
from workerkit.stacks import MAX_CHILDREN, MAX_TREE_NODES, SAMPLES

MAX_DEPTH = 16
"""Tasks that wait for tasks that wait."""
MAX_STACKS = 400
"""Stacks of one answer, children included."""
_MAX_PATH = 4096
_MAX_NAME = 600
_MAX_LINE_NUMBER = 2**31


def read_stack(frame: Frame) -> dict[str, Any]:
    """`label`, `frames`, `note`, `children`, and of a sampled one `samples` and `tree`, as stacks.describe() has them.

    Raises:
        ProtocolError: it is something else. What is merely more than there can be is cut.
    """
    data = _mapping(frame.get("data"))
    answer = _stack(data, 0, [MAX_STACKS])
    if "samples" in data:
        answer["samples"] = _whole(data["samples"], SAMPLES)
        answer["tree"] = _tree(data.get("tree"), 0, [MAX_TREE_NODES])
    return answer


def sampled_once(stack: dict[str, Any]) -> dict[str, Any]:
    """A stack that was looked at once, in the form of a sampled one."""
    tree: list[dict[str, Any]] = []
    for frame in reversed(stack["frames"]):
        text = next((text for number, text in frame["source"] if number == frame["line"]), "")
        place = {key: frame[key] for key in ("file", "line", "function", "own")}
        tree = [{**place, "text": text.strip(), "count": 1, "below": tree}]
    return {**stack, "samples": 1, "tree": tree}


def where(answer: dict[str, Any]) -> str:
    """Where most of the samples were, in one sentence."""
    ends = list(_ends(answer.get("tree", [])))
    if not ends:
        return answer.get("note") or "nothing can be seen of it"
    count, node = max(ends, key=lambda end: end[0])
    name = str(node["file"]).rpartition("/")[2]
    return f"{count} of {answer['samples']} samples in {node['function']}, {name}:{node['line']}"


def _ends(nodes: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Places that were innermost in so many samples."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        pending += node["below"]
        if (own := node["count"] - sum(below["count"] for below in node["below"])) > 0:
            yield own, node


def _stack(data: dict[str, Any], depth: int, budget: list[int]) -> dict[str, Any]:
    children = _items(data.get("children"), MAX_CHILDREN) if depth < MAX_DEPTH else []
    budget[0] -= len(children)
    if budget[0] < 0:
        children = []
    return {
        "label": _text(data.get("label"), _MAX_NAME),
        "frames": [_frame(_mapping(frame)) for frame in _items(data.get("frames"), MAX_FRAMES)],
        "note": None if data.get("note") is None else _text(data["note"], _MAX_NAME),
        "children": [_stack(_mapping(child), depth + 1, budget) for child in children],
    }


def _frame(data: dict[str, Any]) -> dict[str, Any]:
    frame = {
        **_place(data),
        "module": None if data.get("module") is None else _text(data["module"], _MAX_NAME),
        "columns": None,
        "source": [_source_line(line) for line in _items(data.get("source"), 2 * SOURCE_CONTEXT + 1)],
    }
    if data.get("source_note") is not None:
        frame["source_note"] = _text(data["source_note"], _MAX_NAME)
    return frame


def _source_line(line: Any) -> list[Any]:
    match line:
        case [number, text]:
            return [_whole(number, _MAX_LINE_NUMBER), _text(text, MAX_SOURCE_LINE)]
        case _:
            raise ProtocolError("a line of source has another form")


def _place(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "file": _text(data.get("file"), _MAX_PATH),
        "line": _whole(data.get("line") or 0, _MAX_LINE_NUMBER),
        "function": _text(data.get("function"), _MAX_NAME),
        "own": data.get("own") is True,
    }


def _tree(data: Any, depth: int, budget: list[int]) -> list[dict[str, Any]]:
    nodes = [_mapping(node) for node in _items(data, MAX_TREE_NODES)]
    budget[0] -= len(nodes)
    if budget[0] < 0 or depth > MAX_FRAMES:
        raise ProtocolError("a tree of samples is larger than there can be")
    return [
        {
            **_place(node),
            "text": _text(node.get("text"), MAX_SOURCE_LINE),
            "count": _whole(node.get("count"), SAMPLES),
            "below": _tree(node.get("below"), depth + 1, budget),
        }
        for node in nodes
    ]


def _mapping(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise ProtocolError("a stack has another form")
    return value


def _items(value: Any, limit: int) -> list[Any]:
    if type(value) is not list or len(value) > limit:
        raise ProtocolError(f"a stack has a list of another form, or of more than {limit} parts")
    return value


def _text(value: Any, limit: int) -> str:
    if type(value) is not str:
        raise ProtocolError("a stack has no text where one belongs")
    return value[:limit]


def _whole(value: Any, limit: int) -> int:
    if type(value) is not int or not 0 <= value <= limit:
        raise ProtocolError(f"a stack has a number beyond {limit:,}")
    return value
