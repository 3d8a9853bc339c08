"""Check the findings against the changes: no false alarm, no missed drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from setpoint.detection.drift_histories import KEPT
from setpoint.model.drift_history import since_text
from setpoint.model.outcome import Outcome
from setpoint.model.resource_state import ResourceState
from setpoint_tools.demo.feed import SentMessage
from setpoint_tools.demo.incidents import Incident

_ALARMS: frozenset[Outcome] = frozenset(("opened", "changed", "drifted", "attributed"))
_EVENTS: dict[Outcome, str] = {"opened": "drift.opened", "changed": "drift.changed", "resolved": "drift.resolved"}
_NEAR = timedelta(hours=2)
"""The history is read at the beginning of the hour, from when its 35 days are counted."""
_TRANSITIONS = frozenset((*_EVENTS.values(), "drift.exempted"))


def of_messages(sent: Sequence[SentMessage], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What is wrong with the outcomes of the messages."""
    if len(sent) != len(outcomes):
        yield f"{len(sent)} messages were sent and {len(outcomes)} received"
    for message, outcome in zip(sent, outcomes, strict=False):
        if outcome != message.outcome:
            about = f"{message.key.name} ({message.key.content})" if message.key else "no resource"
            fault = _fault(message.outcome, outcome)
            yield f"{fault}: {about} at {message.time:%H:%M:%S}: {outcome} instead of {message.outcome}"


def of_findings(incidents: Iterable[Incident], states: Iterable[ResourceState]) -> Iterator[str]:
    """What is wrong with the findings."""
    expected = {incident.key: incident for incident in incidents}
    findings = {state.key: state for state in states}
    for key in sorted(findings.keys() - expected.keys()):
        yield f"false alarm: {key.name} ({key.content}): {'; '.join(_paths(findings[key]))}"
    for key, incident in expected.items():
        if key not in findings:
            yield f"missed: {key.name} ({key.content})"
        else:
            yield from _of_finding(incident, findings[key])


def of_events(sent: Iterable[SentMessage], incidents: Iterable[Incident], types: Iterable[str]) -> Iterator[str]:
    """What is wrong with the published events: each transition must have told of itself once."""
    expected = Counter(_EVENTS[message.outcome] for message in sent if message.outcome in _EVENTS)
    expected["drift.resolved"] += sum(message.is_reverted for message in sent)  # which remediation has seen itself
    old = sum(incident.is_old for incident in incidents)
    expected += Counter({"drift.opened": old, "drift.exempted": old})  # by the first sweep, and by the baseline
    published = Counter(name for name in types if name in _TRANSITIONS)
    for name in sorted(expected.keys() | published.keys()):
        if expected[name] != published[name]:
            yield f"events: {published[name]} {name} instead of {expected[name]}"


def of_history(incidents: Iterable[Incident], first: Iterable[ResourceState], now: datetime) -> Iterator[str]:
    """What the first sweep and its history say otherwise than what happened before Setpoint."""
    findings = {state.key: state.finding for state in first}
    old = {incident.key: incident for incident in incidents if incident.is_old}
    for key in sorted(findings.keys() ^ old.keys()):
        yield f"first sweep: {key.name} ({key.content}) is in one of what was done and what was found"
    for key in findings.keys() & old.keys():
        finding, incident = findings[key], old[key]
        history = finding.history if finding is not None else None
        expected = max(now - incident.age, now - KEPT)
        if history is None or history.since is None or abs(history.since - expected) > _NEAR:
            yield f"first sweep: {key.name}: since {since_text(history)} instead of {expected:%Y-%m-%d %H:%M}"
        elif history.at_least != (incident.age > KEPT):
            yield f"first sweep: {key.name}: older than the history, or not: {since_text(history)}"


def _fault(expected: Outcome, outcome: Outcome) -> str:
    if outcome in _ALARMS and expected not in _ALARMS:
        return "false alarm"
    return "missed" if expected in _ALARMS and outcome not in _ALARMS else "wrong outcome"


def _of_finding(incident: Incident, state: ResourceState) -> Iterator[str]:
    finding = state.finding
    assert finding is not None  # noqa: S101 - only drifted records are looked at
    status = "accepted" if incident.is_old else "resolved" if incident.is_over else "open"
    if (finding.kind, finding.status) != (incident.kind, status):
        yield f"{state.key.name}: {finding.kind} {finding.status} instead of {incident.kind} {status}"
    yield from _of_remediation(incident, state)
    if (principal := finding.actor.principal if finding.actor is not None else None) != (
        incident.by.principal if incident.by is not None else None
    ):
        yield f"{state.key.name}: changed by {principal} instead of {incident.by}"
    paths = _paths(state)
    for path in paths:
        if not path.startswith(incident.fields):
            yield f"false alarm: {state.key.name}: {path} was not touched"
    for start in incident.fields:
        if not any(path.startswith(start) for path in paths):
            yield f"missed: {state.key.name}: {start} was changed"


def _of_remediation(incident: Incident, state: ResourceState) -> Iterator[str]:
    if not incident.remediation:
        return
    step = state.remediation.step if state.remediation is not None else "none"
    approver = state.remediation.approved_by if state.remediation is not None else ""
    expected = {"fixed": "done", "approved": "done"}.get(incident.remediation, incident.remediation)
    if step != expected or (incident.remediation == "approved") != bool(approver):
        yield f"{state.key.name}: remediation {step} by {approver or 'nobody'} instead of {incident.remediation}"


def _paths(state: ResourceState) -> list[str]:
    return [difference.path for difference in state.finding.differences] if state.finding else []


def of_sweep(before: Iterable[ResourceState], after: Iterable[ResourceState]) -> Iterator[str]:
    """What a sweep from the export says otherwise than the feed: nothing, since both tell of the same state."""
    opened, swept = ({state.key: _drift_of(state) for state in states if state.is_open} for states in (before, after))
    for key in sorted(opened.keys() | swept.keys()):
        if opened.get(key) != swept.get(key):
            yield f"{key.name} ({key.content}): the sweep says {swept.get(key)}, the feed said {opened.get(key)}"


def _drift_of(state: ResourceState) -> str:
    return f"{state.finding.kind} {state.fingerprint}" if state.finding is not None else "nothing"
