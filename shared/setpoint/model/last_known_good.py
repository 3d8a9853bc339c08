"""The values of a resource that nobody declares, as they were when it was last known to be good."""

from __future__ import annotations

import base64
import zlib
from datetime import datetime
from typing import Any

import msgspec


class GoodValues(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a resource has beside its declaration.

    Args:
        desired: digest of the declarations that it stands beside.
        schema: the API version in which the resource came.
        seen: digest of the last observation and of what is declared, by which an unchanged one is known without a walk.
        since: the observation with which it began.
        taken_at: the observation from which the values are.
        values: the values by path; a secret or a long value is a digest.
        is_provisional: the next newer observation replaces the values: the resource was on its way, or an apply came
            before the observation that shows what it did.
        is_partial: values of no weight were left out, since there are too many.
        changed: the paths that differ now, each with a digest of the value.
        moves: how often a value of no weight has moved.
        wandering: paths that were learnt to move by themselves.
    """

    desired: str
    schema: str
    seen: str
    since: datetime
    taken_at: datetime
    values: dict[str, Any] = {}
    is_provisional: bool = False
    is_partial: bool = False
    changed: dict[str, str] = {}
    moves: dict[str, int] = {}
    wandering: tuple[str, ...] = ()


class LastKnownGood(msgspec.Struct, frozen=True, omit_defaults=True):
    """The good values as a record holds them: short, and not unpacked while nothing changes.

    Args:
        packed: the values; see ``pack``.
        steady: ``GoodValues.seen``, where an observation with this digest needs no walk.
    """

    packed: str
    steady: str = ""


_SHORT = 512
"""Bytes up to which the values stay as they are: compressed they would take as much room, and ten times the time."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(GoodValues).decode


def pack(good: GoodValues) -> LastKnownGood:
    """The form for the record."""
    is_steady = not good.changed and not good.is_provisional
    encoded = _encode(good)
    if len(encoded) > _SHORT:
        encoded = base64.b64encode(zlib.compress(encoded, 6))
    return LastKnownGood(encoded.decode(), good.seen if is_steady else "")


def unpack(stored: LastKnownGood | None) -> GoodValues | None:
    """The values; None where there are none or they cannot be read, so that they are taken anew."""
    if stored is None:
        return None
    try:
        if stored.packed.startswith("{"):
            return _decode(stored.packed)
        return _decode(zlib.decompress(base64.b64decode(stored.packed)))
    except (ValueError, zlib.error, msgspec.DecodeError):
        return None
