"""A fleet of a few resources, their declarations, and changes of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

PROJECT = "shop-prod"
ORGANIZATION = "organizations/566099688680"
ANCESTORS = ("projects/20318464073", "folders/918177713511", ORGANIZATION)

REPOSITORY = "shop/fleet"
"""The repository of the declarations, in the fake of GitHub."""
FILE = "fleet.yaml"
CHANNEL = "shop-alerts"
APPROVER = "olga@example.com"
ACTOR = "max@example.com"
"""Who changes things behind Setpoint's back."""

_COMPUTE = f"projects/{PROJECT}"
FIREWALL = f"//compute.googleapis.com/{_COMPUTE}/global/firewalls/web"
BUCKET = "//storage.googleapis.com/shop-exports"
TOPIC = f"//pubsub.googleapis.com/projects/{PROJECT}/topics/orders"


class Resource(NamedTuple):
    """A resource of the fleet.

    Args:
        name: full resource name.
        asset_type: Cloud Asset Inventory's type.
        url: where its API has it.
        body: as it is declared, and more that its API adds.
        declared: as it is declared.
        logged: its name in audit logs.
        method: what changes it, as audit logs call it.
    """

    name: str
    asset_type: str
    url: str
    body: dict[str, Any]
    declared: dict[str, Any]
    logged: str
    method: str


_OPEN_TO_OFFICE = {
    "network": f"{_COMPUTE}/global/networks/default",
    "direction": "INGRESS",
    "priority": 1000,
    "sourceRanges": ["203.0.113.0/24"],
    "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}],
}
_ADDED = {
    "name": "web",
    "id": "4157268913",
    "kind": "compute#firewall",
    "disabled": False,
    "network": f"https://www.googleapis.com/compute/v1/{_COMPUTE}/global/networks/default",
    "selfLink": f"https://www.googleapis.com/compute/v1/{_COMPUTE}/global/firewalls/web",
}
_EXPORTS = {"location": "EU", "versioning": {"enabled": True}, "labels": {"team": "shop"}}
_ORDERS = {"messageRetentionDuration": "604800s", "labels": {"team": "shop"}}

RESOURCES = (
    Resource(
        FIREWALL,
        "compute.googleapis.com/Firewall",
        f"https://compute.googleapis.com/compute/v1/{_COMPUTE}/global/firewalls/web",
        {**_OPEN_TO_OFFICE, **_ADDED},
        _OPEN_TO_OFFICE,
        f"{_COMPUTE}/global/firewalls/web",
        "v1.compute.firewalls.patch",
    ),
    Resource(
        BUCKET,
        "storage.googleapis.com/Bucket",
        "https://storage.googleapis.com/storage/v1/b/shop-exports",
        {**_EXPORTS, "name": "shop-exports", "storageClass": "STANDARD"},
        _EXPORTS,
        "projects/_/buckets/shop-exports",
        "storage.buckets.update",
    ),
    Resource(
        TOPIC,
        "pubsub.googleapis.com/Topic",
        f"https://pubsub.googleapis.com/v1/projects/{PROJECT}/topics/orders",
        {**_ORDERS, "name": f"projects/{PROJECT}/topics/orders"},
        _ORDERS,
        f"projects/{PROJECT}/topics/orders",
        "google.pubsub.v1.Publisher.UpdateTopic",
    ),
)


def documents(console: str) -> list[dict[str, Any]]:
    """The declarations, with a policy that remediates firewalls and asks about the rest.

    Args:
        console: the address of the console, which messages link to.
    """
    declarations = [
        {
            "apiVersion": "setpoint.dev/v1",
            "kind": "Declaration",
            "metadata": {"name": resource.name, "project": PROJECT, "owner": {"team": "shop", "slack": f"#{CHANNEL}"}},
            "spec": {"assetType": resource.asset_type, "data": resource.declared},
        }
        for resource in RESOURCES
    ]
    policy = {
        "apiVersion": "setpoint.dev/v1",
        "kind": "Policy",
        "metadata": {"name": "dev"},
        "spec": {
            "dryRun": False,
            "limits": {"rollout": "0s", "flaps": 100, "flapWithin": "1s"},
            "rules": [
                {"name": "firewalls", "match": {"assetTypes": ["compute.googleapis.com/Firewall"]}, "mode": "auto"},
                {"name": "buckets ask first", "match": {"assetTypes": ["*/Bucket"]}, "mode": "approve"},
                {"name": "everything else", "mode": "alert"},
            ],
        },
    }
    alerting = {
        "apiVersion": "setpoint.dev/v1",
        "kind": "Alerting",
        "metadata": {"name": "dev"},
        "spec": {
            "default": [f"slack:#{CHANNEL}"],
            "approvers": [{"users": [APPROVER]}],
            "acceptances": [{"to": ["request:fleet"]}],
            "findingLink": f"{console}/#finding={{id}}",
            "groupLink": f"{console}/#group={{id}}",
        },
    }
    return [*declarations, policy, alerting]


Body = dict[str, Any]


def _opened(body: Body) -> Body:
    return {**body, "sourceRanges": ["0.0.0.0/0"]}


def _unversioned(body: Body) -> Body:
    return {**body, "versioning": {"enabled": False}}


def _shortened(body: Body) -> Body:
    return {**body, "messageRetentionDuration": "600s"}


def _relabelled(body: Body) -> Body:
    return {**body, "labels": {**body.get("labels", {}), "goog-managed-by": "dataplex"}, "etag": "CAE="}


class DemoChange(NamedTuple):
    """A change that Setpoint did not make.

    Args:
        of: the resource's name.
        what: who does what, in words.
        then: what follows, in words.
        done: the body after it.
    """

    of: str
    what: str
    then: str
    done: Callable[[Body], Body]


CHANGES: dict[str, DemoChange] = {
    "open-firewall": DemoChange(
        FIREWALL, "a person opens the firewall to the world", "drift, and it is remediated within seconds", _opened
    ),
    "unversion-bucket": DemoChange(
        BUCKET,
        "a person switches the bucket's versions off",
        "drift, and an approver is asked in Slack: `setpoint dev click approve`",
        _unversioned,
    ),
    "shorten-topic": DemoChange(
        TOPIC, "a person keeps messages for ten minutes only", "drift, which raises an alert only", _shortened
    ),
    "relabel-bucket": DemoChange(BUCKET, "Google adds a label", "nothing: that is not drift", _relabelled),
}


def resource(name: str) -> Resource:
    """A resource by its name."""
    return next(candidate for candidate in RESOURCES if candidate.name == name)


def as_asset(resource: Resource, live: Body, time: str) -> dict[str, Any]:
    """An asset as the inventory tells of it."""
    return {
        "name": resource.name,
        "assetType": resource.asset_type,
        "ancestors": list(ANCESTORS),
        "updateTime": time,
        "resource": {"version": "v1", "data": copy.deepcopy(live)},
    }


def logged(resource: Resource, time: str, number: int) -> dict[str, Any]:
    """An entry of the audit log that tells who has changed a resource.

    Source: https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog
    """
    service = resource.name.removeprefix("//").partition("/")[0]
    return {
        "logName": f"projects/{PROJECT}/logs/cloudaudit.googleapis.com%2Factivity",
        "insertId": f"dev-{number}",
        "timestamp": time,
        "resource": {"labels": {"project_id": PROJECT}},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": service,
            "methodName": resource.method,
            "resourceName": resource.logged,
            "authenticationInfo": {"principalEmail": ACTOR},
            "requestMetadata": {
                "callerIp": "203.0.113.7",
                "callerSuppliedUserAgent": "google-cloud-sdk gcloud/500.0.0",
            },
        },
    }


def places() -> dict[str, dict[str, str]]:
    """The project and the folder in Cloud Resource Manager, by URL; without a project's id nothing is written."""
    return {
        f"https://cloudresourcemanager.googleapis.com/v3/{name}": {"projectId": PROJECT, "parent": parent}
        for name, parent in pairwise(ANCESTORS)
    }
