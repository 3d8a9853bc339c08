"""The group key of findings: the properties that findings with the same cause share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from setpoint.model import field_path
from setpoint.model.difference import Difference, Operation
from setpoint.model.events import DriftData
from setpoint.model.field_path import Element
from setpoint.model.notice_view import GroupKey

_MAX_CHANGES = 30

_encode = msgspec.json.Encoder(order="deterministic").encode


def cause_of(data: DriftData) -> GroupKey:
    """The group key of a finding: its type and kind, and the differing fields with their operations.

    List indices are omitted, so that the third rule of one firewall and the fifth of another are the same change. The
    role of a grant is included: owner of one project and viewer of another are two changes.
    """
    changes = sorted(set(map(change_of, data.differences)))
    return GroupKey(data.asset_type, data.content, data.kind, tuple(changes[:_MAX_CHANGES]))


def cause_id(cause: GroupKey) -> str:
    """A stable id of 16 hexadecimal digits."""
    return hashlib.blake2b(_encode(cause), digest_size=8).hexdigest()


def change_of(difference: Difference) -> tuple[str, Operation]:
    """The generalized form of a difference: its path without list indices and keys, and its operation."""
    built: field_path.Path = field_path.ROOT
    for part in _segments(difference.path):
        built = (built, part)
    return field_path.text(built), difference.op


def _segments(path: str) -> Iterator[str]:
    for part in field_path.readable(path):
        if not isinstance(part, Element) or part.startswith("[role="):
            yield part
