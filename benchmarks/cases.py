"""The input of the benchmark: complete feed messages, asset and prior asset, with the declarations beside them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey, project_of
from setpoint_tools.testing.fleet import Fleet

_ROOT = Path(__file__).resolve().parents[1]
_TIME = "2025-01-01T00:00:00.000001Z"


class Case(NamedTuple):
    """One declaration and one message about the same resource."""

    declaration: Declaration
    message: bytes


def cases() -> tuple[list[Case], str]:
    """The cases, and where they come from."""
    folder = Path(os.environ.get("SETPOINT_CORPUS", _ROOT.parent / "shared" / "corpus"))
    file = folder / "api.jsonl"
    if file.is_file():
        return _recorded(file), "recorded cases"
    return _sample(), "a generated fleet"


def _recorded(file: Path) -> list[Case]:
    cases = []
    for line in file.read_text().splitlines():
        record = json.loads(line)
        created, updated = record["live_after_create"], record["live_after_update"]
        declaration = Declaration(
            key=ResourceKey(record["full_name"]),
            asset_type=record["asset_type"],
            data=record["declared"],
            project=project_of(record["full_name"]) or "fleet-prod-123",
        )
        cases.append(Case(declaration, message(declaration, created, created)))
        if updated:
            cases.append(Case(declaration, message(declaration, updated, created)))
    return cases


def _sample() -> list[Case]:
    """Generated resources, where no recorded ones are, each as it is declared."""
    fleet, cases = Fleet(340, projects=60), []
    for sample, wanted in zip(fleet.declared(), fleet.desired(), strict=True):
        if sample.key.content == "resource":
            (declaration,) = wanted.declarations
            cases.append(Case(declaration, message(declaration, sample.live, sample.live)))
    return cases


def message(declaration: Declaration, now: dict[str, Any], before: dict[str, Any]) -> bytes:
    """The message that a feed would send of a change from ``before`` to ``now``."""

    def asset(data: dict[str, Any], time: str) -> dict[str, Any]:
        return {
            "ancestors": ["projects/123456789012", "folders/918177713511", "organizations/566099688680"],
            "assetType": declaration.asset_type,
            "name": declaration.key.name,
            "resource": {
                "version": "v1",
                "parent": "//cloudresourcemanager.googleapis.com/projects/123456789012",
                "data": data,
            },
            "updateTime": time,
        }

    temporal = {
        "asset": asset(now, _TIME),
        "priorAsset": asset(before, "2024-12-31T00:00:00.000001Z"),
        "priorAssetState": "PRESENT",
        "window": {"startTime": _TIME},
    }
    return json.dumps(temporal, separators=(",", ":")).encode()
