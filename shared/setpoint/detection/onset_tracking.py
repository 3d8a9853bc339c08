"""When a drift began, by the record before and the observation that shows it."""

from __future__ import annotations

from setpoint.detection.actor_resolution import seen_again
from setpoint.model.actors import Actor
from setpoint.model.drift_onset import DriftOnset
from setpoint.model.observation import Observation
from setpoint.model.resource_state import ResourceState


def changes_onset(before: ResourceState | None, after: ResourceState) -> bool:
    """Whether a late observation changed the onset of a drift."""
    was, now = before.onset if before is not None else None, after.onset
    return was is None or now is None or (was.seen, was.clear) != (now.seen, now.clear)


def actor_before(state: ResourceState | None, fingerprint: str) -> Actor | None:
    """The recorded actor of the same drift; None if unknown."""
    finding = state.finding if state is not None else None
    if finding is None or finding.status == "resolved" or finding.fingerprint != fingerprint:
        return None
    return finding.actor


def appearance(state: ResourceState | None, observation: Observation, fingerprint: str, judged_by: str) -> DriftOnset:
    """The onset of a drift.

    Args:
        state: the record before; None if there is none.
        observation: the observation that shows the drift.
        fingerprint: the fingerprint of the drift.
        judged_by: digest of the declarations and rules of the verdict.
    """
    seen_at = observation.observed_at
    if state is None:
        return DriftOnset(seen_at)
    if state.fingerprint == fingerprint:
        return seen_again(state.onset or DriftOnset(min(state.observed_at, seen_at)), seen_at)
    if state.judged_by == judged_by:
        return DriftOnset(seen_at, state.observed_at)
    if state.judged_by and seen_at == state.observed_at:
        return DriftOnset(seen_at, seen_at, declared=True)
    return DriftOnset(seen_at)
