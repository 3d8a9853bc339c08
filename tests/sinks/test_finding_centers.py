"""GitHub issues and Security Command Center: findings where an organisation keeps those of all its tools."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from contract.records import drifted
from setpoint.adapters.google.security_center import SecurityCommandCenter
from setpoint.alerting.center_sink import FindingCenterSink
from setpoint.errors import AccessDenied, BadRequest, Throttled, Unavailable
from setpoint.model.difference import Difference
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing.code_hosts import HOST_FAULTS, NONE, HostFault
from sinks.conftest import center_place, issue_place
from sinks.views import finding, outgoing, several


@pytest.fixture
def center():
    with center_place() as place:
        yield place


@pytest.fixture
def issues():
    with issue_place() as place:
        yield place


def show(place, view, name="n1", posted=None):
    for _ in range(20):
        try:
            return place.sink.show(outgoing(name, "ops", view, posted, maybe=True))
        except Unavailable:
            continue
    raise AssertionError("no end of failures")


def test_a_finding_is_kept_under_its_own_id_with_its_severity_and_its_page(center):
    show(center, finding())

    ((name, kept),) = center.standing()
    assert name == finding().data.finding_id
    assert kept["resourceName"] == "//storage.googleapis.com/exports"
    assert (kept["state"], kept["severity"], kept["category"]) == ("ACTIVE", "HIGH", "DRIFT_MODIFIED")
    assert kept["externalUri"] == f"https://setpoint.example.com/#finding={name}"
    assert kept["eventTime"] == "2026-03-01T12:00:00Z"
    assert "versioning.enabled" in kept["sourceProperties"]["differences"]


def test_a_finding_that_has_ended_is_inactive_and_one_that_recurs_active_again(center):
    states = []
    for view in (finding(), finding(5, status="resolved"), finding(9)):
        show(center, view)
        states.append(center.standing()[0][1]["state"])

    assert states == ["ACTIVE", "INACTIVE", "ACTIVE"]
    assert len(center.standing()) == 1


def test_a_finding_that_is_kept_as_it_is_is_not_written_again(center):
    for _ in range(3):
        show(center, finding())
    assert len(center.host.calls) == 1

    show(center, finding(5, status="resolved"))
    assert len(center.host.calls) == 2


def test_of_a_cause_each_finding_is_kept_for_itself(center):
    keys = [ResourceKey(f"//storage.googleapis.com/b{number}") for number in range(3)]
    store = SimpleNamespace(read=lambda key: SimpleNamespace(state=drifted(key)))
    center.sink = FindingCenterSink(center.center, store, lambda _: keys)
    for _ in range(2):
        show(center, several(), name="g1")

    kept = {each["resourceName"]: each["state"] for _, each in center.standing()}
    assert kept == {key.name: "ACTIVE" for key in keys}
    assert len(center.host.calls) == 3


@pytest.mark.parametrize("fault", HOST_FAULTS.values())
def test_after_a_failure_a_finding_stands_once(center, fault):
    if fault.status in (403, 409):
        pytest.skip("a refusal for good")
    center.host.plan = [fault, NONE, fault]
    show(center, finding())
    show(center, finding(5, status="resolved"))

    assert [kept["state"] for _, kept in center.standing()] == ["INACTIVE"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (HostFault(429, "quota", 9), Throttled),
        (HostFault(403, "denied"), AccessDenied),
        (HostFault(404, "none"), BadRequest),
        (HostFault(400, "bad"), BadRequest),
        (HostFault(503, "down"), Unavailable),
    ],
)
def test_an_error_of_the_center_names_the_source(center, fault, error):
    center.host.plan = [fault]
    with pytest.raises(error, match="scc:ops"):
        center.sink.show(outgoing("n1", "ops", finding()))


@pytest.mark.parametrize(
    "url", ["https://evil.example.com/v1/organizations/4/sources/7", "https://securitycenter.googleapis.com/v1/x"]
)
def test_credentials_go_to_a_source_of_google_alone(url):
    def no_session():
        raise AssertionError("nothing is sent")

    sink = FindingCenterSink(SecurityCommandCenter(no_session, lambda _: url), None, lambda _: ())
    with pytest.raises(BadRequest, match="not a source"):
        sink.show(outgoing("n1", "ops", finding()))


def test_an_issue_is_closed_with_its_finding_and_opened_again_when_it_recurs(issues):
    posted = show(issues, finding())
    states = [issues.standing()[0][2]]
    for view in (finding(5, status="resolved"), finding(9)):
        show(issues, view, posted=posted)
        states.append(issues.standing()[0][2])

    assert states == ["open", "closed", "open"]
    ((title, body, _, labels),) = issues.standing()
    assert title == "high: Bucket exports has drifted"
    assert "| `versioning.enabled` | `true` | `false` |" in body
    assert labels == ["setpoint"]


def test_a_value_neither_mentions_nor_links_in_an_issue(issues):
    difference = Difference("labels.x", "changed", declared="@acme/all", observed="`@bob` <!-- x --> #1\n# head")
    show(issues, finding(differences=(difference,)))

    ((_, body, _, _),) = issues.standing()
    assert "| `@acme/all` | `'@bob' <!-- x --> #1 # head` |" in body


def test_an_issue_of_several_findings_counts_them(issues):
    posted = show(issues, several(), name="g1")
    show(issues, several(3, {"resolved": 43}), name="g1", posted=posted)

    ((title, body, state, _),) = issues.standing()
    assert "43 Buckets" in title
    assert "43 resolved" in body
    assert state == "closed"


def test_an_issue_that_was_deleted_is_opened_anew(issues):
    posted = show(issues, finding())
    issues.host.repository.issues.clear()
    again = show(issues, finding(3), posted=posted)

    assert len(issues.standing()) == 1
    assert again != posted
