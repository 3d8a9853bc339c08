"""Kinds that are an element of another resource: each declares this element of the holder's list, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from setpoint.declarations.readers.krm_references import Objects, namespace_of


class KindPart(NamedTuple):
    """Where a kind stands in the resource that holds it.

    Args:
        types: The asset types of the holder.
        field: The holder's list.
        key: The element's identifying field.
        own: The field of the spec that has the key's value; empty for the object's own name.
    """

    types: tuple[str, ...]
    field: str
    key: str
    own: str = ""


_ROUTER = ("compute.googleapis.com/Router",)
_POLICY = ("compute.googleapis.com/FirewallPolicy", "compute.googleapis.com/NetworkFirewallPolicy")

PARTS: Mapping[str, KindPart] = {
    "ComputeFirewallPolicyAssociation": KindPart(_POLICY, "associations", "name"),
    "ComputeFirewallPolicyRule": KindPart(_POLICY, "rules", "priority", "priority"),
    "ComputeInstanceGroupNamedPort": KindPart(("compute.googleapis.com/InstanceGroup",), "namedPorts", "name"),
    "ComputeNetworkFirewallPolicyAssociation": KindPart(_POLICY, "associations", "name"),
    "ComputeNetworkFirewallPolicyRule": KindPart(_POLICY, "rules", "priority", "priority"),
    "ComputeNetworkPeering": KindPart(("compute.googleapis.com/Network",), "peerings", "name"),
    "ComputeRouterInterface": KindPart(_ROUTER, "interfaces", "name"),
    "ComputeRouterNAT": KindPart(_ROUTER, "nats", "name"),
    "ComputeRouterPeer": KindPart(_ROUTER, "bgpPeers", "name"),
    "StorageBucketAccessControl": KindPart(("storage.googleapis.com/Bucket",), "acl", "entity", "entity"),
    "StorageDefaultObjectAccessControl": KindPart(
        ("storage.googleapis.com/Bucket",), "defaultObjectAcl", "entity", "entity"
    ),
}
"""Kind → its place; each element of the list has the key."""


def of(value: Mapping[str, Any], asset_type: str) -> KindPart | None:
    """The place of an object in a resource of an asset type, or None where it is none of its parts."""
    part = PARTS.get(str(value.get("kind", "")))
    return part if part is not None and asset_type in part.types else None


def key_of(part: KindPart, value: Mapping[str, Any]) -> Any:
    """The value of the identifying field of the object's element."""
    spec, metadata = value.get("spec"), value.get("metadata")
    spec = spec if isinstance(spec, dict) else {}
    if part.own:
        return spec.get(part.own)
    return spec.get("resourceID") or (metadata.get("name") if isinstance(metadata, dict) else None)


def only_element(live: Mapping[str, Any], part: KindPart, key: Any) -> dict[str, Any]:
    """A live resource with no more of the list than the element of a key."""
    elements = live.get(part.field)
    listed = elements if isinstance(elements, list) else []
    kept = [element for element in listed if isinstance(element, dict) and str(element.get(part.key)) == str(key)]
    return {**live, part.field: kept}


class PartHolder(NamedTuple):
    """What holds a part.

    Args:
        field: The reference of the part's spec that names it.
        group: The API group of its kind.
        kind: Its kind.
    """

    field: str
    group: str
    kind: str


_COMPUTE = "compute.cnrm.cloud.google.com"
HOLDERS: Mapping[str, PartHolder] = {
    "ComputeInstanceGroupNamedPort": PartHolder("groupRef", _COMPUTE, "ComputeInstanceGroup"),
    "ComputeNetworkFirewallPolicyAssociation": PartHolder(
        "firewallPolicyRef", _COMPUTE, "ComputeNetworkFirewallPolicy"
    ),
    "ComputeNetworkFirewallPolicyRule": PartHolder("firewallPolicyRef", _COMPUTE, "ComputeNetworkFirewallPolicy"),
    "ComputeNetworkPeering": PartHolder("networkRef", _COMPUTE, "ComputeNetwork"),
    "ComputeRouterInterface": PartHolder("routerRef", _COMPUTE, "ComputeRouter"),
    "ComputeRouterNAT": PartHolder("routerRef", _COMPUTE, "ComputeRouter"),
    "ComputeRouterPeer": PartHolder("routerRef", _COMPUTE, "ComputeRouter"),
    "StorageBucketAccessControl": PartHolder("bucketRef", "storage.cnrm.cloud.google.com", "StorageBucket"),
    "StorageDefaultObjectAccessControl": PartHolder("bucketRef", "storage.cnrm.cloud.google.com", "StorageBucket"),
}
"""Kind → what holds it, where its name follows from the reference."""
_PLACES = ("location", "region", "zone")


def holder_of(value: Mapping[str, Any], objects: Objects) -> Mapping[str, Any] | None:
    """The object that holds a part: the one among the files, else one of its name in the part's place; None for none.

    Args:
        value: The part.
        objects: The objects that it may refer to.
    """
    holder = HOLDERS.get(str(value.get("kind", "")))
    spec = value.get("spec")
    reference = spec.get(holder.field) if holder is not None and isinstance(spec, dict) else None
    if holder is None or not isinstance(reference, dict) or not isinstance(reference.get("name"), str):
        return None
    namespace = str(reference.get("namespace") or namespace_of(value))
    known = objects.find(reference["name"], namespace, kind=holder.kind, field=holder.field)
    if known is not None:
        return known
    metadata = value.get("metadata")
    around = metadata if isinstance(metadata, dict) else {}
    place = {name: spec[name] for name in _PLACES if isinstance(spec, dict) and name in spec}
    about = {name: around[name] for name in ("annotations",) if name in around}
    return {
        "apiVersion": f"{holder.group}/v1beta1",
        "kind": holder.kind,
        "metadata": {"name": reference["name"], "namespace": namespace, **about},
        "spec": place,
    }
