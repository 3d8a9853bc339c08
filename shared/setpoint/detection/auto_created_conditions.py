"""Conditions that recognize a resource of Google or of a controller; ``auto_created_resources`` has the rules."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from setpoint.catalog import google_service_agents
from setpoint.model.labels import labels_of
from setpoint.util.json_values import as_object


class Asset(NamedTuple):
    """The parts of an asset that rules look at.

    Args:
        name: full resource name.
        own: last segment of the name.
        data: the resource's fields; empty if the inventory has none.
        project_id: id of its project; empty if unknown.
        project_number: number of its project; empty if unknown.
    """

    name: str
    own: str
    data: dict[str, Any]
    project_id: str = ""
    project_number: str = ""

    def text(self, field: str) -> str:
        """The text of a field; empty if the field is absent or no text."""
        value = self.data.get(field)
        return value if isinstance(value, str) else ""

    def last(self, field: str) -> str:
        """The last segment of a field with a resource name."""
        return self.text(field).rpartition("/")[2]


Holds = Callable[[Asset], bool]


def always(_: Asset) -> bool:
    """Hold for every asset."""
    return True


def named(pattern: str) -> Holds:
    """Match the resource's own name."""
    match = re.compile(pattern).fullmatch
    return lambda asset: match(asset.own) is not None


def named_after_project(pattern: str) -> Holds:
    """Match the resource's own name, whose group ``id`` or ``number`` is that of its project.

    A bucket's name is anybody's choice, and those of services hold the project. The id of a project of a domain
    (``example.com:shop``) is spelled in several ways, and not compared.
    """
    match = re.compile(pattern).fullmatch

    def holds(asset: Asset) -> bool:
        parts = match(asset.own)
        if parts is None:
            return False
        known = {"id": asset.project_id, "number": asset.project_number}
        own = ((known[group], value) for group, value in parts.groupdict().items())
        return all(not project or ":" in project or value == project for project, value in own)

    return holds


def within(pattern: str) -> Holds:
    """Match the name of an ancestor: a part of the resource's path."""
    search = re.compile(pattern).search
    return lambda asset: search(asset.name) is not None


def labelled(pattern: str) -> Holds:
    """Match the key of a label, ``goog-…``: the prefix is reserved for Google."""
    match = re.compile(pattern).match
    return lambda asset: any(map(match, labels_of(asset.data)))


def has_text(field: str, pattern: str = "") -> Holds:
    """Match a field: that it is present, or the beginning of its text."""
    match = re.compile(pattern).match
    return lambda asset: bool(asset.data.get(field)) if not pattern else match(asset.text(field)) is not None


def both(*parts: Holds) -> Holds:
    """Hold where all conditions do."""
    return lambda asset: all(part(asset) for part in parts)


def either(*parts: Holds) -> Holds:
    """Hold where one of the conditions does."""
    return lambda asset: any(part(asset) for part in parts)


def is_pre_populated_rule(asset: Asset) -> bool:
    """Whether a firewall is one of those that a default network begins with."""
    return asset.last("network") == "default" and asset.data.get("priority") in (65534, "65534", 65534.0)


_AUTO_RANGE = ipaddress.IPv4Network("10.128.0.0/9")


def is_of_auto_mode(asset: Asset) -> bool:
    """Whether an auto mode network created a subnetwork: by the network's name and the reserved range."""
    try:
        cidr = ipaddress.IPv4Network(asset.text("ipCidrRange"))
    except ValueError:
        return False
    return cidr.subnet_of(_AUTO_RANGE) and asset.last("network") == asset.own


def is_default_route(asset: Asset) -> bool:
    """Whether a route is the default route of its network."""
    gateway = asset.last("nextHopGateway") == "default-internet-gateway"
    return gateway and asset.own.startswith("default-route-") and asset.text("destRange") in ("0.0.0.0/0", "::/0")


def is_of_instance_group(asset: Asset) -> bool:
    """Match the metadata that a managed instance group sets on its instances: ``created-by``, with the group's name."""
    return any(_names_a_group(str(value)) for value in created_by(asset))


def created_by(asset: Asset) -> list[Any]:
    """The values of ``created-by`` in the metadata of an instance."""
    items = as_object(asset.data.get("metadata")).get("items")
    return [item.get("value") for item in items or () if isinstance(item, dict) and item.get("key") == "created-by"]


_names_a_group = re.compile(r"(?:.*/)?projects/[^/]+/(?:zones|regions)/[^/]+/instanceGroupManagers/[^/]+\Z").match


_CLUSTER = re.compile(r"(gk[e3]-.+-[0-9a-f]{8})-.+")
_NODE_TAG = re.compile(r"(gk[e3]-.+-[0-9a-f]{8})-node")


def is_for_nodes(asset: Asset) -> bool:
    """Whether a firewall rule is for the nodes of a cluster alone, and of the cluster that its name has, if any.

    Source: https://cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules, the column of targets.
    """
    tags = asset.data.get("targetTags")
    if not isinstance(tags, list) or not tags or not all(isinstance(tag, str) for tag in tags):
        return False
    clusters = {match[1] if match is not None else "" for match in map(_NODE_TAG.fullmatch, tags)}
    named_after = _CLUSTER.fullmatch(asset.own)
    return "" not in clusters and (named_after is None or clusters == {named_after[1]})


def is_boot_disk(asset: Asset) -> bool:
    """Whether a disk was created together with an instance: from an image, with the name of its only user."""
    users = asset.data.get("users")
    named = isinstance(users, list) and len(users) == 1 and str(users[0]).rpartition("/")[2] == asset.own
    return named and bool(asset.data.get("sourceImage"))


def is_autoprovisioned(asset: Asset) -> bool:
    """Whether a node pool was created by autoprovisioning."""
    autoscaling = asset.data.get("autoscaling")
    return isinstance(autoscaling, dict) and autoscaling.get("autoprovisioned") is True


def is_default_account(asset: Asset) -> bool:
    """Whether a service account is a default account of a project."""
    return google_service_agents.is_default_account(asset.text("email") or asset.own)


def is_service_agent(asset: Asset) -> bool:
    """Whether a service account is a service agent."""
    return google_service_agents.is_service_agent(f"serviceAccount:{asset.text('email') or asset.own}")


def is_private_apex(asset: Asset) -> bool:
    """Whether a DNS record was created with its zone: the SOA record, or the NS record at the zone's apex."""
    return asset.text("type") == "SOA" or asset.data.get("rrdatas") == ["ns-gcp-private.googledomains.com."]
