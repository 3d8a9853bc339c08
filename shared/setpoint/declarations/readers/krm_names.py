"""Determine the full resource name of a Config Connector object.

The API's paths define the names of a kind (`name_patterns`); the object provides their parameters: its project, folder
or organization, its location, its parent, and its own id. The parent may be another object, whose name is then the
first half.

Source: https://cloud.google.com/config-connector/docs/how-to/managing-resources
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from setpoint.catalog import config_connector, inventory_names, name_patterns
from setpoint.catalog.locations import is_zone
from setpoint.catalog.schemas import Schema
from setpoint.catalog.words import singular as singular_of
from setpoint.declarations.readers import krm_kinds, krm_table, name_heuristics
from setpoint.declarations.readers.krm_references import (
    FOLDER_ID,
    ORGANIZATION_ID,
    PROJECT_ID,
    Objects,
    annotation,
    group_of,
    is_reference,
    kind_by_field,
    namespace_of,
    project_of,
    reported_name,
    resolve,
    resource_id,
    service_id,
)
from setpoint.model import references
from setpoint.util.json_values import as_object

_TOPS = ("projects", "folders", "organizations", "billingAccounts")
_REFERENCES_TO_TOPS = {
    "folderRef": "folders",
    "organizationRef": "organizations",
    "billingAccountRef": "billingAccounts",
}
_AREAS = {"locations", "regions", "zones"}
_AREA_FIELDS = {"location", "region", "zone"}
_DEEPEST = 5
_OPEN = "*"
_WORDS_OF_PATHS = {"b": "bucket"}
"""Collection in a path → the name of its members in fields."""
_METHOD = re.compile(r"/(?:get|list|fetch)[A-Z][A-Za-z]*(?:/|\Z)")
"""A method in an API path, which is not a collection of resources."""


class Unnamed(NamedTuple):
    """Why an object has no resource name.

    Args:
        path: The field that would determine it.
        message: What is missing, and the next step.
        pending: Only the service knows the id, so the author made no mistake.
    """

    path: tuple[str, ...]
    message: str
    pending: bool = False


def full_name(value: Mapping[str, Any], objects: Objects) -> str:
    """The full resource name; empty if the object does not determine it.

    Args:
        value: The object.
        objects: The objects that it may refer to.
    """
    target = krm_kinds.of(value)
    path = _path(value, objects, target, 0)
    return name_patterns.full_name(target.asset_type, path) if path else ""


def natural_name(value: Mapping[str, Any], objects: Objects) -> str:
    """A name for an object with a server-generated id, from its natural key; empty if it has none.

    The first asset with the same natural key binds it to the id.

    Args:
        value: The object.
        objects: The objects that it may refer to.
    """
    spec = value.get("spec")
    target = krm_kinds.of(value)
    is_by_server = krm_table.is_named_by_server(group_of(value), str(value.get("kind", "")))
    if not is_by_server or service_id(value) or not isinstance(spec, dict):
        return ""
    placement = _PlacementFields(value, objects, 0)
    own = inventory_names.natural_key(target.asset_type, {**spec, "parent": placement.parent()})
    path = _placed(placement, _patterns(value, target), own) if own else ""
    return name_patterns.full_name(target.asset_type, path) if path else ""


def why_left_out(value: Mapping[str, Any]) -> tuple[str, str] | None:
    """Why a kind is not compared by itself, as a message and its category; None if it is."""
    kind = str(value.get("kind", ""))
    entry = config_connector.kind(group_of(value), kind)
    part = entry.part if entry is not None else ""
    if kind in krm_table.PARTS or part:
        holder = part.partition(":")[0] if "/" in part else krm_table.PARTS.get(kind, "another resource")
        return f"{kind} is a part of {holder} and is not compared by itself; declare it there", "part-of-another"
    target = krm_kinds.of(value)
    if kind in krm_table.NOT_IN_INVENTORY or (entry is not None and not entry.types and not _patterns(value, target)):
        message = f"{kind} is not in Cloud Asset Inventory and has no resource name; it is not compared"
        return message, "not-in-inventory"
    return None


def why_unnamed(value: Mapping[str, Any], objects: Objects) -> Unnamed:
    """Why `full_name` is empty for an object, and the next step."""
    kind = str(value.get("kind", ""))
    if krm_table.is_named_by_server(group_of(value), kind) and not service_id(value):
        return Unnamed(
            ("spec", "resourceID"),
            f"is missing: the service chooses the id of a {kind}; set it, or apply the output of "
            "`kubectl get -o yaml`, whose status has it",
            pending=True,
        )
    target = krm_kinds.of(value)
    spec = value.get("spec")
    for field, collection in _REFERENCES_TO_TOPS.items():
        if isinstance(spec, dict) and spec.get(field) and _has_top(_patterns(value, target), collection):
            message = "has no known number: set `external`, or spec.resourceID of the object that it refers to"
            return Unnamed(("spec", field), message)
    if not project_of(value, objects):
        wants = f"spec.projectRef, the annotation {PROJECT_ID}, or metadata.namespace"
        return Unnamed(("metadata",), f"does not name the project: set {wants}, or the option --project")
    return Unnamed(
        ("spec",), "does not determine the resource's name: set its location and its parent, or spec.resourceID"
    )


def external_name(path: str, target: krm_kinds.KindTarget) -> str:
    """The full resource name of an external reference: a path, a self link, a bucket's name."""
    parts = references.segments(path)
    if len(parts) == 1 and target.asset_type == "storage.googleapis.com/Bucket":
        return name_patterns.full_name(target.asset_type, parts[0])
    return name_patterns.full_name(target.asset_type, "/".join(parts)) if len(parts) > 1 else ""


def _path(value: Mapping[str, Any], objects: Objects, target: krm_kinds.KindTarget, depth: int) -> str:
    """The relative resource name, by the pattern that uses the most parameters of the object."""
    kind = str(value.get("kind", ""))
    patterns = _patterns(value, target)
    named_by_service = krm_table.is_named_by_server(group_of(value), kind)
    fields = krm_table.OWN_FIELDS.get(kind, ())
    if named_by_service and not krm_table.has_resource_id(value) and "/" in (reported := reported_name(value)):
        return _whole(reported, patterns)
    own = _own(value, fields) if fields else service_id(value) if named_by_service else resource_id(value)
    if not own:
        return ""
    if "/" in own and not fields and (whole := _whole(own, patterns)):
        return whole
    if kind == "IAMServiceAccount":
        project = project_of(value, objects)
        return f"projects/{project}/serviceAccounts/{own}@{project}.iam.gserviceaccount.com" if project else ""
    path = _placed(_PlacementFields(value, objects, depth), patterns, own, "/*" * (len(fields) - 1))
    # The status contains the name where the spec alone does not determine it.
    return path or _whole(reported_name(value), patterns)


def _placed(placement: _PlacementFields, patterns: tuple[str, ...], own: str, ending: str = "") -> str:
    """Fill the pattern that uses the most parameters of an object; empty if none can be filled.

    Args:
        placement: The placement fields of the object.
        patterns: The patterns of its kind.
        own: Its own id.
        ending: What the id replaces at the end of a pattern in addition to the last segment.
    """
    filled = []
    for pattern in _allowed(patterns, placement.spec):
        path = placement.fill(pattern.removesuffix(ending), own, patterns)
        if path:
            filled.append((placement.score, path))
    return max(filled)[1] if filled else ""


def _whole(path: str, patterns: tuple[str, ...]) -> str:
    """A complete relative resource name; empty for other values."""
    parts = references.segments(path)
    tops = {pattern.partition("/")[0] for pattern in patterns} | {*_TOPS, "accessPolicies", "tagKeys", "tagValues"}
    return "/".join(parts) if len(parts) > 1 and parts[0] in tops else ""


def _has_top(patterns: tuple[str, ...], collection: str) -> bool:
    return any(pattern.startswith(f"{collection}/*/") for pattern in patterns)


def _allowed(patterns: tuple[str, ...], spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The patterns below the folder or organization in the spec, if the kind has such: never the project's."""
    for field, collection in _REFERENCES_TO_TOPS.items():
        if spec.get(field) and _has_top(patterns, collection):
            return tuple(pattern for pattern in patterns if pattern.startswith(f"{collection}/"))
    return patterns


def _own(value: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    spec = value.get("spec")
    values = [str(spec.get(field) or "") for field in fields] if isinstance(spec, dict) else []
    return "/".join(values) if all(values) else ""


def _patterns(value: Mapping[str, Any], target: krm_kinds.KindTarget) -> tuple[str, ...]:
    """The patterns of a kind's relative resource names."""
    return _patterns_of(group_of(value), str(value.get("kind", "")), target)


@lru_cache(maxsize=2048)
def _patterns_of(group: str, kind: str, target: krm_kinds.KindTarget) -> tuple[str, ...]:
    """The API's patterns that the controller's templates confirm; else the templates, else all of the API's."""
    schema: Schema | None = target.schema
    api = name_patterns.of(target.asset_type, schema.name) if schema is not None else ()
    api = tuple(pattern.removeprefix("admin/") for pattern in api if not _METHOD.search(f"/{pattern}"))
    entry = config_connector.kind(group, kind)
    if kind in krm_table.OWN_FIELDS or target.asset_type == "storage.googleapis.com/Bucket":
        return api
    templates = [krm_kinds.as_pattern(url) for url in entry.urls] if entry is not None else []
    confirmed = [pattern for pattern in api if any(_fits(pattern, template) for template in templates)]
    if confirmed:
        return tuple(confirmed)
    usable = tuple(template for template in templates if template != "*" and not template.startswith("*/*"))
    return usable or api


def _fits(pattern: str, template: str) -> bool:
    """Whether a template equals the pattern, ignoring case; one that starts with its parent matches by its end."""
    pattern, template = pattern.lower(), template.lower()
    if template == "*":
        return False
    return pattern.endswith(template.removeprefix("*")) if template.startswith("*/") else pattern == template


class _PlacementFields:
    """The placement fields of an object."""

    __slots__ = ("depth", "location", "objects", "parents", "score", "spec", "tops", "value")

    def __init__(self, value: Mapping[str, Any], objects: Objects, depth: int) -> None:
        self.value = value
        self.objects = objects
        self.depth = depth
        self.score = 0
        spec = value.get("spec")
        self.spec: Mapping[str, Any] = as_object(spec)
        entry = config_connector.kind(group_of(value), str(value.get("kind", "")))
        self.parents = entry.parents if entry is not None else ()
        self.location = next(
            (str(text) for name in ("location", "region", "zone") if (text := self.spec.get(name))), ""
        ).rpartition("/")[2]
        self.tops = {
            "projects": project_of(value, objects),
            "folders": self._top("folderRef", FOLDER_ID),
            "organizations": self._top("organizationRef", ORGANIZATION_ID),
            "billingAccounts": self._top("billingAccountRef", ""),
            "apps": project_of(value, objects),  # App Engine's collection of projects
        }

    def _top(self, field: str, name: str) -> str:
        reference = self.spec.get(field)
        if isinstance(reference, dict) and is_reference(field, reference):
            name_of_holder = resolve(field, reference, self.value, self.objects)
            return name_of_holder.rpartition("/")[2] if isinstance(name_of_holder, str) else ""
        if not name:
            return ""
        return annotation(self.value, name) or self.objects.place(namespace_of(self.value), name)

    def parent(self) -> str:
        """The folder or organization above the object, ``folders/123``; empty if it names neither."""
        tops = ("folders", "organizations") if self.spec.get("folderRef") else ("organizations", "folders")
        return next((f"{top}/{self.tops[top]}" for top in tops if self.tops[top]), str(self.spec.get("parent") or ""))

    def fill(self, pattern: str, own: str, patterns: tuple[str, ...]) -> str:
        """The pattern filled with the object's parameters; empty if one is missing. Sets the score."""
        parts = pattern.split("/")
        out: list[str] = []
        self.score = 1
        for index, part in enumerate(parts):
            if part != "*":
                out.append(part)
                continue
            collection = parts[index - 1] if index else ""
            if index == len(parts) - 1:
                out.append(own)
            elif collection in self.tops and index == 1:
                if not self.tops[collection]:
                    return ""
                # The more specific wins: an object of an organization may be in a project's namespace.
                self.score += 2 + (_TOPS.index(collection) if collection in _TOPS else 0)
                out.append(self.tops[collection])
            else:
                self._fill(out, collection)
        return "" if _OPEN in out or self._is_elsewhere(parts, patterns) else "/".join(out)

    def _is_elsewhere(self, parts: list[str], patterns: tuple[str, ...]) -> bool:
        """Whether the object names a location that a global pattern lacks."""
        if "global" not in parts or "locations" in parts or self.location in {"", "global"}:
            return False
        areas = {part for other in patterns for part in other.split("/") if part in _AREAS}
        if areas:
            return any(self._is_area(area) for area in areas)
        return _AREA_FIELDS.isdisjoint(self.parents)  # some kinds name the location of their source

    def _fill(self, out: list[str], collection: str) -> None:
        """Add the value for a collection: a location, or the parent; `*` if unknown."""
        if collection in _AREAS and self._is_area(collection):
            out.append(self.location)
            self.score += 8 if collection != "locations" else 4
            return
        holder = self._holder(collection)
        if not holder:
            # The parent's name may include its location; a kind without locations is global.
            is_global = collection == "locations" and _AREA_FIELDS.isdisjoint(self.parents)
            out.append("global" if is_global else _OPEN)
            return
        self.score += 16
        out[:] = holder.split("/") if "/" in holder else [*out, holder]

    def _is_area(self, collection: str) -> bool:
        if not self.location:
            return False
        if collection == "locations":
            return True
        return (collection == "zones") == is_zone(self.location) and self.location != "global"

    def _holder(self, collection: str) -> str:
        """The name of the parent: a path if it is complete, else its last segment."""
        for field in self._holders(collection):
            value = self.spec.get(field)
            if isinstance(value, str) and value:
                return "/".join(references.segments(value))
            if isinstance(value, dict) and is_reference(field, value) and (name := self._named(field, value)):
                return name
        return ""

    def _holders(self, collection: str) -> Iterator[str]:
        """The fields that may name the parent: `clusterRef`, `cluster`, `parentRef`."""
        singular = _WORDS_OF_PATHS.get(collection) or singular_of("".join(name_heuristics.words(collection)))
        for field in self.spec:
            stem = "".join(word for word in name_heuristics.words(field) if word not in {"ref", "id", "name"})
            if stem == singular:
                yield field
        for field in self.spec:
            stem = "".join(word for word in name_heuristics.words(field) if word != "ref")
            if field.endswith("Ref") and (stem.endswith(singular) or stem == "parent" or singular.endswith(stem)):
                yield field
        if collection not in _AREAS:
            yield from (field for field in self.parents if field in self.spec and field not in krm_table.PLACES)

    def _named(self, field: str, reference: Mapping[str, Any]) -> str:
        external = reference.get("external")
        if external is not None:
            path = str(external)
            return "/".join(references.segments(path)) if "/" in path else path
        namespace = str(reference.get("namespace") or namespace_of(self.value))
        holder = self.objects.find(
            str(reference.get("name")), namespace, kind=str(reference.get("kind") or ""), field=field
        )
        if holder is None:
            kind = str(reference.get("kind") or "") or kind_by_field(field, group_of(self.value))
            return "" if krm_table.is_named_by_server("", kind) else str(reference.get("name"))
        if self.depth >= _DEEPEST:
            return ""
        target = krm_kinds.of(holder)
        known = _path(_beside(holder, self.value), self.objects, target, self.depth + 1)
        return known if known or _patterns(holder, target) else resource_id(holder)


def _beside(value: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object in the namespace of its referrer, if it has none of its own."""
    if namespace_of(value):
        return value
    metadata, around = value.get("metadata"), other.get("metadata")
    around = around if isinstance(around, dict) else {}
    placed = {name: around[name] for name in ("namespace", "annotations") if name in around}
    return {**value, "metadata": {**placed, **(metadata if isinstance(metadata, dict) else {})}}
