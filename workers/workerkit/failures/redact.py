"""Keeps secrets out of what is stored: by the name of a value, by what a text looks like, and by secrets known.

It fails closed: a doubtful name hides its value, and the reader is told that and why. Every pattern's quantifiers are
bounded, so that no text takes more than linear time.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus

SECRET_WORDS = frozenset(
    {
        *("password", "passwd", "passphrase", "pwd", "secret", "token", "auth", "authorization", "cookie", "cookies"),
        *("session", "csrf", "jwt", "dsn", "credential", "credentials", "apikey", "privatekey", "otp", "passcode"),
    }
)
"""One of these as the last telling word of a name hides its value."""
SECRET_PAIRS = frozenset(
    {
        ("api", "key"),
        ("private", "key"),
        ("client", "secret"),
        ("database", "url"),
        ("access", "key"),
        ("secret", "key"),
        ("signing", "key"),
        ("encryption", "key"),
        ("redis", "url"),
        ("broker", "url"),
        ("connection", "string"),
    }
)
"""Two such words in a row hide the value too."""
SECRET_ENDINGS = ("password", "passwd", "secret", "token", "apikey", "credentials")
"""Endings of words that were written together, such as PGPASSWORD and csrfmiddlewaretoken."""
PLURAL_OF = {"tokens": frozenset({"access", "auth", "api", "refresh", "bearer", "secret", "session"})}
"""`max_tokens` is a number; `access_tokens` are secrets."""
NEUTRAL_WORDS = frozenset(
    {
        *("value", "values", "header", "headers", "string", "str", "text", "id", "key", "data", "raw", "bytes", "old"),
        *("new", "my", "the", "b64", "hash", "jar", "dict", "json", "b", "s"),
    }
)
"""May stand behind a secret word without changing what the name means; any other word does: token_count is a count."""
FOLDERS = frozenset({"PWD", "OLDPWD"})
"""Variables in which every shell keeps folders; what they hold is no password."""
MIN_KNOWN_SECRET = 6
"""Characters; a shorter value of an environment variable would be found everywhere by chance."""
MIN_KNOWN_LINE = 16
"""Characters of one line of a secret that has several, such as a key; it is found where it stands alone."""
MAX_TEXT = 65_536
"""Characters that are searched; a longer text is cut before."""
MARGIN = 512
"""See Redactor.margin, which is as much at least."""

_WORD = re.compile(r"[A-Z]{2,64}(?![a-z])|[A-Z]?[a-z]{1,64}|\d{1,64}")

_SERVICE_TOKEN = "|".join(
    (
        r"xox[abeoprs]-[\w-]{8,255}",
        r"sk-[\w-]{16,255}",
        r"(?:sk|rk|pk)_(?:live|test)_\w{10,255}",
        r"npm_\w{30,255}",
        r"pypi-[\w-]{30,255}",
        r"hf_\w{20,255}",
        r"SG\.[\w-]{16,255}\.[\w-]{16,255}",
    )
)
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "private key",
        re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.{0,16384}?(?:-----END [A-Z ]{0,40}-----|\Z)", re.DOTALL),
    ),
    ("JSON web token", re.compile(r"\beyJ[\w-]{5,4096}\.[\w-]{2,8192}(?:\.[\w-]{0,4096})?")),
    ("cloud key", re.compile(r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b")),
    ("cloud key", re.compile(r"\bAIza[\w-]{35}")),
    ("forge token", re.compile(r"\b(?:gh[opusr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|glpat-[\w-]{16,255})")),
    ("service token", re.compile(rf"\b(?:{_SERVICE_TOKEN})")),
)
_LOOKS_LIKE_ONE = re.compile("|".join(f"(?s:{pattern.pattern})" for _, pattern in _PATTERNS))
"""Whether it is worth to search for each of them."""
_USERINFO = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{1,30}://)[^\s/@:'\"]{0,256}:(?P<password>[^\s/@'\"]{1,1024})@", re.IGNORECASE
)
_SCHEME = re.compile(r"\b(?P<scheme>Bearer|Basic|Token)(?P<gap>\s{1,8})[A-Za-z0-9+/=._~-]{8,4096}", re.IGNORECASE)
_NETLOC = re.compile(r"(?!mailto:)[^\s/@:'\"]{0,256}:(?P<password>[^\s/@'\"]{1,1024})@[\w.-]{1,253}(?::\d{1,5})?")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_][\w.-]{0,80}\\{0,4}['\"]?\s{0,8}[=:]\s{0,8}")
_VALUE = re.compile(
    r"\\{1,4}['\"][^'\"\\\n]{1,4096}"
    r"|[bru]{0,2}(?:'[^'\n]{1,4096}'?|\"[^\"\n]{1,4096}\"?)"
    r"|[^\s,;&'\"(){}\[\]]{1,4096}"
)
_HEADER = re.compile(r"(?:set-)?cookie|(?:proxy-)?authorization", re.IGNORECASE)
"""Headers whose whole line is secret: it has several parts, of which any may be the one that matters."""
_REST_OF_LINE = re.compile(r"(?!\\{0,4}['\"])[^\n]{1,4096}")
_REDACTED_ALREADY = re.compile(r"(?:\w{1,20}\s{1,8})?‹redacted: [^›]{1,40}›\s*")
_OPTION = re.compile(r"(?<![\w-])(?P<option>--?[A-Za-z][\w-]{1,80})(?P<gap>\s{1,8})[^\s'\"‹-][^\s'\"]{0,4096}")
_WORD_AT_START = re.compile(r"\w{1,20}(?![\w.-])")
_ANNOTATIONS = frozenset({"str", "bytes", "int", "bool", "float", "Any", "None", "object", "dict", "list"})
"""What stands behind a name and a colon where it is a type, not a value."""


def mark(why: str) -> str:
    """What stands in a secret's place."""
    return f"‹redacted: {why}›"


_KNOWN = mark("known secret")


def words_of(name: str) -> list[str]:
    """The words of an identifier, lower case: `dbPassword`, `DB_PASSWORD` and `db-password` alike."""
    return [word.lower() for word in _WORD.findall(name[:256])]


class Redactor:
    """Decides what is secret. Immutable and safe from any thread.

    Args:
        names: further names whose values are secret, as a worker declares them.
        environment: whose variables with secret names give the known secrets; the process's own by default.
    """

    def __init__(self, names: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> None:
        self._names = frozenset(name.lower() for name in names)
        self.reason_for_name = lru_cache(maxsize=4096)(self._reason)
        """Why a value of this name must not be kept, or None."""
        known = {
            form
            for name, value in (os.environ if environment is None else environment).items()
            if name not in FOLDERS and self.reason_for_name(name)
            for form in _forms(value)
        }
        # The longest first, so that a secret which contains another goes as a whole.
        ordered = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self.margin = max(MARGIN, len(ordered[0]) if ordered else 0)
        """Characters looked at beyond a cut, so that a secret which stands across it is seen whole before it is cut."""
        self.source = lru_cache(maxsize=4096)(self.text)
        """text() for lines of source, of which the same few are asked for again and again."""

    def _reason(self, name: str) -> str | None:
        if name.lower() in self._names:
            return "declared secret"
        words = words_of(name)
        while words and (words[-1] in NEUTRAL_WORDS or words[-1].isdigit()) and tuple(words[-2:]) not in SECRET_PAIRS:
            words.pop()
        if not words:
            return None
        last = words[-1]
        if last in SECRET_WORDS or last.endswith(SECRET_ENDINGS) or tuple(words[-2:]) in SECRET_PAIRS:
            return "its name"
        if last in PLURAL_OF and PLURAL_OF[last] & set(words[:-1]):
            return "its name"
        return None

    def text(self, text: str) -> str:
        """The text with whatever looks like a secret replaced. Idempotent."""
        text = text[:MAX_TEXT]
        if self._known is not None:
            text = self._known.sub(_KNOWN, text)
        if _LOOKS_LIKE_ONE.search(text):
            for why, pattern in _PATTERNS:
                text = pattern.sub(mark(why), text)
        if text.isalnum():
            return text  # all that follows needs a sign of some kind
        if "@" in text and _NETLOC.fullmatch(text):
            user, _, rest = text.partition(":")
            text = f"{user}:{mark('URL credentials')}@{rest.rpartition('@')[2]}"
        if "://" in text:
            text = _USERINFO.sub(lambda m: f"{m['scheme']}{mark('URL credentials')}@", text)
        text = _SCHEME.sub(lambda m: f"{m['scheme']}{m['gap']}{mark('credentials')}", text)
        if "-" in text:
            text = _OPTION.sub(self._option, text)
        return self._assignments(text) if "=" in text or ":" in text else text

    def bounded(self, text: str, limit: int) -> str:
        """The same in at most `limit` characters; a secret that stands across the cut does not show its beginning."""
        seen = limit + self.margin
        clean = self.text(text[:seen])
        if len(text) <= seen:
            return clean[:limit]
        kept = min(limit, max(0, len(clean) - self.margin))
        return clean[:kept] or mark("a secret, and what stood behind it")[:limit]

    def _option(self, found: re.Match[str]) -> str:
        """`--password VALUE` of a command line."""
        why = self.reason_for_name(found["option"])
        return f"{found['option']}{found['gap']}{mark(why)}" if why else found[0]

    def _assignments(self, text: str) -> str:
        """Hides the values of secret names in `name=value`, `name: value`, `"name": "value"`."""
        pieces: list[str] = []
        done = 0
        for found in _NAME.finditer(text):
            if found.start() < done:
                continue
            name = found[0].rstrip("=:'\" \t\n\r\\")
            why = self.reason_for_name(name)
            value = _value_of(name, found, text) if why else None
            if why is None or value is None or _is_annotation(found[0], value[0]):
                continue
            if _REDACTED_ALREADY.fullmatch(value[0]) or "‹redacted" in value[0].partition(" ")[0]:
                continue
            pieces += [text[done : found.end()], mark(why)]
            done = value.end()
        return "".join([*pieces, text[done:]])


def _forms(value: str) -> Iterator[str]:
    """How a known secret may stand in a text: as it is, escaped, as part of a URL, and of a longer one each line."""
    value = value.strip()
    lines = value.splitlines()
    whole = [value] if len(value) >= MIN_KNOWN_SECRET else []
    for part in [*whole, *(line for line in map(str.strip, lines[1:] and lines) if len(line) >= MIN_KNOWN_LINE)]:
        yield from {part, repr(part)[1:-1], json.dumps(part)[1:-1], quote(part), quote(part, safe=""), quote_plus(part)}


def _value_of(name: str, found: re.Match[str], text: str) -> re.Match[str] | None:
    """What stands behind a name; of a header all of it."""
    if _HEADER.fullmatch(name) and found[0].rstrip().endswith(":"):
        rest = _REST_OF_LINE.match(text, found.end())
        if rest is not None and not _is_annotation(found[0], rest[0]):
            return rest
    return _VALUE.match(text, found.end())


def _is_annotation(name: str, value: str) -> bool:
    word = _WORD_AT_START.match(value)
    return name.rstrip().endswith(":") and word is not None and word[0] in _ANNOTATIONS
