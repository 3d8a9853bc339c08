"""Convert fields with another shape in Config Connector than in the API, before they are mapped.

Most kinds have the field names of Terraform's provider, whose table maps them. Other differences, such as a list that
is a map in the API, are in tables here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from setpoint.catalog import config_connector
from setpoint.catalog.schemas import Field, Schema
from setpoint.declarations.readers import krm_table, terraform_classes
from setpoint.declarations.readers.shape_matching import EMPTY, UNKNOWN
from setpoint.declarations.readers.terraform_shapes import ReshapedTree
from setpoint.model.naming import camel

_KEYED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    # Kind → list, by names from the spec → the API's map, and the element's field that is its key there.
    "AppEngineFlexibleAppVersion": {"deployment.files": ("files", "name")},
    "AppEngineStandardAppVersion": {"deployment.files": ("files", "name")},
    "ArtifactRegistryRepository": {"cleanupPolicies": ("cleanupPolicies", "id")},
    "BigtableTable": {"columnFamily": ("columnFamilies", "family")},
    "ComputeAutoscaler": {"autoscalingPolicy.scalingSchedules": ("scalingSchedules", "name")},
    "ComputePerInstanceConfig": {
        "preservedState.disk": ("disks", "deviceName"),
        "preservedState.externalIp": ("externalIPs", "interfaceName"),
        "preservedState.internalIp": ("internalIPs", "interfaceName"),
    },
    "ComputeRegionAutoscaler": {"autoscalingPolicy.scalingSchedules": ("scalingSchedules", "name")},
    "ComputeRegionPerInstanceConfig": {
        "preservedState.disk": ("disks", "deviceName"),
        "preservedState.externalIp": ("externalIPs", "interfaceName"),
        "preservedState.internalIp": ("internalIPs", "interfaceName"),
    },
    "ContainerCluster": {"maintenancePolicy.maintenanceExclusion": ("maintenanceExclusions", "exclusionName")},
    "SourceRepoRepository": {"pubsubConfigs": ("pubsubConfigs", "topicRef")},
}

_NO_ISSUERS = ("maxIssuerPathLength", {True: 0})
_NO_AUTHORITY = ("isCa", {True: False})
"""Flags for values that Terraform does not distinguish from absent ones."""

_VALUES: Mapping[str, Mapping[str, Mapping[Any, Any]]] = {
    # Kind → field, by names from the spec → the author's value → the API's; other values are not compared.
    "StorageBucket": {"lifecycleRule.condition.withState": {"LIVE": True, "ARCHIVED": False}},
    "ContainerCluster": {"networkingMode": {"VPC_NATIVE": True, "ROUTES": False}},
}

_SWITCHES: Mapping[str, Mapping[str, tuple[str, Mapping[bool, Any]]]] = {
    # Kind → flag, by names from the spec → the API's field, and its value by the flag's; else the API has no field.
    "ComputeRouterPeer": {"enable": ("enable", {True: "TRUE", False: "FALSE"})},
    "DNSManagedZone": {"reverseLookup": ("reverseLookupConfig", {True: {}, False: EMPTY})},
    "PrivateCACAPool": {"issuancePolicy.baselineValues.caOptions.zeroMaxIssuerPathLength": _NO_ISSUERS},
    "PrivateCACertificate": {
        "config.x509Config.caOptions.nonCa": _NO_AUTHORITY,
        "config.x509Config.caOptions.zeroMaxIssuerPathLength": _NO_ISSUERS,
    },
    "PrivateCACertificateAuthority": {"config.x509Config.caOptions.zeroMaxIssuerPathLength": _NO_ISSUERS},
    "PrivateCACertificateTemplate": {"predefinedValues.caOptions.zeroMaxIssuerPathLength": _NO_ISSUERS},
    "SecretManagerSecretVersion": {"enabled": ("state", {True: "ENABLED", False: "DISABLED"})},
}

_ENTRIES: Mapping[str, Mapping[str, str]] = {
    # Kind → map, by names from the spec → the list of names and values in the API's message.
    "ApigeeEnvironment": {"properties": "property"},
    "ApigeeOrganization": {"properties": "property"},
}

_RENAMED: Mapping[str, Mapping[str, str]] = {
    # Kind of which the catalog has no schema → field, by names from the spec → the API's name.
    "MemorystoreInstance": {"endpoints.connections.pscAutoConnection.projectRef": "projectId"},
}

_RENAMED_IN_MAPS = {"exclusionOptions": "maintenanceExclusionOptions"}
"""Renamed fields in the elements of such lists."""

_STARTUP_SCRIPT = "metadataStartupScript"
_WITH_SCRIPT = frozenset(("ComputeInstance", "ComputeInstanceTemplate"))
_NOT_MERGED = frozenset(("attachedDisk", "bootDisk", "scratchDisk"))
"""Lists of an instance that are a single list in the API: `_disks` joins them."""


@cache
def overrides(group: str, kind: str) -> Mapping[str, str | None]:
    """Field overrides for `field_mapping.place`: dotted names from the spec."""
    entry = config_connector.kind(group, kind)
    paths: dict[str, str | None] = {}
    for terraform_type in entry.terraform if entry is not None else ():
        for path, target in terraform_classes.overrides(terraform_type).items():
            paths.setdefault(".".join(camel(name) for name in path.split(".")), target)
    paths |= config_connector.moved_fields(kind)
    paths |= dict.fromkeys(krm_table.AROUND.get(kind, ()), ".")
    return {path: target for path, target in paths.items() if path.partition(".")[0] not in _NOT_MERGED}


def reshape(kind: str, tree: Mapping[str, Any], schema: Schema) -> ReshapedTree:
    """Convert a spec to the API's shape.

    Args:
        kind: The object's kind.
        tree: The spec, its references resolved.
        schema: The resource's schema.
    """
    origins: dict[str, str] = {}
    shaped = dict(tree)
    if kind in _WITH_SCRIPT:
        shaped = _with_startup_script(shaped, origins)
    if kind == "ComputeInstance":
        shaped = _disks(shaped, origins)
    for path, (name, key) in _KEYED.get(kind, {}).items():
        shaped = _changed(shaped, path.split("."), _by_key(name, key))
    for path, values in _VALUES.get(kind, {}).items():
        shaped = _changed(shaped, path.split("."), _by_value(values))
    for path, (name, by_flag) in _SWITCHES.get(kind, {}).items():
        shaped = _changed(shaped, path.split("."), _by_flag(name, by_flag))
        if path in shaped:
            origins[name] = path
    for path, name in _ENTRIES.get(kind, {}).items():
        shaped = _changed(shaped, path.split("."), _as_entries(name))
    return ReshapedTree(_with_switches(shaped, schema), origins)


def renamed(kind: str, tree: Mapping[str, Any]) -> dict[str, Any]:
    """A spec with the API's names for fields that no rule gives; for kinds of which the catalog has no schema.

    Args:
        kind: The object's kind.
        tree: The spec, its references resolved.
    """
    changed = dict(tree)
    for path, name in _RENAMED.get(kind, {}).items():
        changed = _changed(changed, path.split("."), _by_name(name))
    return changed


_Change = Callable[[str, Any], tuple[str, Any] | None]
"""Converts a field's name and value to the API's; None leaves the field out."""


def _changed(tree: Any, path: list[str], change: _Change) -> Any:
    """A tree with one field converted, through all lists on its path."""
    if isinstance(tree, list):
        return [_changed(element, path, change) for element in tree]
    if not isinstance(tree, dict) or path[0] not in tree:
        return tree
    changed: dict[str, Any] = {}
    for name, value in tree.items():
        if name != path[0]:
            changed[name] = value
        elif len(path) > 1:
            changed[name] = _changed(value, path[1:], change)
        elif (new := change(name, value)) is not None:
            changed[new[0]] = new[1]
    return changed


def _by_name(name: str) -> _Change:
    """Convert a field's name alone."""
    return lambda _, value: (name, value)


def _by_key(name: str, key: str) -> _Change:
    """Convert a list to the API's map."""

    def change(own: str, value: Any) -> tuple[str, Any]:
        keyed = isinstance(value, list) and all(
            isinstance(element, dict) and isinstance(element.get(key), str) for element in value
        )
        if not keyed:
            return own, value
        return name, {str(element[key]): _without(element, key) for element in value}

    return change


def _without(element: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {_RENAMED_IN_MAPS.get(name, name): value for name, value in element.items() if name != key}


def _by_value(values: Mapping[Any, Any]) -> _Change:
    return lambda name, value: (name, values.get(value, UNKNOWN) if isinstance(value, (str, bool)) else value)


def _by_flag(name: str, values: Mapping[bool, Any]) -> _Change:
    """Convert a flag to the value of another field."""

    def change(own: str, value: Any) -> tuple[str, Any] | None:
        if not isinstance(value, bool):
            return own, value
        return (name, values[value]) if value in values else None

    return change


def _as_entries(name: str) -> _Change:
    """Convert a map to a message with a list of names and values."""

    def change(own: str, value: Any) -> tuple[str, Any]:
        if not isinstance(value, dict):
            return own, value
        return own, {name: [{"name": key, "value": part} for key, part in value.items()]}

    return change


def _with_switches(tree: Any, schema: Schema) -> Any:
    """A tree with flags converted to messages, whose presence is the switch in the API."""
    if not isinstance(tree, dict):
        return tree
    switched: dict[str, Any] = {}
    for name, value in tree.items():
        field = schema.fields.get(name)
        if field is None:
            switched[name] = value
        elif value is True and field.kind == "message":
            switched[name] = {}
        elif value is False and field.kind == "message":
            switched[name] = EMPTY
        elif _is_switch(value, field):
            switched[name] = {} if value["enabled"] else EMPTY
        else:
            switched[name] = _inside(value, field)
    return switched


def _is_switch(value: Any, field: Field) -> bool:
    """Whether a block has nothing but a flag for the presence of the API's message."""
    if field.kind != "message" or not isinstance(value, dict) or value.keys() != {"enabled"}:
        return False
    return isinstance(value["enabled"], bool) and field.schema is not None and "enabled" not in field.schema.fields


def _inside(value: Any, field: Field) -> Any:
    if isinstance(value, dict) and field.schema is not None:
        return _with_switches(value, field.schema)
    if isinstance(value, list) and field.item is not None and field.item.schema is not None:
        return [_with_switches(element, field.item.schema) for element in value]
    return value


def _with_startup_script(tree: dict[str, Any], origins: dict[str, str]) -> dict[str, Any]:
    """Move the startup script into the metadata, where the API has it."""
    script, metadata = tree.get(_STARTUP_SCRIPT), tree.get("metadata")
    if not isinstance(script, str) or not isinstance(metadata, list | None):
        return tree
    entries = metadata or []
    origins[f"metadata[{len(entries)}]"] = _STARTUP_SCRIPT
    return {**_without(tree, _STARTUP_SCRIPT), "metadata": [*entries, {"key": "startup-script", "value": script}]}


def _disks(tree: dict[str, Any], origins: dict[str, str]) -> dict[str, Any]:
    """Join an instance's disk lists to the API's single list."""
    disks: list[dict[str, Any]] = []
    rest = {name: value for name, value in tree.items() if name not in _NOT_MERGED}
    for name, implied in (("bootDisk", {"boot": True}), ("attachedDisk", {}), ("scratchDisk", {"type": "SCRATCH"})):
        value = tree.get(name)
        listed = value if isinstance(value, list) else [value]
        for index, block in enumerate(block for block in listed if isinstance(block, dict)):
            author = f"{name}[{index}]" if isinstance(value, list) else name
            origins[f"disks[{len(disks)}]"] = author
            disks.append({**implied, **_disk(block)})
    return {**rest, "disks": disks} if disks else rest


def _disk(block: Mapping[str, Any]) -> dict[str, Any]:
    """A disk with the API's names; what it is made from is write-only and omitted, but for its size."""
    disk = {_DISK_NAMES.get(name, name): value for name, value in block.items() if name != "initializeParams"}
    made = block.get("initializeParams")
    if isinstance(made, dict) and made.get("size") is not None:
        disk.setdefault("diskSizeGb", made["size"])
    key = disk.pop("kmsKeyRef", None)
    return disk | ({"diskEncryptionKey": {"kmsKeyName": key}} if key is not None else {})


_DISK_NAMES = {"sourceDiskRef": "source", "size": "diskSizeGb"}
