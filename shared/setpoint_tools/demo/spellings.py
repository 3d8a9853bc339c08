"""Values whose spelling differs between declarations and API, and that are not drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from setpoint.comparison import difference_text, explain
from setpoint.detection.observed_schema import Schemas
from setpoint.model import field_path, ignore_patterns
from setpoint.model.declaration import Desired
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project

_READABLE = 46


@dataclass(slots=True)
class Spelling:
    """One reason why values are equal that do not look so.

    Args:
        reason: why.
        count: how many fields.
        asset_type: that of an example.
        path: its field.
        declared: what is declared there.
        observed: what the API says there.
    """

    reason: str
    count: int = 0
    asset_type: str = ""
    path: str = ""
    declared: str = ""
    observed: str = ""


@dataclass(slots=True)
class Spellings:
    """All that is spelled otherwise.

    Args:
        reasons: the reasons, the most frequent first.
        resources: how many resources have such a field.
    """

    reasons: list[Spelling] = field(default_factory=list)
    resources: int = 0


def collect(pairs: Iterable[tuple[Desired, Observation]], schemas: Schemas) -> Spellings:
    """Compare resources that are in sync once more, this time with reasons."""
    spellings: dict[str, Spelling] = {}
    resources = 0
    for desired, observation in pairs:
        declaration = desired.declarations[0]
        if observation.key.content != "resource" or not isinstance(observation.data, dict):
            continue
        declared = ignore_patterns.without(declaration.data, declaration.ignore)
        schema = schemas.schema_for(
            observation.asset_type,
            discovery_uri=observation.discovery_uri,
            discovery_name=observation.discovery_name,
        )
        own = own_project(declaration.project, observation)
        notes = explain.examine(declared, observation.data, schema, own).notes
        resources += bool(notes)
        for note in notes:
            spelling = spellings.setdefault(note.reason, Spelling(note.reason))
            spelling.count += 1
            _illustrate(spelling, note.path, observation, declared)
    return Spellings(sorted(spellings.values(), key=lambda spelling: -spelling.count), resources)


def _illustrate(spelling: Spelling, path: str, observation: Observation, declared: Mapping[str, Any]) -> None:
    """Keep the example that looks most unlike among those that fit on a line."""
    want, have = _value_of(declared, path), _value_of(observation.data, path)
    if want is msgspec.UNSET or (have is msgspec.UNSET and "absent" not in spelling.reason):
        return
    declared_text, other = _text(want), _text(have)
    if len(path + declared_text + other) > _READABLE:
        return
    if not spelling.declared or _unlikeness(declared_text, other) > _unlikeness(spelling.declared, spelling.observed):
        spelling.asset_type, spelling.path = observation.asset_type, path
        spelling.declared, spelling.observed = declared_text, other


def _unlikeness(declared: str, observed: str) -> int:
    return len(set(declared) ^ set(observed)) + abs(len(declared) - len(observed))


def _value_of(data: Any, path: str) -> Any:
    for part in field_path.parse(path):
        data = _step(data, part)
    return data


def _step(data: Any, part: str) -> Any:
    if isinstance(data, dict):
        return data.get(part, msgspec.UNSET)
    if isinstance(data, list) and part.startswith("["):
        key, _, value = part[1:-1].partition("=")
        if key.isdigit():
            return data[int(key)] if int(key) < len(data) else msgspec.UNSET
        return next(
            (element for element in data if isinstance(element, dict) and str(element.get(key)) == value), msgspec.UNSET
        )
    return msgspec.UNSET


def _text(value: Any) -> str:
    return "absent" if value is msgspec.UNSET else difference_text.as_json(value, _READABLE)
