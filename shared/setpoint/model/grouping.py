"""What findings have in common that one cause has brought about: one bad deploy, forty projects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from setpoint.model import field_path
from setpoint.model.difference import Difference, Operation
from setpoint.model.events import DriftData
from setpoint.model.field_path import Element
from setpoint.model.notice_view import GroupKey

_MOST_CHANGES = 30

_encode = msgspec.json.Encoder(order="deterministic").encode


def cause_of(data: DriftData) -> GroupKey:
    """The cause of a finding: what it is, and which fields differ how.

    Which element of a list differs is left out, so that the third rule of one firewall and the fifth of another are one
    change. The role of a grant stays: to be owner of one project and viewer of another are two.
    """
    changes = sorted(set(map(change_of, data.differences)))
    return GroupKey(data.asset_type, data.content, data.kind, tuple(changes[:_MOST_CHANGES]))


def cause_id(cause: GroupKey) -> str:
    """Sixteen hexadecimal digits, the same everywhere and for ever."""
    return hashlib.blake2b(_encode(cause), digest_size=8).hexdigest()


def change_of(difference: Difference) -> tuple[str, Operation]:
    """What a difference is a case of: its path without the indices and keys of lists, and its operation."""
    built: field_path.Path = field_path.ROOT
    for part in _kept(difference.path):
        built = (built, part)
    return field_path.text(built), difference.op


def _kept(path: str) -> Iterator[str]:
    for part in field_path.readable(path):
        if not isinstance(part, Element) or part.startswith("[role="):
            yield part
