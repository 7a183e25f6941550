"""What differs between two failures of one group: the local variables where they failed, and the message."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workerconsole.captures import Capture, Frame
from workerconsole.text import clean
from workerconsole.traces import traces
from workerconsole.values import Part, Value, is_of_kit, one_line

NAMED = 3
"""So many differences are told in the one line above a traceback."""
MAX_DIFFERENCES = 50
SHOWN = 24
"""Characters of a value in a sentence."""
NOTHING = "nothing"
KIT_PARTS = (".params", ".state")
"""Of the kit's own objects only these belong to the worker; the rest differs from run to run and means nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is another one now; both as short text."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A failure beside the one before it in its group."""

    run_id: int
    """Of the one before."""
    differences: tuple[Difference, ...]
    message: tuple[str, str] | None
    """The two messages where they differ."""
    compared: bool
    """Both kept variables, so that no difference means something."""

    @property
    def same(self) -> bool:
        """Whether nothing differs that could be compared."""
        return not self.differences and self.message is None

    def sentence(self) -> str:
        """`only page differs from run 12: 411, now 412`."""
        told = _without_echoes(self.differences)
        if not told:
            return self._without_variables()
        shown = [f"{item.path}: {item.before}, now {item.after}" for item in told[:NAMED]]
        if len(told) == 1:
            path, _, rest = shown[0].partition(": ")
            return f"only {path} differs from run {self.run_id}: {rest}"
        more = f" · and {len(told) - NAMED} more" if len(told) > NAMED else ""
        return f"differs from run {self.run_id} in {' · '.join(shown)}{more}"

    def _without_variables(self) -> str:
        if self.message is not None:
            before, after = (clean(text, 60) for text in self.message)
            return f"the message differs from run {self.run_id}: “{before}”, now “{after}”"
        same = "also its variables" if self.compared else "their variables were not kept"
        return f"the same as run {self.run_id}, {same}"


def compare(before: Capture, after: Capture, run_id: int) -> Comparison:
    """What the later of two failures has otherwise. `run_id` is the earlier one's."""
    old, new = (traces(capture, "")[0] for capture in (before, after))
    old_frame, new_frame = old.start, new.start
    found: list[Difference] = []
    compared = False
    if old_frame is not None and new_frame is not None and _same_place(old_frame, new_frame):
        compared = all(any(_tells(part.value) for part in frame.variables) for frame in (old_frame, new_frame))
        if old_frame.variables and new_frame.variables:
            found = list(_between(old_frame.variables, new_frame.variables))[:MAX_DIFFERENCES]
    message = (old.message, new.message) if old.message != new.message else None
    return Comparison(run_id, tuple(found), message, compared)


def _tells(value: Value) -> bool:
    """Whether there is anything in it to compare."""
    return value.kind not in ("cut", "redacted") and not is_of_kit(value)


def _same_place(old: Frame, new: Frame) -> bool:
    return (old.file, old.function) == (new.file, new.function)


def _between(old: Sequence[Part], new: Sequence[Part]) -> Iterator[Difference]:
    before: Mapping[str, Value] = {part.name: part.value for part in old}
    for part in new:
        if part.name in before:
            yield from _differing(part.name, before[part.name], part.value)
        elif part.value.kind != "cut":
            yield Difference(part.name, NOTHING, one_line(part.value, SHOWN))


def _differing(path: str, old: Value, new: Value) -> Iterator[Difference]:
    if (old.kind, old.type) != (new.kind, new.type):
        yield Difference(path, one_line(old, SHOWN), one_line(new, SHOWN))
    elif new.kind in ("cut", "redacted", "reference"):
        # What was not kept can't be compared; where the same object stands is no matter of its value.
        return
    elif not (old.parts or new.parts) or new.kind == "set" or old.size != new.size:
        if _leaf(old) != _leaf(new):
            yield Difference(path, one_line(old, SHOWN), one_line(new, SHOWN))
    else:
        yield from _between_parts(path, old, new)


def _leaf(value: Value) -> object:
    return value.text, value.size, tuple(sorted(one_line(part.value, 200) for part in value.parts))


def _between_parts(path: str, old: Value, new: Value) -> Iterator[Difference]:
    before = {part.step: part.value for part in old.parts if part.step}
    of_the_kit = is_of_kit(new)
    for part in new.parts:
        if not part.step or (of_the_kit and part.step not in KIT_PARTS):
            continue
        where = path + part.step
        if part.step in before:
            yield from _differing(where, before[part.step], part.value)
        elif not old.cut:
            yield Difference(where, NOTHING, one_line(part.value, SHOWN))
    kept = {part.step for part in new.parts}
    for part in old.parts:
        if part.step and part.step not in kept and not new.cut and not of_the_kit:
            yield Difference(path + part.step, one_line(part.value, SHOWN), NOTHING)


def _without_echoes(found: Sequence[Difference]) -> list[Difference]:
    """The differences without those that say again what a plainer path has said: `page`, and not `params['page']`."""
    ordered = sorted(found, key=lambda item: item.path.count("[") + item.path.count("."))
    told: dict[tuple[str, str], Difference] = {}
    for item in ordered:
        told.setdefault((item.before, item.after), item)
    return list(told.values())
