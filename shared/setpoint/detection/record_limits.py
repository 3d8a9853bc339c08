"""Size limits of a drift in a record and in an event."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec.structs import replace

from setpoint.comparison.masking import Masking
from setpoint.detection.observed_schema import Schemas, schema_of
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.resource_key import WHOLE
from setpoint.model.secrecy import Secrecy
from setpoint.model.suppressed import Suppressed

ROOM_FOR_ONE = 16_000
"""The most bytes of one value, or of the data that is stored beside a finding."""
_ROOM = 200_000

_WIDE = re.compile(rb"\d{19}")
_INTEGERS = range(-(2**63), 2**64)
"""What a JSON column of BigQuery takes (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#json_type);
a row with a wider number is refused, and the event with it."""

encode = msgspec.json.Encoder(order="deterministic").encode
"""Encode a difference as deterministic JSON."""


def bare(observation: Observation, schemas: Schemas | None, secrecy: Secrecy) -> Any:
    """The data of a resource without secrets; None if there is none, or it is too large to store."""
    if not observation.data:
        return None
    schema = schema_of(schemas, observation) if observation.key.content in WHOLE else None
    masked = Masking(secrecy).message(observation.data, schema)
    return masked if len(encode(masked)) <= ROOM_FOR_ONE else None


def bounded(differences: list[Difference], encoded: list[bytes]) -> list[Difference]:
    """The differences that fit in a record and an event; a larger value is replaced by its size.

    A Firestore document takes 1 MiB, an Eventarc event 512 KB (https://cloud.google.com/firestore/quotas).
    """
    kept: list[Difference] = []
    room = _ROOM
    for difference, text in zip(differences, encoded, strict=True):
        shown, size = difference, len(text)
        if _WIDE.search(text):
            shown = replace(shown, declared=_narrowed(shown.declared), observed=_narrowed(shown.observed))
        if size > ROOM_FOR_ONE:
            shown = replace(shown, declared=_size_of(shown.declared), observed=_size_of(shown.observed))
            size = len(encode(shown))
        room -= size
        if room < 0:
            break
        kept.append(shown)
    return kept


def limited(suppressed: tuple[Suppressed, ...]) -> tuple[Suppressed, ...]:
    """The suppressed differences that fit in a record beside its finding."""
    if not suppressed:
        return ()
    kept: list[Suppressed] = []
    room = ROOM_FOR_ONE
    for entry in suppressed:
        room -= len(encode(entry))
        if room < 0:
            break
        kept.append(entry)
    return tuple(kept)


def _narrowed(value: Any) -> Any:
    """A value with integers beyond 64 bits as text, with all digits."""
    if isinstance(value, dict):
        return {name: _narrowed(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_narrowed(inner) for inner in value]
    is_wide = isinstance(value, int) and not isinstance(value, bool) and value not in _INTEGERS
    return str(value) if is_wide else value


def _size_of(value: Any) -> Any:
    size = 0 if value is msgspec.UNSET else len(encode(value))
    return f"({size:,} bytes)" if size > ROOM_FOR_ONE // 2 else value
