"""Exempt or accept many findings by one decision; each gets its own entry in the audit trail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest
from setpoint.model.exemptions import Exemption
from setpoint.model.resource_state import ResourceState
from setpoint.remediation import commands
from setpoint.util.progress import Advance, no_progress


class BulkResult(msgspec.Struct, frozen=True):
    """The result of a decision about many findings.

    Args:
        changed: number of changed findings.
        refused: the reasons for the other findings, with their numbers.
    """

    changed: int
    refused: dict[str, int]


def accept_all(
    states: Iterable[ResourceState], exemption: Exemption, context: Context, advance: Advance = no_progress
) -> BulkResult:
    """Accept the drift in each record; a finding that has another drift now is not changed.

    Args:
        states: the records as they were shown.
        exemption: the decision; the fingerprint of each drift is added.
        context: the ports of detection.
        advance: called for each record, for a progress bar.
    """
    return _each(
        states,
        lambda state: commands.exempt(state.key, replace(exemption, fingerprint=state.fingerprint), context),
        advance,
    )


def exempt_all(
    states: Iterable[ResourceState], exemption: Exemption, context: Context, advance: Advance = no_progress
) -> BulkResult:
    """Exempt the finding of each record, for any drift.

    Args:
        states: the records.
        exemption: the decision.
        context: the ports of detection.
        advance: called for each record, for a progress bar.
    """
    return _each(states, lambda state: commands.exempt(state.key, exemption, context), advance)


def end_all(states: Iterable[ResourceState], by: str, context: Context, advance: Advance = no_progress) -> BulkResult:
    """End the exemption of each record; its finding is evaluated again."""
    return _each(states, lambda state: commands.end_exemption(state.key, by, context), advance)


def _each(states: Iterable[ResourceState], decide: Callable[[ResourceState], object], advance: Advance) -> BulkResult:
    changed, refused = 0, Counter[str]()
    for state in states:
        try:
            decide(state)
        except BadRequest as error:
            refused[str(error).removeprefix(f"{state.key.name}: ")] += 1
        else:
            changed += 1
        advance(1)
    return BulkResult(changed, dict(refused))
