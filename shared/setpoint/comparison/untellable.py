"""Declared fields that Cloud Asset Inventory does not carry, so that their absence says nothing.

A field is untellable only while it is absent: where an asset carries it, it is compared. In an asset that Google has
truncated every absent field is untellable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from setpoint.catalog import inventory_names
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
    return tuple(
        difference for difference in absent if any(_lacks(field, difference.path, observed) for field in lacking)
    )


@lru_cache(maxsize=512)
def _fields(asset_type: str) -> tuple[tuple[str, ...], ...]:
    """The segments of each field that the inventory lacks; a list or map in it is marked by ``*``."""
    return tuple(_segments(field) for field in sorted(inventory_names.missing_fields(asset_type)))


def _segments(path: str) -> tuple[str, ...]:
    plain = _MARKS.sub(".*", path)
    segments = tuple(segment for segment in plain.split(".") if segment)
    return segments[:-1] if segments and segments[-1] == "*" and path.endswith(("[]", "{}")) else segments


def _lacks(field: tuple[str, ...], path: str, observed: Any) -> bool:
    """Whether a path is a field that the inventory lacks, or lies below one, and the field is absent altogether."""
    segments = _segments(path)
    return segments[: len(field)] == field and not _is_present(field, observed)


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
