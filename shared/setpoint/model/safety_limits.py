"""The guardrails of remediation, for every policy: pauses, rate limits, and a circuit breaker.

The guardrails are one small record, which is written in the same commit as the claim that it allows. A worker has thus
seen every stored pause, and two concurrent workers cannot both use the last write of a limit.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.errors import CorruptState
from setpoint.model import newer_fields
from setpoint.model.decode_errors import UNREADABLE, reason_of
from setpoint.model.newer_fields import Revision
from setpoint.model.policy import Limits
from setpoint.util.counts import counted

_TELL_AGAIN = timedelta(days=1)
_NAMED = 5
"""Number of resources in the reason of an open breaker; the record lists all of them."""

FLEET = "fleet"
"""The name of the pause for the whole fleet."""


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pause of remediation, until it is resumed or ends.

    Args:
        of: ``fleet``, ``projects/ID``, ``folders/NUMBER``, ``organizations/NUMBER`` or a full resource name.
        since: its start.
        by: the person who paused.
        reason: the reason.
        until: its end; None for no end.
    """

    of: str
    since: datetime
    by: str = ""
    reason: str = ""
    until: datetime | None = None


class WriteRecord(msgspec.Struct, frozen=True):
    """A write that was claimed."""

    project: str
    claimed_at: datetime = msgspec.field(name="at")
    source: str = ""


class FailedWrite(msgspec.Struct, frozen=True):
    """A failed write that may have done harm: it took effect in part, or differently than planned or reported."""

    name: str
    failed_at: datetime


class Breaker(msgspec.Struct, frozen=True):
    """The open circuit breaker: nothing is remediated until a person resumes.

    Args:
        opened_at: when it opened.
        reason: why it opened.
        resources: the resources that opened it, the latest last.
    """

    opened_at: datetime = msgspec.field(name="at")
    reason: str
    resources: tuple[str, ...] = ()


class SafetyState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The guardrails of a fleet: pauses, recent writes and failures, and the circuit breaker.

    Args:
        pauses: the pauses in force.
        writes: recent writes, oldest first.
        failures: the times of recent failed writes that may have done harm.
        failed: the resources of those writes.
        denied: recently denied permissions, each with the time of the first denial.
        requests: the times of recent drifts to remediate, up to the number that opens the breaker.
        breaker: the open breaker, or None.
        requests_by_source: recent drifts to remediate by the source of the declaration.
        schema: the form of the record.
    """

    pauses: tuple[Pause, ...] = ()
    writes: tuple[WriteRecord, ...] = msgspec.field(default=(), name="acts")
    failures: tuple[datetime, ...] = ()
    requests: tuple[datetime, ...] = msgspec.field(default=(), name="wishes")
    breaker: Breaker | None = None
    failed: tuple[FailedWrite, ...] = ()
    denied: tuple[tuple[str, datetime], ...] = ()
    requests_by_source: dict[str, tuple[datetime, ...]] = {}
    schema: int = 1


def paused(safety: SafetyState, name: str, places: Collection[str], now: datetime) -> Pause | None:
    """The pause that a resource is under, or None.

    Args:
        safety: the safety state.
        name: the resource's name.
        places: ``projects/…`` by id and number, ``folders/…`` and ``organizations/…`` above the resource, and its
            ``sources/…``.
        now: the current time.
    """
    for pause in safety.pauses:
        if not _is_in_force(pause, now):
            continue
        if pause.of in (FLEET, name) or any(fnmatchcase(place, pause.of) for place in places):
            return pause
    return None


def pauses_of_ancestors(safety: SafetyState, now: datetime) -> list[Pause]:
    """The pauses of projects, folders and organizations, which hold a resource depending on its ancestors."""
    return [held for held in safety.pauses if "/" in held.of and held.of[0] != "/" and _is_in_force(held, now)]


def _is_in_force(pause: Pause, now: datetime) -> bool:
    return pause.until is None or pause.until > now


def pause(safety: SafetyState, new: Pause) -> SafetyState:
    """Add a pause; it replaces one with the same name."""
    others = tuple(held for held in safety.pauses if held.of != new.of)
    return replace(safety, pauses=(*others, new))


def resume(safety: SafetyState, of: str) -> SafetyState:
    """Remove a pause; for the fleet, close the breaker too, and reset its counters."""
    kept = replace(safety, pauses=tuple(held for held in safety.pauses if held.of != of))
    return replace(kept, breaker=None, failures=(), requests=(), failed=()) if of == FLEET else kept


class LimitScope(NamedTuple):
    """The owner of rate limits: writes with the same project or source count together.

    Args:
        project: the project of the written resource.
        source: the source of the declaration; empty for several.
    """

    project: str
    source: str = ""


def exceeded(safety: SafetyState, limit_scope: LimitScope, limits: Limits, now: datetime) -> str:
    """The limit that another write would exceed, for people; empty if there is none."""
    late = _late(safety, limits, now).writes
    for what, acts, most in _rates(late, limit_scope, limits):
        if len(acts) >= most:
            return f"{counted(len(acts), 'write')} {what} within {limits.within:.0f} s, the limit is {most}"
    return ""


def _rates(
    late: tuple[WriteRecord, ...], limit_scope: LimitScope, limits: Limits
) -> tuple[tuple[str, tuple[WriteRecord, ...], int], ...]:
    """Each rate limit: its name, the recent writes that count, and the maximum."""
    here = tuple(act for act in late if act.project == limit_scope.project)
    by_source = tuple(act for act in late if limit_scope.source and act.source == limit_scope.source)
    most_by_source = limits.per_source if limit_scope.source else len(late) + 1
    return (
        ("in the fleet", late, limits.per_fleet),
        (f"in project {limit_scope.project}", here, limits.per_project),
        (f"by source {limit_scope.source}", by_source, most_by_source),
    )


def next_allowed_write(safety: SafetyState, limit_scope: LimitScope, limits: Limits, now: datetime) -> datetime:
    """When another write exceeds no limit any more, without writes by others."""
    late = _late(safety, limits, now).writes
    ends = [acts[-most].claimed_at for _, acts, most in _rates(late, limit_scope, limits) if 0 < most <= len(acts)]
    return max(ends, default=now) + timedelta(seconds=limits.within)


def record_write(safety: SafetyState, limit_scope: LimitScope, limits: Limits, now: datetime) -> SafetyState:
    """The safety state after a claim of a write."""
    late = _late(safety, limits, now)
    return replace(late, writes=(*late.writes, WriteRecord(limit_scope.project, now, limit_scope.source)))


def record_request(safety: SafetyState, limits: Limits, now: datetime) -> SafetyState:
    """The safety state after another drift to remediate; too many within the period open the breaker."""
    late = _late(safety, limits, now)
    requests, breaker = _counted(late.requests, limits.surge, "drifts to remediate", limits, now)
    return safety if safety.breaker is not None else replace(late, requests=requests, breaker=breaker)


FEWEST_OF_SOURCE = 10
"""Number of a source's drifts to remediate that never pauses the source, however few it declares."""


def record_source_request(
    safety: SafetyState, source: str, declared: int, limits: Limits, now: datetime
) -> SafetyState:
    """The safety state after another drift of a source's declarations; too large a share pauses the source.

    Args:
        safety: the safety state before.
        source: the source's name.
        declared: number of resources that it declares.
        limits: the limits of the policy.
        now: the current time.
    """
    place = source_place(source)
    if any(held.of == place and _is_in_force(held, now) for held in safety.pauses):
        return safety
    late = _late(safety, limits, now)
    times = (*late.requests_by_source.get(source, ()), now)
    most = max(FEWEST_OF_SOURCE, int(declared * limits.source_share))
    if len(times) <= most:
        return replace(late, requests_by_source={**late.requests_by_source, source: times})
    counted = {name: earlier for name, earlier in late.requests_by_source.items() if name != source}
    reason = (
        f"{len(times)} of the {declared} resources that it declares drift within {limits.within:.0f} s, the limit is "
        f"{most}; `setpoint resume {place}` lets them be remediated"
    )
    return pause(replace(late, requests_by_source=counted), Pause(place, now, SECOND_BREAKER, reason))


SECOND_BREAKER = "setpoint"
"""The author of a pause after too many drifts of a source."""


def source_place(source: str) -> str:
    """The name of a pause for a source."""
    return f"sources/{source}"


def refund(safety: SafetyState, project: str, claimed_at: datetime | None) -> SafetyState:
    """The safety state after a claimed write changed nothing: the write no longer counts."""
    return replace(
        safety, writes=tuple(act for act in safety.writes if (act.project, act.claimed_at) != (project, claimed_at))
    )


def deny(safety: SafetyState, permission: str, now: datetime) -> SafetyState:
    """The safety state after a denied permission; unchanged if a recent denial is recorded."""
    late = tuple(entry for entry in safety.denied if entry[1] > now - _TELL_AGAIN)
    if any(name == permission for name, _ in late):
        return safety
    return replace(safety, denied=(*late, (permission, now)))


def fail(safety: SafetyState, name: str, limits: Limits, now: datetime) -> SafetyState:
    """The safety state after a write that may have done harm; too many within the period open the breaker.

    Args:
        safety: the safety state before.
        name: the resource's name.
        limits: the limits of the policy.
        now: the current time.
    """
    if safety.breaker is not None:
        return safety
    late = _late(safety, limits, now)
    failed = (*late.failed, FailedWrite(name, now))
    failures, breaker = _counted(late.failures, limits.failures, "writes failed", limits, now)
    if breaker is None:
        return replace(late, failures=failures, failed=failed)
    names = tuple(dict.fromkeys(entry.name for entry in failed))
    return replace(
        late,
        failures=failures,
        failed=(),
        breaker=replace(breaker, reason=f"{breaker.reason}: {', '.join(names[-_NAMED:])}", resources=names),
    )


def _counted(
    times: tuple[datetime, ...], most: int, what: str, limits: Limits, now: datetime
) -> tuple[tuple[datetime, ...], Breaker | None]:
    """Add a time to recent ones; return them with the breaker, which opens at a number of them."""
    times = (*times, now)
    if len(times) < most:
        return times, None
    return (), Breaker(now, f"{len(times)} {what} within {limits.within:.0f} s")


def _late(safety: SafetyState, limits: Limits, now: datetime) -> SafetyState:
    """The safety state without entries that are too old to count."""
    since = now - timedelta(seconds=limits.within)
    return replace(
        safety,
        pauses=tuple(held for held in safety.pauses if _is_in_force(held, now)),
        writes=tuple(act for act in safety.writes if act.claimed_at > since),
        failed=tuple(entry for entry in safety.failed if entry.failed_at > since),
        failures=tuple(failed_at for failed_at in safety.failures if failed_at > since),
        requests=tuple(requested_at for requested_at in safety.requests if requested_at > since),
        requests_by_source={
            source: late
            for source, times in safety.requests_by_source.items()
            if (late := tuple(requested_at for requested_at in times if requested_at > since))
        },
    )


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SafetyState).decode


def encode_safety_state(safety: SafetyState, revision: Revision | None = None) -> bytes:
    """Encode the safety state, with the unknown fields of the one that it replaces.

    Args:
        safety: the safety state.
        revision: the stored form that it replaces; None for none.
    """
    body = _encode(safety)
    if revision is None or not revision.body:
        return body
    return newer_fields.with_stored_fields(revision.body, _encode(decode_safety_state(revision.body)), body)


def decode_safety_state(stored: bytes | str) -> SafetyState:
    """Decode the safety state; empty bytes give a state without active guardrails.

    Raises:
        NewerRecord: a newer version wrote it; stop all remediation until that version is back.
        CorruptState: the record cannot be read; stop all remediation until it is repaired.
    """
    try:
        safety = _decode(stored) if stored else SafetyState()
    except UNREADABLE as error:
        newer_fields.check_schema(stored, _WHAT)
        raise CorruptState(
            f"the stored safety state cannot be read ({reason_of(error)}); nothing is remediated until it can be"
        ) from None
    newer_fields.refuse_newer(safety.schema, _WHAT)
    return safety


_WHAT = "the stored safety state, without which nothing is remediated,"
