"""Kinds that are an element of another resource, compared with that element of a live one.

Only `diff` compares parts: a stored declaration owns a whole list, and nothing tells whether the other elements are
declared elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Part(NamedTuple):
    """Where a kind stands in the resource that holds it.

    Args:
        types: The asset types of the holder.
        field: The holder's list.
        key: The element's field that tells it from others.
        own: The field of the spec that has the key's value; empty for the object's own name.
    """

    types: tuple[str, ...]
    field: str
    key: str
    own: str = ""


_ROUTER = ("compute.googleapis.com/Router",)
_POLICY = ("compute.googleapis.com/FirewallPolicy", "compute.googleapis.com/NetworkFirewallPolicy")

PARTS: Mapping[str, Part] = {
    "ComputeFirewallPolicyAssociation": Part(_POLICY, "associations", "name"),
    "ComputeFirewallPolicyRule": Part(_POLICY, "rules", "priority", "priority"),
    "ComputeInstanceGroupNamedPort": Part(("compute.googleapis.com/InstanceGroup",), "namedPorts", "name"),
    "ComputeNetworkFirewallPolicyAssociation": Part(_POLICY, "associations", "name"),
    "ComputeNetworkFirewallPolicyRule": Part(_POLICY, "rules", "priority", "priority"),
    "ComputeNetworkPeering": Part(("compute.googleapis.com/Network",), "peerings", "name"),
    "ComputeRouterInterface": Part(_ROUTER, "interfaces", "name"),
    "ComputeRouterNAT": Part(_ROUTER, "nats", "name"),
    "ComputeRouterPeer": Part(_ROUTER, "bgpPeers", "name"),
    "StorageBucketAccessControl": Part(("storage.googleapis.com/Bucket",), "acl", "entity", "entity"),
    "StorageDefaultObjectAccessControl": Part(
        ("storage.googleapis.com/Bucket",), "defaultObjectAcl", "entity", "entity"
    ),
}
"""Kind → its place; each element of the list has the key."""


def of(value: Mapping[str, Any], asset_type: str) -> Part | None:
    """The place of an object in a resource of an asset type, or None where it is none of its parts."""
    part = PARTS.get(str(value.get("kind", "")))
    return part if part is not None and asset_type in part.types else None


def key_of(part: Part, value: Mapping[str, Any]) -> Any:
    """The value of the field that tells the object's element from others."""
    spec, metadata = value.get("spec"), value.get("metadata")
    spec = spec if isinstance(spec, dict) else {}
    if part.own:
        return spec.get(part.own)
    return spec.get("resourceID") or (metadata.get("name") if isinstance(metadata, dict) else None)


def only_element(live: Mapping[str, Any], part: Part, key: Any) -> dict[str, Any]:
    """A live resource with no more of the list than the element of a key."""
    elements = live.get(part.field)
    listed = elements if isinstance(elements, list) else []
    kept = [element for element in listed if isinstance(element, dict) and str(element.get(part.key)) == str(key)]
    return {**live, part.field: kept}
