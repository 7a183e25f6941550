"""Objects that want to delay, break or falsify whoever looks at them. Each is made by a function of no arguments."""

import collections
import enum
import sys
import threading
import time
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any


def _bomb(*_args: Any, **_kwargs: Any) -> Any:
    """What must never be called."""
    raise SystemExit("the worker's own code was run")


def _with(base: Any, **members: Any) -> Callable[[], Any]:
    """An object of a subclass whose methods are all traps."""

    def make() -> Any:
        cls: Any = type("Hostile", (base,), members)
        return base.__new__(cls)

    return make


def _meta(**members: Any) -> Callable[[], Any]:
    def make() -> Any:
        meta: Any = type("Meta", (type,), members)
        return object.__new__(meta("Hostile", (), {}))

    return make


def _deep(levels: int) -> Any:
    nested: Any = "bottom"
    for _ in range(levels):
        nested = [nested]
    return nested


def _cycle() -> Any:
    first: dict[str, Any] = {}
    second = {"first": first}
    first["second"] = second
    return first


def _bush() -> Any:
    """Twenty levels of two references each to the level below: a million paths, twenty objects."""
    level: Any = "leaf"
    for _ in range(20):
        level = [level, level]
    return level


def _forest() -> Any:
    return [[[{"k": [0] * 100} for _ in range(100)] for _ in range(100)] for _ in range(5)]


def _growing() -> Any:
    """A dictionary that another thread changes all the time."""
    shared: dict[int, int] = {}
    end = time.monotonic() + 0.2

    def grow() -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            shared[number % 1000] = number
            shared.pop((number * 7) % 1000, None)

    threading.Thread(target=grow, daemon=True).start()
    return shared


class _Slots:
    __slots__ = ("__weakref__", "filled", "never_filled")

    def __init__(self) -> None:
        self.filled = 1


class _Descriptor:
    def __get__(self, instance: object, owner: object) -> Any:
        _bomb()


def _hidden_class() -> Any:
    members = {"__class__": property(_bomb), "__dict__": property(_bomb)}
    return type("Hidden", (), members)()


def _list_in_itself() -> Any:
    items: list[Any] = []
    items.append(items)
    return items


class _Weird(enum.IntFlag):
    ONE = 1

    def __repr__(self) -> str:
        return str(_bomb())


def _generator() -> Iterator[int]:
    yield _bomb()


_ALL = dict.fromkeys(
    (
        *("__repr__", "__str__", "__bytes__", "__format__", "__hash__", "__eq__", "__bool__", "__len__", "__iter__"),
        *("__getitem__", "__contains__", "__getattr__", "__getattribute__", "__dir__", "__sizeof__", "__reduce__"),
        *("__reduce_ex__", "__length_hint__", "__index__", "__int__", "__float__", "__missing__", "__reversed__"),
        *("__next__", "__call__", "__instancecheck__", "__subclasshook__", "items", "keys", "values", "get"),
    ),
    _bomb,
)

HOSTILE: dict[str, Callable[[], Any]] = {
    "a metaclass with __hash__ and __eq__": _meta(__hash__=_bomb, __eq__=_bomb),
    "a metaclass that hides its __mro__ and __dict__": _meta(__mro__=property(_bomb), __dict__=property(_bomb)),
    "a metaclass with a false module": _meta(__module__=property(_bomb)),
    "a text that is no key": _with(str, __hash__=_bomb, __eq__=_bomb, startswith=_bomb, lower=_bomb),
    "everything is a trap": _with(object, **_ALL),
    "a dict of traps": _with(dict, **_ALL),
    "a list of traps": _with(list, **_ALL),
    "a tuple of traps": _with(tuple, **_ALL),
    "a set of traps": _with(set, **_ALL),
    "a frozenset of traps": _with(frozenset, **_ALL),
    "a str of traps": _with(str, **_ALL),
    "bytes of traps": _with(bytes, **_ALL),
    "a bytearray of traps": _with(bytearray, **_ALL),
    "an int of traps": _with(int, **_ALL),
    "a float of traps": _with(float, **_ALL),
    "a deque of traps": _with(collections.deque, **_ALL),
    "an OrderedDict of traps": _with(collections.OrderedDict, **_ALL),
    "a Counter of traps": _with(collections.Counter, **_ALL),
    "an exception of traps": _with(Exception, **_ALL),
    "a module of traps": _with(types.ModuleType, **_ALL),
    "a metaclass whose instances lie about their kind": _meta(__instancecheck__=_bomb, __subclasscheck__=_bomb),
    "a metaclass without attributes": _meta(__getattribute__=_bomb),
    "a metaclass with a false name": _meta(__name__=property(_bomb), __qualname__="x"),
    "a metaclass with a false order of bases": _meta(__mro__=property(_bomb), mro=type.mro),
    "a class of a metaclass": lambda: type("Meta", (type,), {"__repr__": _bomb, "__getattribute__": _bomb})(
        "C", (), {}
    ),
    "a false __class__ and __dict__": _hidden_class,
    "a property that explodes": type("P", (), {"value": property(_bomb)}),
    "a descriptor that explodes": type("D", (), {"value": _Descriptor()}),
    "slots, one of them empty": _Slots,
    "a dictionary that is an attribute": type("A", (), {"__dict__": {"x": _bomb}}),
    "an enum with a repr of its own": lambda: _Weird.ONE,
    "a cycle": _cycle,
    "a list in itself": _list_in_itself,
    "a hundred thousand levels": lambda: _deep(100_000),
    "a bush of shared references": _bush,
    "a forest of a million items": _forest,
    "a dictionary that changes meanwhile": _growing,
    "a gigabyte of text, nearly": lambda: "x" * 50_000_000,
    "a large number": lambda: 10**100_000,
    "a huge integer subclass": lambda: type("I", (int,), {"__repr__": _bomb})(10**10_000),
    "a million numbers": lambda: list(range(1_000_000)),
    "a dictionary with odd keys": lambda: {(1, 2): 3, None: 4, frozenset({5}): 6, 7.5: 8, b"9": 10},
    "keys that are traps": lambda: {_with(str, __repr__=_bomb, __str__=_bomb)(): 1},
    "names that are no strings": lambda: type("N", (), {})().__dict__ | {"1 + 1": 2, "": 3},
    "lone surrogates and controls": lambda: "\ud800\x1b]52;c;aGk=\x07\0\u202e",
    "not a number": lambda: [float("nan"), float("inf"), -0.0],
    "a weak reference that is dead": lambda: weakref.ref(_Slots()),
    "a lock that is held": threading.Lock,
    "a running generator": _generator,
    "the modules": lambda: sys.modules,
    "the builtins": lambda: __builtins__,
    "a frame": sys._getframe,
    "a memory view": lambda: memoryview(b"x" * 1_000_000),
    "a mapping proxy": lambda: types.MappingProxyType(_cycle()),
    "a bound method of a trap": lambda: types.MethodType(_bomb, _with(object, **_ALL)()),
    "a partial": lambda: __import__("functools").partial(_bomb, 1),
    "the type of types": lambda: type,
    "a date with a zone of its own": lambda: __import__("datetime").datetime(
        2026, 1, 1, tzinfo=type("Z", (__import__("datetime").tzinfo,), {"__repr__": _bomb, "utcoffset": _bomb})()
    ),
}
