"""The fleet of the model: what may exist in it, the states it may be in, and what may be declared of it.

Each table has few rows, so that a state comes back often: to drift, to another drift, and back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from setpoint.model.declaration import Authority
from setpoint.model.resource_key import Content, ResourceKey

BUCKET = "storage.googleapis.com/Bucket"
FIREWALL = "compute.googleapis.com/Firewall"
TOPIC = "pubsub.googleapis.com/Topic"
PROJECT = "cloudresourcemanager.googleapis.com/Project"
FOLDER = "cloudresourcemanager.googleapis.com/Folder"
ROLE = "iam.googleapis.com/Role"
SECRET = "secretmanager.googleapis.com/Secret"  # noqa: S105 - a type
TYPES = (BUCKET, FIREWALL, TOPIC, SECRET, PROJECT, FOLDER, ROLE)

ORG = "organizations/566099688680"
ABOVE = ("folders/918177713511", ORG)
PROJECTS = {"shop-prod": "111111111111", "billing-prod": "222222222222", "data-lab": "333333333333"}


class Asset(NamedTuple):
    """Something that may exist.

    Args:
        name: full resource name, as the inventory spells it.
        declared_name: the name under which people declare it.
        asset_type: Cloud Asset Inventory's type.
        project: the project's id; empty above all projects.
        contents: what the inventory tells of it.
        lasting: it is there from the beginning to the end.
    """

    name: str
    declared_name: str
    asset_type: str
    project: str
    contents: tuple[Content, ...]
    lasting: bool = False

    @property
    def ancestors(self) -> tuple[str, ...]:
        if self.project:
            return (f"projects/{PROJECTS[self.project]}", *ABOVE)
        return ABOVE if self.asset_type == FOLDER else (ORG,)

    def declared_key(self, content: Content) -> ResourceKey:
        return ResourceKey(self.declared_name, content)


def _asset(name: str, asset_type: str, project: str, *contents: Content) -> Asset:
    return Asset(name, name, asset_type, project, ("resource", *contents))


def _in_project(project: str, number: str) -> list[Asset]:
    path = "//cloudresourcemanager.googleapis.com/projects/{}"
    held = "//secretmanager.googleapis.com/projects/{}/secrets/key"
    return [
        _asset(f"//storage.googleapis.com/{project}-exports", BUCKET, project, "iam_policy"),
        _asset(f"//storage.googleapis.com/{project}-uploads", BUCKET, project),
        _asset(f"//compute.googleapis.com/projects/{project}/global/firewalls/allow-web", FIREWALL, project),
        _asset(f"//pubsub.googleapis.com/projects/{project}/topics/orders", TOPIC, project, "iam_policy"),
        Asset(held.format(number), held.format(project), SECRET, project, ("resource", "iam_policy")),
        Asset(
            path.format(number),
            path.format(project),
            PROJECT,
            project,
            ("resource", "iam_policy", "org_policy"),
            lasting=True,
        ),
    ]


ASSETS: tuple[Asset, ...] = (
    *(asset for project, number in PROJECTS.items() for asset in _in_project(project, number)),
    Asset(
        f"//cloudresourcemanager.googleapis.com/{ABOVE[0]}",
        f"//cloudresourcemanager.googleapis.com/{ABOVE[0]}",
        FOLDER,
        "",
        ("resource", "iam_policy", "org_policy"),
        lasting=True,
    ),
    _asset(f"//iam.googleapis.com/{ORG}/roles/auditor", ROLE, ""),
)

STATES: dict[str, tuple[dict[str, Any], ...]] = {
    BUCKET: (
        {"location": "EU", "versioning": {"enabled": True}, "labels": {"team": "shop"}, "etag": "CAE="},
        {"location": "EU", "versioning": {"enabled": True}, "labels": {"team": "shop", "touched": "7"}, "etag": "CAI="},
        {"location": "EU", "labels": {"team": "shop"}, "etag": "CAM="},
        {"location": "US", "versioning": {"enabled": True}, "labels": {"team": "none"}},
        {"location": "EU", "versioning": {"enabled": True}, "labels": {"team": "shop"}, "storageClass": "COLDLINE"},
    ),
    FIREWALL: (
        {
            "network": "global/networks/default",
            "sourceRanges": ["10.0.0.0/8"],
            "allowed": [_TCP := {"IPProtocol": "tcp", "ports": ["443"]}],
        },
        {"network": "global/networks/default", "sourceRanges": ["0.0.0.0/0"], "allowed": [_TCP]},
        {"network": "global/networks/default", "sourceRanges": ["10.0.0.0/8"], "allowed": [_TCP], "disabled": True},
        {"network": "global/networks/default", "sourceRanges": ["10.0.0.0/8"], "allowed": [{"IPProtocol": "tcp"}]},
    ),
    TOPIC: (
        {"messageRetentionDuration": "86400s", "labels": {"team": "shop"}},
        {"messageRetentionDuration": "3600s", "labels": {"team": "shop"}},
        {"labels": {"team": "shop", "touched": "7"}},
        {"messageRetentionDuration": "3600s", "labels": {"team": "shop"}, "state": "UPDATING"},
    ),
    SECRET: (
        {"replication": {"automatic": {}}, "labels": {"team": "shop"}},
        {"replication": {"automatic": {}}},
    ),
    PROJECT: (
        {"lifecycleState": "ACTIVE", "labels": {"team": "shop"}},
        {"lifecycleState": "ACTIVE", "labels": {"team": "none"}},
        {"lifecycleState": "ACTIVE"},
        {"lifecycleState": "DELETE_REQUESTED", "labels": {"team": "shop"}},
    ),
    FOLDER: ({"displayName": "apps", "lifecycleState": "ACTIVE"}, {"displayName": "app", "lifecycleState": "ACTIVE"}),
    ROLE: (
        {"title": "Auditor", "includedPermissions": ["storage.buckets.get", "storage.buckets.list"]},
        {"title": "Auditor", "includedPermissions": ["storage.buckets.list", "storage.buckets.get"]},
        {"title": "Auditor", "includedPermissions": ["storage.buckets.delete", "storage.buckets.get"]},
    ),
}

_VIEWERS = {"role": "roles/viewer", "members": ["group:ops@example.com", "user:ann@example.com"]}
_WORLD = {"role": "roles/viewer", "members": ["group:ops@example.com", "allUsers"]}
_OWNER = {"role": "roles/owner", "members": ["user:Eve@example.com"]}
_OFFICE = {
    "role": "roles/editor",
    "members": ["group:ops@example.com"],
    "condition": {"title": "office hours", "expression": "request.time.getHours() < 18"},
}
_AGENT = {
    "role": "roles/container.serviceAgent",
    "members": ["serviceAccount:service-1@container-engine-robot.iam.gserviceaccount.com"],
}

_SERIAL, _DOMAINS = "constraints/compute.disableSerialPortAccess", "constraints/iam.allowedPolicyMemberDomains"
_SERIAL_OFF = {"constraint": _SERIAL, "booleanPolicy": {"enforced": True}}
_SERIAL_ON = {"constraint": _SERIAL, "booleanPolicy": {}}
_OURS = {"constraint": _DOMAINS, "listPolicy": {"allowedValues": ["C01", "C02"]}}
_ANYBODY = {"constraint": _DOMAINS, "listPolicy": {"allValues": "ALLOW"}}

POLICIES: dict[Content, tuple[Any, ...]] = {
    "iam_policy": (
        {"bindings": [_VIEWERS], "etag": "BwWKmjvelug="},
        {"bindings": [_AGENT, {**_VIEWERS, "members": _VIEWERS["members"][::-1]}], "etag": "BwWKmjvelug="},
        {"bindings": [_WORLD, _OWNER]},
        {"bindings": [_VIEWERS, _OFFICE], "version": 3},
        {"bindings": [_OFFICE], "version": 3},
    ),
    "org_policy": (
        [_SERIAL_OFF],
        [{**_SERIAL_OFF, "etag": "BwWKmjvelug="}, _OURS],
        [_SERIAL_ON],
        [_ANYBODY, _SERIAL_ON],
    ),
}
"""The states of a policy beside that of none, in which it is empty and the inventory does not list it."""


class Wanted(NamedTuple):
    """What may be declared of a resource."""

    data: Any
    authority: Authority = "policy"
    ignore: tuple[str, ...] = ()
    exact: bool = False
    settle: float | None = None


LONGEST_SETTLE = 600.0

WANTED: dict[str, tuple[Wanted, ...]] = {
    BUCKET: (
        Wanted({"location": "eu", "versioning": {"enabled": True}}),
        Wanted({"location": "EU", "labels": {"team": "shop"}}, ignore=("labels.touched",)),
        Wanted({"location": "EU", "labels": {"team": "shop"}}, ignore=("labels.touched", "storageClass"), exact=True),
        Wanted({"versioning": {"enabled": False}}, ignore=("versioning.enabled",)),
        Wanted({"location": "US"}),
        Wanted({"location": "EU", "versioning": {"enabled": True}}, settle=LONGEST_SETTLE),
        Wanted({"location": "EU", "versioning": {"enabled": True}}, ignore=("",)),
    ),
    FIREWALL: (
        Wanted({"network": "default", "sourceRanges": ["10.0.0.0/8"], "allowed": [_TCP]}),
        Wanted({"sourceRanges": ["0.0.0.0/0"], "disabled": False}),
        Wanted({"disabled": False, "sourceRanges": ["10.0.0.0/8"]}, ignore=("sourceRanges",)),
    ),
    TOPIC: (
        Wanted({"messageRetentionDuration": "86400s"}),
        Wanted({"messageRetentionDuration": "86400s"}, settle=20.0),
        Wanted({"labels": {"team": "shop"}}, ignore=("labels.*",)),
        Wanted({"labels": {"team": "shop"}}, exact=True),
    ),
    SECRET: (Wanted({"labels": {"team": "shop"}}), Wanted({"labels": {"team": "none"}}, ignore=("labels.team",))),
    PROJECT: (Wanted({"labels": {"team": "shop"}}), Wanted({"labels": {"team": "shop"}}, ignore=("labels",))),
    FOLDER: (Wanted({"displayName": "apps"}),),
    ROLE: (
        Wanted({"includedPermissions": ["storage.buckets.get", "storage.buckets.list"]}),
        Wanted({"title": "Auditor"}, ignore=("includedPermissions",)),
    ),
    "iam_policy": (
        Wanted({"bindings": [_VIEWERS]}),
        Wanted({"bindings": [_VIEWERS]}, authority="role"),
        Wanted({"bindings": [_OFFICE]}, authority="role"),
        Wanted({"bindings": [{"role": "roles/viewer", "members": ["user:ANN@example.com"]}]}, authority="member"),
        Wanted({"bindings": [{"role": "roles/viewer", "members": ["group:ops@example.com"]}]}, authority="member"),
        Wanted({"bindings": []}),
    ),
    "org_policy": (
        Wanted(_SERIAL_OFF),
        Wanted(_OURS),
        Wanted(_SERIAL_OFF, exact=True),
        Wanted({"policies": [_SERIAL_OFF, _OURS]}),
    ),
}
"""By asset type for resources, by content for policies."""
