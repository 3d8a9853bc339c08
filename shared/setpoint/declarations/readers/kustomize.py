"""Build Kustomize directories in memory like ``kustomize build``, without running or fetching anything.

Supported are resources, components, namespace, name prefixes and suffixes, labels, annotations, images, and patches by
strategic merge and JSON patch, in Kustomize's own order. A root with other fields is not built: a problem names the
field and the file. Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from setpoint.declarations.readers import boundaries, documents, kustomize_patches
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.kustomize_patches import PatchError
from setpoint.declarations.readers.kustomize_resources import KustomizeObject, Selector

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

_INSTEAD = "run `kustomize build DIRECTORY | setpoint apply -` instead"
_MAX_BUILT = 1_000
"""Maximum number of builds of directories for one root: bases that refer to each other twice double with each level."""
_UNSUPPORTED = {
    # Field → its purpose; its effect is unknown, so no object of the root is read.
    "configurations": "changes which fields are transformed",
    "crds": "changes which fields are transformed",
    "generators": "runs other programs or plugins",
    "helmChartInflationGenerator": "renders Helm charts",
    "helmCharts": "renders Helm charts",
    "helmGlobals": "renders Helm charts",
    "inventory": "belongs to a removed feature",
    "openapi": "changes how lists are merged",
    "replacements": "copies values between objects",
    "transformers": "runs transformers of its own",
    "validators": "runs validators of its own",
    "vars": "copies values between objects",
}
_SUPPORTED = frozenset(
    (
        *("apiVersion", "kind", "metadata", "resources", "bases", "components"),
        *("namespace", "namePrefix", "nameSuffix", "commonLabels", "labels", "commonAnnotations", "images"),
        *("patches", "patchesStrategicMerge", "patchesJson6902"),
        # These affect only Kubernetes' own kinds, or the form of the output.
        *("buildMetadata", "configMapGenerator", "generatorOptions", "replicas", "secretGenerator", "sortOptions"),
    )
)
_REMOTE = re.compile(
    r"(?:[a-z+]+://|git@|github\.com[/:]|gitlab\.com[/:]|bitbucket\.org[/:])|\?ref=|\.git(?:/|\Z)|\w//\w"
)


class KustomizeError(Exception):
    """Why a root cannot be built.

    Args:
        file: The file with the error.
        message: The error and the next step.
        field: The field of the kustomization, or empty.
        line: The line of the file, or 0.
    """

    def __init__(self, file: str, message: str, field: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.problem = Problem(file, line, field, message, category="kustomize")


def kustomization_of(folder: str) -> str:
    """The kustomization file of a directory, or an empty string."""
    return next((path for name in FILE_NAMES if os.path.isfile(path := os.path.join(folder, name))), "")  # noqa: PTH113, PTH118 - paths stay as given


def references(folder: str) -> set[str]:
    """The real paths that a directory's kustomization refers to, readable or not."""
    try:
        fields = _fields(kustomization_of(folder))
    except KustomizeError:
        return set()
    entries = [*_strings(fields, "resources"), *_strings(fields, "bases"), *_strings(fields, "components")]
    entries += [entry for entry in _strings(fields, "patchesStrategicMerge") if "\n" not in entry]
    for field in ("patches", "patchesJson6902"):
        listed = fields.get(field)
        entries += [str(entry["path"]) for entry in listed or () if isinstance(entry, dict) and entry.get("path")]
    return {os.path.realpath(Path(folder, entry)) for entry in entries if not _REMOTE.search(entry)}


def is_component(folder: str) -> bool:
    """Whether a directory's kustomization is a component, which is built only by others."""
    try:
        return _fields(kustomization_of(folder)).get("kind") == "Component"
    except KustomizeError:
        return False


def build(folder: str, root: str = "", boundary: str = "") -> list[Document] | Problem:
    """Build a directory.

    Args:
        folder: A directory with a kustomization.
        root: The directory that reported file names are relative to; empty to report them as given.
        boundary: The directory that links to other directories have to stay in; empty for the repository.

    Returns:
        The built objects, each with its original file and line; or the error.
    """
    try:
        resources = _Builder(root, boundary or boundaries.boundary_of(folder)).accumulate(folder, ())
    except KustomizeError as error:
        return error.problem
    return [resource.document() for resource in resources]


def _fields(file: str, shown: str = "") -> dict[str, Any]:
    """The fields of a kustomization file."""
    shown = shown or file
    if reason := boundaries.refused(file, os.path.realpath(os.path.dirname(file))):  # noqa: PTH120 - paths stay as given
        raise KustomizeError(shown, f"{reason}, as Kustomize demands")
    read = list(documents.read(file, shown))
    problem = next((item for item in read if isinstance(item, Problem)), None)
    if problem is not None:
        raise KustomizeError(shown, problem.message, line=problem.line)
    values = [item.value for item in read if isinstance(item, Document)]
    if len(values) != 1 or not isinstance(values[0], dict):
        raise KustomizeError(shown, "must hold one object: a Kustomization or a Component")
    return values[0]


def _strings(fields: Mapping[str, Any], name: str) -> list[str]:
    listed = fields.get(name)
    return [entry for entry in listed if isinstance(entry, str)] if isinstance(listed, list) else []


class _Builder:
    """Builds one root."""

    def __init__(self, root: str, boundary: str) -> None:
        self._root = root
        self._boundary = boundary
        self._built = 0

    def _check_link(self, entry: str, folder: str, shown: str, field: str) -> None:
        """Refuse a directory that a link leads to, out of the repository; one named by its own path is taken."""
        if boundaries.is_linked_out(entry, folder, self._boundary):
            message = f"{entry} is a link that leads out of {self._boundary} and is not read; copy the directory"
            raise KustomizeError(shown, message, field)

    def _shown(self, path: str) -> str:
        return os.path.relpath(path, self._root) if self._root else os.path.normpath(path)

    def accumulate(
        self, folder: str, above: tuple[str, ...], resources: list[KustomizeObject] | None = None
    ) -> list[KustomizeObject]:
        """The objects of a directory after its own transformations.

        Args:
            folder: The directory.
            above: The directories that are being built, to detect cycles.
            resources: For a component, the resources that it changes.
        """
        file = kustomization_of(folder)
        if not file:
            raise KustomizeError(self._shown(folder), f"has no {FILE_NAMES[0]}")
        self._built += 1
        if self._built > _MAX_BUILT:
            raise KustomizeError(
                self._shown(file), f"its directories refer to each other more than {_MAX_BUILT:,} times; {_INSTEAD}"
            )
        kept = [name for name in FILE_NAMES if Path(folder, name).is_file()]
        shown = self._shown(file)
        if len(kept) > 1:
            raise KustomizeError(shown, f"stands beside {kept[1]}; Kustomize takes only one of them")
        real = os.path.realpath(folder)
        if real in above:
            raise KustomizeError(shown, f"a cycle: {self._shown(folder)} refers to itself through its resources")
        fields = _fields(file, shown)
        self._check(fields, shown, is_part=resources is not None)
        collected = list(resources or ())
        for name in ("resources", "bases"):
            for entry in _listed(fields, name, shown):
                self._take(entry, folder, name, collected, (*above, real))
        for entry in _listed(fields, "components", shown):
            if _REMOTE.search(entry):
                raise KustomizeError(shown, f"{entry} is remote, and nothing is fetched; {_INSTEAD}", "components")
            path = str(Path(folder, entry))
            self._check_link(entry, folder, shown, "components")
            if not is_component(path):
                raise KustomizeError(shown, f"{entry} is not a directory with a Component", "components")
            collected = self.accumulate(path, (*above, real), collected)
        return _Transformation(self, fields, folder, shown).apply(collected)

    def _check(self, fields: Mapping[str, Any], shown: str, *, is_part: bool) -> None:
        kind = fields.get("kind", "Kustomization")
        if kind not in {"Kustomization", "Component"} or (kind == "Component") != is_part:
            raise KustomizeError(shown, f"{kind} cannot stand here", "kind")
        for name, value in fields.items():
            if name in _UNSUPPORTED and value:
                message = f"`{name}` {_UNSUPPORTED[name]}, which is not supported; {_INSTEAD}"
                raise KustomizeError(shown, message, name)
            if name not in _SUPPORTED and name not in _UNSUPPORTED:
                raise KustomizeError(shown, f"`{name}` is not a field of a kustomization", name)

    def _take(
        self, entry: str, folder: str, field: str, collected: list[KustomizeObject], above: tuple[str, ...]
    ) -> None:
        """Add the objects of an entry of `resources`: a file, or a directory with a kustomization."""
        shown = self._shown(kustomization_of(folder))
        path = os.path.normpath(Path(folder, entry))
        is_local = os.path.exists(path)  # noqa: PTH110 - a string
        if not is_local and _REMOTE.search(entry):
            raise KustomizeError(shown, f"{entry} is remote, and nothing is fetched; {_INSTEAD}", field)
        if not is_local:
            raise KustomizeError(shown, f"{entry}: no such file or directory", field)
        if os.path.isdir(path):  # noqa: PTH112 - a string
            self._check_link(entry, folder, shown, field)
            for resource in self.accumulate(path, above):
                _append(collected, resource)
            return
        for document in self.documents(path, folder, field):
            resource = KustomizeObject(document)
            if fault := resource.fault():
                raise KustomizeError(document.file, fault, line=document.line)
            if not resource.is_local_config():
                _append(collected, resource)

    def documents(self, path: str, folder: str, field: str) -> Iterator[Document]:
        """The objects in a file, which must be in or below the referring directory, as Kustomize requires."""
        shown = self._shown(path)
        below = os.path.realpath(folder)
        if os.path.commonpath((below, os.path.realpath(path))) != below:
            where = self._shown(kustomization_of(folder))
            raise KustomizeError(where, f"{shown} does not lie below the directory, as Kustomize demands", field)
        if reason := boundaries.refused(path, below):
            raise KustomizeError(shown, reason, field)
        for item in documents.read(path, shown):
            if isinstance(item, Problem):
                raise KustomizeError(item.file, item.message, line=item.line)
            yield item


def _append(collected: list[KustomizeObject], resource: KustomizeObject) -> None:
    twin = next((other for other in collected if other.current == resource.current), None)
    if twin is not None:
        where = f"{twin.origin.file}:{twin.origin.line}"
        message = f"{resource.subject} is there twice: {where} has it already"
        raise KustomizeError(resource.origin.file, message, line=resource.origin.line)
    collected.append(resource)


def _listed(fields: Mapping[str, Any], name: str, shown: str) -> list[Any]:
    value = fields.get(name) or []
    if not isinstance(value, list):
        raise KustomizeError(shown, "must be a list", name)
    if name in {"resources", "bases", "components"} and not all(isinstance(entry, str) for entry in value):
        raise KustomizeError(shown, "must be a list of paths", name)
    return value


class _Transformation:
    """The transformations of one kustomization, in Kustomize's order.

    Source: https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/target/kusttarget_configplugin.go
    """

    def __init__(self, builder: _Builder, fields: Mapping[str, Any], folder: str, shown: str) -> None:
        self._builder = builder
        self._fields = fields
        self._folder = folder
        self._shown = shown

    def apply(self, resources: list[KustomizeObject]) -> list[KustomizeObject]:
        """The objects after all transformations."""
        for entry in _listed(self._fields, "patchesStrategicMerge", self._shown):
            resources = self._merge(self._patch_texts(entry, "patchesStrategicMerge"), None, resources)
        for entry in _listed(self._fields, "patches", self._shown):
            resources = self._patch(entry, "patches", resources)
        self._set_namespace(resources)
        self._rename(resources)
        self._label(resources)
        for entry in _listed(self._fields, "patchesJson6902", self._shown):
            resources = self._patch(entry, "patchesJson6902", resources)
        for image in _listed(self._fields, "images", self._shown):
            if not isinstance(image, dict) or not isinstance(image.get("name"), str):
                raise KustomizeError(self._shown, "must be a list of {name, newName, newTag, digest}", "images")
            for resource in resources:
                resource.set_image(image)
        return resources

    def _string(self, name: str) -> str:
        value = self._fields.get(name) or ""
        if not isinstance(value, str):
            raise KustomizeError(self._shown, "must be a text", name)
        return value

    def _set_namespace(self, resources: list[KustomizeObject]) -> None:
        namespace = self._string("namespace")
        if not namespace:
            return
        for resource in resources:
            resource.set_namespace(namespace)
        self._check_unique(resources, "namespace")

    def _rename(self, resources: list[KustomizeObject]) -> None:
        prefix, suffix = self._string("namePrefix"), self._string("nameSuffix")
        if prefix or suffix:
            for resource in resources:
                resource.rename(prefix, suffix)

    def _check_unique(self, resources: list[KustomizeObject], field: str) -> None:
        seen: dict[Any, KustomizeObject] = {}
        for resource in resources:
            if resource.current in seen:
                raise KustomizeError(self._shown, f"makes two objects one: {resource.subject} is there twice", field)
            seen[resource.current] = resource

    def _label(self, resources: list[KustomizeObject]) -> None:
        pairs: dict[str, str] = {}
        for entry in _listed(self._fields, "labels", self._shown):
            if not isinstance(entry, dict) or entry.get("fields"):
                message = f"`fields` is not supported; {_INSTEAD}" if isinstance(entry, dict) else "must be {pairs}"
                raise KustomizeError(self._shown, message, "labels")
            pairs |= self._texts(entry.get("pairs"), "labels")
        pairs |= self._texts(self._fields.get("commonLabels"), "commonLabels")
        annotations = self._texts(self._fields.get("commonAnnotations"), "commonAnnotations")
        for resource in resources:
            resource.add_metadata("labels", pairs)
            resource.add_metadata("annotations", annotations)

    def _texts(self, value: Any, field: str) -> dict[str, str]:
        pairs = value or {}
        if not isinstance(pairs, dict) or not all(isinstance(text, str) for text in pairs.values()):
            raise KustomizeError(self._shown, "must be a map of strings; put numbers and flags in quotes", field)
        return pairs

    def _patch_texts(self, entry: Any, field: str) -> list[Any]:
        """The patches of an entry, inline or from a file."""
        if isinstance(entry, dict):
            path, text = entry.get("path"), entry.get("patch")
            if bool(path) == bool(text):
                raise KustomizeError(self._shown, "must have one of `path` and `patch`", field)
            entry = path or text
            is_inline = bool(text)
        else:
            is_inline = isinstance(entry, str) and ("\n" in entry or ":" in entry)
        if not isinstance(entry, str):
            raise KustomizeError(self._shown, "must be a path or a patch", field)
        if not is_inline:
            path = os.path.normpath(Path(self._folder, entry))
            if not os.path.isfile(path):  # noqa: PTH113 - a string
                raise KustomizeError(self._shown, f"{entry}: no such file", field)
            parsed = list(self._builder.documents(path, self._folder, field))
        else:
            parsed = []
            for item in documents.parse(entry, self._shown + "#patch"):
                if isinstance(item, Problem):
                    raise KustomizeError(self._shown, item.message, field)
                parsed.append(item)
        lists = [item for item in parsed if item.above]
        if lists and len(lists) == len(parsed):
            return [[item.value for item in lists]]
        return [item.value for item in parsed]

    def _patch(self, entry: Any, field: str, resources: list[KustomizeObject]) -> list[KustomizeObject]:
        if not isinstance(entry, dict):
            raise KustomizeError(self._shown, "must be a list of {path or patch, target}", field)
        if (options := entry.get("options")) and any(options.values() if isinstance(options, dict) else [1]):
            raise KustomizeError(self._shown, f"`options` is not supported; {_INSTEAD}", field)
        target = Selector.of(entry["target"]) if isinstance(entry.get("target"), dict) else None
        patches = self._patch_texts(entry, field)
        if all(isinstance(patch, dict) and "op" not in patch for patch in patches) and field == "patches":
            return self._merge(patches, target, resources)
        if target is None:
            raise KustomizeError(self._shown, "a JSON patch needs a target", field)
        operations = [operation for patch in patches for operation in (patch if isinstance(patch, list) else [patch])]
        for resource in resources:
            if target.selects(resource):
                try:
                    resource.value = kustomize_patches.json_patch(resource.value, operations)
                except PatchError as error:
                    raise KustomizeError(self._shown, f"{resource.subject}: {error}", field) from None
        return resources

    def _merge(
        self, patches: list[Any], target: Selector | None, resources: list[KustomizeObject]
    ) -> list[KustomizeObject]:
        """Apply strategic merge patches, each to the object that it names, or to the selected objects."""
        for patch in patches:
            if not isinstance(patch, dict):
                raise KustomizeError(self._shown, "a strategic merge patch must be an object", "patches")
            if target is not None:
                chosen = [resource for resource in resources if target.selects(resource)]
            else:
                chosen = [resource for resource in resources if resource.is_target_of(patch)]
                if len(chosen) != 1:
                    named = KustomizeObject.subject_of(patch)
                    count = "no object" if not chosen else "more than one object"
                    raise KustomizeError(self._shown, f"{count} matches the patch of {named}", "patches")
            if kustomize_patches.is_deletion(patch):
                resources = [resource for resource in resources if resource not in chosen]
                continue
            for resource in chosen:
                try:
                    resource.merge(patch)
                except PatchError as error:
                    raise KustomizeError(self._shown, f"{resource.subject}: {error}", "patches") from None
        return resources
