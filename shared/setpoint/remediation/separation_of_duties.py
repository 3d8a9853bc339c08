"""Separation of duties: the author of a change may not approve its remediation, accept it or exempt it."""

from __future__ import annotations

from setpoint.errors import BadRequest
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding


def check(key: ResourceKey, finding: Finding | None, by: str) -> None:
    """Check that a user may decide about a drift.

    Args:
        key: the resource and content.
        finding: its finding.
        by: the user, as the audit trail names them; the text may contain more than an address.

    Raises:
        BadRequest: the user is a possible actor of the drift; ask another approver.
    """
    actor = finding.actor if finding is not None else None
    if actor is None:
        return
    names = {_without_kind(name) for name in (actor.principal, *actor.others, *actor.through) if name}
    if any(_without_kind(word) in names for word in by.split()):
        raise BadRequest(
            f"{key.name}: {by} has changed it, as far as is known, and somebody else has to decide about that"
        )


def _without_kind(name: str) -> str:
    """A principal without its kind: ``user:ann@example.com`` is ``ann@example.com``."""
    prefix, separator, rest = name.casefold().partition(":")
    return rest if separator and prefix in ("user", "serviceaccount") else name.casefold()
