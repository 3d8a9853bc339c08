"""The lifecycle of a finding: a pure state machine over observations and verdicts.

::

              drift, settled           other differences
    (none) ──────────► open ──┐ drift.changed ◄──┘
       ▲  drift.opened  │ ▲   └───────────────────┐
       │                │ └── drift again: drift.opened, episodes + 1
       └── in sync ◄────┴──► resolved: drift.resolved

An exempted or accepted drift opens no finding until the exemption ends; its finding resolves like any other. A drift
with a grace period is only recorded at first. Its finding opens when the drift has lasted that long; a drift that ends
before opens none. An older or repeated observation changes nothing but the actor: an older observation can narrow down
the onset of the drift, and a repeated one takes up changes that became known since.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from setpoint.detection.actor_resolution import narrowed
from setpoint.detection.finding_events import drift_data, recorded, remediation_data
from setpoint.detection.onset_tracking import appearance
from setpoint.detection.resolution_reasons import absorbed, reason_of, reason_without_verdict
from setpoint.detection.verdict import Unjudged, Verdict
from setpoint.model.difference import Difference
from setpoint.model.drift_history import DriftHistory, carried_over
from setpoint.model.events import EventType, Status, drift_event
from setpoint.model.exemptions import Exemption, is_in_force
from setpoint.model.field_path import overlap
from setpoint.model.identity import identity_of, is_other
from setpoint.model.last_known_good import LastKnownGood
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.remediation_attempt import close, verify, was_tried
from setpoint.model.resource_state import SCHEMA, Finding, GracePeriod, ResourceState


class Transition(msgspec.Struct, frozen=True, gc=False):
    """The result of an observation.

    Args:
        outcome: what happened to the finding.
        state: the record to store; None if nothing changes.
    """

    outcome: Outcome
    state: ResourceState | None = None


def advance(
    state: ResourceState | None, observation: Observation, verdict: Verdict | Unjudged, now: datetime
) -> Transition:
    """Advance the record of a resource by an observation; new events are added to its pending ones.

    Args:
        state: the record before; None if there is none.
        observation: the observation.
        verdict: its verdict.
        now: the current time, which grace periods are measured with.
    """
    identity = identity_of(observation.data)
    if (
        state is not None
        and state.finding is None
        and not state.pending
        and observation.observed_at > state.observed_at
        and isinstance(verdict, Verdict)
        and verdict.kind is None
        and state.identity == identity
    ):
        return _without_finding(state, observation, verdict)  # the usual case needs nothing of what follows
    transition = _advance(_of_this_resource(state, observation, identity), observation, verdict, now, identity)
    after = transition.state
    if after is None or not after.pending:
        return transition
    return replace(transition, state=replace(after, pending=recorded(after.pending, now)))


def _without_finding(state: ResourceState, observation: Observation, verdict: Verdict) -> Transition:
    """The next record of the same resource, which has no finding, after an observation without drift."""
    after = ResourceState(
        observation.key,
        observation.asset_type,
        observation.observed_at,
        observation.deleted,
        "",
        verdict.judged_by,
        state.sequence,
        None,
        (),
        None,
        verdict.suppressed,
        state.exemption,
        state.remediation,
        None,
        verdict.unknown,
        SCHEMA,
        None,
        observation.window_start,
        state.identity,
        observation.project_number or state.home,
        _good(state, None, verdict),
    )
    return Transition("unknown" if verdict.unknown else "in_sync", after)


def _advance(
    state: ResourceState | None,
    observation: Observation,
    verdict: Verdict | Unjudged,
    now: datetime,
    identity: dict[str, str],
) -> Transition:
    known = _known_already(state, observation, verdict) if state is not None else ""
    if state is not None and known == "stale":
        return _apply_older(state, observation, verdict)
    if state is not None and known and not (_is_deadline_past(state, now) or _has_new_actor_or_wait(state, verdict)):
        return Transition(known)
    if not isinstance(verdict, Verdict):
        return _unjudged(state, observation, verdict, identity)
    before = state.finding if state else None
    settling = _settling(state, observation, verdict, now)
    if settling is not None:
        outcome: Outcome = "settling"
        return Transition(
            outcome, _next_state(state, observation, outcome, before, verdict, settling, identity=identity)
        )
    since = state.settling.since if state and state.settling else observation.observed_at
    exemption = state.exemption if state is not None else None
    if exemption is None or not is_in_force(exemption, verdict.fingerprint, now):
        exemption = None
    outcome, finding = _next_finding(before, observation, verdict, since, exemption)
    if finding is not None and outcome == "resolved" and state is not None:
        finding = absorbed(finding, state, observation, verdict)
    return Transition(outcome, _next_state(state, observation, outcome, finding, verdict, identity=identity))


def _of_this_resource(
    state: ResourceState | None, observation: Observation, identity: dict[str, str]
) -> ResourceState | None:
    """The record before, without the state of an earlier resource of the same name.

    A resource that was recreated under the same name is another resource: the earlier finding resolves, and approvals,
    acceptances and exemptions do not carry over.
    """
    if state is None or observation.observed_at <= state.observed_at:
        return state
    if not is_other(state.identity, identity):
        return state
    finding = state.finding
    if finding is not None and finding.status != "resolved":
        ended = replace(finding, status="resolved", resolved_at=observation.observed_at, reason="made again")
        state = _next_state(state, observation, "resolved", ended, identity=identity)
    return replace(
        state,
        exemption=None,
        remediation=None,
        settling=None,
        onset=None,
        fingerprint="",
        judged_by="",
        last_good=None,
    )


def _apply_older(state: ResourceState, observation: Observation, verdict: Verdict | Unjudged) -> Transition:
    """Apply an older observation: it can only narrow down the onset of the drift."""
    if state.onset is None or not isinstance(verdict, Verdict) or verdict.judged_by != state.judged_by:
        return Transition("stale")
    shows = verdict.fingerprint == state.fingerprint
    onset = narrowed(state.onset, observation.observed_at, shows=shows, latest=state.observed_at)
    return Transition("stale", replace(state, onset=onset) if onset != state.onset else None)


def _has_new_actor_or_wait(state: ResourceState, verdict: Verdict | Unjudged) -> bool:
    """Whether a verdict names another actor of the drift, or another grace period because of the actor."""
    if not isinstance(verdict, Verdict) or verdict.kind is None:
        return False
    if state.settling is not None:
        return state.settling.wait != verdict.settle
    return state.finding is not None and state.finding.status != "resolved" and state.finding.actor != verdict.actor


def _good(state: ResourceState | None, finding: Finding | None, verdict: Verdict | None) -> LastKnownGood | None:
    """The good undeclared values: the current ones, if a person has accepted them.

    A verdict that says nothing of them leaves them: on a dispute, on a deletion, or if the resource is not declared.
    """
    before = state.last_good if state is not None else None
    if verdict is None or verdict.good is None:
        return before
    is_accepted = finding is not None and finding.status == "accepted" and finding.fingerprint == verdict.fingerprint
    good = verdict.accepted if is_accepted and verdict.accepted is not None else verdict.good
    return good if good.packed else None


def _is_deadline_past(state: ResourceState, now: datetime) -> bool:
    """Whether a deadline has passed: a grace period ended, or an exemption began or ended."""
    if state.settling is not None:
        return state.settling.due <= now
    is_exempted = is_in_force(state.exemption, state.fingerprint, now)
    return (state.is_open and is_exempted) or (state.is_exempt_or_accepted and not is_exempted)


def _settling(
    state: ResourceState | None, observation: Observation, verdict: Verdict, now: datetime
) -> GracePeriod | None:
    """The rest of a grace period; None if there is none.

    A grace period ends when its time has passed, or when two observations of the drift are that far apart.
    """
    finding = state.finding if state else None
    if verdict.kind is None or not verdict.settle or (finding is not None and finding.status != "resolved"):
        return None
    wait = timedelta(seconds=verdict.settle)
    before = state.settling if state else None
    if before is None:
        return GracePeriod(observation.observed_at, now + wait, verdict.settle)
    longer = verdict.settle - before.wait
    due = before.due + timedelta(seconds=longer) if before.wait and longer > 0 else min(before.due, now + wait)
    if observation.observed_at - before.since >= wait or due <= now:
        return None
    return GracePeriod(before.since, due, verdict.settle)


_EVENTS: dict[Outcome, EventType] = {
    "opened": "drift.opened",
    "changed": "drift.changed",
    "attributed": "drift.attributed",
    "resolved": "drift.resolved",
    "exempted": "drift.exempted",
}


def without_verdict(observation: Observation) -> ResourceState:
    """The record of an observation without a verdict."""
    return _next_state(None, observation, "undeclared", None, identity=identity_of(observation.data))


def _known_already(
    state: ResourceState, observation: Observation, verdict: Verdict | Unjudged
) -> Literal["stale", "repeated", ""]:
    """Whether an observation is older than the last one, or repeats it.

    Of two observations with the same time, the one whose window starts later is the later one. Without windows their
    order follows from their content, so that the result does not depend on the order of delivery: a repeated state adds
    nothing, a deletion is later than an existing state, and of two verdicts by the same rules the greater fingerprint
    is the later.
    """
    if observation.observed_at > state.observed_at:  # the usual case
        return ""
    window, latest_window = _windows(state, observation)
    if not isinstance(verdict, Verdict) or verdict.judged_by != state.judged_by:
        now = (observation.observed_at, window, observation.deleted)
        return "stale" if now < (state.observed_at, latest_window, state.deleted) else ""
    if (observation.observed_at, observation.deleted, verdict.fingerprint) == (
        state.observed_at,
        state.deleted,
        state.fingerprint,
    ):
        return "repeated"
    latest = (state.observed_at, latest_window, state.deleted, state.fingerprint)
    this = (observation.observed_at, window, observation.deleted, verdict.fingerprint)
    return "stale" if this < latest else ""


def _windows(state: ResourceState, observation: Observation) -> tuple[datetime, datetime]:
    """The starts of both windows; two equal times if one window is unknown."""
    this, latest = observation.window_start, state.window_start
    if this is None or latest is None:
        return observation.observed_at, observation.observed_at
    return this, latest


def _unjudged(
    state: ResourceState | None, observation: Observation, why: Unjudged, identity: dict[str, str]
) -> Transition:
    """Handle an observation without a verdict; resolve the open finding of a resource that is no longer declared.

    An existing record is updated, so that an older observation is not evaluated again.
    """
    if state is None or why == "unreadable":
        return Transition(why)
    finding = state.finding
    if finding is None or finding.status == "resolved":
        return Transition(why, _next_state(state, observation, why, finding, identity=identity))
    reason = reason_without_verdict(finding, observation)
    ended = replace(finding, status="resolved", resolved_at=observation.observed_at, reason=reason)
    return Transition("resolved", _next_state(state, observation, "resolved", ended, identity=identity))


def _next_state(
    state: ResourceState | None,
    observation: Observation,
    outcome: Outcome,
    finding: Finding | None,
    verdict: Verdict | None = None,
    settling: GracePeriod | None = None,
    *,
    identity: dict[str, str],
) -> ResourceState:
    """The record after an observation; without a verdict nothing judges it."""
    fingerprint, judged_by = (verdict.fingerprint, verdict.judged_by) if verdict is not None else ("", "")
    event_type = _EVENTS.get(outcome)
    sequence = state.sequence if state else 0
    pending = state.pending if state else ()
    onset = appearance(state, observation, fingerprint, judged_by) if fingerprint else None
    of_event = onset or (state.onset if state else None)
    if event_type is not None and finding is not None:
        sequence += 1
        pending = (*pending, drift_event(event_type, sequence, drift_data(finding, observation, of_event)))
    remediation = state.remediation if state else None
    if outcome == "resolved" and finding is not None and remediation is not None:
        is_remediated = was_tried(remediation) and finding.reason in _REMEDIATED
        remediation = (
            verify(remediation, observation.observed_at) if is_remediated else close(remediation, finding.reason)
        )
        if is_remediated:
            sequence += 1
            data = replace(drift_data(finding, observation, of_event), remediation=remediation_data(remediation))
            pending = (*pending, drift_event("remediation.succeeded", sequence, data))
    # By position, which costs a quarter of what keywords do: in the order of the fields.
    return ResourceState(
        observation.key,
        observation.asset_type,
        observation.observed_at,
        observation.deleted,
        fingerprint,
        judged_by,
        sequence,
        finding,
        pending,
        settling,
        verdict.suppressed if verdict is not None else (),
        _still_exempt(state.exemption, outcome) if state else None,
        remediation,
        onset,
        verdict.unknown if verdict is not None else (),
        SCHEMA,
        None,
        observation.window_start,
        identity or (state.identity if state else {}),
        _home_project(state, observation, verdict),
        _good(state, finding, verdict),
    )


def _home_project(state: ResourceState | None, observation: Observation, verdict: Verdict | None) -> str:
    """The project in which a resource is declared; it stays while a declaration is at fault."""
    before = state.home if state is not None else ""
    if verdict is None or (verdict.differences and any(map(_is_of_authority, verdict.differences))):
        return before
    return observation.project_number or before


def _is_of_authority(difference: Difference) -> bool:
    return difference.kind == "authority"


def _next_finding(
    finding: Finding | None,
    observation: Observation,
    verdict: Verdict,
    since: datetime,
    exemption: Exemption | None,
) -> tuple[Outcome, Finding | None]:
    seen_at = observation.observed_at
    before = finding if finding is not None and finding.status != "resolved" else None
    if verdict.kind is None:
        return _without_drift(finding, before, observation, verdict)
    if before is None:
        begun = _begun(verdict, observation, episodes=finding.episodes + 1 if finding else 1)
        seen = replace(begun, first_seen=since)
    else:
        seen = replace(
            _begun(verdict, observation, before.episodes),
            first_seen=before.first_seen,
            count=before.count + (seen_at != before.last_seen),
            changed_at=before.changed_at if verdict.fingerprint == before.fingerprint else seen_at,
            hidden=_hidden(before, verdict) if verdict.unknown else (),
            history=_history(before, verdict, seen_at),
        )
    if exemption is not None:
        status: Status = "accepted" if exemption.fingerprint else "exempted"
        quiet = replace(seen, status=status, reason=exemption.reason)
        return ("drifted" if before is not None and before.status == status else "exempted"), quiet
    if before is None or before.status != "open":
        return "opened", seen
    is_same = (before.fingerprint, before.severity, before.mode) == (seen.fingerprint, seen.severity, seen.mode)
    if is_same and seen.actor is not None and seen.actor != before.actor:
        return "attributed", seen
    return ("drifted" if is_same else "changed"), seen


def _history(before: Finding, verdict: Verdict, seen_at: datetime) -> DriftHistory | None:
    if before.history is None or verdict.fingerprint == before.fingerprint:
        return before.history
    return carried_over(before.history, before.differences, verdict.differences, seen_at, verdict.actor)


def _without_drift(
    finding: Finding | None, before: Finding | None, observation: Observation, verdict: Verdict
) -> tuple[Outcome, Finding | None]:
    """The finding after an observation without drift; ``before`` is the finding if it is not resolved."""
    if before is None:
        return ("unknown" if verdict.unknown else "in_sync"), finding
    if is_hidden(before, verdict):
        return "unknown", before
    reason = reason_of(before, observation, verdict)
    return "resolved", replace(before, status="resolved", resolved_at=observation.observed_at, reason=reason)


def is_hidden(finding: Finding, verdict: Verdict) -> bool:
    """Whether an open drift is in a field that could not be compared now, so that its state is unknown."""
    return bool(verdict.unknown) and bool(_hidden(finding, verdict))


def _hidden(finding: Finding, verdict: Verdict) -> tuple[str, ...]:
    """The fields of an open drift that could not be compared now, while others may be shown."""
    shown = {difference.path for difference in verdict.differences}
    paths = dict.fromkeys((*(difference.path for difference in finding.differences), *finding.hidden))
    return tuple(
        path for path in paths if path not in shown and any(overlap(path, unknown.path) for unknown in verdict.unknown)
    )


def _still_exempt(exemption: Exemption | None, outcome: Outcome) -> Exemption | None:
    """The exemption that stays in force; an acceptance ends when the accepted drift changes."""
    return None if exemption is not None and exemption.fingerprint and outcome == "resolved" else exemption


_REMEDIATED = ("in sync", "gone")
"""The reasons of a resolved finding that mean that a remediation succeeded."""


def _begun(verdict: Verdict, observation: Observation, episodes: int) -> Finding:
    assert verdict.kind is not None  # noqa: S101 - callers check this; the assertion is for the type checker
    return Finding(
        kind=verdict.kind,
        status="open",
        severity=verdict.severity,
        mode=verdict.mode,
        owner=verdict.owner,
        project=verdict.project,
        source=verdict.source,
        differences=verdict.differences,
        difference_count=verdict.difference_count,
        fingerprint=verdict.fingerprint,
        first_seen=observation.observed_at,
        last_seen=observation.observed_at,
        episodes=episodes,
        previous_data=verdict.previous_data,
        actor=verdict.actor,
        ancestors=observation.ancestors,
        claim=verdict.claim,
    )
