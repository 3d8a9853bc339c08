"""The undeclared values of a resource, as they were when it was last known to be good."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec


class GoodValues(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a resource has beside its declaration.

    Args:
        desired: digest of the declarations that it stands beside.
        content: digest of the fields that those declare; it stays with a change of mode, owner or grace period.
        schema: the API version in which the resource came, and the version in which it was compared.
        seen: digest of what is declared and observed beside it, by which an unchanged one is known without a walk.
        since: the observation with which it began.
        taken_at: the observation from which the values are.
        values: the values by path; a secret or a long value is a digest.
        provisional_since: since when the next newer observation replaces the values: the resource was on its way, or an
            apply came before the observation that shows what it did.
        provisional_until: the end of that; None where the values are final.
        is_partial: values of no weight were left out, since there are too many.
        folded: paths below which there are so many values of weight that one digest stands for all of them.
        changed: the most severe paths that differ now, each with a digest of the value.
        is_crowded: more paths differ than ``changed`` has.
        moves: how often a value of no weight has moved.
        wandering: paths that were learnt to move by themselves.
        is_unproven: the values came in another API version than the good ones, and were compared with nothing.
        left_at: the first observation in another API version since the last in this one.
        form: of this record; values of another form are taken again.
    """

    desired: str
    content: str
    schema: str
    seen: str
    since: datetime
    taken_at: datetime
    values: dict[str, Any] = {}
    provisional_since: datetime | None = None
    provisional_until: datetime | None = None
    is_partial: bool = False
    folded: tuple[str, ...] = ()
    changed: dict[str, str] = {}
    is_crowded: bool = False
    moves: dict[str, int] = {}
    wandering: tuple[str, ...] = ()
    is_unproven: bool = False
    left_at: datetime | None = None
    form: int = 1


class LastKnownGood(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The good values as a record holds them: short, and not unpacked while nothing changes.

    Args:
        packed: the values; see ``pack``.
        steady: ``GoodValues.seen``, where an observation with this digest needs no walk.
        others: the values in other API versions, packed, while it is not known whether they are good.
        in_sync: digest of the last observation that was in sync, with all that the verdict depends on.
        seen: digest of the last observation and of what is declared; an earlier version has it as ``GoodValues.seen``.
    """

    packed: str
    steady: str = ""
    others: tuple[str, ...] = ()
    in_sync: str = ""
    seen: str = ""


FORGET = LastKnownGood("")
"""Ends the watch: the record keeps no values."""
FORM = 2
"""The form of ``GoodValues`` that this version writes: secrets are digests with the installation's key."""
_SHORT = 512
"""Bytes up to which the values stay as they are: compressed they would take as much room, and ten times the time."""

_WINDOW_BITS = 13
_MEMORY_LEVEL = 6
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(GoodValues).decode


def pack(good: GoodValues, others: Iterable[GoodValues] = ()) -> LastKnownGood:
    """The form for the record.

    Args:
        good: the values.
        others: the values in other API versions.
    """
    packed = tuple(map(_packed, others))
    is_steady = not good.changed and good.provisional_until is None and not packed
    return LastKnownGood(_packed(good), good.seen if is_steady else "", packed)


def _packed(good: GoodValues) -> str:
    encoded = _encode(good)
    if len(encoded) > _SHORT:
        encoded = base64.b64encode(_deflated(encoded))
    return encoded.decode()


def _deflated(encoded: bytes) -> bytes:
    """The values compressed; a window of 8 KiB holds all of them, and is set up in a tenth of the time of the default.

    Source: https://docs.python.org/3/library/zlib.html#zlib.compressobj
    """
    compressor = zlib.compressobj(6, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    return compressor.compress(encoded) + compressor.flush()


def unpack(stored: LastKnownGood | None) -> GoodValues | None:
    """The values; None where there are none or they cannot be read, so that they are taken again."""
    return _unpacked(stored.packed) if stored is not None else None


def others(stored: LastKnownGood) -> tuple[GoodValues, ...]:
    """The values in other API versions."""
    return tuple(good for good in map(_unpacked, stored.others) if good is not None)


def _unpacked(packed: str) -> GoodValues | None:
    try:
        good = _decode(packed if packed.startswith("{") else zlib.decompress(base64.b64decode(packed)))
    except (ValueError, zlib.error, msgspec.DecodeError):
        return None
    return good if good.form == FORM else None
