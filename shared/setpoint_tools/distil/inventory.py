"""Distils the tables of Cloud Asset Inventory from collected facts: names of assets, and fields that it lacks.

Run: ``python -m setpoint_tools.distil.inventory FACTS``; the folder FACTS holds ``inventory_names.jsonl``,
``inventory_missing.jsonl``, ``inventory_types.txt`` and ``inventory_types_content.jsonl``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from setpoint_tools.distil import artefact

_DATA = Path(__file__).resolve().parents[2] / "setpoint" / "catalog" / "data"
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_ABSENT = ("missing", "may be missing", "other asset")


def names(facts: Path) -> dict[str, Any]:
    """Asset type → formats of its name, and by what the last segment names it where that is made by the service."""
    table: dict[str, Any] = {}
    for fact in _lines(facts / "inventory_names.jsonl"):
        entry = table.setdefault(fact["asset_type"], {"formats": []})
        for form in fact["formats"]:
            pattern = _PLACEHOLDER.sub(lambda match: "{" + match[1].lower() + "}", form)
            shape = re.sub(r"\{\w+\}", "{}", pattern)
            if all(re.sub(r"\{\w+\}", "{}", known) != shape for known in entry["formats"]):
                entry["formats"].append(pattern)
        if by := fact.get("by"):
            entry["by"] = by
        if fact.get("api_field"):
            entry["field"] = fact["api_field"]
        if "number" in str(fact.get("project", "")):
            entry["project_number"] = True
    for line in (facts / "inventory_types.txt").read_text().splitlines():
        table.setdefault(line.split("\t")[0], {"formats": []})
    return dict(sorted(table.items()))


def missing(facts: Path) -> dict[str, list[str]]:
    """Asset type → fields that the inventory does not carry, of which no recorded asset has one."""
    table: dict[str, set[str]] = {}
    for fact in _lines(facts / "inventory_missing.jsonl"):
        if fact.get("recorded") or not fact.get("why", "").startswith(_ABSENT) or not fact.get("field"):
            continue
        table.setdefault(fact["asset_type"], set()).add(fact["field"])
    return {asset_type: sorted(fields) for asset_type, fields in sorted(table.items())}


def contents(facts: Path) -> dict[str, list[str]]:
    """Asset type → versions of the API in which the inventory was seen to send it."""
    table: dict[str, set[str]] = {}
    for fact in _lines(facts / "inventory_types_content.jsonl"):
        if fact.get("version"):
            table.setdefault(fact["asset_type"], set()).add(fact["version"])
    return {asset_type: sorted(versions) for asset_type, versions in sorted(table.items())}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def main(facts: str) -> None:
    """Write the artefact beside the catalogue's."""
    folder = Path(facts)
    tables = {"names": names(folder), "missing": missing(folder), "versions": contents(folder)}
    size = artefact.write(_DATA, "inventory", tables)
    print(f"{len(tables['names'])} types, {size:,} bytes")  # noqa: T201 - a script


if __name__ == "__main__":
    main(*sys.argv[1:])
