"""Whatever JSON is observed, comparing gives differences and never raises: a message that raises comes for ever."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparison.strategies import TYPES, declared, schema_of
from setpoint.comparison import iam_policies, org_policies
from setpoint.comparison.compare import compare
from setpoint.comparison.scalars import equal
from setpoint.model.references import Project
from sizes import size

OWN = Project("billing-prod", "123456789012")
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["10.0.0.0/8", "1h", "\u00b2s", "1e999999999", "sNaN", "9" * 5000, "[" * 9000, "{", "//a", "/", "0"]
    )
)
_keys = st.text(max_size=4) | st.sampled_from(["name", "key", "value", "members", "role", "condition", "title"])
_json = st.recursive(_scalars, lambda kid: st.lists(kid, max_size=3) | st.dictionaries(_keys, kid, max_size=3))


def _shaken(draw: st.DrawFn, part: Any) -> Any:
    """The same JSON with any other JSON in some places."""
    if draw(st.integers(0, 5)) == 0:
        return draw(_json)
    if isinstance(part, dict):
        return {key: _shaken(draw, inner) for key, inner in part.items()}
    if isinstance(part, list):
        return [_shaken(draw, inner) for inner in part]
    return part


@st.composite
def shaken(draw: st.DrawFn, part: Any) -> Any:
    return _shaken(draw, part)


@settings(max_examples=size(40, 300))
@given(st.data(), st.sampled_from(TYPES), st.booleans(), st.booleans())
def test_no_observed_resource_makes_comparing_fail(data: Any, asset_type: str, known: bool, exact: bool) -> None:
    schema = schema_of(asset_type)
    want = data.draw(declared(schema))
    compare(want, data.draw(shaken(want)), schema if known else None, own=OWN, exact=exact)


POLICY = {
    "bindings": [
        {"role": "roles/viewer", "members": ["user:a@x.com"], "condition": {"title": "t", "expression": "e"}},
    ],
    "auditConfigs": [
        {"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ", "exemptedMembers": ["user:a@x.com"]}]}
    ],
}
CONSTRAINTS = [{"constraint": "constraints/a", "listPolicy": {"allowedValues": ["x"]}}]


@settings(max_examples=size(40, 300))
@given(shaken(POLICY), st.sampled_from(["policy", "role", "member"]))
def test_no_observed_policy_makes_comparing_fail(observed: Any, authority: Any) -> None:
    iam_policies.compare(POLICY, observed, authority)


@given(shaken(CONSTRAINTS), st.booleans())
def test_no_observed_constraints_make_comparing_fail(observed: Any, exact: bool) -> None:
    org_policies.compare({"policies": CONSTRAINTS}, observed, OWN, exact=exact)


@pytest.mark.parametrize("condition", ["request.time", None, [], 7])
def test_a_condition_or_an_audit_config_that_is_no_object_is_ignored(condition: Any) -> None:
    observed = {
        **POLICY,
        "bindings": [*POLICY["bindings"], {"role": "r", "members": ["allUsers"], "condition": condition}],
    }
    assert [difference.observed for difference in iam_policies.compare(POLICY, observed, "policy")] == [
        {"role": "r", "member": "allUsers"}
    ]
    assert [
        difference.op for difference in iam_policies.compare(POLICY, {**POLICY, "auditConfigs": condition}, "policy")
    ] == ["missing"]
    assert [
        difference.op for difference in iam_policies.compare(POLICY, {**POLICY, "auditConfigs": [condition]}, "policy")
    ] == ["missing"]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_json_in_a_string_that_nests_too_deep_is_text(text: str) -> None:
    assert equal(None, "f", "[1]", text, OWN) == ""
    assert [difference.op for difference in compare({"f": {"a": 1}}, {"f": text})] == ["changed"]
