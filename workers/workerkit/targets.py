"""What a TARGET on the command line means: a file, a folder or a dotted module, with an optional `:name` in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from workerkit.errors import TargetError

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_SKIPPED_FILES = frozenset({"setup.py", "conftest.py"})
"""Files that live in project folders and do harm when imported: one exits, the other is pytest's."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where workers are to be found. Exactly one of `path` (absolute) and `module` is set."""

    text: str
    path: Path | None = None
    module: str | None = None
    attribute: str | None = None
    """The manager, worker object, class or worker name asked for; None: whatever it offers."""


def parse_target(text: str, folder: Path | None = None) -> Target:
    """Reads a TARGET; relative paths start at `folder` (default: the current one). Runs no code of the target's.

    What exists as a path is a path; else what is spelled like one (`.py`, a separator) must exist; else it is a module.

    Raises:
        TargetError: when a path does not exist, or the text is neither a path nor a module's name.
    """
    folder = folder or Path.cwd()
    for location, attribute in _splits(text):
        path = folder / Path(location).expanduser()
        if location and path.exists():
            return Target(text, path=_usable(path.resolve(), text), attribute=attribute)
    location, attribute = _first_split(text)
    if location.endswith((".py", ".toml")) or "/" in location or "\\" in location:
        raise TargetError(f"there is no file or folder {location!r}{_near(folder / location)}; give one that exists")
    if not _MODULE.fullmatch(location):
        raise TargetError(f"{text!r} is no target; give a Python file, a folder, or a module such as 'package.jobs'")
    return Target(text, module=location, attribute=attribute)


def files_in(folder: Path) -> list[Path]:
    """The modules that a folder offers, sorted: its own `__init__.py`, its files, and packages one level down.

    Names that begin with `_`, `.` or `test_` are left out, as are setup.py and conftest.py.
    """
    found = [folder / "__init__.py"] if (folder / "__init__.py").is_file() else []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("_", ".", "test_")) or path.name in _SKIPPED_FILES:
            continue
        if path.suffix == ".py" and path.is_file():
            found.append(path)
        elif (path / "__init__.py").is_file():
            found.append(path / "__init__.py")
    return found


def _splits(text: str) -> Iterator[tuple[str, str | None]]:
    """The ways to cut `location:name`, longest location first: both a path and a worker's name may hold colons."""
    yield text, None
    end = len(text)
    while (end := text.rfind(":", 0, end)) > 0:
        yield text[:end], text[end + 1 :] or None


def _first_split(text: str) -> tuple[str, str | None]:
    start = 2 if re.match(r"[A-Za-z]:[\\/]", text) else 0
    colon = text.find(":", start)
    return (text, None) if colon < 0 else (text[:colon], text[colon + 1 :] or None)


def _usable(path: Path, text: str) -> Path:
    if path.is_dir() or path.suffix == ".py":
        return path
    raise TargetError(f"{text!r} is no Python file; give a .py file, a folder, or a module such as 'package.jobs'")


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_dir() or entry.suffix == ".py"]
    except OSError:
        return ""
    matches = get_close_matches(path.name, names, n=1)
    return f" (did you mean {matches[0]!r}?)" if matches else ""
