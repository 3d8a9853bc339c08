from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.errors import MalformedMessage
from setpoint.model import observation
from setpoint.model.resource_key import ResourceKey

NAME = "//storage.googleapis.com/exports"
TIME = "2025-06-17T15:35:48.938746Z"


def message(**changes: Any) -> bytes:
    asset = {
        "ancestors": ["projects/20318464073", "folders/1", "organizations/2"],
        "assetType": "storage.googleapis.com/Bucket",
        "name": NAME,
        "resource": {
            "version": "v1",
            "discoveryDocumentUri": "https://www.googleapis.com/discovery/v1/apis/storage/v1/rest",
            "discoveryName": "Bucket",
            "location": "us",
            "data": {"name": "exports", "retentionPolicy": {"retentionPeriod": "3600"}},
        },
        "updateTime": TIME,
    }
    whole = {"asset": asset, "priorAssetState": "PRESENT", "window": {"startTime": TIME}}
    return json.dumps({**whole, **changes}).encode()


def test_a_resource_message_tells_what_the_resource_is_and_when() -> None:
    seen = observation.parse(message())
    assert seen is not None
    assert (seen.key.name, seen.key.content) == (NAME, "resource")
    assert seen.asset_type == "storage.googleapis.com/Bucket"
    assert seen.observed_at == datetime(2025, 6, 17, 15, 35, 48, 938746, tzinfo=UTC)
    assert seen.data["retentionPolicy"] == {"retentionPeriod": "3600"}
    assert (seen.project, seen.project_number, seen.location) == ("20318464073", "20318464073", "us")
    assert seen.discovery_name == "Bucket"
    assert not seen.deleted


def test_the_welcome_message_of_a_new_feed_is_no_observation() -> None:
    assert observation.parse(b"You have successfully configured real time feed [projects/1/feeds/f].") is None


def test_fields_that_are_not_known_yet_are_passed_over() -> None:
    assert observation.parse(message(somethingNew={"deep": [1, {"er": None}]})) is not None


@pytest.mark.parametrize(
    ("field", "value", "content", "data"),
    [
        (
            "iamPolicy",
            {"bindings": [{"role": "roles/viewer", "members": ["user:a@x.com"]}], "etag": "x"},
            "iam_policy",
            None,
        ),
        ("orgPolicy", [{"constraint": "constraints/a", "booleanPolicy": {"enforced": True}}], "org_policy", None),
        ("accessLevel", {"name": "accessPolicies/1/accessLevels/l"}, "access_policy", None),
        ("servicePerimeter", {"name": "accessPolicies/1/servicePerimeters/p"}, "access_policy", None),
        ("accessPolicy", {"name": "accessPolicies/1"}, "access_policy", None),
    ],
)
def test_every_content_type_is_read(field: str, value: Any, content: str, data: Any) -> None:
    asset = {
        "assetType": "t.googleapis.com/T",
        "name": "//t.googleapis.com/projects/p/x",
        "updateTime": TIME,
        field: value,
    }
    seen = observation.parse(message(asset=asset))
    assert seen is not None
    assert seen.key.content == content
    assert seen.data == (data or value)


def test_a_policy_that_became_empty_is_told_by_what_it_was() -> None:
    bare = {"assetType": "t.googleapis.com/T", "name": "//t.googleapis.com/x/y", "updateTime": TIME}
    seen = observation.parse(message(asset=bare, priorAsset={**bare, "iamPolicy": {"bindings": []}}))
    assert seen is not None
    assert (seen.key.content, seen.data, seen.deleted) == ("iam_policy", {}, False)


def test_a_resource_without_data_is_seen_and_not_told_what_it_is() -> None:
    bare = {"assetType": "t.googleapis.com/T", "name": "//t.googleapis.com/x/y", "updateTime": TIME, "resource": {}}
    seen = observation.parse(message(asset=bare))
    assert seen is not None
    assert (seen.key.content, seen.data) == ("resource", None)


def test_a_deletion_with_an_asset_keeps_what_the_resource_was() -> None:
    bare = {"assetType": "t.googleapis.com/T", "name": "//t.googleapis.com/x/y", "updateTime": TIME, "resource": {}}
    prior = {**bare, "resource": {"data": {"was": "this"}}, "updateTime": "2025-06-17T15:33:46.875574Z"}
    seen = observation.parse(message(asset=bare, priorAsset=prior, deleted=True))
    assert seen is not None
    assert (seen.deleted, seen.data, seen.observed_at.minute) == (True, {"was": "this"}, 35)


def test_a_deletion_without_an_asset_is_told_by_the_prior_one_and_is_later_than_it() -> None:
    prior = {
        "assetType": "t.googleapis.com/T",
        "name": "//t.googleapis.com/x/y",
        "updateTime": "2025-06-17T15:33:46.875574Z",
        "iamPolicy": {},
    }
    seen = observation.parse(message(asset=None, priorAsset=prior, deleted=True))
    assert seen is not None
    assert (seen.key.name, seen.key.content, seen.deleted) == ("//t.googleapis.com/x/y", "iam_policy", True)
    assert seen.observed_at == datetime(2025, 6, 17, 15, 35, 48, 938746, tzinfo=UTC)


def test_a_deleted_policy_is_told_by_what_it_was() -> None:
    bare = {"assetType": "t.googleapis.com/T", "name": "//t.googleapis.com/x/y", "updateTime": TIME}
    prior = {**bare, "iamPolicy": {"bindings": []}}
    seen = observation.parse(message(asset={**bare, "resource": {}}, priorAsset=prior, deleted=True))
    assert seen is not None
    assert (seen.key.content, seen.deleted) == ("iam_policy", True)


def test_without_an_update_time_the_window_tells_when() -> None:
    asset = {"assetType": "t.googleapis.com/T", "name": "//t.googleapis.com/x/y", "resource": {"data": {}}}
    seen = observation.parse(message(asset=asset))
    assert seen is not None
    assert seen.observed_at.minute == 35


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        (b"", "byte 0"),
        (b'{"asset":{"name"', "byte 16"),
        (b'{"asset":}', "byte 9"),
        (b"not json", "byte"),
        (b'"a string"', "the JSON is text, not an object"),
        (b"[]", "the JSON is a list, not an object"),
        (b'{"asset": {"name": "\xff"}}', "UTF-8"),
        (b"[" * 100_000, "nested too deeply|not an object"),
        (message(asset={"name": 5, "assetType": "a/B"}), "field `asset.name` is an integer, not text"),
        (message(asset={"assetType": "a/B"}), "field `asset.name` is missing"),
        (message(asset={"name": "", "assetType": "a/B", "updateTime": TIME}), "asset.name"),
        (message(asset={"name": NAME, "assetType": "", "updateTime": TIME}), "asset.assetType"),
        (message(asset={"name": NAME, "assetType": "a/B", "updateTime": "yesterday"}), "updateTime"),
        (message(asset={"name": NAME, "assetType": "a/B"}, window={}), "window.startTime"),
        (message(asset=None), "`asset`"),
        (message(asset=None, deleted=True), "`priorAsset`"),
        (message(asset=None, deleted=True, priorAsset={"name": 7}), "field `priorAsset.name` is an integer, not text"),
        (message(deleted="yes"), "field `deleted` is text, not true or false"),
        (message(asset={"name": "plain", "assetType": "a/B", "updateTime": TIME}), "full resource name"),
        (message(asset={"name": NAME, "assetType": "a/B", "updateTime": "0001-01-01T00:00:00+02:00"}), "updateTime"),
    ],
)
def test_what_is_no_feed_message_is_refused_with_the_place(broken: bytes, where: str) -> None:
    with pytest.raises(MalformedMessage, match=where):
        observation.parse(broken)


def test_a_refusal_never_quotes_the_message() -> None:
    secret = "hunter2"  # noqa: S105 - the point of the test
    for broken in (
        message(asset={"name": {"password": secret}, "assetType": secret}),
        message(asset={"name": NAME, "assetType": "a/B", "updateTime": secret}),
        f'{{"asset": {secret}}}'.encode(),
    ):
        with pytest.raises(MalformedMessage) as refused:
            observation.parse(broken)
        assert secret not in str(refused.value)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_it_fail_otherwise(raw: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        observation.parse(raw)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "assetType", "data", "resource", "updateTime", "iamPolicy"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["asset", "priorAsset", "deleted", "window"]), _json))
def test_no_json_at_all_makes_it_fail_otherwise(whole: dict[str, Any]) -> None:
    with contextlib.suppress(MalformedMessage):
        observation.parse(json.dumps(whole).encode())


def test_of_many_stored_observations_those_that_cannot_be_read_are_left_out() -> None:
    first, other, third = (ResourceKey(f"//storage.googleapis.com/b{number}") for number in range(3))
    seen = observation.Observation(first, "storage.googleapis.com/Bucket", datetime(2026, 3, 1, tzinfo=UTC))
    stored = [(first, observation.encode(seen)), (other, b"{"), (third, None)]

    assert observation.decode_readable(stored) == {first: seen}
