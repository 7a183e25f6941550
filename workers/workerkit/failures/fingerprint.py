"""Which failures are one: a hash of what a person would call the same fault, and the parts it was made of.

The parts are the exception's type, the last of the worker's own functions on the stack, and the source line of the
deepest of them; the same for what caused it. No line numbers, no paths, no message: these differ between two
occurrences of one fault, or between two releases.
"""

import hashlib
import io
import json
import tokenize
from typing import Any

from workerkit.outcome import Fingerprint

OWN_FUNCTIONS = 5
"""Of the worker's own functions, the innermost so many tell where it failed."""


def fingerprint(capture: dict[str, Any], kind: str, own: str | None = None) -> Fingerprint:
    """The fingerprint of a capture. `kind` is the failure's kind; `own` is what the worker calls it, if it does."""
    if own is not None:
        return _made_of([f"named by the worker: {own}"])
    exceptions = capture.get("exceptions") or []
    if not exceptions:
        frames = (capture.get("stack") or {}).get("frames") or []
        # Without an exception the message tells it: which host died, which limit was passed, is not part of the fault.
        ending = capture.get("ending")
        return _made_of([kind, *([ending] if isinstance(ending, str) else []), *_place(frames)])
    parts = [kind, *_exception(exceptions, 0)]
    cause = next((n for n, e in enumerate(exceptions) if e.get("parent") == 0 and e.get("relation") == "cause"), None)
    if cause is not None:
        parts += ["caused by", *_exception(exceptions, cause)]
    return _made_of(parts)


def _exception(exceptions: list[dict[str, Any]], number: int) -> list[str]:
    entry = exceptions[number]
    members = sorted(
        {
            _made_of(_exception(exceptions, other)).digest
            for other, member in enumerate(exceptions)
            if member.get("parent") == number and member.get("relation") == "member" and other > number
        }
    )
    return [str(entry.get("type")), *_place(entry.get("frames") or []), *(f"member {digest}" for digest in members)]


def _place(frames: list[dict[str, Any]]) -> list[str]:
    """The innermost functions, the worker's own where there are any, repeats collapsed; and the deepest source line."""
    chosen = [frame for frame in frames if frame.get("own")] or frames
    functions: list[str] = []
    for frame in chosen:
        name = f"{frame.get('module') or '?'}:{frame.get('function')}"
        if not functions or functions[-1] != name:
            functions.append(name)
    source = _source_line(chosen[-1]) if chosen else ""
    return [*functions[-OWN_FUNCTIONS:], *([source] if source else [])]


def _source_line(frame: dict[str, Any]) -> str:
    for number, text in frame.get("source") or []:
        if number == frame.get("line"):
            return normalise(text)
    return ""


def normalise(line: str) -> str:
    """A source line without spacing, comments, and the values of numbers and strings."""
    words: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(line.strip()).readline):
            if token.type in (tokenize.COMMENT, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER):
                continue
            if token.type == tokenize.NUMBER:
                words.append("0")
            elif token.type == tokenize.STRING:
                words.append("''")
            else:
                words.append(token.string)
    except (tokenize.TokenError, SyntaxError):
        # One line of a longer statement: what came before the end is good enough.
        words = words or line.split()
    return " ".join(word for word in words if word.strip())


def _made_of(parts: list[str]) -> Fingerprint:
    digest = hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()
    return Fingerprint(digest, tuple(parts))
