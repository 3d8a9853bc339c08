"""What a report is made of, read from a store that nothing is written to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, islice

from setpoint.model.audit_trail import AuditEntry
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import Problems, ReportStore
from setpoint.reporting.html.build import Facts

TRAILS = 500
"""Audit trails that are read, each by a query of its own; of other findings the record tells what it knows."""


def gather(store: ReportStore, url: str, trails: int = TRAILS) -> Facts:
    """Read all that a report needs; findings are read while it is made.

    Args:
        store: the store.
        url: its URL, for commands.
        trails: how many audit trails may be read.
    """
    sweeps = [sweep.value for sweep in store.sweeps.sweeps() if sweep.value is not None]
    problems: Problems = []
    anything = chain(store.states(drifted=True, problems=[]), store.states(problems=[]))
    return Facts(
        states=store.states(drifted=True, problems=problems),
        control=store.control().value,
        sweeps=sweeps,
        is_watched=any(True for _ in islice(anything, 1)),
        store=url,
        trail=_limited(store.trail, trails),
        problems=problems,
    )


def _limited(
    trail: Callable[[ResourceKey], Sequence[AuditEntry]], most: int
) -> Callable[[ResourceKey], Sequence[AuditEntry]]:
    left = iter(range(most))
    return lambda key: trail(key) if next(left, None) is not None else ()
