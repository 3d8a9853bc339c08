"""Load the input of a remediation decision from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.detection import (
    actor_resolution,
    ownership,
    placement,
    policy_evaluation,
    restoration,
    suppressions,
    unmanaged_grants,
)
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.model import policy as policies
from setpoint.model import remediation_attempt, security_meaning
from setpoint.model import safety_limits as braking
from setpoint.model import sources as controlling
from setpoint.model.declaration import Declaration, Mode
from setpoint.model.fleet_rules import with_policy
from setpoint.model.identity import identity_of, is_other, is_unproved
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.sources import DeclaredVersion, SourceState
from setpoint.ports.services import ProjectAncestors
from setpoint.ports.stores import DesiredStore, Snapshot, StateStore, Store
from setpoint.remediation.decision import DecisionInput
from setpoint.remediation.live_resources import LiveReading, LiveResources
from setpoint.remediation.records import RemediationCase


def read(key: ResourceKey, store: StateStore) -> Snapshot:
    """The stored records of a resource, with the declarations that count where it was last observed.

    If sources are restricted and no observation is stored, no declaration counts.
    """
    snapshot = store.read(key)
    removes_grants = key.content == "iam_policy" and unmanaged_grants.may_remove(snapshot.rules)
    if snapshot.rules.sources is None and not removes_grants:
        return snapshot
    last = store.last_observation(key)
    if last is None:
        return replace(snapshot, desired=None) if snapshot.rules.sources is not None else snapshot
    snapshot = ownership.settled(snapshot, last)
    if not removes_grants or snapshot.contest is not None:  # a declaration that does not count may be the right one
        return snapshot
    return replace(snapshot, desired=unmanaged_grants.with_scope(snapshot.desired, snapshot.rules, last))


def is_due(state: ResourceState | None, now: datetime) -> bool:
    """Whether a remediation is due for its next step."""
    return (
        state is not None
        and state.remediation is not None
        and state.remediation.due is not None
        and state.remediation.due <= now
    )


def declared_digest(snapshot: Snapshot) -> str:
    """The digest of the declarations; empty if there are none."""
    return snapshot.desired.digest if snapshot.desired is not None else ""


def read_live(
    case: RemediationCase, live_resources: LiveResources, now: datetime, places: ProjectAncestors | None
) -> LiveReading | None:
    """Read the resource of a finding, and the current place of its project; None where no method reads it.

    Args:
        case: the finding.
        live_resources: the APIs of the resources.
        now: the current time.
        places: looks up where the project is, which must be known for a write; None looks nothing up.

    Raises:
        AccessDenied: a permission is missing; grant it.
        Refused: the API refuses the request.
        Unavailable: the API does not answer; try again.
    """
    desired = case.snapshot.desired
    if desired is None:
        return None
    reading = live_resources.read(desired.declarations[0], case.last, now)
    last = case.last
    if reading is None or places is None or last is None or not last.project_number:
        return reading
    ancestors = places.ancestors(last.project_number, last.ancestors)
    return LiveReading(replace(reading.observation, ancestors=ancestors), reading.resource)


def is_in_another_place(case: RemediationCase, reading: LiveReading) -> bool:
    """Whether a resource moved to other folders since its last observation."""
    return case.last is not None and case.last.ancestors != reading.observation.ancestors


def load_case(snapshot: Snapshot, store: Store, projects: ProjectIdResolver, now: datetime) -> RemediationCase | None:
    """The input of the decision about an open finding; a guardrail set afterwards makes the claim fail.

    Args:
        snapshot: the stored records of the finding.
        store: the last observation, the guardrails and the sources.
        projects: the numbers of projects, for limits of a place.
        now: the current time.

    Returns:
        The input; None without an open finding.
    """
    key, state = snapshot.key, snapshot.state
    if state is None or state.finding is None or not state.is_open:
        return None
    last = store.last_observation(key)
    if snapshot.desired is not None:
        snapshot = replace(snapshot, desired=with_policy(snapshot.desired, snapshot.rules, last))
    finding = state.finding
    policy = snapshot.rules.policy or Policy()
    safety = store.safety_state()
    rule, mode = None, finding.mode
    if (policy_outcome := _policy_outcome(snapshot, finding, last)) is not None:
        rule, mode = policy_outcome.rule, _mode_for(snapshot, finding, policy_outcome)
    scope = remediation_attempt.scope_of(finding.differences, finding.difference_count)
    drift = remediation_attempt.DriftSummary(state.fingerprint, finding.episodes, scope, declared_digest(snapshot))
    remediation = remediation_attempt.start(state.remediation, drift, policy.limits, now)
    remediation = remediation_attempt.without_lapsed_approval(remediation, snapshot.rules.digest, policy.limits, now)
    if rule is not None:
        remediation = replace(remediation, rule=rule.name, executor=rule.executor)
    snapshot = _without_scope(snapshot, finding)
    is_request = (
        remediation_attempt.is_new(state.remediation, remediation) and mode == "auto" and finding.kind == "modified"
    )
    rollout = _rollout_of_all(state, store) if _is_by_scope(snapshot) else _rollout(key, store)
    source = next(iter(rollout.sources)) if len(rollout.sources) == 1 else ""
    ancestors, unplaced = _places(last, rollout.sources, projects)
    requested = safety.value
    if is_request:
        requested = braking.record_request(requested, policy.limits, now)
        for name, declared in rollout.sources.items():
            requested = braking.record_source_request(requested, name, declared, policy.limits, now)
    restored = restored_paths(snapshot, finding)
    decision_input = DecisionInput(
        key=key,
        finding=finding,
        remediation=remediation,
        rule=rule,
        mode=mode,
        policy=policy,
        safety_state=requested,
        ancestors=ancestors,
        applied_at=rollout.applied_at,
        changed_at=rollout.changed_at,
        is_applying=rollout.is_applying,
        actor=actor_resolution.describe(finding.actor),
        now=now,
        exemption=state.exemption,
        unplaced=unplaced,
        source=source,
        restores=bool(restored),
        weakening=_weakening(finding, restored),
    )
    return RemediationCase(snapshot, state, decision_input, safety, last)


def _weakening(finding: Finding, restored: tuple[str, ...]) -> tuple[str, ...]:
    """The undeclared changes whose last known good value opens the resource to everybody, or ends a protection."""
    return tuple(
        difference.path
        for difference in finding.differences
        if difference.path in restored
        and security_meaning.weakens(difference.path, difference.observed, difference.declared)
    )


def _mode_for(snapshot: Snapshot, finding: Finding, policy_outcome: policy_evaluation.PolicyOutcome) -> Mode:
    declaration = primary_declaration(snapshot, finding)
    if declaration is None:
        return policies.more_restrictive(policy_outcome.mode, "alert")
    return suppressions.mode_for(finding.differences, policy_outcome.mode, declaration, snapshot.rules.policy)


def restored_paths(snapshot: Snapshot, finding: Finding) -> tuple[str, ...]:
    """The undeclared changes of a finding whose last known good values the policy asks for."""
    declaration = primary_declaration(snapshot, finding)
    if declaration is None or finding.kind != "modified":
        return ()
    fleet_policy = snapshot.rules.policy
    return tuple(
        difference.path
        for difference in finding.differences
        if restoration.may_remediate(difference, declaration, fleet_policy)
    )


def is_other_resource(case: RemediationCase, reading: LiveReading) -> bool:
    """Whether a resource was recreated under the same name since its last observation."""
    return is_other(case.state.identity, identity_of(reading.observation.data))


def is_unproved_resource(case: RemediationCase, reading: LiveReading) -> bool:
    """Whether a reading may be of another resource than the observed one; always False for a policy."""
    is_resource = case.snapshot.key.content == "resource"
    return is_resource and is_unproved(case.state.identity, identity_of(reading.observation.data))


def is_under_another_rule(case: RemediationCase, reading: LiveReading) -> bool:
    """Whether the read state falls under another policy rule than the last observation, because of its labels."""
    decided_on = case.decision_input
    if case.last is None:
        return False
    now = _policy_outcome(case.snapshot, decided_on.finding, reading.observation)
    return now is not None and (now.rule, now.mode) != (decided_on.rule, decided_on.mode)


def _policy_outcome(
    snapshot: Snapshot, finding: Finding, seen: Observation | None
) -> policy_evaluation.PolicyOutcome | None:
    """The policy's result for a finding; None if no observation is stored."""
    declaration = primary_declaration(snapshot, finding)
    if declaration is None or seen is None:
        return None
    policy = snapshot.rules.policy or Policy()
    actor = actor_resolution.confident_principal(finding.actor)
    return policy_evaluation.evaluate_policy(policy, declaration, seen, finding.kind, finding.differences, actor=actor)


def primary_declaration(snapshot: Snapshot, finding: Finding) -> Declaration | None:
    """The declaration of a finding."""
    if snapshot.desired is None:
        return None
    declarations = snapshot.desired.declarations
    return next((candidate for candidate in declarations if candidate.source == finding.source), declarations[0])


def _places(
    last: Observation | None, sources: Iterable[str], projects: ProjectIdResolver
) -> tuple[frozenset[str] | None, str]:
    """The ancestors of a resource at its last observation, and what is unknown about them.

    Returns:
        Project by id and number, folders, organization and sources; None if unknown. Then the missing part, for people;
        empty if nothing is missing.
    """
    named = {braking.source_place(source) for source in sources}
    if last is None or not last.ancestors:
        return None, "it is not known in which project and folders it is"
    number = last.project_number
    if not number:
        return frozenset((*last.ancestors, *named)), ""
    identifier = placement.observed_id(last) or projects.id_of(number)
    identifier = identifier or projects.look_up(f"projects/{number}").get(number, "")
    missing = "" if identifier else f"the id of its project {number} is not known"
    return frozenset((*last.ancestors, *named, f"projects/{identifier or number}")), missing


class _Rollout(NamedTuple):
    """The latest apply of a declaration's sources.

    Args:
        applied_at: the time of the oldest of their latest applies, or None.
        changed_at: when the declarations last changed; None if that is long ago.
        is_applying: whether an apply of one of them is running.
        sources: their names, with the number of resources that each declares.
    """

    applied_at: datetime | None
    changed_at: datetime | None
    is_applying: bool
    sources: Mapping[str, int]


def _without_scope(snapshot: Snapshot, finding: Finding) -> Snapshot:
    """The records without what a scope adds, unless a finding is about nothing else: declared grants come first."""
    primary = primary_declaration(snapshot, finding)
    if snapshot.desired is None or primary is None or primary.by_scope or not _is_by_scope(snapshot):
        return snapshot
    declarations = tuple(part for part in snapshot.desired.declarations if not part.by_scope)
    return replace(snapshot, desired=replace(snapshot.desired, declarations=declarations))


def _is_by_scope(snapshot: Snapshot) -> bool:
    """Whether the records have what a scope adds."""
    declarations = snapshot.desired.declarations if snapshot.desired is not None else ()
    return any(declaration.by_scope for declaration in declarations)


def _rollout_of_all(state: ResourceState, store: DesiredStore) -> _Rollout:
    """The latest applies of all sources: any of them may declare a grant, or may have declared it a moment ago."""
    sources = store.control().value.sources
    applied = [source.applied_at for source in sources.values() if source.applied_at is not None]
    is_of_apply = state.onset is not None and state.onset.declared
    return _Rollout(
        min(applied, default=None),
        max(applied, default=None) if is_of_apply else None,
        any(source.pending for source in sources.values()),
        {},
    )


def _rollout(key: ResourceKey, store: DesiredStore) -> _Rollout:
    control = store.control().value
    record = store.records([key])[key].value
    versions = controlling.visible(record, control)
    sources = {name: control.sources[name] for name in versions}
    applied = [source.applied_at for source in sources.values() if source.applied_at is not None]
    changed = [_changed_at(version, sources[name]) for name, version in versions.items()]
    return _Rollout(
        min(applied, default=None),
        max(filter(None, changed), default=None),
        any(source.pending for source in sources.values()),
        {name: source.declared for name, source in sources.items()},
    )


def _changed_at(version: DeclaredVersion, source: SourceState) -> datetime | None:
    """When a declaration last changed; for one that an older version wrote, only while no other apply followed."""
    if version.written_at is not None:
        return version.written_at
    return source.applied_at if source.generation == version.generation else None
