"""What no rule tells of single Config Connector kinds: tables, each entry with the reason that holds for its API."""

from __future__ import annotations

from collections.abc import Mapping

DIRECTIVES = frozenset(
    (
        "deletionPolicy",  # what the controller does with the resource when the object goes
        "forceDestroy",  # the same
        "forceDelete",  # the same
        "skipDelete",  # the same
        "resourceID",  # the resource's name
    )
)
"""Top-level fields that are addressed to the controller, whatever the kind."""

PLACES = frozenset(
    (
        "projectRef",
        "folderRef",
        "organizationRef",
        "location",
        "region",
        "zone",
    )
)
"""Top-level fields that say where the resource is: they are in its name, and data where the API has such a field."""

UNCHECKED = "?"
"""Stands for a place that the API has not, or where what it holds cannot be told from the manifest."""

MOVES: Mapping[str, Mapping[str, str | None]] = {
    "BigQueryConnectionConnection": {
        # The API wants `project:region:name`, of which the manifest's reference tells the last part only.
        "cloudSQL.instanceRef": UNCHECKED,
    },
    "ComputeFutureReservation": {"shareSettings.projectMap": UNCHECKED},  # by project number, see below
    # The API answers with a map by project number; the manifest says ids, and those of others are not known.
    "ComputeReservation": {"shareSettings.projectMap": UNCHECKED},
    "LoggingLogSink": {
        "uniqueWriterIdentity": None,  # how the sink is made: a parameter of the request, no field
    },
    "SQLInstance": {
        # Terraform's names for the disk, which Config Connector keeps; the API has others.
        "settings.diskAutoresize": "storageAutoResize",
        "settings.diskAutoresizeLimit": "storageAutoResizeLimit",
        "settings.diskSize": "dataDiskSizeGb",
        "settings.diskType": "dataDiskType",
        "settings.crashSafeReplication": "crashSafeReplicationEnabled",
    },
}
"""Kind → the author's field → its API path, as `mapping.Moves` writes it."""

_NAMED_BY_SERVER = frozenset(
    (
        "AccessContextManagerAccessPolicy",  # a number
        "BigQueryConnectionConnection",  # a UUID
        "BigQueryDataTransferConfig",  # a UUID
        "BillingBudgetsBudget",  # a UUID
        "CloudBuildTrigger",  # a UUID
        "CloudIdentityGroup",  # letters and digits
        "CloudIdentityMembership",  # the same
        "ComputeFirewallPolicy",  # a number; its own name is `shortName`
        "Folder",  # a number
        "FirestoreIndex",  # letters and digits
        "IdentityPlatformTenant",  # the display name with a suffix
        "MonitoringAlertPolicy",  # a number
        "MonitoringGroup",  # a number
        "MonitoringNotificationChannel",  # a number
        "MonitoringUptimeCheckConfig",  # the display name with a suffix
        "RecaptchaEnterpriseKey",  # letters and digits
        "SecretManagerSecretVersion",  # a number, counted from 1
        "StorageNotification",  # a number
        "TagsTagKey",  # a number
        "TagsTagValue",  # a number
        "VertexAIDataset",  # a number
    )
)
"""Kinds whose resource gets its name from the server, so that the object's own name says nothing of it."""


def is_named_by_server(kind: str) -> bool:
    """Whether the server names resources of this kind."""
    return kind in _NAMED_BY_SERVER
