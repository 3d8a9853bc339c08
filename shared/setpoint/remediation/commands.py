"""Commands for remediation: approve, exempt, accept, pause, resume. The audit trail records user and reason of each.

Callers authenticate users; this module does not. Write access to the store is enough for every command.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from setpoint.detection import known_places, pipeline
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import BadRequest, NotPermitted
from setpoint.model import remediation_attempt
from setpoint.model import safety_limits as braking
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.exemptions import Exemption
from setpoint.model.outcome import Outcome
from setpoint.model.policy import MANUAL_MODES
from setpoint.model.resource_key import CONTENTS, ResourceKey, is_full_name
from setpoint.model.resource_state import ResourceState, drifted
from setpoint.model.safety_limits import FLEET, Pause, SafetyState
from setpoint.ports.stores import RemediationStore, Snapshot, StateStore, Store
from setpoint.remediation import separation_of_duties
from setpoint.remediation.case import load_case, read
from setpoint.util.retries import retry_on_conflict
from setpoint.util.secret_formats import scrub

_PLACES = ("projects", "folders", "organizations", "sources")
LONGEST_EXEMPTION = timedelta(days=366)


def approve(
    key: ResourceKey,
    fingerprint: str,
    by: str,
    store: Store,
    projects: ProjectIdResolver,
    clock: Callable[[], datetime],
    *,
    is_verified: bool = True,
) -> None:
    """Approve the remediation of a drift, only for the drift that was shown.

    Args:
        key: the resource and content.
        fingerprint: the drift that was shown.
        by: the approver.
        store: the findings.
        projects: the numbers of projects.
        clock: gives the current time.
        is_verified: whether the caller knows that it is they; a rule that asks for several people takes no other.

    Raises:
        NotPermitted: the mode excludes remediation, or the approver is not verified and must be.
        BadRequest: the finding has no such drift, or its mode excludes remediation; show the finding again.
    """

    def approved(snapshot: Snapshot) -> ResourceState:
        state = drifted(snapshot.key, snapshot.state)
        if state.fingerprint != fingerprint:
            raise BadRequest(f"{key.name}: its drift has changed; check it again")
        case = load_case(snapshot, store, projects, clock())
        if case is None:
            raise BadRequest(f"{key.name}: its finding is {state.finding.status if state.finding else 'gone'}")
        if case.decision_input.mode in MANUAL_MODES:
            raise NotPermitted(
                f"{key.name}: nothing is remediated in mode {case.decision_input.mode}; `policy test` shows why"
            )
        remediation = case.decision_input.remediation
        is_known = remediation.outcome != "unknown"  # a person may know how a stuck operation ended
        if (
            remediation.step in remediation_attempt.UNDER_WAY and is_known
        ):  # a new attempt would take the claim from the current worker
            raise BadRequest(f"{key.name}: its remediation is in progress ({remediation.step})")
        separation_of_duties.check(key, state.finding, by)
        rule = case.decision_input.rule
        if rule is not None and rule.approvals > 1 and not is_verified:
            raise NotPermitted(
                f"{key.name}: rule {rule.name} asks for {rule.approvals} approvers, and nobody has verified who {by} "
                "is; approve it in Slack, or with the store in Google Cloud"
            )
        approved = remediation_attempt.approved(
            remediation,
            by,
            clock(),
            needed=rule.approvals if rule is not None else 1,
            rules=snapshot.rules.digest,
        )
        return replace(state, remediation=approved)

    _write(key, approved, store)
    _note(key, AuditEntry(clock(), "approved", by, fingerprint), store)


def exempt(key: ResourceKey, exemption: Exemption, context: Context) -> Outcome:
    """Suppress a finding until a date, with a reason; evaluate it at once and withdraw its approval.

    Returns:
        The outcome; ``unreadable`` if the last observation was too large to store. The finding then shows the exemption
        after the next observation, and remediation is suspended from now on.

    Raises:
        BadRequest: there is no such finding, the reason is empty, or the exemption has no end or lasts longer than a
            year.
    """
    if not exemption.reason.strip():
        raise BadRequest("an exemption needs a reason")
    if exemption.until is None and not exemption.fingerprint:
        raise BadRequest(f"{key.name}: an exemption needs an end; to leave out the end, accept the drift")
    exemption = replace(exemption, reason=scrub(exemption.reason))
    if exemption.until is not None and exemption.until - exemption.since > LONGEST_EXEMPTION:
        raise BadRequest("an exemption lasts for a year at most")

    def exempted(snapshot: Snapshot) -> ResourceState:
        state = drifted(snapshot.key, snapshot.state)
        if exemption.fingerprint not in ("", state.fingerprint):
            raise BadRequest(f"{key.name}: its drift has changed; check it again")
        separation_of_duties.check(key, state.finding, exemption.by)
        remediation = state.remediation
        if remediation is not None:
            remediation = remediation_attempt.without_approval(remediation)
        return replace(state, exemption=exemption, remediation=remediation)

    state = _write(key, exempted, context.store)
    what = "accepted" if exemption.fingerprint else "exempted"
    until = f"until {exemption.until:%Y-%m-%d %H:%M} UTC: " if exemption.until is not None else ""
    entry = AuditEntry(context.clock(), what, exemption.by, state.fingerprint, text=f"{until}{exemption.reason}")
    _note(key, entry, context.store)
    return pipeline.reevaluate(key, context)


def accept(key: ResourceKey, reason: str, by: str, context: Context) -> Outcome:
    """Accept the present drift; the finding is suppressed until the drift changes.

    Raises:
        BadRequest: there is no such drift, or the reason is empty.
    """
    state = drifted(key, context.store.read(key).state)
    return exempt(key, Exemption(reason, by, context.clock(), None, state.fingerprint), context)


def end_exemption(key: ResourceKey, by: str, context: Context) -> Outcome:
    """End an exemption; the finding is evaluated at once.

    Raises:
        BadRequest: the finding has no exemption.
    """

    def ended(snapshot: Snapshot) -> ResourceState:
        if snapshot.state is None or snapshot.state.exemption is None:
            raise BadRequest(f"{key.name}: it is not exempted")
        return replace(snapshot.state, exemption=None)

    state = _write(key, ended, context.store)
    _note(key, AuditEntry(context.clock(), "exemption ended", by, state.fingerprint), context.store)
    return pipeline.reevaluate(key, context)


def pause(new: Pause, store: Store, *, not_seen_yet: bool = False) -> None:
    """Pause remediation of the fleet, a project, a folder, an organization or a resource, until it is resumed.

    Args:
        new: the pause.
        store: the findings, declarations and safety limits.
        not_seen_yet: pause a project or a resource that is not known yet.

    Raises:
        BadRequest: the name cannot be paused, or is not known; check its spelling.
    """
    check_place(new.of)
    if not not_seen_yet:
        _check_known(new.of, store)
    _change_safety(lambda safety: braking.pause(safety, new), store)
    until = f"until {new.until:%Y-%m-%d %H:%M} UTC: " if new.until is not None else ""
    _note(ResourceKey(new.of), AuditEntry(new.since, "paused", new.by, text=f"{until}{new.reason}"), store)


def resume(of: str, by: str, store: RemediationStore, now: datetime) -> bool:
    """End a pause; for the fleet, close the circuit breaker too. Return whether anything was paused.

    Raises:
        BadRequest: the name cannot be resumed.
    """
    check_place(of)
    before = store.safety_state().value
    ends = any(held.of == of for held in before.pauses) or (of == FLEET and before.breaker is not None)
    if ends:
        _change_safety(lambda safety: braking.resume(safety, of), store)
        _note(ResourceKey(of), AuditEntry(now, "resumed", by), store)
    return ends


def check_place(of: str) -> None:
    """Check that a name can be paused.

    Raises:
        BadRequest: it cannot; the error lists the valid forms.
    """
    kind, _, name = of.partition("/")
    is_place = kind in _PLACES and bool(name) and "/" not in name
    if of != FLEET and not is_place and not is_full_name(of):
        raise BadRequest(
            f"`{of}` cannot be paused or resumed; "
            "name fleet, projects/P, folders/N, organizations/N, sources/S or //a/resource"
        )


def _check_known(of: str, store: Store) -> None:
    """Check that a project or resource is known, since a pause of a misspelled name would have no effect."""
    kind, _, name = of.partition("/")
    if kind == "projects" and not known_places.is_known(of, store):
        meant = known_places.nearest(name, store)
        hint = f"; did you mean projects/{meant}" if meant else ""
        raise BadRequest(f"{of}: the place is unknown{hint}; add --not-seen-yet to pause it anyway")
    is_unknown_source = kind == "sources" and name not in store.control().value.sources
    is_place = kind in ("folders", "organizations")
    if is_unknown_source or (is_place and not known_places.is_known(of, store)):
        raise BadRequest(f"{of}: the name is unknown; add --not-seen-yet to pause it anyway")
    if not is_full_name(of):
        return
    snapshots = (store.read(ResourceKey(of, content)) for content in CONTENTS)
    if not any(snapshot.desired is not None or snapshot.state is not None for snapshot in snapshots):
        raise BadRequest(f"{of}: no resource is known by this name; use the one that `setpoint findings list` shows")


def _write(key: ResourceKey, change: Callable[[Snapshot], ResourceState], store: StateStore) -> ResourceState:
    """Change the record of a finding; retry from its current state after a conflict."""

    def write() -> ResourceState:
        snapshot = read(key, store)
        state = change(snapshot)
        store.commit(snapshot, state)
        return state

    return retry_on_conflict(write, what=key.name, then="run the command again")


def _change_safety(change: Callable[[SafetyState], SafetyState], store: RemediationStore) -> None:

    def write() -> None:
        stored = store.safety_state()
        store.write_safety_state(change(stored.value), stored.version)

    retry_on_conflict(write, what="the safety limits", then="run the command again")


def _note(key: ResourceKey, entry: AuditEntry, store: RemediationStore) -> None:
    store.note(key, replace(entry, text=scrub(entry.text)))
