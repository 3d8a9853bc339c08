"""Field paths: ``lifecycle.rule[0].action.type``, ``rules[priority=1000].action``, ``labels["a.b"]``.

Special characters are quoted, ``paths[match="/[a-z]+"]``, so that every path can be parsed.

A path under construction is a nested pair ``(parent, part)``: extending it costs one tuple. It is converted to text
only for a difference.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from setpoint.errors import BadDeclaration

Path = tuple[Any, str] | None
"""A path under construction; None is the root. A part is a key, or an `Element`."""

ROOT: Final[Path] = None

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_@$-][A-Za-z0-9_@$/:-]*\Z")
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_PART = re.compile(
    rf'\.?(?:\[{_QUOTED}\]|\[([^\[\]="]+)={_QUOTED}\]|(\[[^\]]*\])|([^.\[\]]+))',
    re.DOTALL,
)
_POSITION = re.compile(r"\[\d+\]")
_LONGEST_POSITION = 10
_TO_QUOTE = re.compile(r'[\[\]"]')


class Element(str):
    """The part of a path that names a list element, in brackets and unquoted: ``[0]``, ``[priority=1000]``, ``[*]``."""

    __slots__ = ()


def text(path: Path) -> str:
    """The path as text; the root is an empty string."""
    if path is not None and path[0] is None and path[1].isidentifier():
        return str(path[1])
    out = ""
    for part in parts(path):
        out = below(out, part)
    return out


def parts(path: Path) -> list[str]:
    """The parts of a path from the root."""
    upwards: list[str] = []
    while path is not None:
        path, part = path
        upwards.append(part)
    upwards.reverse()
    return upwards


def names(path: Path) -> list[str]:
    """The keys of a path from the root, without the elements of lists."""
    return [part for part in parts(path) if not isinstance(part, Element)]


def below(parent: str, part: str) -> str:
    """The text of the path of a part below a path that is text already."""
    if isinstance(part, Element):
        return parent + _element_text(part)
    if part.isidentifier() or _PLAIN_KEY.match(part):
        return f"{parent}.{part}" if parent else part
    return f"{parent}[{_quoted(part)}]"


def _element_text(part: Element) -> str:
    key, has_value, value = part[1:-1].partition("=")
    return f"[{key}={_quoted(value)}]" if has_value and _TO_QUOTE.search(value) else part


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def element(key: str, value: Any) -> Element:
    """The part that names a list element by an identifying field: ``[priority=1000]``."""
    return Element(f"[{key}={value}]")


def element_value(part: str) -> str:
    """The identifying value of the list element that a part names; empty for other parts."""
    return part[:-1].partition("=")[2] if isinstance(part, Element) else ""


def index(position: int) -> Element:
    """The part that names a list element by its position, from 0."""
    return Element(f"[{position}]")


def position_of(part: str, elements: list[Any]) -> int | None:
    """The position of the list element that a part names; None if there is none."""
    key, is_named, value = part[1:-1].partition("=")
    if not is_named:
        is_position = key.isdecimal() and key.isascii() and len(key) < _LONGEST_POSITION
        return int(key) if is_position and int(key) < len(elements) else None
    named = (place for place, each in enumerate(elements) if isinstance(each, dict) and str(each.get(key)) == value)
    return next(named, None)


def of_any_position(path: str) -> str:
    """A path, as text, with ``[*]`` in place of each position in a list."""
    return _POSITION.sub("[*]", path)


def is_below(path: str, root: str) -> bool:
    """Whether a path, as text, is another one or lies below it."""
    return path.startswith(root) and path[len(root) : len(root) + 1] in ("", ".", "[")


def overlap(path: str, other: str) -> bool:
    """Whether of two paths, as text, one is the other or lies below it."""
    return is_below(path, other) or is_below(other, path)


def covers(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a path fits a pattern, or lies below one that does; both as parts."""
    return len(pattern) <= len(path) and all(
        wanted == part or wanted == ("[*]" if part.startswith("[") else "*")
        for wanted, part in zip(pattern, path, strict=False)
    )


@lru_cache(maxsize=4096)
def parse(pattern: str) -> tuple[str, ...]:
    """Split a path or pattern into its parts; ``*`` stands for any key, ``[*]`` for any element.

    Raises:
        BadDeclaration: the pattern is not a path.
    """
    parsed, end = _parsed(pattern)
    if end < len(pattern):
        raise BadDeclaration(f"`{pattern}` is not a field path: see character {end + 1}")
    return parsed


def readable(path: str) -> tuple[str, ...]:
    """The parts of a path, as far as it can be parsed."""
    return _parsed(path)[0]


def _parsed(pattern: str) -> tuple[tuple[str, ...], int]:
    """The parts, and the position at which reading ended."""
    parsed: list[str] = []
    position = 0
    while position < len(pattern):
        match = _PART.match(pattern, position)
        if not match:
            break
        quoted, key, value, bracket, plain = match.groups()
        if key is not None:
            parsed.append(element(key, _unquoted(value)))
        elif bracket is not None:
            parsed.append(Element(bracket))
        else:
            parsed.append(plain if quoted is None else _unquoted(quoted))
        position = match.end()
    return tuple(parsed), position


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
