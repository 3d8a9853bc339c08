"""Resources that Google or a controller creates, and records of events: no one has to declare them.

One table, read from top to bottom, serves both the search for undeclared resources (`scopes`) and the export
(`export_exclusions`). An entry rests on more than a name where possible: a label that only Google may set, a field that
only the server writes, a description that a controller leaves. Anyone can choose a name; a ``strict`` scope therefore
reports all of these resources.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from setpoint.detection import auto_created_conditions as conditions
from setpoint.detection import claimed_parents, parent_types
from setpoint.detection.auto_created_conditions import Asset, Holds
from setpoint.detection.claimed_parents import Claims, claims_nothing
from setpoint.detection.parent_types import ClaimedParent
from setpoint.model import globs
from setpoint.model.observation import Observation
from setpoint.model.resource_key import project_of
from setpoint.util.json_values import as_object


class AutoCreatedRule(NamedTuple):
    """A rule that recognizes resources with another creator than their author.

    Args:
        types: asset types, as globs.
        holds: whether an asset fulfils the rule.
        reason: what created the resource, for people.
        source: URL of Google's documentation; empty if the fact is known from resources only.
        is_claim: the rule rests on a name or text that anyone may write, and the controller acts through an account of
            Google's. The rule does not hold if the audit log names another creator.
        parent: the resource that the claim names; the rule does not hold if a listing shows that it does not exist.
        is_by_caller: the audit log may name the caller who ordered the parent, which refutes nothing.
    """

    types: tuple[str, ...]
    holds: Holds
    reason: str
    source: str = ""
    is_claim: bool = False
    parent: Claims = claims_nothing
    is_by_caller: bool = False


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
        conditions.both(conditions.named("default"), conditions.has_text("autoCreateSubnetworks")),
        "the default network of a new project",
        "https://cloud.google.com/vpc/docs/vpc#default-network",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Subnetwork",),
        conditions.is_of_auto_mode,
        "made by its auto mode network",
        "https://cloud.google.com/vpc/docs/vpc#subnet-ranges",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Firewall",),
        conditions.both(conditions.named(r"default-allow-(internal|ssh|rdp|icmp)"), conditions.is_pre_populated_rule),
        "a pre-populated rule of the default network",
        "https://cloud.google.com/vpc/docs/firewalls#more_rules_default_vpc",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Route",), conditions.is_default_route, "the default route of its network", _ROUTES
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Route",), conditions.has_text("nextHopPeering"), "made by a network peering", _ROUTES
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Route",), conditions.has_text("nextHopNetwork"), "made by a subnetwork", _ROUTES
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Route",),
        conditions.has_text("routeType", r"(SUBNET|BGP|TRANSIT)\Z"),
        "made by a subnetwork or learnt by a router",
        _ROUTES,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*Address",),
        conditions.has_text("purpose", r"NAT_AUTO\Z"),
        "reserved by Cloud NAT",
        "https://cloud.google.com/compute/docs/reference/rest/v1/addresses",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*Address", "compute.googleapis.com/*ForwardingRule"),
        conditions.named(r"sca-auto-(addr|fr)-[0-9a-f-]{36}"),
        "made by service connectivity automation",
    ),
    AutoCreatedRule(
        ("dns.googleapis.com/ResourceRecordSet",),
        conditions.is_private_apex,
        "came with its DNS zone",
    ),
    # Kubernetes Engine.
    AutoCreatedRule(("*k8s.io/*",), conditions.always, "kept by a Kubernetes cluster"),
    AutoCreatedRule(
        ("compute.googleapis.com/*",),
        conditions.labelled(r"goog-(gke|k8s)-"),
        "made by Kubernetes Engine",
        is_claim=True,
        parent=claimed_parents.of_cluster,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/InstanceGroup*", "compute.googleapis.com/InstanceTemplate"),
        conditions.named(_GKE_GROUP),
        "made by a node pool",
        is_claim=True,
        parent=claimed_parents.of_node_pool,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Firewall",),
        conditions.both(
            conditions.named(r"gk[e3]-.+-[0-9a-f]{8}-[a-z0-9-]+|k8s-fw-.+|k8s[12]?-.+|gke(mcg|gw)1-.+"),
            conditions.is_for_nodes,
        ),
        "made by Kubernetes Engine",
        _GKE_FIREWALLS,
        is_claim=True,
        parent=claimed_parents.of_nodes,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Route",),
        conditions.has_text("description", r"k8s-node-route\Z"),
        "made by Kubernetes Engine",
        is_claim=True,
        parent=claimed_parents.of_route,
    ),
    AutoCreatedRule(
        _BALANCING,
        conditions.either(conditions.named(_K8S_NAME), conditions.has_text("description", _K8S_TEXT)),
        "made by a Kubernetes Service, Ingress or Gateway",
        is_claim=True,
        parent=claimed_parents.any_cluster(),
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*Disk",),
        conditions.either(
            conditions.has_text("description", _K8S_TEXT),
            conditions.has_text("description", r".*storage\.gke\.io/created-by"),
        ),
        "made for a Kubernetes volume",
        is_claim=True,
        parent=claimed_parents.any_cluster("description"),
    ),
    AutoCreatedRule(
        ("container.googleapis.com/NodePool",),
        conditions.is_autoprovisioned,
        "made by node auto-provisioning",
        "https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools",
    ),
    AutoCreatedRule(
        ("dns.googleapis.com/*",),
        conditions.within(r"/(managedZones|responsePolicies)/gke-[^/]+-dns(/|\Z)"),
        "made by Kubernetes Engine",
        is_claim=True,
        parent=claimed_parents.of_dns,
    ),
    # Instance groups, disks and snapshots.
    AutoCreatedRule(
        ("compute.googleapis.com/Instance",),
        conditions.is_of_instance_group,
        "made by a managed instance group",
        _MIGS,
        is_claim=True,
        parent=claimed_parents.of_group_manager,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/InstanceGroup",),
        conditions.has_text(
            "description", r"This instance group is controlled by (Regional )?Instance Group Manager '"
        ),
        "made by a managed instance group",
        _MIGS,
        is_claim=True,
        parent=claimed_parents.of_own_manager,
        is_by_caller=True,
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*Disk",),
        conditions.is_boot_disk,
        "made together with its instance",
        "https://cloud.google.com/compute/docs/reference/rest/v1/instances/insert",
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/Snapshot",),
        conditions.either(conditions.has_text("autoCreated"), conditions.has_text("sourceSnapshotSchedulePolicy")),
        "made by a snapshot schedule",
        "https://cloud.google.com/compute/docs/reference/rest/v1/snapshots",
    ),
    AutoCreatedRule(("compute.googleapis.com/Project",), conditions.always, "came with its project", _ENABLED),
    # Resources that services create for their own use.
    AutoCreatedRule(
        ("compute.googleapis.com/*",),
        conditions.labelled(r"goog-dataproc-"),
        "made by Dataproc",
        is_claim=True,
        parent=claimed_parents.labelled("goog-dataproc-cluster-name", parent_types.DATAPROC, "goog-dataproc-location"),
    ),
    AutoCreatedRule(
        ("compute.googleapis.com/*",),
        conditions.labelled(r"goog-dataflow-"),
        "made by Dataflow",
        is_claim=True,
        parent=claimed_parents.of_job,
    ),
    AutoCreatedRule(
        (
            "compute.googleapis.com/*",
            "container.googleapis.com/*",
            "pubsub.googleapis.com/*",
            "storage.googleapis.com/*",
        ),
        conditions.labelled(r"goog-composer-"),
        "made by Composer",
        is_claim=True,
        parent=claimed_parents.labelled("goog-composer-environment", parent_types.COMPOSER, "goog-composer-location"),
    ),
    AutoCreatedRule(
        (
            "eventarc.googleapis.com/Trigger",
            "pubsub.googleapis.com/*",
            "run.googleapis.com/Service",
            "storage.googleapis.com/Bucket",
        ),
        conditions.labelled(r"goog-managed-by\Z"),
        "made by a managed service",
        is_claim=True,
        parent=claimed_parents.of_service,
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        conditions.named_after_project(r"gcf-(?:(?:v2-)?sources|v2-uploads)-(?P<number>\d+)[-.].+"),
        "made by Cloud Functions",
        _FUNCTIONS,
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        conditions.named_after_project(r"run-sources-(?P<id>.+)-[a-z]+-[a-z]+\d+"),
        "made by Cloud Run",
        "https://cloud.google.com/run/docs/functions/overview",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        conditions.named_after_project(r"(?P<id>[a-z0-9.:-]+)_cloudbuild"),
        "made by Cloud Build",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        conditions.named(r"((us|eu|asia)\.)?artifacts\..+\.appspot\.com"),
        "made by Container Registry",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        conditions.named(r"(staging\.)?[a-z0-9:.-]+\.appspot\.com"),
        "made by App Engine",
        "https://cloud.google.com/appengine/docs/legacy/standard/java/using-cloud-storage",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        conditions.named_after_project(r"dataproc-(?:staging|temp)-[a-z0-9-]+-(?P<number>\d+)-[a-z0-9]+"),
        "made by Dataproc",
        "https://cloud.google.com/dataproc/docs/concepts/configuring-clusters/staging-bucket",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",),
        conditions.named_after_project(r"dataflow-staging-[a-z0-9-]+-(?P<number>\d+)"),
        "made by Dataflow",
    ),
    AutoCreatedRule(
        ("storage.googleapis.com/Bucket",), conditions.named(r"cloud-ai-platform-[0-9a-f-]{36}"), "made by Vertex AI"
    ),
    AutoCreatedRule(
        ("artifactregistry.googleapis.com/Repository",),
        conditions.named(r"gcf-artifacts"),
        "made by Cloud Functions",
        _FUNCTIONS,
    ),
    AutoCreatedRule(
        ("artifactregistry.googleapis.com/Repository",),
        conditions.named(r"cloud-run-source-deploy"),
        "made by Cloud Run",
        _RUN,
    ),
    AutoCreatedRule(
        ("pubsub.googleapis.com/Topic", "pubsub.googleapis.com/Subscription"),
        conditions.named(r"eventarc-[a-z0-9]+-.+-\d+"),
        "made by Eventarc",
        "https://cloud.google.com/eventarc/docs/reference/rest/v1/projects.locations.triggers#Pubsub",
    ),
    AutoCreatedRule(
        ("pubsub.googleapis.com/Subscription",),
        conditions.both(
            conditions.named(r"gcf-.+"), lambda asset: "cloudfunctions" in str(asset.data.get("pushConfig"))
        ),
        "made by Cloud Functions",
    ),
    AutoCreatedRule(
        ("pubsub.googleapis.com/Topic",),
        conditions.named(r"container-analysis-(notes|occurrences)-v1(beta1)?"),
        "made by Artifact Analysis",
        "https://cloud.google.com/artifact-analysis/docs/pub-sub-notifications",
    ),
    AutoCreatedRule(
        ("bigquery.googleapis.com/*",),
        conditions.within(r"/datasets/_"),
        "a hidden dataset of BigQuery's own",
        "https://cloud.google.com/bigquery/docs/cached-results",
    ),
    AutoCreatedRule(
        ("logging.googleapis.com/Log*",),
        conditions.within(r"/(sinks|buckets)/_(Default|Required)(/|\Z)|/views/_(AllLogs|Default)\Z"),
        "made by Cloud Logging",
        _LOGGING,
    ),
    AutoCreatedRule(
        ("firestore.googleapis.com/Database",),
        conditions.both(
            conditions.named(r"\(default\)"), conditions.has_text("appEngineIntegrationMode", r"ENABLED\Z")
        ),
        "made together with an App Engine application",
        "https://cloud.google.com/firestore/docs/reference/rest/v1/projects.databases",
    ),
    AutoCreatedRule(
        ("appengine.googleapis.com/Service",),
        conditions.named(r"default"),
        "made together with an App Engine application",
    ),
    AutoCreatedRule(
        ("serviceusage.googleapis.com/Service",),
        conditions.named(
            r"(analyticshub|bigquery\w*|cloudapis|cloudtrace|dataform|dataplex|datastore|logging|monitoring"
            r"|servicemanagement|serviceusage|sql-component|storage|storage-api|storage-component)\.googleapis\.com"
        ),
        "switched on in every new project",
        _ENABLED,
    ),
    AutoCreatedRule(("cloudbilling.googleapis.com/ProjectBillingInfo",), conditions.always, "came with its project"),
    # Identities.
    AutoCreatedRule(
        ("iam.googleapis.com/ServiceAccount",),
        conditions.is_default_account,
        "a default service account",
        "https://cloud.google.com/compute/docs/access/service-accounts",
    ),
    AutoCreatedRule(
        ("iam.googleapis.com/ServiceAccount",),
        conditions.is_service_agent,
        "a service agent",
        "https://cloud.google.com/iam/docs/service-agents",
    ),
    AutoCreatedRule(
        ("iam.googleapis.com/ServiceAccountKey",),
        conditions.has_text("keyType", r"SYSTEM_MANAGED\Z"),
        "a key that Google manages and rotates",
        "https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys",
    ),
    AutoCreatedRule(
        ("apikeys.googleapis.com/Key",),
        conditions.has_text("displayName", r".* \(auto created by Firebase\)\Z"),
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
        conditions.always,
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
    asset = _asset(observation)
    return next((entry for entry in entries if entry.holds(asset)), None)


def claimed(entry: AutoCreatedRule, observation: Observation) -> ClaimedParent | None:
    """The parent that a resource names to which a rule applies; None if no listing could show it."""
    return entry.parent(_asset(observation))


def _asset(observation: Observation) -> Asset:
    data = as_object(observation.data)
    name = observation.key.name
    project = observation.project_id or project_of(name)
    is_id = project[:1].isalpha()
    return Asset(name, name.rpartition("/")[2], data, project if is_id else "", observation.project_number)


@lru_cache(maxsize=4096)
def _entries_for(asset_type: str) -> tuple[AutoCreatedRule, ...]:
    return tuple(entry for entry in MADE if globs.matches(entry.types, asset_type))
