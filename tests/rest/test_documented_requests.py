"""The request that Google documents for a resource, beside the one that the planner makes.

An update of a node pool is documented to require ``nodeVersion`` and ``imageType``. Google's own command line and
Terraform's provider send the changed field alone, and so does the planner: a version beside it may be an upgrade.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import NotWritable, WritePlan
from setpoint.remediation import planner

_PROJECT = "projects/shop-prod"
_GLOBAL = f"{_PROJECT}/global"
_POOL = f"{_PROJECT}/locations/europe-west1/clusters/main/nodePools/web"
_ZONE = f"{_PROJECT}/managedZones/shop"
_DATABASE = f"{_PROJECT}/instances/orders"
_ACCOUNT = f"{_PROJECT}/serviceAccounts/112233445566778899001"
_PLACE = f"{_PROJECT}/locations/europe-west1"
_COMPUTE = "https://cloud.google.com/compute/docs/reference/rest/v1"
_GKE = "https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools"
_SQL = "https://cloud.google.com/sql/docs/mysql/admin-api/rest/v1/instances/patch"
_DNS = "https://cloud.google.com/dns/docs/reference/rest/v1/managedZones/patch"
_IAM = "https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts"


class Documented(NamedTuple):
    """A drift, and the request that its API documents for it.

    Args:
        source: the page.
        asset_type: the type.
        path: the resource's path.
        declared: what is declared.
        live: what is there.
        request: verb and path, after the API's host.
        body: what is sent; the guard is in it.
        mask: the update mask in the query.
        guard: the state that the request is for; empty where the API has none.
        is_operation: whether an operation is answered.
    """

    source: str
    asset_type: str
    path: str
    declared: dict[str, Any]
    live: dict[str, Any]
    request: str
    body: dict[str, Any]
    mask: str = ""
    guard: str = ""
    is_operation: bool = True


def pool(method: str, declared: dict[str, Any], live: dict[str, Any], request: str, body: dict[str, Any]) -> Documented:
    source = f"{_GKE}/{method}"
    return Documented(source, "container.googleapis.com/NodePool", _POOL, declared, live, request, body)


def of_compute(
    kind: str, collection: str, method: str, field: str, values: tuple[Any, Any], request: str
) -> Documented:
    """A patch with the fingerprint, or a method of the field without one."""
    guard = {"fingerprint": "abc="} if request.startswith("PATCH") else {}
    return Documented(
        f"{_COMPUTE}/{collection}/{method}",
        f"compute.googleapis.com/{kind}",
        f"{_GLOBAL}/{collection}/web",
        {field: values[0]},
        {field: values[1], "fingerprint": "abc="},
        request,
        {field: values[0], **guard},
        guard="abc=" if guard else "",
    )


def in_place(collection: str) -> str:
    return f"PATCH /compute/v1/{_GLOBAL}/{collection}/web"


SERVICES = (f"{_GLOBAL}/backendServices/web", f"{_GLOBAL}/backendServices/other")
MAPS = (f"{_GLOBAL}/urlMaps/web", f"{_GLOBAL}/urlMaps/other")
CERTIFICATES = ([f"{_GLOBAL}/sslCertificates/web"], [f"{_GLOBAL}/sslCertificates/old"])
POLICIES = (f"{_GLOBAL}/securityPolicies/strict", f"{_GLOBAL}/securityPolicies/none")
SSL, TCP = f"POST /compute/v1/{_GLOBAL}/targetSslProxies/web", f"POST /compute/v1/{_GLOBAL}/targetTcpProxies/web"

TABLE = (
    pool(
        "setAutoscaling",
        {"autoscaling": {"maxNodeCount": 3}},
        {"autoscaling": {"enabled": True, "maxNodeCount": 9}},
        f"POST /v1/{_POOL}:setAutoscaling",
        {"autoscaling": {"enabled": True, "maxNodeCount": 3}},
    ),
    pool(
        "setManagement",
        {"management": {"autoUpgrade": True}},
        {"management": {"autoRepair": True}},
        f"POST /v1/{_POOL}:setManagement",
        {"management": {"autoUpgrade": True, "autoRepair": True}},
    ),
    pool(
        "update",
        {"upgradeSettings": {"maxSurge": 2}},
        {"upgradeSettings": {"maxSurge": 1, "maxUnavailable": 1}},
        f"PUT /v1/{_POOL}",
        {"upgradeSettings": {"maxSurge": 2, "maxUnavailable": 1}},
    ),
    pool(
        "update",
        {"config": {"labels": {"a": "b"}}},
        {"config": {"labels": {"a": "c", "x": "y"}}},
        f"PUT /v1/{_POOL}",
        {"labels": {"labels": {"a": "b", "x": "y"}}},
    ),
    Documented(
        _DNS,
        "dns.googleapis.com/ManagedZone",
        _ZONE,
        {"description": "the shop", "labels": {"team": "shop"}},
        {"description": "x", "labels": {"x": "y"}, "dnsName": "shop.example."},
        f"PATCH /dns/v1/{_ZONE}",
        {"description": "the shop", "labels": {"team": "shop", "x": "y"}},
    ),
    Documented(
        _DNS,
        "dns.googleapis.com/ManagedZone",
        _ZONE,
        {"dnssecConfig": {"state": "on"}},
        {"dnssecConfig": {"state": "off"}},
        f"PATCH /dns/v1/{_ZONE}",
        {"dnssecConfig": {"state": "on"}},
    ),
    of_compute("UrlMap", "urlMaps", "patch", "defaultService", SERVICES, in_place("urlMaps")),
    of_compute("BackendService", "backendServices", "patch", "timeoutSec", (10, 30), in_place("backendServices")),
    of_compute(
        "BackendService",
        "backendServices",
        "setSecurityPolicy",
        "securityPolicy",
        POLICIES,
        f"POST /compute/v1/{_GLOBAL}/backendServices/web/setSecurityPolicy",
    ),
    of_compute("TargetHttpProxy", "targetHttpProxies", "patch", "urlMap", MAPS, in_place("targetHttpProxies")),
    of_compute("TargetHttpsProxy", "targetHttpsProxies", "patch", "urlMap", MAPS, in_place("targetHttpsProxies")),
    of_compute(
        "TargetHttpsProxy",
        "targetHttpsProxies",
        "patch",
        "sslCertificates",
        CERTIFICATES,
        in_place("targetHttpsProxies"),
    ),
    of_compute("TargetGrpcProxy", "targetGrpcProxies", "patch", "urlMap", MAPS, in_place("targetGrpcProxies")),
    of_compute(
        "TargetSslProxy", "targetSslProxies", "setBackendService", "service", SERVICES, f"{SSL}/setBackendService"
    ),
    of_compute(
        "TargetSslProxy",
        "targetSslProxies",
        "setProxyHeader",
        "proxyHeader",
        ("PROXY_V1", "NONE"),
        f"{SSL}/setProxyHeader",
    ),
    of_compute(
        "TargetSslProxy",
        "targetSslProxies",
        "setSslCertificates",
        "sslCertificates",
        CERTIFICATES,
        f"{SSL}/setSslCertificates",
    ),
    of_compute(
        "TargetTcpProxy", "targetTcpProxies", "setBackendService", "service", SERVICES, f"{TCP}/setBackendService"
    ),
    of_compute(
        "TargetTcpProxy",
        "targetTcpProxies",
        "setProxyHeader",
        "proxyHeader",
        ("PROXY_V1", "NONE"),
        f"{TCP}/setProxyHeader",
    ),
    Documented(
        _SQL,
        "sqladmin.googleapis.com/Instance",
        _DATABASE,
        {
            "settings": {
                "activationPolicy": "ALWAYS",
                "backupConfiguration": {"enabled": True},
                "userLabels": {"team": "shop"},
            }
        },
        {
            "settings": {
                "activationPolicy": "NEVER",
                "backupConfiguration": {"enabled": False, "startTime": "02:00"},
                "userLabels": {"x": "y"},
                "settingsVersion": "3",
            }
        },
        f"PATCH /v1/{_DATABASE}",
        {
            "settings": {
                "activationPolicy": "ALWAYS",
                "backupConfiguration": {"enabled": True},
                "userLabels": {"team": "shop", "x": "y"},
                "settingsVersion": "3",
            }
        },
        guard="3",
    ),
    Documented(
        _SQL,
        "sqladmin.googleapis.com/Instance",
        _DATABASE,
        {"settings": {"deletionProtectionEnabled": True, "maintenanceWindow": {"day": 7}}},
        {"settings": {"maintenanceWindow": {"day": 1, "hour": 3}, "settingsVersion": "4"}},
        f"PATCH /v1/{_DATABASE}",
        {"settings": {"deletionProtectionEnabled": True, "maintenanceWindow": {"day": 7}, "settingsVersion": "4"}},
        guard="4",
    ),
    Documented(
        f"{_IAM}/patch",
        "iam.googleapis.com/ServiceAccount",
        _ACCOUNT,
        {"displayName": "shop", "description": ""},
        {"displayName": "x", "etag": "abc=", "email": "shop@shop-prod.iam.gserviceaccount.com"},
        f"PATCH /v1/{_ACCOUNT}",
        {"serviceAccount": {"displayName": "shop", "etag": "abc="}, "updateMask": "displayName"},
        guard="abc=",
        is_operation=False,
    ),
    Documented(
        f"{_IAM}/enable",
        "iam.googleapis.com/ServiceAccount",
        _ACCOUNT,
        {"disabled": False},
        {"disabled": True, "etag": "abc="},
        f"POST /v1/{_ACCOUNT}:enable",
        {},
        is_operation=False,
    ),
    Documented(
        "https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs/patch",
        "run.googleapis.com/Job",
        f"{_PLACE}/jobs/nightly",
        {"template": {"parallelism": 2}},
        {"etag": "abc", "template": {"parallelism": 1, "taskCount": 4}, "labels": {"x": "y"}},
        f"PATCH /v2/{_PLACE}/jobs/nightly",
        {"etag": "abc", "template": {"parallelism": 2, "taskCount": 4}, "labels": {"x": "y"}},
        guard="abc",
    ),
    Documented(
        "https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs/patch",
        "cloudscheduler.googleapis.com/Job",
        f"{_PLACE}/jobs/nightly",
        {"schedule": "0 3 * * *"},
        {"schedule": "0 4 * * *", "timeZone": "UTC"},
        f"PATCH /v1/{_PLACE}/jobs/nightly",
        {"schedule": "0 3 * * *"},
        mask="schedule",
        is_operation=False,
    ),
    Documented(
        "https://cloud.google.com/workflows/docs/reference/rest/v1/projects.locations.workflows/patch",
        "workflows.googleapis.com/Workflow",
        f"{_PLACE}/workflows/refund",
        {"callLogLevel": "LOG_ALL_CALLS", "labels": {"team": "shop"}},
        {"callLogLevel": "LOG_NONE", "labels": {"x": "y"}},
        f"PATCH /v1/{_PLACE}/workflows/refund",
        {"callLogLevel": "LOG_ALL_CALLS", "labels": {"team": "shop", "x": "y"}},
        mask="callLogLevel,labels",
    ),
)


def planned(asset_type: str, path: str, declared: dict[str, Any], live: dict[str, Any]) -> WritePlan | NotWritable:
    host = "cloudsql.googleapis.com" if asset_type.startswith("sqladmin") else asset_type.partition("/")[0]
    declaration = Declaration(ResourceKey(f"//{host}/{path}"), asset_type, declared)
    schema = default_catalogue().fitting(asset_type, declared)
    assert schema is not None
    resource = planner.api_resource(declaration, schema, default_methods())
    return planner.plan(declaration, live, schema, resource)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.asset_type.partition('/')[2]} {row.request.split()[0]}")
def test_the_planner_makes_the_request_that_google_documents(row):
    plan = planned(row.asset_type, row.path, row.declared, row.live)
    assert isinstance(plan, WritePlan), plan
    call = plan.call
    path = "/" + call.url.partition("://")[2].partition("/")[2]
    masks = [value for name, value in call.query.items() if name == "updateMask"]

    assert f"{call.verb} {path}" == row.request
    assert call.body == row.body
    assert masks == ([row.mask] if row.mask else [])
    assert (plan.etag, call.guarded, call.long_running) == (row.guard, bool(row.guard), row.is_operation)
    assert row.source.startswith("https://cloud.google.com/")


def test_a_job_of_batch_has_no_method_that_changes_it():
    """https://cloud.google.com/batch/docs/reference/rest/v1/projects.locations.jobs"""
    plan = planned("batch.googleapis.com/Job", f"{_PLACE}/jobs/nightly", {"labels": {"team": "shop"}}, {"labels": {}})
    assert isinstance(plan, NotWritable)
    assert plan.reason == "no_method"
