"""What is stored and said of each step of a remediation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from setpoint import flow
from setpoint.core import compare as comparing
from setpoint.core import findings
from setpoint.core.audit import Entry
from setpoint.core.brakes import Brakes
from setpoint.core.deciding import Decision, Situation
from setpoint.core.events import EventType
from setpoint.core.findings import ResourceState
from setpoint.core.names import ResourceKey
from setpoint.core.observations import Observation
from setpoint.core.remedies import Remedy
from setpoint.errors import Conflict
from setpoint.flow import Deps
from setpoint.live import Live
from setpoint.ports import Snapshot, StoredBrakes

_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Hands:
    """What remediation works with.

    Args:
        deps: the findings, and where events go.
        live: the APIs that hold the resources.
        worker: who is working, for the audit trail.
        actor_of: who has changed a resource, where anybody knows; an empty string else.
    """

    deps: Deps
    live: Live
    worker: str = "setpoint"
    actor_of: Callable[[ResourceKey], str] = lambda _: ""


class Case(NamedTuple):
    """A finding that is looked at.

    Args:
        snapshot: all that was stored of it.
        state: its record.
        situation: all that decides about it.
        brakes: the brakes as they were stored; those of the situation may know of one wish more.
        last: the last observation, where it was kept.
    """

    snapshot: Snapshot
    state: ResourceState
    situation: Situation
    brakes: StoredBrakes
    last: Observation | None


class Told(NamedTuple):
    """What is said of a step: to the audit trail, and as an event where it is one."""

    what: str
    event: EventType | None = None
    decision: Decision | None = None
    reading: Observation | None = None


def is_said(before: Remedy | None, after: Remedy) -> bool:
    """Whether a step adds nothing to what was said before."""
    return before is not None and (before.fingerprint, before.step, before.reason, before.attempts) == (
        after.fingerprint,
        after.step,
        after.reason,
        after.attempts,
    )


def keep(case: Case, remedy: Remedy, telling: Told, hands: Hands, brakes: Brakes | None = None) -> Snapshot:
    """Store a step with the brakes that it was decided under, then say it."""
    deps, state = hands.deps, case.state
    said = is_said(state.remedy, remedy)
    after = _with_event(state, remedy, None if said else telling.event, case.snapshot, deps.clock())
    brakes = brakes or case.situation.brakes
    if brakes == case.brakes.value:
        stored = deps.store.commit(case.snapshot, after)
    else:
        stored = deps.store.claim(case.snapshot, after, brakes, case.brakes.version)
    if not said:
        _audit(stored.key, remedy, telling, hands)
    flow.publish_pending(stored, deps)
    return deps.store.read(stored.key) if after.pending else stored


def note(
    key: ResourceKey,
    before: Remedy,
    after: Remedy,
    telling: Told,
    hands: Hands,
    brake: Callable[[Brakes], Brakes] | None = None,
) -> None:
    """Store what came of a claim, unless somebody else has taken it over or an observation has proved it."""
    deps = hands.deps
    for _ in range(_ATTEMPTS):
        snapshot, brakes = deps.store.read(key), deps.store.brakes()
        state = snapshot.state
        if state is None or state.remedy is None or state.remedy.attempts != before.attempts:
            return
        if state.remedy.step not in ("acting", "operating", "verifying"):
            return
        changed = _with_event(state, after, telling.event, snapshot, deps.clock())
        try:
            if brake is None:
                stored = deps.store.commit(snapshot, changed)
            else:
                stored = deps.store.claim(snapshot, changed, brake(brakes.value), brakes.version)
        except Conflict:
            continue
        _audit(key, after, telling, hands)
        flow.publish_pending(stored, deps)
        return
    raise Conflict(f"{key.name}: written by others {_ATTEMPTS} times in a row; it will be read again")


def _with_event(
    state: ResourceState, remedy: Remedy, event: EventType | None, snapshot: Snapshot, now: datetime
) -> ResourceState:
    """The record with a step more, and with the event that tells of it."""
    after = replace(state, remedy=remedy)
    if event is None or state.finding is None:
        return after
    declared = None
    if event == "remediation.requested" and snapshot.desired is not None:
        declared = comparing.masked_message([one.data for one in snapshot.desired.declarations], None)
    return findings.with_remediation_event(after, event, declared, now)


def _audit(key: ResourceKey, remedy: Remedy, telling: Told, hands: Hands) -> None:
    entry = Entry(
        at=hands.deps.clock(),
        what=telling.what,
        by=hands.worker,
        fingerprint=remedy.fingerprint,
        observed_at=telling.reading.observed_at if telling.reading is not None else None,
        reasons=telling.decision.reasons if telling.decision is not None else (),
        summary=remedy.summary,
        text=remedy.reason,
    )
    hands.deps.store.note(key, entry)
