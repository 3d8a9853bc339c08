"""Resolve references of Config Connector objects: other objects by name, resources by their own name, secrets.

A reference is an object `{external: …}` or `{name: …, namespace: …, kind: …}` in a field `xRef`. It resolves to the
value that the API expects: an e-mail address for a service account, an id for a project, else a name in any spelling
that the comparison accepts. Values that only the cluster or the server knows are unknown.

Source: https://cloud.google.com/config-connector/docs/how-to/creating-resource-references
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from setpoint.catalog import config_connector
from setpoint.declarations.readers import krm_kinds, krm_table
from setpoint.declarations.readers.name_heuristics import words
from setpoint.declarations.readers.shape_matching import UNKNOWN, Reference
from setpoint.util.json_values import as_object

PROJECT_ID = "cnrm.cloud.google.com/project-id"
FOLDER_ID = "cnrm.cloud.google.com/folder-id"
ORGANIZATION_ID = "cnrm.cloud.google.com/organization-id"

_PRINCIPALS = frozenset(("members", "identities"))
_PARTS = frozenset(("external", "name", "namespace", "kind", "apiVersion"))
_POINTERS = frozenset(("secretKeyRef", "configMapKeyRef"))
_STRUCTS = {"structValue": {"fields"}, "listValue": {"values"}}
_KEYED = frozenset(("name", "key", "namespace", "optional"))


NamedObjects = Callable[[str, str], Sequence[Mapping[str, Any]]]
"""Looks up all objects of a name that may be in a namespace; in any namespace if it is empty."""


class Objects:
    """The objects for looking up references.

    Args:
        values: Documents as written; other documents than Kubernetes objects are ignored.
    """

    __slots__ = ("_named", "_namespaces", "names")

    names: Mapping[str, Collection[str]]
    """Names of objects by kind, as many as are kept for finding misspelt ones."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        by_name: dict[str, list[Mapping[str, Any]]] = {}
        names: dict[str, set[str]] = {}
        self._namespaces: Mapping[str, Mapping[str, str]] = {}
        for value in values:
            if (name := name_of(value)) is None:
                continue
            by_name.setdefault(name, []).append(value)
            names.setdefault(str(value.get("kind")), set()).add(name)
            if places := places_of_namespace(value):
                self._namespaces = {**self._namespaces, name: places}
        self._named: NamedObjects = lambda name, _: by_name.get(name, ())
        self.names = names

    @classmethod
    def looked_up(
        cls, named: NamedObjects, namespaces: Mapping[str, Mapping[str, str]], names: Mapping[str, Collection[str]]
    ) -> Objects:
        """Objects in an external store.

        Args:
            named: Looks up objects.
            namespaces: The annotations of each namespace with a project, a folder or an organization.
            names: Names of objects by kind.
        """
        objects = cls()
        objects._named, objects._namespaces, objects.names = named, namespaces, names
        return objects

    def has(self, name: str, namespace: str) -> bool:
        """Whether there is an object of a name that may be in a namespace; in any if it is empty."""
        return bool(self._named(name, namespace))

    def project(self, namespace: str) -> str:
        """The project of a namespace: from its annotation, else the namespace's own name."""
        return self._namespaces.get(namespace, {}).get(PROJECT_ID) or namespace

    def place(self, namespace: str, name: str) -> str:
        """A placement annotation of a namespace, or an empty string.

        Args:
            namespace: The namespace.
            name: The annotation, `FOLDER_ID`.
        """
        return self._namespaces.get(namespace, {}).get(name, "")

    def find(self, name: str, namespace: str, *, kind: str = "", field: str = "") -> Mapping[str, Any] | None:
        """Look up the object of a reference; None if it is unknown.

        Args:
            name: The object's name.
            namespace: Its namespace; empty if the reference has none.
            kind: Its kind, if the reference has one.
            field: The reference's field, which hints at the kind if several objects share the name.
        """
        candidates = [
            candidate
            for candidate in self._named(name, namespace)
            if (not kind or candidate.get("kind") == kind)
            and (not namespace or candidate["metadata"].get("namespace", namespace) == namespace)
        ]
        if field and not kind:
            stem = tuple(word for word in words(field) if word not in {"ref", "refs"})
            named = [
                candidate for candidate in candidates if words(str(candidate.get("kind", "")))[-len(stem) :] == stem
            ]
            candidates = named or candidates
        return candidates[0] if len(candidates) == 1 else None


def name_of(value: Any) -> str | None:
    """The name of a Kubernetes object; None for other values."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


def places_of_namespace(value: Mapping[str, Any]) -> dict[str, str]:
    """The placement annotations of a namespace; empty for other objects."""
    if value.get("kind") != "Namespace":
        return {}
    places = {name: annotation(value, name) for name in (PROJECT_ID, FOLDER_ID, ORGANIZATION_ID)}
    return {name: place for name, place in places.items() if place}


def annotation(value: Mapping[str, Any], name: str) -> str:
    """An annotation of an object, or an empty string."""
    text = annotations_of(value).get(name)
    return str(text) if text is not None else ""


def annotations_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """The annotations of an object."""
    return as_object(as_object(value.get("metadata")).get("annotations"))


def namespace_of(value: Mapping[str, Any]) -> str:
    """An object's namespace, or an empty string."""
    metadata = value.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    return namespace if isinstance(namespace, str) else ""


def project_of(value: Mapping[str, Any], objects: Objects) -> str:
    """The project id of an object's resource; empty if unknown.

    In the controller's order: the reference in the spec, the object's annotation, its namespace.
    """
    spec = value.get("spec")
    reference = spec.get("projectRef") if isinstance(spec, dict) else None
    if isinstance(reference, dict):
        resolved = resolve("projectRef", reference, value, objects)
        return resolved.rpartition("/")[2] if isinstance(resolved, str) else ""
    namespace = namespace_of(value)
    return annotation(value, PROJECT_ID) or (objects.project(namespace) if namespace else "")


def group_of(value: Mapping[str, Any]) -> str:
    """An object's API group, `compute.cnrm.cloud.google.com`."""
    return krm_kinds.name_of(value)[0]


def reported_name(value: Mapping[str, Any]) -> str:
    """The resource's name in the status, or an empty string.

    Source: https://cloud.google.com/config-connector/docs/reference/overview (`status.externalRef`)
    """
    status = value.get("status")
    names = [status.get(field) for field in ("externalRef", "name")] if isinstance(status, dict) else []
    return next((name for name in names if isinstance(name, str) and name), "")


def service_id(value: Mapping[str, Any] | None) -> str:
    """The server-generated id: `spec.resourceID`, else from the status; empty if unknown."""
    if value is None:
        return ""
    spec, status = value.get("spec"), value.get("status")
    if isinstance(spec, dict) and spec.get("resourceID") is not None:
        return str(spec["resourceID"])
    if name := reported_name(value):
        return name.rstrip("/").rpartition("/")[2]
    if not isinstance(status, dict):
        return ""
    kind = str(value.get("kind", ""))
    entry = config_connector.kind(group_of(value), kind)
    fields = (entry.status if entry is not None else "", f"{words(kind)[-1]}Id" if words(kind) else "")
    return next((str(status[field]) for field in fields if field and status.get(field)), "")


def resource_id(value: Mapping[str, Any]) -> str:
    """The last segment of the resource's name: `spec.resourceID`, else the object's own name."""
    spec, metadata = value.get("spec"), value.get("metadata")
    named = spec.get("resourceID") if isinstance(spec, dict) else None
    id_ = named or (metadata.get("name") if isinstance(metadata, dict) else None)
    return str(id_) if id_ is not None else ""


def is_reference(field: str, value: Any) -> bool:
    """Whether an object in this field refers to a resource."""
    if not isinstance(value, dict) or not value or not value.keys() <= _PARTS:
        return False
    named = value.get("external") is not None or value.get("name") is not None
    return named and (field.endswith(("Ref", "Refs")) or "external" in value or ("kind" in value and "name" in value))


def is_secret(field: str, value: Any) -> bool:
    """Whether an object in this field refers to a value that only the cluster knows."""
    if not isinstance(value, dict) or not value:
        return False
    pointed = [inner for name, inner in value.items() if name in _POINTERS] or [value if field in _POINTERS else None]
    if any(isinstance(pointer, dict) and "key" in pointer and pointer.keys() <= _KEYED for pointer in pointed):
        return True
    return "valueFrom" in value or (field.endswith("SecretRef") and "key" in value and value.keys() <= _KEYED)


def is_protobuf_struct(value: Any) -> bool:
    """Whether an object encodes free-form JSON as the protobuf messages `Struct` and `ListValue`."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    [(name, inner)] = value.items()
    return isinstance(inner, dict) and inner.keys() == _STRUCTS.get(name)


def resolve(field: str, reference: Mapping[str, Any], referrer: Mapping[str, Any], objects: Objects) -> Any:
    """The API's value for a reference: a string, or `UNKNOWN`.

    Args:
        field: The reference's field.
        reference: The reference.
        referrer: The referring object, whose namespace and project are the defaults.
        objects: The known objects.
    """
    external = reference.get("external")
    if external is not None:
        return Reference(external)
    name, kind = str(reference.get("name")), str(reference.get("kind") or "")
    namespace = str(reference.get("namespace") or namespace_of(referrer))
    referred = objects.find(name, namespace, kind=kind, field=field)
    kind = str(referred.get("kind")) if referred is not None else kind or kind_by_field(field, group_of(referrer))
    if kind == "Secret" or (kind == "ComputeAddress" and "range" not in field.lower()):
        # For a reference to an address the API usually has the address itself; a range is referred to by name.
        return _address(referred)
    short = resource_id(referred) if referred is not None else name
    if kind == "IAMServiceAccount":
        project = project_of(referred if referred is not None else referrer, objects)
        return Reference(f"{short}@{project}.iam.gserviceaccount.com" if project and "@" not in short else short)
    if krm_table.is_named_by_server(group_of(referred) if referred is not None else "", kind):
        chosen = service_id(referred)
        return Reference(chosen) if chosen else UNKNOWN
    return Reference(short)


def _address(value: Mapping[str, Any] | None) -> Any:
    """The address that an object reserves, if it is known; unknown for a secret."""
    spec = value.get("spec") if value is not None and value.get("kind") == "ComputeAddress" else None
    address = spec.get("address") if isinstance(spec, dict) else None
    return str(address) if address else UNKNOWN


def kind_by_field(field: str, group: str) -> str:
    """The kind that a field's name suggests if the object is unknown; empty if none.

    Args:
        field: The reference's field, `taxonomyRef`.
        group: The referrer's group, whose kinds take precedence.
    """
    stem = field.removesuffix("s").removesuffix("Ref").lower()
    if stem.endswith("serviceaccount"):
        return "IAMServiceAccount"
    return "Folder" if stem == "folder" else config_connector.kind_ending(group, stem)


def resolve_references(tree: Any, referrer: Mapping[str, Any], objects: Objects, field: str = "") -> Any:
    """A spec with references resolved, and secrets replaced by `UNKNOWN`."""
    if isinstance(tree, dict):
        # The API has plain JSON where some kinds have protocol buffers' messages; neither is worth a false alarm.
        if is_secret(field, tree) or is_protobuf_struct(tree):
            return UNKNOWN
        if is_reference(field, tree):
            return resolve(field, tree, referrer, objects)
        return {name: resolve_references(part, referrer, objects, name) for name, part in tree.items()}
    if isinstance(tree, list):
        resolve_part = _principal if field in _PRINCIPALS else resolve_references
        return [resolve_part(part, referrer, objects, field) for part in tree]
    return tree


def _principal(tree: Any, referrer: Mapping[str, Any], objects: Objects, field: str) -> Any:
    """A member of an access rule: a service account has a prefix there, as in IAM."""
    account = tree.get("serviceAccountRef") if isinstance(tree, dict) else None
    parts = resolve_references(tree, referrer, objects, field)
    if isinstance(account, dict) and isinstance(parts, dict):
        address = parts["serviceAccountRef"]
        if isinstance(address, str) and "@" in address and ":" not in address:
            return Reference(f"serviceAccount:{address}")
    return parts
