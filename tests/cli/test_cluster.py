"""`apply --cluster` with the official client of Kubernetes, over a stand-in for the API server."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

import forked
from setpoint_tools.testing.kubernetes_api import Fault, KubernetesApi, kubeconfig, serving

pytest.importorskip("kubernetes", reason="the client of Kubernetes is not installed")

STORAGE = "storage.cnrm.cloud.google.com/v1beta1"
LISTED = "/apis/storage.cnrm.cloud.google.com/v1beta1"
BUCKET = "//storage.googleapis.com/exports"


def bucket(name: str, namespace: str = "shop-prod", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    spec = {"location": "EU", **spec}
    return {"apiVersion": STORAGE, "kind": "StorageBucket", "metadata": metadata, "spec": spec, "status": {}}


@pytest.fixture
def api() -> KubernetesApi:
    api = KubernetesApi()
    api.add_namespace("shop-prod", {"cnrm.cloud.google.com/project-id": "shop-prod-1"})
    api.add_namespace("mill-prod")
    api.add(bucket("exports", uniformBucketLevelAccess=True))
    api.add(
        {
            "apiVersion": "pubsub.cnrm.cloud.google.com/v1beta1",
            "kind": "PubSubTopic",
            "metadata": {"name": "orders", "namespace": "shop-prod"},
            "spec": {},
        }
    )
    return api


@pytest.fixture
def setpoint(tmp_path, api):
    with serving(api) as address:
        (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig(address)))
        environment = {
            **os.environ,
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db",
            "COLUMNS": "200",
        }

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return forked.command_line(*arguments, cwd=tmp_path, environment=environment)

        yield run


def feed(tmp_path, level: bool, when: str = "2026-03-01T12:00:00Z") -> None:
    data = {"name": "exports", "location": "EU", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": level}}}
    asset = {"name": BUCKET, "assetType": "storage.googleapis.com/Bucket", "updateTime": when}
    (tmp_path / "feed.jsonl").write_text(json.dumps({"asset": {**asset, "resource": {"data": data}}}) + "\n")


def planned(run, *options: str) -> str:
    result = run("apply", "--cluster", "--source", "cluster", "--dry-run", *options)
    return result.stdout + result.stderr


def test_the_objects_of_a_cluster_are_declared_with_the_project_of_their_namespace(setpoint, api):
    shown = planned(setpoint, "--context", "fleet")
    assert "+ storage/exports  cluster/shop-prod/StorageBucket/exports:1" in shown
    assert "+ pubsub/projects/shop-prod-1/topics/orders" in shown
    assert {request.partition(" ")[0] for request in api.requests} == {"GET"}
    assert api.tokens == {"Bearer secret-token"}


def test_lists_are_read_to_their_end_page_by_page(setpoint, api):
    for number in range(1_200):
        api.add(bucket(f"b{number}"))
    result = setpoint("apply", "--cluster", "--source", "cluster")
    assert "1202 added" in result.stderr
    assert api.requests.count(f"GET {LISTED}/storagebuckets") == 3


def test_a_list_that_expired_is_begun_anew_and_declares_each_object_once(setpoint, api):
    for number in range(600):
        api.add(bucket(f"b{number}"))
    api.expires = 2
    result = setpoint("apply", "--cluster", "--source", "cluster")
    assert (result.returncode, "602 added" in result.stderr) == (0, True)


def test_a_list_that_always_expires_applies_nothing_and_says_so(setpoint, api):
    for number in range(600):
        api.add(bucket(f"b{number}"))
    api.expires = 1_000
    result = setpoint("apply", "--cluster", "--source", "cluster")
    assert result.returncode == 1
    assert "start the listing again" in result.stderr


def test_a_namespace_that_may_not_be_listed_is_named_and_nothing_of_it_is_removed(setpoint, api):
    api.add(bucket("grain", "mill-prod"))
    assert setpoint("apply", "--cluster", "--source", "cluster", "--prune").returncode == 0
    api.denied = {f"{LISTED}/storagebuckets", f"{LISTED}/namespaces/mill-prod/storagebuckets"}

    result = setpoint("apply", "--cluster", "--source", "cluster", "--prune")

    assert result.returncode == 1
    assert "namespace mill-prod" in result.stderr
    assert "rbac.yaml" in result.stderr
    assert "1 no longer declared and kept" in result.stderr
    assert "2 unchanged" in result.stderr


def test_one_namespace_alone_is_listed_where_one_is_named(setpoint, api):
    api.denied = {f"{LISTED}/storagebuckets", "/apis/pubsub.cnrm.cloud.google.com/v1beta1/pubsubtopics"}
    shown = planned(setpoint, "--namespace", "shop-prod")
    assert "2 added" in shown


def test_drift_is_an_event_on_the_object_with_its_fields_and_nothing_else_is_written(setpoint, api, tmp_path):
    feed(tmp_path, level=False)
    setpoint("apply", "--cluster", "--source", "cluster")
    setpoint("detect", "--feed", "feed.jsonl")
    assert api.events == {}

    result = setpoint("apply", "--cluster", "--source", "cluster", "--report-to-cluster")

    assert "1 Events of drift" in result.stderr
    (event,) = api.events.values()
    assert (event["reason"], event["type"], event["metadata"]["namespace"]) == ("Drifted", "Warning", "shop-prod")
    assert event["involvedObject"] == {
        "apiVersion": STORAGE,
        "kind": "StorageBucket",
        "namespace": "shop-prod",
        "name": "exports",
        "uid": "uid-exports",
    }
    assert "spec.uniformBucketLevelAccess" in event["message"]
    assert {request.partition(" ")[0] for request in api.requests} == {"GET", "POST"}


def test_the_same_drift_is_the_same_event_and_one_that_is_over_is_written_no_more(setpoint, api, tmp_path):
    feed(tmp_path, level=False)
    setpoint("apply", "--cluster", "--source", "cluster")
    setpoint("detect", "--feed", "feed.jsonl")
    for _ in range(2):
        setpoint("apply", "--cluster", "--source", "cluster", "--report-to-cluster")
    assert len(api.events) == 1
    assert sum(request.startswith("PATCH") for request in api.requests) == 1

    feed(tmp_path, level=True, when="2026-03-01T13:00:00Z")
    setpoint("detect", "--feed", "feed.jsonl")
    result = setpoint("apply", "--cluster", "--source", "cluster", "--report-to-cluster")
    assert "0 Events of drift" in result.stderr


def test_events_that_may_not_be_written_are_said_and_the_apply_counts(setpoint, api, tmp_path):
    feed(tmp_path, level=False)
    setpoint("apply", "--cluster", "--source", "cluster")
    setpoint("detect", "--feed", "feed.jsonl")
    api.denied = {"/api/v1/namespaces/shop-prod/events"}
    result = setpoint("apply", "--cluster", "--source", "cluster", "--report-to-cluster")
    assert result.returncode == 0
    assert "create and patch" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give PATH…, or --cluster"),
        (("fleet.yaml", "--cluster"), "not both"),
        (("fleet.yaml", "--report-to-cluster"), "need --cluster"),
        (("--cluster", "--context", "elsewhere"), "no context elsewhere"),
    ],
)
def test_options_that_do_not_go_together_are_refused(setpoint, options, message):
    result = setpoint("apply", *options)
    assert result.returncode != 0
    assert message in result.stderr


def test_a_cluster_without_config_connector_is_said_to_be_one(setpoint, api):
    api.__init__()
    assert "no kind of Config Connector" in setpoint("apply", "--cluster").stderr


CONTEXT = {
    "apiVersion": "core.cnrm.cloud.google.com/v1beta1",
    "kind": "ConfigConnectorContext",
    "metadata": {"name": "configconnectorcontext.core.cnrm.cloud.google.com", "namespace": "shop-prod"},
    "spec": {"googleServiceAccount": "cc@shop-prod-1.iam.gserviceaccount.com", "actuationMode": "Paused"},
}


def test_the_settings_of_the_controller_are_read_and_may_be_denied(setpoint, api):
    api.add(CONTEXT)
    assert "it is paused" in planned(setpoint)
    api.denied = {"/apis/core.cnrm.cloud.google.com/v1beta1/configconnectorcontexts"}
    result = setpoint("apply", "--cluster", "--source", "cluster", "--prune")
    assert (result.returncode, "2 added" in result.stderr) == (0, True)
    assert "its settings are unknown" in result.stderr


def test_settings_alone_are_no_installation(setpoint, api):
    api.__init__()
    api.add(CONTEXT)
    assert "no kind of Config Connector" in setpoint("apply", "--cluster").stderr


BUCKETS = f"{LISTED}/storagebuckets"


def test_a_server_that_is_busy_is_asked_again_when_it_says(setpoint, api):
    api.faults = {BUCKETS: [Fault(429, headers={"Retry-After": "0"}), Fault(429, headers={"Retry-After": "0"})]}
    result = setpoint("apply", "--cluster", "--source", "cluster")
    assert (result.returncode, "2 added" in result.stderr) == (0, True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(200, '{"kind": "List", "items": [{"metadata"'),  # half a page
        Fault(200, "<html>proxy</html>"),
        Fault(200, '{"kind": "Status", "status": "Success"}'),
        Fault(503),
        Fault(500),
    ],
)
def test_an_answer_that_is_no_list_applies_and_removes_nothing(setpoint, api, fault):
    assert setpoint("apply", "--cluster", "--source", "cluster", "--prune").returncode == 0
    api.faults = {BUCKETS: [fault]}
    result = setpoint("apply", "--cluster", "--source", "cluster", "--prune")
    assert result.returncode == 1
    assert "try again later" in result.stderr
    assert "removed" not in result.stderr


def test_a_kind_that_has_gone_is_said_and_nothing_of_it_is_removed(setpoint, api):
    assert setpoint("apply", "--cluster", "--source", "cluster", "--prune").returncode == 0
    api.faults = {BUCKETS: [Fault(404)]}
    result = setpoint("apply", "--cluster", "--source", "cluster", "--prune")
    assert result.returncode == 1
    assert "the API server does not know it" in result.stderr
    assert "1 no longer declared and kept" in result.stderr


def test_an_object_without_a_name_is_an_error_and_the_others_are_declared(setpoint, api):
    nameless = bucket("x")
    nameless["metadata"] = {"namespace": "shop-prod", "name": None}
    api.add(nameless)
    result = setpoint("apply", "--cluster", "--source", "cluster")
    assert result.returncode == 1
    assert "metadata.name: is missing" in result.stderr
    assert "2 added" in result.stderr


def test_an_event_that_fails_hinders_no_other(setpoint, api, tmp_path):
    feed(tmp_path, level=False)
    setpoint("apply", "--cluster", "--source", "cluster")
    setpoint("detect", "--feed", "feed.jsonl")
    api.faults = {"/api/v1/namespaces/shop-prod/events": [Fault(404)]}
    result = setpoint("apply", "--cluster", "--source", "cluster", "--report-to-cluster")
    assert (result.returncode, "0 Events of drift" in result.stderr) == (0, True)
