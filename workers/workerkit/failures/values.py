"""Local variables as bounded, typed trees, made without running a line of the worker's code.

Only exact or inherited built-in methods are called, through the built-in type (`dict.items(v)`), attributes are read
through the interpreter's own descriptors, and no `__repr__` is ever asked. So a hostile object can neither delay nor
falsify the record.

A node is a dictionary with `kind` and, by kind:

    literal   text                     None, True, Ellipsis ...
    number    text
    string    text, size?              size where text was cut
    bytes     text, size?
    sequence  type, size, items        list, tuple, deque ...
    set       type, size, items
    map       type, size, items        items are [key node, value node]
    object    type, items?, text?      items are [attribute name, value node]
    reference text                     a path to where the same object stands already
    cut       text                     why nothing more is told
    redacted  text                     why the value is hidden
"""

import collections
import dataclasses
import datetime
import decimal
import fractions
import gc
import ipaddress
import logging
import pathlib
import sys
import time
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from workerkit.failures.redact import Redactor

Node = dict[str, Any]

MAX_DEPTH = 5
"""Levels below a local variable."""
MAX_BREADTH = 25
"""Items kept of one container or object."""
MAX_NODES = 2_000
"""Nodes of one capture, over all frames."""
MAX_NODES_PER_LOCAL = 250
"""Nodes of one local variable; a forest must not take the place of its neighbours."""
MAX_STRING = 1_024
"""Characters kept of a string, and of bytes."""
MAX_SEEN = 16_384
"""Characters of it that are looked at, so that a secret which stands across the cut is seen whole."""
SHORT = 100
"""Characters of a text that is kept even when the budget is used up."""
MAX_NAME = 256
"""Characters of a name that tell whether it means a secret."""
MAX_LOCALS = 50
"""Local variables kept of one frame."""
MAX_TIME = 0.020
"""Seconds of the processor for the walk of one capture; what is left then is cut. A busy machine costs no values."""

# Types are compared by identity throughout: hash() and == would ask a metaclass, which may be the worker's.
_SAFE_REPR: frozenset[int] = frozenset(
    id(cls)
    for cls in (
        *(datetime.date, datetime.timedelta, decimal.Decimal, fractions.Fraction, uuid.UUID, range, complex, slice),
        *(pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath, zoneinfo.ZoneInfo),
        *(ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network),
    )
)
"""Exact types whose repr is the interpreter's or the standard library's, short, and runs nobody else's code."""
_SAFE_ZONES: frozenset[int] = frozenset(map(id, (type(None), datetime.timezone, zoneinfo.ZoneInfo)))
_SEQUENCES: tuple[type, ...] = (list, tuple, collections.deque)
_SETS: tuple[type, ...] = (set, frozenset)
_CALLABLES: tuple[type, ...] = (
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type),
    *(types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType, types.CodeType, types.FrameType),
)

_CALLABLE_IDS = frozenset(map(id, _CALLABLES))
_NAMED = _CALLABLES[:2]

# The interpreter's own, past anything that a metaclass puts over them.
mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
class_dict: Callable[[type], Mapping[str, Any]] = type.__dict__["__dict__"].__get__


class Walk:
    """Turns values into nodes until its budget of nodes and time is used up. One for each capture."""

    def __init__(self, redactor: Redactor, clock: Callable[[], float] = time.thread_time) -> None:
        self._redactor = redactor
        self._clock = clock
        self._end = clock() + MAX_TIME
        self._left = MAX_NODES
        self._allowance = MAX_NODES_PER_LOCAL
        self._seen: dict[int, str] = {}

    def locals(self, variables: object) -> list[list[Any]]:
        """The local variables of one frame: [name, node] each, dunder names left out."""
        if type(variables) is not dict:
            return []
        self._seen = {}
        names = [name for name in _copy(variables, MAX_LOCALS * 4) if type(name) is str and not name.startswith("__")]
        found: list[list[Any]] = []
        for name in names[:MAX_LOCALS]:
            self._allowance = MAX_NODES_PER_LOCAL
            found.append([name, self._named(name, variables.get(name), name, 0)])
        if len(variables) > len(found) and len(names) > MAX_LOCALS:
            found.append(["…", _cut(f"{len(names) - MAX_LOCALS} more variables")])
        return found

    def _named(self, name: str, value: object, path: str, depth: int) -> Node:
        """A value under a name that may tell that it is secret."""
        if (why := self._redactor.reason_for_name(name)) and value is not None and type(value) is not bool:
            return {"kind": "redacted", "text": why, "type": type_name(type(value))}
        return self._node(value, path, depth)

    def _node(self, value: object, path: str, depth: int) -> Node:
        cut = self._over_budget()
        # Of a plain variable everybody wants to know the value, whatever a neighbour has cost.
        if cut is not None and (depth > 0 or _is_long(value)):
            return cut
        scalar = self._scalar(value, type(value))
        return scalar or cut or self._compound(value, type(value), path, depth)

    def _over_budget(self) -> Node | None:
        self._left -= 1
        self._allowance -= 1
        if self._left < 0:
            return _cut(f"{MAX_NODES:,} values were kept")
        if self._clock() > self._end:
            return _cut(f"{MAX_TIME * 1000:g} ms were spent")
        if self._allowance < 0:
            return _cut(f"{MAX_NODES_PER_LOCAL:,} values of one variable were kept")
        return None

    def _scalar(self, value: Any, cls: type) -> Node | None:
        """The node of a value without parts; None for any other."""
        if value is None or cls is bool or value is Ellipsis or value is NotImplemented:
            return {"kind": "literal", "text": repr(value)}
        if issubclass(cls, str):
            return self._string(value)  # issubclass(), since isinstance() would ask the object
        if issubclass(cls, int | float):
            return _number(value, cls)
        if issubclass(cls, bytes | bytearray):
            return self._bytes(value, cls)
        if (text := _well_known(value, cls)) is not None:
            return {"kind": "object", "type": type_name(cls), "text": self._redactor.text(text)[:MAX_STRING]}
        return None

    def _string(self, value: str) -> Node:
        size = str.__len__(value)
        text = self._redactor.bounded(str.__getitem__(value, slice(0, MAX_SEEN)), MAX_STRING)
        return {"kind": "string", "text": text, **({"size": size} if size > MAX_STRING else {})}

    def _bytes(self, value: Any, cls: type) -> Node:
        base = bytes if issubclass(cls, bytes) else bytearray
        size = base.__len__(value)
        raw = bytes(base.__getitem__(value, slice(0, MAX_SEEN)))
        text = raw.decode("utf-8", "surrogateescape")
        clean = self._redactor.bounded(text, MAX_STRING)
        if not text.startswith(clean):
            clean = clean.replace("‹", "<").replace("›", ">")  # as bytes they would be read by nobody
        shown = repr(clean.encode("utf-8", "surrogateescape"))[:MAX_STRING]
        return {"kind": "bytes", "text": shown, **({"size": size} if size > MAX_STRING else {})}

    def _compound(self, value: Any, cls: type, path: str, depth: int) -> Node:
        if (where := self._seen.get(id(value))) is not None:
            return {"kind": "reference", "text": self._redactor.text(where), "type": type_name(cls)}
        self._seen[id(value)] = path
        try:
            if cls is types.MappingProxyType:
                value, cls = _behind(value), dict
            if issubclass(cls, dict):
                node = {"kind": "map", "type": type_name(cls), "size": dict.__len__(value)}
                return self._fill(node, depth, lambda: self._pairs(value, path, depth))
            if (found := _container(cls)) is not None:
                kind, base = found
                node = {"kind": kind, "type": type_name(cls), "size": base.__len__(value)}
                return self._fill(node, depth, lambda: self._items(base.__iter__(value), path, depth, _names(cls)))
            attributes = _attributes(value, cls)
        except RuntimeError:
            return {"kind": "object", "type": type_name(cls), "items": [], "cut": "it changed while it was looked at"}
        node = {"kind": "object", "type": type_name(cls)}
        if not attributes:
            return node
        hidden = _hidden(cls)
        return self._fill(node, depth, lambda: self._fields(attributes, hidden, path, depth), size=len(attributes))

    def _fill(self, node: Node, depth: int, items: Callable[[], list[Any]], size: int | None = None) -> Node:
        total = node.get("size", 0) if size is None else size
        if depth >= MAX_DEPTH and total:
            return {**node, "items": [], "cut": f"deeper than {MAX_DEPTH} levels"}
        node["items"] = items()
        if total > len(node["items"]):
            node["cut"] = f"{total - len(node['items']):,} more"
        return node

    def _pairs(self, value: dict[Any, Any], path: str, depth: int) -> list[Any]:
        pairs = []
        for key, item in islice(dict.items(value), MAX_BREADTH):
            exact = _as_name(key)
            step = f"{path}[{_key_text(key)}]"
            key_node = self._node(key, f"{path}.<key>", depth + 1)
            node = self._named(exact, item, step, depth + 1) if exact is not None else self._node(item, step, depth + 1)
            pairs.append([key_node, node])
        return pairs

    def _items(self, values: Iterable[Any], path: str, depth: int, names: tuple[str, ...] = ()) -> list[Any]:
        """The items of a container. One may be named: as a field, or by the item before it.

        `("Authorization", "...")` is how libraries keep headers, `["--password", "..."]` how programs are called.
        """
        kept = list(islice(values, MAX_BREADTH + 1))
        nodes: list[Node] = []
        for place, item in enumerate(kept[:MAX_BREADTH]):
            name = names[place] if place < len(names) else None
            before = _as_name(kept[place - 1]) if place else None
            if name is None and before is not None and (len(kept) == 2 or before.startswith("-")):
                name = before
            nodes.append(self._named(name or "", item, f"{path}[{place}]", depth + 1))
        return nodes

    def _fields(self, attributes: Mapping[str, Any], hidden: frozenset[str], path: str, depth: int) -> list[Any]:
        return [
            [name, _HIDDEN if name in hidden else self._named(name, item, f"{path}.{name}", depth + 1)]
            for name, item in islice(attributes.items(), MAX_BREADTH)
        ]


def _is_long(value: Any) -> bool:
    """Whether it is a text so long that looking for secrets in it would cost something."""
    cls = type(value)
    if issubclass(cls, str):
        return str.__len__(value) > SHORT
    if issubclass(cls, bytes):
        return bytes.__len__(value) > SHORT
    return issubclass(cls, bytearray) and bytearray.__len__(value) > SHORT


def _as_name(value: Any) -> str | None:
    """A key, or an item, as the name that it may be; read without running code of the worker's."""
    cls = type(value)
    if issubclass(cls, str):
        return str.__getitem__(value, slice(0, MAX_NAME))
    if issubclass(cls, bytes):
        return bytes(bytes.__getitem__(value, slice(0, MAX_NAME))).decode("latin-1")
    return None


def _names(cls: type) -> tuple[str, ...]:
    """The fields of a named tuple."""
    fields = next((class_dict(base)["_fields"] for base in mro_of(cls) if "_fields" in class_dict(base)), None)
    return fields if type(fields) is tuple and all(type(field) is str for field in fields) else ()


def _hidden(cls: type) -> frozenset[str]:
    """The fields that a dataclass keeps out of its own repr; a secret is often one of them."""
    for base in mro_of(cls):
        fields = class_dict(base).get("__dataclass_fields__")
        if type(fields) is dict:
            kept = [(name, field) for name, field in dict.items(fields) if type(field) is dataclasses.Field]
            return frozenset(name for name, field in kept if field.repr is False)
    return frozenset()


def _container(cls: type) -> tuple[str, Any] | None:
    """The kind of node for a built-in container, and the built-in type whose methods read it."""
    for kind, bases in (("sequence", _SEQUENCES), ("set", _SETS)):
        for base in bases:
            if issubclass(cls, base):
                return kind, base
    return None


def _behind(proxy: "types.MappingProxyType[Any, Any]") -> dict[Any, Any]:
    """The dictionary that a read-only view shows; empty where it shows another mapping, whose methods are not ours."""
    return next((found for found in gc.get_referents(proxy) if issubclass(type(found), dict)), {})


def _attributes(value: Any, cls: type) -> dict[str, Any]:
    """The instance's own attributes: its dictionary and its slots, past any property or __getattr__."""
    found: dict[str, Any] = {}
    if issubclass(cls, _CALLABLES):
        return found
    for base in mro_of(cls):
        for name, member in class_dict(base).items():
            if type(member) is types.MemberDescriptorType:
                try:
                    found.setdefault(name, member.__get__(value))
                except AttributeError:
                    continue
            elif name == "__dict__" and type(member) is types.GetSetDescriptorType:
                own = member.__get__(value)
                if type(own) is dict:
                    found.update((key, own[key]) for key in _copy(own, MAX_BREADTH * 2) if type(key) is str)
    return found


def _copy(source: dict[Any, Any], most: int) -> list[Any]:
    """Some keys of a dictionary that another thread may change meanwhile."""
    try:
        return list(islice(dict.keys(source), most))
    except RuntimeError:
        return []


def _number(value: Any, cls: type) -> Node:
    if issubclass(cls, float):
        return {"kind": "number", "text": float.__repr__(value)}
    bits = int.bit_length(value)
    text = int.__repr__(value) if bits <= 4096 else f"an integer of {bits:,} bits"
    return {"kind": "number", "text": text, **({} if cls is int else {"type": type_name(cls)})}


def _well_known(value: Any, cls: type) -> str | None:
    """The short text of exact types that are known to be harmless."""
    if id(cls) in _SAFE_REPR:
        return repr(value)
    if cls is datetime.datetime or cls is datetime.time:
        return repr(value) if id(type(value.tzinfo)) in _SAFE_ZONES else cls.__name__
    if id(cls) in _CALLABLE_IDS:
        return _callable_text(value)
    if issubclass(cls, logging.Logger):
        name = _attributes(value, cls).get("name")  # of all else it leads to every other logger
        return name if type(name) is str else None
    return _array_text(value, cls)


def _callable_text(value: Any) -> str | None:
    if type(value) is types.MethodType:
        value = value.__func__
    if type(value) is types.ModuleType:
        namespace: dict[str, Any] = types.ModuleType.__getattribute__(value, "__dict__")
        name = namespace.get("__name__")
        return name if type(name) is str else None
    if type(value) is type:
        return type_name(value)
    name = getattr(value, "__qualname__", None) if issubclass(type(value), _NAMED) else None
    return name if type(name) is str else None


def _array_text(value: Any, cls: type) -> str | None:
    """Shape and type of numpy arrays, pandas frames and series; their repr would be slow and large."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and cls is getattr(numpy, "ndarray", None):
        return f"shape {value.shape}, {value.dtype}" if value.dtype.kind != "V" else f"shape {value.shape}"
    if pandas is not None and cls is getattr(pandas, "DataFrame", None):
        return f"{value.shape[0]} rows x {value.shape[1]} columns"
    if pandas is not None and cls is getattr(pandas, "Series", None):
        return f"{value.shape[0]} values of {value.dtype}"
    return None


def type_name(cls: type) -> str:
    """`module.Name`, past any metaclass; builtins without their module."""
    name = type.__dict__["__qualname__"].__get__(cls)
    module = class_dict(cls).get("__module__")
    return f"{module}.{name}" if type(module) is str and module not in ("builtins", "__main__") else str(name)


def _key_text(key: object) -> str:
    if type(key) is str:
        return repr(key[:40])
    return repr(key) if any(type(key) is plain for plain in (int, bool, float)) else type_name(type(key))


_HIDDEN: Node = {"kind": "redacted", "text": "its class keeps it out of its repr"}


def _cut(why: str) -> Node:
    return {"kind": "cut", "text": why}
