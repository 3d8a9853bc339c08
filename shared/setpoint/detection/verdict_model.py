"""The result of an evaluation: whether there is drift, of which kind, severity and owner."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from setpoint.model.actors import Actor
from setpoint.model.controller_claims import ControllerClaim
from setpoint.model.declaration import Mode, Owner, Source
from setpoint.model.difference import Difference, Explanation
from setpoint.model.last_known_good import LastKnownGood
from setpoint.model.severity import Kind, Severity
from setpoint.model.suppressed import Suppressed


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The result of an evaluation.

    Args:
        kind: the kind of drift; None without drift.
        differences: the differing fields, up to a size; empty for a deleted or unmanaged resource.
        difference_count: number of differing fields.
        fingerprint: digest of kind and all differences; empty without drift.
        severity: ``low`` to ``critical``.
        owner: the team that is responsible.
        mode: the remediation mode.
        project: the project's declared id, else the observed one.
        source: the location of the declaration.
        judged_by: digest of the declarations and rules of the verdict.
        settle: the grace period in seconds before the drift becomes a finding.
        previous_data: the data of a deleted resource, without secrets; None if unknown or too large.
        suppressed: differences that rules suppress, up to a size.
        actor: the actor behind the drift; None if unknown.
        unknown: declared fields that matter to security and could not be compared; whether they drifted is unknown.
        good: the last known good values of undeclared fields; None to leave those that are stored.
        accepted: the same if the drift is accepted; None if declared fields differ too.
        claim: the refuted claim of an unmanaged resource that a controller made it; None if it makes none.
    """

    kind: Kind | None
    differences: tuple[Difference, ...]
    difference_count: int
    fingerprint: str
    severity: Severity
    owner: Owner
    mode: Mode
    project: str
    source: Source
    judged_by: str
    settle: float = 0.0
    previous_data: Any = None
    suppressed: tuple[Suppressed, ...] = ()
    actor: Actor | None = None
    unknown: tuple[Explanation, ...] = ()
    good: LastKnownGood | None = None
    accepted: LastKnownGood | None = None
    claim: ControllerClaim | None = None


Unjudged = Literal["undeclared", "unreadable"]
"""Why there is no verdict: the resource is not declared, or the message has no readable state."""


ActorLookup = Callable[[str, str], Actor | None]
"""Looks up the actor behind a drift by the drift's fingerprint and the verdict's ``judged_by``."""


def unknown_actor(fingerprint: str, judged_by: str) -> Actor | None:
    """A lookup of the actor that always answers unknown."""
    del fingerprint, judged_by
    return None


def fingerprint(kind: Kind, encoded: Iterable[bytes]) -> str:
    """A digest of a drift: 16 hexadecimal digits.

    Args:
        kind: the kind of the drift.
        encoded: its differences as JSON, in any order.
    """
    return hashlib.blake2b(b"\n".join([kind.encode(), *sorted(encoded)]), digest_size=8).hexdigest()
