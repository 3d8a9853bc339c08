"""A resource that comes in another API version than the declared one is compared by meaning, field by field."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import diff_jsonl
from setpoint.comparison.api_versions import aligned
from setpoint.detection import verdict
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation, parse
from setpoint.model.resource_key import ResourceKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVICE = "run.googleapis.com/Service"
PROJECT = "cloudresourcemanager.googleapis.com/Project"
RUN_V1 = {
    "apiVersion": "serving.knative.dev/v1",
    "metadata": {"annotations": {"run.googleapis.com/ingress": "internal"}, "labels": {"team": "shop"}},
    "spec": {
        "template": {
            "metadata": {"annotations": {"autoscaling.knative.dev/maxScale": "5"}},
            "spec": {
                "timeoutSeconds": 300,
                "serviceAccountName": "run@p.iam.gserviceaccount.com",
                "containers": [
                    {
                        "image": "gcr.io/p/api:1",
                        "env": [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "s", "key": "latest"}}}],
                    }
                ],
            },
        },
        "traffic": [{"latestRevision": True, "percent": 100}],
    },
}
RUN_V2 = {
    "labels": {"team": "shop"},
    "ingress": "INGRESS_TRAFFIC_INTERNAL_ONLY",
    "template": {
        "scaling": {"maxInstanceCount": 5},
        "timeout": "300s",
        "serviceAccount": "run@p.iam.gserviceaccount.com",
        "containers": [
            {
                "image": "gcr.io/p/api:1",
                "env": [{"name": "K", "valueSource": {"secretKeyRef": {"secret": "s", "version": "latest"}}}],
            }
        ],
    },
    "traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
}
PROJECT_V1 = {"projectId": "p", "name": "Shop", "parent": {"type": "folder", "id": "7"}, "lifecycleState": "ACTIVE"}
PROJECT_V3 = {"projectId": "p", "displayName": "Shop", "parent": "folders/7", "state": "ACTIVE"}
FOLDER = "cloudresourcemanager.googleapis.com/Folder"
FOLDER_V2 = {"displayName": "Shop", "parent": "organizations/7", "lifecycleState": "ACTIVE"}
FOLDER_V3 = {"displayName": "Shop", "parent": "organizations/7", "state": "ACTIVE"}
FUNCTION = "cloudfunctions.googleapis.com/Function"
FUNCTION_V1 = {
    "runtime": "python312",
    "entryPoint": "main",
    "timeout": "60s",
    "availableMemoryMb": 256,
    "maxInstances": 3,
    "environmentVariables": {"MODE": "fast"},
    "ingressSettings": "ALLOW_INTERNAL_ONLY",
    "serviceAccountEmail": "fn@p.iam.gserviceaccount.com",
    "sourceArchiveUrl": "gs://p-source/main.zip",
    "eventTrigger": {
        "eventType": "google.pubsub.topic.publish",
        "resource": "projects/p/topics/orders",
        "failurePolicy": {"retry": {}},
    },
    "labels": {"team": "shop"},
}
FUNCTION_V2 = {
    "environment": "GEN_1",
    "buildConfig": {
        "runtime": "python312",
        "entryPoint": "main",
        "source": {"storageSource": {"bucket": "p-source", "object": "main.zip"}},
    },
    "serviceConfig": {
        "timeoutSeconds": 60,
        "availableMemory": "256M",
        "maxInstanceCount": 3,
        "environmentVariables": {"MODE": "fast"},
        "ingressSettings": "ALLOW_INTERNAL_ONLY",
        "serviceAccountEmail": "fn@p.iam.gserviceaccount.com",
    },
    "eventTrigger": {
        "eventType": "google.pubsub.topic.publish",
        "pubsubTopic": "projects/p/topics/orders",
        "retryPolicy": "RETRY_POLICY_RETRY",
    },
    "labels": {"team": "shop"},
}
NOTEBOOK = "notebooks.googleapis.com/Instance"
NOTEBOOK_V1 = {
    "machineType": "e2-standard-4",
    "bootDiskType": "PD_SSD",
    "bootDiskSizeGb": "150",
    "noPublicIp": True,
    "serviceAccount": "nb@p.iam.gserviceaccount.com",
    "network": "projects/p/global/networks/main",
    "metadata": {"a": "b"},
}
NOTEBOOK_V2 = {
    "gceSetup": {
        "machineType": "e2-standard-4",
        "bootDisk": {"diskType": "PD_SSD", "diskSizeGb": "150"},
        "disablePublicIp": True,
        "serviceAccounts": [{"email": "nb@p.iam.gserviceaccount.com"}],
        "networkInterfaces": [{"network": "projects/p/global/networks/main"}],
        "metadata": {"a": "b"},
    }
}
PAIRS = [
    (SERVICE, RUN_V1, RUN_V2),
    (PROJECT, PROJECT_V1, PROJECT_V3),
    (FOLDER, FOLDER_V2, FOLDER_V3),
    (FUNCTION, FUNCTION_V1, FUNCTION_V2),
    (NOTEBOOK, NOTEBOOK_V1, NOTEBOOK_V2),
]
METASTORE = "metastore.googleapis.com/Service"
UNSAYABLE = [
    # What v1 has no field for, and what v2 has none for.
    (METASTORE, {"warehouseGcsUri": "gs://a", "endpoints": [{}]}, {"tier": "DEVELOPER", "port": 9083}),
    (METASTORE, {"tier": "ENTERPRISE", "port": 9083}, {"warehouseGcsUri": "gs://a", "endpoints": []}),
    (FUNCTION, {**FUNCTION_V1, "network": "main"}, FUNCTION_V2),
]
SHARED = Path(os.environ.get("SETPOINT_FACTS", Path(__file__).resolve().parents[3] / "shared" / "facts")).parent
REPORTS = SHARED / "reports" / "pairs.jsonl"


def detected(asset_type: str, declared, observed) -> list[str]:
    key = ResourceKey(f"//{asset_type.partition('/')[0]}/projects/p/locations/l/services/s")
    asset = {"name": key.name, "assetType": asset_type, "updateTime": "2026-03-01T12:00:00Z"}
    observation = parse(json.dumps({"asset": {**asset, "resource": {"data": observed}}}).encode())
    declaration = Declaration(key, asset_type, declared)
    return [difference.path for difference in verdict.differences(declaration, observation, default_catalogue())]


def diffed(asset_type: str, declared, observed) -> list[str]:
    question = {"id": 1, "format": "api", "asset_type": asset_type, "declared": declared, "live": observed}
    return [difference.path for difference in diff_jsonl.answer(json.dumps(question).encode()).differences]


@pytest.mark.parametrize("compare", [detected, diffed])
@pytest.mark.parametrize(("asset_type", "older", "newer"), PAIRS)
def test_the_same_resource_in_two_versions_is_in_sync(compare, asset_type, older, newer):
    assert compare(asset_type, older, newer) == []
    assert compare(asset_type, newer, older) == []


@pytest.mark.parametrize("compare", [detected, diffed])
def test_a_change_is_found_across_versions_and_names_its_field(compare):
    changed = json.loads(json.dumps(RUN_V1).replace("api:1", "api:2"))
    assert compare(SERVICE, RUN_V2, changed) == ["template.containers[0].image"]
    assert compare(SERVICE, changed, RUN_V2) == ["template.containers[0].image"]
    assert compare(PROJECT, PROJECT_V3, PROJECT_V1 | {"name": "Mill"}) == ["displayName"]


def test_two_sides_of_one_version_stay_as_they_are():
    assert aligned(SERVICE, RUN_V1, RUN_V1) == (RUN_V1, RUN_V1, "", "")
    assert aligned(PROJECT, {"labels": {"a": "b"}}, PROJECT_V1).discovery_uri == ""


@pytest.mark.parametrize("compare", [detected, diffed])
@pytest.mark.parametrize(("asset_type", "older", "newer"), PAIRS)
def test_a_change_of_any_value_is_found_in_whichever_version_it_comes(compare, asset_type, older, newer):
    for declared, observed in ((older, newer), (newer, older)):
        changed = changed_values(observed)
        missed = [value for value in changed if not compare(asset_type, declared, value)]
        # A version has values that the other one has no field for, and nobody declares.
        assert len(missed) <= 2, missed


def changed_values(value: Any) -> list[Any]:
    """The value with each of its texts and numbers changed in turn."""
    if isinstance(value, dict):
        return [{**value, key: other} for key, part in value.items() for other in changed_values(part)]
    if isinstance(value, list):
        return [
            [*value[:place], other, *value[place + 1 :]]
            for place, part in enumerate(value)
            for other in changed_values(part)
        ]
    if isinstance(value, bool):
        return [not value]
    return [value + 1] if isinstance(value, int) else [f"{value}0"]


def both_verdicts(
    asset_type: str, declared: Any, observed: Any, project: Any = None, name: str = ""
) -> tuple[str, str]:
    """What `diff` and `detect` say of a pair."""
    request = {"id": 1, "format": "api", "asset_type": asset_type, "declared": declared, "live": observed}
    request |= {"project": project} if project else {}
    request |= {"full_name": name} if name else {}
    answer = diff_jsonl.answer(json.dumps(request).encode())
    own = project or {}
    place = f"projects/{own.get('id', 'p')}/locations/l/services/s"
    key = ResourceKey(name or f"//{asset_type.partition('/')[0]}/{place}")
    ancestors = (f"projects/{own['number']}",) if own.get("number") else ()
    seen = Observation(key, asset_type, NOON, data=observed, ancestors=ancestors, project_id=own.get("id", ""))
    wanted = desired((Declaration(key, asset_type, declared, project=own.get("id", "")),))
    judged = verdict.judge(wanted, Rules(), seen, default_catalogue())
    if isinstance(judged, str):
        return answer.verdict, "unknown"
    return answer.verdict, "drift" if judged.kind else "unknown" if judged.unknown else "in_sync"


@pytest.mark.parametrize(("asset_type", "declared", "observed"), UNSAYABLE)
def test_what_cannot_be_said_in_the_version_that_came_is_unknown_and_neither_drift_nor_in_sync(
    asset_type, declared, observed
):
    assert both_verdicts(asset_type, declared, observed) == ("unknown", "unknown")


@pytest.mark.parametrize(("asset_type", "older", "newer"), PAIRS)
def test_diff_and_detect_say_the_same_of_every_version(asset_type, older, newer):
    for declared in (older, newer):
        for observed in (older, newer, *changed_values(older), *changed_values(newer)):
            first, other = both_verdicts(asset_type, declared, observed)
            assert first == other, (declared, observed)


@pytest.mark.skipif(not REPORTS.is_file(), reason=f"no recorded pairs at {REPORTS}")
def test_diff_and_detect_say_the_same_of_every_recorded_pair():
    apart = []
    for line in REPORTS.read_text().splitlines():
        request = json.loads(line)["request"]
        if request.get("format", "api") != "api" or not isinstance(request["declared"], dict):
            continue
        verdicts = both_verdicts(
            *(request.get(field) for field in ("asset_type", "declared", "live", "project")),
            request.get("full_name") or "",
        )
        if verdicts[0] != verdicts[1]:
            apart.append((request["id"], verdicts))
    assert apart == []
