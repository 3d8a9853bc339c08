"""The lifecycle of a resource from its own fields: in transition between states, or deleted.

The fields are read from its top level: ``state``, ``status``, ``lifecycleState``, depending on the API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_SAID_IN = ("state", "status", "lifecycleState", "serverState")

_GONE = frozenset(
    ("DELETED", "DELETE_REQUESTED", "DELETE_IN_PROGRESS", "DELETING", "SOFT_DELETED", "DESTROYED", "DESTROY_SCHEDULED")
)
"""States of deleted resources that are retained for a while: projects and folders, identity pools, key versions.

Sources: https://cloud.google.com/resource-manager/docs/creating-managing-projects#shutting_down_projects,
https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers#undelete-pool,
https://cloud.google.com/kms/docs/key-states
"""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
_DELETION_TIMES = ("deleteTime", "deletedTime", "softDeleteTime", "deletionTime")

_ON_ITS_WAY = frozenset(
    (
        *("ACTIVATING", "ALLOCATING_RESOURCES", "APPLYING", "BOOTSTRAPPING", "CONFIGURING", "CREATING"),
        *("DEACTIVATING", "DELETING", "DEPLOYING", "DEPROVISIONING", "DISABLING", "DRAINING", "ENABLING"),
        *("INITIALIZING", "MAINTENANCE", "MIGRATING", "MODIFYING", "PAUSING", "PENDING", "PENDING_CREATE"),
        *("PENDING_DELETE", "PENDING_STOP", "PERFORMING_MAINTENANCE", "PREPARING", "PROMOTING", "PROVISIONING"),
        *("REBOOTING", "RECONCILING", "RECREATING", "REIMAGING", "REPAIRING", "RESERVING", "RESIZING", "RESTARTING"),
        *("RESTORING", "RESUMING", "STAGING", "STARTING", "STOPPING", "SUSPENDING", "UNDEPLOYING", "UPDATING"),
        *("UPGRADING", "WAITING_FOR_FULL_CONFIG"),
    )
)
"""Transitional states, from the enums of Google's discovery documents."""


def is_gone(data: Any) -> bool:
    """Whether a resource that is still listed has been deleted."""
    return isinstance(data, dict) and bool(gone_field(data))


_STATES = ("lifecycleState", "state", "status")
_TELLING = frozenset(("deleted", "metadata", *_STATES, *_DELETION_TIMES))
"""The fields that may mark a resource as deleted."""


def gone_field(data: Any) -> str:
    """The field that marks a listed resource as deleted; empty if there is none."""
    if not isinstance(data, dict) or not (telling := _TELLING.intersection(data)):
        return ""
    if data.get("deleted") is True:
        return "deleted"
    for field in _STATES:
        if field in telling and isinstance(value := data[field], str) and value.removeprefix("STATE_") in _GONE:
            return field
    if len(telling) == 1 and not telling.isdisjoint(_STATES):  # the usual case
        return ""
    if field := next((field for field in _DELETION_TIMES if _is_time(data.get(field))), ""):
        return field
    metadata = data.get("metadata")
    is_ending = isinstance(metadata, dict) and _is_time(metadata.get("deletionTimestamp"))
    return "metadata.deletionTimestamp" if is_ending else ""


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.match(value) is not None


def is_transitional(data: Any) -> bool:
    """Whether an operation on a resource is in progress, so that its present state is not its final one."""
    if not isinstance(data, dict):
        return False
    return data.get("reconciling") is True or any(
        status.removeprefix("STATE_") in _ON_ITS_WAY for status in _statuses(data)
    )


def _statuses(data: dict[str, Any]) -> Iterator[str]:
    """The status words of a resource; some APIs store a message in these fields."""
    return (status for field in _SAID_IN if isinstance(status := data.get(field), str))
