"""What a document may be, whoever wrote it: limits that keep reading linear in the input, in time and in memory."""

from __future__ import annotations

import math
import re
from typing import Any

DEEPEST = 100
"""Levels of nesting: no API has messages that deep, and every reader may recurse over what is within."""
MOST_NODES = 1_000_000
"""Values of one document."""
LARGEST_DECLARATION = 400_000
"""Bytes of all that one source declares of one resource: two generations of it lie in a document of 1 MiB."""
MOST_ERRORS = 1_000
"""Unreadable documents of one file that are named one by one."""
RESCANS = 4
"""A broken file is searched for its next document until so many times its size were scanned in vain."""
FREE_EXPANSION = 65_536
"""Characters that the aliases of a file may stand for in any case."""
EXPANSION = 20
"""Characters that aliases may stand for beyond that, per character of the file."""
NODE_CHARACTERS = 16
"""What a value that an alias stands for counts in characters at least, for its place in memory."""
_LARGEST = 2**64 - 1
_SMALLEST = -(2**63)
_MOST_DIGITS = 40
_SUSPECT = re.compile(r"\\u[dD][89a-fA-F]|[0-9]{19}|[0-9][eE]\+?[0-9]{3}|NaN|Infinity")
"""What the text of a JSON document has to hold before one of its values can be one that is refused."""


def nesting(value: Any) -> int:
    """How many levels of objects and lists a value has, up to one more than is allowed; no recursion."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(child, (dict, list))
        ]
        depth += 1
    return depth


def refused_json(text: str, value: Any) -> str:
    """Why a decoded JSON value is refused; empty where it is not.

    Args:
        text: what it was decoded from; most texts hold nothing that would have to be looked for.
        value: the value.
    """
    if nesting(value) > DEEPEST:
        return f"nested more than {DEEPEST} levels deep"
    if _SUSPECT.search(text) is None:
        return ""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(node)
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
        elif reason := refused_scalar(node):
            return reason
    return ""


def refused_scalar(value: Any) -> str:
    """Why a scalar is refused; empty where it is not."""
    if isinstance(value, str):
        return (
            ""
            if value.isascii() or _is_text(value)
            else "a string holds half of a surrogate pair, which is no character"
        )
    if isinstance(value, float) and not math.isfinite(value):
        return "a number is infinite or none; no API takes it"
    if is_large(value):
        return "an integer has more than 64 bits; no API takes it; write it in quotation marks where a text is meant"
    return ""


def is_large(value: Any) -> bool:
    """Whether a value is an integer of more than 64 bits."""
    return isinstance(value, int) and not _SMALLEST <= value <= _LARGEST


def is_too_long_for_a_number(text: str) -> bool:
    """Whether a scalar has more digits than any number of an API, so that it is not even converted."""
    return len(text) > _MOST_DIGITS


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
