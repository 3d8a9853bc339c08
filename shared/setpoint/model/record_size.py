"""Keeping the record of a finding below the size of a document, whatever waits in it to be published.

Firestore takes 1 MiB a document (https://cloud.google.com/firestore/quotas); the last observation stands beside the
record and has the other half. What is cut says so; counts and fingerprints stay those of the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from setpoint.model.difference import Difference
from setpoint.model.events import CloudEvent, DriftData
from setpoint.model.resource_state import Finding, ResourceState, encode_state
from setpoint.util.quotas import cut

LARGEST = 480_000
"""Bytes of a record."""
_encode = msgspec.json.Encoder().encode
_LEVELS: tuple[tuple[int, int], ...] = ((10_000, 500), (1_000, 100), (200, 20))
"""Bytes of one value and number of differences, from the first that fits."""
_LAST_EVENTS = 20
_LONGEST_TEXT = 2_000
_LONGEST_LIST = 50


def encode_bounded(state: ResourceState) -> bytes:
    """The stored form of a record, cut where it would be too large for a document.

    Values of differences go first, then differences, then events in between: of those that wait to be published the
    latest tells all that a consumer needs, and those that open, resolve or remediate are kept.
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


def shortened(difference: Difference, longest: int) -> Difference:
    """A difference whose values have so many bytes at most; in place of a longer one stands how long it is."""
    sides = {
        side: f"({len(text):,} bytes)"
        for side in ("declared", "observed")
        if (value := getattr(difference, side)) is not msgspec.UNSET and len(text := _encode(value)) > longest
    }
    return replace(difference, **sides) if sides else difference


def _cut(state: ResourceState, longest: int, most: int) -> ResourceState:
    """The record with values and lists up to a size."""

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
        finding, differences=few(finding.differences), previous_data=None, reason=cut(finding.reason, _LONGEST_TEXT)
    )


def _event(event: CloudEvent, few: Callable[[tuple[Difference, ...]], tuple[Difference, ...]]) -> CloudEvent:
    data: DriftData = event.data
    changes: dict[str, Any] = {"differences": few(data.differences), "previous_data": None}
    if data.remediation is not None:
        summary = _lines(data.remediation.summary)
        changes["remediation"] = replace(data.remediation, declared=None, summary=summary)
    return replace(event, data=replace(data, **changes))


def _lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(cut(line, _LONGEST_TEXT) for line in lines[:_LONGEST_LIST])


def _without_steps(pending: tuple[CloudEvent, ...]) -> tuple[CloudEvent, ...]:
    """The events without those that only say that a drift is another one by now, the latest excepted."""
    kept = tuple(event for event in pending[:-1] if event.type != "drift.changed")
    return (*kept, *pending[-1:])
