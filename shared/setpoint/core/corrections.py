"""What Google's schemas leave unsaid, or say wrongly, of single fields: one table, each entry with its reason.

The catalogue applies it when it builds a schema, so that a correction needs no new artefact.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Correction(NamedTuple):
    """Sets attributes of `catalogue.Field` on some fields of one schema, for a reason."""

    service: str
    schema: str
    fields: str
    """API names, separated by spaces."""
    attributes: dict[str, Any]
    reason: str


_SET_BY_SERVER = {"output_only": True}

CORRECTIONS: tuple[Correction, ...] = (
    Correction(
        "storage",
        "Bucket",
        "etag generation hardDeleteTime id kind location_type locationType metageneration owner projectNumber "
        "satisfiesPZI satisfiesPZS selfLink softDeleteTime timeCreated updated",
        _SET_BY_SERVER,
        "storage v1 marks nothing as output-only; the reference of Buckets calls these not writable",
    ),
)


@cache
def _table() -> Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]]:
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for correction in CORRECTIONS:
        fields = found.setdefault((correction.service, correction.schema), {})
        for name in correction.fields.split():
            fields.setdefault(name, {}).update(correction.attributes)
    return MappingProxyType(found)


_NONE: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def of(service: str, schema: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the corrections of one schema: field → attribute → value.

    Args:
        service: The API, as `storage`.
        schema: The schema's name; of an anonymous message, `Owner.field`.
    """
    return _table().get((service, schema), _NONE)
