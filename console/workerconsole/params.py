"""Parameters of a run, as an operator types them: one JSON object, or key=value pairs."""

import json
import shlex
from typing import Any


class ParamsError(ValueError):
    """What was typed can't be read as parameters; the text says where and why."""


def parse(text: str) -> dict[str, Any]:
    """Read `{"day": "2024-05-01", "full": true}` or `day=2024-05-01 full=true note="two words"`.

    A value of a pair is JSON where it reads as such (numbers, true, false, null, lists), else the text itself.

    Raises:
        ParamsError: with the place and the remedy.
    """
    text = text.strip()
    if not text:
        return {}
    return _json_object(text) if text.startswith(("{", "[")) else _pairs(text)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ParamsError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ParamsError("not readable: nested too deep") from None
    if not isinstance(value, dict):
        raise ParamsError('give an object, such as {"day": "2024-05-01"}')
    return value


def _pairs(text: str) -> dict[str, Any]:
    try:
        words = shlex.split(text)
    except ValueError:
        raise ParamsError("a quotation mark is not closed") from None
    params: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise ParamsError(f"'{word}' is not a pair; write key=value, or a JSON object")
        if key in params:
            raise ParamsError(f"'{key}' is given twice")
        params[key] = _value(value)
    return params


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(word: str) -> Any:
    # Python would read NaN and Infinity and write them back; no other reader of the database could.
    raise ParamsError(f"{word} is not a JSON number")
