"""What findings have in common that one cause has brought about: one bad deploy, forty projects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from setpoint.core import paths
from setpoint.core.compare import Operation
from setpoint.core.events import DriftData
from setpoint.core.notices import Cause
from setpoint.core.paths import Element

_MOST_CHANGES = 30

_encode = msgspec.json.Encoder(order="deterministic").encode


def cause_of(data: DriftData) -> Cause:
    """The cause of a finding: what it is, and which fields differ how.

    Which element of a list differs is left out, so that the third rule of one firewall and the fifth of another are one
    change. The role of a grant stays: to be owner of one project and viewer of another are two.
    """
    changes = sorted({(_path(one.path), one.op) for one in data.differences})
    return Cause(data.asset_type, data.content, data.kind, tuple(changes[:_MOST_CHANGES]))


def cause_id(cause: Cause) -> str:
    """Sixteen hexadecimal digits, the same everywhere and for ever."""
    return hashlib.blake2b(_encode(cause), digest_size=8).hexdigest()


def told(change: tuple[str, Operation]) -> str:
    """A change of a cause in words: ``versioning.enabled changed``."""
    path, op = change
    return f"{path or '(all)'} {op}"


def _path(path: str) -> str:
    built: paths.Path = paths.ROOT
    for part in _kept(path):
        built = (built, part)
    return paths.text(built)


def _kept(path: str) -> Iterator[str]:
    for part in paths.readable(path):
        if not isinstance(part, Element) or part.startswith("[role="):
            yield part
