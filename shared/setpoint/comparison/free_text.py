"""Recognize free text, and compare it exactly.

Entries of user-defined maps (labels, annotations, environment, metadata, substitutions, parameters) and the `value`
beside a `key` or `name` are arbitrary text. They are not interpreted as references, numbers, durations, versions, JSON
or masks: `true` is not `1`, `007` is not `7`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from setpoint.catalog import secrets
from setpoint.comparison import scalars

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

_TYPED_MAPS: Mapping[str, str] = {
    "limits": "quantities: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/",
    "requests": "the same",
    "allocations": "numbers: https://cloud.google.com/appengine/docs/admin-api/reference/rest/v1/apps.services#trafficsplit",
    "defaultResourceLimits": "quantities",
    "queryParams": "typed by the query that takes them",
}
"""Maps of strings with typed entries, with the reason."""

_FREE_MAPS = frozenset(
    (
        *("labels", "userLabels", "resourceLabels", "annotations", "env", "environmentVariables", "metadata"),
        *("buildEnvironmentVariables", "envVariables", "betaSettings", "substitutions", "properties", "tags"),
        *("attributes", "customAttributes", "configOverrides", "redisConfigs", "sparkProperties", "matchLabels"),
    )
)
"""User-defined maps in resources without a schema."""

TEXTS = frozenset(("description", "displayName", "title"))
"""Fields with prose: compared exactly, even if it looks like a reference."""

_TEXTUAL = frozenset(("string", ""))


def is_free_map(name: str, field: Field | None) -> bool:
    """Whether the entries of a map are free text.

    Args:
        name: the map's name.
        field: the schema of the map.
    """
    if field is None:
        return name in _FREE_MAPS
    item = field.item
    return (
        field.kind == "map"
        and item is not None
        and item.type == "string"
        and not item.format
        and not item.reference
        and name not in _TYPED_MAPS
    )


def is_free_value(name: str, siblings: Mapping[str, Any], field: Field | None) -> bool:
    """Whether a value is free text, because it is beside its key or is prose.

    Args:
        name: the value's own name.
        siblings: the object with the value.
        field: the schema of the value.
    """
    if name != "value" and name not in TEXTS:
        return False
    if field is not None and (field.type not in _TEXTUAL or field.format or field.reference):
        return False
    return name != "value" or (isinstance(siblings.get("key"), str) or isinstance(siblings.get("name"), str))


def equal(declared: Any, observed: Any) -> str:
    """Why two pieces of free text are equal; empty if they are not.

    YAML parses `true` and `7` as a boolean and a number where the API has a text.
    """
    return "equal as text" if _as_text(declared) == _as_text(observed) else ""


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (int, float)) else value


def is_withheld(key: str, observed: Any) -> bool:
    """Whether a server returns a placeholder for a secret under this key."""
    return scalars.is_masked(observed) and secrets.names_a_secret(key)
