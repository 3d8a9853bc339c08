"""Every field that has a method of its own, put back on the fake: by that method, alone, and with nothing beside it."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.strategies import STATES, example
from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import Field, default_catalogue
from setpoint.comparison.compare import compare
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import Done, Started, WritePlan
from setpoint.remediation import api_requests, planner
from setpoint.remediation.setter_methods import SPECIAL, SetterMethod

TYPES = {
    ("container", "Cluster"): "container.googleapis.com/Cluster",
    ("container", "NodePool"): "container.googleapis.com/NodePool",
    ("iam", "ServiceAccount"): "iam.googleapis.com/ServiceAccount",
}
DECLARED: dict[str, Any] = {
    # Fields of which the first scalar would not tell one value from another.
    "metadata": {"items": [{"key": "tier", "value": "web"}]},
    "commonInstanceMetadata": {"items": [{"key": "enable-oslogin", "value": "TRUE"}]},
    "config.taints": [{"key": "dedicated", "value": "web", "effect": "NO_SCHEDULE"}],
    "config.labels": {"team": "web"},
    "config.resourceLabels": {"team": "web"},
    "resourceLabels": {"team": "web"},
    "namedPorts": [{"name": "http", "port": 8080}],
    "resourceUsageExportConfig": {"enableNetworkEgressMetering": True},
    "maintenancePolicy": {"window": {"dailyMaintenanceWindow": {"startTime": "03:00"}}},
    "proxyHeader": "PROXY_V1",
}
BESIDE = {"description": "kept as it is", "metadata": {"fingerprint": "m="}, "tags": {"fingerprint": "t="}}


def nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def case(setter: SetterMethod) -> tuple[Declaration, Any, Any]:
    asset_type = TYPES.get((setter.service, setter.schema), f"{setter.service}.googleapis.com/{setter.schema}")
    schema = default_catalogue().schema_for(asset_type)
    assert schema is not None
    kind = next(kind for kind in default_methods().kinds(schema) if setter.method in kind.methods)
    name = f"//{setter.service}.googleapis.com/{kind.pattern.replace('*', 'x')}"
    field = Field("", "message", schema=schema)
    for key in setter.field.split("."):
        assert field.schema is not None
        field = field.schema.fields[key]
    value = setter.when if setter.when is not None else DECLARED.get(setter.field) or example(field)
    declaration = Declaration(ResourceKey(name), asset_type, nested(setter.field, value))
    return declaration, schema, default_methods().resource(name, schema)


@pytest.mark.parametrize("setter", SPECIAL, ids=lambda setter: f"{setter.schema}.{setter.field}-{setter.method}")
def test_a_field_with_a_method_of_its_own_is_put_back_by_it_alone(apis_in_process, rest_in_process, setter):
    declaration, schema, resource = case(setter)
    read = api_requests.read(resource)
    live = BESIDE | ({} if setter.when is None else {"disabled": not setter.when})
    live = live if "description" in schema.fields else {"name": "x"} | live
    apis_in_process.put(read.url, {key: part for key, part in live.items() if key in schema.fields})
    before = rest_in_process.read(read)
    plan = planner.plan(declaration, before, schema, resource)
    assert isinstance(plan, WritePlan), plan
    assert plan.call.method.rpartition(".")[2] == setter.method
    outcome = rest_in_process.write(plan)
    while isinstance(outcome, Started):
        if rest_in_process.operation(outcome) == Done():
            break
    after = rest_in_process.read(read)
    assert compare(declaration.data, after, schema) == ()
    assert [effect.method for effect in apis_in_process.journal] == [plan.call.method]
    kept = before.keys() - {setter.field.partition(".")[0], *STATES}
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}


def test_labels_of_every_kind_in_compute_engine_are_set_by_their_own_method(apis_in_process, rest_in_process):
    name = "//compute.googleapis.com/projects/shop-prod/regions/europe-west1/addresses/nat"
    declaration = Declaration(ResourceKey(name), "compute.googleapis.com/Address", {"labels": {"team": "net"}})
    schema = default_catalogue().schema_for(declaration.asset_type)
    assert schema is not None
    resource = default_methods().resource(name, schema)
    assert resource is not None
    apis_in_process.polls = 0
    apis_in_process.put(
        api_requests.read(resource).url, {"labels": {"team": "web", "owner": "x"}, "address": "10.0.0.1"}
    )
    plan = planner.plan(declaration, rest_in_process.read(api_requests.read(resource)), schema, resource)
    assert isinstance(plan, WritePlan)
    rest_in_process.write(plan)
    after = rest_in_process.read(api_requests.read(resource))
    assert after["labels"] == {"team": "net", "owner": "x"}
    assert after["address"] == "10.0.0.1"
