"""Fields that only a person may change, although the API may accept them: tables with reasons.

A wrong entry costs a few minutes of manual work; a missing entry may cost an outage, or an error 400.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from setpoint.model.field_path import is_below, overlap
from setpoint.model.naming import camel

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field
    from setpoint.model.write_plan import Reason

_PLACES = frozenset(("zone", "region", "location", "locationId"))
"""Top-level fields with the location of a resource, which no update changes."""


class ManualField(NamedTuple):
    """A field that only a person may change.

    Args:
        service: the API.
        schema: the schema of the resource.
        field: the field, by its path.
        reason: ``immutable`` or ``by_hand``.
        todo: the manual steps, and why.
    """

    service: str
    schema: str
    field: str
    reason: Reason
    todo: str


_STOPPED = "the instance must be stopped first: stop it, set it, start it"
_ANEW = "the API cannot change it: it must be recreated"

MANUAL_FIELDS: tuple[ManualField, ...] = (
    # https://cloud.google.com/compute/docs/instances/changing-machine-type-of-stopped-instance
    *(
        ManualField("compute", "Instance", field, "by_hand", _STOPPED)
        for field in (
            "confidentialInstanceConfig",
            "displayDevice",
            "guestAccelerators",
            "machineType",
            "minCpuPlatform",
            "serviceAccounts",
            "shieldedInstanceConfig",
        )
    ),
    # https://cloud.google.com/compute/docs/disks/resize-persistent-disk
    ManualField("compute", "Disk", "sizeGb", "by_hand", "a disk only grows, and never shrinks again: disks.resize"),
    # https://cloud.google.com/storage/docs/bucket-relocation/overview
    ManualField("storage", "Bucket", "location", "immutable", "a bucket is moved by relocating it, or recreated"),
    ManualField("storage", "Bucket", "hierarchicalNamespace", "immutable", _ANEW),
    # https://cloud.google.com/storage/docs/bucket-lock
    ManualField("storage", "Bucket", "retentionPolicy.isLocked", "by_hand", "a lock can never be removed"),
    # https://cloud.google.com/bigquery/docs/managing-table-schemas
    ManualField(
        "bigquery", "Table", "schema", "by_hand", "dropping or retyping a column deletes its data: change it manually"
    ),
    ManualField("bigquery", "Table", "timePartitioning.field", "immutable", _ANEW),
    ManualField("bigquery", "Table", "timePartitioning.type", "immutable", _ANEW),
    ManualField("bigquery", "Table", "rangePartitioning", "immutable", _ANEW),
    # https://cloud.google.com/sql/docs/mysql/upgrade-major-db-version-inplace
    ManualField("sqladmin", "DatabaseInstance", "databaseVersion", "by_hand", "an upgrade cannot be undone: plan it"),
    ManualField(
        "sqladmin", "DatabaseInstance", "instanceType", "by_hand", "a replica is promoted, and never demoted again"
    ),
    ManualField("sqladmin", "DatabaseInstance", "masterInstanceName", "by_hand", "replication must be set up again"),
    ManualField("sqladmin", "DatabaseInstance", "diskEncryptionConfiguration", "immutable", _ANEW),
    # https://cloud.google.com/sql/docs/mysql/instance-settings#storage-capacity
    ManualField("sqladmin", "DatabaseInstance", "settings.dataDiskSizeGb", "by_hand", "storage only grows"),
    ManualField("sqladmin", "DatabaseInstance", "settings.dataDiskType", "by_hand", "the data must be moved"),
    # https://cloud.google.com/resource-manager/docs/moving-projects-folders
    ManualField(
        "cloudresourcemanager", "Project", "parent", "by_hand", "a move changes what is inherited: projects.move"
    ),
    ManualField(
        "cloudresourcemanager", "Folder", "parent", "by_hand", "a move changes what is inherited: folders.move"
    ),
    # https://cloud.google.com/dns/docs/zones
    ManualField("dns", "ManagedZone", "dnsName", "immutable", _ANEW),
    ManualField("dns", "ManagedZone", "visibility", "immutable", _ANEW),
    # https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs: methods without a field
    ManualField("cloudscheduler", "Job", "state", "by_hand", "a job is paused and resumed: jobs.pause, jobs.resume"),
    # https://cloud.google.com/spanner/docs/move-instance
    ManualField("spanner", "Instance", "config", "by_hand", "the instance must be moved: instances.move"),
    # https://cloud.google.com/pubsub/docs/subscription-properties
    ManualField("pubsub", "Subscription", "topic", "immutable", _ANEW),
    ManualField("pubsub", "Subscription", "filter", "immutable", _ANEW),
    ManualField("pubsub", "Subscription", "enableMessageOrdering", "immutable", _ANEW),
    # https://cloud.google.com/kubernetes-engine/docs/how-to/node-pools
    *(
        ManualField(
            "container", "NodePool", field, "by_hand", "every node would be recreated: plan an upgrade of the pool"
        )
        for field in (
            "config.containerdConfig",
            "config.imageType",
            "config.kubeletConfig",
            "config.linuxNodeConfig",
            "config.machineType",
            "config.workloadMetadataConfig",
            "version",
        )
    ),
    ManualField(
        "container",
        "NodePool",
        "initialNodeCount",
        "immutable",
        "it is the initial size of the pool: setSize resizes it",
    ),
    ManualField("container", "Cluster", "networkPolicy", "by_hand", "every node would be recreated: setNetworkPolicy"),
    ManualField("container", "Cluster", "locations", "by_hand", "nodes would be made or deleted: setLocations"),
)

_NO_GENERAL: Mapping[tuple[str, str], str] = {
    # Replacing an instance may restart it, or make it anew:
    # https://cloud.google.com/compute/docs/instances/update-instance-properties
    ("compute", "Instance"): "the API would replace the instance, and may restart it",
    # A patch of a deployment rolls all of its resources out again:
    # https://cloud.google.com/deployment-manager/docs/reference/latest/deployments/patch
    ("deploymentmanager", "Deployment"): "the API would roll out the deployment again",
    # https://cloud.google.com/billing/docs/how-to/modify-project
    ("cloudbilling", "ProjectBillingInfo"): "the billing account of a project is changed manually only",
}
"""Resources that are never written by the general method of their API."""

DISTURBING: tuple[tuple[str, str, str, str], ...] = (
    # https://cloud.google.com/sql/docs/mysql/instance-settings: "requires restart"
    ("sqladmin", "DatabaseInstance", "settings.tier", "the instance restarts"),
    ("sqladmin", "DatabaseInstance", "settings.edition", "the instance restarts"),
    ("sqladmin", "DatabaseInstance", "settings.availabilityType", "the instance restarts"),
    ("sqladmin", "DatabaseInstance", "settings.databaseFlags", "the instance may restart"),
    ("sqladmin", "DatabaseInstance", "settings.ipConfiguration", "connections may break"),
    # https://cloud.google.com/memorystore/docs/redis/scale-instances
    ("redis", "Instance", "memorySizeGb", "the instance fails over, and without a replica loses its data"),
    ("redis", "Instance", "redisVersion", "the instance is upgraded, which cannot be undone"),
    # https://cloud.google.com/alloydb/docs/instance-primary-scale
    ("alloydb", "Instance", "machineConfig", "the instance restarts"),
    # https://cloud.google.com/kubernetes-engine/docs/concepts/release-channels
    ("container", "Cluster", "releaseChannel", "the cluster may be upgraded"),
    ("container", "Cluster", "databaseEncryption", "every secret of the cluster is encrypted again"),
    ("container", "Cluster", "controlPlaneEndpointsConfig", "clients may lose the control plane"),
    ("container", "Cluster", "masterAuthorizedNetworksConfig", "clients may lose the control plane"),
    # https://cloud.google.com/compute/docs/instance-groups/updating-migs
    ("compute", "InstanceGroupManager", "versions", "instances may be replaced"),
    ("compute", "InstanceGroupManager", "instanceTemplate", "instances may be replaced"),
    ("compute", "InstanceGroupManager", "targetSize", "instances are made or deleted"),
    # https://cloud.google.com/dataproc/docs/concepts/configuring-clusters/scaling-clusters
    ("dataproc", "Cluster", "config", "nodes are made or deleted"),
    # https://cloud.google.com/bigtable/docs/scaling
    ("bigtableadmin", "Cluster", "serveNodes", "nodes are made or deleted"),
)
"""Writes with side effects for users of the resource: service, schema, field, and the effect."""


def side_effects(service: str, schema: str, path: str) -> str:
    """The side effects of remediating a field; empty if none are known."""
    effects = (
        what for owner, kind, field, what in DISTURBING if (owner, kind) == (service, schema) and is_below(path, field)
    )
    return next(effects, "")


def not_written_whole(service: str, schema: str) -> str:
    """Why the general method of a resource type is not used; empty if it is."""
    return _NO_GENERAL.get((service, schema), "")


_PATCHABLE: Mapping[tuple[str, str], tuple[str, ...]] = {
    # "you can only patch the network_tier field": https://cloud.google.com/compute/docs/reference/rest/v1/forwardingRules
    ("compute", "ForwardingRule"): ("networkTier", "allowGlobalAccess"),
    # "only routingConfig can be modified": https://cloud.google.com/compute/docs/reference/rest/v1/networks/patch
    ("compute", "Network"): ("routingConfig", "networkFirewallPolicyEnforcementOrder"),
}
"""Resources whose general method accepts only some fields."""


def manual_rule(service: str, schema: str, path: str) -> ManualField | None:
    """The rule that excludes a field from remediation, or None.

    Args:
        service: the API.
        schema: the resource's schema.
        path: the field, without list elements.
    """
    for field in MANUAL_FIELDS:
        if (field.service, field.schema) == (service, schema) and overlap(path, field.field):
            return field
    patchable = _PATCHABLE.get((service, schema))
    if patchable is not None and not any(is_below(path, field) for field in patchable):
        return ManualField(service, schema, path, "immutable", _ANEW)
    return None


def is_place(path: tuple[str, ...], field: Field | None) -> bool:
    """Whether a top-level field contains the name or location of the resource."""
    if len(path) != 1:
        return False
    name = camel(path[0])
    return name in _PLACES or (name == "name" and field is not None and (field.reference or field.output_only))


def holds_inputs(field: Field | None, value: Any, depth: int = 0) -> bool:
    """Whether a value may lack write-only inputs that its API never returns, so that sending it back would clear them.

    Args:
        field: the schema of the value.
        value: the value that was read.
        depth: depth below the first value.
    """
    if field is None or depth > _DEEPEST:
        return False
    if isinstance(value, list):
        return any(holds_inputs(field.item, element, depth + 1) for element in value)
    if not isinstance(value, dict):
        return False
    fields = field.schema.fields if field.schema is not None else {}
    if any(
        inner.input_only and not inner.immutable and (inner.sensitive or name not in _OF_CREATION)
        for name, inner in fields.items()
    ):
        return True
    return any(holds_inputs(fields.get(key) or field.item, part, depth + 1) for key, part in value.items())


_OF_CREATION = frozenset(
    (
        "restoreConfig",  # https://cloud.google.com/filestore/docs/reference/rest/v1/projects.locations.instances
        "params",  # https://cloud.google.com/compute/docs/reference/rest/v1/instances, and others of Compute Engine
        "initializeParams",  # as above: "can only be specified when creating"
        "resourceManagerTags",  # as above
        "tags",  # bound when the resource is created, https://cloud.google.com/resource-manager/docs/tags
        "forceAttach",  # https://cloud.google.com/compute/docs/reference/rest/v1/instances/attachDisk
        "createPodRange",  # https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/NodeNetworkConfig
        "initialUser",  # https://cloud.google.com/alloydb/docs/reference/rest/v1/projects.locations.clusters
        "initialConfig",  # https://cloud.google.com/secure-source-manager/docs/reference/rest/v1/projects.locations.repositories
        "skipPrecheck",  # https://cloud.google.com/sql/docs/mysql/admin-api/rest/v1/instances: a switch of one request
        "includeReplicasForMajorVersionUpgrade",  # as above
    )
)
"""Inputs of a resource's creation or of a single request; omitting them changes nothing."""

_DEEPEST = 8
