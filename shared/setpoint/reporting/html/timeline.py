"""The timeline of a finding, from its record and its audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from setpoint.model.actors import Actor
from setpoint.model.audit_trail import AuditEntry, display_text
from setpoint.model.drift_history import beginning
from setpoint.model.exemptions import Exemption
from setpoint.model.notice_view import TimelineEntry
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.resource_state import Finding, ResourceState

_LIMIT = 40
"""Maximum number of steps; the latest are shown."""


def steps(state: ResourceState, finding: Finding, trail: Sequence[AuditEntry]) -> tuple[TimelineEntry, ...]:
    """The steps of a finding, oldest first.

    Args:
        state: its record.
        finding: the finding.
        trail: its audit trail, or empty; steps in it are not repeated from the record.
    """
    entries = [*_lifecycle(finding)]
    if trail:
        entries += (_entry(entry) for entry in trail)
    else:
        entries += _exempted(state.exemption) if state.exemption is not None else ()
        entries += _attempt_steps(state.remediation) if state.remediation is not None else ()
    return tuple(sorted(entries, key=lambda step: step.occurred_at)[-_LIMIT:])


def _lifecycle(finding: Finding) -> Iterator[TimelineEntry]:
    again = f"recurrence {finding.episodes}" if finding.episodes > 1 else ""
    began_at, at_least = beginning(finding.history, finding.first_seen)
    yield TimelineEntry(began_at, "drift began", text=" ".join(filter(None, (again, "or earlier" if at_least else ""))))
    if finding.actor is not None:
        yield _acted(finding.actor)
    if finding.changed_at is not None and finding.changed_at != finding.first_seen:
        yield TimelineEntry(finding.changed_at, "drift changed")
    if finding.last_seen != finding.first_seen:
        yield TimelineEntry(finding.last_seen, "last seen drifted", text=f"seen in {finding.count} observations")
    if finding.resolved_at is not None:
        yield TimelineEntry(finding.resolved_at, "resolved", text=finding.reason)


def _acted(actor: Actor) -> TimelineEntry:
    text = " ".join(filter(None, (actor.method, f"with {actor.caller}" if actor.caller else "")))
    return TimelineEntry(actor.requested_at, "changed", actor.principal, text)


def _exempted(exemption: Exemption) -> Iterator[TimelineEntry]:
    what = "accepted" if exemption.fingerprint else "exempted"
    until = f" until {exemption.until:%Y-%m-%d %H:%M} UTC" if exemption.until else ""
    yield TimelineEntry(exemption.since, what, exemption.by, f"{exemption.reason}{until}")


def _attempt_steps(attempt: RemediationState) -> Iterator[TimelineEntry]:
    step = attempt.step.replace("_", " ")
    yield TimelineEntry(
        attempt.since,
        f"remediation: {step}",
        attempt.approved_by,
        "; ".join((attempt.reason, *attempt.summary)).strip("; "),
    )
    if attempt.claimed_at is not None:
        yield TimelineEntry(
            attempt.claimed_at, "remediation: written", text=f"attempt {attempt.attempts}. {attempt.failure}".strip()
        )
    for fix in attempt.applied_fixes:
        yield TimelineEntry(fix.verified_at, "remediated", text=", ".join(fix.paths))


def _entry(entry: AuditEntry) -> TimelineEntry:
    """A timeline entry for an audit entry, with its reasons."""
    reasons = ("; ".join(reason.text for reason in entry.reasons),) if entry.reasons else ()
    parts = dict.fromkeys(filter(None, (entry.text, *reasons, *entry.summary)))  # a reason may be the text, too
    return TimelineEntry(entry.recorded_at, display_text(entry.what), entry.by, ". ".join(parts))
