"""What is made of entries of audit logs: which resource, who, by which tool."""

from __future__ import annotations

import copy
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.shapes import HELD_OUT, KNOWN, Shape
from setpoint.attribution.audit_log_parser import parse
from setpoint.attribution.user_agents import caller_of
from setpoint.errors import MalformedMessage
from setpoint.model.resource_key import is_full_name

ALL = [*KNOWN, *HELD_OUT]
(FIREWALL,) = (shape_ for shape_ in KNOWN if shape_.name == "compute-firewall-patch")


def changed(shape: Shape, **payload) -> bytes:
    entry = copy.deepcopy(shape.entry)
    entry["protoPayload"].update(payload)
    return msgspec.json.encode(entry)


@pytest.mark.parametrize("shape", ALL, ids=lambda shape: shape.name)
def test_an_entry_is_about_the_resources_that_it_means(shape):
    keys = sorted((parsed_change.key.content, parsed_change.key.name) for parsed_change in shape.parsed())
    assert shape.is_right, keys


@pytest.mark.parametrize("shape", ALL, ids=lambda shape: shape.name)
def test_an_entry_tells_who_and_with_what(shape):
    expected = shape.expected
    for parsed_change in shape.parsed():
        change = parsed_change.change
        assert (change.principal, list(change.through)) == (expected["principal"], expected["through"])
        assert (change.caller, change.ip) == (expected["caller"], expected["ip"])


@pytest.mark.parametrize(("listed", "services"), [(KNOWN, 25), (HELD_OUT, 25), (ALL, 45)], ids=["known", "held", "all"])
def test_the_right_resource_is_found_in_98_of_100_shapes_and_a_wrong_principal_in_none(listed, services):
    right = sum(shape.is_right for shape in listed)
    wrong = [
        shape.name
        for shape in listed
        if any(
            parsed_change.change.principal not in ("", shape.expected["principal"]) for parsed_change in shape.parsed()
        )
    ]
    assert len({shape.service for shape in listed}) >= services
    assert right / len(listed) >= 0.98
    assert wrong == []


def test_the_times_of_an_operation_are_when_it_was_asked_for_and_when_it_was_over():
    last, first = (shape_.parsed()[0].change for shape_ in KNOWN if shape_.name.startswith("compute-firewall-patch"))
    noon = datetime(2026, 3, 1, 12, 3, 4, 123456, tzinfo=UTC)
    assert (first.requested_at, first.done_at, first.operation) == (noon, None, "operation-1")
    assert (last.done_at, last.operation, last.principal) == (noon, "operation-1", "")


def test_a_token_in_a_principal_is_hidden():
    subject = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/"
    for principal, shown in (
        (f"{subject}ghp_{'aB3' * 12}", f"{subject}(hidden)"),
        (f"{subject}repo:shop/cart:ref:refs/heads/main", f"{subject}repo:shop/cart:ref:refs/heads/main"),
    ):
        (logged,) = parse(changed(FIREWALL, authenticationInfo={"principalSubject": principal}), mask_ip=True)
        assert logged.change.principal == shown


def test_an_address_is_whole_where_the_installation_says_so():
    (change,) = parse(msgspec.json.encode(FIREWALL.entry), mask_ip=False)
    assert change.change.ip == "203.0.113.77"


def test_an_entry_without_a_name_is_about_what_was_authorised():
    authorised = [{"resource": "projects/shop-prod/global/firewalls/web", "granted": True}]
    (change,) = parse(changed(FIREWALL, resourceName="", authorizationInfo=authorised), mask_ip=True)
    assert change.key.name == "//compute.googleapis.com/projects/shop-prod/global/firewalls/web"


@pytest.mark.parametrize(
    "payload",
    [
        {"authorizationInfo": [{"permissionType": "ADMIN_READ"}]},
        {"request": {"dryRun": True}},
        {"serviceName": ""},
        {"resourceName": "projects/shop-prod/global/operations/operation-1"},
        {"status": {"code": 9}},
        {"@type": "type.googleapis.com/google.appengine.logging.v1.RequestLog"},
    ],
    ids=str,
)
def test_what_changes_nothing_that_anybody_could_tell_is_left_out(payload):
    assert parse(changed(FIREWALL, **payload), mask_ip=True) == ()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"{broken", "not an entry of an audit log: "),
        (b"[]", "not an entry of an audit log: "),
        (b"{}", "logName"),
        (b"\xff\xfe", "not an entry of an audit log: "),
        (b"[" * 100_000, "not an entry of an audit log: "),
        (
            msgspec.json.encode({key: value for key, value in FIREWALL.entry.items() if "imestamp" not in key}).replace(
                b'"time":"2026-03-01T12:03:04.123456Z",', b""
            ),
            "timestamp",
        ),
    ],
    ids=["broken", "a list", "no entry", "no text", "deep", "no time"],
)
def test_what_is_no_entry_is_said_with_the_reason(message, reason):
    with pytest.raises(MalformedMessage, match=reason):
        parse(message, mask_ip=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.lists(st.sampled_from(["projects", "p", "-", "_", "1", "locations", "instances", "b", "", "operations"]))


@given(
    shape=st.sampled_from(ALL),
    name=NAMES.map("/".join),
    method=st.sampled_from([shape_.entry["protoPayload"]["methodName"] for shape_ in ALL]) | st.text(max_size=30),
    body=JSON,
)
def test_any_entry_gives_changes_of_full_names_or_a_reason(shape, name, method, body):
    message = changed(shape, resourceName=name, methodName=method, request=body, response=body)
    for change in parse(message, mask_ip=True):
        assert all("//" in key.name and " " not in key.name for key in (change.key, *change.also))
        assert change.change.method == method


@given(body=JSON)
def test_any_message_is_read_or_refused_with_a_reason(body):
    with suppress(MalformedMessage):
        assert parse(msgspec.json.encode(body), mask_ip=True) == ()


@pytest.mark.parametrize("shape", ALL, ids=lambda shape: shape.name)
def test_every_name_is_a_full_resource_name(shape):
    assert all(
        is_full_name(key.name) for parsed_change in shape.parsed() for key in (parsed_change.key, *parsed_change.also)
    )


@pytest.mark.parametrize(
    ("agent", "caller"),
    [
        ("Terraform/1.9 google-cloud-sdk/400.0 gcloud/400.0", "terraform"),
        ("google-cloud-sdk gcloud/470.0.0 command/gcloud.run.deploy (Macintosh; Intel Mac OS X 14.4)", "gcloud"),
        ("google-cloud-build/1.0 gl-go/1.21", "cloud-build"),
        ("python-requests/2.31.0", "sdk"),
        ("something of our own", ""),
        ("", ""),
    ],
)
def test_a_tool_is_known_by_its_user_agent(agent, caller):
    assert caller_of(agent) == caller
