"""What drifted at a time in the past, from the stored records.

A record holds the latest episode of drift of its resource. Of a time before that episode nothing is known, and of a
time before its latest change only that it drifted. Where a declaration changed and not the resource, nothing is
known of the past, since the record does not say when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.model.drift_history import beginning
from setpoint.model.exemptions import Exemption
from setpoint.model.resource_state import Finding, ResourceState


class PastFinding(NamedTuple):
    """A finding at a time.

    Args:
        state: its record as of that time; None if the resource did not drift then.
        is_known: whether the record shows it; False for a time before the latest of several episodes.
        is_same: whether the drift had its present form then.
        was_noticed: whether an observation had shown it by then; if not, it is known from the history.
    """

    state: ResourceState | None
    is_known: bool = True
    is_same: bool = True
    was_noticed: bool = True


def as_of(state: ResourceState, time: datetime) -> PastFinding:
    """The finding of a record at a time.

    Args:
        state: the record.
        time: the time, not in the future.
    """
    finding = state.finding
    if finding is None:
        return PastFinding(None)
    began_at, _ = beginning(finding.history, finding.first_seen)
    began_at = min(began_at, finding.first_seen)
    if state.onset is not None and state.onset.declared:
        return PastFinding(None, is_known=False)
    if began_at > time:
        return PastFinding(None, is_known=finding.episodes == 1)
    if finding.resolved_at is not None and finding.resolved_at <= time:
        return PastFinding(None)
    changed_at = finding.changed_at
    past = replace(
        state,
        finding=_finding(finding, state.exemption, time),
        exemption=state.exemption if state.exemption is not None and state.exemption.since <= time else None,
        remediation=None,
        settling=None,
        pending=(),
    )
    return PastFinding(
        past,
        is_same=changed_at is None or changed_at <= time,
        was_noticed=finding.first_seen <= time,
    )


def _finding(finding: Finding, exemption: Exemption | None, time: datetime) -> Finding:
    """The finding as it stood: open, or exempt or accepted where that was decided by then."""
    last_seen = min(finding.last_seen, time)
    if exemption is not None and exemption.since <= time and (exemption.until is None or exemption.until > time):
        status = "accepted" if exemption.fingerprint else "exempted"
        return replace(finding, status=status, reason=exemption.reason, resolved_at=None, last_seen=last_seen)
    return replace(finding, status="open", reason="", resolved_at=None, last_seen=last_seen)


class PastFindings(NamedTuple):
    """What drifted at a time.

    Args:
        states: the records as of that time.
        unknown: number of resources whose drift at that time is not known.
        changed: number of findings whose drift had another form then.
        unnoticed: number of findings that were not detectable then.
    """

    states: tuple[ResourceState, ...]
    unknown: int = 0
    changed: int = 0
    unnoticed: int = 0


def all_as_of(states: Iterable[ResourceState], time: datetime) -> PastFindings:
    """What drifted at a time."""
    kept: list[ResourceState] = []
    unknown = changed = unnoticed = 0
    for state in states:
        past = as_of(state, time)
        unknown += not past.is_known
        if past.state is not None:
            kept.append(past.state)
            changed += not past.is_same
            unnoticed += not past.was_noticed
    return PastFindings(tuple(kept), unknown, changed, unnoticed)


class FindingsDelta(NamedTuple):
    """Two times compared.

    Args:
        began: what drifted at the second time and not at the first, as of the second.
        ended: what drifted at the first time and not at the second, with what ended it.
        stayed: number of findings that drifted at both.
        unknown: number of resources of which one of the times is not known.
    """

    began: tuple[ResourceState, ...]
    ended: tuple[ResourceState, ...]
    stayed: int
    unknown: int


def compare(states: Iterable[ResourceState], first: datetime, second: datetime) -> FindingsDelta:
    """What began and what ended between two times.

    Args:
        states: all records with a finding.
        first: the earlier time.
        second: the later time.
    """
    began: list[ResourceState] = []
    ended: list[ResourceState] = []
    stayed = unknown = 0
    for state in states:
        before, after = as_of(state, first), as_of(state, second)
        if not (before.is_known and after.is_known):
            unknown += 1
        if before.state is not None and after.state is not None:
            stayed += 1
        elif after.state is not None and before.is_known:
            began.append(after.state)
        elif before.state is not None:
            ended.append(state)
    return FindingsDelta(tuple(began), tuple(ended), stayed, unknown)


def drifting(states: Iterable[ResourceState], time: datetime) -> Iterator[ResourceState]:
    """The records of what drifted at a time, one after the other."""
    for state in states:
        if (past := as_of(state, time)).state is not None:
            yield past.state
