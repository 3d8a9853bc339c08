"""Ignore patterns for fields of a declaration, and ignore rules for whole resources.

A pattern is a field path in which ``*`` matches any key and ``[*]`` any list element; it covers all descendants.
The empty pattern covers everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from setpoint.model import field_path, linear_patterns
from setpoint.model.declaration import Declaration, IgnoreRule

ALL = ""
"""The pattern that ignores a whole resource."""


def matches(rule: IgnoreRule, name: str, asset_type: str, address: str = "") -> bool:
    """Whether a rule matches a resource by its name, its type or its Terraform address."""
    match = _compiled(rule.expression)
    return any(match(subject) is not None for subject in (name.removeprefix("//"), asset_type, address) if subject)


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    return linear_patterns.compiled(expression).match


def matching_rule(rules: Iterable[IgnoreRule], name: str, asset_type: str) -> str:
    """The rule that ignores a resource, as written in its file; empty if there is none."""
    deciding_rule = ""
    for rule in rules:
        if matches(rule, name, asset_type):
            deciding_rule = "" if rule.negated else rule.text or rule.expression
    return deciding_rule


def rule_of(declaration: Declaration, pattern: str) -> str:
    """What put a pattern among the ignored paths of a declaration: the line of an ignore file, or itself."""
    return declaration.ignored_by.get(pattern) or f"{declaration.source}: ignore {pattern}"


def covering(path: str, patterns: tuple[str, ...]) -> str | None:
    """The first pattern that covers the path of a difference, or None."""
    if not patterns:
        return None
    parts = field_path.readable(path)
    return next((pattern for pattern in patterns if field_path.covers(field_path.parse(pattern), parts)), None)


def without(data: Any, patterns: tuple[str, ...]) -> Any:
    """The data without fields that a pattern covers; unchanged parts are shared, not copied.

    Raises:
        BadDeclaration: a pattern is not a field path.
    """
    if ALL in patterns:
        return {}
    for parts in sorted(map(field_path.parse, patterns), key=_positions, reverse=True):
        data = _without(data, parts)
    return data


def _positions(parts: tuple[str, ...]) -> tuple[int, ...]:
    """The positions in a path; later list positions are removed first, so that indices stay valid."""
    return tuple(int(part[1:-1]) if part[:1] == "[" and part[1:-1].isdecimal() else -1 for part in parts)


def _without(data: Any, parts: tuple[str, ...]) -> Any:
    head, rest = parts[0], parts[1:]
    if isinstance(data, dict):
        return _without_key(data, head, rest)
    if isinstance(data, list):
        if not head.startswith("["):
            return data
        return [
            _without(element, rest) if rest and _matches(head, index, element) else element
            for index, element in enumerate(data)
            if rest or not _matches(head, index, element)
        ]
    return data


def _without_key(data: dict[str, Any], head: str, rest: tuple[str, ...]) -> dict[str, Any]:
    keys = [key for key in data if head in (key, "*")]
    if not keys:
        return data
    kept = dict(data)
    for key in keys:
        if rest:
            kept[key] = _without(data[key], rest)
        else:
            del kept[key]
    return kept


def _matches(part: str, index: int, element: Any) -> bool:
    """Whether ``[*]``, ``[2]`` or ``[priority=1000]`` matches this element."""
    inner = part[1:-1]
    if inner == "*":
        return True
    key, has_value, value = inner.partition("=")
    if has_value and isinstance(element, dict):
        return str(element.get(key)) == value
    return inner == str(index)
