"""Read Config Connector objects as declarations.

Every kind is supported: its asset type follows by rule (`krm_kinds`), its references from the other documents
(`krm_references`), and its fields from the catalog (`field_mapping`), with a small table of exceptions (`krm_table`).

Source: https://cloud.google.com/config-connector/docs/reference/overview
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from setpoint.catalog.schemas import Schema, default_catalogue
from setpoint.comparison.system_fields import CONTROLLER_LABEL
from setpoint.declarations.readers import (
    field_mapping,
    field_search,
    krm_iam,
    krm_kinds,
    krm_names,
    krm_parts,
    krm_placeholders,
    krm_related,
    krm_shapes,
    krm_table,
    terraform_shapes,
)
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.krm_references import Objects, group_of, project_of, resolve_references
from setpoint.declarations.readers.name_heuristics import plain, spellings
from setpoint.declarations.readers.translation import Translated
from setpoint.model.declaration import Declaration, Source
from setpoint.model.resource_key import ResourceKey, content_of
from setpoint.util.json_values import as_object

__all__ = [
    "Objects",
    "describes_other_type",
    "is_krm",
    "read",
    "read_related",
    "related",
    "schema_of",
    "translate",
    "translate_part",
    "uncomparable",
]

_VERSION = re.compile(r"/v\d+(?:(?:alpha|beta)\d+)?\Z")

_SHORTEST = 3
"""Minimum length of a kind's suffix; a shorter one is a part of an acronym."""


_LABELS = ("userLabels", "resourceLabels", "labels")
"""Fields with a resource's labels, in order of precedence: beside user labels, `labels` has another meaning."""


def is_krm(value: Any) -> bool:
    """Whether a document is a Config Connector object."""
    if not isinstance(value, dict):
        return False
    group = str(value.get("apiVersion", "")).partition("/")[0]
    if group.endswith(krm_kinds.CONTROLLER):
        return False
    return group.endswith(krm_kinds.SUFFIX) or krm_kinds.is_misspelt_group(group, str(value.get("kind", "")))


def read(document: Document, objects: Objects) -> Translated | list[Problem]:
    """Read a document; errors are reported by field.

    Args:
        document: A document for which `is_krm` is true.
        objects: All objects of the same source, for looking up references.

    Returns:
        The declaration; or the problems, which may be only warnings, as for a part of another resource.
    """
    value = document.value
    if problems := list(_mistakes(document)):
        return problems
    source = Source(file=document.file, line=document.line, document=document.position)
    kind = str(value["kind"])
    if krm_iam.is_policy(kind):
        policy = krm_iam.translate(value, objects, source)
        if isinstance(policy, Translated):
            return policy
        path = tuple(policy.split("."))
        message = "does not identify the resource: set its kind and its name"
        return [_problem(document, path, message, "unnamed")]
    if (instead := _as_part(value, objects, source) or krm_related.of_project(value, objects, source)) is not None:
        return instead
    name = krm_names.full_name(value, objects) or krm_names.natural_name(value, objects)
    if problem := _why_unread(document, name, objects):
        return [problem]
    target = krm_kinds.of(value)
    candidates = default_catalogue().schemas_for(target.asset_type) or (target.schema,)
    translated = [
        translate(value, objects, name=name, asset_type=target.asset_type, schema=schema, source=source)
        for schema in candidates
    ]
    return min(translated, key=lambda candidate: len(candidate.unchecked))


def read_related(document: Document, objects: Objects) -> list[Translated]:
    """Read what an object declares beside its own resource, as the clusters of an instance of Bigtable.

    Args:
        document: A document that `read` has a declaration for.
        objects: All objects of the same source.
    """
    source = Source(file=document.file, line=document.line, document=document.position)
    return list(krm_related.related(document.value, objects, source))


def related(value: Mapping[str, Any], objects: Objects, *, name: str, asset_type: str) -> Translated | None:
    """What an object declares of another resource than its own; None if nothing.

    Args:
        value: The object.
        objects: The objects that it may refer to.
        name: The full resource name of the other resource.
        asset_type: Its asset type.
    """
    instead = krm_related.of_project(value, objects, Source())
    candidates = (*filter(None, (instead,)), *krm_related.related(value, objects, Source()))
    own = name.rpartition("/")[2]
    return next(
        (
            candidate
            for candidate in candidates
            if candidate.declaration.asset_type == asset_type
            and candidate.declaration.key.name.rpartition("/")[2] == own
        ),
        None,
    )


def _as_part(value: Mapping[str, Any], objects: Objects, source: Source) -> Translated | None:
    """Read an object that is a list element of another resource; None if it is none, or its holder is unknown.

    Its drift is reported and never remediated: writing a list with one known element would drop the others.
    """
    holder = krm_parts.holder_of(value, objects)
    if holder is None:
        return None
    target = krm_kinds.of(holder)
    part, name = krm_parts.of(value, target.asset_type), krm_names.full_name(holder, objects)
    if part is None or not name or krm_placeholders.has_placeholder(name):
        return None
    translated = translate_part(value, objects, part, name=name, asset_type=target.asset_type)
    if not translated.declaration.data:
        return None
    declaration = replace(
        translated.declaration,
        project=project_of(value, objects),
        source=source,
        element=f"{part.field}.{part.key}",
        mode="alert",
    )
    return replace(translated, declaration=declaration)


def _mistakes(document: Document) -> Iterator[Problem]:
    """The errors of an object of any kind: of its form, else placeholders, else of its kind."""
    value = document.value
    checks: tuple[Callable[[Mapping[str, Any]], Iterator[tuple[tuple[str, ...], str]]], ...]
    checks = (_faults, krm_placeholders.faults, krm_kinds.faults)
    for check, category in zip(checks, ("invalid", "placeholder", "unknown-kind"), strict=True):
        problems = [_problem(document, path, message, category) for path, message in check(value)]
        if problems:
            yield from problems
            return


def _why_unread(document: Document, name: str, objects: Objects) -> Problem | None:
    """Why an object is not read: it is a part of another resource, has no name, or contains a placeholder."""
    if left_out := krm_names.why_left_out(document.value):
        return _problem(document, ("kind",), *left_out)
    if not name:
        unnamed = krm_names.why_unnamed(document.value, objects)
        return _problem(document, unnamed.path, unnamed.message, "pending" if unnamed.pending else "unnamed")
    if krm_placeholders.has_placeholder(name):
        return _problem(document, ("spec",), krm_placeholders.message(name), "placeholder")
    return None


def _faults(value: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    metadata = value.get("metadata")
    if not isinstance(value.get("kind"), str) or not value["kind"]:
        yield ("kind",), "is missing"
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        yield ("metadata", "name"), "is missing"
    if not isinstance(value.get("spec", {}) or {}, dict):
        yield ("spec",), "must be an object"
    if not _VERSION.search(str(value.get("apiVersion", ""))):
        yield ("apiVersion",), "must be GROUP/VERSION, as storage.cnrm.cloud.google.com/v1beta1"


def _problem(document: Document, path: tuple[str, ...], message: str, category: str = "invalid") -> Problem:
    return document.problem(path, message, subject=document.subject, category=category)


def describes_other_type(value: Mapping[str, Any], asset_type: str) -> bool:
    """Whether an asset type is that of another resource than the object's own: its holder, or a bound resource.

    Args:
        value: The object.
        asset_type: Cloud Asset Inventory's type.
    """
    group, kind = krm_kinds.name_of(value)
    meant, asked = krm_kinds.resolve(group, kind), asset_type.rpartition("/")[2].lower()
    if kind in krm_table.PARTS:
        return True
    own = (*krm_kinds.endings(kind), meant.asset_type.rpartition("/")[2])
    if any(asked.endswith(ending.lower()) for ending in own if len(ending) >= _SHORTEST):
        return False
    return default_catalogue().schema_for(asset_type) not in (meant.schema, None)


def schema_of(value: Mapping[str, Any], asset_type: str, live: Mapping[str, Any]) -> Schema | None:
    """The schema of a live resource: the asset type's, or the kind's if that fits better.

    Args:
        value: The object.
        asset_type: Cloud Asset Inventory's type, or empty.
        live: The resource from its API or the inventory.
    """
    catalogue = default_catalogue()
    group = str(value.get("apiVersion", "")).partition("/")[0]
    ruled = krm_kinds.resolve(group, str(value.get("kind", "")))
    candidates = [catalogue.fitting(type_, live) for type_ in (asset_type, ruled.asset_type)]
    schemas = [candidate for candidate in candidates if candidate is not None]
    return max(schemas, key=lambda schema: sum(name in schema.fields for name in live), default=None)


def uncomparable(value: Mapping[str, Any], *, name: str, asset_type: str) -> Translated:
    """An object whose fields cannot be compared with a resource: all of them are unchecked.

    Args:
        value: The object.
        name: The full resource name.
        asset_type: Cloud Asset Inventory's type.
    """
    spec = value.get("spec")
    paths = [f"spec.{field}" for field in spec if field not in krm_table.PLACES] if isinstance(spec, dict) else []
    return Translated(
        Declaration(key=ResourceKey(name), asset_type=asset_type, data={}), unchecked=tuple(paths), origins={"": "spec"}
    )


def translate_part(
    value: Mapping[str, Any], objects: Objects, part: krm_parts.KindPart, *, name: str, asset_type: str
) -> Translated:
    """Convert an object that is a list element of another resource to that resource's shape.

    Args:
        value: The object.
        objects: The objects that it may refer to.
        part: Its position in the holder.
        name: The holder's full resource name.
        asset_type: The holder's asset type.
    """
    schema = default_catalogue().schema_for(asset_type)
    field = schema.fields.get(part.field) if schema is not None else None
    element = field.item.schema if field is not None and field.item is not None else None
    if element is None:
        return uncomparable(value, name=name, asset_type=asset_type)
    inner = translate(value, objects, name=name, asset_type=asset_type, schema=element)
    data = {part.key: krm_parts.key_of(part, value), **inner.declaration.data}
    origins = {f"{part.field}[0].{path}" if path else "": author for path, author in inner.origins.items()}
    return replace(
        inner,
        declaration=replace(inner.declaration, data={part.field: [data]}),
        origins={**origins, part.field: "spec", f"{part.field}[0]": "spec"},
        whole=(),
    )


def translate(
    value: Mapping[str, Any],
    objects: Objects,
    *,
    name: str,
    asset_type: str,
    schema: Schema | None,
    source: Source = Source(),  # noqa: B008 - an immutable value
) -> Translated:
    """Convert an object's spec and labels to the API's shape.

    Args:
        value: The object.
        objects: The objects that it may refer to.
        name: The full resource name.
        asset_type: Cloud Asset Inventory's type.
        schema: The schema of the type; None if the catalog has none.
        source: The location of the object.
    """
    kind = str(value.get("kind", ""))
    spec = value.get("spec")
    fields = as_object(spec)
    tree = {name: resolve_references(part, value, objects, name) for name, part in fields.items()}
    moves = {**_not_data(tree, schema, name), **krm_table.MOVES.get(kind, {})}
    if schema is None:
        placed = field_mapping.as_written(krm_shapes.renamed(kind, tree), moves=moves)
    else:
        shaped = krm_shapes.reshape(kind, tree, schema)
        paths = krm_shapes.overrides(group_of(value), kind)
        placed = field_mapping.place(shaped.tree, schema, moves=moves, paths=paths)
        placed = terraform_shapes.undo(placed, "spec", shaped.origins) if shaped.origins else placed
    origins = dict(placed.origins)
    _lift(tree, schema, placed.data, origins)
    _label(value, schema, placed.data, origins)
    for field, meant in krm_table.IMPLIED.get(kind, {}).items():
        placed.data.setdefault(field, meant)
        origins.setdefault(field, "kind")
    return Translated(
        Declaration(
            key=ResourceKey(name, content_of(asset_type)),
            asset_type=asset_type,
            data=placed.data,
            project=project_of(value, objects),
            source=source,
            null_is_absent=schema is not None,
        ),
        unchecked=placed.unchecked,
        origins=origins,
        unplaced=placed.unplaced,
        whole=placed.whole,
    )


def _not_data(tree: Mapping[str, Any], schema: Schema | None, name: str) -> dict[str, None]:
    """Top-level fields for the controller, and those that repeat a part of the resource's name.

    The name contains the resource's place and parents: a field that the API does not have, and whose value is a segment
    of the name, repeats it.
    """
    known = field_search.direct(schema) if schema is not None else {}
    segments = set(name.split("/"))
    left_out = []
    for field, value in tree.items():
        always = field in krm_table.PLACES or field in krm_table.DIRECTIVES
        names = (plain(field),) if always else spellings(field)
        is_field = any((known_field := known.get(spelled)) and not known_field.output_only for spelled in names)
        if not is_field and (always or (isinstance(value, str) and value.rpartition("/")[2] in segments)):
            left_out.append(field)
    return dict.fromkeys(left_out)


def _lift(tree: Mapping[str, Any], schema: Schema | None, data: dict[str, Any], origins: dict[str, str]) -> None:
    """Add the parent of a project or folder, which the API has as a string: `folders/123`."""
    field = schema.fields.get("parent") if schema is not None and schema.name in {"Project", "Folder"} else None
    if field is None or field.type != "string" or "parent" in data:
        return
    for name, collection in (("folderRef", "folders"), ("organizationRef", "organizations")):
        parent = tree.get(name)
        if isinstance(parent, str) and parent:
            data["parent"] = f"{collection}/{parent.rpartition('/')[2]}"
            origins["parent"] = f"spec.{name}"


def _label(value: Mapping[str, Any], schema: Schema | None, data: dict[str, Any], origins: dict[str, str]) -> None:
    """Add the labels of the object, which the controller sets on the resource if the API has labels."""
    metadata = value.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    holder = _labels_of(schema) if schema is not None else ("labels",)
    if not isinstance(labels, dict) or not labels or not holder:
        return
    node = data
    for name in holder[:-1]:
        node = node.setdefault(name, {})
    own = node.get(holder[-1]) or {}
    # Google's labels allow no slash: the controller does not copy Kubernetes labels with one.
    given = {key: str(label) for key, label in labels.items() if "/" not in key and label is not None}
    if not given or not isinstance(own, dict):
        return
    node[holder[-1]] = given | {CONTROLLER_LABEL: "true"} | own
    path = ".".join(holder)
    if own:
        origins.update({f"{path}.{key}": f"metadata.labels.{key}" for key in given if key not in own})
    else:
        origins[path] = "metadata.labels"


def _labels_of(schema: Schema) -> tuple[str, ...]:
    """The path of a resource's own labels: a top-level map, else the only map of user labels further down.

    Other maps further down are labels of parts: a node pool's `config.labels` are its nodes'.
    """
    for name in _LABELS:
        field = schema.fields.get(name)
        if field is not None and field.kind == "map" and not field.output_only:
            return (name,)
    chains = [chain for chain in field_search.below(schema).get("userlabels", ()) if chain[-1].kind == "map"]
    return tuple(field.name for field in chains[0]) if len(chains) == 1 else ()
