"""Decide whether a drift is remediated now, with every reason for and against it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from setpoint.model import maintenance_windows, remediation_attempt
from setpoint.model import safety_limits as braking
from setpoint.model.audit_trail import Action, Reason
from setpoint.model.declaration import Mode
from setpoint.model.exemptions import Exemption, is_in_force
from setpoint.model.policy import MANUAL_MODES, Policy, Rule
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding
from setpoint.model.safety_limits import LimitScope, SafetyState

_STRONGEST: tuple[Action, ...] = ("leave", "stop", "wait", "ask", "rehearse", "hand_off", "act")
"""Actions in order of precedence: the first wins."""

_CLEARED_TOO_OFTEN = 2
_LOOK_AGAIN = timedelta(minutes=5)


class Decision(msgspec.Struct, frozen=True):
    """The action for a drift, and the reasons.

    Args:
        action: the action.
        reasons: the results of all checks, in their order.
        until: when to decide again, for ``wait``.
    """

    action: Action
    reasons: tuple[Reason, ...]
    until: datetime | None = None

    @property
    def because(self) -> str:
        """The reasons for the action, in one line."""
        return "; ".join(reason.text for reason in self.reasons if reason.action == self.action)


class DecisionInput(NamedTuple):
    """The input of a decision.

    Args:
        key: the resource and content.
        finding: its finding.
        remediation: the state of its remediation.
        rule: the policy rule that applies, or None.
        mode: the remediation mode.
        policy: the policy.
        safety_state: the guardrails of the fleet.
        ancestors: ``projects/…``, ``folders/…``, ``organizations/…`` above the resource; None if unknown.
        applied_at: when the source of its declaration was last applied, or None.
        changed_at: when its declaration last changed; None if that is long ago.
        is_applying: whether an apply of its source is running.
        actor: the actor behind the drift, for people; empty if unknown.
        now: the current time.
        exemption: its exemption, in force or expired, or None.
        unplaced: what is unknown about its ancestors, for people; empty if nothing is.
        source: the source that declares it; empty for several.
        restores: whether last known good values of undeclared fields would be written.
        weakening: those of them whose last known good value opens the resource to everybody, or ends a protection.
    """

    key: ResourceKey
    finding: Finding
    remediation: RemediationState
    rule: Rule | None
    mode: Mode
    policy: Policy
    safety_state: SafetyState
    ancestors: frozenset[str] | None
    applied_at: datetime | None
    changed_at: datetime | None
    is_applying: bool
    actor: str
    now: datetime
    exemption: Exemption | None = None
    unplaced: str = ""
    source: str = ""
    restores: bool = False
    weakening: tuple[str, ...] = ()

    @property
    def is_older_than_apply(self) -> bool:
        """Whether an apply came after an undeclared change that would be reverted, without approval."""
        if not self.restores or self.changed_at is None or self.remediation.approved_by:
            return False
        return self.finding.first_seen <= self.changed_at

    @property
    def is_weakening(self) -> bool:
        """Whether a last known good value would open the resource or end a protection, without approval."""
        return bool(self.weakening) and not self.remediation.approved_by

    @property
    def has_declared_drift(self) -> bool:
        """Whether a declared field differs."""
        return any(difference.kind != "undeclared_change" for difference in self.finding.differences)

    @property
    def missing_place(self) -> str:
        """What is unknown about the ancestors, for people; empty if nothing is."""
        return self.unplaced or ("" if self.ancestors is not None else "its location is not known")

    @property
    def limit_scope(self) -> LimitScope:
        """The owner of the rate limits that this write counts against."""
        return LimitScope(self.finding.project, self.source)


def decide(facts: DecisionInput) -> Decision:
    """Decide what is done about a drift now."""
    reasons = tuple(reason for check in _CHECKS if (reason := check(facts)) is not None)
    action = min((reason.action for reason in reasons), key=_STRONGEST.index)
    until = None
    if action == "wait":
        asked = (reason.until or facts.now + _LOOK_AGAIN for reason in reasons if reason.action == "wait")
        until = max(asked)
    return Decision(action, reasons, until)


def blocking_guardrail(facts: DecisionInput) -> str:
    """The pause or circuit breaker that stops a remediation, for people; empty if there is none."""
    reasons = (check(facts) for check in (_by_pause, _by_breaker))
    return "; ".join(reason.text for reason in reasons if reason is not None)


def _by_mode(facts: DecisionInput) -> Reason:
    rule = f"rule {facts.rule.name}" if facts.rule is not None else "its declaration"
    if facts.mode in MANUAL_MODES:
        return Reason(f"mode {facts.mode} by {rule}", "leave")
    if facts.mode == "approve" and not facts.remediation.approved_by:
        return Reason(f"mode approve by {rule}, and this drift is not approved", "ask")
    if facts.remediation.approved_by:
        return Reason(f"approved by {facts.remediation.approved_by}")
    return Reason(f"mode auto by {rule}")


def _by_status(facts: DecisionInput) -> Reason | None:
    return None if facts.finding.status == "open" else Reason(f"the finding is {facts.finding.status}", "leave")


def _by_exemption(facts: DecisionInput) -> Reason | None:
    """An exemption holds from the time it is stored, before the finding is evaluated again."""
    if facts.exemption is None or not is_in_force(facts.exemption, facts.finding.fingerprint, facts.now):
        return None
    return Reason(f"{facts.exemption.by or 'somebody'} exempted it: {facts.exemption.reason}", "leave")


def _by_size(facts: DecisionInput) -> Reason | None:
    """Rules look at fields, and a large drift is not stored with all of its fields."""
    kept, count = len(facts.finding.differences), facts.finding.difference_count
    if kept == count or facts.finding.kind != "modified" or facts.remediation.approved_by:
        return None
    return Reason(f"{count} fields differ, of which {kept} are recorded", "ask")


def _by_place(facts: DecisionInput) -> Reason | None:
    """Rules, pauses and limits cannot be determined while an ancestor of the resource is unknown."""
    if not facts.missing_place or facts.finding.kind != "modified":
        return None
    return Reason(f"{facts.missing_place}, so that no rule, pause or limit of a place can be looked up", "stop")


def _by_kind(facts: DecisionInput) -> Reason | None:
    if facts.finding.kind == "modified":
        return None
    why = "recreating a resource" if facts.finding.kind == "deleted" else "deleting a resource"
    return Reason(f"{why} is never automatic", "hand_off")


def _by_executor(facts: DecisionInput) -> Reason | None:
    if facts.rule is None or facts.rule.executor == "api":
        return None
    return Reason(f"rule {facts.rule.name} assigns it to the executor {facts.rule.executor}", "hand_off")


def _by_pause(facts: DecisionInput) -> Reason | None:
    pause = braking.paused(facts.safety_state, facts.key.name, facts.ancestors or (), facts.now)
    if pause is None and facts.missing_place and (others := braking.pauses_of_ancestors(facts.safety_state, facts.now)):
        return Reason(f"{others[0].of} is paused, and it is not known whether the resource is there", "wait")
    if pause is None:
        return None
    why = f": {pause.reason}" if pause.reason else ""
    action: Action = "stop" if pause.by == braking.SECOND_BREAKER else "wait"
    return Reason(f"{pause.of} is paused by {pause.by or 'somebody'}{why}", action, pause.until)


def _by_breaker(facts: DecisionInput) -> Reason | None:
    breaker = facts.safety_state.breaker
    return None if breaker is None else Reason(f"the breaker is open: {breaker.reason}", "stop")


def _by_limit(facts: DecisionInput) -> Reason | None:
    limits, limit_scope = facts.policy.limits, facts.limit_scope
    limit = braking.exceeded(facts.safety_state, limit_scope, limits, facts.now)
    return (
        Reason(limit, "wait", braking.next_allowed_write(facts.safety_state, limit_scope, limits, facts.now))
        if limit
        else None
    )


def _by_window(facts: DecisionInput) -> Reason | None:
    if facts.rule is None or not facts.rule.windows or facts.mode != "auto" or facts.remediation.approved_by:
        return None
    if maintenance_windows.is_open(facts.rule.windows, facts.now):
        return Reason(f"a window of rule {facts.rule.name} is open")
    return Reason(f"no window of rule {facts.rule.name} is open", "wait")


def _by_flapping(facts: DecisionInput) -> Reason | None:
    times = _returns(facts)
    if not times or facts.remediation.approved_by:
        return None
    who = facts.actor or "an unknown actor"
    text = f"after remediation it has drifted again {times} times, changed by {who}"
    if times >= facts.policy.limits.flaps:
        return Reason(text, "stop")
    until = facts.remediation.since + remediation_attempt.pause_after(times)
    return Reason(text, "wait", until) if until > facts.now else None


def _returns(facts: DecisionInput) -> int:
    return remediation_attempt.returns(facts.remediation, (difference.path for difference in facts.finding.differences))


def _by_attempts(facts: DecisionInput) -> Reason | None:
    if facts.remediation.attempts < facts.policy.limits.attempts:
        return None
    return Reason(remediation_attempt.exhausted(facts.remediation), "stop")


def _by_pace(facts: DecisionInput) -> Reason | None:
    remediation = facts.remediation
    if remediation.due is None or remediation.due <= facts.now:
        return None
    if remediation.step in remediation_attempt.UNDER_WAY:
        return Reason(f"its remediation is in progress ({remediation.step})", "wait", remediation.due)
    if remediation.step == "waiting" and remediation.failure:
        return Reason(f"an attempt has failed: {remediation.failure}", "wait", remediation.due)
    return None


def _by_answer(facts: DecisionInput) -> Reason | None:
    """A refused write is not sent again; a denied write is retried, since the permission may have been granted."""
    remediation = facts.remediation
    is_due = remediation.due is None or remediation.due <= facts.now
    if remediation.outcome == "refused" or (remediation.outcome == "denied" and not is_due):
        return Reason(remediation.failure, "hand_off")
    return None


def _by_side_effects(facts: DecisionInput) -> Reason | None:
    """Stop before a third write if two writes each cleared fields that they did not name."""
    if facts.remediation.cleared_times < _CLEARED_TOO_OFTEN:
        return None
    fields = ", ".join(facts.remediation.cleared)
    text = (
        f"each write to it changes other declared fields, even a write that names all of them ({fields}): change "
        "it manually"
    )
    return Reason(text, "hand_off")


def _by_age(facts: DecisionInput) -> Reason | None:
    if facts.finding.kind == "unmanaged":  # an undeclared resource has no declaration that could be old
        return None
    if facts.applied_at is None:
        return Reason("it is not known when its declaration was applied", "stop")
    if facts.now - facts.applied_at <= timedelta(seconds=facts.policy.limits.stale_after):
        return None
    return Reason(f"its source was last applied on {facts.applied_at:%Y-%m-%d}, too long ago to act on it", "stop")


def _by_apply(facts: DecisionInput) -> Reason | None:
    return Reason("its source is being applied", "wait") if facts.is_applying else None


def _by_rollout(facts: DecisionInput) -> Reason | None:
    if facts.changed_at is None:
        return None
    over = facts.changed_at + timedelta(seconds=facts.policy.limits.rollout)
    return None if over <= facts.now else Reason("a change of its declaration is being rolled out", "wait", over)


def _by_baseline(facts: DecisionInput) -> Reason | None:
    """An apply that came after an undeclared change may rest on it, although it does not name the field.

    Beside declared drift the undeclared change is left out of the write, and asked about after it.
    """
    if not facts.is_older_than_apply or facts.has_declared_drift:
        return None
    return Reason("its declaration was applied after the change: the last known good value is older than that", "ask")


def _by_weakening(facts: DecisionInput) -> Reason | None:
    """The values of the first observation of a resource count as good, whatever their actor.

    Beside declared drift the undeclared change is left out of the write, and asked about after it.
    """
    if not facts.is_weakening or facts.has_declared_drift:
        return None
    return Reason(
        f"the last known good value of {facts.weakening[0]} opens it to everybody, or ends a protection", "ask"
    )


def _by_applier(facts: DecisionInput) -> Reason | None:
    """An applier that changes declared fields is about to apply a new declaration, or applied in the wrong order."""
    actor = facts.finding.actor
    if actor is None or actor.kind != "applier" or facts.remediation.approved_by:
        return None
    since = facts.finding.changed_at or facts.finding.first_seen
    over = since + timedelta(seconds=facts.policy.applier_grace)
    return (
        None
        if over <= facts.now
        else Reason(f"{actor.principal} applies declarations, and may be applying them now", "wait", over)
    )


def _by_dry_run(facts: DecisionInput) -> Reason | None:
    return Reason("the policy is a dry run", "rehearse") if facts.policy.dry_run else None


_CHECKS: tuple[Callable[[DecisionInput], Reason | None], ...] = (
    _by_mode,
    _by_status,
    _by_exemption,
    _by_size,
    _by_place,
    _by_kind,
    _by_executor,
    _by_pause,
    _by_breaker,
    _by_window,
    _by_limit,
    _by_flapping,
    _by_attempts,
    _by_pace,
    _by_answer,
    _by_side_effects,
    _by_age,
    _by_apply,
    _by_rollout,
    _by_baseline,
    _by_weakening,
    _by_applier,
    _by_dry_run,
)
