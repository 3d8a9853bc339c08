"""Limits of documents, which keep reading linear in time and memory."""

from __future__ import annotations

import math
import re
from typing import Any

DEEPEST = 100
"""Maximum nesting; no API has messages that deep, and readers recurse over values."""
MAX_NODES = 1_000_000
"""Maximum number of values in a YAML document, and in a JSON file of up to 8 MB."""
VALUE_CHARACTERS = 8
"""Characters per value that a larger JSON file has at least; a Terraform state has some thirty."""
FREE_DOCUMENTS = 10_000
"""Number of documents that a file may always have."""
DOCUMENT_CHARACTERS = 40
"""Characters per further document, on average; the shortest declaration has more than a hundred."""
LARGEST_DECLARATION = 400_000
"""Maximum bytes of one source's declarations of a resource: two generations fit in a document of 1 MiB."""
MAX_ERRORS = 1_000
"""Maximum number of unreadable documents that are reported for a file."""
RESCANS = 4
"""The search for the next document in a broken file stops after this many times the file's size."""
FREE_EXPANSION = 65_536
"""Number of characters that aliases of a file may always expand to."""
EXPANSION = 20
"""Number of characters that aliases may expand to beyond that, per character of the file."""
NODE_CHARACTERS = 16
"""Minimum size of an aliased value in characters, for its memory."""
_LARGEST = 2**64 - 1
_SMALLEST = -(2**63)
_MAX_DIGITS = 40
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_WIDE = re.compile(r"[0-9](?:[0-9]{18}|[eE]\+?[0-9]{3})")


def most_documents(characters: int) -> int:
    """Maximum number of documents in a file of so many characters, empty ones and elements of lists included."""
    return FREE_DOCUMENTS + characters // DOCUMENT_CHARACTERS


def refused_density(text: str) -> str:
    """Why a JSON text is refused before it is decoded, for its number of values; empty if it is accepted."""
    most = max(MAX_NODES, len(text) // VALUE_CHARACTERS)
    if _separators(text) < most or _separators(_STRING.sub("", text)) < most:
        return ""
    return f"more than {most:,} values in {len(text):,} characters; split it into several files"


def _separators(text: str) -> int:
    """The number of values of a JSON text, as each stands after a comma or a bracket."""
    return text.count(",") + text.count("[") + text.count("{")


def nesting(value: Any) -> int:
    """The nesting of a value, up to one more than is allowed; without recursion."""
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


def _is_suspect(text: str) -> bool:
    """Whether a JSON text has what it must have before one of its values can be refused; quick for the others."""
    if "NaN" in text or "Infinity" in text or ("\\u" in text and _SURROGATE.search(text)):
        return True
    return _WIDE.search(text) is not None


def refused_json(text: str, value: Any) -> str:
    """Why a JSON value is refused; empty if it is accepted.

    Args:
        text: its JSON text, which for most values shows that no check is needed.
        value: the value.
    """
    if nesting(value) > DEEPEST:
        return f"nested more than {DEEPEST} levels deep"
    if not _is_suspect(text):
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


def is_of_terraform(value: Any) -> bool:
    """Whether a value is a state or a plan, which are not edited by hand."""
    return isinstance(value, dict) and ("terraform_version" in value or {"lineage", "serial"} <= value.keys())


def with_texts(value: Any) -> Any:
    """A copy of a value in which numbers that no API takes are texts, as YAML is read."""
    if isinstance(value, dict):
        return {key: with_texts(part) for key, part in value.items()}
    if isinstance(value, list):
        return [with_texts(part) for part in value]
    return str(value) if isinstance(value, (int, float)) and refused_scalar(value) else value


def refused_scalar(value: Any) -> str:
    """Why a scalar is refused; empty if it is accepted."""
    if isinstance(value, str):
        return (
            ""
            if value.isascii() or _is_text(value)
            else "a string holds half of a surrogate pair, which is not a character"
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
    """Whether a scalar has more digits than any API number, so that it is not converted."""
    return len(text) > _MAX_DIGITS


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
