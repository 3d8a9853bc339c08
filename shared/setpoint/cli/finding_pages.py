"""Sorting and paging of findings."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from setpoint.errors import BadRequest
from setpoint.model.resource_state import ResourceState
from setpoint.model.severity import SEVERITIES
from setpoint.util.counts import counted


class SortKey(StrEnum):
    """What findings are sorted by."""

    severity = "severity"
    newest = "newest"
    oldest = "oldest"
    name = "name"
    team = "team"
    project = "project"


class FindingPage(NamedTuple):
    """A part of a list.

    Args:
        states: the records of this page, in order.
        total: number of records of all pages.
        offset: number of records before this page.
        decided: number of findings that fit but for their status, by what people decided about them.
    """

    states: tuple[ResourceState, ...]
    total: int
    offset: int
    decided: Mapping[str, int] = MappingProxyType({})

    @property
    def next_offset(self) -> int | None:
        """The offset of the next page; None on the last one."""
        end = self.offset + len(self.states)
        return end if end < self.total and self.states else None


def _severity(state: ResourceState) -> tuple[Any, ...]:
    finding = state.finding
    return (-SEVERITIES.index(finding.severity) if finding is not None else 1, state.key.name, state.key.content)


def _since(state: ResourceState) -> float:
    return (state.finding.first_seen if state.finding is not None else state.observed_at).timestamp()


_KEYS: dict[SortKey, Callable[[ResourceState], tuple[Any, ...]]] = {
    SortKey.severity: _severity,
    SortKey.newest: lambda state: (-_since(state), state.key.name, state.key.content),
    SortKey.oldest: lambda state: (_since(state), state.key.name, state.key.content),
    SortKey.name: lambda state: (state.key.name, state.key.content),
    SortKey.team: lambda state: (state.finding.owner.team if state.finding else "", *_severity(state)),
    SortKey.project: lambda state: (state.finding.project if state.finding else "", *_severity(state)),
}


def page_of(
    states: Iterable[ResourceState], sort: SortKey, limit: int, offset: int, decided: Mapping[str, int]
) -> FindingPage:
    """A page of records in an order; the same records have the same order each time.

    Args:
        states: all records.
        sort: the order.
        limit: number of records on a page; 0 for all.
        offset: number of records before the page.
        decided: counts of others, filled while ``states`` is read.

    Raises:
        BadRequest: the offset is beyond the end.
    """
    listed = list(states)
    if offset and offset >= len(listed):
        raise BadRequest(f"--offset {offset}: of {counted(len(listed), 'finding')} the first has the offset 0")
    key = _KEYS[sort]
    # A page near the front needs no sorted rest.
    ordered = heapq.nsmallest(offset + limit, listed, key=key) if limit else sorted(listed, key=key)
    return FindingPage(tuple(ordered[offset:]), len(listed), offset, decided)
