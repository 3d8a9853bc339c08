"""The guardrails of remediation, whatever a policy allows: pauses, rate limits, and a circuit breaker.

All of it is one small record, which is written in the same step as the claim that it allows. Whoever acts has thus seen
every pause that had landed, and two who act at once cannot both have the last of a limit.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.errors import CorruptState
from setpoint.model.decode_errors import UNREADABLE
from setpoint.model.policy import Limits

_TELL_AGAIN = timedelta(days=1)
_NAMED = 5
"""How many resources the reason of an open breaker names; all of them are beside it."""

FLEET = "fleet"
"""What a pause of everything is of."""


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hands off, until somebody resumes or its time is over.

    Args:
        of: ``fleet``, ``projects/ID``, ``folders/NUMBER``, ``organizations/NUMBER`` or a full resource name.
        since: when it began.
        by: who said so.
        reason: why.
        until: when it ends by itself; None for never.
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
    """A write that may have done harm: it took effect in part, otherwise than planned, or not as the API said."""

    name: str
    failed_at: datetime


class Breaker(msgspec.Struct, frozen=True):
    """Nothing is remediated any more until a person has looked and resumes.

    Args:
        opened_at: when it opened.
        reason: what opened it.
        resources: the resources behind it, the latest last.
    """

    opened_at: datetime = msgspec.field(name="at")
    reason: str
    resources: tuple[str, ...] = ()


class SafetyState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The guardrails of a fleet: pauses, recent writes and failures, and the circuit breaker.

    Args:
        pauses: what is paused.
        writes: the writes of late, oldest first.
        failures: when writes have failed of late that may have done harm.
        failed: of which resources those were.
        denied: the permissions that were denied of late, and when the first of each was.
        requests: when drifts were to be remediated of late, up to the number that opens the breaker.
        breaker: open, or None.
        requests_by_source: the requests of late by the source of the declaration.
    """

    pauses: tuple[Pause, ...] = ()
    writes: tuple[WriteRecord, ...] = msgspec.field(default=(), name="acts")
    failures: tuple[datetime, ...] = ()
    requests: tuple[datetime, ...] = msgspec.field(default=(), name="wishes")
    breaker: Breaker | None = None
    failed: tuple[FailedWrite, ...] = ()
    denied: tuple[tuple[str, datetime], ...] = ()
    requests_by_source: dict[str, tuple[datetime, ...]] = {}


def paused(safety: SafetyState, name: str, places: Collection[str], now: datetime) -> Pause | None:
    """The pause that a resource is under, or None.

    Args:
        safety: the limits as they stand.
        name: the resource's name.
        places: ``projects/…`` by id and number, ``folders/…``, ``organizations/…`` that it is in, ``sources/…`` that
            declare it.
        now: the time.
    """
    for pause in safety.pauses:
        if not _is_in_force(pause, now):
            continue
        if pause.of in (FLEET, name) or any(fnmatchcase(place, pause.of) for place in places):
            return pause
    return None


def pauses_of_ancestors(safety: SafetyState, now: datetime) -> list[Pause]:
    """The pauses of projects, folders and organisations: whether they hold a resource depends on where it lies."""
    return [held for held in safety.pauses if "/" in held.of and held.of[0] != "/" and _is_in_force(held, now)]


def _is_in_force(pause: Pause, now: datetime) -> bool:
    return pause.until is None or pause.until > now


def pause(safety: SafetyState, new: Pause) -> SafetyState:
    """The safety state with a pause more, in place of one of the same thing."""
    others = tuple(held for held in safety.pauses if held.of != new.of)
    return replace(safety, pauses=(*others, new))


def resume(safety: SafetyState, of: str) -> SafetyState:
    """The safety state without a pause; to resume the fleet closes the breaker too, and forgets what opened it."""
    kept = replace(safety, pauses=tuple(held for held in safety.pauses if held.of != of))
    return replace(kept, breaker=None, failures=(), requests=(), failed=()) if of == FLEET else kept


class LimitScope(NamedTuple):
    """Whose writes count together.

    Args:
        project: the project that is written in.
        source: the source by whose declaration; empty where several are behind it.
    """

    project: str
    source: str = ""


def exceeded(safety: SafetyState, limit_scope: LimitScope, limits: Limits, now: datetime) -> str:
    """The limit that one write more would exceed, in words; empty where there is room."""
    late = _late(safety, limits, now).writes
    for what, acts, most in _rates(late, limit_scope, limits):
        if len(acts) >= most:
            return f"{len(acts)} writes {what} within {limits.within:.0f} s, the limit is {most}"
    return ""


def _rates(
    late: tuple[WriteRecord, ...], limit_scope: LimitScope, limits: Limits
) -> tuple[tuple[str, tuple[WriteRecord, ...], int], ...]:
    """Each rate limit: what it is of, the writes of late that count, and how many there may be."""
    here = tuple(act for act in late if act.project == limit_scope.project)
    by_source = tuple(act for act in late if limit_scope.source and act.source == limit_scope.source)
    most_by_source = limits.per_source if limit_scope.source else len(late) + 1
    return (
        ("in the fleet", late, limits.per_fleet),
        (f"in project {limit_scope.project}", here, limits.per_project),
        (f"by source {limit_scope.source}", by_source, most_by_source),
    )


def room_at(safety: SafetyState, limit_scope: LimitScope, limits: Limits, now: datetime) -> datetime:
    """When one write more exceeds no limit any longer, if nobody else writes."""
    late = _late(safety, limits, now).writes
    ends = [acts[-most].claimed_at for _, acts, most in _rates(late, limit_scope, limits) if 0 < most <= len(acts)]
    return max(ends, default=now) + timedelta(seconds=limits.within)


def record_write(safety: SafetyState, limit_scope: LimitScope, limits: Limits, now: datetime) -> SafetyState:
    """The safety state after a write was claimed."""
    late = _late(safety, limits, now)
    return replace(late, writes=(*late.writes, WriteRecord(limit_scope.project, now, limit_scope.source)))


def record_request(safety: SafetyState, limits: Limits, now: datetime) -> SafetyState:
    """The safety state after one drift more was to be remediated; too many at once open the breaker."""
    late = _late(safety, limits, now)
    requests, breaker = _counted(late.requests, limits.surge, "drifts to remediate", limits, now)
    return safety if safety.breaker is not None else replace(late, requests=requests, breaker=breaker)


FEWEST_OF_SOURCE = 10
"""So many drifts of one source may want to be remediated at once, however little it declares."""


def record_source_request(
    safety: SafetyState, source: str, declared: int, limits: Limits, now: datetime
) -> SafetyState:
    """The safety state after one drift more from what a source declares; too large a part of it pauses the source.

    Args:
        safety: the state before.
        source: the source's name.
        declared: how many resources it declares.
        limits: those of the policy.
        now: the time.
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
"""Who has paused a source of which too many declarations drifted at once."""


def source_place(source: str) -> str:
    """The name by which a source is paused."""
    return f"sources/{source}"


def refund(safety: SafetyState, project: str, claimed_at: datetime | None) -> SafetyState:
    """The safety state after a claimed write has changed nothing: it does not count."""
    return replace(
        safety, writes=tuple(act for act in safety.writes if (act.project, act.claimed_at) != (project, claimed_at))
    )


def deny(safety: SafetyState, permission: str, now: datetime) -> SafetyState:
    """The safety state after a permission was denied; the same one where that was told of late."""
    late = tuple(entry for entry in safety.denied if entry[1] > now - _TELL_AGAIN)
    if any(name == permission for name, _ in late):
        return safety
    return replace(safety, denied=(*late, (permission, now)))


def fail(safety: SafetyState, name: str, limits: Limits, now: datetime) -> SafetyState:
    """The safety state after a write that may have done harm; too many at once open the breaker.

    Args:
        safety: the limits as they stand.
        name: the resource.
        limits: those of the policy.
        now: the time.
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
    """One time more; from so many on none, and the breaker that they open."""
    times = (*times, now)
    if len(times) < most:
        return times, None
    return (), Breaker(now, f"{len(times)} {what} within {limits.within:.0f} s")


def _late(safety: SafetyState, limits: Limits, now: datetime) -> SafetyState:
    """The safety state less what is too long ago to count."""
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


encode_safety_state = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SafetyState).decode


def decode_safety_state(stored: bytes | str) -> SafetyState:
    """Read the stored form; empty gives a state that stops nothing.

    Raises:
        CorruptState: it is not the stored form; nothing may be remediated then.
    """
    try:
        return _decode(stored) if stored else SafetyState()
    except UNREADABLE as error:
        raise CorruptState(
            f"the stored safety state cannot be read ({error}); nothing is remediated until it can be"
        ) from None
