"""Objects during a Kustomize build, with their earlier names, by which patches refer to them."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from setpoint.declarations.readers import kustomize_patches
from setpoint.declarations.readers.documents import Document

_LOCAL_CONFIG = "config.kubernetes.io/local-config"
_DEFAULT_NAMESPACE = "default"
_CLUSTER_SCOPED = frozenset(
    (
        *("Namespace", "Node", "PersistentVolume", "CustomResourceDefinition", "APIService", "ClusterRole"),
        *("ClusterRoleBinding", "StorageClass", "PriorityClass", "IngressClass", "CSIDriver", "RuntimeClass"),
        *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
    )
)
"""Cluster-scoped kinds of Kubernetes."""

_NOT_RENAMED = frozenset(("Namespace", "CustomResourceDefinition", "APIService"))
_REQUIREMENT = re.compile(r"\s*(!?)\s*([^\s!=,()]+)\s*(?:(==|=|!=)\s*([^\s,]*)|\s(in|notin)\s*\(([^)]*)\))?\s*")


class ObjectId(NamedTuple):
    """The identity of an object in Kustomize."""

    api_version: str
    kind: str
    name: str
    namespace: str


class KustomizeObject:
    """An object during a build.

    Args:
        origin: The document that it was read from.
    """

    def __init__(self, origin: Document) -> None:
        self.origin = origin
        self.value: Any = copy.deepcopy(origin.value)
        self.ids = [self.current] if not self.fault() else []

    def fault(self) -> str:
        """The error in the object, or an empty string."""
        value = self.value
        if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
            return "is not a Kubernetes object: `kind` is missing"
        metadata = value.get("metadata")
        if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
            return f"{value['kind']}: metadata.name is missing"
        return ""

    @staticmethod
    def subject_of(value: Mapping[str, Any]) -> str:
        """``kind/name`` of an object."""
        metadata = value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return f"{value.get('kind')}/{name}"

    @property
    def subject(self) -> str:
        """``kind/name``."""
        return self.subject_of(self.value)

    @property
    def current(self) -> ObjectId:
        """The current id of the object."""
        metadata = self.value["metadata"]
        return ObjectId(
            str(self.value.get("apiVersion", "")),
            str(self.value["kind"]),
            str(metadata["name"]),
            str(metadata.get("namespace") or _DEFAULT_NAMESPACE),
        )

    def document(self) -> Document:
        """The object as a document of its file."""
        return self.origin._replace(value=self.value)

    def is_local_config(self) -> bool:
        """Whether the object is for tools only, and is not part of the output."""
        annotations = self.value["metadata"].get("annotations")
        return isinstance(annotations, dict) and _LOCAL_CONFIG in annotations

    def is_target_of(self, patch: Mapping[str, Any]) -> bool:
        """Whether a patch names the object, by its current or an earlier id."""
        metadata = patch.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        wanted = ObjectId(
            str(patch.get("apiVersion", "")),
            str(patch.get("kind", "")),
            str(metadata.get("name", "")),
            str(metadata.get("namespace") or _DEFAULT_NAMESPACE),
        )
        return wanted in self.ids or wanted == self.current

    def merge(self, patch: Mapping[str, Any]) -> None:
        """Merge a strategic merge patch; kind, name and namespace stay."""
        metadata = self.value["metadata"]
        kept = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
        merged = kustomize_patches.strategic_merge(self.value, patch)
        merged_metadata = {**(merged.get("metadata") or {})}
        merged_metadata.pop("namespace", None)
        head = {"apiVersion": self.value.get("apiVersion"), "kind": self.value["kind"]}
        self.value = {**merged, **head, "metadata": {**merged_metadata, **kept}}

    def set_namespace(self, namespace: str) -> None:
        """Set the namespace of the object; for a Namespace, its name."""
        if self.value["kind"] == "Namespace":
            self.value["metadata"]["name"] = namespace
        elif self.value["kind"] not in _CLUSTER_SCOPED:
            self.value["metadata"]["namespace"] = namespace
        self.ids.append(self.current)

    def rename(self, prefix: str, suffix: str) -> None:
        """Add a prefix and a suffix to the object's name."""
        if self.value["kind"] not in _NOT_RENAMED:
            metadata = self.value["metadata"]
            metadata["name"] = f"{prefix}{metadata['name']}{suffix}"
            self.ids.append(self.current)

    def add_metadata(self, field: str, pairs: Mapping[str, str]) -> None:
        """Set labels or annotations."""
        if pairs:
            metadata = self.value["metadata"]
            metadata[field] = {**(metadata.get(field) or {}), **pairs}

    def set_image(self, image: Mapping[str, Any]) -> None:
        """Set name, tag or digest of an image in all containers."""
        _set_image(self.value, image)


def _set_image(node: Any, image: Mapping[str, Any]) -> None:
    if isinstance(node, list):
        for element in node:
            _set_image(element, image)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key in {"containers", "initContainers"} and isinstance(value, list):
            for container in value:
                if isinstance(container, dict) and isinstance(container.get("image"), str):
                    container["image"] = _image(container["image"], image)
        _set_image(value, image)


def _image(current: str, image: Mapping[str, Any]) -> str:
    name, separator, digest = current.partition("@")
    tag = ""
    head, colon, last = name.rpartition(":")
    if colon and "/" not in last:
        name, tag = head, last
    if name != image["name"]:
        return current
    name = str(image.get("newName") or name)
    if image.get("digest"):
        return f"{name}@{image['digest']}"
    if image.get("newTag") is not None:
        return f"{name}:{image['newTag']}"
    return f"{name}:{tag}{separator}{digest}" if tag else f"{name}{separator}{digest}"


class Selector(NamedTuple):
    """A selector of a patch's targets: anchored regular expressions, and label selectors."""

    group: str
    version: str
    kind: str
    name: str
    namespace: str
    labels: str
    annotations: str

    @classmethod
    def of(cls, target: Mapping[str, Any]) -> Selector:
        """Parse a ``target``."""
        names = ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector")
        return cls(*(str(target.get(name) or "") for name in names))

    def selects(self, resource: KustomizeObject) -> bool:
        """Whether an object matches, by its first or its current name and namespace."""
        first, current = resource.ids[0], resource.current
        group, slash, version = current.api_version.rpartition("/")
        if not slash:
            group, version = "", current.api_version
        pairs = ((self.group, group), (self.version, version), (self.kind, current.kind))
        metadata = resource.value["metadata"]
        return (
            all(_fits(pattern, text) for pattern, text in pairs)
            and (_fits(self.name, first.name) or _fits(self.name, current.name))
            and (_fits(self.namespace, first.namespace) or _fits(self.namespace, current.namespace))
            and _has_labels(self.labels, metadata.get("labels"))
            and _has_labels(self.annotations, metadata.get("annotations"))
        )


def _fits(pattern: str, text: str) -> bool:
    try:
        return not pattern or re.fullmatch(pattern, text) is not None
    except re.error:
        return pattern == text


def _has_labels(selector: str, labels: Any) -> bool:
    held = labels if isinstance(labels, dict) else {}
    for match in re.finditer(r"(?:[^,(]|\([^)]*\))+", selector):
        requirement = _REQUIREMENT.fullmatch(match[0])
        if requirement is None:
            return False
        negated, key, operator, text, member, listed = requirement.groups()
        value = held.get(key)
        values = {item.strip() for item in listed.split(",")} if listed is not None else {text}
        if operator is None and member is None:
            fits = (key in held) != bool(negated)
        else:
            fits = (value in values) != (operator == "!=" or member == "notin")
        if not fits:
            return False
    return True
