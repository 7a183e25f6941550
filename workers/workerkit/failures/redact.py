"""Keeps secrets out of what is stored: by the name of a value, by what a text looks like, and by secrets known.

It fails closed: a doubtful name hides its value, and the reader is told that and why. Every pattern's quantifiers are
bounded, so that no text takes more than linear time.
"""

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

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
MIN_KNOWN_SECRET = 6
"""Characters; a shorter value of an environment variable would be found everywhere by chance."""
MAX_TEXT = 65_536
"""Characters that are searched; a longer text is cut before."""

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
_USERINFO = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{1,30}://)[^\s/@:'\"]{0,256}:(?P<password>[^\s/@'\"]{1,1024})@", re.IGNORECASE
)
_SCHEME = re.compile(r"\b(?P<scheme>Bearer|Basic|Token)(?P<gap>\s{1,8})[A-Za-z0-9+/=._~-]{8,4096}", re.IGNORECASE)
_NAME = re.compile(r"(?<![\w.-])[A-Za-z_][\w.-]{0,80}['\"]?\s{0,8}[=:]\s{0,8}")
_VALUE = re.compile(r"[bru]{0,2}(?:'[^'\n]{1,4096}'?|\"[^\"\n]{1,4096}\"?)|[^\s,;&'\"(){}\[\]]{1,4096}")
_ANNOTATIONS = frozenset({"str", "bytes", "int", "bool", "float", "Any", "None", "object", "dict", "list"})
"""What stands behind a name and a colon where it is a type, not a value."""


def mark(why: str) -> str:
    """What stands in a secret's place."""
    return f"‹redacted: {why}›"


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
        known = {
            value
            for name, value in (os.environ if environment is None else environment).items()
            if len(value) >= MIN_KNOWN_SECRET and not value.isspace() and self.reason_for_name(name)
        }
        # The longest first, so that a secret which contains another goes as a whole.
        ordered = sorted((re.escape(value) for value in known), key=len, reverse=True)
        self._known = re.compile("|".join(ordered)) if ordered else None
        self.source = lru_cache(maxsize=4096)(self.text)
        """text() for lines of source, of which the same few are asked for again and again."""

    def reason_for_name(self, name: str) -> str | None:
        """Why a value of this name must not be kept, or None."""
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
            text = self._known.sub(mark("known secret"), text)
        for why, pattern in _PATTERNS:
            text = pattern.sub(mark(why), text)
        if "://" in text:
            text = _USERINFO.sub(lambda m: f"{m['scheme']}{mark('URL credentials')}@", text)
        text = _SCHEME.sub(lambda m: f"{m['scheme']}{m['gap']}{mark('credentials')}", text)
        return self._assignments(text) if "=" in text or ":" in text else text

    def _assignments(self, text: str) -> str:
        """Hides the values of secret names in `name=value`, `name: value`, `"name": "value"`."""
        pieces: list[str] = []
        done = 0
        for found in _NAME.finditer(text):
            if found.start() < done:
                continue
            why = self.reason_for_name(found[0].rstrip("=:'\" \t"))
            value = _VALUE.match(text, found.end()) if why else None
            if why is None or value is None or "‹redacted" in value[0] or _is_annotation(found[0], value[0]):
                continue
            pieces += [text[done : found.end()], mark(why)]
            done = value.end()
        return "".join([*pieces, text[done:]])


def _is_annotation(name: str, value: str) -> bool:
    return name.rstrip().endswith(":") and value in _ANNOTATIONS
