"""Every field that the inventory lacks: unobservable in a feed, compared by a reading through the API."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from setpoint.catalog import inventory_names
from setpoint.catalog.schemas import Field, Schema, default_catalogue
from setpoint.detection import verdict
from setpoint.model.api_reading import ApiReading
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.policy import ObserveRule, Policy
from setpoint.model.resource_key import ResourceKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BY_API = Rules(policy=Policy(observe=(ObserveRule(asset_types=("*",)),)))
FACTS = Path(os.environ.get("SETPOINT_FACTS", Path(__file__).resolve().parents[3] / "shared" / "facts"))
KEY = ResourceKey("//example.googleapis.com/projects/p/things/x")
VALUES: dict[str, tuple[Any, Any]] = {
    "boolean": (True, False),
    "integer": (3, 7),
    "number": (0.5, 0.25),
    "duration": ("60s", "90s"),
    "timestamp": ("2026-03-01T12:00:00Z", "2026-04-01T12:00:00Z"),
    "date": ("2026-03-01", "2026-04-01"),
    "bytes": ("YWJj", "ZGVm"),
    "string": ("ab-1", "cd-2"),
}
"""Two values of each type."""


def rows() -> Iterator[tuple[str, str]]:
    """Every field of the table, by asset type."""
    for asset_type in inventory_names.known_types():
        for field in sorted(inventory_names.missing_fields(asset_type)):
            yield asset_type, field


def bodies(asset_type: str, path: str) -> tuple[Field | None, dict[str, Any], dict[str, Any]]:
    """The schema's field, and two bodies that differ in it alone."""
    schema: Schema | None = default_catalogue().schema_for(asset_type)
    field: Field | None = None
    for name in re.sub(r"\[\]|\{\w*\}", "", path).split("."):
        field = schema.fields.get(name) if schema is not None else None
        item = field.item if field is not None and field.item is not None else field
        schema = item.schema if item is not None else None
    first, second = values(field, path)
    return field, nested(path, first), nested(path, second)


def values(field: Field | None, path: str) -> tuple[Any, Any]:
    """Two values of a field, without the marks of a list or map, which the path has."""
    item = field.item if field is not None and field.item is not None else field
    if item is not None and item.kind == "message" and item.schema is not None:
        for name, inner in item.schema.fields.items():  # one that is compared on its own
            if inner.kind == "scalar" and not (inner.output_only or inner.input_only or inner.sensitive):
                pair = values(inner, path)
                return {name: pair[0]}, {name: pair[1]}
    if item is not None and item.enum:
        names = [name for name in item.enum if "UNSPECIFIED" not in name]
        return names[-1], names[-2] if len(names) > 1 else "OTHER"
    kind = (item.format if item is not None and item.format in VALUES else item.type) if item is not None else "string"
    return VALUES.get(kind, VALUES["string"])


def nested(path: str, value: Any) -> Any:
    """A value at the end of a path with marks: ``a.b[].c`` or ``labels{}``."""
    first, _, rest = path.partition(".")
    inner = nested(rest, value) if rest else value
    name, mark = re.fullmatch(r"(\w+)(\[\]|\{\w*\})?", first).groups()
    if mark == "[]":
        return {name: [inner]}
    if mark:
        return {name: {mark.strip("{}") or "team": inner}}
    return {name: inner}


def judge(asset_type: str, declared: Any, observed: Any, through: str, reading: ApiReading | None = None):
    observation = Observation(KEY, asset_type, NOON, data=observed, through=through)
    return verdict.judge(wanted(asset_type, declared), BY_API, observation, default_catalogue(), reading=reading)


def wanted(asset_type: str, declared: Any):
    return desired((Declaration(KEY, asset_type, declared, project="p"),))


@pytest.mark.parametrize(("asset_type", "field"), list(rows()))
def test_a_field_that_the_inventory_lacks_is_compared_once_its_api_was_read(asset_type, field):
    known, declared, other = bodies(asset_type, field)
    if known is not None and (known.input_only or known.output_only):
        pytest.skip("no API answers it, or only the server sets it")

    assert judge(asset_type, declared, {}, "inventory").kind is None
    assert judge(asset_type, declared, declared, "api").kind is None
    read = judge(asset_type, declared, other, "api")
    assert read.kind == "modified", "a reading through the API compares it"
    assert {difference.seen_by for difference in read.differences} == {"api"}
    reading = ApiReading(None, NOON, "", read.differences, wanted(asset_type, declared).digest)
    again = judge(asset_type, declared, {}, "inventory", reading)
    assert again.fingerprint == read.fingerprint, "the next message of the inventory changes nothing"
    after = ApiReading(read_at=NOON + timedelta(minutes=1))
    assert judge(asset_type, declared, {}, "inventory", after).kind is None


@pytest.mark.skipif(not (FACTS / "inventory_missing.jsonl").is_file(), reason=f"no facts at {FACTS}")
def test_the_table_has_every_field_that_the_facts_call_missing():
    lines = [json.loads(line) for line in (FACTS / "inventory_missing.jsonl").read_text().splitlines()]
    missing = {
        (line["asset_type"], line["field"]) for line in lines if line["why"] == "missing" and not line.get("recorded")
    }
    assert sorted(missing - set(rows())) == []
