"""An exception as plain bounded data: its chain, its groups, their frames with source. No object of the worker's stays.

The walk is our own, over the traceback's links and code positions: the standard library's and Rich's call the user's
`__repr__` and `__str__` on the way, and one hostile object would stall or falsify the record.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Any

from workerkit.failures.frames import Position, bounded, without_kit

MAX_EXCEPTIONS = 50
"""Exceptions kept of one failure: causes, contexts and members of groups together."""
MAX_MESSAGE = 4096
"""Characters kept of a message or a note."""
MAX_ERROR_LINE = 500
"""Characters of the one-line form that lists show."""
MAX_NOTES = 20
"""Notes kept of one exception."""


def capture_exception(error: BaseException) -> dict[str, Any]:
    """The whole failure as JSON-like data; see the module. Never raises."""
    exceptions: list[dict[str, Any]] = []
    capture: dict[str, Any] = {"version": 1, "exceptions": exceptions}
    pending: list[tuple[BaseException, str, int | None]] = [(error, "root", None)]
    seen: set[int] = set()
    while pending:
        current, relation, parent = pending.pop(0)
        if id(current) in seen:
            continue
        if len(exceptions) == MAX_EXCEPTIONS:
            capture["note"] = f"only the first {MAX_EXCEPTIONS} exceptions were kept"
            break
        seen.add(id(current))
        number = len(exceptions)
        exceptions.append(_one(current, relation, parent))
        pending.extend((other, how, number) for other, how in _related(current))
    return capture


def describe(error: BaseException) -> str:
    """`Type: message` on one line, as lists show it."""
    name = type(error).__name__
    message = " ".join(_message(error).split())
    return (f"{name}: {message}" if message else name)[:MAX_ERROR_LINE]


def _one(error: BaseException, relation: str, parent: int | None) -> dict[str, Any]:
    frames, cut = bounded(without_kit(_positions(_slot(BaseException, "__traceback__", error))))
    data: dict[str, Any] = {
        "type": _type_name(type(error)),
        "message": _message(error),
        "notes": _notes(error),
        "relation": relation,
        "parent": parent,
        "frames": frames,
    }
    if cut:
        data["cut"] = cut
    return data


def _related(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    # By type, not isinstance(): that would ask the object for its __class__.
    if issubclass(type(error), BaseExceptionGroup):
        for member in _slot(BaseExceptionGroup, "exceptions", error):
            yield member, "member"
    if (cause := _slot(BaseException, "__cause__", error)) is not None:
        yield cause, "cause"
    elif (context := _slot(BaseException, "__context__", error)) is not None and not _slot(
        BaseException, "__suppress_context__", error
    ):
        yield context, "context"


def _slot(owner: type, name: str, error: BaseException) -> Any:
    """The interpreter's own attribute, past any property that a subclass put over it."""
    return owner.__dict__[name].__get__(error)


def _positions(link: TracebackType | None) -> list[Position]:
    positions: list[Position] = []
    while link is not None:
        code = link.tb_frame.f_code
        positions.append((code, link.tb_lineno, _columns(link)))
        link = link.tb_next
    return positions


def _columns(link: TracebackType) -> tuple[int, int] | None:
    """The columns of the failing expression, where it stands on one line."""
    index = link.tb_lasti // 2
    for position, entry in enumerate(link.tb_frame.f_code.co_positions()):
        if position == index:
            start_line, end_line, start, end = entry
            return (start, end) if start_line == end_line and start is not None and end is not None else None
    return None


def _type_name(kind: type) -> str:
    module = type.__getattribute__(kind, "__module__")
    name = type.__getattribute__(kind, "__qualname__")
    return f"{module}.{name}" if isinstance(module, str) and module not in ("builtins", "__main__") else name


def _message(error: BaseException) -> str:
    """str(error), where that works; it is the user's code, so it may do anything."""
    try:
        return str(error)[:MAX_MESSAGE]
    except BaseException as broken:  # noqa: BLE001 -- a __str__ may raise whatever it likes
        return f"<its __str__ raised {type(broken).__name__}>"


def _notes(error: BaseException) -> list[str]:
    notes = _slot(BaseException, "__dict__", error).get("__notes__")
    if type(notes) is not list:
        return []
    return [note[:MAX_MESSAGE] if type(note) is str else f"<{type(note).__name__}>" for note in notes[:MAX_NOTES]]
