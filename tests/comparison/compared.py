"""What the tests of comparing share: one question, answered by paths and operations."""

from __future__ import annotations

from typing import Any

from setpoint.catalog.schemas import Schema, default_catalogue
from setpoint.comparison.compare import compare
from setpoint.comparison.explain import ExplainedComparison, examine
from setpoint.model.references import Project

OWN = Project("billing-prod", "123456789012")


def schema(asset_type: str) -> Schema | None:
    known = default_catalogue().schema_for(asset_type) if asset_type else None
    assert known is not None or not asset_type
    return known


def drift(asset_type: str, declared: dict[str, Any], live: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    differences = compare(declared, live, schema(asset_type), own=OWN, **options)
    return [(difference.path, difference.op) for difference in differences]


def explained(asset_type: str, declared: dict[str, Any], live: dict[str, Any]) -> ExplainedComparison:
    return examine(declared, live, schema(asset_type), OWN)
