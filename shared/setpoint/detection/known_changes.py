"""Who is behind a drift, by the changes of the resource that are known."""

from __future__ import annotations

from setpoint.detection import actor_resolution, finding_state_machine
from setpoint.detection.verdict import Who
from setpoint.model.actors import Actor
from setpoint.model.observation import Observation
from setpoint.model.resource_state import ResourceState
from setpoint.ports.stores import Snapshot


def who(snapshot: Snapshot, observation: Observation) -> Who:
    """Tells who is behind a drift that an observation shows, by the changes that are known."""

    def actor_of(fingerprint: str, judged_by: str) -> Actor | None:
        before = finding_state_machine.actor_before(snapshot.state, fingerprint)
        if not snapshot.changes:
            return before
        onset = finding_state_machine.appearance(snapshot.state, observation, fingerprint, judged_by)
        return actor_resolution.actor_of(snapshot.changes, onset, before, snapshot.rules.policy)

    return actor_of


def may_change_actor(snapshot: Snapshot, after: ResourceState) -> bool:
    """Whether a late observation may make it somebody else who is behind a drift: when it began is otherwise."""
    return bool(snapshot.changes) and finding_state_machine.changes_onset(snapshot.state, after)
