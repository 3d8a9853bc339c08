"""Whether a drift is put back now: every reason for it and against it, and what follows from all of them."""

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
from setpoint.model.safety_limits import SafetyState

_STRONGEST: tuple[Action, ...] = ("leave", "stop", "wait", "ask", "rehearse", "hand_off", "act")
"""Of several the first counts."""

_LOOK_AGAIN = timedelta(minutes=5)


class Decision(msgspec.Struct, frozen=True):
    """What is done about a drift, and why.

    Args:
        action: what is done.
        reasons: all that was looked at, in that order.
        until: when to look again, for ``wait``.
    """

    action: Action
    reasons: tuple[Reason, ...]
    until: datetime | None = None

    @property
    def because(self) -> str:
        """The reasons that decided it, in one line."""
        return "; ".join(reason.text for reason in self.reasons if reason.action == self.action)


class DecisionInput(NamedTuple):
    """All that decides about a drift.

    Args:
        key: the resource and content.
        finding: its finding.
        remediation: how far putting it back has come.
        rule: the rule of the policy that it is under, or None.
        mode: what may be done.
        policy: the policy.
        safety_state: the brakes of the fleet.
        ancestors: ``projects/…``, ``folders/…``, ``organizations/…`` that it lies in; None where that is not known.
        applied_at: when the source of its declaration was last applied, or None.
        changed_at: when what is declared of it was last changed, or None where that is long ago.
        is_applying: whether its source is being applied right now.
        actor: who has changed it, in words, or empty.
        now: the time.
        exemption: what somebody has said of leaving it alone, in force or over.
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


def decide(situation: DecisionInput) -> Decision:
    """What is done about a drift now."""
    reasons = tuple(reason for check in _CHECKS if (reason := check(situation)) is not None)
    action = min((reason.action for reason in reasons), key=_STRONGEST.index)
    until = None
    if action == "wait":
        asked = (reason.until or situation.now + _LOOK_AGAIN for reason in reasons if reason.action == "wait")
        until = max(asked)
    return Decision(action, reasons, until)


def held(situation: DecisionInput) -> str:
    """The pause or breaker that holds a drift, in words; empty for none."""
    reasons = (check(situation) for check in (_by_pause, _by_breaker))
    return "; ".join(reason.text for reason in reasons if reason is not None)


def _by_mode(at: DecisionInput) -> Reason:
    rule = f"rule {at.rule.name}" if at.rule is not None else "its declaration"
    if at.mode in MANUAL_MODES:
        return Reason(f"mode {at.mode} by {rule}", "leave")
    if at.mode == "approve" and not at.remediation.approved_by:
        return Reason(f"mode approve by {rule}, and nobody has approved this drift", "ask")
    if at.remediation.approved_by:
        return Reason(f"approved by {at.remediation.approved_by}")
    return Reason(f"mode auto by {rule}")


def _by_status(at: DecisionInput) -> Reason | None:
    return None if at.finding.status == "open" else Reason(f"the finding is {at.finding.status}", "leave")


def _by_exemption(at: DecisionInput) -> Reason | None:
    """An exemption holds from when it is stored, whether the finding was judged again by then or not."""
    if at.exemption is None or not is_in_force(at.exemption, at.finding.fingerprint, at.now):
        return None
    return Reason(f"{at.exemption.by or 'somebody'} said to leave it alone: {at.exemption.reason}", "leave")


def _by_size(at: DecisionInput) -> Reason | None:
    """Rules look at fields, and of a large drift not all are kept."""
    kept, count = len(at.finding.differences), at.finding.difference_count
    if kept == count or at.finding.kind != "modified" or at.remediation.approved_by:
        return None
    return Reason(f"{count} fields differ, of which {kept} were looked at", "ask")


def _by_place(at: DecisionInput) -> Reason | None:
    """Where an observation was not kept, or not with its folders, nobody knows which rule means the resource."""
    if at.ancestors is not None or at.remediation.approved_by:
        return None
    if any(rule.match.ancestors for rule in at.policy.rules):
        return Reason("it is not known which folders it lies in, and rules ask for that", "ask")
    if at.policy.rules and at.rule is None:
        return Reason("it is not known which rule it is under", "ask")
    return None


def _by_kind(at: DecisionInput) -> Reason | None:
    if at.finding.kind == "modified":
        return None
    why = "making a resource anew" if at.finding.kind == "deleted" else "deleting a resource"
    return Reason(f"{why} is never automatic", "hand_off")


def _by_executor(at: DecisionInput) -> Reason | None:
    if at.rule is None or at.rule.executor == "api":
        return None
    return Reason(f"rule {at.rule.name} has it put back by {at.rule.executor}", "hand_off")


def _by_pause(at: DecisionInput) -> Reason | None:
    pause = braking.paused(at.safety_state, at.key.name, at.ancestors or (), at.now)
    if pause is None and at.ancestors is None and (others := braking.pauses_of_ancestors(at.safety_state, at.now)):
        return Reason(f"{others[0].of} is paused, and it is not known whether it lies there", "wait")
    if pause is None:
        return None
    why = f": {pause.reason}" if pause.reason else ""
    return Reason(f"{pause.of} is paused by {pause.by or 'somebody'}{why}", "wait", pause.until)


def _by_breaker(at: DecisionInput) -> Reason | None:
    breaker = at.safety_state.breaker
    return None if breaker is None else Reason(f"the breaker is open: {breaker.reason}", "stop")


def _by_limit(at: DecisionInput) -> Reason | None:
    limits, project = at.policy.limits, at.finding.project
    limit = braking.exceeded(at.safety_state, project, limits, at.now)
    return Reason(limit, "wait", braking.room_at(at.safety_state, project, limits, at.now)) if limit else None


def _by_window(at: DecisionInput) -> Reason | None:
    if at.rule is None or not at.rule.windows or at.mode != "auto" or at.remediation.approved_by:
        return None
    if maintenance_windows.is_open(at.rule.windows, at.now):
        return Reason(f"a window of rule {at.rule.name} is open")
    return Reason(f"no window of rule {at.rule.name} is open", "wait")


def _by_flapping(at: DecisionInput) -> Reason | None:
    times = _returns(at)
    if not times or at.remediation.approved_by:
        return None
    who = at.actor or "somebody unknown"
    text = f"what was put back has drifted again, {times} times: {who} disagrees"
    if times >= at.policy.limits.flaps:
        return Reason(text, "stop")
    until = at.remediation.since + remediation_attempt.pause_after(times)
    return Reason(text, "wait", until) if until > at.now else None


def _returns(at: DecisionInput) -> int:
    return remediation_attempt.returns(at.remediation, (difference.path for difference in at.finding.differences))


def _by_attempts(at: DecisionInput) -> Reason | None:
    if at.remediation.attempts < at.policy.limits.attempts:
        return None
    return Reason(remediation_attempt.exhausted(at.remediation), "stop")


def _by_pace(at: DecisionInput) -> Reason | None:
    remedy = at.remediation
    if remedy.due is None or remedy.due <= at.now:
        return None
    if remedy.step in remediation_attempt.UNDER_WAY:
        return Reason(f"it is being put back ({remedy.step})", "wait", remedy.due)
    if remedy.step == "waiting" and remedy.failure:
        return Reason(f"an attempt has failed: {remedy.failure}", "wait", remedy.due)
    return None


def _by_age(at: DecisionInput) -> Reason | None:
    if at.finding.kind == "unmanaged":  # what nothing declares has no declaration to be old
        return None
    if at.applied_at is None:
        return Reason("nobody knows when its declaration was applied", "stop")
    if at.now - at.applied_at <= timedelta(seconds=at.policy.limits.stale_after):
        return None
    return Reason(f"its source was last applied on {at.applied_at:%Y-%m-%d}, too long ago to act on it", "stop")


def _by_apply(at: DecisionInput) -> Reason | None:
    return Reason("its source is being applied", "wait") if at.is_applying else None


def _by_rollout(at: DecisionInput) -> Reason | None:
    if at.changed_at is None:
        return None
    over = at.changed_at + timedelta(seconds=at.policy.limits.rollout)
    return None if over <= at.now else Reason("a change of its declaration is being rolled out", "wait", over)


def _by_applier(at: DecisionInput) -> Reason | None:
    """An applier that changes what is declared is on the way to apply it, or does so in the wrong order."""
    actor = at.finding.actor
    if actor is None or actor.kind != "applier" or at.remediation.approved_by:
        return None
    since = at.finding.changed_at or at.finding.first_seen
    over = since + timedelta(seconds=at.policy.applier_grace)
    return None if over <= at.now else Reason(f"{actor.principal} applies declarations, and may be at it", "wait", over)


def _by_rehearsal(at: DecisionInput) -> Reason | None:
    return Reason("the policy is a dry run", "rehearse") if at.policy.dry_run else None


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
    _by_age,
    _by_apply,
    _by_rollout,
    _by_applier,
    _by_rehearsal,
)
