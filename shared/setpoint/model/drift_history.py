"""When each difference of a finding began, what it was before, and who made it, from the history of the resource."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.model.actors import Actor
from setpoint.model.difference import Difference, Operation
from setpoint.model.drift_onset import DriftOnset
from setpoint.model.observation import Observation


class FieldOnset(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The beginning of one difference.

    Args:
        path: the field of the difference; empty for the whole resource.
        op: the operation of the difference.
        since: when the field took its present value; null if unknown.
        at_least: it had that value in the oldest version that is kept, so that it took it then or earlier.
        clear: begin of the version before; null if there is none.
        gap: nothing is known of the time directly before, as is common in the history of IAM policies.
        created: the resource was created with this value.
        before: the value before, with secrets hidden; unset if the field was absent or nothing is known.
        searched: whether the audit log around that time was read.
        actor: who made the change; null if unknown.
        reason: why the beginning or the actor is not known.
    """

    path: str
    op: Operation
    since: datetime | None = None
    at_least: bool = False
    clear: datetime | None = None
    gap: bool = False
    created: bool = False
    before: Any = msgspec.UNSET
    searched: bool = False
    actor: Actor | None = None
    reason: str = ""

    @property
    def onset(self) -> DriftOnset | None:
        """The onset by which changes in audit logs explain the difference; None if they cannot."""
        return None if self.since is None or self.at_least else DriftOnset(self.since, self.clear)

    @property
    def is_unsearched(self) -> bool:
        """Whether the audit log may name the actor, and was not read yet."""
        return not self.searched and self.onset is not None


class DriftHistory(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The beginning of a drift.

    Args:
        read_at: when the history was read.
        since: when the first of the present differences began; null if unknown.
        at_least: it began then or earlier.
        reason: why the beginning is not known.
        retry_at: when to read again; null for never.
        fields: the beginning of each difference.
    """

    read_at: datetime
    since: datetime | None = None
    at_least: bool = False
    reason: str = ""
    retry_at: datetime | None = None
    fields: tuple[FieldOnset, ...] = ()

    @property
    def latest(self) -> FieldOnset | None:
        """The difference that began last: with it the drift took its present form."""
        known = [field for field in self.fields if field.since is not None]
        return max(known, key=lambda field: field.since or self.read_at, default=None)

    @property
    def unsearched(self) -> tuple[FieldOnset, ...]:
        """The differences whose time in the audit log was not read yet."""
        return tuple(field for field in self.fields if field.is_unsearched)


class AssetVersion(NamedTuple):
    """The state of a resource over some time.

    Args:
        observation: the state.
        begins: since when it is known.
        ends: until when; None for the present state.
    """

    observation: Observation
    begins: datetime
    ends: datetime | None = None


def beginning(history: DriftHistory | None, first_seen: datetime) -> tuple[datetime, bool]:
    """When a drift began, and whether that is only the latest possible time; the first observation if unread."""
    if history is None or history.since is None:
        return first_seen, False
    return history.since, history.at_least


def since_text(history: DriftHistory | None) -> str:
    """Since when a drift is there, for people; empty if the history was not read."""
    if history is None:
        return ""
    if history.since is None:
        return f"unknown: {history.reason}"
    text = f"{history.since:%Y-%m-%d %H:%M}"
    if history.at_least:
        return f"{text} or earlier ({(history.read_at - history.since).days} days at least)"
    return text


def summarized(history: DriftHistory) -> DriftHistory:
    """The history with the beginning of its first difference as its own."""
    known = [field for field in history.fields if field.since is not None]
    first = min(known, key=lambda field: (field.since or history.read_at, not field.at_least), default=None)
    if first is None:
        reason = next((field.reason for field in history.fields if field.reason), history.reason)
        return replace(history, since=None, at_least=False, reason=reason)
    return replace(history, since=first.since, at_least=first.at_least)


def carried_over(
    history: DriftHistory | None,
    before: tuple[Difference, ...],
    after: tuple[Difference, ...],
    changed_at: datetime,
    actor: Actor | None,
) -> DriftHistory | None:
    """The history of a drift after a change: that of the differences that stay, and the beginning of the new ones.

    Args:
        history: the history before the change.
        before: the differences before.
        after: the differences now.
        changed_at: the time of the observation that shows the change.
        actor: who made the change; None if unknown.
    """
    if history is None or not history.fields:
        return None
    known = {(field.path, field.op): field for field in history.fields}
    same = {(difference.path, difference.op) for difference in before if difference in after}
    fields = tuple(
        known[difference.path, difference.op]
        if (difference.path, difference.op) in same and (difference.path, difference.op) in known
        else FieldOnset(path=difference.path, op=difference.op, since=changed_at, searched=True, actor=actor)
        for difference in after
    )
    return summarized(replace(history, fields=fields))
