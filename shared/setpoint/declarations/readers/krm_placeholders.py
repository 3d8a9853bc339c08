"""Unfilled placeholders in names and places of Config Connector objects.

In other fields such text may be intended, and is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_MARKED = re.compile(
    r"\$\{|\$\(|\{\{|\}\}|<[A-Za-z][\w .-]*>|\[[A-Z][A-Z0-9_ -]+\]|%[A-Z][A-Z0-9_]+%|@@?[A-Z][A-Z0-9_]+@@?"
)
"""Placeholders with the delimiters of shells, templates and tutorials."""

_WORDS = re.compile(
    r"(?<![a-z])(?:[A-Z0-9]+_)*(?:(?:PROJECT|FOLDER|ORG|ORGANIZATION|BILLING|BILLING_ACCOUNT|ACCOUNT|CLUSTER|NETWORK|HOST|"
    r"BUCKET|INSTANCE|YOUR)_(?:ID|NUMBER|NAME|ACCOUNT|PROJECT)(?:_[A-Z0-9]+)*)(?![a-z])"
    r"|\b(?:your|my)[-_](?:project|folder|org|organization)[-_](?:id|number|name)\b",
    re.ASCII,
)
"""Placeholders without delimiters, as in samples: `HOST_PROJECT_ID`."""

_CAPITALS = re.compile(r"[A-Z]")
_PLACES = ("projectRef", "folderRef", "organizationRef")
_IN_ANNOTATIONS = ("project-id", "folder-id", "organization-id")
_PREFIX = "cnrm.cloud.google.com/"


def has_placeholder(text: str) -> bool:
    """Whether a resource name holds a placeholder."""
    return _MARKED.search(text) is not None or _WORDS.search(text) is not None


def message(text: str) -> str:
    """The message about a text with a placeholder."""
    return f"{text} holds a placeholder; fill it in, or render the file first"


def faults(value: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The naming fields of an object with a placeholder, each with a message."""
    for path, text, is_lower_case in _texts(value):
        if has_placeholder(text) or (is_lower_case and _CAPITALS.search(text)):
            yield path, message(text)


def _texts(value: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """Paths and texts of names and places, and whether they exclude capital letters."""
    for path, is_lower_case in _FIELDS:
        node: Any = value
        for part in path:
            node = node.get(part) if isinstance(node, dict) else None
        if isinstance(node, str):
            yield path, node, is_lower_case


_FIELDS: tuple[tuple[tuple[str, ...], bool], ...] = (
    (("metadata", "name"), True),
    (("metadata", "namespace"), True),
    *((("metadata", "annotations", _PREFIX + name), True) for name in _IN_ANNOTATIONS),
    (("spec", "resourceID"), False),
    *((("spec", field, part), True) for field in _PLACES for part in ("external", "name")),
    *((("spec", "resourceRef", part), False) for part in ("external", "name")),
)
"""Fields with a name or a place, and whether they exclude capital letters."""
