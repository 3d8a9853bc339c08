"""Select findings by the same conditions for lists, acceptances, exemptions and the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from setpoint.detection.finding_events import begun, data_of
from setpoint.model.drift_history import beginning
from setpoint.model.drift_origin import CommonChanges, DriftOrigin
from setpoint.model.events import Status
from setpoint.model.globs import matches
from setpoint.model.grouping import cause_id, cause_of
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.severity import Kind, Severity


class FindingFilter(msgspec.Struct, frozen=True):
    """Conditions on a finding. All must hold; an empty condition always holds.

    Args:
        statuses: statuses of the finding.
        severities: severities of the finding.
        kinds: kinds of the drift.
        teams: owners, or globs; an empty string selects findings without an owner.
        places: ``projects/ID``, ``folders/NUMBER`` or ``organizations/NUMBER`` above the resource, at any distance.
        asset_types: asset types, or globs as ``compute.googleapis.com/*``.
        actors: actors behind the drift, or globs; an empty string selects unknown actors.
        causes: ids of groups, as alerts and the report page group findings.
        older_than: minimum age of the finding in seconds.
        text: a part of the resource name, in any case.
        baseline: whether the finding is part of the baseline; None for both.
        origins: where the drift comes from; see ``drift_origin``.
        addresses: Terraform addresses of the resource, or globs as ``module.net.*``.
    """

    statuses: tuple[Status, ...] = ()
    severities: tuple[Severity, ...] = ()
    kinds: tuple[Kind, ...] = ()
    teams: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    asset_types: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    older_than: float = 0.0
    text: str = ""
    baseline: bool | None = None
    addresses: tuple[str, ...] = ()
    origins: tuple[DriftOrigin, ...] = ()


def select(states: Iterable[ResourceState], wanted: FindingFilter, now: datetime) -> Iterator[ResourceState]:
    """The records whose finding fulfils the conditions.

    For a condition on origins all records are kept, since a change in many projects at once has another origin.
    """
    if not wanted.origins:
        return (state for state in states if selects(wanted, state, now))
    listed = [state for state in states if state.finding is not None]
    common = CommonChanges()
    for state in listed:
        common.add(begun(state))
    return (
        state for state in listed if selects(wanted, state, now) and common.origin(begun(state)).word in wanted.origins
    )


def selects(wanted: FindingFilter, state: ResourceState, now: datetime) -> bool:
    """Whether the finding of a record fulfils the conditions, but for its origin; False without a finding."""
    finding = state.finding
    if finding is None:
        return False
    if wanted.baseline is not None and wanted.baseline != is_baseline(state):
        return False
    return (
        _is_in(wanted.statuses, finding.status)
        and _is_in(wanted.severities, finding.severity)
        and _is_in(wanted.kinds, finding.kind)
        and (now - beginning(finding.history, finding.first_seen)[0]).total_seconds() >= wanted.older_than
        and _fits(wanted.teams, finding.owner.team)
        and _fits(wanted.asset_types, state.asset_type)
        and _fits(wanted.addresses, finding.source.address)
        and _fits(wanted.actors, finding.actor.principal if finding.actor else "")
        and (not wanted.places or any(place in wanted.places for place in _places(finding)))
        and wanted.text.casefold() in state.key.name.casefold()
        and (not wanted.causes or cause_id(cause_of(data_of(state))) in wanted.causes)
    )


def is_baseline(state: ResourceState) -> bool:
    """Whether a finding is part of the baseline now."""
    finding, exemption = state.finding, state.exemption
    return finding is not None and finding.status == "accepted" and exemption is not None and exemption.baseline


def _is_in(wanted: tuple[str, ...], value: str) -> bool:
    return not wanted or value in wanted


def _fits(wanted: tuple[str, ...], value: str) -> bool:
    return not wanted or matches(wanted, value)


def _places(finding: Finding) -> tuple[str, ...]:
    """The places of a resource, and its project by id, since ancestors name projects by number."""
    return (*finding.ancestors, f"projects/{finding.project}")
