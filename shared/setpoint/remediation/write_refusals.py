"""Refuse changes: forbidden ones, impossible ones, and those that would send a forbidden field with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from setpoint.catalog import schemas
from setpoint.catalog.methods import ApiResource
from setpoint.comparison import absence
from setpoint.comparison.scalars import is_masked
from setpoint.comparison.sealed import holds_seal
from setpoint.model.field_path import Element
from setpoint.model.naming import camel
from setpoint.model.write_plan import Unwritable
from setpoint.remediation import api_requests, manual_only_fields, setter_methods
from setpoint.remediation.api_requests import FieldPath
from setpoint.remediation.merge import FieldChange, fields_along
from setpoint.remediation.setter_methods import SetterMethod

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema


SEALED = "its declared value is a secret of which only a digest is stored: run `terraform apply` in its root module"
"""What to do about a difference of a value that only Terraform has."""


class WriteInput(NamedTuple):
    """The input of a write: the schema, how the resource is written, and its live state."""

    schema: Schema
    resource: ApiResource
    live: Mapping[str, Any]

    def special(self, change: FieldChange) -> SetterMethod | None:
        """The method that sets the changed field; None if the general method does."""
        methods = frozenset(self.resource.kind.methods)
        path = plain(self.schema, change)
        return setter_methods.special(self.schema.service, self.schema.name, path, change.wanted, methods)


def plain(schema: Schema, change: FieldChange) -> str:
    """The path of a change in the API's spelling, without list elements."""
    return ".".join(camel(part) for part, _ in fields_along(schema, change.path) if not isinstance(part, Element))


def refusal(write_input: WriteInput, change: FieldChange, cut: FieldPath) -> Unwritable | None:
    """Why a change is not written; None if it may be.

    Args:
        write_input: the input of the write.
        change: the difference.
        cut: the path that the general method would send.
    """
    return _of_value(write_input, change) or _of_field(write_input, change) or _of_siblings(write_input, change, cut)


def _of_value(write_input: WriteInput, change: FieldChange) -> Unwritable | None:
    """Refuse secrets, and inputs that cannot be read back."""
    field = fields_along(write_input.schema, change.path)[-1][1]
    is_input = field is not None and field.input_only and change.difference.op != "unexpected"
    if holds_seal(change.wanted):
        return Unwritable(change.difference.path, "sealed", SEALED)
    if change.secret or (is_input and field is not None and field.sensitive):
        todo = "its value is a secret, which no plan may hold: set it manually"
        return Unwritable(change.difference.path, "secret", todo)
    if is_input:
        todo = "its API never returns it, so that no reading shows it as declared: set it manually"
        return Unwritable(change.difference.path, "by_hand", todo)
    return None


def _of_field(write_input: WriteInput, change: FieldChange) -> Unwritable | None:
    """Refuse fields that the API does not change, or should not change."""
    path, (schema, resource, _) = change.difference.path, write_input
    along = fields_along(schema, change.path)
    keys = tuple(part for part, _ in along if not isinstance(part, Element))
    if any(field is not None and field.immutable for _, field in along) or manual_only_fields.is_place(
        keys, along[0][1]
    ):
        make = f" ({resource.kind.create})" if resource.kind.create else ""
        return Unwritable(path, "immutable", f"the API cannot change it: the resource must be recreated{make}")
    if any(field is not None and field.output_only for _, field in along):
        return Unwritable(path, "no_method", "only the server writes it: remove it from the declaration")
    return None if write_input.special(change) is not None else _of_general_method(write_input, change)


def _of_general_method(write_input: WriteInput, change: FieldChange) -> Unwritable | None:
    """Refuse fields that the general method does not accept, or should not be sent."""
    path, (schema, resource, _) = change.difference.path, write_input
    if entry := manual_only_fields.manual_rule(schema.service, schema.name, plain(schema, change)):
        return Unwritable(path, entry.reason, entry.todo)
    if resource.kind.writer is None:
        return Unwritable(path, "no_method", "no method of the API accepts this field: change it manually")
    if todo := manual_only_fields.not_written_whole(schema.service, schema.name):
        return Unwritable(path, "by_hand", f"{todo}: change it manually")
    return None


def _of_siblings(write_input: WriteInput, change: FieldChange, cut: FieldPath) -> Unwritable | None:
    """Refuse a change if the values sent with it were not read completely."""
    schema, resource, _ = write_input
    special, writer = write_input.special(change), resource.kind.writer
    if special is not None:
        cut = tuple(special.field.split("."))
    elif writer is not None and api_requests.is_whole(schema, writer):
        cut = ()
    if not is_complete(write_input, cut):
        todo = "what must be sent along with it is a secret that cannot be read back: set it manually"
        return Unwritable(change.difference.path, "secret", todo)
    return None


def is_complete(write_input: WriteInput, cut: FieldPath) -> bool:
    """Whether the value under a path was read completely, so that it may be sent back."""
    field: Field | None = schemas.Field("", "message", schema=write_input.schema)
    for key in cut:
        field = absence.child(field, key)
    beside = api_requests.value_at(write_input.live, cut)
    return not (
        isinstance(beside, dict | list)
        and (manual_only_fields.holds_inputs(field, beside) or _is_masked_within(beside))
    )


def _is_masked_within(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_masked_within, value.values()))
    if isinstance(value, list):
        return any(map(_is_masked_within, value))
    return is_masked(value)
