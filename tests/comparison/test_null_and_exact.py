"""What a declared null says, and what ``exact`` makes of defaults."""

from __future__ import annotations

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.compare import compare
from setpoint.model.references import Project

OWN = Project("billing-prod", "123456789012")
SUBSCRIPTION = "pubsub.googleapis.com/Subscription"


def differing(declared, live, asset_type="", **options):
    known = default_catalogue().schema_for(asset_type) if asset_type else None
    return [(difference.path, difference.op) for difference in compare(declared, live, known, own=OWN, **options)]


@pytest.mark.parametrize("live", [{}, {"labels": {"a": "1"}}, {"labels": {}}, {"labels": None}])
@pytest.mark.parametrize("exact", [False, True])
def test_a_declared_null_declares_nothing_at_the_top(live, exact):
    assert differing({"labels": None}, live, exact=exact) == []


@pytest.mark.parametrize("live", [{"enabled": True, "size": 3}, {"size": 3}])
def test_a_declared_null_declares_nothing_of_a_field_within(live):
    assert differing({"config": {"enabled": None, "size": 3}}, {"config": live}) == []


def test_beside_a_null_what_is_declared_is_still_compared():
    assert differing({"config": {"enabled": None, "size": 3}}, {"config": {"enabled": True, "size": 4}}) == [
        ("config.size", "changed")
    ]


@pytest.mark.parametrize("live", [{}, {"config": None}])
def test_a_declared_null_declares_nothing_of_an_object_that_is_not_there(live):
    assert differing({"config": {"enabled": None, "nested": {"size": None}}}, live) == []
    assert differing({"config": {"enabled": None, "size": 3}}, live) == [("config.size", "missing")]


def test_without_exact_a_value_that_is_not_declared_is_left_alone():
    live = {"ackDeadlineSeconds": 10, "retainAckedMessages": True}
    assert differing({"ackDeadlineSeconds": 10}, live, SUBSCRIPTION) == []


def test_under_exact_a_zero_that_is_not_declared_is_no_difference_and_a_value_is():
    wanted = {"ackDeadlineSeconds": 10}
    assert differing(wanted, {"ackDeadlineSeconds": 10, "retainAckedMessages": False}, SUBSCRIPTION, exact=True) == []
    assert differing(wanted, {"ackDeadlineSeconds": 10, "retainAckedMessages": True}, SUBSCRIPTION, exact=True) == [
        ("retainAckedMessages", "unexpected")
    ]


@pytest.mark.parametrize(
    ("asset_type", "field", "default", "other"),
    [
        ("compute.googleapis.com/HealthCheck", "checkIntervalSec", 5, 6),
        ("redis.googleapis.com/Instance", "connectMode", "DIRECT_PEERING", "PRIVATE_SERVICE_ACCESS"),
        ("storage.googleapis.com/Bucket", "kind", "storage#bucket", "storage#folder"),
    ],
    ids=["of a number", "of an enum", "of a constant"],
)
def test_under_exact_a_default_that_is_not_declared_is_no_difference_and_a_value_is(asset_type, field, default, other):
    declared, live = {"description": "a"}, {"description": "a"}
    assert differing(declared, {**live, field: default}, asset_type, exact=True) == []
    assert differing(declared, {**live, field: other}, asset_type, exact=True) == [(field, "unexpected")]
