"""A resource that comes in another API version than the declared one is compared by meaning, field by field."""

from __future__ import annotations

import json

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import diff_jsonl
from setpoint.comparison.api_versions import aligned
from setpoint.detection import verdict
from setpoint.model.declaration import Declaration
from setpoint.model.observation import parse
from setpoint.model.resource_key import ResourceKey

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
PAIRS = [(SERVICE, RUN_V1, RUN_V2), (PROJECT, PROJECT_V1, PROJECT_V3)]


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
    assert aligned(SERVICE, RUN_V1, RUN_V1) == (RUN_V1, RUN_V1, "")
    assert aligned(PROJECT, {"labels": {"a": "b"}}, PROJECT_V1).discovery_uri == ""
