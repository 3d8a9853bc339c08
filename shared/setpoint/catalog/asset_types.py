"""The API, version and schema of an asset type.

The rule: `compute.googleapis.com/Firewall` is described by the API `compute`, in its newest stable version,
by the schema whose kind is `Firewall` (`setpoint_tools.distil.kinds` says how a schema comes by its kinds). The
tables below hold what the rule does not reach, each entry with its reason.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

_HOST = ".googleapis.com"


class ApiTarget(NamedTuple):
    """Where an asset type is described: `version` and `schema` are empty where the rule decides."""

    service: str
    kind: str
    version: str = ""
    schema: str = ""


# The host's first label → the API's name in its discovery document.
SERVICES: dict[str, str] = {
    "clouddms": "datamigration",  # Database Migration Service: the asset type keeps the older host name
    "identity.accesscontextmanager": "accesscontextmanager",  # the inventory's own host for the same API
    "dataproc-control": "dataproc",  # control-plane host of the same API
    "cloudmonitoring": "monitoring",  # the host before Stackdriver
    "bigtable": "bigtableadmin",  # resource names say bigtable, asset types bigtableadmin
    "cloudsql": "sqladmin",  # resource names say cloudsql, asset types sqladmin
    "gkehub-v2": "gkehub",
}

# The API → the version that an asset type means where the message does not say.
VERSIONS: dict[str, str] = {
    "cloudbuild": "v1",  # v2 holds only connections and repositories, which v1 does not know
    "connectors": "v1",  # v2 is the runtime API; connections are managed by v1
    "dialogflow": "v3",  # agents, flows and pages (CX) are v3's; ES's agent is a singleton that is seldom declared
    "dns": "v1",  # v2 is an unfinished draft of 2022; every tool writes v1
    "gkehub": "v1",  # v2 holds only membership features
    "iam": "v1",  # v2 is deny policies only (see the kinds below)
    "identitytoolkit": "v2",  # v3 is the relying party of 2018; tenants and configuration are v2's
    "integrations": "v1",  # v2 is the runtime API
    "jobs": "v4",  # the version that is still served
    "metastore": "v1",  # the inventory sends v1; v2 is another product generation
    "monitoring": "v3",  # v1 is dashboards and Prometheus only
    "notebooks": "v2",  # v1's instances can no longer be created
    "osconfig": "v1",  # v2 holds only policy orchestrators
    # Terraform's google_cloud_run_v2_*, Config Connector and gcloud write v2. The feed says which one it
    # sends.
    "run": "v2",
    "tpu": "v2",  # v1 is the retired node architecture
    "translate": "v3",  # v2 has no resources
}

# (API, kind) → version and schema, where neither the schema's name nor its collection is the kind.
KINDS: dict[tuple[str, str], tuple[str, str]] = {
    # Rules and associations are parts of their policy, with methods but no collection of their own.
    ("compute", "NetworkFirewallPolicyRule"): ("v1", "FirewallPolicyRule"),
    ("compute", "NetworkFirewallPolicyAssociation"): ("v1", "FirewallPolicyAssociation"),
    ("compute", "RegionNetworkFirewallPolicyRule"): ("v1", "FirewallPolicyRule"),
    ("compute", "RegionNetworkFirewallPolicyAssociation"): ("v1", "FirewallPolicyAssociation"),
    # Deny policies: the inventory numbers the kind, the API numbers itself.
    ("iam", "PolicyV2"): ("v2", "GoogleIamV2Policy"),
    # A hub's routes belong to its route tables, in a collection that is only called `routes`.
    ("networkconnectivity", "HubRoute"): ("v1", "Route"),
    # Two collections of this API are called `versions`; an asset is one of parameters.
    ("parametermanager", "Version"): ("v1", "ParameterVersion"),
    # The collection of a bucket's notifications is `notificationConfigs` on the wire, `notifications` in the
    # document.
    ("storage", "NotificationConfig"): ("v1", "Notification"),
}


def resolve(asset_type: str) -> ApiTarget:
    """Return where an asset type is described, by rule and by the tables above; it may describe nothing.

    Args:
        asset_type: As Cloud Asset Inventory has it, `service.googleapis.com/Kind`.
    """
    host, _, kind = asset_type.partition("/")
    label = host.removesuffix(_HOST)
    service = SERVICES.get(label, label)
    exception = KINDS.get((service, kind))
    if exception is not None:
        return ApiTarget(service, kind, *exception)
    return ApiTarget(service, kind, VERSIONS.get(service, ""))


def discovery(uri: str) -> tuple[str, str]:
    """Return the API and the version that a `discoveryDocumentUri` names; empty where it does not say.

    Two forms are in use: `https://www.googleapis.com/discovery/v1/apis/compute/v1/rest` and
    `https://iam.googleapis.com/$discovery/rest?version=v1`, the latter sometimes without the version.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "", ""
    path = parts.path.strip("/").split("/")
    if path[:3] == ["discovery", "v1", "apis"] and len(path) >= 5:  # noqa: PLR2004 - discovery/v1/apis/API/VERSION
        return path[3], path[4]
    label = (parts.hostname or "").removesuffix(_HOST)
    if path[0] == "$discovery" and label:
        return SERVICES.get(label, label), next(iter(parse_qs(parts.query).get("version", [])), "")
    return "", ""
