"""Declared fields that Cloud Asset Inventory does not carry, so that their absence says nothing.

A field is untellable only while it is absent: where an asset carries it, it is compared. In an asset that Google has
truncated every absent field is untellable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from setpoint.catalog import inventory_names
from setpoint.comparison.compare import leaves
from setpoint.model.difference import Difference

_MARKS = re.compile(r"\[[^\]]*\]|\{[^}]*\}")

REASON = "not carried by Cloud Asset Inventory"


def untellable(
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
    """Whether a difference is only of fields that the inventory lacks: of one, or of a message with nothing else."""
    path = _segments(difference.path)
    of_path = [field for field in lacking if _fits(field, path)]
    if any(len(field) <= len(path) and not _is_present(field, observed) for field in of_path):
        return True
    inner = [field[len(path) :] for field in of_path if len(field) > len(path)]
    return bool(inner) and _has_only(difference.declared, inner)


def _fits(field: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a path is a field, lies below it, or leads to it; ``*`` in a field stands for any key or element."""
    return all(name in (part, "*") for name, part in zip(field, path, strict=False))


def _has_only(value: Any, fields: list[tuple[str, ...]]) -> bool:
    """Whether a declared message holds nothing but some fields, at least one of them."""
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


def untellable_values(asset_type: str, declared: Any) -> int:
    """How many values of a declaration lie in fields that the inventory never carries."""
    return _count(declared, list(_fields(asset_type)))


def _count(value: Any, fields: list[tuple[str, ...]]) -> int:
    if any(not field for field in fields):
        return leaves(value)
    if isinstance(value, list):
        inner = [field[1:] for field in fields if field[0] == "*"]
        return sum(_count(element, inner) for element in value) if inner else 0
    if not isinstance(value, Mapping) or not fields:
        return 0
    return sum(_count(part, [field[1:] for field in fields if field[0] in (name, "*")]) for name, part in value.items())


@lru_cache(maxsize=512)
def _fields(asset_type: str) -> tuple[tuple[str, ...], ...]:
    """The segments of each field that the inventory lacks; a list or map in it is marked by ``*``."""
    return tuple(_segments(field) for field in sorted(inventory_names.missing_fields(asset_type)))


def _segments(path: str) -> tuple[str, ...]:
    plain = _MARKS.sub(".*", path)
    segments = tuple(segment for segment in plain.split(".") if segment)
    return segments[:-1] if segments and segments[-1] == "*" and path.endswith(("[]", "{}")) else segments


def _is_present(field: tuple[str, ...], observed: Any) -> bool:
    """Whether an asset carries a field; of lists and maps an element that carries it will do."""
    if not field:
        return observed is not None
    first, *rest = field
    if first == "*":
        elements = (
            observed if isinstance(observed, list) else observed.values() if isinstance(observed, Mapping) else ()
        )
        return any(_is_present(tuple(rest), element) for element in elements)
    return isinstance(observed, Mapping) and _is_present(tuple(rest), observed.get(first))


def seen_otherwise(
    lacking: Iterable[Difference], known: Iterable[Difference], asset_type: str, observed: Any, *, same: bool
) -> tuple[Difference, ...]:
    """What a reading through the resource's API showed of fields that an asset lacks, where it still holds.

    Args:
        lacking: the declared fields that the asset does not tell, as differences.
        known: the differences of that reading.
        asset_type: the asset type.
        observed: the fields of the asset.
        same: whether the same is declared as when it was read.
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
    """Whether a difference is of a field, of a part of it, or of what holds it."""
    short, long = sorted((field.path, difference.path), key=len)
    return long.startswith(short) and (len(long) == len(short) or long[len(short)] in ".[")


def _declares_the_same(field: Difference, difference: Difference) -> bool:
    """Whether a field is still declared as it was when it was read; of parts nobody can tell from the field alone."""
    return field.path != difference.path or field.declared == difference.declared
