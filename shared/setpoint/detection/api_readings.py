"""Schedule reads of resources through their own API, for fields that the feed lacks.

The policy selects the resources (``observe``). A change marks the record as due. The process with the credentials reads
what is due, within the budget of the policy, and hands the result over as an observation. The differences of a read
stay valid, for the fields that the inventory lacks, until the next read.
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
"""A change this recent before a read may not have been visible to the read."""
_ROOM = 16_000
"""The most bytes of differences that are stored beside a finding."""


def is_selected(snapshot: Snapshot, asset_type: str) -> bool:
    """Whether the policy selects a declared resource for reads through its API."""
    return snapshot.desired is not None and is_read_by_api(snapshot.rules.policy, asset_type, snapshot.key)


def scheduled(
    transition: Transition, snapshot: Snapshot, observation: Observation, verdict: Verdict | Unjudged, now: datetime
) -> Transition:
    """The transition with the next API read scheduled.

    Args:
        transition: the result of the observation.
        snapshot: the stored records before the observation.
        observation: the observation.
        verdict: its verdict.
        now: the current time.
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
        return ApiReading(due, observation.observed_at, differences=_fitting_differences(verdict), desired=digest)
    if before is not None and before.observed_at == observation.observed_at and reading is not None:
        return reading  # the observation adds nothing new
    return replace(reading or ApiReading(), due=_sooner(reading, now))


def _after_stale(reading: ApiReading | None, observation: Observation, now: datetime) -> ApiReading | None:
    """Schedule a read for an older observation if the last read may have been too early to show its change."""
    if reading is None or reading.read_at is None or observation.through == "api":
        return reading
    if observation.observed_at < reading.read_at - _LAG:
        return reading
    return replace(reading, due=_sooner(reading, now))


def _sooner(reading: ApiReading | None, now: datetime) -> datetime:
    return min(reading.due, now) if reading is not None and reading.due is not None else now


def _fitting_differences(verdict: Verdict | Unjudged) -> tuple[Difference, ...]:
    """The differences of a verdict that fit in a record beside its finding."""
    kept: list[Difference] = []
    room = _ROOM
    for difference in verdict.differences if isinstance(verdict, Verdict) else ():
        room -= len(msgspec.json.encode(difference))
        if room < 0:
            break
        kept.append(difference)
    return tuple(kept)
