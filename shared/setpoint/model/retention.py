"""How long records are kept that are no longer needed; BigQuery keeps the history, if reports are on."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.errors import BadRequest
from setpoint.model.resource_state import ResourceState

_PART = re.compile(r"(audit|gone|resolved)=(\d{1,5})\Z")


class Retention(NamedTuple):
    """How long what is kept; zero for ever.

    Args:
        audit: entries of audit trails.
        gone: records of resources that are deleted, without an open finding, the last observation included.
        resolved: resolved findings of resources that are there; their records stay.
    """

    audit: timedelta = timedelta(days=400)
    gone: timedelta = timedelta(days=400)
    resolved: timedelta = timedelta(days=90)


DEFAULT = Retention()


def parse(text: str) -> Retention:
    """Retention as a setting says it, ``audit=400,gone=400,resolved=90`` in days; what it does not say has its default.

    Raises:
        BadRequest: it is no such text.
    """
    days: dict[str, timedelta] = {}
    for part in filter(None, text.split(",")):
        match = _PART.match(part.strip())
        if match is None:
            raise BadRequest(f"`{part}` is not a retention; write days, as in audit=400,gone=400,resolved=90")
        days[match.group(1)] = timedelta(days=int(match.group(2)))
    return Retention(**days)


def expires(state: ResourceState, retention: Retention) -> datetime | None:
    """When the record of a deleted resource may go; None for never: it is there, or its drift is alerted."""
    finding = state.finding
    if not retention.gone or not state.deleted or state.pending or (finding and finding.status != "resolved"):
        return None
    return state.observed_at + retention.gone


def due_since(state: ResourceState, retention: Retention) -> datetime | None:
    """Since when a resolved finding is to be dropped from its record; None where it is not, ever."""
    finding = state.finding
    if not retention.resolved or finding is None or finding.status != "resolved" or state.pending:
        return None
    return (finding.resolved_at or finding.last_seen) + retention.resolved


def without_finding(state: ResourceState) -> ResourceState:
    """The record without its resolved finding; its sequence stays, so that no event is numbered twice."""
    return replace(state, finding=None)
