"""Every check of a live installation: well where all is well, and what it says of each thing that is not.

The product's own client talks to an application that answers as Google's APIs do.
"""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner
from werkzeug.wrappers import Request, Response

from infra.blocks import local, typed
from infra.hcl import entries, strings
from remediation.in_process import in_process
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryDeadLetters, MemoryStore
from setpoint.cli import app
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest as Apply
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection.installation_key import InstallationKey
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, CorruptState
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.model.safety_limits import Breaker, Pause, SafetyState
from setpoint.model.sources import Control, SourceState
from setpoint.model.sweep_records import Summary, Sweep, SweepStart
from setpoint.operations import diagnostics
from setpoint.operations.diagnostics import compute, pubsub
from setpoint.operations.diagnostics.installation import Installation
from setpoint.operations.record_problem_log import RecordProblemLog

P = "fleet-ops"
R = "europe-west1"
ORG = "organizations/566099688680"
STORE = f"firestore://{P}/setpoint"
PUBSUB = "/pubsub.googleapis.com/v1"
DATABASE = f"/firestore.googleapis.com/v1/projects/{P}/databases/setpoint"
FUNCTIONS = f"/cloudfunctions.googleapis.com/v2/projects/{P}/locations/{R}/functions"
JOBS = f"/cloudscheduler.googleapis.com/v1/projects/{P}/locations/{R}/jobs"
SUBSCRIPTIONS = f"{PUBSUB}/projects/{P}/subscriptions"
SERIES = f"/monitoring.googleapis.com/v3/projects/{P}/timeSeries"
FEEDS = f"/cloudasset.googleapis.com/v1/{ORG}/feeds"
TEST = f"/cloudresourcemanager.googleapis.com/v3/projects/{P}:testIamPermissions"
ACCOUNT = f"setpoint-push@{P}.iam.gserviceaccount.com"


def well() -> dict:
    """What Google's APIs tell of an installation that is well."""
    audiences = {name: f"https://setpoint-{name}-20.{R}.run.app" for name in ("detect", "sweep", "remediate", "sync")}
    named = {"sync": "uploads"}
    described = {
        TEST: {"permissions": list(compute.MINE)},
        f"/cloudresourcemanager.googleapis.com/v1/projects/{P}": {"projectNumber": "20"},
        DATABASE: {
            "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_ENABLED",
            "deleteProtectionState": "DELETE_PROTECTION_ENABLED",
        },
        FEEDS: {
            "feeds": [
                {
                    "contentType": content,
                    "feedOutputConfig": {"pubsubDestination": {"topic": f"projects/{P}/topics/asset-changes"}},
                }
                for content in ("RESOURCE", "IAM_POLICY", "ORG_POLICY")
            ]
        },
        FUNCTIONS: {
            "functions": [function(name, audiences.get(name)) for name in ("detect", "remediate", "sweep", "sync")]
        },
        JOBS: {"jobs": [{"name": f"x/{name}", "state": "ENABLED", "status": {}} for name in compute.JOBS]},
        SUBSCRIPTIONS: {
            "subscriptions": [
                *(
                    subscription(named.get(name, name), f"{url}/projects/{P}/topics/t", url)
                    for name, url in audiences.items()
                ),
                {"name": f"projects/{P}/subscriptions/dead-letters", "topic": "t", "expirationPolicy": {}},
                {"name": f"projects/{P}/subscriptions/of-others", "topic": "_deleted-topic_"},
            ]
        },
        SERIES: series({"asset-changes": [0, 0, 5]}),
    }
    for name in compute.APIS:
        described[f"/serviceusage.googleapis.com/v1/projects/{P}/services/{name}.googleapis.com"] = {"state": "ENABLED"}
    for name in pubsub.TOPICS:
        described[f"{PUBSUB}/projects/{P}/topics/{name}"] = {"name": name}
    for name, agent in (("asset-changes", "cloudasset"), ("dead-letters", "pubsub")):
        member = f"serviceAccount:service-20@gcp-sa-{agent}.iam.gserviceaccount.com"
        policy = {"bindings": [{"role": "roles/pubsub.publisher", "members": [member]}]}
        described[f"{PUBSUB}/projects/{P}/topics/{name}:getIamPolicy"] = policy
    for collection, field in diagnostics.checks.store.UNINDEXED:
        described[f"{DATABASE}/collectionGroups/{collection}/fields/{field}"] = {"indexConfig": {}}
    return described


def function(name: str, audience: str | None) -> dict:
    environment = {"SETPOINT_STORE": STORE}
    if audience:
        environment |= {"SETPOINT_PUSH_ACCOUNT": ACCOUNT, "SETPOINT_PUSH_AUDIENCE": audience}
    return {
        "name": f"projects/{P}/locations/{R}/functions/setpoint-{name}",
        "state": "ACTIVE",
        "buildConfig": {"source": {"storageSource": {"object": "setpoint-abc.zip"}}},
        "serviceConfig": {"environmentVariables": environment},
    }


def subscription(name: str, endpoint: str, audience: str) -> dict:
    return {
        "name": f"projects/{P}/subscriptions/{name}",
        "topic": f"projects/{P}/topics/t",
        "state": "ACTIVE",
        "pushConfig": {
            "pushEndpoint": endpoint,
            "oidcToken": {"serviceAccountEmail": ACCOUNT, "audience": audience},
        },
        "deadLetterPolicy": {"deadLetterTopic": f"projects/{P}/topics/dead-letters"},
        "retryPolicy": {"minimumBackoff": "10s"},
        "expirationPolicy": {},
    }


def series(values: dict[str, list[int]]) -> dict:
    return {
        "timeSeries": [
            {
                "resource": {"labels": {"topic_id" if name == "asset-changes" else "subscription_id": name}},
                "points": [{"value": {"int64Value": str(point)}} for point in points],
            }
            for name, points in values.items()
        ]
    }


class Google:
    """Answers with what it is told to; a number is an error, and what it does not know is not there."""

    def __init__(self) -> None:
        self.answers = well()

    def __call__(self, environ, start_response):
        request = Request(environ)
        body = {} if request.path.endswith("generate_204") else self.answers.get(request.path, 404)
        if isinstance(body, int):
            refusal = json.dumps({"error": {"code": body, "message": "no"}})
            return Response(refusal, status=body)(environ, start_response)
        answer = Response(json.dumps(body), mimetype="application/json")
        answer.date = datetime.now(UTC)
        return answer(environ, start_response)


@pytest.fixture
def google() -> Google:
    return Google()


def stored() -> MemoryStore:
    """A store of an installation that is well: something is declared, and a sweep has ended."""
    store = MemoryStore()
    key = ResourceKey("//storage.googleapis.com/exports")
    wanted = desired((Declaration(key, "storage.googleapis.com/Bucket", {"location": "EU"}, project="shop"),))
    apply.sync(LoadResult([wanted]), Apply("git"), Context(store, None, MemoryDeadLetters()), datetime.now(UTC))
    swept(store, Summary(datetime.now(UTC), listed=10, declared=10, in_sync=10))
    return store


def swept(store: MemoryStore, summary: Summary | None, started: datetime | None = None) -> None:
    start = SweepStart((ORG,), ("resource",))
    before = store.sweeps.sweep(start.name)
    sweep = Sweep(start.name, "1", start, started or datetime.now(UTC), summary=summary)
    store.sweeps.write_sweep(sweep, before.version)


@pytest.fixture
def installation(google):
    store = stored()
    return Installation(P, R, (ORG,), lambda: store, STORE, in_process(google))


def failures(installation: Installation, *, only: str = "") -> list[diagnostics.CheckResult]:
    results = diagnostics.examine(installation, diagnostics.CHECKS)
    return [result for result in results if result.verdict != "pass" and (not only or result.check == only)]


def test_of_an_installation_that_passes_nothing_is_shown_and_every_check_was_made(installation):
    assert failures(installation) == []
    assert {
        result.check for result in diagnostics.examine(installation, diagnostics.CHECKS)
    } == diagnostics.CHECKS.keys()


def change(path: str, *keys, to=None):
    """What an API tells, with one thing in it changed, or gone."""

    def changed(answers: dict) -> None:
        place = answers
        for key in (path, *keys)[:-1]:
            place = place[key]
        last = (path, *keys)[-1]
        if to is None:
            del place[last]
        else:
            place[last] = copy.deepcopy(to)

    return changed


def key_version(number: int) -> list[dict]:
    """The setting of a function that takes a wrapping key from Secret Manager."""
    return [{"key": "SETPOINT_SECRET_KEY", "secret": "setpoint-secret-key", "version": str(number)}]


FIRST = (SUBSCRIPTIONS, "subscriptions", 0)
ILL = [
    ("apis", change(f"/serviceusage.googleapis.com/v1/projects/{P}/services/run.googleapis.com", to={"state": "DISABLED"}), "run is not enabled"),
    ("topics", change(f"{PUBSUB}/projects/{P}/topics/sweeps"), "there is no topic sweeps"),
    ("subscriptions", change(*FIRST), "there is no subscription detect"),
    ("subscriptions", change(*FIRST, "topic", to="_deleted-topic_"), "belongs to a deleted topic"),
    ("subscriptions", change(*FIRST, "state", to="RESOURCE_ERROR"), "not active"),
    ("subscriptions", change(*FIRST, "expirationPolicy", to={"ttl": "86400s"}), "expires when it is idle"),
    ("subscriptions", change(*FIRST, "deadLetterPolicy"), "no dead-letter topic"),
    ("subscriptions", change(*FIRST, "retryPolicy"), "no retry delay"),
    ("subscriptions", change(*FIRST, "pushConfig", "oidcToken"), "without a token"),
    ("tokens", change(*FIRST, "pushConfig", "oidcToken", "audience", to="https://x"), "SETPOINT_PUSH_AUDIENCE of setpoint-detect"),
    ("tokens", change(*FIRST, "pushConfig", "oidcToken", "serviceAccountEmail", to="x@y"), "SETPOINT_PUSH_ACCOUNT"),
    ("publishers", change(f"{PUBSUB}/projects/{P}/topics/asset-changes:getIamPolicy", to={}), "gcp-sa-cloudasset"),
    ("publishers", change(f"{PUBSUB}/projects/{P}/topics/dead-letters:getIamPolicy", to={}), "gcp-sa-pubsub"),
    ("feeds", change(FEEDS, "feeds", 1), f"{ORG} has no feed of IAM_POLICY"),
    ("feeds", change(FEEDS, "feeds", 0, "feedOutputConfig", to={}), f"{ORG} has no feed of RESOURCE"),
    ("delivery", change(SERIES, to={}), "no feed message within a day"),
    ("functions", change(FUNCTIONS, "functions", 0), "there is no function setpoint-detect"),
    ("functions", change(FUNCTIONS, "functions", 0, "state", to="FAILED"), "setpoint-detect is FAILED"),
    ("functions", change(FUNCTIONS, "functions", 3, "serviceConfig", "environmentVariables", to={"SETPOINT_STORE": "memory:"}), "keeps its state in memory:"),
    ("secret key", change(FUNCTIONS, "functions", 0, "serviceConfig", "secretEnvironmentVariables", to=key_version(1)), "different keys in SETPOINT_SECRET_KEY: remediate, sweep, sync: none; detect: version 1 of setpoint-secret-key"),
    ("versions", change(FUNCTIONS, "functions", 0, "buildConfig", "source", "storageSource", "object", to="setpoint-old.zip"), "different versions: remediate, sweep, sync of setpoint-abc.zip; detect of setpoint-old.zip"),
    ("jobs", change(JOBS, "jobs", 0), "there is no job setpoint-sweep"),
    ("jobs", change(JOBS, "jobs", 0, "state", to="PAUSED"), "the job setpoint-sweep is paused"),
    ("jobs", change(JOBS, "jobs", 1, "status", to={"code": 7}), "setpoint-heal failed (code 7)"),
    ("lag", change(SERIES, to=series({"asset-changes": [5], "detect": [4000]})), "a message of detect has waited for 67 minutes"),
    ("database", change(DATABASE), "there is no database setpoint"),
    ("database", change(f"{DATABASE}/collectionGroups/findings/fields/body", to={"indexConfig": {"usesAncestorConfig": True}}), "findings.body is indexed"),
]  # fmt: skip
DOUBTFUL = [
    ("permissions", change(TEST, to={"permissions": ["pubsub.topics.get"]}), "lacks: cloudfunctions.functions.list"),
    ("database", change(DATABASE, "pointInTimeRecoveryEnablement"), "recovery is disabled"),
    ("database", change(DATABASE, "deleteProtectionState"), "delete protection is disabled"),
    (
        "dead letters",
        change(SERIES, to=series({"asset-changes": [5], "dead-letters": [3]})),
        "3 dead letters not handled",
    ),
]


@pytest.mark.parametrize(
    ("check", "broken", "text", "verdict"),
    [*((*case, "fail") for case in ILL), *((*case, "warn") for case in DOUBTFUL)],
    ids=[f"{check}: {text}"[:60] for check, _, text in (*ILL, *DOUBTFUL)],
)
def test_what_is_broken_is_said_with_what_to_do(installation, google, check, broken, text, verdict):
    broken(google.answers)
    results = [result for result in failures(installation, only=check) if text in result.what]
    assert results, failures(installation)
    assert {result.verdict for result in results} == {verdict}
    assert all(result.do for result in results)


HOURS = timedelta(hours=1)


def opened(store: MemoryStore, safety: SafetyState) -> None:
    store.write_safety_state(safety, store.safety_state().version)


def unreadable(store: MemoryStore) -> None:
    error = CorruptState("the stored finding of a bucket cannot be read", "findings/00ff", "//storage.googleapis.com/b")
    RecordProblemLog(store.notices).note((error,), datetime.now(UTC))


def control(store: MemoryStore, value: Control) -> None:
    store.write_control(value, store.control().version)


STATES = [
    ("store", lambda place: control(place, Control()), "warn", "nothing is declared"),
    ("store", lambda place: control(place, Control({"git": SourceState(1, pending=2, judged=1)})), "warn", "has not finished"),
    ("store", lambda place: control(place, Control({"git": SourceState(2, judged=1)})), "warn", "were evaluated again"),
    ("sweeps", lambda place: swept(place, None, datetime.now(UTC) - 40 * HOURS), "fail", "no sweep has ended"),
    ("sweeps", lambda place: swept(place, None), "warn", "under way"),
    ("sweeps", lambda place: swept(place, Summary(datetime.now(UTC) - 14 * HOURS, listed=1)), "fail", "14.0 hours ago"),
    ("sweeps", lambda place: swept(place, Summary(datetime.now(UTC), denied={ORG: "nobody may"})), "fail", "nobody may"),
    ("sweeps", lambda place: swept(place, Summary(datetime.now(UTC), failed={"s": "lost"})), "warn", "lost"),
    ("sweeps", lambda place: swept(place, Summary(datetime.now(UTC), declared=10, in_sync=5)), "warn", "50% could be evaluated"),
    ("records", unreadable, "fail", "cannot be read (since"),
    ("guardrails", lambda place: opened(place, SafetyState(breaker=Breaker(datetime.now(UTC), "a surge"))), "fail", "a surge"),
    ("guardrails", lambda place: opened(place, SafetyState((Pause("fleet", datetime.now(UTC), "ann", "freeze"),))), "warn", "paused by ann"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "broken", "verdict", "text"), STATES, ids=[state[3] for state in STATES])
def test_what_the_store_tells_is_said_with_what_to_do(installation, check, broken, verdict, text):
    broken(installation.store())
    results = [result for result in failures(installation, only=check) if text in result.what]
    assert [result.verdict for result in results] == [verdict], failures(installation)
    assert results[0].do


def keyed(answers: dict, settings: dict) -> None:
    """Give all functions these settings."""
    for deployed in answers[FUNCTIONS]["functions"]:
        deployed["serviceConfig"] |= copy.deepcopy(settings)


WRAPPED, PLAIN = (b"1" * 32,), ()
OF_A_SECRET = {"secretEnvironmentVariables": key_version(2)}
IN_PLAIN = {"environmentVariables": {"SETPOINT_STORE": STORE, "SETPOINT_SECRET_KEY": "x" * 32}}


@pytest.mark.parametrize(
    ("wrapping_keys", "settings", "verdict", "text"),
    [
        (PLAIN, {}, "pass", "that of the store"),
        (WRAPPED, OF_A_SECRET, "pass", "version 2 of setpoint-secret-key"),
        (PLAIN, OF_A_SECRET, "warn", "not wrapped yet"),
        (WRAPPED, {}, "fail", "functions have no SETPOINT_SECRET_KEY"),
        (WRAPPED, IN_PLAIN, "warn", "is in plain in the settings"),
    ],
)
def test_the_key_of_the_store_is_wrapped_with_the_one_key_of_all_functions(
    installation, google, wrapping_keys, settings, verdict, text
):
    InstallationKey(installation.store(), wrapping_keys).read()
    keyed(google.answers, settings)
    results = diagnostics.examine(installation, {"secret key": diagnostics.CHECKS["secret key"]})
    assert verdict in {result.verdict for result in results if text in result.what}, results
    assert all(result.do for result in results if result.verdict != "pass")


def test_looking_at_the_key_makes_none(installation):
    diagnostics.examine(installation, {"secret key": diagnostics.CHECKS["secret key"]})
    assert installation.store().stored_key() == b""


def test_what_waits_in_the_store_is_said(installation, mocker):
    key = ResourceKey("//storage.googleapis.com/exports")
    store = installation.store()
    mocker.patch.object(store, "unpublished", return_value=iter([key]))
    mocker.patch.object(store, "due", return_value=iter([key]))
    mocker.patch.object(store, "remediations_due", return_value=iter([key]))
    first, second = failures(installation, only="waiting")
    assert (first.verdict, second.verdict) == ("warn", "fail")
    assert "events of 1 resource" in first.what
    assert "overdue by more than ten minutes: 2 findings" in second.what


@pytest.mark.parametrize(("skew", "verdict"), [(0, None), (-20, "warn"), (600, "fail")])
def test_a_clock_that_is_wrong_is_said(installation, skew, verdict):
    installation.now = lambda: datetime.now(UTC) + timedelta(seconds=skew)
    assert [result.verdict for result in failures(installation, only="clock")] == ([verdict] if verdict else [])


def test_a_store_that_cannot_be_opened_hides_nothing_else(installation):
    def broken():
        raise BadRequest("no credentials for firestore://fleet-ops")

    installation.store = broken
    results = failures(installation)
    assert {result.check for result in results} == {"store", "records", "sweeps", "secret key", "waiting", "guardrails"}
    assert {result.verdict for result in results} == {"unknown"}


@pytest.mark.parametrize("status", [403, 500])
def test_an_api_that_refuses_or_fails_makes_its_checks_unknown_and_no_other(installation, google, status):
    google.answers[JOBS] = status
    (result,) = failures(installation)
    assert (result.check, result.verdict) == ("jobs", "unknown")
    assert result.do


def test_a_bug_in_one_check_hides_no_other(installation):
    def bug(_):
        raise KeyError("x")
        yield

    results = diagnostics.examine(installation, {"bug": bug, **diagnostics.CHECKS})
    assert (results[0].check, results[0].verdict) == ("bug", "unknown")
    assert len(results) > len(diagnostics.CHECKS)


def test_lists_are_read_to_their_last_page(installation, google):
    google.answers[FEEDS] = {**well()[FEEDS], "nextPageToken": ""}
    assert failures(installation, only="feeds") == []


def test_the_command_tells_exits_and_writes_json(installation, google, monkeypatch):
    monkeypatch.setattr(bootstrap, "open_installation", lambda *_: installation)
    run = ["doctor", "--project", P]
    fine = CliRunner().invoke(app, run)
    assert (fine.exit_code, fine.stdout) == (0, "")
    google.answers[JOBS]["jobs"][0]["state"] = "PAUSED"
    installation._read.clear()
    bad = CliRunner().invoke(app, run)
    assert bad.exit_code == 1
    assert "→ gcloud scheduler jobs resume setpoint-sweep" in bad.stdout
    machine = CliRunner().invoke(app, [*run, "--output", "json"])
    written = json.loads(machine.stdout)
    assert (machine.exit_code, written["pass"]) == (1, False)
    assert {result["check"] for result in written["results"]} == diagnostics.CHECKS.keys()


def test_what_no_installation_can_do_without_is_what_infra_makes():
    names = {
        kind: {strings(block.attributes["name"])[0] for used, block in typed() if used == kind and strings(block.attributes["name"])}
        for kind in ("google_pubsub_topic", "google_pubsub_subscription")
    }  # fmt: skip
    assert set(pubsub.TOPICS) <= names["google_pubsub_topic"]
    always = {
        **entries(local("sweep_pushes")),
        **entries(local("upload_pushes")),
    }  # the other pushes are there when they are switched on
    assert set(pubsub.SUBSCRIPTIONS) <= names["google_pubsub_subscription"] | set(always)
    assert set(compute.FUNCTIONS) <= set(entries(local("functions")))
    assert {job.removeprefix("setpoint-") for job in compute.JOBS} == set(entries(local("jobs")))
    unindexed = {name: strings(fields) for name, fields in entries(local("unindexed")).items()}
    assert all(field in unindexed[collection] for collection, field in diagnostics.checks.store.UNINDEXED)
