"""A capture as the classic traceback text, for the clipboard, logs and pipes."""

from collections.abc import Iterator
from typing import Any

_BRIDGES = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
}


def plain(capture: dict[str, Any]) -> str:
    """The traceback as Python prints it: causes first, the exception that left run() last. Never raises.

    The capture may come from a database that somebody else wrote: what has not its right shape is left out.
    """
    if reason := capture.get("corrupt"):
        return f"(this capture can't be read: {reason})"
    lines: list[str] = []
    exceptions = _dicts(capture.get("exceptions"))
    if exceptions:
        lines.extend(_chain(exceptions, 0))
    stack = capture.get("stack")
    if isinstance(stack, dict):
        lines.append(f"Where it stood ({stack.get('label', 'its stack')}):")
        lines.extend(_frames(stack.get("frames")))
    if note := capture.get("note"):
        lines.append(str(note))
    return "\n".join(lines)


def _chain(exceptions: list[dict[str, Any]], number: int) -> Iterator[str]:
    # Children stand behind their parents, so following only later entries ends even where somebody wrote a circle.
    later = [
        (place, entry) for place, entry in enumerate(exceptions) if place > number and entry.get("parent") == number
    ]
    for place, entry in later:
        if (bridge := _BRIDGES.get(str(entry.get("relation")))) is not None:
            yield from _chain(exceptions, place)
            yield from ("", bridge, "")
    entry = exceptions[number]
    if entry.get("frames"):
        yield "Traceback (most recent call last):"
        yield from _frames(entry["frames"])
    if entry.get("cut"):
        yield f"  [{entry['cut']}]"
    yield f"{entry.get('type')}: {entry['message']}" if entry.get("message") else str(entry.get("type"))
    notes = entry.get("notes")
    yield from (str(note) for note in (notes if isinstance(notes, list) else ()))
    members = [place for place, entry in later if entry.get("relation") == "member"]
    for count, place in enumerate(members, 1):
        yield f"  +---------------- {count} ----------------"
        yield from (f"  | {line}" for line in _chain(exceptions, place))


def _frames(frames: Any) -> Iterator[str]:
    for frame in _dicts(frames):
        yield f'  File "{frame.get("file")}", line {frame.get("line")}, in {frame.get("function")}'
        source = frame.get("source")
        for line in source if isinstance(source, list) else ():
            if isinstance(line, list) and len(line) == 2 and line[0] == frame.get("line") and str(line[1]).strip():
                yield f"    {str(line[1]).strip()}"


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
