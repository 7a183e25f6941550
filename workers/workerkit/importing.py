"""Importing code that may do anything: raise, exit, recurse, or never come back.

The import runs on a thread of its own, with a deadline. So a module that hangs costs a thread and not the host, and
a KeyboardInterrupt that the module raises is told from the operator's Ctrl+C, which only reaches the main thread.
What a module prints while it is imported goes to stderr: stdout belongs to the command's data. It finds stdin empty:
the keys belong to the operator, and exit() closes sys.stdin before it raises.
"""

import hashlib
import importlib
import importlib.util
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import TypeVar

LOAD_DEADLINE = 30.0
"""Seconds that one module may take to import; heavy libraries need a few, a hanging connection needs for ever."""
_MAX_TEXT = 64 * 1024
"""Characters of a kept traceback."""

_OURS = ("<frozen ", *(f"{Path(file).parent}{os.sep}" for file in (__file__, importlib.__file__)))
"""How the file names of frames begin that led to the user's code, or out of it, and say nothing about it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """Why code did not load: the text for people, and path:line of the place, where one is known."""

    text: str
    place: str | None = None


def guarded(work: Callable[[], T], deadline: float = LOAD_DEADLINE) -> T | LoadFailure:
    """Runs `work` on its own daemon thread; whatever it raises, or its absence, comes back as a LoadFailure."""
    results: list[T | LoadFailure] = []

    def body() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 -- a module may raise anything, also SystemExit
            results.append(describe(error))

    thread = threading.Thread(target=body, name="workerkit-loading", daemon=True)
    with redirect_stdout(sys.stderr), empty_stdin():
        thread.start()
        thread.join(deadline)
    return results[0] if results else _hung(thread, deadline)


@contextmanager
def empty_stdin() -> Iterator[None]:
    """sys.stdin is at its end inside, and may be closed."""
    before = sys.stdin
    with Path(os.devnull).open(encoding="utf-8") as empty:
        sys.stdin = empty
        try:
            yield
        finally:
            sys.stdin = before


def import_file(path: Path) -> ModuleType:
    """Imports a Python file as Python itself would: by its own name, its folder (or its package's root) on sys.path.

    Where that name already means something else (a `json.py`, two `workers.py` in two folders) the module gets
    a name of its own, made of the file's name and a hash of its path.
    """
    root, name = _natural_name(path)
    _put_on_path(root)
    importlib.invalidate_caches()
    if name and _resolves_to(name, path):
        return importlib.import_module(name)
    stem = path.parent.name if path.name == "__init__.py" else path.stem
    return _import_under(f"{stem}_{hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()}", path)


def import_named(name: str) -> ModuleType | None:
    """Imports a dotted module, the current folder first on the path as `python -m` has it. None: it doesn't exist."""
    _put_on_path(Path.cwd())
    importlib.invalidate_caches()
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        prefix = ".".join(parts[:count])
        try:
            spec = importlib.util.find_spec(prefix)
        except ModuleNotFoundError as error:
            if error.name != prefix:
                raise
            return None
        if spec is None:
            return None
    return importlib.import_module(name)


def describe(error: BaseException) -> LoadFailure:
    """The traceback as Python prints it, without the frames of ours that led there."""
    printed = traceback.TracebackException.from_exception(error)
    place = _place(error, printed)
    _cut_our_frames(printed)
    text = "".join(printed.format()).rstrip()
    if isinstance(error, SystemExit):
        text += "\nIt called exit() while it was imported; guard such a call with `if __name__ == '__main__':`."
    if len(text) > _MAX_TEXT:
        half = _MAX_TEXT // 2
        text = f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
    return LoadFailure(text, place)


def _natural_name(path: Path) -> tuple[Path, str]:
    """The folder to put on sys.path and the dotted name there; packages are followed up to their root."""
    parts = [] if path.name == "__init__.py" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, "" if any("." in part for part in parts) else ".".join(parts)


def _put_on_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _resolves_to(name: str, path: Path) -> bool:
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:
        return False
    return spec is not None and bool(spec.origin) and Path(str(spec.origin)).resolve() == path


def _import_under(name: str, path: Path) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be imported as Python", path=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _place(error: BaseException, printed: traceback.TracebackException) -> str | None:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"
    for frame in reversed(printed.stack):
        if not _is_ours(frame.filename):
            return f"{frame.filename}:{frame.lineno}"
    return None


def _is_ours(filename: str) -> bool:
    return filename.startswith(_OURS)


def _cut_our_frames(printed: traceback.TracebackException) -> None:
    seen: set[int] = set()
    waiting: list[traceback.TracebackException | None] = [printed]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.stack[:] = [frame for frame in one.stack if not _is_ours(frame.filename)]
        waiting += [one.__cause__, one.__context__, *(one.exceptions or ())]


def _hung(thread: threading.Thread, deadline: float) -> LoadFailure:
    frame: FrameType | None = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 -- the public way to a thread's stack
    stack = traceback.extract_stack(frame) if frame else traceback.StackSummary()
    theirs = [entry for entry in stack if not _is_ours(entry.filename) and entry.filename != threading.__file__]
    last = theirs[-1] if theirs else None
    return LoadFailure(
        f"Its import did not end within {deadline:g} s and was left behind. It stands here:\n"
        + "".join(traceback.format_list(theirs)).rstrip()
        + "\nDo such work in run(ctx), where it has a timeout, and not while the module is imported.",
        f"{last.filename}:{last.lineno}" if last else None,
    )
