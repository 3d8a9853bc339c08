"""The effect of a request's body on a resource, as in Google's APIs: masks, merging, replacing, preconditions."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from setpoint.catalog import oneofs
from setpoint_tools.distil import flags
from setpoint_tools.testing.google_documents import Document

STATES = ("etag", "fingerprint", "labelFingerprint", "metageneration", "settingsVersion", "resourceVersion")
"""Fields that change with every write, by which a caller says which state it means."""


class ApiError(Exception):
    """An answer that is an error.

    Args:
        status: of HTTP.
        reason: Google's word for it, ``conditionNotMet`` or ``ABORTED``.
        message: for people.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


def invalid(message: str) -> ApiError:
    """A request that the API does not take."""
    return ApiError(400, "invalid", message)


class Shape(NamedTuple):
    """A resource's schema in its document."""

    document: Document
    schema: str

    def check(self, body: Any) -> None:
        """Refuse what the schema does not know.

        Raises:
            ApiError: 400, with the name.
        """
        _check(self.document, {"$ref": self.schema}, body, "")
        self._check_groups({}, body or {})

    def masked(self, live: Mapping[str, Any], body: Mapping[str, Any], mask: str) -> dict[str, Any]:
        """The resource with what the mask names taken from the body, and cleared where it is not in it.

        Raises:
            ApiError: the mask names what is not a field, or what cannot change.
        """
        made = copy.deepcopy(dict(live))
        names = self.document.properties(self.schema)
        paths = list(body) if mask == "*" else [part for part in mask.split(",") if part]
        if not paths:
            raise invalid("the update mask is empty")
        for path in paths:
            keys = [_camel(key) for key in path.split(".")]
            self._check_path(keys, path, live, body)
            if keys[0] in names and self.document.is_output(self.schema, keys[0], names[keys[0]]):
                continue
            _copy(body, made, keys)
        self._check_groups(live, made)
        return made

    def _check_groups(self, live: Mapping[str, Any], made: Mapping[str, Any]) -> None:
        """Refuse a change that leaves two fields set of which only one may be.

        Raises:
            ApiError: 400, with their names.
        """
        before = set(_crowded(self.document, {"$ref": self.schema}, live, ""))
        if crowded := next(
            (place for place in _crowded(self.document, {"$ref": self.schema}, made, "") if place not in before), ""
        ):
            raise invalid(f"oneof: {crowded}; only one of them may be set")

    def _check_path(self, keys: list[str], path: str, live: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        field: Mapping[str, Any] = {"$ref": self.schema}
        for key in keys:
            fields = self.document.fields(field)
            resolved = self.document.resolved(field)
            if fields is None:
                if "additionalProperties" not in resolved:
                    raise invalid(f"update mask: `{path}` goes through what is not a message")
                field = resolved["additionalProperties"]
            elif key in fields:
                field = fields[key]
            else:
                raise invalid(f"update mask: there is no field `{path}`")
        fixed = flags.IMMUTABLE in flags.read(field.get("description", ""))
        if fixed and _value(live, keys) != _value(body, keys):
            raise invalid(f"`{path}` is immutable")

    def merged(self, live: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        """The resource with a part of it merged in: null removes, a list is replaced (RFC 7396)."""
        made = self._merged({"$ref": self.schema}, self.schema, live, body)
        self._check_groups(live, made)
        return made

    def _merged(self, field: Mapping[str, Any], schema: str, live: Any, body: Mapping[str, Any]) -> dict[str, Any]:
        made = copy.deepcopy(dict(live)) if isinstance(live, Mapping) else {}
        resolved = self.document.resolved(field)
        fields = resolved.get("properties")
        for key, value in body.items():
            inner = (fields or {}).get(key, resolved.get("additionalProperties", {}))
            if fields and key in fields and self.document.is_output(schema, key, inner):
                continue
            if fields and flags.IMMUTABLE in flags.read(inner.get("description", "")) and made.get(key) != value:
                raise invalid(f"`{key}` is immutable")
            if value is None:
                made.pop(key, None)
            elif isinstance(value, Mapping):
                below = inner.get("$ref") or f"{schema}.{key}"
                made[key] = self._merged(inner, below, made.get(key), value)
            else:
                made[key] = copy.deepcopy(value)
        return made

    def laid(self, live: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        """The resource with the fields of a body in place of its own, whole; null removes."""
        made = self.merged(live, {key: value for key, value in body.items() if not isinstance(value, Mapping)})
        names = self.document.properties(self.schema)
        for key, value in body.items():
            if isinstance(value, Mapping) and not (
                key in names and self.document.is_output(self.schema, key, names[key])
            ):
                made[key] = {name: copy.deepcopy(part) for name, part in value.items() if part is not None}
        self._check_groups(live, made)
        return made

    def replaced(self, live: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        """The whole resource put in its place; what the server alone writes stays."""
        names = self.document.properties(self.schema)
        kept = {
            key: value
            for key, value in live.items()
            if key in STATES or (key in names and self.document.is_output(self.schema, key, names[key]))
        }
        stated = {key: copy.deepcopy(value) for key, value in body.items() if value is not None}
        return {**stated, **kept}


def _crowded(document: Document, field: Mapping[str, Any], body: Any, path: str) -> Iterator[str]:
    """Where fields are set together of which only one may be."""
    resolved = document.resolved(field)
    if isinstance(body, list):
        for position, element in enumerate(body):
            yield from _crowded(document, resolved.get("items", {}), element, f"{path}[{position}]")
    elif isinstance(body, Mapping):
        for group in oneofs.groups_of(document.service, str(field.get("$ref", ""))):
            members = [name for name in group if body.get(name) is not None]
            if len(members) > 1:
                yield f"{path}: {' and '.join(members)}"
        fields = resolved.get("properties", {})
        for key, value in body.items():
            yield from _crowded(
                document, fields.get(key, resolved.get("additionalProperties", {})), value, f"{path}.{key}"
            )


def _check(document: Document, field: Mapping[str, Any], body: Any, path: str) -> None:
    resolved = document.resolved(field)
    fields = resolved.get("properties")
    if isinstance(body, list):
        for element in body:
            _check(document, resolved.get("items", {}), element, f"{path}[]")
    elif isinstance(body, dict) and fields:
        for key, value in body.items():
            if key not in fields and _camel(key) not in fields:
                raise invalid(f'Unknown name "{key}" at "{path}": Cannot find field.')
            _check(document, fields.get(key) or fields[_camel(key)], value, f"{path}.{key}")
    elif isinstance(body, str) and resolved.get("type") == "boolean":
        raise invalid(f"{path} is not a boolean")


def conflicts(live: Mapping[str, Any], body: Any, path: str = "") -> str:
    """The field in which a body names another state than the live one, or an empty string."""
    if not isinstance(body, Mapping):
        return ""
    for key, value in body.items():
        if key in STATES and value and key in live and str(live[key]) != str(value):
            return f"{path}{key}"
        if isinstance(value, Mapping) and isinstance(live.get(key), Mapping):
            conflict = conflicts(live[key], value, f"{path}{key}.")
            if conflict:
                return conflict
    return ""


def stamp(before: Mapping[str, Any], after: dict[str, Any], token: str) -> None:
    """Give the resource, and each part of it that has a state of its own and has changed, its new state."""
    for key, value in after.items():
        if key == "labelFingerprint":
            if before.get("labels") != after.get("labels") or before.get("resourceLabels") != after.get(
                "resourceLabels"
            ):
                after[key] = token
        elif key in ("metageneration", "settingsVersion"):
            after[key] = str(int(value) + 1)
        elif key in STATES:
            after[key] = token
        elif isinstance(value, dict) and isinstance(before.get(key), Mapping) and value != before[key]:
            stamp(before[key], value, token)


def _copy(source: Mapping[str, Any], target: dict[str, Any], keys: list[str]) -> None:
    value = _value(source, keys)
    *way, last = keys
    for key in way:
        if not isinstance(target.get(key), dict):
            if value is None:
                return
            target[key] = {}
        target = target[key]
    if value is None:
        target.pop(last, None)
    else:
        target[last] = copy.deepcopy(value)


def _value(holder: Any, keys: list[str]) -> Any:
    for key in keys:
        holder = holder.get(key) if isinstance(holder, Mapping) else None
    return holder


def _camel(key: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match_: match_.group(1).upper(), key)
