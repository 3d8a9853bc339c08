"""Find the actor behind a drift among the stored changes of the resource."""

from __future__ import annotations

from setpoint.detection import actor_resolution, onset_tracking
from setpoint.detection.verdict import ActorLookup
from setpoint.model.actors import Actor
from setpoint.model.observation import Observation
from setpoint.model.resource_state import ResourceState
from setpoint.ports.stores import Snapshot


def actor_lookup(snapshot: Snapshot, observation: Observation) -> ActorLookup:
    """A lookup of the actor behind an observed drift, over the stored changes."""

    def actor_of(fingerprint: str, judged_by: str) -> Actor | None:
        before = onset_tracking.actor_before(snapshot.state, fingerprint)
        if not snapshot.changes:
            return before
        onset = onset_tracking.appearance(snapshot.state, observation, fingerprint, judged_by)
        return actor_resolution.actor_of(snapshot.changes, onset, before, snapshot.rules.policy)

    return actor_of


def may_change_actor(snapshot: Snapshot, after: ResourceState) -> bool:
    """Whether a late observation may change the actor, because it changed the onset of the drift."""
    return bool(snapshot.changes) and onset_tracking.changes_onset(snapshot.state, after)
