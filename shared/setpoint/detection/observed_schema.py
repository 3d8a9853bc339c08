"""Both sides of a comparison as they can be compared: in one API version, and of a list the elements that are owned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from setpoint.comparison import api_versions
from setpoint.model.declaration import Declaration, element_of, elements_at, identity
from setpoint.model.observation import Observation

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema


class Schemas(Protocol):
    """Where the schemas of an asset type are looked up; the catalogue is one."""

    def schemas_for(self, asset_type: str) -> tuple[Schema, ...]:
        """All API versions in which the type may come, the preferred one first."""

    def fitting(self, asset_type: str, body: Mapping[str, Any]) -> Schema | None:
        """The version that has most of the fields of a body."""

    def schema_for(self, asset_type: str, *, discovery_uri: str = "", discovery_name: str = "") -> Schema | None:
        """The schema that describes the type, or None where it is not known."""


def aligned(declaration: Declaration, observation: Observation) -> tuple[Declaration, Observation]:
    """Both in one API version."""
    sides = api_versions.aligned(observation.asset_type, declaration.data, observation.data)
    if not sides.discovery_uri:
        return declaration, observation
    return replace(declaration, data=sides.declared), replace(
        observation, data=sides.observed, discovery_uri=sides.discovery_uri, discovery_name=sides.discovery_name
    )


def of_own_elements(declaration: Declaration, observation: Observation) -> Observation:
    """What was observed, with no more of a list than the elements that a declaration names, where it owns no others."""
    if not declaration.element or not isinstance(observation.data, Mapping):
        return observation
    field, keys = element_of(declaration.element)
    elements = elements_at(observation.data, field)
    names = {identity(element, keys) for element in elements_at(declaration.data, field)}
    own = [part for part in elements if identity(part, keys) in names]
    return replace(observation, data=_with(observation.data, field, own)) if elements else observation


def _with(data: Mapping[str, Any], field: str, value: Any) -> dict[str, Any]:
    """The data with another value at a dotted path."""
    name, _, rest = field.partition(".")
    return {**data, name: _with(data[name], rest, value) if rest else value}


def schema_of(schemas: Schemas | None, observation: Observation) -> Schema | None:
    """The API version that the message names, else the one that has most of the fields."""
    if schemas is None:
        return None
    if not observation.discovery_name and isinstance(observation.data, Mapping) and not observation.discovery_uri:
        return schemas.fitting(observation.asset_type, observation.data)
    return schemas.schema_for(
        observation.asset_type, discovery_uri=observation.discovery_uri, discovery_name=observation.discovery_name
    )


def versions_of(schemas: Schemas | None, observation: Observation) -> tuple[Schema, ...]:
    """All API versions of the resource's type."""
    return schemas.schemas_for(observation.asset_type) if schemas is not None else ()
