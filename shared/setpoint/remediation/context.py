"""All that decides about putting one drift back, gathered from what is stored."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from setpoint.detection import actor_resolution, ownership, policy_evaluation, suppressions
from setpoint.detection.pipeline import Context
from setpoint.model import remediation_attempt
from setpoint.model import safety_limits as braking
from setpoint.model import sources as controlling
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.ports.stores import Snapshot
from setpoint.remediation.decision import DecisionInput
from setpoint.remediation.live_resources import LiveReading
from setpoint.remediation.records import RemediationCase, RemediationContext


def read(key: ResourceKey, context: Context) -> Snapshot:
    """What is stored of a resource, with the declarations that count where it was observed last.

    Where sources are bounded and no observation was kept, nobody knows whether any counts, so that none does.
    """
    snapshot = context.store.read(key)
    if snapshot.rules.sources is None:
        return snapshot
    last = context.store.last_observation(key)
    return replace(snapshot, desired=None) if last is None else ownership.settled(snapshot, last)


def is_due(state: ResourceState | None, now: datetime) -> bool:
    """Whether the remediation of a finding is to be gone on with."""
    return (
        state is not None
        and state.remediation is not None
        and state.remediation.due is not None
        and state.remediation.due <= now
    )


def declared_digest(snapshot: Snapshot) -> str:
    """The digest of what is declared; empty where nothing is."""
    return snapshot.desired.digest if snapshot.desired is not None else ""


def read_live(case: RemediationCase, context: RemediationContext) -> LiveReading | None:
    """Read the resource of a finding; None where no method does.

    Raises:
        AccessDenied: nobody may read it.
        Refused: the API does not take the request.
        Unavailable: the API does not answer.
    """
    desired = case.snapshot.desired
    if desired is None:
        return None
    return context.live_resources.read(desired.declarations[0], case.last, context.clock())


def load_context(snapshot: Snapshot, context: Context) -> RemediationCase | None:
    """All that decides about an open finding; a brake that lands later makes the claim fail."""
    key, now, state = snapshot.key, context.clock(), snapshot.state
    if state is None or state.finding is None or not state.is_open:
        return None
    finding = state.finding
    policy = snapshot.rules.policy or Policy()
    safety = context.store.safety_state()
    last = context.store.last_observation(key)
    rule, mode = None, finding.mode
    if (policy_outcome := _policy_outcome(snapshot, finding, last)) is not None:
        rule, mode = policy_outcome.rule, suppressions.mode_for(finding.differences, policy_outcome.mode)
    scope = remediation_attempt.scope_of(finding.differences, finding.difference_count)
    drift = remediation_attempt.DriftSummary(state.fingerprint, finding.episodes, scope, declared_digest(snapshot))
    remediation = remediation_attempt.start(state.remediation, drift, policy.limits, now)
    if rule is not None:
        remediation = replace(remediation, rule=rule.name, executor=rule.executor)
    is_request = (
        remediation_attempt.is_new(state.remediation, remediation) and mode == "auto" and finding.kind == "modified"
    )
    applied_at, changed_at, is_applying = _rollout(key, context)
    decision_input = DecisionInput(
        key=key,
        finding=finding,
        remediation=remediation,
        rule=rule,
        mode=mode,
        policy=policy,
        safety_state=braking.wish(safety.value, policy.limits, now) if is_request else safety.value,
        ancestors=_places(last, finding.project),
        applied_at=applied_at,
        changed_at=changed_at,
        is_applying=is_applying,
        actor=actor_resolution.describe(finding.actor),
        now=now,
        exemption=state.exemption,
    )
    return RemediationCase(snapshot, state, decision_input, safety, last)


def is_under_another_rule(case: RemediationCase, reading: LiveReading) -> bool:
    """Whether a resource is under another rule by what it is now than by what was observed last: by its labels, say."""
    decided_on = case.decision_input
    if case.last is None:
        return False
    now = _policy_outcome(case.snapshot, decided_on.finding, reading.observation)
    return now is not None and (now.rule, now.mode) != (decided_on.rule, decided_on.mode)


def _policy_outcome(
    snapshot: Snapshot, finding: Finding, seen: Observation | None
) -> policy_evaluation.PolicyOutcome | None:
    """What the policy makes of a finding; None where nothing was kept that it could look at."""
    declaration = primary_declaration(snapshot, finding)
    if declaration is None or seen is None:
        return None
    policy = snapshot.rules.policy or Policy()
    actor = actor_resolution.confident_principal(finding.actor)
    return policy_evaluation.evaluate_policy(policy, declaration, seen, finding.kind, finding.differences, actor=actor)


def primary_declaration(snapshot: Snapshot, finding: Finding) -> Declaration | None:
    """The declaration that a finding is from."""
    if snapshot.desired is None:
        return None
    declarations = snapshot.desired.declarations
    return next((candidate for candidate in declarations if candidate.source == finding.source), declarations[0])


def _places(last: Observation | None, project: str) -> frozenset[str] | None:
    """Where a resource lies, by the last observation; None where none was kept that tells."""
    if last is None or not last.ancestors:
        return None
    named = (f"projects/{name}" for name in (project, last.project) if name)
    return frozenset((*last.ancestors, *named))


def _rollout(key: ResourceKey, context: Context) -> tuple[datetime | None, datetime | None, bool]:
    """When the sources of a declaration were applied, when it changed with that, and whether they are being applied."""
    control = context.store.control().value
    record = context.store.records([key])[key].value
    versions = controlling.visible(record, control)
    sources = [control.sources[name] for name in versions]
    applied = [source.applied_at for source in sources if source.applied_at is not None]
    changed = [
        state.applied_at
        for name, version in versions.items()
        if (state := control.sources[name]).generation == version.generation and state.applied_at is not None
    ]
    is_applying = any(source.pending for source in sources)
    return min(applied, default=None), max(changed, default=None), is_applying
