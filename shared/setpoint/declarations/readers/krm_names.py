"""The full resource name of a Config Connector object.

The API's own paths say how a resource of the kind is named (`patterns`); the object says what goes into them: its
project, folder or organisation, its location, what holds it, and its own id. What holds it may be another object,
whose name is then the first half.

Source: https://cloud.google.com/config-connector/docs/how-to/managing-resources
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from setpoint.catalog import name_patterns
from setpoint.catalog.schemas import Schema
from setpoint.declarations.readers import krm_kinds, krm_table, name_heuristics
from setpoint.declarations.readers.krm_references import (
    FOLDER_ID,
    ORGANIZATION_ID,
    Objects,
    annotation,
    is_reference,
    namespace_of,
    project_of,
    resolve,
    resource_id,
)
from setpoint.model import references

_ZONE = re.compile(r"[a-z]+-[a-z]+\d+-[a-z]\Z")
_TOPS = ("projects", "folders", "organizations", "billingAccounts")
_AREAS = {"locations", "regions", "zones"}
_DEEPEST = 5
_OPEN = "*"


def full_name(value: Mapping[str, Any], objects: Objects) -> str:
    """The full resource name, or an empty string where the object does not tell it.

    Args:
        value: The object.
        objects: The objects that it may refer to.
    """
    group = str(value.get("apiVersion", "")).partition("/")[0]
    target = krm_kinds.resolve(group, str(value.get("kind", "")))
    path = _path(value, objects, target, 0)
    return name_patterns.full_name(target.asset_type, path) if path else ""


def external_name(path: str, target: krm_kinds.Target) -> str:
    """The full resource name of what a reference names from outside: a path, a self link, a bucket's name."""
    parts = references.segments(path)
    if len(parts) == 1 and target.asset_type == "storage.googleapis.com/Bucket":
        return name_patterns.full_name(target.asset_type, parts[0])
    return name_patterns.full_name(target.asset_type, "/".join(parts)) if len(parts) > 1 else ""


def _path(value: Mapping[str, Any], objects: Objects, target: krm_kinds.Target, depth: int) -> str:
    """The relative resource name, by the pattern that needs most of what the object says."""
    kind = str(value.get("kind", ""))
    fields = krm_table.OWN_FIELDS.get(kind, ())
    own = _own(value, fields) if fields else resource_id(value)
    if krm_table.is_named_by_server(kind) and not krm_table.has_resource_id(value):
        return ""
    if "/" in own and not fields:
        whole = references.segments(own)
        if any(pattern.startswith(f"{whole[0]}/") for pattern in _patterns(target)):
            return "/".join(whole)
    if kind == "IAMServiceAccount":
        project = project_of(value, objects)
        return f"projects/{project}/serviceAccounts/{own}@{project}.iam.gserviceaccount.com" if project else ""
    placement = _PlacementFields(value, objects, depth)
    filled = []
    for pattern in _patterns(target):
        path = placement.fill(pattern.removesuffix("/*" * (len(fields) - 1)), own)
        if path:
            filled.append((placement.score, path))
    return max(filled)[1] if filled else ""


def _own(value: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    spec = value.get("spec")
    values = [str(spec.get(field) or "") for field in fields] if isinstance(spec, dict) else []
    return "/".join(values) if all(values) else ""


def _patterns(target: krm_kinds.Target) -> tuple[str, ...]:
    """The patterns of a kind; of one that no document describes, how most are named (https://google.aip.dev/122)."""
    schema: Schema | None = target.schema
    patterns = name_patterns.of(target.asset_type, schema.name) if schema is not None else ()
    if patterns or schema is not None:
        return patterns
    *head, last = name_heuristics.words(target.asset_type.rpartition("/")[2])
    collection = "".join(word.capitalize() for word in (*head, name_heuristics.plural(last)))
    return (f"projects/*/locations/*/{collection[:1].lower()}{collection[1:]}/*",)


class _PlacementFields:
    """What an object says of its place."""

    __slots__ = ("depth", "location", "objects", "score", "spec", "tops", "value")

    def __init__(self, value: Mapping[str, Any], objects: Objects, depth: int) -> None:
        self.value = value
        self.objects = objects
        self.depth = depth
        self.score = 0
        spec = value.get("spec")
        self.spec: Mapping[str, Any] = spec if isinstance(spec, dict) else {}
        self.location = next(
            (str(text) for name in ("location", "region", "zone") if (text := self.spec.get(name))), ""
        ).rpartition("/")[2]
        self.tops = {
            "projects": project_of(value, objects),
            "folders": self._top("folderRef", FOLDER_ID),
            "organizations": self._top("organizationRef", ORGANIZATION_ID),
            "billingAccounts": self._top("billingAccountRef", ""),
        }

    def _top(self, field: str, name: str) -> str:
        reference = self.spec.get(field)
        if isinstance(reference, dict) and is_reference(field, reference):
            name_of_holder = resolve(field, reference, self.value, self.objects)
            return name_of_holder.rpartition("/")[2] if isinstance(name_of_holder, str) else ""
        return annotation(self.value, name) if name else ""

    def fill(self, pattern: str, own: str) -> str:
        """The pattern with the object's own words, or an empty string where one is missing; sets its score."""
        parts = pattern.split("/")
        out: list[str] = []
        self.score = 1
        for index, part in enumerate(parts):
            if part != "*":
                out.append(part)
                continue
            collection = parts[index - 1] if index else ""
            if index == len(parts) - 1:
                if not own:
                    return ""
                out.append(own)
            elif collection in _TOPS and index == 1:
                if not self.tops[collection]:
                    return ""
                # The more special wins: an object of an organisation may lie in a project's namespace.
                self.score += 2 + _TOPS.index(collection)
                out.append(self.tops[collection])
            elif not self._fill(out, collection):
                return ""
        everywhere = "global" in parts and "locations" not in parts
        if (everywhere and self.location not in {"", "global"}) or _OPEN in out:
            return ""
        return "/".join(out)

    def _fill(self, out: list[str], collection: str) -> bool:
        """Add what stands for a collection: a location, or what holds the resource."""
        if collection in _AREAS and self._is_area(collection):
            out.append(self.location)
            self.score += 8 if collection != "locations" else 4
            return True
        holder = self._holder(collection)
        if not holder:
            # What holds the resource may bring its place along; a kind without places is global.
            out.append("global" if collection == "locations" else _OPEN)
            return collection in _AREAS
        self.score += 16
        out[:] = holder.split("/") if "/" in holder else [*out, holder]
        return True

    def _is_area(self, collection: str) -> bool:
        if not self.location:
            return False
        if collection == "locations":
            return True
        return (collection == "zones") == (_ZONE.match(self.location) is not None) and self.location != "global"

    def _holder(self, collection: str) -> str:
        """The name of what holds the resource: a path where it is known whole, else its last segment."""
        for field in self._holders(collection):
            value = self.spec.get(field)
            if isinstance(value, str) and value:
                return "/".join(references.segments(value))
            if isinstance(value, dict) and is_reference(field, value) and (name := self._named(field, value)):
                return name
        return ""

    def _holders(self, collection: str) -> Iterator[str]:
        """The fields that may name what holds the resource: `clusterRef`, `cluster`, `parentRef`."""
        singular = name_heuristics.singular("".join(name_heuristics.words(collection)))
        for field in self.spec:
            stem = "".join(word for word in name_heuristics.words(field) if word not in {"ref", "id", "name"})
            if stem == singular:
                yield field
        for field in self.spec:
            stem = "".join(word for word in name_heuristics.words(field) if word != "ref")
            if field.endswith("Ref") and (stem.endswith(singular) or stem == "parent" or singular.endswith(stem)):
                yield field

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
            return str(reference.get("name"))
        if self.depth >= _DEEPEST:
            return ""
        group = str(holder.get("apiVersion", "")).partition("/")[0]
        target = krm_kinds.resolve(group, str(holder.get("kind", "")))
        known = _path(_beside(holder, self.value), self.objects, target, self.depth + 1)
        return known if known or _patterns(target) else resource_id(holder)


def _beside(value: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object in the namespace of the one that refers to it, where it says none of its own."""
    if namespace_of(value):
        return value
    metadata, around = value.get("metadata"), other.get("metadata")
    around = around if isinstance(around, dict) else {}
    placed = {name: around[name] for name in ("namespace", "annotations") if name in around}
    return {**value, "metadata": {**placed, **(metadata if isinstance(metadata, dict) else {})}}
