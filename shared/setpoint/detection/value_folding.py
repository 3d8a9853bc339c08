"""Bounds the values that are kept of a resource: where too many matter to security, one digest stands for many of them.

A digest still shows that one of its values has changed, and not which one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from setpoint.comparison import undeclared_values
from setpoint.comparison.undeclared_values import SettableValue, ValueDigests
from setpoint.model import security_meaning
from setpoint.model.difference import Difference
from setpoint.model.field_path import is_below

ROOM = 6_000
"""Bytes of values that are kept of a resource, before they are compressed to a third or so."""
_OF_ROOT = 60
"""Bytes that a path takes below which the values are folded."""
_WORTH_IT = 500
"""Bytes below a nested path from which on it is folded; smaller values are folded together with their surroundings."""

_encode = msgspec.json.Encoder(order="deterministic").encode
_NAMES = re.compile(r"[^.\[]+(?:\.[^.\[]+)*")


class BoundedValues(NamedTuple):
    """The values that fit.

    Args:
        values: by path; of a folded path, the digest.
        folded: the paths that are folded.
        is_partial: values of no weight were left out.
    """

    values: dict[str, Any]
    folded: tuple[str, ...]
    is_partial: bool


def bounded(values: Mapping[str, Any], now: Mapping[str, SettableValue], digests: ValueDigests) -> BoundedValues:
    """The values as far as there is room, those that matter to security first.

    Args:
        values: the values as they are kept, by path.
        now: the observed values.
        digests: of the values that are folded.
    """
    sizes = {path: len(path) + len(_encode(kept)) + 2 for path, kept in values.items()}
    severe = {path: size for path, size in sizes.items() if security_meaning.why_it_is_watched(path)}
    roots = _roots(severe, sum(severe.values()) - ROOM)
    chosen = {root: digest(root, values, now, digests) for root in roots}
    room = ROOM - _OF_ROOT * len(roots)
    for path, size in severe.items():
        if not any(is_below(path, root) for root in roots):
            chosen[path] = values[path]
            room -= size
    is_partial = False
    for path, size in sizes.items():
        if path in severe:
            continue
        room -= size
        if room < 0:
            is_partial = True
            break
        chosen[path] = values[path]
    return BoundedValues(chosen, tuple(roots), is_partial)


def digest(root: str, values: Mapping[str, Any], now: Mapping[str, SettableValue], digests: ValueDigests) -> str:
    """The digest of all values below a path that matter to security, without those that equal an unset value."""
    below = sorted(
        f"{path} {_encode(kept).decode()}"
        for path, kept in values.items()
        if is_folded(path, root) and not ((value := now.get(path)) is not None and undeclared_values.is_default(value))
    )
    return digests.of(below)


def is_folded(path: str, root: str) -> bool:
    """Whether a value belongs to the digest of a path."""
    return is_below(path, root) and bool(security_meaning.why_it_is_watched(path))


def changes(
    folded: tuple[str, ...], before: Mapping[str, Any], now: Mapping[str, SettableValue], digests: ValueDigests
) -> tuple[tuple[Difference, ...], Mapping[str, SettableValue]]:
    """The folded paths whose values differ, and the observed values that are compared one by one."""
    if not folded:
        return (), now
    kept = {path: value.kept for path, value in now.items()}
    differences = []
    for root in folded:
        of_now = digest(root, kept, now, digests)
        if of_now != before.get(root):
            count = sum(is_folded(path, root) for path in now)
            observed = f"({count:,} values, digest {of_now.partition(':')[2][:8]})"
            differences.append(
                Difference(root, "changed", security_meaning.OF_MANY, observed, kind="undeclared_change")
            )
    single = {path: value for path, value in now.items() if not any(is_folded(path, root) for root in folded)}
    return tuple(differences), single


def _roots(sizes: Mapping[str, int], excess: int) -> list[str]:
    """The paths to fold so that the rest fits, the innermost and largest first."""
    roots: list[str] = []
    if excess <= 0:
        return roots
    names = {path: match[0].split(".") for path in sizes if (match := _NAMES.match(path)) is not None}
    for depth in range(max(map(len, names.values()), default=0), 0, -1):
        groups: Counter[str] = Counter()
        for path, parts in names.items():
            if len(parts) >= depth:
                groups[".".join(parts[:depth])] += sizes[path]
        for root, size in groups.most_common():
            inner = [known for known in roots if is_below(known, root)]
            saved = size - sum(sum(_sizes_below(sizes, known)) - _OF_ROOT for known in inner)
            if excess <= 0:
                return roots
            if saved > (_WORTH_IT if depth > 1 else _OF_ROOT):
                roots = [known for known in roots if known not in inner] + [root]
                excess -= saved - _OF_ROOT
    return roots


def _sizes_below(sizes: Mapping[str, int], root: str) -> list[int]:
    """The sizes of the values below a path."""
    return [size for path, size in sizes.items() if is_below(path, root)]
