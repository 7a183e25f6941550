"""An exception as the interpreter has it, past whatever a subclass put over it, and what it is related to."""

from collections.abc import Iterator
from types import WrapperDescriptorType
from typing import Any

from workerkit.failures.values import class_dict, mro_of

_INERT = frozenset(map(id, (str, int, float, bool, bytes, type(None))))
"""Types of arguments whose text comes from the interpreter alone."""


def slot(owner: type, name: str, error: BaseException) -> Any:
    """The interpreter's own attribute, past any property that a subclass put over it."""
    return owner.__dict__[name].__get__(error)


def related(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """The members of a group, then what caused an exception, or else what was being handled."""
    # By type, not isinstance(): that would ask the object for its __class__.
    if issubclass(type(error), BaseExceptionGroup):
        for member in slot(BaseExceptionGroup, "exceptions", error):
            yield member, "member"
    if (cause := slot(BaseException, "__cause__", error)) is not None:
        yield cause, "cause"
    elif (context := slot(BaseException, "__context__", error)) is not None and not slot(
        BaseException, "__suppress_context__", error
    ):
        yield context, "context"


def is_inert(error: BaseException) -> bool:
    """Whether str(error) is the interpreter's own work on plain arguments."""
    own = next((names["__str__"] for names in map(class_dict, mro_of(type(error))) if "__str__" in names), None)
    if type(own) is not WrapperDescriptorType:
        return False
    return all(id(type(argument)) in _INERT for argument in slot(BaseException, "args", error))


def message_of(error: BaseException) -> str:
    """str(error), where that works; it is the user's code, so it may do anything."""
    try:
        return str.__str__(str(error))
    except BaseException as broken:  # noqa: BLE001 -- a __str__ may raise whatever it likes
        return f"<its __str__ raised {type(broken).__name__}>"
