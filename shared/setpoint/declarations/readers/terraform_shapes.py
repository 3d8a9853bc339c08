"""Convert attributes with another shape in Terraform than in the API, before they are mapped.

Compute wraps maps and sets: a map `metadata` is a list of keys and values, tags are a list in an object. Some
attributes are JSON in a string.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from setpoint.catalog.schemas import Field, Schema
from setpoint.comparison.source_paths import declared_path
from setpoint.declarations.readers import terraform_keys
from setpoint.declarations.readers.field_mapping import MappedFields
from setpoint.declarations.readers.shape_matching import EMPTY, Secret, from_json
from setpoint.model import field_path
from setpoint.model.field_path import Path, is_below

_ITEMS = "items"

_JSON = {
    # Attribute → the field that takes its JSON list.
    "google_bigquery_table": {"schema": "fields"},
}
_WHOLE = {
    # The attribute is the whole resource, in the API's format.
    "google_monitoring_dashboard": "dashboard_json",
}


_WITH_DISKS = frozenset(("google_compute_instance", "google_compute_instance_from_template"))
_WITH_INTERFACES = frozenset(
    (*_WITH_DISKS, "google_compute_instance_template", "google_compute_region_instance_template")
)
_STARTUP_SCRIPT = "metadata_startup_script"
_FLAG_OF_BLOCK: Mapping[str, Mapping[str, str]] = {
    "google_compute_firewall": {"log_config": "enable"},
    "google_compute_subnetwork": {"log_config": "enable"},
}
"""Type → block → the API's flag for the presence of the block."""
_KINDS_OF_DISK: Mapping[str, dict[str, Any]] = {
    "boot_disk": {"boot": True},
    "attached_disk": {},
    "scratch_disk": {"type": "SCRATCH"},
}
"""Block → the fields of a disk that it implies."""
_DISK_NAMES = {"kms_key_self_link": "disk_encryption_key.kms_key_name", "size": "disk_size_gb"}
_NEW_DISK = {"image": "source_image", "size": "disk_size_gb", "type": "disk_type", "snapshot": "source_snapshot"}
"""Attributes with other names in the API."""


RENAMED: Mapping[str, Mapping[str, str]] = {"google_cloud_scheduler_job": {"paused": "state"}}
"""Type → attribute → the field that a conversion replaces it by."""


class ReshapedTree(NamedTuple):
    """Attributes in the API's shape.

    Args:
        tree: The attributes.
        origins: Attribute path from the resource → the author's, if they differ.
    """

    tree: dict[str, Any]
    origins: dict[str, str]


def reshape(terraform_type: str, tree: Mapping[str, Any], schema: Schema) -> ReshapedTree:
    """Convert the attributes of a resource to the API's shape."""
    tree = terraform_keys.with_known_keys(terraform_type, tree)
    whole = _WHOLE.get(terraform_type)
    if whole is not None and isinstance(text := tree.get(whole), str):
        decoded = from_json(text)
        if isinstance(decoded, dict):
            return ReshapedTree(decoded, dict.fromkeys(decoded, whole))
    given = tree.keys()
    tree = _with_startup_script(tree) if terraform_type in _WITH_INTERFACES else tree
    tree = _with_flags(terraform_type, tree)
    tree = _REWRITES.get(terraform_type, dict)(tree)
    out, origins = _disks(tree) if terraform_type in _WITH_DISKS else (dict(tree), {})
    if renamed := RENAMED.get(terraform_type):
        origins |= {new: old for old, new in renamed.items() if new in out and old in given}
    for name, within in _JSON.get(terraform_type, {}).items():
        text = out.get(name)
        decoded = from_json(text) if isinstance(text, str) else None
        if isinstance(decoded, list):
            out[name] = {within: decoded}
            origins[f"{name}.{within}"] = name
    if terraform_type in _WITH_INTERFACES and isinstance(out.get("network_interface"), list):
        out["network_interface"] = [_interface(interface, tree.get("zone")) for interface in out["network_interface"]]
    for name, value in tree.items():
        item = _item(schema, name)
        if item is not None:
            _wrap(name, value, item, out, origins)
    return ReshapedTree(out, origins)


def reshaped_names(terraform_type: str, names: frozenset[str]) -> frozenset[str]:
    """Dotted names of attributes, and those in an instance's disk blocks as they are in the API's single list."""
    if not names or terraform_type not in _WITH_DISKS:
        return names
    return names | {f"disks.{name.partition('.')[2]}" for name in names if name.partition(".")[0] in _KINDS_OF_DISK}


def _with_flags(terraform_type: str, tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the flags for the presence of blocks."""
    flags = _FLAG_OF_BLOCK.get(terraform_type, {})
    return {
        name: [block | {flags[name]: True} for block in value if isinstance(block, dict)]
        if name in flags and isinstance(value, list)
        else [{flags[name]: False}]
        if name in flags and value is EMPTY
        else value
        for name, value in tree.items()
    }


def _bucket(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert a bucket's retention flag to the API's mode, and the versioning state to its flag."""
    rewritten = dict(tree)
    retention = rewritten.pop("enable_object_retention", None)
    if isinstance(retention, bool):
        rewritten["object_retention"] = {"mode": "Enabled"} if retention else EMPTY
    rules = rewritten.get("lifecycle_rule")
    if isinstance(rules, list):
        rewritten["lifecycle_rule"] = [_rule(rule) if isinstance(rule, dict) else rule for rule in rules]
    return rewritten


def _rule(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert the version flag in the condition of a lifecycle rule."""
    conditions = rule.get("condition")
    if not isinstance(conditions, list):
        return rule
    return {**rule, "condition": [_condition(part) if isinstance(part, dict) else part for part in conditions]}


def _condition(condition: Mapping[str, Any]) -> Mapping[str, Any]:
    state = condition.get("with_state")
    rest = {name: value for name, value in condition.items() if name != "with_state"}
    return rest | {"is_live": _IS_LIVE[state]} if state in _IS_LIVE else rest


def _cluster(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert the exclusions of a maintenance window to the API's map by name."""
    policies = tree.get("maintenance_policy")
    if not isinstance(policies, list):
        return tree
    return {**tree, "maintenance_policy": [_maintenance(part) if isinstance(part, dict) else part for part in policies]}


def _maintenance(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    blocks = policy.get("maintenance_exclusion")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return policy
    rest = {name: value for name, value in policy.items() if name != "maintenance_exclusion"}
    named = {str(block.get("exclusion_name")): _exclusion(block) for block in blocks}
    return rest | {"window": {"maintenance_exclusions": named}}


def _exclusion(block: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {name: block[name] for name in ("start_time", "end_time") if name in block}
    options = block.get("exclusion_options")
    return kept | {"maintenance_exclusion_options": options} if options not in (None, EMPTY) else kept


def _worker_pool(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert the flag against external addresses to the API's choice of egress, in another message."""
    workers = tree.get("worker_config")
    worker = workers[0] if isinstance(workers, list) and workers else None
    if not isinstance(worker, dict) or "no_external_ip" not in worker:
        return tree
    rest = {name: value for name, value in worker.items() if name != "no_external_ip"}
    flag, networks = worker["no_external_ip"], tree.get("network_config")
    network = networks[0] if isinstance(networks, list) and networks and isinstance(networks[0], dict) else {}
    egress = {True: "NO_PUBLIC_EGRESS", False: "PUBLIC_EGRESS"}.get(flag, flag)
    return {**tree, "worker_config": [rest], "network_config": [network | {"egress_option": egress}]}


def _scheduler_job(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert the paused flag of a job to the API's state."""
    paused = tree.get("paused")
    if not isinstance(paused, bool):
        return tree
    rest = {name: value for name, value in tree.items() if name != "paused"}
    return rest | {"state": "PAUSED" if paused else "ENABLED"}


_IS_LIVE: Mapping[Any, Any] = {"LIVE": True, "ARCHIVED": False, "ANY": EMPTY}
"""The API's value of a lifecycle condition on versions, by the provider's value."""


def _with_startup_script(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Move the startup script into the metadata, where the API has it."""
    script = tree.get(_STARTUP_SCRIPT)
    metadata = tree.get("metadata")
    if not isinstance(script, (str, Secret)) or not (
        metadata is None or metadata is EMPTY or isinstance(metadata, dict)
    ):
        return tree
    kept = {name: value for name, value in tree.items() if name != _STARTUP_SCRIPT}
    entries = metadata if isinstance(metadata, dict) else {}
    return kept | {"metadata": {**entries, "startup-script": script}}


def _wrap(name: str, value: Any, item: Field, out: dict[str, Any], origins: dict[str, str]) -> None:
    """Wrap a set or a map in the message that contains it as a list."""
    if value is EMPTY:
        out[name] = {_ITEMS: EMPTY}  # the message is always there, for its fingerprint
        origins[f"{name}.{_ITEMS}"] = name
    elif isinstance(value, list) and item.kind == "scalar":
        out[name] = {_ITEMS: value}
        origins[f"{name}.{_ITEMS}"] = name
    elif isinstance(value, dict) and item.schema is not None and {"key", "value"} <= item.schema.fields.keys():
        out[name] = {_ITEMS: [{"key": key, "value": element} for key, element in value.items()]}
        for index, key in enumerate(value):
            author = field_path.text(((None, name), key))
            origins |= {f"{name}.{_ITEMS}[{index}]": author, f"{name}.{_ITEMS}[{index}].value": author}


def undo(placed: MappedFields, prefix: str, origins: Mapping[str, str]) -> MappedFields:
    """Restore the author's paths of converted attributes.

    Args:
        placed: The result of mapping the converted attributes.
        prefix: The author's path of the resource.
        origins: The origins from `reshape`.
    """
    longest_first = sorted(origins.items(), key=lambda pair: -len(pair[0]))

    def written(path: str) -> str:
        inside = path.removeprefix(f"{prefix}.")
        for shaped, own in longest_first:
            if is_below(inside, shaped):
                return f"{prefix}.{own}{inside.removeprefix(shaped)}"
        return path

    api_origins = dict(placed.origins)
    for api in _paths(placed.data, None):
        author = declared_path(placed.origins, placed.data, api)
        if (own := written(author)) != author:
            api_origins[api] = own
    unplaced = tuple(msgspec.structs.replace(field, path=written(field.path)) for field in placed.unplaced)
    return MappedFields(
        placed.data, api_origins, unplaced, tuple(map(written, placed.unknown)), placed.whole, placed.recorded
    )


def _paths(value: Any, path: Path) -> Iterator[str]:
    """The API paths of all declared values."""
    if path is not None:
        yield field_path.text(path)
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _paths(part, (path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _paths(part, (path, field_path.index(index)))


def _interface(block: Any, zone: Any) -> Any:
    """A network interface with the full name of its subnetwork, if the subnetwork's project is given."""
    if not isinstance(block, dict) or not isinstance(block.get("subnetwork_project"), str):
        return block
    subnetwork = block.get("subnetwork")
    if isinstance(subnetwork, str) and "/" not in subnetwork and isinstance(zone, str):
        region = zone.rpartition("/")[2].rpartition("-")[0]
        subnetwork = f"projects/{block['subnetwork_project']}/regions/{region}/subnetworks/{subnetwork}"
    return block | {"subnetwork": subnetwork}


def _disks(tree: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Join an instance's disk blocks to the API's single list."""
    out, origins = {name: value for name, value in tree.items() if name not in _KINDS_OF_DISK}, {}
    disks: list[Any] = []
    for name, implied in _KINDS_OF_DISK.items():
        blocks = tree.get(name)
        if blocks is EMPTY:
            continue
        if blocks is not None and not (isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks)):
            return dict(tree), {}
        for index, block in enumerate(blocks or ()):
            here = f"disks[{len(disks)}]"
            origins[here] = f"{name}[{index}]"
            disk = implied | {_DISK_NAMES.get(key, key): value for key, value in block.items()}
            key = disk.pop(_DISK_NAMES["kms_key_self_link"], None)
            if key is not None:
                disk["disk_encryption_key"] = {"kms_key_name": key}
            origins |= {f"{here}.{_DISK_NAMES[key]}": f"{name}[{index}].{key}" for key in block if key in _DISK_NAMES}
            inside = disk.get("initialize_params")
            if isinstance(inside, list) and inside and isinstance(inside[0], dict):
                disk["initialize_params"] = [{_NEW_DISK.get(key, key): value for key, value in inside[0].items()}]
                there = "initialize_params[0]"
                origins |= {
                    f"{here}.{there}.{_NEW_DISK[key]}": f"{name}[{index}].{there}.{key}"
                    for key in inside[0]
                    if key in _NEW_DISK
                }
            disks.append(disk)
    if disks:
        out["disks"] = disks
    return out, origins


@lru_cache(maxsize=8192)
def _item(schema: Schema, name: str) -> Field | None:
    """The items of a message that only wraps a list; instance templates keep such messages in `properties`."""
    field = schema.fields.get(name)
    properties = schema.fields.get("properties")
    if field is None and properties is not None and properties.schema is not None:
        field = properties.schema.fields.get(name)
    if field is None or field.schema is None:
        return None
    items = field.schema.fields.get(_ITEMS)
    return items.item if items is not None and items.kind == "list" else None


_REWRITES: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "google_cloud_scheduler_job": _scheduler_job,
    "google_cloudbuild_worker_pool": _worker_pool,
    "google_container_cluster": _cluster,
    "google_storage_bucket": _bucket,
}
"""Type → conversion of its attributes to the API's shape."""
