"""Exceptions of single Terraform types: tables, each entry with its reason.

Source: https://registry.terraform.io/providers/hashicorp/google/latest/docs
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from setpoint.declarations.readers.field_mapping_result import UNCHECKED

PROVIDER_ONLY = frozenset(
    (
        "allow_stopping_for_update",  # what the provider may do to make a change
        "create_ignore_already_exists",  # what it does where the resource is there already
        "delete_contents_on_destroy",  # what it does when the resource goes
        "delete_default_routes_on_create",  # an act on creation, no state
        "deletion_policy",  # what it does when the resource goes
        "deletion_protection",  # guards the resource in Terraform; where the API has it too, it is data
        "disable_on_destroy",  # what it does when the resource goes
        "disable_dependent_services",  # the same
        "effective_annotations",  # all annotations, the server's too
        "effective_labels",  # all labels, the provider's and the server's too
        "force_delete",  # what it does when the resource goes
        "force_destroy",  # the same
        "ignore_read_errors",  # how it reads
        "remove_default_node_pool",  # an act on creation, no state
        "skip_delete",  # what it does when the resource goes
        "skip_initial_version_creation",  # an act on creation, no state
        "terraform_labels",  # the declared labels once more
        "timeouts",  # how long it waits
        "wait_for_completion",  # whether it waits
        "id",  # Terraform's own name of the resource
        "self_link",  # the resource's address
        "project",  # in the resource's name
    )
)
"""Attributes for the provider, in every type."""

ADDRESSED = re.compile(
    r"send_\w+_if_(?:zero|empty)"  # whether an empty value is sent
    r"|(?:skip|ignore|wait_for)_\w+"  # what the provider does not do, or waits for
    r"|\w+_on_(?:destroy|delete|deletion|create)"  # what it does when the resource comes or goes
    r"|create_without_validation|\w+_wo(?:_version)?\Z"  # how it sends; secrets that it does not keep
)
"""Patterns of other attributes for the provider, if the API has no field of that name."""

_AUTOSCALER: dict[str, str | None] = {
    "autoscaling_policy.cooldown_period": "coolDownPeriodSec",
    "autoscaling_policy.cpu_utilization.target": "utilizationTarget",
    "autoscaling_policy.load_balancing_utilization.target": "utilizationTarget",
    "autoscaling_policy.max_replicas": "maxNumReplicas",
    "autoscaling_policy.metric": "customMetricUtilizations",
    "autoscaling_policy.metric.target": "utilizationTarget",
    "autoscaling_policy.metric.type": "utilizationTargetType",
    "autoscaling_policy.metric.name": "metric",
    "autoscaling_policy.min_replicas": "minNumReplicas",
}
_DISK: dict[str, str | None] = {
    "create_snapshot_before_destroy": None,  # what the provider does when the disk goes
    "create_snapshot_before_destroy_prefix": None,  # the same
    "image": "sourceImage",
    "size": "sizeGb",
    "snapshot": "sourceSnapshot",
}
_INSTANCE: dict[str, str | None] = {
    "desired_status": UNCHECKED,  # an act; whether the instance runs is no configuration
    "network_interface.subnetwork_project": None,  # a part of the subnetwork's name
    "reservation_affinity.type": "consumeReservationType",
}
_NODES: dict[str, str | None] = {
    "node_config.guest_accelerator": "accelerators",
    "node_config.logging_variant": "loggingConfig.variantConfig.variant",
    "node_config.taint": "taints",
}
_BACKEND: dict[str, str | None] = {
    "connection_draining_timeout_sec": "connectionDraining.drainingTimeoutSec",
}
_POOL: dict[str, str | None] = {
    "version.target_size.percent": "percent",
    "distribution_policy_zones": UNCHECKED,  # short names here, a list of objects there
}
_ROLE: dict[str, str | None] = {"permissions": "includedPermissions"}

MOVES: Mapping[str, Mapping[str, str | None]] = {
    "google_bigquery_table": {
        "clustering": "clustering.fields",
        "time_partitioning.require_partition_filter": None,  # the former place, which the provider keeps as it was
    },
    # Blocks that are kept apart go by their type and the block's name.
    "google_bigtable_instance.cluster": {"num_nodes": "serveNodes", "storage_type": "defaultStorageType"},
    "google_cloud_run_domain_mapping": {"metadata.namespace": None},  # the project, by its id or its number
    "google_cloud_run_service": {
        "autogenerate_revision_name": None,  # how the provider names revisions
        "metadata.namespace": None,  # the project, by its id or its number
    },
    "google_compute_autoscaler": _AUTOSCALER,
    "google_compute_region_autoscaler": _AUTOSCALER,
    "google_compute_backend_bucket": _BACKEND,
    "google_compute_backend_service": _BACKEND,
    "google_compute_region_backend_service": _BACKEND,
    "google_compute_disk": _DISK,
    "google_compute_region_disk": _DISK,
    "google_compute_firewall": {"allow": "allowed", "deny": "denied"},
    "google_compute_instance": _INSTANCE,
    "google_compute_instance_from_template": _INSTANCE,
    "google_compute_instance_template": _INSTANCE | {"instance_description": "properties.description"},
    "google_compute_region_instance_template": _INSTANCE | {"instance_description": "properties.description"},
    "google_compute_instance_group": {"instances": UNCHECKED},  # its members are no part of what the API answers
    "google_compute_instance_group_manager": _POOL,
    "google_compute_region_instance_group_manager": _POOL,
    "google_compute_region_target_tcp_proxy": {"backend_service": "service"},
    "google_compute_target_ssl_proxy": {"backend_service": "service"},
    "google_compute_target_tcp_proxy": {"backend_service": "service"},
    "google_compute_region_target_https_proxy": {"certificate_manager_certificates": "sslCertificates"},
    "google_compute_target_https_proxy": {"certificate_manager_certificates": "sslCertificates"},
    "google_compute_route": {"next_hop_instance_zone": None},  # a part of the next hop's name
    "google_container_cluster": _NODES
    | {
        "cluster_autoscaling.auto_provisioning_defaults": "autoprovisioningNodePoolDefaults",
        "cluster_autoscaling.auto_provisioning_defaults.disk_size": "diskSizeGb",
        "cluster_autoscaling.enabled": "enableNodeAutoprovisioning",
        "default_max_pods_per_node": "defaultMaxPodsConstraint.maxPodsPerNode",
        "min_master_version": UNCHECKED,  # a lower bound for an upgrade; masters are upgraded beyond it
        "networking_mode": UNCHECKED,  # says with a word what the API says with a group
        "node_locations": "locations",
        "node_version": UNCHECKED,  # nodes are upgraded beyond it
        "pod_security_policy_config": UNCHECKED,  # gone from the API
    },
    "google_container_node_pool": _NODES
    | {
        "name_prefix": None,  # how the provider makes the name
        "node_count": UNCHECKED,  # how many nodes there are now; the API only says how many there were first
        "node_locations": "locations",
    },
    "google_dataproc_cluster": {
        "graceful_decommission_timeout": None,  # how the provider takes nodes away
        "cluster_config.initialization_action": "initializationActions",
        "cluster_config.initialization_action.script": "executableFile",
        "cluster_config.initialization_action.timeout_sec": UNCHECKED,  # seconds here, a duration there
        "cluster_config.preemptible_worker_config": "secondaryWorkerConfig",
        "cluster_config.software_config.override_properties": "properties",
        "cluster_config.staging_bucket": "configBucket",
    },
    "google_dns_record_set": {"routing_policy.primary_backup.backup_geo": "backupGeoTargets.items"},
    # How the sink's identity is created; the API only returns the result.
    "google_logging_project_sink": {"unique_writer_identity": None, "custom_writer_identity": None},
    "google_organization_iam_custom_role": _ROLE,
    "google_project_iam_custom_role": _ROLE,
    "google_project": {"auto_create_network": None},  # an act on creation, no state
    "google_sql_database_instance": {
        "clone": None,  # an act on creation, no state
        "encryption_key_name": "diskEncryptionConfiguration.kmsKeyName",
        "restore_backup_context": None,  # an act, no state
        "settings.disk_autoresize": "storageAutoResize",
        "settings.disk_autoresize_limit": "storageAutoResizeLimit",
        "settings.disk_size": "dataDiskSizeGb",
        "settings.disk_type": "dataDiskType",
    },
    "google_workbench_instance": {"desired_state": UNCHECKED},  # an act; whether it runs is no configuration
}
"""Terraform type → attribute → its API path, as `field_mapping.FieldOverrides` writes it.

An entry without a comment has only another name in the API: https://cloud.google.com/apis/docs/overview."""

IMPLIED: Mapping[str, Mapping[str, str]] = {
    "google_project_service": {"state": "ENABLED"},  # that an API is declared means that it is switched on
}
"""Terraform type → API field values that its declaration implies without an attribute."""

LISTS: Mapping[str, tuple[str, str]] = {
    # All of an access policy's, each written as it is alone.
    "google_access_context_manager_access_levels": ("access_levels", "google_access_context_manager_access_level"),
    "google_access_context_manager_service_perimeters": (
        "service_perimeters",
        "google_access_context_manager_service_perimeter",
    ),
}
"""Terraform types that are lists of others: the attribute, and the type of its blocks."""

KEPT_APART: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    # An instance is made with its clusters, which are resources of their own.
    "google_bigtable_instance": (("cluster", "bigtableadmin.googleapis.com/Cluster", "cluster_id"),),
    # Which account pays is said with the project, and kept by Cloud Billing.
    "google_project": (
        ("billing_account", "cloudbilling.googleapis.com/ProjectBillingInfo", "billing_account project_id"),
    ),
}
"""Terraform type → attributes that are resources of their own: the attribute, the asset type, and the block's own id
or, for a plain attribute, what belongs to it."""
