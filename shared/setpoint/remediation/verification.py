"""Verify an attempt: read the resource after a write, and evaluate it as an observation."""

from __future__ import annotations

from msgspec.structs import replace

from setpoint.detection import finding_state_machine, ownership, pipeline
from setpoint.detection import verdict as judging
from setpoint.detection.pipeline import Context
from setpoint.errors import AccessDenied, Refused, Unavailable
from setpoint.model.remediation_attempt import RemediationState
from setpoint.ports.stores import Snapshot
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.live_resources import LiveReading
from setpoint.remediation.records import AttemptRecords, AuditNote, ExecutionOutcome


def prove(
    snapshot: Snapshot,
    context: RemediationContext,
    written: RemediationState | None = None,
    *,
    is_needed: bool = False,
) -> ExecutionOutcome | None:
    """Read the resource after a write and evaluate it; None if the drift is unchanged.

    Args:
        snapshot: the stored records before the write.
        context: the ports of remediation.
        written: the attempt if it wrote right before, so that other changes are its side effects; None otherwise.
        is_needed: whether only this read can show the result, so that a denied or refused read leaves it unknown.

    Raises:
        Unavailable: the state of the resource is unknown; try again.
    """
    if snapshot.desired is None:
        return None
    last = context.store.last_observation(snapshot.key)
    try:
        reading = context.live_resources.read(snapshot.desired.declarations[0], last, context.clock())
    except (AccessDenied, Refused) as error:
        if is_needed:
            raise Unavailable(f"it cannot be read: {error}") from error
        return None
    return evaluated(snapshot, reading, context.detection, context.records, written) if reading is not None else None


def evaluated(
    snapshot: Snapshot,
    reading: LiveReading,
    detection: Context,
    records: AttemptRecords,
    written: RemediationState | None = None,
) -> ExecutionOutcome | None:
    """The outcome of a read as an observation; None if it shows the same drift.

    Args:
        snapshot: the stored records before the read.
        reading: what was read.
        detection: evaluates it.
        records: records the side effects of a write.
        written: as ``prove`` takes it.
    """
    state = snapshot.state
    known = state.fingerprint if state is not None else ""
    settled = ownership.settled(snapshot, reading.observation)
    verdict = ownership.judge(settled, reading.observation, detection.schemas, secrecy=detection.secrecy)
    if not isinstance(verdict, judging.Verdict) or verdict.fingerprint == known:
        return None
    finding = state.finding if state is not None and state.is_open else None
    if verdict.kind is None and finding is not None and finding_state_machine.is_hidden(finding, verdict):
        return None  # a reading that cannot show the drift says nothing of it
    if written is not None and verdict.kind == "modified" and state is not None and state.finding is not None:
        before = {difference.path for difference in state.finding.differences}
        cleared = tuple(sorted({difference.path for difference in verdict.differences} - before))
        if cleared:
            _note_side_effects(snapshot, written, cleared, reading, records)
    pipeline.handle_observation(reading.observation, detection)
    return "resolved" if verdict.kind is None else "changed"


def _note_side_effects(
    snapshot: Snapshot,
    written: RemediationState,
    cleared: tuple[str, ...],
    reading: LiveReading,
    records: AttemptRecords,
) -> None:
    """Record the declared fields that a write changed besides its own."""
    reason = f"the write itself changed {', '.join(cleared)}, which it did not name"
    after = replace(
        written,
        reason=reason,
        outcome="changed",
        proof=f"the resource was read right after the write, at {reading.observation.observed_at:%H:%M:%S} UTC",
        cleared=cleared,
        cleared_times=written.cleared_times + 1,
    )
    note = AuditNote("changed", "remediation.failed", reading=reading.observation)
    records.record_outcome(snapshot.key, written, after, note)
