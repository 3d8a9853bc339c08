"""A Config Connector object for an undeclared resource: it acquires the resource, and never deletes it.

The object is read back by the reader of manifests. A field that would not mean what was observed is left out.

Sources: https://cloud.google.com/config-connector/docs/how-to/managing-resources-with-resource-ids,
https://cloud.google.com/config-connector/docs/how-to/managing-deleting-resources
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from setpoint.catalog import config_connector
from setpoint.catalog.config_connector import ConnectorKind
from setpoint.catalog.inventory_names import inventory_name
from setpoint.catalog.schemas import Catalogue
from setpoint.catalog.terraform_types import Attribute
from setpoint.declarations.export_terraform import SingleBlock, as_terraform
from setpoint.declarations.readers import documents
from setpoint.declarations.readers.krm_references import PROJECT_ID
from setpoint.declarations.readers.load import load_documents
from setpoint.detection import verdict
from setpoint.model import field_path
from setpoint.model.declaration import Declaration
from setpoint.model.naming import camel
from setpoint.model.observation import Observation

DELETION = "cnrm.cloud.google.com/deletion-policy"
_PLACES = ("location", "region", "zone")
_ROUNDS = 8
_LONGEST_NAME = 253
_INTEGERS = {"StorageBucket": ("retentionPolicy", "retentionPeriod")}
"""A field that is an integer by its kind's CRD, and text by the current provider.

Source: https://github.com/GoogleCloudPlatform/k8s-config-connector/blob/master/crds/storage_v1beta1_storagebucket.yaml
"""
_REFERENCE = re.compile(r"\A(?:https://[\w.]+\.googleapis\.com/|projects/[^/]+/)")


def as_krm(
    declaration: Declaration, observation: Observation, schemas: Catalogue, project: str = ""
) -> dict[str, Any] | None:
    """Write the object of one resource; None where no kind is known to have its name.

    Args:
        declaration: the exported declaration.
        observation: what it was exported from.
        schemas: the API's schemas.
        project: the id of its project; empty where it is not known.
    """
    if declaration.key.content != "resource":
        return None
    project = project or observation.project_id
    code = as_terraform(declaration, observation, schemas, project)
    for group, name, kind in config_connector.kinds_of(declaration.asset_type):
        fields = _fields(code.values, code.attributes) if code is not None and code.type in kind.terraform else {}
        _as_integer(fields, name)
        for bare in _bare(group, name, kind, declaration, project):
            made = _proven(bare, fields, declaration, observation, schemas)
            if made is not None:
                return made
    return None


def _bare(
    group: str, name: str, kind: ConnectorKind, declaration: Declaration, project: str
) -> Iterator[dict[str, Any]]:
    """Objects with the name alone: its location, its parent, and its id."""
    path = declaration.key.name.removeprefix("//").partition("/")[2]
    own = path.rpartition("/")[2]
    annotations = {**({PROJECT_ID: project} if project else {}), DELETION: "abandon"}
    head = {
        "apiVersion": f"{group}{config_connector.SUFFIX}/v1beta1",
        "kind": name,
        "metadata": {"name": _object_name(own.partition("@")[0]), "annotations": annotations},
    }
    place = re.search(r"/(?:locations|regions|zones)/([^/]+)/", path)
    where = place[1] if place else "global" if "/global/" in path else ""
    references = {
        parent: {"external": path.rsplit("/", 2)[0]}
        for parent in kind.parents
        if parent.endswith("Ref") and f"/{parent.removesuffix('Ref')}s/" in path
    }
    places = [field for field in kind.parents if field in _PLACES]
    own = own.partition("@")[0] if "/serviceAccounts/" in path else own
    for field in (*places, "", *([*_PLACES] if where and not places else [])):
        spec = {"resourceID": own} | ({field: where} if field and where else {})
        yield {**head, "spec": spec | references}
        yield {**head, "spec": spec | references | {"projectRef": {"external": f"projects/{project}"}}}


def _fields(values: Mapping[str, Any], attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    """The fields of a kind whose schema follows a Terraform type: names in camel case, and references as such."""
    fields: dict[str, Any] = {}
    for name, value in values.items():
        attribute = attributes[name]
        if name in ("name", "project") or attribute.reason == "name":
            continue
        if attribute.inside:
            blocks = [_fields(block, attribute.inside) for block in value]
            fields[camel(name)] = blocks[0] if isinstance(value, SingleBlock) else blocks
        elif name == "type" and isinstance(value, str):
            fields[name] = value.rpartition("/")[2]
        elif isinstance(value, str) and _REFERENCE.search(value):
            fields[f"{camel(name)}Ref"] = {"external": value}
        else:
            fields[camel(name)] = value
    return fields


def _as_integer(fields: dict[str, Any], kind: str) -> None:
    block, name = _INTEGERS.get(kind, ("", ""))
    value = fields.get(block, {}).get(name)
    if isinstance(value, str) and value.isdecimal():
        fields[block] = {**fields[block], name: int(value)}


def _object_name(own: str) -> str:
    """A name that Kubernetes takes, https://kubernetes.io/docs/concepts/overview/working-with-objects/names/."""
    return re.sub(r"[^a-z0-9.-]+", "-", own.lower()).strip("-.")[:_LONGEST_NAME] or "resource"


def _proven(
    bare: Mapping[str, Any],
    fields: Mapping[str, Any],
    declaration: Declaration,
    observation: Observation,
    schemas: Catalogue,
) -> dict[str, Any] | None:
    """The object with the fields that mean what was observed; None where it is another resource's."""
    if _read(bare, declaration) is None:
        return None
    places = _PLACES if any(field in bare["spec"] for field in _PLACES) else ()
    fields = {name: value for name, value in fields.items() if name not in (*bare["spec"], *places)}
    labels = fields.pop("labels", None)
    if isinstance(labels, dict):
        bare = {**bare, "metadata": {**bare["metadata"], "labels": labels}}
    for _ in range(_ROUNDS):
        made = {**bare, "spec": {**bare["spec"], **fields}}
        read = _read(made, declaration)
        if read is None:
            return dict(bare)
        compared = replace(declaration, data=read.data, origins=read.origins)
        differences = verdict.differences(compared, observation, schemas)
        wrong = {_field(each.declared_path or each.path) for each in differences}
        wrong |= {_field(path) for path in read.unchecked}
        if not wrong & fields.keys():
            return made
        fields = {name: value for name, value in fields.items() if name not in wrong}
    return dict(bare)


def _read(made: Mapping[str, Any], declaration: Declaration) -> Declaration | None:
    """The declaration of an object; None where it is invalid, or another resource's."""
    loaded = load_documents(documents.parse(json.dumps(made), "export.json"))
    read = [each for several in loaded.desired for each in several.declarations]
    if len(read) != 1 or any(problem.field != "" and problem.is_error for problem in loaded.problems):
        return None
    wanted = inventory_name(declaration.asset_type, declaration.key.name)
    is_same = inventory_name(read[0].asset_type, read[0].key.name) == wanted
    return read[0] if is_same else None


def _field(path: str) -> str:
    parts = field_path.readable(path)
    return parts[1] if parts and parts[0] == "spec" and len(parts) > 1 else parts[0] if parts else ""
