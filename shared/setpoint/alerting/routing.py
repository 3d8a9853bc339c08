"""Destinations and approvers of a drift, by the ``Alerting`` document of a fleet."""

from __future__ import annotations

from typing import NamedTuple

from setpoint.model import globs
from setpoint.model.alerting_config import Alerting, Destination, Escalation
from setpoint.model.events import DriftData
from setpoint.model.policy import PolicyInput, fits


class Routed(NamedTuple):
    """Where a drift is told.

    Args:
        to: where.
        digest: only once in a while.
        route: the route that said so; empty for the default.
    """

    to: tuple[Destination, ...]
    digest: bool
    route: str


def route(alerting: Alerting, data: DriftData) -> Routed:
    """Where a drift is told."""
    case = case_of(data)
    own = (Destination("slack", data.owner.slack),) if data.owner.slack else ()
    matching = next((rule for rule in alerting.routes if fits(rule.match, case)), None)
    if matching is not None:
        to = (*matching.to, *(own if matching.owner else ()))
        return Routed(tuple(dict.fromkeys(to)), matching.digest, matching.name)
    return Routed(own or alerting.default, data.severity in alerting.digest.severities, "")


def escalations(alerting: Alerting, data: DriftData) -> tuple[Escalation, ...]:
    """Who is called about a drift, and after how long."""
    case = case_of(data)
    return tuple(escalation for escalation in alerting.escalations if fits(escalation.match, case))


def may_click(alerting: Alerting, data: DriftData, user: tuple[str, ...], groups: tuple[str, ...]) -> bool:
    """Whether somebody may click the buttons of a drift.

    Args:
        alerting: who may.
        data: the finding.
        user: the names of a user: id and e-mail address.
        groups: ids of the user groups that they are in.
    """
    case = case_of(data)
    return any(
        fits(approver.match, case)
        and (not set(approver.groups).isdisjoint(groups) or any(globs.fits(approver.users, u) for u in user))
        for approver in alerting.approvers
    )


def case_of(data: DriftData) -> PolicyInput:
    """A finding as the routes look at it; its labels are not known."""
    actor = data.actor
    return PolicyInput(
        asset_type=data.asset_type,
        content=data.content,
        kind=data.kind,
        severity=data.severity,
        team=data.owner.team,
        projects=frozenset((data.project,) if data.project else ()),
        ancestors=data.ancestors,
        paths=tuple(difference.path for difference in data.differences),
        actor=actor.principal if actor is not None and actor.confidence != "possible" else "",
    )
