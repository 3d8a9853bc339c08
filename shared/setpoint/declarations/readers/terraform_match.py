"""Find the resource of a plan that declares a live resource."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import msgspec

from setpoint.catalog import field_rules
from setpoint.catalog.schemas import Schema
from setpoint.comparison import absence, system_fields
from setpoint.declarations.readers import terraform, terraform_documents, terraform_iam
from setpoint.declarations.readers.terraform import DeclaredPart
from setpoint.declarations.readers.translation import Translated
from setpoint.model import field_path, references
from setpoint.model.field_path import Path
from setpoint.model.naming import camel
from setpoint.model.references import Project

_STAMPS = ("createTime", "creationTimestamp", "timeCreated", "creationTime", "id", "selfLink", "uid", "uniqueId")
"""Output-only fields that a server sets at creation, and returns in every answer."""

_CLOSE = 0.9
"""Minimum similarity of an unknown name to a known name: a letter added or missing."""


def find_parts(plan: Mapping[str, Any], asset_type: str, full_name: str, own: Project) -> list[DeclaredPart]:
    """The resources of a plan that may declare a live one, only the most certain.

    Args:
        plan: The output of `terraform show -json`.
        asset_type: Cloud Asset Inventory's type of the live resource.
        full_name: Its full resource name.
        own: The project of the live resource.
    """
    blocks = terraform_documents.read(plan, project=own.id).google
    parts = [part for block in blocks if not terraform_iam.is_iam(block.type) for part in terraform.parts(block)]
    service = asset_type.partition("/")[0]
    candidates = (
        [part for part in parts if part.means.asset_type == asset_type]
        or [part for part in parts if _is_same_kind(part.means.asset_type, asset_type)]
        or [part for part in parts if service.endswith(part.means.service)]
    )
    exact = [part for part in candidates if part.name.text and references.same(part.name.text, full_name, own)]
    last = full_name.rpartition("/")[2]
    named = [part for part in candidates if part.name.own and part.name.own.rpartition("/")[2] == last]
    # The others have names that only the server knows: each that is not certainly another resource is a candidate.
    return exact or named or [part for part in candidates if not part.name.text] or candidates


def _is_same_kind(first: str, other: str) -> bool:
    """Whether two asset types are one kind, regional or global."""
    service, _, kind = first.partition("/")
    other_service, _, other_kind = other.partition("/")
    # Access levels and perimeters are of `accesscontextmanager` and of `identity.accesscontextmanager`.
    is_same_service = service == other_service or other_service.endswith(f".{service}")
    return is_same_service and _plain(kind) == _plain(other_kind)


def _plain(kind: str) -> str:
    return kind.removeprefix("Region").removeprefix("Global").lower()


def most_similar(parts: Sequence[DeclaredPart], live: Mapping[str, Any]) -> DeclaredPart:
    """Of several candidates, the one whose attributes have most values of the live resource."""
    there = set(_scalars(live))
    return max(parts, key=lambda part: sum(value in there for value in _scalars(part.block.values)))


def as_api(live: Mapping[str, Any], schema: Schema | None) -> Mapping[str, Any]:
    """A live resource in the format of its API, converted from the body of a create request if needed.

    Tools that generate assets from plans keep the body of a create request, in which the resource is one field among
    others, and write names in snake case or misspelled. The answer of an API is unchanged.
    """
    if schema is None or not live:
        return live
    known = schema.fields.keys()
    if not known & live.keys():
        inside = [part for part in live.values() if isinstance(part, dict) and known & part.keys()]
        live = inside[0] if len(inside) == 1 else live
    if known >= live.keys():
        return live
    return {name if name in known else _nearest(name, known - live.keys()): value for name, value in live.items()}


def _nearest(name: str, free: AbstractSet[str]) -> str:
    """The only field that a name is similar to, or an empty string."""
    field = camel(name)
    matches = [field] if field in free else difflib.get_close_matches(field, free, n=2, cutoff=_CLOSE)
    return matches[0] if len(matches) == 1 else name


def is_before_apply(document: Mapping[str, Any]) -> bool:
    """Whether a document is a plan, whose generated assets are not answers of a server."""
    return isinstance(document.get("planned_values"), dict)


def is_answer(live: Mapping[str, Any], schema: Schema | None) -> bool:
    """Whether the data may be an answer of an API: it has output-only fields, if the type has any."""
    if schema is None:
        return True
    stamps = {name for name in _STAMPS if (field := schema.fields.get(name)) is not None and field.output_only}
    return not stamps or bool(stamps & live.keys())


def sent(translated: Translated, live: Mapping[str, Any], schema: Schema | None) -> Translated:
    """The part of a declaration that can be compared with a request body.

    A field that a request omits gets its default: of one whose default is not known, nothing is known.

    Args:
        translated: The declaration.
        live: The body.
        schema: The schema of the body.
    """
    lacking: list[str] = []
    data = _present(translated.declaration.data, live, None, _Request(schema, lacking))
    return msgspec.structs.replace(
        translated,
        declaration=msgspec.structs.replace(translated.declaration, data=data),
        unchecked=(*translated.unchecked, *map(translated.declared_path, lacking)),
    )


class _Request(NamedTuple):
    """A request body.

    Args:
        schema: Its schema.
        lacking: The declared fields that it omits, and whose default is not known.
    """

    schema: Schema | None
    lacking: list[str]

    def gives_default(self, path: Path, value: Any) -> bool:
        """Whether a field gets its declared value where a request omits it."""
        field, name, table = None, "", None
        if self.schema is not None:
            table = field_rules.of(self.schema.service, self.schema.name)
            for name in field_path.parse(field_path.text(path)):
                field = absence.child(field, name) if field is not None else self.schema.fields.get(name)
        return bool(absence.why_default(field, name, value, absence.rules_at(table, path), Project()))


def _present(declared: Any, live: Any, path: Path, request: _Request) -> Any:
    if not isinstance(declared, dict) or not isinstance(live, dict):
        return declared
    out = {}
    for name, value in declared.items():
        if value is None:
            continue  # an omitted field in a request does not mean that the resource lacks it
        if name in live:
            out[name] = _present(value, live[name], (path, name), request)
        elif system_fields.is_zero(value) or request.gives_default((path, name), value):
            out[name] = value
        else:
            request.lacking.extend(_leaves(value, (path, name)))
    return out


def _leaves(value: Any, path: Path) -> Iterator[str]:
    """The declared fields of a value, without those declared absent."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            if part is not None:
                yield from _leaves(part, (path, name))
    else:
        yield field_path.text(path)


def _scalars(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [scalar for part in value.values() for scalar in _scalars(part)]
    if isinstance(value, list):
        return [scalar for part in value for scalar in _scalars(part)]
    return [value] if isinstance(value, str) and value else []
