"""The life of a remediation: from a drift event to the observation that proves that it is put back.

Everything that is decided stands in the finding's own record, written together with the brakes, before anything is
done: of two workers one has the claim, and whoever comes after a crash sees how far it had come. Nothing is written on
what was told: the resource is read again right before, and is judged anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from setpoint import flow
from setpoint.core import brakes as braking
from setpoint.core import control as controlling
from setpoint.core import deciding, events, judging, remedies, ruling
from setpoint.core.deciding import Action, Decision, Situation
from setpoint.core.declarations import Declaration
from setpoint.core.findings import Finding, ResourceState
from setpoint.core.names import ResourceKey
from setpoint.core.observations import Observation
from setpoint.core.policies import Policy
from setpoint.core.remedies import Remedy
from setpoint.core.writes import Failed, NotWritable, Running, Started, WritePlan
from setpoint.errors import AccessDenied, Conflict, MalformedMessage, Refused
from setpoint.flow import Deps
from setpoint.live import Reading, told
from setpoint.ports import Snapshot
from setpoint.remedy_records import Case, Hands, Told, is_said, keep, note

Outcome = Literal[
    "nothing",  # no drift that anything is to be done about
    "left",  # its mode says to leave it alone
    "stopped",  # a brake holds it
    "waiting",  # later
    "asked",  # a person is to approve
    "rehearsed",  # said what would be written, in a dry run
    "handed_off",  # somebody else puts it back
    "resolved",  # there was nothing left to do
    "changed",  # it is another drift by now
    "verifying",  # put back; the observation that proves it is to come
    "operating",  # the API goes on by itself
    "failed",  # it will be tried again, or a person has to look
]
"""What became of a drift."""

_ATTEMPTS = 8
_BEGINNINGS = frozenset(("drift.opened", "drift.changed"))


def receive(message: bytes, hands: Hands) -> Outcome:
    """Handle a drift event, and dead-letter what is none.

    Raises:
        PermanentError: the installation is at fault, not the message: let it be delivered again when that is mended.
        TransientError: let the message be delivered again.
    """
    try:
        event = events.read(message)
    except MalformedMessage as error:
        hands.deps.dead_letters.put(message, {}, str(error))
        return "nothing"
    if event.type not in _BEGINNINGS:
        return "nothing"
    return remediate(ResourceKey(event.data.resource_name, event.data.content), hands)


def resume_due(hands: Hands) -> Counter[Outcome]:
    """Go on with every remediation whose time has come."""
    outcomes: Counter[Outcome] = Counter()
    now = hands.deps.clock()
    for key in list(hands.deps.store.due(now)):
        if _is_due(hands.deps.store.read(key).state, now):
            outcomes[remediate(key, hands)] += 1
    return outcomes


def _is_due(state: ResourceState | None, now: datetime) -> bool:
    return state is not None and state.remedy is not None and state.remedy.due is not None and state.remedy.due <= now


def remediate(key: ResourceKey, hands: Hands) -> Outcome:
    """Do what is to be done now about the drift of one resource; what the finding is by now counts, not what was told.

    Raises:
        TransientError: it may succeed later.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _step(key, hands)
        except Conflict:
            continue
    raise Conflict(f"{key.name}: written by others {_ATTEMPTS} times in a row; it will be looked at again")


def look(key: ResourceKey, hands: Hands) -> tuple[Decision, WritePlan | NotWritable | None] | None:
    """What would be decided now about a finding, and written; nothing is. None where there is no open finding."""
    case = _look(hands.deps.store.read(key), hands)
    if case is None:
        return None
    reading = _read(case, hands)
    plan = None if reading is None or case.snapshot.desired is None else hands.live.plan(case.snapshot.desired, reading)
    return deciding.decide(case.situation), plan


def _step(key: ResourceKey, hands: Hands) -> Outcome:
    snapshot = hands.deps.store.read(key)
    if _is_due(snapshot.state, hands.deps.clock()) and snapshot.state is not None and snapshot.state.remedy is not None:
        if snapshot.state.remedy.step == "operating":
            return _watch(snapshot, snapshot.state.remedy, hands)
        if snapshot.state.remedy.step == "verifying":
            return _verify(snapshot, hands)
    case = _look(snapshot, hands)
    if case is None:
        return "nothing"
    decision = deciding.decide(case.situation)
    return _FOLLOW[decision.action](case, decision, hands)


def _look(snapshot: Snapshot, hands: Hands) -> Case | None:
    """All that decides about an open finding; a brake that lands later makes the claim fail."""
    deps, key, now, state = hands.deps, snapshot.key, hands.deps.clock(), snapshot.state
    if state is None or state.finding is None or not state.is_open:
        return None
    finding = state.finding
    policy = snapshot.rules.policy or Policy()
    brakes = deps.store.brakes()
    last = deps.store.last_observation(key)
    actor = hands.actor_of(key)
    rule, mode = None, finding.mode
    if (spokesman := _spokesman(snapshot, finding)) is not None and last is not None:
        treatment = ruling.treat(policy, spokesman, last, finding.kind, finding.differences, actor=actor)
        rule, mode = treatment.rule, treatment.mode
    desired = snapshot.desired.digest if snapshot.desired is not None else ""
    remedy = remedies.begin(state.remedy, state.fingerprint, desired, policy.limits, now)
    if rule is not None:
        remedy = replace(remedy, rule=rule.name, executor=rule.executor)
    is_wish = remedy.since == now and mode == "auto" and finding.kind == "modified"
    applied_at, changed_at, is_applying = _rollout(key, deps)
    situation = Situation(
        key=key,
        finding=finding,
        remedy=remedy,
        rule=rule,
        mode=mode,
        policy=policy,
        brakes=braking.wish(brakes.value, policy.limits, now) if is_wish else brakes.value,
        places=_places(last, finding.project),
        applied_at=applied_at,
        changed_at=changed_at,
        is_applying=is_applying,
        actor=actor,
        now=now,
    )
    return Case(snapshot, state, situation, brakes, last)


def _spokesman(snapshot: Snapshot, finding: Finding) -> Declaration | None:
    """The declaration that a finding is from."""
    if snapshot.desired is None:
        return None
    ones = snapshot.desired.declarations
    return next((one for one in ones if one.source == finding.source), ones[0])


def _places(last: Observation | None, project: str) -> frozenset[str]:
    above = last.ancestors if last is not None else ()
    return frozenset((*above, f"projects/{project}"))


def _rollout(key: ResourceKey, deps: Deps) -> tuple[datetime | None, datetime | None, bool]:
    """When the sources of a declaration were applied, when it changed with that, and whether they are being applied."""
    control = deps.store.control().value
    record = deps.store.records([key])[key].value
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


def _leave(case: Case, decision: Decision, hands: Hands) -> Outcome:
    del case, decision, hands
    return "left"


def _stop(case: Case, decision: Decision, hands: Hands) -> Outcome:
    remedy = remedies.stopped(case.situation.remedy, decision.because, case.situation.now)
    keep(case, remedy, Told("stop", "remediation.blocked", decision), hands)
    return "stopped"


def _wait(case: Case, decision: Decision, hands: Hands) -> Outcome:
    remedy = case.situation.remedy
    if remedy.step not in ("acting", "operating", "verifying"):
        until = decision.until or case.situation.now
        keep(case, remedies.put_off(remedy, until, decision.because), Told("wait", None, decision), hands)
    return "waiting"


def _ask(case: Case, decision: Decision, hands: Hands) -> Outcome:
    return _propose(case, decision, hands, remedies.asked, Told("ask", "remediation.requested", decision), "asked")


def _hand_off(case: Case, decision: Decision, hands: Hands) -> Outcome:
    telling = Told("hand_off", "remediation.requested", decision)
    return _propose(case, decision, hands, remedies.handed_off, telling, "handed_off")


def _rehearse(case: Case, decision: Decision, hands: Hands) -> Outcome:
    def stopped(remedy: Remedy, summary: tuple[str, ...], reason: str) -> Remedy:
        return replace(remedies.stopped(remedy, reason, case.situation.now), summary=summary)

    telling = Told("rehearse", "remediation.blocked", decision)
    return _propose(case, decision, hands, stopped, telling, "rehearsed")


def _propose(
    case: Case,
    decision: Decision,
    hands: Hands,
    step: Callable[[Remedy, tuple[str, ...], str], Remedy],
    telling: Told,
    outcome: Outcome,
) -> Outcome:
    """Say what would be written, having read the resource again; nothing is."""
    if is_said(case.state.remedy, step(case.situation.remedy, case.situation.remedy.summary, decision.because)):
        return outcome
    reading = _read(case, hands)
    if reading is not None and (ended := _overtaken(case, reading, hands)) is not None:
        return ended
    summary = _summary(case, reading, hands)
    seen = reading.observation if reading is not None else None
    keep(case, step(case.situation.remedy, summary, decision.because), telling._replace(reading=seen), hands)
    return outcome


def _act(case: Case, decision: Decision, hands: Hands) -> Outcome:
    """Put it back: read, judge, plan, claim, write."""
    reading = _read(case, hands)
    if reading is None or case.snapshot.desired is None:
        return _hand_off(case, _instead(decision, "no method of its API reads it"), hands)
    if (ended := _overtaken(case, reading, hands)) is not None:
        return ended
    plan = hands.live.plan(case.snapshot.desired, reading)
    if isinstance(plan, NotWritable):
        return _hand_off(case, _instead(decision, "; ".join(told(plan)) or plan.reason), hands)
    at = case.situation
    remedy = remedies.claimed(at.remedy, hands.worker, plan.summary, at.now)
    spent = braking.spend(at.brakes, at.finding.project, at.policy.limits, at.now)
    telling = Told("act", "remediation.started", decision, reading.observation)
    claimed = keep(case, remedy, telling, hands, spent)
    return _write(claimed, remedy, plan, at.policy, hands)


def _write(snapshot: Snapshot, remedy: Remedy, plan: WritePlan, policy: Policy, hands: Hands) -> Outcome:
    """Send what was claimed; where nobody knows whether it took effect, the claim runs out and the resource is read."""
    now = hands.deps.clock()
    try:
        written = hands.live.api.write(plan)
    except (Conflict, AccessDenied, Refused) as error:
        return _fail(snapshot.key, remedy, str(error), policy, hands)
    if isinstance(written, Started):
        going = remedies.operating(remedy, written.url, now)
        note(snapshot.key, remedy, going, Told("operating"), hands)
        return "operating"
    note(snapshot.key, remedy, remedies.written(remedy, now), Told("written"), hands)
    return _prove(snapshot, hands) or "verifying"


def _watch(snapshot: Snapshot, remedy: Remedy, hands: Hands) -> Outcome:
    """Ask how far an operation has come."""
    now = hands.deps.clock()
    policy = snapshot.rules.policy or Policy()
    progress = hands.live.api.operation(Started(remedy.operation))
    if isinstance(progress, Running):
        note(snapshot.key, remedy, remedies.operating(remedy, remedy.operation, now), Told("operating"), hands)
        return "operating"
    if isinstance(progress, Failed):
        return _fail(snapshot.key, remedy, progress.reason, policy, hands)
    note(snapshot.key, remedy, remedies.written(remedy, now), Told("written"), hands)
    return _prove(snapshot, hands) or "verifying"


def _verify(snapshot: Snapshot, hands: Hands) -> Outcome:
    """Read what was written and never proved by the inventory."""
    if (ended := _prove(snapshot, hands)) is not None:
        return ended
    assert snapshot.state is not None  # noqa: S101 - whoever calls has looked
    assert snapshot.state.remedy is not None  # noqa: S101 - as above
    reason = "it was written, and the resource is not so"
    return _fail(snapshot.key, snapshot.state.remedy, reason, snapshot.rules.policy or Policy(), hands)


def _prove(snapshot: Snapshot, hands: Hands) -> Outcome | None:
    """Read the resource after a write, and let the flow judge it; None where the drift is still the same."""
    if snapshot.desired is None or snapshot.state is None:
        return "nothing"
    last = hands.deps.store.last_observation(snapshot.key)
    reading = hands.live.read(snapshot.desired.declarations[0], last, hands.deps.clock())
    if reading is None:
        return None
    verdict = judging.judge(snapshot.desired, snapshot.rules, reading.observation, hands.deps.schemas)
    if not isinstance(verdict, judging.Verdict) or verdict.fingerprint == snapshot.state.fingerprint:
        return None
    flow.handle_observation(reading.observation, hands.deps)
    return "resolved" if verdict.kind is None else "changed"


def _fail(key: ResourceKey, remedy: Remedy, reason: str, policy: Policy, hands: Hands) -> Outcome:
    """Note a failure, which may open the breaker, and when to try again, or that a person has to look."""
    now = hands.deps.clock()
    after = remedies.failed(remedy, reason, policy.limits, now)
    telling = Told("failed", "remediation.failed" if after.step == "stopped" else None)
    note(key, remedy, after, telling, hands, lambda brakes: braking.fail(brakes, policy.limits, now))
    return "failed"


def _read(case: Case, hands: Hands) -> Reading | None:
    desired = case.snapshot.desired
    if desired is None:
        return None
    return hands.live.read(desired.declarations[0], case.last, hands.deps.clock())


def _overtaken(case: Case, reading: Reading, hands: Hands) -> Outcome | None:
    """What a fresh reading makes of the finding where it is no longer what was decided about."""
    snapshot = case.snapshot
    verdict = judging.judge(snapshot.desired, snapshot.rules, reading.observation, hands.deps.schemas)
    if not isinstance(verdict, judging.Verdict) or verdict.fingerprint == case.state.fingerprint:
        return None
    flow.handle_observation(reading.observation, hands.deps)
    return "resolved" if verdict.kind is None else "changed"


def _summary(case: Case, reading: Reading | None, hands: Hands) -> tuple[str, ...]:
    if reading is None or case.snapshot.desired is None:
        return ()
    plan = hands.live.plan(case.snapshot.desired, reading)
    return plan.summary if isinstance(plan, WritePlan) else told(plan)


def _instead(decision: Decision, reason: str) -> Decision:
    return Decision("hand_off", (*decision.reasons, deciding.Reason(reason, "hand_off")))


_FOLLOW: dict[Action, Callable[[Case, Decision, Hands], Outcome]] = {
    "leave": _leave,
    "stop": _stop,
    "wait": _wait,
    "ask": _ask,
    "rehearse": _rehearse,
    "hand_off": _hand_off,
    "act": _act,
}
