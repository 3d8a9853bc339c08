"""Errors of msgspec for undecodable bytes, and listings that continue past undecodable records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from setpoint.errors import CorruptState

_T = TypeVar("_T")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""The wrong type or no JSON; text that is not UTF-8; JSON that is nested too deeply."""

_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`(?: - at `(?P<path>.*)`)?\Z", re.DOTALL)
_OTHER_TYPE = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`(?: - at `(?P<path>.*)`)?\Z", re.DOTALL)
_TYPES = {
    "str": "text",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "a time",
}
"""The decoder's names of types, as messages write them."""


def reason_of(error: Exception, parent: str = "") -> str:
    """Why JSON cannot be decoded, without the decoder's words: ``field `asset.name` is missing``.

    Args:
        error: one of ``UNREADABLE``.
        parent: the field that holds the JSON; empty for a whole document.
    """
    text = str(error)
    if isinstance(error, UnicodeDecodeError):
        return f"JSON is not UTF-8: {error.reason}"
    if isinstance(error, RecursionError):
        return "JSON is nested too deeply"
    if missing := _MISSING.match(text):
        return f"field `{_path(parent, missing['path'], missing['name'])}` is missing"
    if other := _OTHER_TYPE.match(text):
        path = _path(parent, other["path"])
        subject = f"field `{path}`" if path else "the JSON"
        return f"{subject} is {_types(other['got'])}, not {_types(other['wanted'])}"
    return text.replace("Input data was truncated", "the JSON ends early").replace("JSON is malformed", "invalid JSON")


def _path(parent: str, path: str | None, name: str = "") -> str:
    """A path in the decoder's notation, ``$.asset``, as the path of a field."""
    return ".".join(filter(None, (parent, (path or "").removeprefix("$").lstrip("."), name)))


def _types(names: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in names.split(" | "))


_DAMAGED = b"\0"


def stored_bytes(body: object) -> bytes:
    """The bytes of a record's body. An empty body, or one that is not text, is damaged: no decoder reads what it gives.

    Empty bytes stand for a record that is not there: a damaged one must not pass for that.
    """
    encoded = body.encode(errors="replace") if isinstance(body, str) else body
    return encoded if isinstance(encoded, bytes) and encoded else _DAMAGED


def readable(records: Iterable[_T | CorruptState], problems: list[CorruptState] | None = None) -> Iterator[_T]:
    """The readable records of a listing; one that cannot be read does not stop the others.

    Args:
        records: decoded records, or the errors of decoding.
        problems: takes the errors of records that cannot be read.

    Raises:
        CorruptState: at the end, without ``problems``: some records cannot be read; the error names the first.
    """
    unread: list[CorruptState] = [] if problems is None else problems
    for record in records:
        if isinstance(record, CorruptState):
            unread.append(record)
        else:
            yield record
    if problems is None and unread:
        more = f" ({len(unread) - 1} more cannot be read either)" if len(unread) > 1 else ""
        raise CorruptState(f"{unread[0]}{more}")


def tried(decode: Callable[[bytes | str, str], _T], stored: bytes | str, name: str) -> _T | CorruptState:
    """Decode a record, or return the error.

    Args:
        decode: a function of the stored form and the record's name.
        stored: the stored form.
        name: the name of its record.
    """
    try:
        return decode(stored_bytes(stored), name)
    except CorruptState as error:
        return error
