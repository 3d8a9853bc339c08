"""Exceptions of single Config Connector kinds: tables, each entry with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setpoint.catalog import config_connector
from setpoint.declarations.readers.field_mapping_result import UNCHECKED

DIRECTIVES = frozenset(
    (
        "deletionPolicy",  # what the controller does with the resource when the object goes
        "deletionProtection",  # the same
        "deleteDefaultRoutesOnCreate",  # an act on creation, no state
        "forceDelete",  # what it does when the object goes
        "forceDestroy",  # the same
        "namePrefix",  # how a name is made up
        "resourceID",  # the resource's name
        "skipAwaitRollout",  # how long the controller waits
        "skipDelete",  # what it does when the object goes
        "skipInitialVersionCreation",  # an act on creation, no state
        "uniqueWriterIdentity",  # a parameter of the request that makes a sink
    )
)
"""Top-level fields for the controller, if the API has no field of that name."""

PLACES = frozenset(
    (
        "projectRef",
        "folderRef",
        "organizationRef",
        "billingAccountRef",
        "location",
        "region",
        "zone",
    )
)
"""Top-level fields with the resource's place: a part of its name, and data only if the API has such a field."""

_AUTOSCALER: Mapping[str, str | None] = {
    # Terraform's names, which Config Connector keeps.
    "autoscalingPolicy.cooldownPeriod": "coolDownPeriodSec",
    "autoscalingPolicy.cpuUtilization.target": "utilizationTarget",
    "autoscalingPolicy.loadBalancingUtilization.target": "utilizationTarget",
    "autoscalingPolicy.maxReplicas": "maxNumReplicas",
    "autoscalingPolicy.metric": "customMetricUtilizations",
    "autoscalingPolicy.metric.name": "metric",
    "autoscalingPolicy.metric.target": "utilizationTarget",
    "autoscalingPolicy.metric.type": "utilizationTargetType",
    "autoscalingPolicy.minReplicas": "minNumReplicas",
}

_RESERVATION_AFFINITY: Mapping[str, str | None] = {
    # The API has flat what the manifest nests.
    "reservationAffinity.type": "consumeReservationType",
}

_NODE_CONFIG: Mapping[str, str | None] = {
    # Terraform's names, which Config Connector keeps.
    "nodeConfig.bootDiskKMSCryptoKeyRef": "bootDiskKmsKey",
    "nodeConfig.guestAccelerator": "accelerators",
    "nodeConfig.guestAccelerator.type": "acceleratorType",
    "nodeConfig.guestAccelerator.count": "acceleratorCount",
    "nodeConfig.loggingVariant": "loggingConfig.variantConfig.variant",
}

AROUND: Mapping[str, tuple[str, ...]] = {
    "ComputeInstance": ("reservationAffinity.specificReservation",),
    "ComputeInstanceTemplate": ("reservationAffinity.specificReservation",),
}
"""Kind → groups of the spec that the API does not have: what they hold stands around them there."""

MOVES: Mapping[str, Mapping[str, str | None]] = {
    "BigQueryConnectionConnection": {
        # The API wants `project:region:name`, of which the manifest's reference contains only the last part.
        "cloudSQL.instanceRef": UNCHECKED,
        "cloudSql.instanceRef": UNCHECKED,
    },
    "BigtableInstance": {"cluster": None},  # resources of their own: `krm_related`
    "BinaryAuthorizationAttestor": {
        # The name that notes had before they were published.
        "userOwnedDrydockNote": "userOwnedGrafeasNote",
        "userOwnedDrydockNote.noteRef": "noteReference",
    },
    "BillingBudgetsBudget": {"allUpdatesRule": "notificationsRule"},  # the beta's name, which the API gave up
    "ComputeAutoscaler": _AUTOSCALER,
    "ComputeRegionAutoscaler": _AUTOSCALER,
    "ComputeFirewall": {
        # Terraform's names for the two lists and for what is allowed.
        "allow": "allowed",
        "allow.protocol": "IPProtocol",
        "deny": "denied",
        "deny.protocol": "IPProtocol",
    },
    # The API answers with a map by project number; the manifest says ids, and those of others are not known.
    "ComputeFutureReservation": {"shareSettings.projectMap": UNCHECKED},
    "ComputeNodeGroup": {"shareSettings.projectMap": UNCHECKED},
    "ComputeReservation": {"shareSettings.projectMap": UNCHECKED},
    "ComputeInstance": _RESERVATION_AFFINITY,
    "ComputeInstanceTemplate": {
        **_RESERVATION_AFFINITY,
        "disk.sourceDiskRef": "source",  # the attached disk's own name for what it attaches
        "instanceDescription": "/properties.description",  # `description` is the template's own
    },
    "ComputeServiceAttachment": {"consumerAcceptLists.projectRef": "projectIdOrNum"},  # an id or a number, says the API
    # The API answers the certificates of Certificate Manager in a field of their own, or not at all.
    "ComputeTargetHTTPSProxy": {"certificateManagerCertificates": UNCHECKED},
    "ContainerCluster": {
        **_NODE_CONFIG,
        "clusterAutoscaling.enabled": "enableNodeAutoprovisioning",  # the API says of what
        "clusterAutoscaling.autoProvisioningDefaults": "autoprovisioningNodePoolDefaults",  # Terraform's name
        "defaultMaxPodsPerNode": "defaultMaxPodsConstraint.maxPodsPerNode",  # the API nests it
        # Of a zonal cluster the API's list has the cluster's own zone too, which the manifest leaves out.
        "nodeLocations": UNCHECKED,
        "minMasterVersion": UNCHECKED,  # a lower bound, of which the API knows nothing
        "nodeVersion": UNCHECKED,  # of the default pool, which the server upgrades
    },
    "ContainerNodePool": {
        **_NODE_CONFIG,
        "nodeCount": UNCHECKED,  # per zone and now; the API has the initial count alone
    },
    "DLPStoredInfoType": {"description": "currentVersion.config.description"},  # the API keeps versions
    "DataprocCluster": {"config.stagingBucketRef": "configBucket"},  # the API's name for it
    "DataprocWorkflowTemplate": {"placement.managedCluster.config.stagingBucketRef": "configBucket"},  # as above
    "EventarcTrigger": {
        # The beta's names, which the API gave up.
        "matchingCriteria": "eventFilters",
        "destination.cloudRunService": "cloudRun",
    },
    "IAMCustomRole": {"permissions": "includedPermissions"},  # Terraform's name
    "MonitoringUptimeCheckConfig": {"monitoredResource.filterLabels": "labels"},  # `labels` is taken in manifests
    "Project": {
        "name": "displayName|name",
        "billingAccountRef": None,
    },  # v3 and v1 of the API; the name of v3 is the project's number, and the account is Cloud Billing's
    "SQLInstance": {
        # Terraform's names for the disk, which Config Connector keeps; the API has others.
        "encryptionKMSCryptoKeyRef": "diskEncryptionConfiguration.kmsKeyName",
        "settings.crashSafeReplication": "crashSafeReplicationEnabled",
        "settings.diskAutoresize": "storageAutoResize",
        "settings.diskAutoresizeLimit": "storageAutoResizeLimit",
        "settings.diskSize": "dataDiskSizeGb",
        "settings.diskType": "dataDiskType",
    },
    "WorkstationConfig": {"persistentDirectories.gcePersistentDisk": "gcePd"},  # written out in manifests
    "StorageBucket": {"encryption.kmsKeyRef": "defaultKmsKeyName"},  # the default of objects, not the bucket's own
}
"""Kind → the author's field → its API path, as `field_mapping.FieldOverrides` writes it."""

PARTS: Mapping[str, str] = {
    "AccessContextManagerAccessLevelCondition": "its access level",
    "AccessContextManagerServicePerimeterResource": "its perimeter",
    "BigtableGCPolicy": "a table's column family",
    "ComputeBackendBucketSignedURLKey": "its backend bucket",
    "ComputeBackendServiceSignedURLKey": "its backend service",
    "ComputeDiskResourcePolicyAttachment": "its disk",
    "ComputeInstanceGroupNamedPort": "its instance group",
    "ComputeNetworkEndpoint": "its group",
    "ComputeNetworkPeering": "its network",
    "ComputeNetworkPeeringRoutesConfig": "its network",
    "ComputeProjectMetadata": "its project",
    "ComputeRegionDiskResourcePolicyAttachment": "its disk",
    "ComputeRouterInterface": "its router",
    "ComputeRouterNAT": "its router",
    "ComputeRouterPeer": "its router",
    "ComputeSharedVPCHostProject": "a switch of its project",
    "ComputeSharedVPCServiceProject": "a switch of its project",
    "GKEHubFeatureMembership": "its feature",
    "ServiceIdentity": "made once, and part of its project's service",
}
"""Kinds that are not separate resources in the inventory, and the resources that they are parts of."""


IMPLIED: Mapping[str, Mapping[str, Any]] = {
    "Service": {"state": "ENABLED"},  # that an API is declared means that it is switched on
}
"""Kind → values that its declaration implies without a field."""

NOT_IN_INVENTORY = frozenset(
    (
        "ServiceNetworkingConnection",  # a peering that a method of another API makes; no resource of its own
        "IAMAccessBoundaryPolicy",  # a second kind of policies, which the inventory has no type for
        "KMSSecretCiphertext",  # the answer of a method
    )
)
"""Kinds that no feed contains."""

OWN_FIELDS: Mapping[str, tuple[str, ...]] = {
    "DNSRecordSet": ("name", "type"),  # a zone has one set for each name and type
    "MonitoringMetricDescriptor": ("type",),  # the metric's type is its name
}
"""Kinds whose resource name ends with fields of the spec."""


def is_named_by_server(group: str, kind: str) -> bool:
    """Whether the service generates the ids of this kind, so that the object's name is not the resource's.

    Args:
        group: The kind's API group; empty where it is not known.
        kind: The kind.
    """
    groups = (group,) if group else config_connector.groups_of(kind)
    entries = [entry for group in groups if (entry := config_connector.kind(group, kind)) is not None]
    return any(entry.id_chosen_by == "service" for entry in entries)


def has_resource_id(value: Mapping[str, Any] | None) -> bool:
    """Whether an object contains the server-generated id: `spec.resourceID`."""
    spec = value.get("spec") if value is not None else None
    return isinstance(spec, dict) and spec.get("resourceID") is not None
