"""Recognize elements that a server adds to a declared list.

Each line of the table has the element's schema or the list, the added element, the condition, and its source. Any other
undeclared element is drift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from setpoint.comparison.position import Position

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

_GKE = "https://cloud.google.com/kubernetes-engine/docs/"
_LAST_PRIORITY = 2147483647
_DISK_SOURCES = ("initializeParams", "sourceImage", "sourceSnapshot", "sourceDisk", "source", "sourceInstantSnapshot")
_ARM_MACHINES = ("t2a-", "c4a-", "n4a-", "a4x-")


Condition = Callable[[Position, Any], bool]


class Added(NamedTuple):
    """A kind of element that a server adds.

    Args:
        schema: schema of the element; empty if it is a scalar, or if the list's name is enough.
        list_name: the name of the list; empty if the schema is enough.
        element: the added scalar, or fields of the added element.
        condition: a further condition.
        reason: the reason, for people.
        source: the source of the fact.
    """

    schema: str
    list_name: str
    element: Any
    condition: Condition | None
    reason: str
    source: str


def _has_accelerators(place: Position, _: Any) -> bool:
    return any(isinstance(side, Mapping) and bool(side.get("accelerators")) for side in place.around())


def _is_arm(place: Position, _: Any) -> bool:
    return any(
        isinstance(side, Mapping) and str(side.get("machineType", "")).startswith(_ARM_MACHINES)
        for side in place.around()
    )


def _is_sandboxed(place: Position, _: Any) -> bool:
    return any(isinstance(side, Mapping) and bool(side.get("sandboxConfig")) for side in place.around())


def _does_default(_: Position, element: Any) -> bool:
    """Match an unchanged default rule: allow, without further settings."""
    return element.get("action") in ("allow", None) and not element.get("preview")


def _passes_traffic_on(_: Position, element: Any) -> bool:
    """Match the last rules of a firewall policy, which pass on unmatched traffic."""
    return element.get("action") in ("goto_next", None)


def _has_source(place: Position, _: Any) -> bool:
    """Match features and licenses from the image or snapshot of a disk."""
    return any(isinstance(side, Mapping) and any(side.get(name) for name in _DISK_SOURCES) for side in place.around())


def _is_of_workbench(place: Position, _: Any) -> bool:
    return "gceSetup" in place.names()


def _logs_or_monitors(place: Position, _: Any) -> bool:
    """Match scopes of logging and monitoring, which follow from the cluster's services."""
    return "oauthScopes" in place.names()


ADDED: tuple[Added, ...] = (
    Added(
        *("GoogleFirestoreAdminV1IndexField", "", {"fieldPath": "__name__"}, None),
        *(
            "every Firestore index ends with the document's name",
            "https://cloud.google.com/firestore/docs/reference/rest/v1/projects.databases.collectionGroups.indexes#indexfield",
        ),
    ),
    Added(
        *("SecurityPolicyRule", "", {"priority": _LAST_PRIORITY}, _does_default),
        *(
            "a security policy gets a rule for what no other rule matches, which allows",
            "https://cloud.google.com/armor/docs/security-policy-overview",
        ),
    ),
    Added(
        *("GuestOsFeature", "", {}, _has_source),
        *(
            "a disk has the features of its image",
            "https://cloud.google.com/compute/docs/images/create-custom#guest-os-features",
        ),
    ),
    Added(
        *("", "tags", "deeplearning-vm", _is_of_workbench),
        *("Workbench tags its instances", "https://cloud.google.com/vertex-ai/docs/workbench/instances/introduction"),
    ),
    Added(
        *("", "tags", "notebook-instance", _is_of_workbench),
        *("Workbench tags its instances", "https://cloud.google.com/vertex-ai/docs/workbench/instances/introduction"),
    ),
    *(
        Added(
            *("FirewallPolicyRule", "", {"priority": _LAST_PRIORITY - offset}, _passes_traffic_on),
            *(
                "a firewall policy gets four rules that hand on what no other rule matches",
                "https://cloud.google.com/firewall/docs/firewall-policies-rule-details",
            ),
        )
        for offset in range(4)
    ),
    Added(
        *("NodeTaint", "", {"key": "nvidia.com/gpu", "value": "present"}, _has_accelerators),
        *("GKE taints nodes with GPUs", _GKE + "how-to/gpus"),
    ),
    Added(
        *("NodeTaint", "", {"key": "kubernetes.io/arch", "value": "arm64"}, _is_arm),
        *("GKE taints nodes with Arm machines", _GKE + "how-to/prepare-arm-workloads-for-deployment"),
    ),
    Added(
        *("NodeTaint", "", {"key": "sandbox.gke.io/runtime", "value": "gvisor"}, _is_sandboxed),
        *("GKE taints nodes of GKE Sandbox", _GKE + "how-to/sandbox-pods"),
    ),
    Added(
        *("", "oauthScopes", "https://www.googleapis.com/auth/monitoring.write", _logs_or_monitors),
        *("GKE adds the scope that its monitoring needs", _GKE + "how-to/access-scopes"),
    ),
    Added(
        *("", "oauthScopes", "https://www.googleapis.com/auth/monitoring", _logs_or_monitors),
        *("GKE adds the scope that its monitoring needs", _GKE + "how-to/access-scopes"),
    ),
    Added(
        *("", "oauthScopes", "https://www.googleapis.com/auth/logging.write", _logs_or_monitors),
        *("GKE adds the scope that its logging needs", _GKE + "how-to/access-scopes"),
    ),
)
"""Elements that a server adds by itself, each with its reason and source."""

_BY_SCHEMA = {line.schema for line in ADDED if line.schema}
_BY_NAME = {line.list_name for line in ADDED if line.list_name}


def why_added(place: Position, name: str, item: Field | None, element: Any) -> str:
    """Why the server added this list element; empty if it did not.

    Args:
        place: position of the list.
        name: the list's name.
        item: the schema of its elements.
        element: the undeclared element.
    """
    schema = item.schema.name if item is not None and item.schema is not None else ""
    if schema not in _BY_SCHEMA and name not in _BY_NAME:
        return ""
    for line in ADDED:
        is_of_list = line.schema == schema if line.schema else line.list_name == name
        if (
            is_of_list
            and _matches(line.element, element)
            and (line.condition is None or line.condition(place, element))
        ):
            return f"added by the server: {line.reason} ({line.source})"
    return ""


def _matches(fields: Any, element: Any) -> bool:
    if isinstance(fields, dict):
        return isinstance(element, dict) and all(element.get(key) == value for key, value in fields.items())
    return bool(fields == element)
