"""Resources that Google or a controller creates, and records of events: no one has to declare them.

One table, read from top to bottom, serves both the search for undeclared resources (`scopes`) and the export
(`export_exclusions`). An entry rests on more than a name where possible: a label that only Google may set, a field that
only the server writes, a description that a controller leaves. Anyone can choose a name; a ``strict`` scope therefore
reports all of these resources.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from setpoint.catalog import google_service_agents
from setpoint.model import globs
from setpoint.model.labels import labels_of
from setpoint.model.observation import Observation


class Asset(NamedTuple):
    """The parts of an asset that rules look at.

    Args:
        name: full resource name.
        own: last segment of the name.
        data: the resource's fields; empty if the inventory has none.
    """

    name: str
    own: str
    data: dict[str, Any]

    def text(self, field: str) -> str:
        """The text of a field; empty if the field is absent or no text."""
        value = self.data.get(field)
        return value if isinstance(value, str) else ""

    def last(self, field: str) -> str:
        """The last segment of a field with a resource name."""
        return self.text(field).rpartition("/")[2]


Holds = Callable[[Asset], bool]


class AutoCreatedRule(NamedTuple):
    """A rule that recognizes resources with another creator than their author.

    Args:
        types: asset types, as globs.
        holds: whether an asset fulfils the rule.
        reason: what created the resource, for people.
        source: URL of Google's documentation; empty if the fact is known from resources only.
        is_claim: the rule rests on a name or text that anyone may write, and the controller acts through an account of
            Google's. The rule does not hold if the audit log names another creator.
    """

    types: tuple[str, ...]
    holds: Holds
    reason: str
    source: str = ""
    is_claim: bool = False


def _always(_: Asset) -> bool:
    return True


def _named(pattern: str) -> Holds:
    """Match the resource's own name."""
    match = re.compile(pattern).fullmatch
    return lambda asset: match(asset.own) is not None


def _within(pattern: str) -> Holds:
    """Match the name of an ancestor: a part of the resource's path."""
    search = re.compile(pattern).search
    return lambda asset: search(asset.name) is not None


def _labelled(pattern: str) -> Holds:
    """Match the key of a label, ``goog-…``: the prefix is reserved for Google."""
    match = re.compile(pattern).match
    return lambda asset: any(map(match, labels_of(asset.data)))


def _says(field: str, pattern: str = "") -> Holds:
    """Match a field: that it is present, or the beginning of its text."""
    match = re.compile(pattern).match
    return lambda asset: bool(asset.data.get(field)) if not pattern else match(asset.text(field)) is not None


def _both(*parts: Holds) -> Holds:
    return lambda asset: all(part(asset) for part in parts)


def _either(*parts: Holds) -> Holds:
    return lambda asset: any(part(asset) for part in parts)


def _is_pre_populated_rule(asset: Asset) -> bool:
    return asset.last("network") == "default" and asset.data.get("priority") in (65534, "65534", 65534.0)


_AUTO_RANGE = ipaddress.IPv4Network("10.128.0.0/9")


def _is_of_auto_mode(asset: Asset) -> bool:
    """Whether an auto mode network created a subnetwork: by the network's name and the reserved range."""
    try:
        cidr = ipaddress.IPv4Network(asset.text("ipCidrRange"))
    except ValueError:
        return False
    return cidr.subnet_of(_AUTO_RANGE) and asset.last("network") == asset.own


def _is_default_route(asset: Asset) -> bool:
    gateway = asset.last("nextHopGateway") == "default-internet-gateway"
    return gateway and asset.own.startswith("default-route-") and asset.text("destRange") in ("0.0.0.0/0", "::/0")


def _is_of_instance_group(asset: Asset) -> bool:
    """Match the metadata that a managed instance group sets on its instances."""
    metadata = asset.data.get("metadata")
    items = metadata.get("items") if isinstance(metadata, dict) else None
    return any(isinstance(item, dict) and item.get("key") == "created-by" for item in items or ())


def _is_boot_disk(asset: Asset) -> bool:
    """Whether a disk was created together with an instance: from an image, with the name of its only user."""
    users = asset.data.get("users")
    named = isinstance(users, list) and len(users) == 1 and str(users[0]).rpartition("/")[2] == asset.own
    return named and bool(asset.data.get("sourceImage"))


def _is_autoprovisioned(asset: Asset) -> bool:
    autoscaling = asset.data.get("autoscaling")
    return isinstance(autoscaling, dict) and autoscaling.get("autoprovisioned") is True


def _is_default_account(asset: Asset) -> bool:
    return google_service_agents.is_default_account(asset.text("email") or asset.own)


def _is_service_agent(asset: Asset) -> bool:
    return google_service_agents.is_service_agent(f"serviceAccount:{asset.text('email') or asset.own}")


def _is_private_apex(asset: Asset) -> bool:
    """Whether a DNS record was created with its zone: the SOA record, or the NS record at the zone's apex."""
    return asset.text("type") == "SOA" or asset.data.get("rrdatas") == ["ns-gcp-private.googledomains.com."]


_K8S_TEXT = r"\s*\{.*\"kubernetes\.io/"
_K8S_NAME = r"k8s[12]?-.+|gke(mcg|gw)1-.+|a[0-9a-f]{31}"
_GKE_GROUP = r"gk[e3]-.+-[0-9a-f]{8}-grp|gk[e3]-.+-[0-9a-f]{8}"
_BALANCING = (
    "compute.googleapis.com/Address",
    "compute.googleapis.com/GlobalAddress",
    "compute.googleapis.com/BackendService",
    "compute.googleapis.com/RegionBackendService",
    "compute.googleapis.com/ForwardingRule",
    "compute.googleapis.com/GlobalForwardingRule",
    "compute.googleapis.com/HealthCheck",
    "compute.googleapis.com/Http*HealthCheck",
    "compute.googleapis.com/NetworkEndpointGroup",
    "compute.googleapis.com/ServiceAttachment",
    "compute.googleapis.com/SslCertificate",
    "compute.googleapis.com/Target*",
    "compute.googleapis.com/UrlMap",
)
_GKE_FIREWALLS = "https://cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules"
_MIGS = "https://cloud.google.com/compute/docs/instance-groups/getting-info-about-migs"
_ROUTES = "https://cloud.google.com/vpc/docs/routes"
_LOGGING = "https://cloud.google.com/logging/docs/routing/overview"
_FUNCTIONS = "https://cloud.google.com/functions/docs/building"
_RUN = "https://cloud.google.com/run/docs/deploying-source-code"
_ENABLED = "https://cloud.google.com/service-usage/docs/enabled-service"

HAPPENED = "something that happened, not something desired"

MADE: tuple[AutoCreatedRule, ...] = (
    # Networks.
    AutoCreatedRule(
        ("compute.googleapis.com/Network",),
        _both(_named("default"), _says("autoCreateSubnetworks")),
        "the default network of a new project",
        "https://cloud.google.com/vpc/docs/vpc#default-network",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Subnetwork",),
        _is_of_auto_mode,
        "made by its auto mode network",
        "https://cloud.google.com/vpc/docs/vpc#subnet-ranges",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Firewall",),
        _both(_named(r"default-allow-(internal|ssh|rdp|icmp)"), _is_pre_populated_rule),
        "a pre-populated rule of the default network",
        "https://cloud.google.com/vpc/docs/firewalls#more_rules_default_vpc",
    ),
    AutoCreatedRule(("compute.googleapis.com/Route",), _is_default_route, "the default route of its network", _ROUTES),
    AutoCreatedRule(("compute.googleapis.com/Route",), _says("nextHopPeering"), "made by a network peering", _ROUTES),
    AutoCreatedRule(("compute.googleapis.com/Route",), _says("nextHopNetwork"), "made by a subnetwork", _ROUTES),
    AutoCreatedRule(
        ("compute.googleapis.com/Route",),
        _says("routeType", r"(SUBNET|BGP|TRANSIT)\Z"),
        "made by a subnetwork or learnt by a router",
        _ROUTES,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*Address",),
        _says("purpose", r"NAT_AUTO\Z"),
        "reserved by Cloud NAT",
        "https://cloud.google.com/compute/docs/reference/rest/v1/addresses",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*Address", "compute.googleapis.com/*ForwardingRule"),
        _named(r"sca-auto-(addr|fr)-[0-9a-f-]{36}"),
        "made by service connectivity automation",
    ),
    AutoCreatedRule(
        ("dns.googleapis.com/ResourceRecordSet",),
        _is_private_apex,
        "came with its DNS zone",
    ),
    # Kubernetes Engine.
    AutoCreatedRule(("*k8s.io/*",), _always, "kept by a Kubernetes cluster"),
    AutoCreatedRule(("compute.googleapis.com/*",), _labelled(r"goog-(gke|k8s)-"), "made by Kubernetes Engine"),
    AutoCreatedRule(
        ("compute.googleapis.com/InstanceGroup*", "compute.googleapis.com/InstanceTemplate"),
        _named(_GKE_GROUP),
        "made by a node pool",
        is_claim=True,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Firewall",),
        _named(r"gke-.+-[0-9a-f]{8}-[a-z0-9-]+|k8s-fw-.+|k8s[12]?-.+|gke(mcg|gw)1-.+"),
        "made by Kubernetes Engine",
        _GKE_FIREWALLS,
        is_claim=True,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Route",),
        _says("description", r"k8s-node-route\Z"),
        "made by Kubernetes Engine",
        is_claim=True,
    ),
    AutoCreatedRule(
        _BALANCING,
        _either(_named(_K8S_NAME), _says("description", _K8S_TEXT)),
        "made by a Kubernetes Service, Ingress or Gateway",
        is_claim=True,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*Disk",),
        _either(_says("description", _K8S_TEXT), _says("description", r".*storage\.gke\.io/created-by")),
        "made for a Kubernetes volume",
        is_claim=True,
    ),
    AutoCreatedRule(
        ("container.googleapis.com/NodePool",),
        _is_autoprovisioned,
        "made by node auto-provisioning",
        "https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools",
    ),
    AutoCreatedRule(
        ("dns.googleapis.com/*",),
        _within(r"/(managedZones|responsePolicies)/gke-[^/]+-dns(/|\Z)"),
        "made by Kubernetes Engine",
    ),
    # Instance groups, disks and snapshots.
    AutoCreatedRule(
        ("compute.googleapis.com/Instance",), _is_of_instance_group, "made by a managed instance group", _MIGS
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/InstanceGroup",),
        _says("description", r"This instance group is controlled by (Regional )?Instance Group Manager '"),
        "made by a managed instance group",
        _MIGS,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*Disk",),
        _is_boot_disk,
        "made together with its instance",
        "https://cloud.google.com/compute/docs/reference/rest/v1/instances/insert",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Snapshot",),
        _either(_says("autoCreated"), _says("sourceSnapshotSchedulePolicy")),
        "made by a snapshot schedule",
        "https://cloud.google.com/compute/docs/reference/rest/v1/snapshots",
    ),
    AutoCreatedRule(("compute.googleapis.com/Project",), _always, "came with its project", _ENABLED),
    # Resources that services create for their own use.
    AutoCreatedRule(
        ("compute.googleapis.com/*",),
        _labelled(r"goog-dataproc-"),
        "made by Dataproc",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*",),
        _labelled(r"goog-dataflow-"),
        "made by Dataflow",
    ),
    AutoCreatedRule(
        (
            "compute.googleapis.com/*",
            "container.googleapis.com/*",
            "pubsub.googleapis.com/*",
            "storage.googleapis.com/*",
        ),
        _labelled(r"goog-composer-"),
        "made by Composer",
    ),
    AutoCreatedRule(
        (
            "eventarc.googleapis.com/Trigger",
            "pubsub.googleapis.com/*",
            "run.googleapis.com/Service",
            "storage.googleapis.com/Bucket",
        ),
        _labelled(r"goog-managed-by\Z"),
        "made by a managed service",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        _named(r"gcf(-v2)?-sources-\d+-.+|gcf-v2-uploads-\d+[-.].+"),
        "made by Cloud Functions",
        _FUNCTIONS,
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        _named(r"run-sources-.+"),
        "made by Cloud Run",
        "https://cloud.google.com/run/docs/functions/overview",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        _named(r"[a-z0-9.:-]+_cloudbuild"),
        "made by Cloud Build",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        _named(r"((us|eu|asia)\.)?artifacts\..+\.appspot\.com"),
        "made by Container Registry",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        _named(r"(staging\.)?[a-z0-9:.-]+\.appspot\.com"),
        "made by App Engine",
        "https://cloud.google.com/appengine/docs/legacy/standard/java/using-cloud-storage",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        _named(r"dataproc-(staging|temp)-[a-z0-9-]+-\d+-[a-z0-9]+"),
        "made by Dataproc",
        "https://cloud.google.com/dataproc/docs/concepts/configuring-clusters/staging-bucket",
    ),
    AutoCreatedRule(("storage.googleapis.com/Bucket",), _named(r"dataflow-staging-[a-z0-9-]+-\d+"), "made by Dataflow"),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",), _named(r"cloud-ai-platform-[0-9a-f-]{36}"), "made by Vertex AI"
    ),
    AutoCreatedRule(
        ("artifactregistry.googleapis.com/Repository",), _named(r"gcf-artifacts"), "made by Cloud Functions", _FUNCTIONS
    ),
    AutoCreatedRule(
        ("artifactregistry.googleapis.com/Repository",), _named(r"cloud-run-source-deploy"), "made by Cloud Run", _RUN
    ),
    AutoCreatedRule(
        ("pubsub.googleapis.com/Topic", "pubsub.googleapis.com/Subscription"),
        _named(r"eventarc-[a-z0-9]+-.+-\d+"),
        "made by Eventarc",
        "https://cloud.google.com/eventarc/docs/reference/rest/v1/projects.locations.triggers#Pubsub",
    ),
    AutoCreatedRule(
        ("pubsub.googleapis.com/Subscription",),
        _both(_named(r"gcf-.+"), lambda asset: "cloudfunctions" in str(asset.data.get("pushConfig"))),
        "made by Cloud Functions",
    ),
    AutoCreatedRule(
        ("pubsub.googleapis.com/Topic",),
        _named(r"container-analysis-(notes|occurrences)-v1(beta1)?"),
        "made by Artifact Analysis",
        "https://cloud.google.com/artifact-analysis/docs/pub-sub-notifications",
    ),
    AutoCreatedRule(
        ("bigquery.googleapis.com/*",),
        _within(r"/datasets/_"),
        "a hidden dataset of BigQuery's own",
        "https://cloud.google.com/bigquery/docs/cached-results",
    ),
    AutoCreatedRule(
        ("logging.googleapis.com/Log*",),
        _within(r"/(sinks|buckets)/_(Default|Required)(/|\Z)|/views/_(AllLogs|Default)\Z"),
        "made by Cloud Logging",
        _LOGGING,
    ),
    AutoCreatedRule(
        ("firestore.googleapis.com/Database",),
        _both(_named(r"\(default\)"), _says("appEngineIntegrationMode", r"ENABLED\Z")),
        "made together with an App Engine application",
        "https://cloud.google.com/firestore/docs/reference/rest/v1/projects.databases",
    ),
    AutoCreatedRule(
        ("appengine.googleapis.com/Service",),
        _named(r"default"),
        "made together with an App Engine application",
    ),
    AutoCreatedRule(
        ("serviceusage.googleapis.com/Service",),
        _named(
            r"(analyticshub|bigquery\w*|cloudapis|cloudtrace|dataform|dataplex|datastore|logging|monitoring"
            r"|servicemanagement|serviceusage|sql-component|storage|storage-api|storage-component)\.googleapis\.com"
        ),
        "switched on in every new project",
        _ENABLED,
    ),
    AutoCreatedRule(("cloudbilling.googleapis.com/ProjectBillingInfo",), _always, "came with its project"),
    # Identities.
    AutoCreatedRule(
        ("iam.googleapis.com/ServiceAccount",),
        _is_default_account,
        "a default service account",
        "https://cloud.google.com/compute/docs/access/service-accounts",
    ),
    AutoCreatedRule(
        ("iam.googleapis.com/ServiceAccount",),
        _is_service_agent,
        "a service agent",
        "https://cloud.google.com/iam/docs/service-agents",
    ),
    AutoCreatedRule(
        ("iam.googleapis.com/ServiceAccountKey",),
        _says("keyType", r"SYSTEM_MANAGED\Z"),
        "a key that Google manages and rotates",
        "https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys",
    ),
    AutoCreatedRule(
        ("apikeys.googleapis.com/Key",),
        _says("displayName", r".* \(auto created by Firebase\)\Z"),
        "made by Firebase",
        "https://firebase.google.com/docs/projects/api-keys",
    ),
    # Records of events: a later one replaces them.
    AutoCreatedRule(
        (
            "aiplatform.googleapis.com/*Job",
            "aiplatform.googleapis.com/ModelEvaluation",
            "aiplatform.googleapis.com/TrainingPipeline",
            "alloydb.googleapis.com/Backup",
            "appengine.googleapis.com/Version",
            "artifactregistry.googleapis.com/DockerImage",
            "batch.googleapis.com/Job",
            "bigtableadmin.googleapis.com/Backup",
            "cloudbuild.googleapis.com/Build",
            "clouddeploy.googleapis.com/Release",
            "clouddeploy.googleapis.com/Rollout",
            "cloudkms.googleapis.com/CryptoKeyVersion",
            "containerregistry.googleapis.com/Image",
            "dataflow.googleapis.com/Job",
            "dataproc.googleapis.com/Batch",
            "dataproc.googleapis.com/Job",
            "dataproc.googleapis.com/Session",
            "dlp.googleapis.com/DlpJob",
            "file.googleapis.com/Backup",
            "gkebackup.googleapis.com/Backup",
            "gkebackup.googleapis.com/Restore",
            "gkebackup.googleapis.com/VolumeBackup",
            "gkebackup.googleapis.com/VolumeRestore",
            "metastore.googleapis.com/Backup",
            "run.googleapis.com/Execution",
            "run.googleapis.com/Revision",
            "secretmanager.googleapis.com/SecretVersion",
            "spanner.googleapis.com/Backup",
            "sqladmin.googleapis.com/Backup",
            "sqladmin.googleapis.com/BackupRun",
        ),
        _always,
        HAPPENED,
        "https://cloud.google.com/asset-inventory/docs/asset-types",
    ),
)
"""The rules; the first that holds names the creator."""


def reason(observation: Observation) -> str:
    """What created a resource that needs no declaration; empty if it needs one."""
    entry = rule(observation)
    return entry.reason if entry is not None else ""


def rule(observation: Observation) -> AutoCreatedRule | None:
    """The rule that exempts a resource from being declared, or None."""
    entries = _entries_for(observation.asset_type)
    if not entries:
        return None
    data = observation.data if isinstance(observation.data, dict) else {}
    name = observation.key.name
    asset = Asset(name, name.rpartition("/")[2], data)
    return next((entry for entry in entries if entry.holds(asset)), None)


@lru_cache(maxsize=4096)
def _entries_for(asset_type: str) -> tuple[AutoCreatedRule, ...]:
    return tuple(entry for entry in MADE if globs.fits(entry.types, asset_type))
