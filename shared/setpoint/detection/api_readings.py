"""When a resource is to be read through its own API, and what the last reading says of fields that a feed lacks.

A policy names the resources (``observe``). A change marks the record; whoever has the credentials reads what is due,
within the budget of the policy, and hands the reading over as an observation. Until the next reading its differences
hold for the fields that the inventory does not tell.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from setpoint.detection.finding_state_machine import Transition
from setpoint.detection.verdict import Unjudged, Verdict
from setpoint.model.api_reading import ApiReading
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.policy import is_read_by_api
from setpoint.ports.stores import Snapshot

_LAG = timedelta(minutes=2)
"""A change that is so little older than a reading may not have been visible to it."""
_ROOM = 16_000
"""Bytes of differences that are kept beside a finding."""


def is_selected(snapshot: Snapshot, asset_type: str) -> bool:
    """Whether the policy asks for a resource to be read through its API, and something is declared of it."""
    return snapshot.desired is not None and is_read_by_api(snapshot.rules.policy, asset_type, snapshot.key)


def scheduled(
    transition: Transition, snapshot: Snapshot, observation: Observation, verdict: Verdict | Unjudged, now: datetime
) -> Transition:
    """The transition with what becomes of the readings of its resource.

    Args:
        transition: what follows from the observation.
        snapshot: what was stored.
        observation: what was observed.
        verdict: what it means.
        now: the time.
    """
    if not is_selected(snapshot, observation.asset_type):
        return transition
    before = snapshot.state
    reading = _next_reading(transition, snapshot, observation, verdict, now)
    if transition.state is not None:
        return replace(transition, state=replace(transition.state, api_reading=reading))
    if before is None or reading == before.api_reading or transition.outcome != "stale":
        return transition
    return replace(transition, state=replace(before, api_reading=reading))


def _next_reading(
    transition: Transition, snapshot: Snapshot, observation: Observation, verdict: Verdict | Unjudged, now: datetime
) -> ApiReading | None:
    before = snapshot.state
    reading = before.api_reading if before is not None else None
    if transition.outcome == "stale":
        return _after_stale(reading, observation, now)
    if observation.deleted:
        return None
    if observation.through == "api":
        due = reading.due if reading is not None and reading.read_at == observation.observed_at else None
        digest = snapshot.desired.digest if snapshot.desired is not None else ""
        return ApiReading(due, observation.observed_at, differences=_few(verdict), desired=digest)
    if before is not None and before.observed_at == observation.observed_at and reading is not None:
        return reading  # nothing new was observed
    return replace(reading or ApiReading(), due=_sooner(reading, now))


def _after_stale(reading: ApiReading | None, observation: Observation, now: datetime) -> ApiReading | None:
    """An older observation asks for a reading where the last one may have been too early to show the change."""
    if reading is None or reading.read_at is None or observation.through == "api":
        return reading
    if observation.observed_at < reading.read_at - _LAG:
        return reading
    return replace(reading, due=_sooner(reading, now))


def _sooner(reading: ApiReading | None, now: datetime) -> datetime:
    return min(reading.due, now) if reading is not None and reading.due is not None else now


def _few(verdict: Verdict | Unjudged) -> tuple[Difference, ...]:
    """As many differences of a verdict as a record has room for beside its finding."""
    kept: list[Difference] = []
    room = _ROOM
    for difference in verdict.differences if isinstance(verdict, Verdict) else ():
        room -= len(msgspec.json.encode(difference))
        if room < 0:
            break
        kept.append(difference)
    return tuple(kept)
