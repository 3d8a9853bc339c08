"""Fields of which only one may be set: one is put back where somebody has set another, and no request holds both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.test_asset_types import published
from comparison.strategies import example, is_writable
from remediation.in_process import in_process
from rest.test_every_type import resource_of
from setpoint.catalog import oneofs
from setpoint.catalog.schemas import Field, Schema
from setpoint.comparison.compare import compare
from setpoint.errors import Refused
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import NotWritable, WritePlan
from setpoint.remediation import api_requests, planner
from setpoint_tools.distil import oneofs as distil_oneofs
from setpoint_tools.testing.google_apis import GoogleApis

_DEEPEST = 6
Way = tuple[tuple[str, str], ...]
"""The fields that lead to a message, each with its kind."""


def messages(schema: Schema, way: Way = (), above: tuple[str, ...] = ()) -> Iterator[tuple[Way, Schema]]:
    """A resource and the messages in it that can be written, each schema once on its way."""
    yield way, schema
    if len(way) >= _DEEPEST:
        return
    for name, field in schema.fields.items():
        inner: Field | None = field.item if field.kind in ("list", "map") else field
        if inner is None or inner.kind != "message" or inner.schema is None or inner.schema.name in above:
            continue
        if not (field.output_only or field.input_only or field.immutable or field.beta):
            yield from messages(inner.schema, (*way, (name, field.kind)), (*above, inner.schema.name))


def laid(way: Way, message: dict[str, Any]) -> dict[str, Any]:
    """A message where a way leads."""
    for name, kind in reversed(way):
        held: Any = [message] if kind == "list" else {"team": message} if kind == "map" else message
        message = {name: held}
    return message


def cases() -> dict[str, list[tuple[str, Way, Schema, tuple[str, str]]]]:
    """For each group of each writable type the nearest place where it lies, and two of its fields."""
    by_service: dict[str, list[tuple[str, Way, Schema, tuple[str, str]]]] = {}
    seen = set()
    for asset_type in published():
        reached = resource_of(asset_type)
        if reached is None or reached[1].kind.writer is None:
            continue
        for way, schema in sorted(messages(reached[0]), key=lambda place: len(place[0])):
            for group in oneofs.groups(schema):
                fields = [
                    name
                    for name in group
                    if (field := schema.fields.get(name)) and is_writable(name, field) and not field.beta
                ]
                if len(fields) > 1 and (schema.service, schema.name, group) not in seen:
                    seen.add((schema.service, schema.name, group))
                    for pair in ((fields[0], fields[1]), (fields[-1], fields[0])):
                        by_service.setdefault(schema.service, []).append((asset_type, way, schema, pair))
    return by_service


CASES = cases()


def members(body: Any, chosen: str, other: str) -> int:
    """In how many messages both are set."""
    if isinstance(body, list):
        return sum(members(element, chosen, other) for element in body)
    if not isinstance(body, dict):
        return 0
    both = body.get(chosen) is not None and body.get(other) is not None
    return both + sum(members(part, chosen, other) for part in body.values())


def put_back(google: GoogleApis, api: Any, asset_type: str, way: Way, schema: Schema, pair: tuple[str, str]) -> str:
    wanted, other = pair
    top, resource = resource_of(asset_type) or pytest.fail(asset_type)
    declared = laid(way, {wanted: example(schema.fields[wanted])})
    live = laid(way, {other: example(schema.fields[other])})
    if not compare(declared, live, top):
        return "as_declared"
    read = api_requests.read(resource)
    google.put(read.url, live)
    plan = planner.plan(Declaration(ResourceKey(resource.name), asset_type, declared), api.read(read), top, resource)
    if isinstance(plan, NotWritable):
        return plan.reason
    assert members(plan.call.body, wanted, other) == 0, (asset_type, plan.call)
    api.write(plan)
    after = api.read(read)
    assert compare(declared, after, top) == (), (asset_type, plan.call, after)
    assert members(after, wanted, other) == 0
    return "written"


@pytest.mark.parametrize("service", sorted(CASES))
def test_one_of_several_is_put_back_beside_no_other(service):
    google = GoogleApis()
    google.polls = 0
    api = in_process(google)
    outcomes = Counter(put_back(google, api, *case) for case in CASES[service])
    assert set(outcomes) <= {"written", "as_declared", "by_hand", "immutable", "no_method", "secret"}
    assert len(google.journal) == outcomes["written"]


def plan_of(asset_type: str, declared: dict[str, Any], live: dict[str, Any]) -> Any:
    top, resource = resource_of(asset_type) or pytest.fail(asset_type)
    return planner.plan(Declaration(ResourceKey(resource.name), asset_type, declared), live, top, resource)


def test_a_mask_names_the_field_that_goes():
    live = {"pushConfig": {"noWrapper": {"writeMetadata": True}, "pushEndpoint": "https://example.com"}}
    plan = plan_of("pubsub.googleapis.com/Subscription", {"pushConfig": {"pubsubWrapper": {}}}, live)

    assert plan.call.body["updateMask"] == "pushConfig.pubsubWrapper,pushConfig.noWrapper"
    assert plan.call.body["subscription"] == {"pushConfig": {"pubsubWrapper": {}}}
    assert "pushConfig.noWrapper: cleared, since only one of its group may be set" in plan.summary


def test_a_merging_patch_sends_null_for_the_field_that_goes():
    declared = {"defaultUrlRedirect": {"hostRedirect": "example.com"}}
    plan = plan_of("compute.googleapis.com/UrlMap", declared, {"defaultService": "global/backendServices/web"})

    assert plan.call.body == {"defaultUrlRedirect": {"hostRedirect": "example.com"}, "defaultService": None}


def test_an_element_of_a_list_is_sent_without_the_field_that_goes():
    declared = {"template": {"containers": [{"name": "web", "livenessProbe": {"httpGet": {"path": "/up"}}}]}}
    container = {"name": "web", "image": "web:1", "livenessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 9}}
    plan = plan_of("run.googleapis.com/Service", declared, {"template": {"containers": [container]}})

    (sent,) = plan.call.body["template"]["containers"]
    assert sent["livenessProbe"] == {"httpGet": {"path": "/up"}, "periodSeconds": 9}
    assert sent["image"] == "web:1"


def test_a_request_with_two_of_one_group_is_refused_by_the_fake():
    google = GoogleApis()
    _, resource = resource_of("run.googleapis.com/Service") or pytest.fail("no service")
    read = api_requests.read(resource)
    google.put(read.url, {"template": {}})
    probe = {"tcpSocket": {"port": 80}, "httpGet": {"path": "/"}}
    method = resource.kind.methods["patch"]
    body = {"template": {"containers": [{"livenessProbe": probe}]}}
    call = api_requests.call(resource, method, query={method.mask: "template.containers"}, body=body)

    with pytest.raises(Refused, match="oneof"):
        in_process(google).write(WritePlan(ResourceKey(resource.name), call))


def test_the_table_is_what_its_script_makes(tmp_path):
    lines = tmp_path / "definitions.jsonl"
    lines.write_text('{"message": "google.cloud.run.v2.Probe", "oneof": "probe", "fields": ["httpGet", "tcpSocket"]}\n')

    assert distil_oneofs.main([str(lines), "--out", str(tmp_path / "table.tsv")]) == 0
    assert "run\tGoogleCloudRunV2Probe\thttpGet tcpSocket\tgoogle.cloud.run.v2.Probe\n" in (
        tmp_path / "table.tsv"
    ).read_text(encoding="utf-8")
