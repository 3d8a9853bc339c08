"""Rules that depend on the surrounding message: another spelling of a key, a switch, another choice."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from setpoint.catalog import field_rules, oneofs
from setpoint.comparison import absence, api_quirks, system_fields
from setpoint.comparison.absence import child
from setpoint.model.difference import Difference, Explanation
from setpoint.model.field_path import Path
from setpoint.model.naming import camel, snake

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema

SWITCHES = ("enabled", "enable")
"""Fields that enable or disable the surrounding feature."""


def other_spelling(key: str, fields: Mapping[str, Any], observed: Mapping[str, Any]) -> str:
    """The other side's spelling of a key, in snake or camel case; empty if it has none."""
    for spelled in _spellings(key):
        if spelled in observed and not (key in fields and spelled in fields):
            return spelled
    return ""


@lru_cache(maxsize=8192)
def _spellings(key: str) -> tuple[str, ...]:
    return tuple(spelled for spelled in (camel(key), snake(key)) if spelled != key)


def is_off(declared: Mapping[str, Any], observed: Mapping[str, Any]) -> bool:
    """Whether a feature is declared and observed as disabled, so that its API may drop or reset other fields."""
    return (declared.get("enabled") is False and not observed.get("enabled")) or (
        declared.get("enable") is False and not observed.get("enable")
    )


def why_lost(
    path: Path, key: str, want: Any, have: Any, declared: Mapping[str, Any], observed: Mapping[str, Any]
) -> str:
    """Why an absent or zero field is not a difference because of its surrounding message; empty if it is one.

    Args:
        path: path of the message.
        key: key of the field.
        want: the declared value.
        have: the observed value, which is a zero; None if it is absent.
        declared: the declared message.
        observed: the observed message.
    """
    if have is None and key in api_quirks.PRINCIPALS and api_quirks.is_named_otherwise(want, observed):
        return "answered under the field of its kind"
    if path is None or key in SWITCHES or not is_off(declared, observed):
        return ""
    return "part of a feature that is switched off"


def reached(observed: Any, path: str) -> Any:
    """The observed value at a path from the root, or None."""
    for name in path.split("."):
        if isinstance(observed, list):
            observed = observed[int(name)] if name.isdecimal() and int(name) < len(observed) else None
        else:
            observed = observed.get(name) if isinstance(observed, dict) else None
    return observed


def instead_of(schema: Schema | None, key: str, declared: Mapping[str, Any], observed: Mapping[str, Any]) -> str:
    """The field of a oneof group that is set instead of a declared one; empty if there is none.

    Args:
        schema: the message.
        key: the declared field, which is absent.
        declared: the declared message.
        observed: the observed message.
    """
    if schema is None:
        return ""
    others = oneofs.excluded(schema, key)
    return next((name for name in others if observed.get(name) is not None and name not in declared), "")


class DryRun(Protocol):
    """A comparison whose differences do not count."""

    differences: list[Difference]
    unchecked: list[Explanation]

    def rules(self, path: Path) -> field_rules.Rules:
        """The rules of the field at a path."""

    def value(self, path: Path, name: str, field: Field | None, want: Any, have: Any) -> None:
        """Compare one value with its counterpart."""


def is_lost(trial: DryRun, path: Path, field: Field | None, want: Any) -> bool:
    """Whether a declared choice is lost, of which another is set: by any rule, or since it is a message with values.

    That absence equals the defaults in it does not make the other choice the declared one.
    """
    trial.value(path, path[1] if path else "", field, want, None)
    if trial.differences:
        return True
    return isinstance(want, dict) and not (trial.unchecked or absence.is_zero(field, want) or trial.rules(path))


def is_other_choice(
    schema: Schema | None,
    key: str,
    field: Field | None,
    want: Any,
    declared: Mapping[str, Any],
    observed: Mapping[str, Any],
) -> bool:
    """Whether an empty or zero choice is declared, and the resource has another choice of the same oneof group.

    Without a schema only a message with a single empty choice, ``{automatic: {}}``, counts as one.
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
    """Whether an undeclared value is entirely output-only or a system field."""
    if not isinstance(value, dict) or field is None:
        return field is not None and field.output_only
    return all(
        system_fields.is_system_label(key, name) or absence.is_zero(inner, part) or is_server_owned(name, inner, part)
        for name, part in value.items()
        for inner in (child(field, name),)
    )
