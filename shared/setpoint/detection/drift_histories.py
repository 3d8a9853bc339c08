"""Find when each difference of a finding began, among the past versions of its resource.

A difference began with the earliest of the uninterrupted latest versions that show it with the same value. Each version
is judged by the declaration that is in force now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from setpoint.detection import api_readings, finding_state_machine, ownership, record_limits
from setpoint.detection.claim_evidence import NO_EVIDENCE, Evidence, evidence_of
from setpoint.detection.finding_events import data_of, recorded
from setpoint.detection.observed_schema import Schemas
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.detection.verdict import Verdict
from setpoint.model.difference import Difference, Operation
from setpoint.model.drift_history import AssetVersion, DriftHistory, FieldOnset, summarized
from setpoint.model.events import drift_event
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.secrecy import Secrecy
from setpoint.model.severity import Kind
from setpoint.ports.stores import Snapshot
from setpoint.util.counts import counted

KEPT = timedelta(days=35)
"""How long the inventory keeps history (https://cloud.google.com/asset-inventory/docs/view-asset-history)."""
_JITTER = timedelta(seconds=1)
"""Two versions that are further apart have a gap between them."""
_MAX_FIELDS = 200
"""The most differences whose beginning is kept, so that a record stays small."""
_LONGEST_BEFORE = 1_000
"""The most bytes of a value that was there before."""
_SKEW = timedelta(minutes=1)
"""A version that begins later than this after the judged observation is newer than the finding."""
_NOT_SHOWN = "the history of the inventory does not show it"
_NO_HISTORY = "the inventory has no history of it"
GAPS = "the history of IAM policies has gaps: nothing is known directly before"


class PastDrift(NamedTuple):
    """What one version shows.

    Args:
        kind: the kind of drift; None without drift.
        differences: the differences by path and operation.
        is_known: whether the version could be judged.
    """

    kind: Kind | None = None
    differences: Mapping[tuple[str, Operation], Difference] = {}
    is_known: bool = True


Judge = Callable[[Observation], PastDrift]


def is_wanted(state: ResourceState, now: datetime) -> bool:
    """Whether the history of a finding is to be read: it drifts, and its beginning or its actor is not known."""
    finding = state.finding
    if finding is None or finding.status == "resolved" or state.key.name.startswith("//setpoint.dev/"):
        return False
    history = finding.history
    if history is not None:
        return history.retry_at is not None and history.retry_at <= now
    onset = state.onset
    if onset is not None and onset.declared:
        return False
    return onset is None or onset.clear is None or finding.actor is None


def judge_by(
    snapshot: Snapshot,
    projects: ProjectIdResolver,
    schemas: Schemas | None,
    secrecy: Secrecy,
    evidence: Evidence = NO_EVIDENCE,
) -> Judge:
    """A function that judges a version by the declarations that are in force now.

    Args:
        snapshot: the stored records of the resource.
        projects: the ids of projects.
        schemas: the schemas of asset types; None if there are none.
        secrecy: hides secrets.
        evidence: what speaks for or against the claim of an undeclared resource's controller.
    """

    def judge(version: Observation) -> PastDrift:
        seen = msgspec.structs.replace(projects.with_project_id(version), key=snapshot.key)
        verdict = ownership.judge(snapshot, seen, schemas, secrecy=secrecy, evidence=evidence)
        if isinstance(verdict, Verdict):
            shown = {(difference.path, difference.op): difference for difference in verdict.differences}
            return PastDrift(verdict.kind, shown)
        return PastDrift(is_known=verdict != "unreadable")

    return judge


def history_of(state: ResourceState, versions: Sequence[AssetVersion], judge: Judge, now: datetime) -> DriftHistory:
    """The beginning of each difference of a finding.

    Args:
        state: the record with its finding.
        versions: the versions of the resource in any order; empty if there are none.
        judge: what a version shows.
        now: the current time, which the age of the oldest version is measured from.
    """
    finding = state.finding
    assert finding is not None  # noqa: S101 - callers pass records with a finding
    ordered = sorted(versions, key=lambda version: version.begins)
    of_then = [version for version in ordered if version.begins <= state.observed_at + _SKEW] or ordered
    judged = [(version, judge(version.observation)) for version in of_then]
    horizon = now - KEPT
    fields = tuple(_onset(wanted, judged, horizon, state.key.content) for wanted in _wanted(finding))
    return summarized(DriftHistory(read_at=now, fields=fields, reason="" if versions else _NO_HISTORY))


def _wanted(finding: Finding) -> tuple[Difference, ...]:
    """The differences of a finding; one of the whole resource if it is deleted or unmanaged."""
    if finding.kind == "modified":
        return finding.differences[:_MAX_FIELDS]
    return (Difference("", "missing" if finding.kind == "deleted" else "unexpected"),)


def _onset(
    wanted: Difference, judged: Sequence[tuple[AssetVersion, PastDrift]], horizon: datetime, content: Content
) -> FieldOnset:
    place = len(judged)
    while place and _shows(judged[place - 1][1], wanted):
        place -= 1
    if place == len(judged):
        return FieldOnset(path=wanted.path, op=wanted.op, reason=_NOT_SHOWN if judged else _NO_HISTORY)
    begins = judged[place][0].begins
    if place == 0:
        return _from_the_first(wanted, begins, horizon, content)
    previous, shown = judged[place - 1]
    gap = previous.ends is not None and begins - previous.ends > _JITTER
    return FieldOnset(
        path=wanted.path,
        op=wanted.op,
        since=begins,
        clear=previous.begins,
        at_least=not shown.is_known,
        gap=gap,
        created=previous.observation.deleted,
        before=msgspec.UNSET if previous.observation.deleted or not shown.is_known else _before(wanted, shown),
        reason=_reason(gap=gap, is_known=shown.is_known, content=content),
    )


def _from_the_first(wanted: Difference, begins: datetime, horizon: datetime, content: Content) -> FieldOnset:
    """The beginning of a difference that the oldest version shows."""
    is_old, has_gaps = begins <= horizon, content != "resource"
    return FieldOnset(
        path=wanted.path,
        op=wanted.op,
        since=max(begins, horizon),
        at_least=is_old,
        gap=has_gaps and not is_old,
        created=not is_old and not has_gaps,
        reason=f"older than the {KEPT.days} days of history" if is_old else GAPS if has_gaps else "",
    )


def _reason(*, gap: bool, is_known: bool, content: Content) -> str:
    if not is_known:
        return "the version before cannot be read"
    if not gap:
        return ""
    return GAPS if content == "iam_policy" else "the history has a gap directly before"


def _shows(past: PastDrift, wanted: Difference) -> bool:
    if not wanted.path and wanted.op in _WHOLE and past.kind == _WHOLE[wanted.op]:
        return True
    shown = past.differences.get((wanted.path, wanted.op))
    return shown is not None and (shown.observed, shown.hidden) == (wanted.observed, wanted.hidden)


_WHOLE: Mapping[Operation, Kind] = {"missing": "deleted", "unexpected": "unmanaged"}


def _before(wanted: Difference, previous: PastDrift) -> object:
    """The value of a field in the version before, or its size; secrets are hidden in both values of a difference."""
    other = next((shown for (path, _), shown in previous.differences.items() if path == wanted.path), None)
    value = wanted.declared if other is None else other.observed
    size = 0 if value is msgspec.UNSET else len(record_limits.encode(value))
    return f"({counted(size, 'byte')})" if size > _LONGEST_BEFORE else value


def with_history(
    snapshot: Snapshot, observation: Observation | None, history: DriftHistory, context: Context
) -> ResourceState:
    """The record with the history of its drift, and with the actor that it names; rules about actors apply.

    The event that says so is added once all is read.

    Args:
        snapshot: the stored records.
        observation: the last observation of the resource; None if there is none.
        history: the history.
        context: the context of detection.
    """
    state = snapshot.state
    assert state is not None and state.finding is not None  # noqa: S101, PT018 - callers pass records with a finding
    latest = history.latest
    onset = latest.onset if latest is not None else None
    finding = msgspec.structs.replace(state.finding, history=history)
    noted = msgspec.structs.replace(state, finding=finding, onset=onset or state.onset)
    actor = latest.actor if latest is not None and latest.actor is not None else finding.actor
    if actor == finding.actor:
        return _announced(noted, state, context.clock())
    if observation is None:
        known = msgspec.structs.replace(noted, finding=msgspec.structs.replace(finding, actor=actor))
        return _announced(known, state, context.clock())
    seen = context.projects.with_project_id(observation)
    stored = ownership.settled(msgspec.structs.replace(snapshot, state=noted), seen)
    evidence = evidence_of(stored, context.parents.index)
    verdict = ownership.judge(
        stored, seen, context.schemas, lambda *_: actor, state.api_reading, secrecy=context.secrecy, evidence=evidence
    )
    now = context.clock()
    transition = finding_state_machine.advance(noted, seen, verdict, now)
    transition = api_readings.scheduled(transition, stored, seen, verdict, now)
    return _announced(transition.state or noted, state, now)


def _announced(state: ResourceState, before: ResourceState, now: datetime) -> ResourceState:
    """The record with an event about the history, unless an event carries it or a part is not read yet."""
    finding = state.finding
    if finding is None or finding.status != "open" or state.sequence != before.sequence:
        return state
    if finding.history is None or finding.history.unsearched:
        return state
    sequence = state.sequence + 1
    event = drift_event("drift.attributed", sequence, data_of(state))
    pending = recorded((*state.pending, event), now)
    return msgspec.structs.replace(state, sequence=sequence, pending=pending)
