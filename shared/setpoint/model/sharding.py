"""Split a scope into shards: alphabetical ranges of asset types.

An inventory lists requested types and cannot exclude types. Ranges leave no gap, so that a type that the last sweep did
not see is in one of them. A range is written as an RE2 expression, which matches whole names
(https://cloud.google.com/asset-inventory/docs/reference/rest/v1/assets/list).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from setpoint.model import linear_patterns

_FIRST, _LAST = 0x20, 0x7E
"""The printable characters of ASCII; type names have no others."""
_PLAIN = re.compile(r"[A-Za-z0-9.-]+/[A-Za-z0-9]+\Z")


def split(types: Sequence[str], counts: Mapping[str, int], size: int) -> list[tuple[str, ...]]:
    """The types to request for each shard; together they are the requested types.

    Args:
        types: the requested types; empty for all types.
        counts: number of assets of each type in the last sweep; empty if unknown.
        size: target number of assets of a shard. A single type is never split.
    """
    if sum(counts.values()) <= size:
        return [tuple(types)]
    if not types:
        return [(expression,) for expression in _ranges(_boundaries(counts, size))] or [()]
    if all(is_plain(type_) for type_ in types):
        return _groups(sorted(types), counts, size)
    return [(type_,) for type_ in types]


def is_plain(asset_type: str) -> bool:
    """Whether this is the name of a type and not an expression."""
    return bool(_PLAIN.match(asset_type))


def matches(types: Sequence[str], asset_type: str) -> bool:
    """Whether a listing of these types includes a type; empty types include all."""
    return not types or any(type_ == asset_type or _compiled(type_).match(asset_type) for type_ in types)


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Any:
    return linear_patterns.compiled(rf"(?:{expression})\z")


def _groups(types: Sequence[str], counts: Mapping[str, int], size: int) -> list[tuple[str, ...]]:
    groups: list[list[str]] = [[]]
    held = 0
    for type_ in types:
        if groups[-1] and held + counts.get(type_, 0) > size:
            groups.append([])
            held = 0
        groups[-1].append(type_)
        held += counts.get(type_, 0)
    return [tuple(group) for group in groups]


def _boundaries(counts: Mapping[str, int], size: int) -> list[str]:
    """The starts of ranges, except the first; each range has a known type, since the API refuses one without any."""
    groups = _groups(sorted(counts), counts, size)
    return [_shortest_between(before[-1], after[0]) for before, after in pairwise(groups)]


def _shortest_between(before: str, after: str) -> str:
    """The shortest prefix of ``after`` that is greater than ``before``."""
    return next(after[:end] for end in range(1, len(after) + 1) if after[:end] > before)


def _ranges(boundaries: Sequence[str]) -> list[str]:
    ends = ["", *boundaries, ""]
    return [_range(low, high) for low, high in pairwise(ends)] if boundaries else []


def _range(low: str, high: str) -> str:
    """An expression for all names from ``low`` to below ``high``; an empty ``high`` means no end."""
    common = 0
    while high and low[common : common + 1] == high[common] and common + 1 < len(high):
        common += 1
    begin = _literal(high[:common]) if high else ""
    rest_low, rest_high = low[common:], high[common:]
    if not rest_low or not rest_high:
        return begin + "(?:" + "|".join(_above(rest_low) if not rest_high else _below(rest_high)) + ")"
    return begin + "(?:" + "|".join(_between(rest_low, rest_high)) + ")"


def _between(low: str, high: str) -> list[str]:
    """Names between two that differ in their first character."""
    expressions = [_literal(low[0]) + expression for expression in _above(low[1:])]
    expressions += _characters(ord(low[0]) + 1, ord(high[0]) - 1)
    return expressions + [_literal(high[0]) + expression for expression in _below(high[1:])]


def _above(low: str) -> list[str]:
    """Names from ``low`` upwards."""
    expressions = [_literal(low) + ".*"]
    for index in range(len(low) - 1, -1, -1):
        expressions += [_literal(low[:index]) + character for character in _characters(ord(low[index]) + 1, _LAST)]
    return expressions


def _below(high: str) -> list[str]:
    """Names below ``high``."""
    expressions = []
    for index in range(len(high)):
        expressions += [_literal(high[:index]) + character for character in _characters(_FIRST, ord(high[index]) - 1)]
        expressions.append(_literal(high[:index]))
    return expressions


def _characters(first: int, last: int) -> list[str]:
    """Any character of a range, followed by anything; empty for an empty range."""
    return [rf"[\x{first:02x}-\x{last:02x}].*"] if first <= last else []


def _literal(text: str) -> str:
    return "".join(
        character if character.isalnum() or character == "/" else rf"\x{ord(character):02x}" for character in text
    )
