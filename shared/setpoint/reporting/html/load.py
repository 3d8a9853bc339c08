"""Load the input of a report from a read-only store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, islice

from setpoint.detection.watched_fields import watching_of
from setpoint.errors import CorruptState
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.ports.reports import ReportStore
from setpoint.ports.stores import Problems, readable_sweeps
from setpoint.reporting.html.build import Facts
from setpoint.util.external_sort import batches

_BATCH = 100
TRAILS = 500
"""Maximum number of audit trails to read, with one query each; other findings show only their record."""


def gather(store: ReportStore, url: str, trails: int = TRAILS) -> Facts:
    """Load the input of a report; findings are read while it is built.

    Args:
        store: the store.
        url: its URL, for commands.
        trails: maximum number of audit trails to read.
    """
    sweeps = readable_sweeps(store.sweeps)
    problems: Problems = []
    anything = chain(store.states(drifted=True, problems=[]), store.states(problems=[]))
    return Facts(
        states=store.states(drifted=True, problems=problems),
        control=store.control().value,
        sweeps=sweeps,
        is_watched=any(True for _ in islice(anything, 1)),
        store=url,
        trail=_limited(store.trail, trails),
        watched=lambda states: _watched(store, states),
        problems=problems,
    )


def _watched(store: ReportStore, states: Sequence[ResourceState]) -> dict[ResourceKey, str]:
    """What of each resource is watched, in words; nothing for records that cannot be read."""
    watched: dict[ResourceKey, str] = {}
    for some in batches(states, _BATCH):
        with suppress(CorruptState):
            for key, snapshot in store.read_many([state.key for state in some]).items():
                if (parts := watching_of(snapshot.desired, snapshot.rules, snapshot.state)) is not None:
                    watched[key] = str(parts)
    return watched


def _limited(
    trail: Callable[[ResourceKey], Sequence[AuditEntry]], most: int
) -> Callable[[ResourceKey], Sequence[AuditEntry]]:
    left = iter(range(most))
    return lambda key: trail(key) if next(left, None) is not None else ()
