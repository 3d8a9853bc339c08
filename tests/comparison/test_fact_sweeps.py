"""Sweeps over recorded facts of the API's fields, on every type.

Every reference, set, ordered list, stated default, and field that is never returned.

The facts are not part of the project; without them these tests are skipped. `SETPOINT_FACTS` names their folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from comparison.compared import OWN
from setpoint.catalog import field_rules
from setpoint.catalog.schemas import Field, Schema, default_catalogue
from setpoint.comparison.compare import compare

_ROOT = Path(__file__).resolve().parents[3]
FACTS = Path(os.environ.get("SETPOINT_FACTS", _ROOT / "shared" / "facts")) / "terraform_fields.jsonl"

pytestmark = pytest.mark.skipif(not FACTS.is_file(), reason="the recorded facts are not here; see SETPOINT_FACTS")

SINGLE = f"projects/{OWN.id}/locations/us-east1/things/a"
SPELLINGS = (
    SINGLE.replace(OWN.id, OWN.number),
    f"https://www.googleapis.com/compute/v1/{SINGLE}",
    f"https://example.googleapis.com/v1beta/{SINGLE}",
    f"//example.googleapis.com/{SINGLE}",
)
OTHERS = (
    f"{SINGLE}b",
    SINGLE.replace("us-east1", "us-west1"),
    SINGLE.replace(OWN.id, "other-123"),
    SINGLE.replace("things", "thongs"),
    f"https://www.googleapis.com/compute/v1/{SINGLE}b",
)


class Fact(NamedTuple):
    schema: Schema
    path: str
    field: Field
    stated: dict[str, Any]


def facts() -> Iterator[Fact]:
    for line in FACTS.read_text().splitlines():
        resource = json.loads(line)
        if not (resource.get("schema") and resource.get("asset_type") and resource.get("fields")):
            continue
        schemas = default_catalogue().schemas_for(resource["asset_type"])
        schema = next((schema for schema in schemas if schema.name == resource["schema"]), None)
        for stated in resource["fields"].values() if schema is not None else ():
            path = stated.get("api", "")
            is_plain = (
                path and not {"*", "="} & set(path) and not any(map(stated.get, ("url", "virtual", "custom", "from")))
            )
            field = _field(schema, path) if is_plain and schema is not None else None
            if schema is not None and field is not None:
                yield Fact(schema, path, field, stated)


def _field(schema: Schema | None, path: str) -> Field | None:
    """The field at a path; None where nothing of it is written by people."""
    field = None
    for segment in path.split("."):
        field = schema.fields.get(segment.removesuffix("[]").removesuffix("{}")) if schema is not None else None
        is_marked = field is not None and (field.kind != "list" or segment.endswith("[]") or path.endswith(segment))
        if field is None or field.output_only or not is_marked:
            return None
        schema = (field.item or field).schema
    return field


def body(path: str, value: Any) -> dict[str, Any]:
    for segment in reversed(path.split(".")):
        name = segment.removesuffix("[]").removesuffix("{}")
        value = {name: [value] if segment.endswith("[]") else {"k": value} if segment.endswith("{}") else value}
    return dict(value)


def differs(fact: Fact, want: Any, have: Any) -> bool:
    path = fact.path.removesuffix("[]") if isinstance(want, list) else fact.path
    return bool(compare(body(path, want), body(path, have), fact.schema, own=OWN))


def references() -> list[Fact]:
    return [
        fact
        for fact in facts()
        if fact.field.kind == "scalar" and fact.field.reference and not fact.stated.get("ignore_read")
    ]


def test_a_reference_is_equal_in_every_spelling_and_another_target_is_found() -> None:
    fields = references()
    assert len(fields) > 1000
    wrong = [(fact.schema, fact.path, other) for fact in fields for other in SPELLINGS if differs(fact, SINGLE, other)]
    hidden = [
        (fact.schema, fact.path, other) for fact in fields for other in OTHERS if not differs(fact, SINGLE, other)
    ]
    assert (wrong, hidden) == ([], [])


def test_a_set_has_no_order_and_another_element_is_found() -> None:
    fields = [
        fact
        for fact in facts()
        if fact.stated.get("set")
        and fact.field.kind == "list"
        and fact.field.item
        and fact.field.item.type == "string"
        and not fact.field.item.format
    ]
    assert len(fields) > 80
    first, second = "projects/p/things/a", "projects/p/things/b"
    wrong = [(fact.schema, fact.path) for fact in fields if differs(fact, [first, second], [second, first])]
    hidden = [(fact.schema, fact.path) for fact in fields if not differs(fact, [first, second], [first, f"{second}c"])]
    assert (wrong, hidden) == ([], [])


SAMPLES: dict[str, Any] = {"boolean": True, "integer": 7, "number": 7, "string": "abc"}


RETURNED = [("Instance", "type")]
"""Not read back by the provider, and returned by the API: the type of a Bigtable instance."""


def test_a_field_that_is_never_returned_is_never_missing() -> None:
    wrong, count = [], 0
    for fact in facts():
        if not (fact.stated.get("ignore_read") or fact.stated.get("write_only")) or fact.field.kind != "scalar":
            continue
        count += 1
        value = fact.field.enum[-1] if fact.field.enum else SAMPLES[fact.field.type]
        parent, _, _ = fact.path.rpartition(".")
        if compare(body(fact.path, value), body(parent, {}) if parent else {}, fact.schema, own=OWN):
            wrong.append((fact.schema.name, fact.path))
    assert count > 200
    assert wrong == RETURNED


class Equivalence(NamedTuple):
    asset_type: str
    path: str
    schema: Schema
    field: Field
    stated: dict[str, Any]


def equivalences(kind: str) -> Iterator[Equivalence]:
    """The recorded equivalences of a kind for fields that the catalogue has."""
    for line in FACTS.with_name("equivalences.jsonl").read_text().splitlines():
        stated = json.loads(line)
        for asset_type in stated["types"] if stated["kind"] == kind else ():
            schemas = default_catalogue().schemas_for(asset_type)
            for path in stated["field"].split(", "):
                pairs = ((schema, _any_field(schema, path)) for schema in schemas)
                schema, field = next(((schema, field) for schema, field in pairs if field is not None), (None, None))
                if schema is not None and field is not None:
                    yield Equivalence(asset_type, path, schema, field, stated)


def _any_field(schema: Schema | None, path: str) -> Field | None:
    field = None
    for segment in path.split("."):
        field = schema.fields.get(segment.removesuffix("[]").removesuffix("{}")) if schema is not None else None
        if field is None:
            return None
        schema = (field.item or field).schema
    return field


def elements(item: Field | None) -> list[Any]:
    """Two elements of a list that differ in a field that people set; none where it has no simple one."""
    if item is None or item.kind == "scalar":
        words = item.enum[-2:] if item is not None and item.enum else ("projects/p/things/a", "projects/p/things/b")
        return list(words) if item is None or item.type == "string" else [1, 2]
    fields = [field for _, field in sorted(item.schema.fields.items())] if item.schema is not None else []
    settable = [field for field in fields if not field.output_only and not field.input_only]
    texts = [field for field in settable if field.kind == "scalar" and field.type == "string" and not field.format]
    for field in texts:
        return [{field.name: "abc"}, {field.name: "abd"}]
    for field in settable:
        parts = elements(field) if field.kind == "message" else field.enum[-2:] if len(field.enum) > 1 else ()
        if parts:
            return [{field.name: part} for part in parts]
    return []


def reordered(kind: str) -> dict[tuple[str, str], bool]:
    """Whether another order is a difference, by type and path."""
    results = {}
    for asset_type, path, schema, field, _ in equivalences(kind):
        if not path.endswith("[]") or field.kind != "list" or not (some := elements(field.item)):
            continue
        fact = Fact(schema, path, field, {})
        results[asset_type, path] = differs(fact, some, some[::-1])
    return results


def test_another_order_of_an_ordered_list_is_found() -> None:
    results = reordered("order_means")
    assert len(results) > 40
    by_table = {place for place in results if _is_set_by_table(*place)}
    assert by_table == {("bigquery.googleapis.com/Table", "schema.fields[]")}
    assert {place for place, is_different in results.items() if not is_different} == by_table


def _is_set_by_table(asset_type: str, path: str) -> bool:
    """Whether a line of the tables of single fields says, with its reason, that the order does not count."""
    schema = default_catalogue().schema_for(asset_type)
    table = field_rules.of(schema.service, schema.name) if schema is not None else None
    return table is not None and "set" in table.at_path(path.replace("[]", "").split("."))


def test_another_order_of_a_list_without_an_order_is_no_difference() -> None:
    results = reordered("order_free")
    assert len(results) > 60
    assert not any(results.values())


def test_a_stated_default_equals_absence() -> None:
    wrong, count = [], 0
    for asset_type, path, schema, field, stated in equivalences("absent_is_default"):
        value = next(side for side in (stated["declared"], stated["answered"]) if side != "(absent)")
        if value is None or (value == [] and "(absent)" not in (stated["declared"], stated["answered"])):
            continue
        whole = path.removesuffix("[]")
        if field.kind == "list" and not isinstance(value, list):
            value = [value]
        want = body(whole if isinstance(value, list) else path, value)
        parent = path.rpartition(".")[0]
        count += 1
        if compare(want, body(parent, {}) if parent else {}, schema, own=OWN):
            wrong.append((asset_type, path, value))
    assert count > 80
    assert wrong == []
