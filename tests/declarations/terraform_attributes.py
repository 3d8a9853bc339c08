"""A Terraform resource in which one attribute is set, and the live resource in which that attribute has changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from msgspec.structs import replace

from setpoint.catalog import terraform_types
from setpoint.catalog.schemas import default_catalogue
from setpoint.catalog.terraform_types import Attribute
from setpoint.declarations.readers import json_tree, terraform
from setpoint.declarations.readers.documents import Document
from setpoint.declarations.readers.translation import Translated
from setpoint.detection import verdict
from setpoint.detection.verdict import Verdict
from setpoint.model.declaration import desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOGLE = "registry.terraform.io/hashicorp/google"
UNCOMPARED = frozenset(("provider", "name", "write_only", "not_read", "input", "elsewhere"))
"""Reasons of the table for which an attribute is not compared."""

NAMING: Mapping[str, Any] = {
    "cluster": "c",
    "dns_name": "x.example.com.",
    "id": "projects/p/x/n",
    "key_ring": "projects/p/locations/europe-west1/keyRings/r",
    "location": "europe-west1",
    "managed_zone": "z",
    "name": "n",
    "network": "net",
    "project": "p",
    "region": "europe-west1",
    "topic": "t",
    "type": "A",
    "zone": "europe-west1-b",
}
"""Attributes that name resources, or that they cannot be without."""

_VALUES: tuple[Any, ...] = ("text-1", True, 7, "600s", "10.0.0.0/8", "2026-01-01T00:00:00Z")
"""Values of every shape; the table does not tell types, so that the first that finds a place is taken."""
_OTHERS: Mapping[Any, Any] = {
    "600s": "1200s",
    "10.0.0.0/8": "192.168.0.0/16",
    "2026-01-01T00:00:00Z": "2027-01-01T00:00:00Z",
}

Steps = tuple[tuple[str, Attribute], ...]
"""The way from a resource to an attribute: the names with what the table says of each."""


class SetAttribute(NamedTuple):
    """A resource with one attribute set.

    Args:
        translated: what it declares.
        place: where the value is in the declared data.
        value: the value there.
        attribute: what the table says of the attribute.
    """

    translated: Translated
    place: tuple[str | int, ...]
    value: Any
    attribute: Attribute


def attributes_that_people_set(terraform_type: str) -> Iterator[Steps]:
    """Every attribute of a type that an author may set and the API answers."""
    known = terraform_types.of(terraform_type)
    assert known is not None, terraform_type
    yield from _settable(known.attributes, ())


def _settable(attributes: Mapping[str, Attribute], above: Steps) -> Iterator[Steps]:
    for name, attribute in attributes.items():
        if attribute.class_ == "computed" or attribute.reason in UNCOMPARED or attribute.sensitive:
            continue
        if not above and name in ("name", "project"):
            continue  # they say which resource it is
        steps = (*above, (name, attribute))
        if attribute.inside:
            yield from _settable(attribute.inside, steps)
        else:
            yield steps


def name_of(steps: Steps) -> str:
    return ".".join(name for name, _ in steps)


def with_one_set(terraform_type: str, steps: Steps, *, is_written: bool) -> Iterator[SetAttribute]:
    """Resources with one attribute set, by a plan that writes it or does not: one for each value that fits."""
    naming, before = _named_alone(terraform_type, steps[0][0] if steps[0][0] in NAMING else "")
    attribute = steps[-1][1]
    for value in (*attribute.enum[:1], *_VALUES):
        expressions = _expressions(steps, value) if is_written else {}
        translated = planned(terraform_type, {**naming, **_values(steps, value)}, expressions)
        data = plain(translated) if translated is not None else {}
        places = [place for place in _places(data) if place not in before]
        if places and translated is not None:
            yield SetAttribute(translated, places[-1], _value_of(data, places[-1]), attribute)


@cache
def _named_alone(terraform_type: str, but_for: str) -> tuple[Mapping[str, Any], frozenset[tuple[str | int, ...]]]:
    """What names a resource of a type, but for one attribute, and where that alone declares values."""
    known = terraform_types.of(terraform_type)
    assert known is not None
    naming = {name: value for name, value in NAMING.items() if name in known.attributes and name != but_for}
    unset = planned(terraform_type, naming, {})
    return naming, frozenset(_places(plain(unset))) if unset is not None else frozenset()


def planned(terraform_type: str, values: Mapping[str, Any], expressions: Mapping[str, Any]) -> Translated | None:
    """What a plan with one resource declares of it; None where its name is not known."""
    resource = {
        "address": f"{terraform_type}.a",
        "mode": "managed",
        "type": terraform_type,
        "name": "a",
        "provider_name": GOOGLE,
    }
    named = {name: {"constant_value": values[name]} for name in NAMING if name in values}
    document = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": [resource | {"values": values}]}},
        "configuration": {"root_module": {"resources": [resource | {"expressions": {**named, **expressions}}]}},
    }
    return next(iter(terraform.read(Document("p.json", 1, 0, document, "", 1)).translated), None)


def changed(resource: SetAttribute) -> dict[str, Any]:
    """The live resource, in which the attribute has another value."""
    live = copy.deepcopy(plain(resource.translated))
    holder: Any = live
    for step in resource.place[:-1]:
        holder = holder[step]
    holder[resource.place[-1]] = _other(resource.value, resource.attribute.enum)
    return live


def judged(translated: Translated, live: Mapping[str, Any]) -> Verdict:
    """The verdict on a live resource."""
    declaration = replace(
        translated.declaration,
        data=plain(translated),
        exhaustive_paths=translated.whole,
        origins=dict(translated.origins),
    )
    observation = Observation(declaration.key, declaration.asset_type, NOW, data=live)
    judgement = verdict.judge(desired((declaration,)), Rules(), observation, default_catalogue())
    assert isinstance(judgement, Verdict)
    return judgement


def plain(translated: Translated) -> dict[str, Any]:
    data: dict[str, Any] = json_tree.plain(translated.declaration.data)
    return data


def _values(steps: Steps, value: Any) -> dict[str, Any]:
    (name, attribute), *rest = steps
    if rest:
        return {name: [_values(tuple(rest), value)]}
    if attribute.nesting in ("list", "set"):
        return {name: [value]}
    return {name: {"key": value} if attribute.nesting == "map" else value}


def _expressions(steps: Steps, value: Any) -> dict[str, Any]:
    (name, _), *rest = steps
    if rest:
        return {name: [_expressions(tuple(rest), value)]}
    return {name: {"constant_value": _values(steps, value)[name]}}


def _places(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a tree has values."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _places(part, (*above, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _places(part, (*above, index))
    elif value is not None:
        yield above


def _value_of(value: Any, place: Sequence[str | int]) -> Any:
    for step in place:
        value = value[step]
    return value


def _other(value: Any, enum: Sequence[str]) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 5
    return _OTHERS.get(value) or next((word for word in enum if word not in ("", value)), f"{value}-other")
