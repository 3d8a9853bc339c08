"""Field paths: ``lifecycle.rule[0].action.type``, ``rules[priority=1000].action``, ``labels["a.b"]``.

A path under construction is a nested pair ``(parent, part)``: adding to it costs one tuple, and it becomes text only
where there is a difference to report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from setpoint.errors import BadDeclaration

Path = tuple[Any, str] | None
"""A path under construction; None is the root. A part is a key, or a list element in brackets: ``[0]``."""

ROOT: Final[Path] = None

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_@$-][A-Za-z0-9_@$/:-]*\Z")
_PART = re.compile(r'\.?(?:\["((?:[^"\\]|\\.)*)"\]|(\[[^\]]*\])|([^.\[\]]+))')


def text(path: Path) -> str:
    """The path as people read it; the root is an empty string."""
    parts: list[str] = []
    while path is not None:
        path, part = path
        parts.append(part)
    out = ""
    for part in reversed(parts):
        if part.isidentifier() or _PLAIN_KEY.match(part):
            out += f".{part}" if out else part
        elif part[0:1] == "[":
            out += part
        else:
            out += '["' + part.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    return out


def element(key: str, value: Any) -> str:
    """The part that names a list element by an identifying field: ``[priority=1000]``."""
    return f"[{key}={value}]"


def element_value(part: str) -> str:
    """What identifies the list element that a part names, or an empty string."""
    return part[:-1].partition("=")[2] if part.startswith("[") else ""


def index(position: int) -> str:
    """The part that names a list element by its position, from 0."""
    return f"[{position}]"


@lru_cache(maxsize=4096)
def parse(pattern: str) -> tuple[str, ...]:
    """Split a path or pattern into its parts; ``*`` stands for any key, ``[*]`` for any element.

    Raises:
        BadDeclaration: the pattern is not a path.
    """
    return tuple(_parts(pattern))


def _parts(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        if not found or found.end() == at:
            raise BadDeclaration(f"`{pattern}` is not a field path: see character {at + 1}")
        quoted, bracket, key = found.groups()
        yield re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bracket or key
        at = found.end()
