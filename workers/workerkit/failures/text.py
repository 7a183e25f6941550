"""A capture as the classic traceback text, for the clipboard, logs and pipes."""

from collections.abc import Iterator
from typing import Any

_BRIDGES = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
}


def plain(capture: dict[str, Any]) -> str:
    """The traceback as Python prints it: causes first, the exception that left run() last."""
    if reason := capture.get("corrupt"):
        return f"(this capture can't be read: {reason})"
    lines: list[str] = []
    exceptions = capture.get("exceptions") or []
    if exceptions:
        lines.extend(_chain(exceptions, 0))
    if stack := capture.get("stack"):
        lines.append(f"Where it stood ({stack.get('label', 'its stack')}):")
        lines.extend(_frames(stack.get("frames") or []))
    if note := capture.get("note"):
        lines.append(str(note))
    return "\n".join(lines)


def _chain(exceptions: list[dict[str, Any]], number: int) -> Iterator[str]:
    for other, entry in enumerate(exceptions):
        if entry.get("parent") == number and other > number and entry.get("relation") in _BRIDGES:
            yield from _chain(exceptions, other)
            yield from ("", _BRIDGES[entry["relation"]], "")
    entry = exceptions[number]
    if entry.get("frames"):
        yield "Traceback (most recent call last):"
        yield from _frames(entry["frames"])
    if entry.get("cut"):
        yield f"  [{entry['cut']}]"
    yield f"{entry.get('type')}: {entry['message']}" if entry.get("message") else str(entry.get("type"))
    yield from (str(note) for note in entry.get("notes") or [])
    members = [n for n, e in enumerate(exceptions) if e.get("parent") == number and e.get("relation") == "member"]
    for place, member in enumerate(members, 1):
        yield f"  +---------------- {place} ----------------"
        yield from (f"  | {line}" for line in _chain(exceptions, member))


def _frames(frames: list[dict[str, Any]]) -> Iterator[str]:
    for frame in frames:
        yield f'  File "{frame.get("file")}", line {frame.get("line")}, in {frame.get("function")}'
        for number, text in frame.get("source") or []:
            if number == frame.get("line") and text.strip():
                yield f"    {text.strip()}"
