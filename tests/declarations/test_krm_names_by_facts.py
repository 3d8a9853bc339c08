"""Names of kinds as the controller's own sources have them, where the facts lie beside the checkout."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from setpoint.declarations.readers import krm_names
from setpoint.declarations.readers.krm_references import Objects

FACTS = Path(os.environ.get("SETPOINT_FACTS", Path(__file__).resolve().parents[3] / "shared" / "facts"))

pytestmark = pytest.mark.skipif(not (FACTS / "krm_names.jsonl").is_file(), reason=f"no facts at {FACTS}")

PLACES = {"{project}": "fleet-1", "{location}": "us-central1", "{region}": "us-central1", "{zone}": "us-central1-a"}
FIELDS = {"{location}": "location", "{region}": "region", "{zone}": "zone"}
SERVICE_CHOOSES_AFTER_ALL = 12
"""Kinds whose id the service chooses although the facts leave it to the author."""


def cases() -> Iterator[tuple[dict[str, Any], str]]:
    """An object of each kind that lies in a place of its project, and the name that it has to get."""
    for line in (FACTS / "krm_names.jsonl").read_text().splitlines():
        row = json.loads(line)
        urls = row.get("url")
        if (
            row["id"] == "fields"
            or row.get("part_of")
            or not isinstance(urls, str)
            or row["kind"] == "IAMServiceAccount"
        ):
            continue
        *above, last = urls.split("/")
        filled = [PLACES.get(part, part) for part in above]
        wanted = {FIELDS[part] for part in above if part in FIELDS}
        if len(above) < 3 or any("{" in part for part in filled) or not last.startswith("{"):
            continue
        if not wanted <= set(row.get("parent_fields", ())):
            continue
        places = {field: PLACES[f"{{{field}}}"] for field in wanted}
        spec = places | ({"resourceID": "mine"} if row["id"] == "service" else {})
        yield (
            {
                "apiVersion": f"{row['group']}.cnrm.cloud.google.com/{row['version']}",
                "kind": row["kind"],
                "metadata": {"name": "mine", "namespace": "fleet-1"},
                "spec": spec,
            },
            "/".join([*filled, "mine"]),
        )


def test_the_names_of_kinds_are_those_of_the_controller() -> None:
    wrong, pending, total = [], 0, 0
    for value, expected in cases():
        total += 1
        name = krm_names.full_name(value, Objects([value]))
        if not name and krm_names.why_unnamed(value, Objects([value])).pending:
            pending += 1
        elif name.split("/", 3)[-1].lower() not in {expected.lower(), "mine"}:
            wrong.append((value["kind"], expected, name))
    assert total > 300
    assert pending <= SERVICE_CHOOSES_AFTER_ALL
    assert len(wrong) <= total / 100, wrong
