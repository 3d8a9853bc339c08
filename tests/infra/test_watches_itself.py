"""Setpoint watches Setpoint: its own Terraform state declares it, and what would blind it is critical."""

from __future__ import annotations

import copy
import gzip
import json
import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.blocks import INFRA, TERRAFORM
from infra.options import BASE
from setpoint.cli import app
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.model.declaration import Declaration
from setpoint.model.policy import PolicyInput, first_match

STATE = Path(__file__).with_name("states") / "unreleased.json.gz"
OWN = (
    Path(os.environ.get("SETPOINT_CORPUS", Path(__file__).resolve().parents[3] / "shared/corpus")) / "own_installation"
)
PROJECT, NUMBER = BASE["project_id"], "123456789012"
ANCESTORS = [f"projects/{NUMBER}", "organizations/566099688680"]
TIME = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

EXCEPTIONS = {
    "google_cloud_scheduler_job": "not in the inventory; a sweep that is missing is an alert",
    "google_compute_global_address": "the page shows what there is, and decides nothing",
    "google_compute_global_forwarding_rule": "as above",
    "google_compute_managed_ssl_certificate": "as above",
    "google_compute_region_network_endpoint_group": "as above",
    "google_compute_ssl_policy": "as above",
    "google_compute_target_https_proxy": "as above",
    "google_compute_url_map": "as above",
    "google_firestore_field": "not in the inventory; what is kept for too long is an alert",
    "google_iap_web_backend_service_iam_member": "not in the inventory; it lets people look at the page",
    "google_monitoring_custom_service": "not in the inventory; it holds the objective alone",
    "google_monitoring_dashboard": "it shows, and tells nobody",
    "google_monitoring_slo": "not in the inventory; its alert is watched",
    "google_storage_bucket_object": "not in the inventory: an object is not a resource",
    "google_storage_notification": "not in the inventory; uploads that stay away are the alert `source-late`",
}
"""Types of the plan that are not watched, each with the reason."""


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.output


def written(folder: Path) -> Path:
    """The state of a root whose module ``setpoint`` has everything on, with the policy of its example."""
    state = json.loads(gzip.decompress(STATE.read_bytes()))
    resources = [{**resource, "module": "module.setpoint"} for resource in state["resources"]]
    (folder / "setpoint.tfstate").write_text(json.dumps({**state, "resources": resources}))
    policy = (INFRA / "examples/everything/watch-itself.yaml").read_text()
    (folder / "watch-itself.yaml").write_text(policy.replace("fleet-drift", PROJECT))
    return folder


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> LoadResult:
    return load([str(written(tmp_path_factory.mktemp("declared")))])


@pytest.fixture(scope="module")
def declared(loaded) -> dict[str, Declaration]:
    """The declarations of the state, by address in the module."""
    declarations = (declaration for desired in loaded.desired for declaration in desired.declarations)
    return {entry.source.address.removeprefix("module.setpoint."): entry for entry in declarations}


@pytest.fixture(scope="module")
def applied(tmp_path_factory) -> Path:
    """A store in which the installation is declared."""
    folder = tmp_path_factory.mktemp("applied")
    (folder / "declared").mkdir()
    written(folder / "declared")
    store = folder / "own.db"
    assert "error:" not in run("apply", str(folder / "declared"), "--store", f"sqlite:///{store}")
    return store


@pytest.fixture
def store(applied, tmp_path) -> str:
    for suffix in ("", "-wal", "-shm"):
        file = applied.with_name(applied.name + suffix)
        if file.exists():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return f"sqlite:///{tmp_path}/{applied.name}"


def asset(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "assetType": kind, "ancestors": ANCESTORS, "updateTime": TIME, **more}


def changed(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"asset": asset(name, kind, **more), "window": {"startTime": TIME}}


def shown(entry: Declaration, data: Any) -> dict[str, Any]:
    return changed(entry.key.name, entry.asset_type, resource={"version": "v1", "data": data})


def gone(entry: Declaration) -> dict[str, Any]:
    before = asset(entry.key.name, entry.asset_type, resource={"version": "v1", "data": entry.data})
    named = {"name": entry.key.name, "assetType": entry.asset_type}
    return {"asset": named, "priorAsset": before, "deleted": True, "window": {"startTime": TIME}}


def granted(entry: Declaration, bindings: list[dict[str, Any]]) -> dict[str, Any]:
    return changed(entry.key.name, entry.asset_type, iamPolicy={"bindings": bindings})


def severities(store: str, tmp_path: Path, messages: Iterable[dict[str, Any]]) -> list[str]:
    feed = tmp_path / "feed.jsonl"
    feed.write_text("".join(f"{json.dumps(message)}\n" for message in messages))
    output = run("detect", "--feed", str(feed), "--store", store)
    return re.findall(r"^(critical|high|medium|low) ", output, re.MULTILINE)


STOPPED = [
    'google_cloud_asset_organization_feed.feed["organizations/566099688680 RESOURCE"]',
    'google_cloud_asset_folder_feed.feed["folders/918177713511 IAM_POLICY"]',
    'google_cloud_asset_project_feed.feed["projects/shop-prod RESOURCE"]',
    "google_pubsub_subscription.detect",
    'google_pubsub_subscription.push["sweep"]',
    'google_pubsub_subscription.push["uploads"]',
    'google_pubsub_subscription.push["state-changes"]',
    "google_pubsub_topic.asset_changes",
    "google_pubsub_topic.uploads",
    'google_cloudfunctions2_function.function["sync"]',
    'google_service_account.function["detect"]',
    "google_firestore_database.setpoint",
    "google_storage_bucket.declarations",
    "google_secret_manager_secret.key",
    'google_logging_organization_sink.audit["566099688680"]',
    "google_monitoring_alert_policy.installation_silent",
    'google_logging_metric.metric["sweep_age"]',
]


@pytest.mark.parametrize("address", STOPPED)
def test_what_is_stopped_is_critical_drift(store, tmp_path, declared, address):
    assert severities(store, tmp_path, [gone(declared[address])]) == ["critical"]


def _set(*path: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        for name in path[:-1]:
            data = data[name]
        data[path[-1]] = value

    return change


SYNC = 'google_cloudfunctions2_function.function["sync"]'
CHANGED: dict[str, tuple[str, Callable[[Any], None]]] = {
    "a feed that carries less": (STOPPED[0], _set("assetTypes", value=["storage.googleapis.com/Bucket"])),
    "a feed to another topic": (
        STOPPED[0],
        _set("feedOutputConfig", "pubsubDestination", "topic", value="projects/eve/topics/t"),
    ),
    "a push to another address": (
        'google_pubsub_subscription.push["uploads"]',
        _set("pushConfig", "pushEndpoint", value="https://eve.example.com"),
    ),
    "declarations from another bucket": (
        SYNC,
        _set("serviceConfig", "environmentVariables", "SETPOINT_DECLARATIONS_BUCKET", value="eve"),
    ),
    "events to another topic": (
        SYNC,
        _set("serviceConfig", "environmentVariables", "SETPOINT_EVENTS_TOPIC", value="projects/eve/topics/t"),
    ),
    "a wider role": (
        "google_organization_iam_custom_role.remediate[0]",
        _set("includedPermissions", value=["resourcemanager.projects.setIamPolicy"]),
    ),
    "an alert that is off": ("google_monitoring_alert_policy.installation_silent", _set("enabled", value=False)),
    "an API that is off": (
        'google_project_service.api["cloudasset.googleapis.com"]',
        _set("state", value="DISABLED"),
    ),
    "declarations that are not kept": (
        "google_storage_bucket.declarations",
        _set("versioning", "enabled", value=False),
    ),
}


@pytest.mark.parametrize(("address", "change"), CHANGED.values(), ids=CHANGED)
def test_a_changed_setting_is_critical_drift_and_none_is_none(store, tmp_path, declared, address, change):
    entry = declared[address]
    assert severities(store, tmp_path, [shown(entry, entry.data)]) == []
    data = copy.deepcopy(entry.data)
    change(data)
    assert severities(store, tmp_path, [shown(entry, data)]) == ["critical"]


EVE = "user:eve@example.com"
WIDENED = {
    "somebody acts as remediate": (
        'google_service_account.function["remediate"]',
        "roles/iam.serviceAccountTokenCreator",
        EVE,
    ),
    "somebody acts as sync": ('google_service_account.function["sync"]', "roles/iam.serviceAccountUser", EVE),
    "somebody makes keys of push": (
        "google_service_account_iam_member.push_token",
        "roles/iam.serviceAccountKeyAdmin",
        EVE,
    ),
    "detect may edit the project": (
        'google_project_iam_member.datastore_user["detect"]',
        "roles/editor",
        f"serviceAccount:setpoint-detect@{PROJECT}.iam.gserviceaccount.com",
    ),
    "somebody uploads": ("google_storage_bucket_iam_member.sync_reads", "roles/storage.objectAdmin", EVE),
    "somebody tells sync of uploads": ("google_pubsub_topic_iam_member.uploads", "roles/pubsub.publisher", EVE),
    "somebody takes what waits": (
        'google_pubsub_subscription_iam_member.dead_letters_by_pubsub["uploads"]',
        "roles/pubsub.subscriber",
        EVE,
    ),
    "anybody calls sync": ('google_cloud_run_v2_service_iam_member.push["sync"]', "roles/run.invoker", "allUsers"),
    "somebody reads the key": (
        "google_secret_manager_secret.key",
        "roles/secretmanager.secretAccessor",
        EVE,
    ),
}


@pytest.mark.parametrize(("address", "role", "member"), WIDENED.values(), ids=WIDENED)
def test_a_widened_grant_is_critical_drift_and_what_is_declared_is_none(
    store, tmp_path, loaded, declared, address, role, member
):
    entry = declared[address]
    bindings = grants_of(loaded, entry.key.name)
    topic = declared["google_pubsub_topic.uploads"]  # its name has the project's id, its place the number
    assert severities(store, tmp_path, [shown(topic, topic.data), granted(entry, bindings)]) == []
    assert severities(store, tmp_path, [granted(entry, [*bindings, {"role": role, "members": [member]}])]) == [
        "critical"
    ]


def test_the_policy_of_an_account_is_that_of_its_declaration_by_its_unique_id_too(store, tmp_path, loaded, declared):
    account, grants = declared["google_service_account.push"], declared["google_service_account_iam_member.push_token"]
    assert account.key.name != grants.key.name
    bindings = grants_of(loaded, grants.key.name)
    assert severities(store, tmp_path, [shown(account, account.data), granted(account, bindings)]) == []
    assert severities(store, tmp_path, [granted(account, [])]) == ["critical"]


def test_a_grant_that_is_taken_away_is_critical_drift(store, tmp_path, declared):
    push = declared['google_cloud_run_v2_service_iam_member.push["sync"]']
    assert severities(store, tmp_path, [granted(push, [])]) == ["critical"]


def grants_of(loaded: LoadResult, name: str) -> list[dict[str, Any]]:
    """All that is declared of an IAM policy."""
    return [
        binding
        for desired in loaded.desired
        for entry in desired.declarations
        if (entry.key.name, entry.key.content) == (name, "iam_policy")
        for binding in entry.data["bindings"]
    ]


@pytest.mark.skipif(not TERRAFORM, reason="NO TERRAFORM: what is watched is not compared with a plan")
def test_every_resource_of_the_plan_of_everything_is_watched_as_critical_or_an_exception(
    planned_everything, loaded, declared
):
    resources = planned_everything["planned_values"]["root_module"]["resources"]
    managed = [resource for resource in resources if resource["mode"] == "managed"]
    carried = {
        (kind, feed["values"]["content_type"].lower())
        for feed in managed
        if feed["type"] == "google_cloud_asset_organization_feed"
        for kind in feed["values"]["asset_types"]
    }
    unwatched = [resource for resource in managed if not is_watched(declared.get(resource["address"]), loaded, carried)]
    assert {resource["type"] for resource in unwatched} == EXCEPTIONS.keys()
    watched = {resource["type"] for resource in managed} - EXCEPTIONS.keys()
    assert [resource["address"] for resource in unwatched if resource["type"] in watched] == []


def is_watched(entry: Declaration | None, loaded: LoadResult, carried: set[tuple[str, str]]) -> bool:
    """Whether the inventory tells of a declared resource, and each change of it is critical."""
    if entry is None or (entry.asset_type, entry.key.content) not in carried:
        return False
    owner = next(rule.owner for rule in loaded.policy.defaults if rule.fits(entry)).team
    drifts = [PolicyInput(entry.asset_type, entry.key.content, kind, "low", owner) for kind in ("modified", "deleted")]
    return {first_match(loaded.policy, drift).severity for drift in drifts} == {"critical"}


@pytest.mark.skipif(not OWN.is_dir(), reason="SKIPPED: the recorded installation is not here; set SETPOINT_CORPUS")
def test_an_installation_as_the_real_provider_recorded_it_declares_without_an_error_and_is_compared_whole(tmp_path):
    url = f"sqlite:///{tmp_path}/own.db"
    assert "error:" not in run("apply", str(OWN / "terraform.tfstate"), "--store", url, "--source", "setpoint")
    rows = [json.loads(line) for line in (OWN / "live.jsonl").read_text().splitlines()]
    feed = tmp_path / "feed.jsonl"
    with feed.open("w") as lines:
        for row in rows:
            parts = row["full_name"].split("/")
            numbered = parts[parts.index("projects") + 1] if "projects" in parts else ""
            number = numbered if numbered.isdecimal() else row["project"]["number"]
            recorded = asset(row["full_name"], row["asset_type"], resource={"version": "v1", "data": row["live"]})
            recorded["ancestors"] = [f"projects/{number}", "organizations/566099688680"]
            lines.write(f"{json.dumps({'asset': recorded, 'window': {'startTime': TIME}})}\n")
    assert f"{len(rows)} in_sync" in run("detect", "--feed", str(feed), "--store", url)
