"""Keep the fields that a newer version has stored in a record, while this version replaces it.

After a roll-back the older version reads what it knows of a record and writes it back. The fields that it does not know
are taken from the stored form and added to the new form: to the same object, and in a list into an element that is
otherwise unchanged. A field of an object that is no longer there goes with it. A record that this version must not
touch has a higher `schema`; see `check_schema`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from setpoint.errors import NewerRecord
from setpoint.model.decode_errors import UNREADABLE

SCHEMA = 1
"""The form of most records. A version that adds what an older one must not drop or overlook writes a higher number into
records of that kind, and reads them up to it.
"""


class Revision(NamedTuple):
    """What a write replaces.

    Args:
        version: the store's own mark of the record.
        body: the stored form of the record.
    """

    version: Any
    body: bytes


@dataclass(frozen=True, slots=True)
class NewerFields:
    """The unknown fields of a value.

    Args:
        own: those of the object itself, by name.
        within: those of its fields, by name.
        elements: those of a list's elements, each beside what is known of the element.
    """

    own: dict[str, Any]
    within: dict[str, NewerFields]
    elements: tuple[tuple[Any, NewerFields], ...] = ()


class _Form(msgspec.Struct):
    schema: int = 1


_decode_form = msgspec.json.Decoder(_Form).decode


def check_schema(stored: bytes | str, what: str, record: str = "", reads: int = SCHEMA) -> None:
    """Refuse a record that this version must leave as it is, readable or not.

    Args:
        stored: its stored form.
        what: what it is, for the error.
        record: its collection and id, for the error.
        reads: the highest form of such records that this version reads.

    Raises:
        NewerRecord: a newer version wrote it; upgrade to that version again.
    """
    try:
        form = _decode_form(stored)
    except UNREADABLE:
        return
    refuse_newer(form.schema, what, record, reads)


def refuse_newer(schema: int, what: str, record: str = "", reads: int = SCHEMA) -> None:
    """Refuse a record by its form, as ``check_schema`` does."""
    if schema > reads:
        raise NewerRecord(
            f"{what} was written by a newer version (schema {schema}, this version reads up to {reads}); "
            "it is left as it is; upgrade to that version again",
            record,
        )


def with_stored_fields(before: bytes | str, known: bytes, after: bytes) -> bytes:
    """The new stored form of a record, with the unknown fields of the form that it replaces.

    Args:
        before: the stored form that is replaced; empty for none.
        known: what this version knows of it: the stored form, decoded and encoded again.
        after: the new stored form.
    """
    fields = newer_fields(before, known)
    return with_newer_fields(after, fields) if fields is not None else after


def newer_fields(stored: bytes | str, known: bytes) -> NewerFields | None:
    """The unknown fields of a record; None if there are none, or if it cannot be read.

    A default that was stored counts as unknown, which changes nothing.

    Args:
        stored: the stored form.
        known: the stored form, decoded and encoded again by this version.
    """
    if not stored or stored == known:
        return None
    try:
        return _beyond(msgspec.json.decode(stored), msgspec.json.decode(known))
    except UNREADABLE:
        return None


def unknown_names(stored: bytes | str, form: type[Any]) -> NewerFields | None:
    """The unknown fields of a damaged record itself; None if there are none, or if it is not an object."""
    names = {field.encode_name for field in msgspec.structs.fields(form)}
    try:
        raw = msgspec.json.decode(stored, type=dict[str, msgspec.Raw])
        own = {name: msgspec.json.decode(value) for name, value in raw.items() if name not in names}
    except UNREADABLE:
        return None
    return NewerFields(own, {}) if own else None


def with_newer_fields(encoded: bytes, fields: NewerFields) -> bytes:
    """The stored form of a record with the unknown fields of the record that it replaces."""
    return msgspec.json.encode(_merged(msgspec.json.decode(encoded), fields))


def _beyond(stored: Any, known: Any) -> NewerFields | None:
    """What a stored value has beyond what is known of it."""
    if isinstance(stored, dict) and isinstance(known, dict):
        own = {name: value for name, value in stored.items() if name not in known}
        pairs = ((name, _beyond(value, known[name])) for name, value in stored.items() if name in known)
        within = {name: fields for name, fields in pairs if fields is not None}
        return NewerFields(own, within) if own or within else None
    if isinstance(stored, list) and isinstance(known, list) and len(stored) == len(known):
        listed = ((other, _beyond(value, other)) for value, other in zip(stored, known, strict=True))
        elements = tuple((other, fields) for other, fields in listed if fields is not None)
        return NewerFields({}, {}, elements) if elements else None
    return None


def _merged(value: Any, fields: NewerFields) -> Any:
    if isinstance(value, list):
        return _merged_list(value, fields)
    if not isinstance(value, dict):
        return value
    within = {name: _merged(value[name], inner) for name, inner in fields.within.items() if name in value}
    return {**value, **within, **{name: own for name, own in fields.own.items() if name not in value}}


def _merged_list(values: list[Any], fields: NewerFields) -> list[Any]:
    merged = list(values)
    taken: set[int] = set()
    for known, inner in fields.elements:
        place = next((i for i, value in enumerate(values) if i not in taken and value == known), None)
        if place is not None:
            taken.add(place)
            merged[place] = _merged(values[place], inner)
    return merged
