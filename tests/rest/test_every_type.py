"""Every published asset type that can be written: some of its fields, put back on the fake of its own API."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice
from typing import Any

import pytest

from catalog.test_asset_types import published
from comparison.strategies import STATES, example, is_writable
from setpoint.catalog.methods import ApiResource, default_methods
from setpoint.catalog.schemas import Schema, default_catalogue
from setpoint.comparison.compare import compare
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import NotWritable
from setpoint.remediation import api_requests, planner
from sizes import size

FIELDS = size(2, 4)
TYPES: dict[str, list[str]] = defaultdict(list)
for asset_type_ in published():
    TYPES[asset_type_.partition(".")[0]].append(asset_type_)


def resource_of(asset_type: str) -> tuple[Schema, ApiResource] | None:
    schema = default_catalogue().schema_for(asset_type)
    assert schema is not None
    kinds = default_methods().kinds(schema)
    for kind in sorted(kinds, key=lambda kind: f"/{schema.version}/" not in kind.base):
        path = kind.pattern.replace("*", "x").removeprefix("b/")
        resource = default_methods().resource(f"//{asset_type.partition('/')[0]}/{path}", schema)
        if resource is not None:
            return schema, resource
    return None


def put_back(google: Any, api: Any, asset_type: str, schema: Schema, resource: ApiResource, name: str) -> str:
    """Put one field back that is gone; gives the reason where that is refused."""
    declared = {name: example(schema.fields[name])}
    if not compare(declared, {}, schema):
        return "as_declared"
    read = api_requests.read(resource)
    beside = next((other for other, field in schema.fields.items() if other != name and field.output_only), "")
    google.put(read.url, {beside: "kept"} if beside and schema.fields[beside].type == "string" else {})
    before = api.read(read)
    plan = planner.plan(Declaration(ResourceKey(resource.name), asset_type, declared), before, schema, resource)
    if isinstance(plan, NotWritable):
        assert all(field.todo for field in plan.fields)
        return plan.reason
    api.write(plan)
    after = api.read(read)
    assert compare(declared, after, schema) == (), (asset_type, name, plan.call)
    assert {key: after.get(key) for key in before.keys() - {*STATES, name}} == {
        key: value for key, value in before.items() if key not in (*STATES, name)
    }
    return "written"


@pytest.mark.thorough
@pytest.mark.parametrize("service", sorted(TYPES))
def test_the_fields_of_every_type_of_a_service_are_put_back_or_handed_off(apis_in_process, rest_in_process, service):
    apis_in_process.polls = 0
    outcomes: Counter[str] = Counter()
    for asset_type in TYPES[service]:
        resource_ = resource_of(asset_type)
        if resource_ is None:
            continue
        schema, resource = resource_
        names = (name for name, field in schema.fields.items() if is_writable(name, field))
        for name in islice(names, FIELDS):
            outcomes[put_back(apis_in_process, rest_in_process, asset_type, schema, resource, name)] += 1
    assert set(outcomes) <= {"written", "as_declared", "by_hand", "immutable", "no_method", "secret"}
    assert len(apis_in_process.journal) == outcomes["written"]
