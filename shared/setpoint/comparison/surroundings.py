"""What stands around a field and decides about it: another spelling of its key, a switch beside it, another choice."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from setpoint.catalog import oneofs
from setpoint.comparison import absence, api_quirks, system_fields
from setpoint.comparison.absence import child
from setpoint.model.difference import Difference
from setpoint.model.field_path import Path
from setpoint.model.naming import camel, snake

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema

SWITCHES = ("enabled", "enable")
"""Fields that switch the feature on or off that they stand in."""


def other_spelling(key: str, fields: Mapping[str, Any], observed: Mapping[str, Any]) -> str:
    """The key as the other side spells it, snake or camel case, or an empty string."""
    for spelled in _spellings(key):
        if spelled in observed and not (key in fields and spelled in fields):
            return spelled
    return ""


@lru_cache(maxsize=8192)
def _spellings(key: str) -> tuple[str, ...]:
    return tuple(spelled for spelled in (camel(key), snake(key)) if spelled != key)


def is_off(declared: Mapping[str, Any], observed: Mapping[str, Any]) -> bool:
    """Whether a feature is declared off and is off, so that its API may drop or reset its other parts."""
    return (declared.get("enabled") is False and not observed.get("enabled")) or (
        declared.get("enable") is False and not observed.get("enable")
    )


def why_lost(
    path: Path, key: str, want: Any, have: Any, declared: Mapping[str, Any], observed: Mapping[str, Any]
) -> str:
    """Why the message around a field that is not there, or zero, decides that it is no difference; or an empty string.

    Args:
        path: of the message.
        key: of the field.
        want: the declared value.
        have: the observed value, which is a zero, or None where nothing is there.
        declared: the declared message.
        observed: the observed message.
    """
    if have is None and key in api_quirks.PRINCIPALS and api_quirks.is_named_otherwise(want, observed):
        return "answered under the field of its kind"
    if path is None or key in SWITCHES or not is_off(declared, observed):
        return ""
    return "part of a feature that is switched off"


def reached(observed: Any, path: str) -> Any:
    """The observed value at a path from the top, or None."""
    for name in path.split("."):
        if isinstance(observed, list):
            observed = observed[int(name)] if name.isdecimal() and int(name) < len(observed) else None
        else:
            observed = observed.get(name) if isinstance(observed, dict) else None
    return observed


def instead_of(schema: Schema | None, key: str, declared: Mapping[str, Any], observed: Mapping[str, Any]) -> str:
    """The field that is set in place of a declared one, where only one of them may be; empty where none is.

    Args:
        schema: the message.
        key: the declared field, which is not there.
        declared: the declared message.
        observed: the observed message.
    """
    if schema is None:
        return ""
    others = oneofs.excluded(schema, key)
    return next((name for name in others if observed.get(name) is not None and name not in declared), "")


class Trial(Protocol):
    """A comparison whose differences do not count."""

    differences: list[Difference]

    def value(self, path: Path, name: str, field: Field | None, want: Any, have: Any) -> None:
        """Compare one value with its counterpart."""


def is_lost(trial: Trial, path: Path, field: Field | None, want: Any) -> bool:
    """Whether it is a difference, by whatever rule, that a declared field is not there."""
    trial.value(path, path[1] if path else "", field, want, None)
    return bool(trial.differences)


def is_other_choice(
    schema: Schema | None,
    key: str,
    field: Field | None,
    want: Any,
    declared: Mapping[str, Any],
    observed: Mapping[str, Any],
) -> bool:
    """Whether an empty or zero choice is declared, and the resource has made another of the same union.

    Without a schema only a message that declares nothing but one empty choice, ``{automatic: {}}``, is taken for one.
    """
    if schema is None:
        return (
            len(declared) == 1 and want == {} and any(isinstance(value, dict) and value for value in observed.values())
        )
    if want or field is None or not field.union:
        return False
    return any(
        value is not None
        and name != key
        and name not in declared
        and (other := schema.fields.get(name))
        and other.union
        for name, value in observed.items()
    )


def is_server_owned(key: str, field: Field | None, value: Any) -> bool:
    """Whether all of an undeclared value is written by the server, or kept by the system."""
    if not isinstance(value, dict) or field is None:
        return field is not None and field.output_only
    return all(
        system_fields.is_system_label(key, name) or absence.is_zero(inner, part) or is_server_owned(name, inner, part)
        for name, part in value.items()
        for inner in (child(field, name),)
    )
