"""Limit the size of a finding's record to that of a document, with all of its pending events.

Firestore allows 1 MiB per document (https://cloud.google.com/firestore/quotas); the last observation uses the other
half. Truncation is marked; counts and fingerprints are those of the full data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from setpoint.model import newer_fields
from setpoint.model.difference import Difference
from setpoint.model.drift_history import DriftHistory
from setpoint.model.events import CloudEvent, DriftData
from setpoint.model.newer_fields import Revision
from setpoint.model.resource_state import Finding, ResourceState, encode_state
from setpoint.util.counts import counted
from setpoint.util.quotas import cut

LARGEST = 480_000
"""Maximum size of a record in bytes."""
_encode = msgspec.json.Encoder().encode
_LEVELS: tuple[tuple[int, int], ...] = ((10_000, 500), (1_000, 100), (200, 20))
"""Limits to try in order: bytes per value, and number of differences."""
_LAST_EVENTS = 20
_LONGEST_TEXT = 2_000
_LONGEST_LIST = 50


def encode_bounded(state: ResourceState) -> bytes:
    """Encode a record, truncated to the size of a document.

    Values of differences are cut first, then differences, then intermediate events: the latest pending event contains
    the current finding, and events that open, resolve or remediate are kept.
    """
    body = encode_state(state)
    if len(body) <= LARGEST:
        return body
    for longest, most in _LEVELS:
        body = encode_state(_cut(state, longest, most))
        if len(body) <= LARGEST:
            return body
    state = _cut(state, *_LEVELS[-1])
    body = encode_state(replace(state, pending=_without_steps(state.pending)))
    if len(body) > LARGEST:
        body = encode_state(replace(state, pending=state.pending[-_LAST_EVENTS:]))
    return body


def encode_replacing(state: ResourceState, before: ResourceState | None, revision: Revision | None) -> bytes:
    """Encode a record as ``encode_bounded`` does, with the unknown fields of the record that it replaces.

    Args:
        state: the new record.
        before: the record that it replaces; None for none.
        revision: the stored form of that record; None for none.
    """
    body = encode_bounded(state)
    if before is None or revision is None:
        return body
    return newer_fields.with_stored_fields(revision.body, encode_state(before), body)


def encode_repaired(state: ResourceState, damaged: bytes) -> bytes:
    """Encode a repaired record, with the unknown fields of the damaged one.

    Args:
        state: the repaired record.
        damaged: the stored form of the damaged one.
    """
    fields = newer_fields.unknown_names(damaged, ResourceState)
    body = encode_bounded(state)
    return newer_fields.with_newer_fields(body, fields) if fields is not None else body


def shortened(difference: Difference, longest: int) -> Difference:
    """A difference with values of at most this many bytes; a longer value is replaced by its length."""
    sides = {
        side: f"({counted(len(text), 'byte')})"
        for side in ("declared", "observed")
        if (value := getattr(difference, side)) is not msgspec.UNSET and len(text := _encode(value)) > longest
    }
    return replace(difference, **sides) if sides else difference


def _cut(state: ResourceState, longest: int, most: int) -> ResourceState:
    """The record with values and lists cut to these limits."""

    def few(differences: tuple[Difference, ...]) -> tuple[Difference, ...]:
        return tuple(shortened(difference, longest) for difference in differences[:most])

    finding = state.finding
    return replace(
        state,
        finding=None if finding is None else _finding(finding, few),
        pending=tuple(_event(event, few) for event in state.pending),
        suppressed=tuple(
            replace(entry, difference=None if entry.difference is None else shortened(entry.difference, longest))
            for entry in state.suppressed[: most * 5]
        ),
        remediation=None
        if state.remediation is None
        else replace(state.remediation, summary=_lines(state.remediation.summary)),
    )


def _finding(finding: Finding, few: Callable[[tuple[Difference, ...]], tuple[Difference, ...]]) -> Finding:
    return replace(
        finding,
        differences=few(finding.differences),
        previous_data=None,
        reason=cut(finding.reason, _LONGEST_TEXT),
        history=_history(finding.history),
    )


def _history(history: DriftHistory | None) -> DriftHistory | None:
    return None if history is None else replace(history, fields=history.fields[:_LONGEST_LIST])


def _event(event: CloudEvent, few: Callable[[tuple[Difference, ...]], tuple[Difference, ...]]) -> CloudEvent:
    data: DriftData = event.data
    changes: dict[str, Any] = {"differences": few(data.differences), "previous_data": None}
    changes["history"] = _history(data.history)
    if data.remediation is not None:
        summary = _lines(data.remediation.summary)
        changes["remediation"] = replace(data.remediation, declared=None, summary=summary)
    return replace(event, data=replace(data, **changes))


def _lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(cut(line, _LONGEST_TEXT) for line in lines[:_LONGEST_LIST])


def _without_steps(pending: tuple[CloudEvent, ...]) -> tuple[CloudEvent, ...]:
    """The events without all but the latest of those that only report a changed drift."""
    kept = tuple(event for event in pending[:-1] if event.type != "drift.changed")
    return (*kept, *pending[-1:])
