"""What is not compared is listed with its reason, and where it matters to security nobody says that all is well."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.compared import explained, schema
from setpoint.comparison import coverage_gaps
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Explanation
from setpoint.model.resource_key import ResourceKey


def declaration(asset_type: str, data: dict[str, Any], **fields: Any) -> Declaration:
    service = asset_type.partition("/")[0]
    return Declaration(ResourceKey(f"//{service}/projects/fleet/things/a"), asset_type, data, **fields)


@pytest.mark.parametrize(
    ("path", "matters"),
    [
        ("sourceRanges", True),
        ("settings.ipConfiguration.authorizedNetworks[value=10.0.0.0/8].value", True),
        ("google_compute_backend_service.x.security_policy", True),
        ("spec.encryption.kmsKeyRef", True),
        ("description", False),
        ("labels.team", False),
        ("resourceLabels", False),
        ("lifecycle.rule[0].condition.age", False),
    ],
)
def test_a_field_matters_to_security_by_its_meaning_in_every_spelling(path: str, matters: bool) -> None:
    assert bool(coverage_gaps.why_it_matters(path)) == matters


@pytest.mark.parametrize(
    ("path", "reason", "is_unknown"),
    [
        ("securityPolicy", coverage_gaps.NOT_TRANSLATED, True),
        ("allowed", coverage_gaps.TRUNCATED, True),
        ("description", coverage_gaps.NOT_TRANSLATED, False),
        ("access", coverage_gaps.NOT_CARRIED, False),
        ("iap.oauth2ClientSecret", "an input that the server does not return", False),
    ],
)
def test_a_gap_makes_a_verdict_unknown_only_where_it_matters_and_is_not_the_types(
    path: str, reason: str, is_unknown: bool
) -> None:
    (answer,) = coverage_gaps.unknown([Explanation(path, reason)]) or (None,)
    assert (answer is not None) == is_unknown
    assert answer is None or reason in answer.reason


def test_a_drift_beside_an_unknown_field_stays_a_drift() -> None:
    answer = explained(
        "compute.googleapis.com/Firewall", {"priority": 1, "allowed": []}, {"priority": 2, "direction": 3}
    )
    assert [difference.path for difference in answer.differences] == ["priority"]


def test_coverage_lists_each_field_with_its_reason_and_what_closes_the_gap() -> None:
    instance = "compute.googleapis.com/BackendService"
    wanted = declaration(
        instance,
        {"name": "a", "iap": {"enabled": True, "oauth2ClientSecret": "x"}, "selfLink": "y"},
        unchecked=("google_compute_backend_service.x.security_policy",),
    )
    covered = coverage_gaps.coverage(wanted, schema(instance))
    assert covered.declared == 5
    assert {gap.path: gap.closed_by for gap in covered.gaps}["google_compute_backend_service.x.security_policy"] == (
        "declare the field in the native format"
    )
    secret = next(gap for gap in covered.gaps if gap.path == "iap.oauth2ClientSecret")
    assert secret.closed_by.startswith("nothing")


def test_coverage_names_what_the_inventory_never_carries_and_how_to_read_it() -> None:
    dataset = "bigquery.googleapis.com/Dataset"
    wanted = declaration(dataset, {"location": "EU", "access": [{"role": "READER", "userByEmail": "a@example.com"}]})
    covered = coverage_gaps.coverage(wanted, schema(dataset))
    assert [(gap.path.partition("[")[0], gap.reason) for gap in covered.gaps] == [
        ("access", coverage_gaps.NOT_CARRIED)
    ] * 2
    assert all("observe" in gap.closed_by and gap.matters for gap in covered.gaps)


def test_a_policy_is_compared_whole() -> None:
    policy = Declaration(
        ResourceKey("//storage.googleapis.com/b", "iam_policy"),
        "storage.googleapis.com/Bucket",
        {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}]},
    )
    assert coverage_gaps.coverage(policy, None).gaps == ()
