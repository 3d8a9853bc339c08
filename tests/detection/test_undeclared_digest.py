from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from comparison.strategies import TYPES, declared, leaves, mutated, replaced, schema_of
from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.undeclared_values import ValueDigests, undeclared
from setpoint.detection import observation_digests
from setpoint.model.declaration import Declaration, desired
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import THIS_PROCESS
from sizes import size

KEY = ResourceKey("//example.googleapis.com/exports")
BUCKET = "storage.googleapis.com/Bucket"
DIGESTS = ValueDigests(THIS_PROCESS, KEY.name)


def digest(asset_type: str, wanted: dict[str, object], live: dict[str, object]) -> str:
    observation = Observation(KEY, asset_type, datetime(2026, 3, 1, tzinfo=UTC), data=live)
    declaration = Declaration(KEY, asset_type, wanted)
    return observation_digests.undeclared(default_catalogue(), observation, desired((declaration,)), THIS_PROCESS)


@pytest.mark.parametrize("asset_type", TYPES)
@settings(max_examples=size(25, 60), deadline=None)
@given(st.data())
def test_observations_with_one_digest_have_the_same_undeclared_values(asset_type: str, data: st.DataObject) -> None:
    schema = schema_of(asset_type)
    live = data.draw(declared(schema))
    where = leaves(live)
    assume(where)
    wanted = {name: value for name, value in live.items() if data.draw(st.booleans())}
    path = data.draw(st.sampled_from(where))
    old = reduce(lambda whole, part: whole[part], path, live)
    other = replaced(live, path, data.draw(st.sampled_from([None, mutated(old), {"mode": "X"}])))
    values = [
        {path: value.kept for path, value in undeclared(asset_type, wanted, side, schema, DIGESTS).items()}
        for side in (live, other)
    ]
    assert values[0] == values[1] or digest(asset_type, wanted, live) != digest(asset_type, wanted, other)


def in_another_order(value: object) -> object:
    """The same value with the keys of each object the other way round, as maps of protobuf give them in any order."""
    if isinstance(value, dict):
        return {name: in_another_order(value[name]) for name in reversed(value)}
    return [in_another_order(element) for element in value] if isinstance(value, list) else value


@pytest.mark.parametrize("asset_type", TYPES)
@settings(max_examples=size(8, 60), deadline=None)
@given(st.data())
def test_no_digest_depends_on_the_order_of_keys(asset_type: str, data: st.DataObject) -> None:
    live = data.draw(declared(schema_of(asset_type)))
    wanted = {name: value for name, value in live.items() if data.draw(st.booleans())}
    whole = desired((Declaration(KEY, asset_type, wanted),))
    first, other = (
        Observation(KEY, asset_type, datetime(2026, 3, 1, tzinfo=UTC), data=side)
        for side in (live, in_another_order(live))
    )
    schemas = default_catalogue()
    assert digest(asset_type, wanted, first.data) == digest(asset_type, wanted, other.data)
    for digest_of in (
        lambda side: observation_digests.content(schemas, side, whole.digest, THIS_PROCESS),
        lambda side: observation_digests.of_verdict(side, whole, "judged", THIS_PROCESS),
    ):
        assert digest_of(first) == digest_of(other)


WANTED = {"location": "EU", "labels": {"cost": "a"}, "versioning": {"enabled": True}}
LIVE = {**WANTED, "iamConfiguration": {"publicAccessPrevention": "enforced"}, "etag": "1"}


@pytest.mark.parametrize(
    "more",
    [{"location": "US"}, {"labels": {"cost": "b"}}, {"versioning": {"enabled": False}}, {"etag": "2"}],
    ids=["declared", "declared label", "declared part", "written by the server"],
)
def test_a_change_of_a_declared_scalar_keeps_the_digest(more: dict[str, object]) -> None:
    assert digest(BUCKET, WANTED, LIVE) == digest(BUCKET, WANTED, {**LIVE, **more})


@pytest.mark.parametrize(
    "more",
    [
        {"iamConfiguration": {"publicAccessPrevention": "inherited"}},
        {"labels": {"cost": "a", "owner": "x"}},
        {"labels": {}},
        {"location": {"of": "x"}},
        {"versioning": {"enabled": True, "softDelete": True}},
        {"rpo": "DEFAULT"},
    ],
    ids=["undeclared", "undeclared label", "lost label", "another shape", "undeclared part", "new"],
)
def test_a_change_beside_the_declaration_changes_the_digest(more: dict[str, object]) -> None:
    assert digest(BUCKET, WANTED, LIVE) != digest(BUCKET, WANTED, {**LIVE, **more})
