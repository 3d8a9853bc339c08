"""The facts about each asset type, one row a type, for ``setpoint types`` and the documentation."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from setpoint.catalog import inventory_names
from setpoint.catalog.methods import Methods
from setpoint.catalog.schemas import Catalogue


class TypeRow(msgspec.Struct, frozen=True):
    """One asset type.

    Args:
        type: Cloud Asset Inventory's type.
        versions: API versions in which the inventory was seen to send it; empty where none was recorded.
        named_by: what its name in the inventory holds.
        compared_by: ``schema``, Google's own description; ``shape``, where there is none.
        reads: whether its API can read it, as deep reads and remediation do.
        writes: how remediation writes it: ``patch``, ``replace`` or ``no``.
        lacks: fields that the inventory never carries.
    """

    type: str
    versions: tuple[str, ...]
    named_by: str
    compared_by: str
    reads: bool
    writes: str
    lacks: tuple[str, ...]


def rows(catalogue: Catalogue, methods: Methods) -> Iterator[TypeRow]:
    """The rows of docs/asset-types.md: one for each type that the inventory lists, in the order of their names.

    Args:
        catalogue: the schemas.
        methods: the methods that read and write.
    """
    for asset_type in sorted(inventory_names.known_types()):
        schema = catalogue.schema_for(asset_type)
        kinds = methods.kinds(schema) if schema is not None else ()
        writers = {kind.writer.verb for kind in kinds if kind.writer is not None}
        yield TypeRow(
            asset_type,
            inventory_names.versions(asset_type),
            _named_by(asset_type),
            "schema" if schema is not None else "shape",
            bool(kinds),
            "patch" if "PATCH" in writers else "replace" if writers else "no",
            tuple(sorted(inventory_names.missing_fields(asset_type))),
        )


def _named_by(asset_type: str) -> str:
    known = inventory_names.entry(asset_type)
    if known is None or not known.formats:
        return "unknown"
    if inventory_names.is_server_named(asset_type):
        return known.by.replace("_", " ")
    return "name, project number" if known.project_number else "name"
