"""Find the actor behind a drift among the stored changes of the resource."""

from __future__ import annotations

from setpoint.detection import actor_resolution, drift_onsets
from setpoint.detection.verdict import Who
from setpoint.model.actors import Actor
from setpoint.model.observation import Observation
from setpoint.model.resource_state import ResourceState
from setpoint.ports.stores import Snapshot


def who(snapshot: Snapshot, observation: Observation) -> Who:
    """A lookup of the actor behind an observed drift, over the stored changes."""

    def actor_of(fingerprint: str, judged_by: str) -> Actor | None:
        before = drift_onsets.actor_before(snapshot.state, fingerprint)
        if not snapshot.changes:
            return before
        onset = drift_onsets.appearance(snapshot.state, observation, fingerprint, judged_by)
        return actor_resolution.actor_of(snapshot.changes, onset, before, snapshot.rules.policy)

    return actor_of


def may_change_actor(snapshot: Snapshot, after: ResourceState) -> bool:
    """Whether a late observation may change the actor, because it changed the onset of the drift."""
    return bool(snapshot.changes) and drift_onsets.changes_onset(snapshot.state, after)
