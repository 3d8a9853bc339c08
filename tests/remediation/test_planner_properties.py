"""Whatever drifts of a made-up resource: the plan puts back what is declared, touches nothing else, or says why not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from comparison.strategies import TYPES, declared, leaves, mutated, replaced, schema_of
from setpoint.catalog.methods import ApiResource, default_methods
from setpoint.comparison.compare import compare
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import Call, NotWritable, WritePlan
from setpoint.remediation import planner
from sizes import size

pytestmark = pytest.mark.parametrize("asset_type", [type_ for type_ in TYPES if "container" not in type_])
SETTINGS = settings(max_examples=size(6, 25), deadline=None)


def made_up(asset_type: str) -> tuple[str, ApiResource]:
    """A resource's name, from the pattern of its path."""
    schema = schema_of(asset_type)
    path = default_methods().kinds(schema)[0].pattern.replace("*", "x").removeprefix("b/")
    name = f"//{asset_type.partition('/')[0]}/{path}"
    resource = default_methods().resource(name, schema)
    assert resource is not None
    return name, resource


def planned(asset_type: str, wanted: dict[str, Any], live: dict[str, Any]) -> WritePlan | NotWritable:
    name, resource = made_up(asset_type)
    return planner.plan(Declaration(ResourceKey(name), asset_type, wanted), live, schema_of(asset_type), resource)


def applied(call: Call, resource: ApiResource, live: dict[str, Any]) -> dict[str, Any]:
    """What an API makes of a call that is not a method of one field: by mask, merged, or replaced."""
    method = next(candidate for candidate in resource.kind.methods.values() if candidate.id == call.method)
    body = call.body[method.wrap] if method.wrap else call.body
    if method.masked:
        mask = call.query[method.mask] if method.mask else call.body[method.wrapped_mask]
        return by_mask(copy.deepcopy(live), body, mask.split(","))
    return merged(live, body) if method.verb == "PATCH" else body


def by_mask(live: dict[str, Any], body: dict[str, Any], mask: list[str]) -> dict[str, Any]:
    for path in mask:
        *way, last = path.split(".")
        source: Any = body
        target: Any = live
        for key in way:
            source = source.get(key, {})
            target = target.setdefault(key, {})
        target.pop(last, None)
        if last in source:
            target[last] = source[last]
    return live


def merged(live: Any, part: dict[str, Any]) -> dict[str, Any]:
    """RFC 7396."""
    whole = dict(live) if isinstance(live, dict) else {}
    for key, value in part.items():
        if value is None:
            whole.pop(key, None)
        else:
            whole[key] = merged(whole.get(key), value) if isinstance(value, dict) else value
    return whole


@st.composite
def drifted(draw: st.DrawFn, asset_type: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is declared, and a live resource that has drifted from it and holds more."""
    schema = schema_of(asset_type)
    wanted = draw(declared(schema))
    live = {**draw(declared(schema)), **copy.deepcopy(wanted)}
    where = leaves(wanted)
    assume(where)
    for path in draw(st.lists(st.sampled_from(where), min_size=1, max_size=3, unique=True)):
        old: Any = wanted
        for part in path:
            old = old[part]
        live = replaced(live, path, mutated(old))
    return wanted, live


def is_general(plan: WritePlan, resource: ApiResource) -> bool:
    writer = resource.kind.writer
    return writer is not None and writer.id == plan.call.method


@SETTINGS
@given(st.data())
def test_a_plan_puts_back_what_is_declared_and_touches_nothing_else(asset_type: str, data: st.DataObject) -> None:
    wanted, live = data.draw(drifted(asset_type))
    schema, (_, resource) = schema_of(asset_type), made_up(asset_type)
    before = compare(wanted, live, schema)
    plan = planned(asset_type, wanted, live)
    if isinstance(plan, NotWritable):
        assert plan.reason in ("by_hand", "immutable", "no_method", "secret")
        assert {field.path for field in plan.fields} <= {difference.path for difference in before}
        return
    assert plan.paths
    assert plan.call.body or plan.call.query
    assume(is_general(plan, resource))
    after = applied(plan.call, resource, live)
    assert {difference.path for difference in compare(wanted, after, schema)} <= set(plan.later)
    for key in live.keys() - wanted.keys():
        assert after[key] == live[key]


@SETTINGS
@given(st.data())
def test_what_is_beside_a_drifted_leaf_stays(asset_type: str, data: st.DataObject) -> None:
    schema, (_, resource) = schema_of(asset_type), made_up(asset_type)
    live = data.draw(declared(schema))
    paths = [path for path in leaves(live) if path and all(isinstance(part, str) for part in path)]
    assume(paths)
    path = data.draw(st.sampled_from(paths))
    value: Any = live
    for part in path:
        value = value[part]
    nested: Any = mutated(value)
    for part in reversed(path):
        nested = {part: nested}
    plan = planned(asset_type, nested, live)
    assume(isinstance(plan, WritePlan) and is_general(plan, resource))
    assert isinstance(plan, WritePlan)
    after = applied(plan.call, resource, live)
    assert after == replaced(live, path, mutated(value))


@SETTINGS
@given(st.data())
def test_once_written_there_is_nothing_left_to_write(asset_type: str, data: st.DataObject) -> None:
    wanted, live = data.draw(drifted(asset_type))
    _, resource = made_up(asset_type)
    plan = planned(asset_type, wanted, live)
    assume(isinstance(plan, WritePlan) and is_general(plan, resource) and not plan.later)
    assert isinstance(plan, WritePlan)
    again = planned(asset_type, wanted, applied(plan.call, resource, live))
    assert isinstance(again, NotWritable)
    assert again.reason == "as_declared"


@SETTINGS
@given(st.data())
def test_the_same_drift_gives_the_same_plan(asset_type: str, data: st.DataObject) -> None:
    wanted, live = data.draw(drifted(asset_type))
    first, second = planned(asset_type, wanted, live), planned(asset_type, copy.deepcopy(wanted), copy.deepcopy(live))
    assert planner.encode(first) == planner.encode(second)
