"""What is asked before anything is made: fine where nothing stands in the way, else what does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.blocks import local, typed
from infra.hcl import entries, strings
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryStore
from setpoint.cli import app
from setpoint.errors import AccessDenied
from setpoint.model.write_plan import Call
from setpoint.operations import diagnostics
from setpoint.operations.diagnostics import preflight
from setpoint.operations.diagnostics.installation import Installation

P, R, ORG = "fleet-ops", "europe-west1", "organizations/566099688680"
POLICY = f"https://orgpolicy.googleapis.com/v2/projects/{P}/policies/{{}}:getEffectivePolicy"
FEEDS = f"https://cloudasset.googleapis.com/v1/{ORG}/feeds"
DATABASE = f"https://firestore.googleapis.com/v1/projects/{P}/databases/setpoint"
TESTED = "https://cloudresourcemanager.googleapis.com/v3/{}:testIamPermissions"


class Google:
    """Answers by address; whoever asks has every permission but those that are withheld."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            f"https://serviceusage.googleapis.com/v1/projects/{P}/services/{name}.googleapis.com": {"state": "ENABLED"}
            for name in preflight.APIS
        }
        self.answers[f"https://cloudbilling.googleapis.com/v1/projects/{P}/billingInfo"] = {"billingEnabled": True}
        self.withheld: set[str] = set()

    def read(self, call: Call) -> Any:
        if call.url.endswith(":testIamPermissions"):
            return {"permissions": [name for name in call.body["permissions"] if name not in self.withheld]}
        answer = self.answers.get(call.url)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def google() -> Google:
    return Google()


@pytest.fixture
def planned(google) -> Installation:
    url = f"firestore://{P}/setpoint"
    return Installation(P, R, (ORG,), MemoryStore, url, google, options=frozenset(preflight.OPTIONS))


def failures(planned: Installation) -> list[diagnostics.CheckResult]:
    return [result for result in diagnostics.examine(planned, diagnostics.PREFLIGHT) if result.verdict != "pass"]


def test_where_nothing_stands_in_the_way_every_check_passes(planned):
    assert failures(planned) == []


def rule(constraint: str, **values: Any) -> tuple[str, Any]:
    return POLICY.format(constraint), {"spec": {"rules": [values]}}


IN_THE_WAY = [
    (
        f"https://serviceusage.googleapis.com/v1/projects/{P}/services/pubsub.googleapis.com",
        {"state": "DISABLED"},
        "pubsub is not enabled",
        "gcloud services enable pubsub.googleapis.com",
    ),
    (
        f"https://cloudbilling.googleapis.com/v1/projects/{P}/billingInfo",
        {"billingEnabled": False},
        "has no billing",
        "gcloud billing projects link",
    ),
    (
        *rule("iam.disableServiceAccountCreation", enforce=True),
        "refuses the accounts",
        "gcloud org-policies delete iam.disableServiceAccountCreation",
    ),
    (
        *rule("gcp.resourceLocations", values={"allowedValues": ["in:us-locations"]}),
        "does not allow the region",
        "choose another --region",
    ),
    (*rule("gcp.resourceLocations", values={"deniedValues": [R]}), "does not allow the region", "--region"),
    (
        *rule("gcp.restrictNonCmekServices", values={"deniedValues": ["pubsub.googleapis.com"]}),
        "customer-managed key",
        "set kms_key",
    ),
    (
        *rule("iam.allowedPolicyMemberDomains", values={"allowedValues": ["C03xgje4y"]}),
        "refuses allUsers",
        "alerts.buttons = false",
    ),
    (*rule("run.allowedIngress", values={"allowedValues": ["internal"]}), "reachable from outside", "allow `all`"),
    (*rule("cloudfunctions.allowedIngressSettings", denyAll=True), "reachable from outside", "ALLOW_ALL"),
    (FEEDS, {"feeds": [{"name": f"{ORG}/feeds/f{n}"} for n in range(198)]}, "198 feeds", "gcloud asset feeds list"),
    (FEEDS, {"feeds": [{"name": f"{ORG}/feeds/setpoint-resource"}]}, "setpoint-resource", "gcloud asset feeds delete"),
    (DATABASE, {"locationId": "nam5"}, "in nam5, and cannot be moved", 'firestore = { location = "nam5" }'),
    (
        DATABASE,
        {"locationId": R},
        "the database setpoint exists already",
        f"terraform import module.setpoint.google_firestore_database.setpoint projects/{P}/databases/setpoint",
    ),
    (DATABASE, {"locationId": R, "type": "DATASTORE_MODE"}, "of the kind DATASTORE_MODE", "firestore = { database"),
    (f"https://pubsub.googleapis.com/v1/projects/{P}/topics/sweeps", {"name": "t"}, "topic sweeps", "terraform import"),
    (f"https://storage.googleapis.com/storage/v1/b/{P}-setpoint", {"name": "b"}, "bucket fleet-ops-setpoint", "import"),
]


@pytest.mark.parametrize(("url", "answer", "what", "do"), IN_THE_WAY, ids=[f"{case[2]}" for case in IN_THE_WAY])
def test_what_stands_in_the_way_is_said_with_the_command_that_mends_it(planned, google, url, answer, what, do):
    google.answers[url] = answer
    planned.options -= {"kms_key"}
    (result,) = failures(planned)
    assert what in result.what
    assert do in result.do


@pytest.mark.parametrize(
    "constraint", ["gcp.resourceLocations", "iam.allowedPolicyMemberDomains", "gcp.restrictNonCmekServices"]
)
def test_a_policy_that_allows_what_is_needed_stands_in_no_way(planned, google, constraint):
    allowed = {"gcp.resourceLocations": {"values": {"allowedValues": ["in:europe-locations"]}}}
    google.answers[POLICY.format(constraint)] = {"spec": {"rules": [allowed.get(constraint, {"allowAll": True})]}}
    assert failures(planned) == []


def test_a_policy_that_wants_a_key_of_your_own_stands_in_no_way_once_there_is_to_be_a_key(planned, google):
    google.answers |= dict([rule("gcp.restrictNonCmekServices", values={"deniedValues": ["pubsub.googleapis.com"]})])
    assert "--enable kms_key" in failures(without(planned, "kms_key"))[0].do
    planned.options = frozenset({"kms_key"})
    assert failures(planned) == []


def without(planned: Installation, option: str) -> Installation:
    planned.options -= {option}
    return planned


def test_a_database_where_the_module_is_to_have_it_is_no_failure(planned, google):
    google.answers[DATABASE] = {"locationId": "nam5", "type": "FIRESTORE_NATIVE"}
    planned.database_location = "nam5"
    assert [result.verdict for result in failures(planned)] == ["warn"]
    google.answers[DATABASE] = {"locationId": R}
    planned._read.clear()
    (result,) = failures(planned)
    assert (result.verdict, result.what) == ("fail", f"the database setpoint is in {R}, and cannot be moved to nam5")


def test_what_an_option_needs_is_asked_only_where_it_is_to_be_on(planned, google):
    google.answers |= dict([rule("iam.allowedPolicyMemberDomains", values={"allowedValues": ["C03xgje4y"]})])
    google.withheld = {"bigquery.datasets.create", "logging.sinks.create", "iam.roles.create"}
    assert len(failures(planned)) == 3
    planned.options = frozenset()
    assert failures(planned) == []


def test_a_missing_permission_is_said_with_the_place_and_the_role(planned, google):
    google.withheld = {"cloudasset.feeds.create"}
    (result,) = failures(planned)
    assert result.what == f"the calling account lacks on {ORG}: cloudasset.feeds.create"
    assert result.do == f"grant roles/cloudasset.owner and roles/resourcemanager.organizationAdmin on {ORG}"


def test_what_may_not_be_looked_at_is_unknown_and_hides_nothing_else(planned, google):
    google.answers[FEEDS] = AccessDenied(ORG, "cloudasset.feeds.list", "403")
    (result,) = failures(planned)
    assert (result.check, result.verdict) == ("feeds", "unknown")


def test_the_command_asks_with_preflight_and_refuses_an_option_that_there_is_not(planned, google, monkeypatch):
    monkeypatch.setattr(bootstrap, "open_installation", lambda *_: planned)
    google.withheld = {"bigquery.datasets.create"}
    run = ["doctor", "--preflight", "--project", P, "--watch", ORG, "--output", "json"]
    assert CliRunner().invoke(app, run).exit_code == 0
    asked = CliRunner().invoke(app, [*run, "--enable", "reports"])
    assert asked.exit_code == 1
    assert {result["check"] for result in json.loads(asked.stdout)["results"]} == diagnostics.PREFLIGHT.keys()
    assert CliRunner().invoke(app, [*run, "--database-location", "eur3"]).exit_code == 0
    assert planned.database_location == "eur3"
    refused = CliRunner().invoke(app, [*run, "--enable", "report"])
    assert refused.exit_code != 0


def test_the_names_that_are_asked_for_are_those_that_infra_makes():
    made = {kind: [block for used, block in typed() if used == kind] for kind in {used for used, _ in typed()}}
    topics = {strings(block.attributes["name"])[0] for block in made["google_pubsub_topic"]}
    always = {name for name in topics if name in preflight.TOPICS}
    assert always == set(preflight.TOPICS)
    accounts = {block.attributes["account_id"].strip('"') for block in made["google_service_account"]}
    named = {f"setpoint-{name}" for name in preflight.ACCOUNTS}
    assert named <= accounts | {f"setpoint-{name}" for name in entries(local("functions"))}
    buckets = {block.attributes["name"].strip('"') for block in made["google_storage_bucket"]}
    assert {name.replace(P, "${var.project_id}") for name in preflight._buckets(P)} == buckets
