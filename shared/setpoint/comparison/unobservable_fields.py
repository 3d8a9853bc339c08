"""Declared fields that Cloud Asset Inventory does not carry, so that their absence has no meaning.

Such a field is skipped only while it is absent: if an asset has it, it is compared. In a truncated asset every absent
field is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from setpoint.catalog import inventory_names
from setpoint.comparison.literal import leaves
from setpoint.model.difference import Difference

_MARKS = re.compile(r"\[[^\]]*\]|\{[^}]*\}")

REASON = "not carried by Cloud Asset Inventory"


def unobservable(
    asset_type: str, differences: Iterable[Difference], observed: Any, *, truncated: bool = False
) -> tuple[Difference, ...]:
    """The differences that only show that the inventory lacks a field.

    Args:
        asset_type: the asset type.
        differences: the differences of one resource.
        observed: its observed fields.
        truncated: whether the asset has been truncated.
    """
    absent = [difference for difference in differences if difference.op == "missing"]
    if truncated:
        return tuple(absent)
    lacking = _fields(asset_type) if absent else ()
    return tuple(difference for difference in absent if _is_lacking(difference, lacking, observed)) if lacking else ()


def _is_lacking(difference: Difference, lacking: Iterable[tuple[str, ...]], observed: Any) -> bool:
    """Whether a difference has only fields that the inventory lacks: a field, or a message with only such fields."""
    path = _segments(difference.path)
    of_path = [field for field in lacking if _fits(field, path)]
    if any(len(field) <= len(path) and not _is_present(field, observed) for field in of_path):
        return True
    inner = [field[len(path) :] for field in of_path if len(field) > len(path)]
    return bool(inner) and _has_only(difference.declared, inner)


def _fits(field: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a path is a field, a part of it, or an ancestor; ``*`` in a field matches any key or element."""
    return all(name in (part, "*") for name, part in zip(field, path, strict=False))


def _has_only(value: Any, fields: list[tuple[str, ...]]) -> bool:
    """Whether a declared message contains only some of these fields, and at least one."""
    if any(not field for field in fields):
        return True
    if isinstance(value, list):
        elements = [field[1:] for field in fields if field[0] == "*"]
        return bool(value and elements) and all(_has_only(element, elements) for element in value)
    if not isinstance(value, Mapping) or not value:
        return False
    return all(
        _has_only(part, [field[1:] for field in fields if field[0] in (name, "*")])
        if any(field[0] in (name, "*") for field in fields)
        else False
        for name, part in value.items()
    )


def unobservable_values(asset_type: str, declared: Any) -> int:
    """The number of declared values in fields that the inventory never carries."""
    fields = _fields(asset_type)
    return _count(declared, list(fields)) if fields else 0


def _count(value: Any, fields: list[tuple[str, ...]]) -> int:
    if any(not field for field in fields):
        return leaves(value)
    if isinstance(value, list):
        inner = [field[1:] for field in fields if field[0] == "*"]
        return sum(_count(element, inner) for element in value) if inner else 0
    if not isinstance(value, dict) or not fields:
        return 0
    names = value if any(field[0] == "*" for field in fields) else {field[0] for field in fields} & value.keys()
    return sum(_count(value[name], [field[1:] for field in fields if field[0] in (name, "*")]) for name in names)


@lru_cache(maxsize=512)
def _fields(asset_type: str) -> tuple[tuple[str, ...], ...]:
    """The segments of each field that the inventory lacks; lists and maps are marked by ``*``."""
    return tuple(_segments(field) for field in sorted(inventory_names.missing_fields(asset_type)))


def _segments(path: str) -> tuple[str, ...]:
    plain = _MARKS.sub(".*", path)
    segments = tuple(segment for segment in plain.split(".") if segment)
    return segments[:-1] if segments and segments[-1] == "*" and path.endswith(("[]", "{}")) else segments


def _is_present(field: tuple[str, ...], observed: Any) -> bool:
    """Whether an asset has a field; in lists and maps one element is enough."""
    if not field:
        return observed is not None
    first, *rest = field
    if first == "*":
        elements = (
            observed if isinstance(observed, list) else observed.values() if isinstance(observed, Mapping) else ()
        )
        return any(_is_present(tuple(rest), element) for element in elements)
    return isinstance(observed, Mapping) and _is_present(tuple(rest), observed.get(first))


def known_by_api(
    lacking: Iterable[Difference], known: Iterable[Difference], asset_type: str, observed: Any, *, same: bool
) -> tuple[Difference, ...]:
    """The valid results of the last API read for fields that an asset lacks.

    Args:
        lacking: the declared fields that the asset lacks, as differences.
        known: the differences of the API read.
        asset_type: the asset type.
        observed: the fields of the asset.
        same: whether the declaration is unchanged since the read.
    """
    absent = tuple(lacking)
    fields = [field for field in _fields(asset_type) if not _is_present(field, observed)] if same else []
    return tuple(
        replace(difference, declared_path="", seen_by="api")
        for difference in known
        if any(_is_of(field, difference) and _declares_the_same(field, difference) for field in absent)
        or any(_fits(field, _segments(difference.path)) for field in fields)
    )


def _is_of(field: Difference, difference: Difference) -> bool:
    """Whether a difference is in a field, a part of it, or an ancestor of it."""
    short, long = sorted((field.path, difference.path), key=len)
    return long.startswith(short) and (len(long) == len(short) or long[len(short)] in ".[")


def _declares_the_same(field: Difference, difference: Difference) -> bool:
    """Whether a field's declared value is unchanged since the read; unknown for a part of the field."""
    return field.path != difference.path or field.declared == difference.declared
