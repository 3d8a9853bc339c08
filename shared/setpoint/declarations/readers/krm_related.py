"""Resources that a Config Connector object declares in place of its own, or beside it.

Some kinds are fields of a project in Compute Engine. Others have a block that is a resource of its own in the API and
in the inventory: an instance of Bigtable is made with its clusters, and a project with the account that pays.

Sources: https://cloud.google.com/bigtable/docs/reference/admin/rest/v2/projects.instances.clusters,
https://cloud.google.com/billing/docs/reference/rest/v1/ProjectBillingInfo,
https://cloud.google.com/compute/docs/reference/rest/v1/projects
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from setpoint.catalog import name_patterns
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.readers import field_mapping, krm_names, krm_placeholders
from setpoint.declarations.readers.krm_references import Objects, project_of, resolve_references, resource_id
from setpoint.declarations.readers.translation import Translated
from setpoint.model.declaration import Declaration, Source
from setpoint.model.resource_key import ResourceKey
from setpoint.util.json_values import as_object

_PROJECT = "compute.googleapis.com/Project"
_CLUSTER = "bigtableadmin.googleapis.com/Cluster"
_BILLING = "cloudbilling.googleapis.com/ProjectBillingInfo"

_LIMITS = "clusterConfig.clusterAutoscalingConfig.autoscalingLimits"
_TARGETS = "clusterConfig.clusterAutoscalingConfig.autoscalingTargets"
_CLUSTER_PATHS: Mapping[str, str | None] = {
    # Terraform's names, which Config Connector keeps.
    "autoscalingConfig": ".",
    "autoscalingConfig.cpuTarget": f"{_TARGETS}.cpuUtilizationPercent",
    "autoscalingConfig.maxNodes": f"{_LIMITS}.maxServeNodes",
    "autoscalingConfig.minNodes": f"{_LIMITS}.minServeNodes",
    "autoscalingConfig.storageTarget": f"{_TARGETS}.storageUtilizationGibPerNode",
    "kmsKeyRef": "encryptionConfig.kmsKeyName",
    "numNodes": "serveNodes",
    "storageType": "defaultStorageType",
    "zone": "location",
}
"""A cluster's field → its API path."""


def of_project(value: Mapping[str, Any], objects: Objects, source: Source) -> Translated | None:
    """Read an object that declares fields of its project in Compute Engine; None for other kinds.

    Its drift is reported and never remediated: writing the fields takes methods of their own.

    Args:
        value: The object.
        objects: The objects that it may refer to.
        source: The location of the object.
    """
    reader = _OF_PROJECTS.get(str(value.get("kind", "")))
    project = project_of(value, objects)
    spec = value.get("spec")
    declared = reader(as_object(spec)) if reader is not None and project else None
    if declared is None or krm_placeholders.has_placeholder(project):
        return None
    data, origins = declared
    key = ResourceKey(f"//compute.googleapis.com/projects/{project}")
    declaration = Declaration(key=key, asset_type=_PROJECT, data=data, project=project, source=source, mode="alert")
    return Translated(declaration, origins={"": "spec", **origins})


def _metadata(spec: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]] | None:
    """All metadata of a project: an added entry is drift, as it is for the controller."""
    metadata = spec.get("metadata")
    if not isinstance(metadata, dict):
        return None
    items = [{"key": key, "value": str(text)} for key, text in sorted(metadata.items())]
    origins = {
        f"commonInstanceMetadata.items[{index}].value": f"spec.metadata.{item['key']}"
        for index, item in enumerate(items)
    }
    return {"commonInstanceMetadata": {"items": items}}, {"commonInstanceMetadata": "spec.metadata", **origins}


def _shared_vpc_host(_: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """That a project shares its networks."""
    return {"xpnProjectStatus": "HOST"}, {}


_OF_PROJECTS: Mapping[str, Callable[[Mapping[str, Any]], tuple[dict[str, Any], dict[str, str]] | None]] = {
    "ComputeProjectMetadata": _metadata,
    "ComputeSharedVPCHostProject": _shared_vpc_host,
}
"""Kind → its fields of the project, and where the author wrote them."""


def related(value: Mapping[str, Any], objects: Objects, source: Source) -> Iterator[Translated]:
    """The resources that an object declares beside its own.

    Args:
        value: The object, which is valid and has a name.
        objects: The objects that it may refer to.
        source: The location of the object.
    """
    reader = _BESIDE.get(str(value.get("kind", "")))
    spec = value.get("spec")
    if reader is not None and isinstance(spec, dict):
        for translated in reader(value, spec, objects):
            declaration = translated.declaration
            yield replace(
                translated,
                declaration=replace(declaration, project=project_of(value, objects), source=source),
            )


def _clusters(value: Mapping[str, Any], spec: Mapping[str, Any], objects: Objects) -> Iterator[Translated]:
    """The clusters of an instance of Bigtable."""
    instance = krm_names.full_name(value, objects)
    schema = default_catalogue().schema_for(_CLUSTER)
    blocks = spec.get("cluster")
    for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
        if schema is None or not instance or not isinstance(block, dict) or not block.get("clusterId"):
            continue
        prefix = f"spec.cluster[{index}]"
        tree = resolve_references({**block, "clusterId": None}, value, objects)
        if block.get("zone"):
            tree["zone"] = f"projects/{project_of(value, objects)}/locations/{block['zone']}"
        placed = field_mapping.place(tree, schema, prefix=prefix, paths=_CLUSTER_PATHS)
        key = ResourceKey(f"{instance}/clusters/{block['clusterId']}")
        yield Translated(
            Declaration(key=key, asset_type=_CLUSTER, data=placed.data),
            unchecked=placed.unchecked,
            origins=placed.origins,
            unplaced=placed.unplaced,
        )


def _billing_account(value: Mapping[str, Any], spec: Mapping[str, Any], objects: Objects) -> Iterator[Translated]:
    """The account that pays for a project."""
    account = resolve_references(spec.get("billingAccountRef"), value, objects, "billingAccountRef")
    if not isinstance(account, str) or not account:
        return
    name = name_patterns.full_name(_BILLING, f"projects/{resource_id(value)}/billingInfo")
    data = {"billingAccountName": f"billingAccounts/{account.rpartition('/')[2]}"}
    declaration = Declaration(key=ResourceKey(name), asset_type=_BILLING, data=data)
    yield Translated(declaration, origins={"": "spec", "billingAccountName": "spec.billingAccountRef"})


_BESIDE: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], Objects], Iterator[Translated]]] = {
    "BigtableInstance": _clusters,
    "Project": _billing_account,
}
"""Kind → what it declares beside its own resource."""
