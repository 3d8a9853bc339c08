"""Destinations and approvers of a drift, by the ``Alerting`` document of a fleet."""

from __future__ import annotations

from typing import NamedTuple

from setpoint.detection.actor_resolution import confident_principal
from setpoint.model import globs
from setpoint.model.alerting_config import Alerting, Approvers, Destination, Escalation
from setpoint.model.events import DriftData
from setpoint.model.policy import PolicyInput, fits


class Routed(NamedTuple):
    """The destinations of a drift.

    Args:
        to: the destinations.
        digest: whether it is sent in digests only.
        route: the route that matched; empty for the default.
    """

    to: tuple[Destination, ...]
    digest: bool
    route: str


def route(alerting: Alerting, data: DriftData) -> Routed:
    """Choose the destinations of a drift: of the first route that matches, else of its owner, else the default."""
    case = case_of(data)
    own = (Destination("slack", data.owner.slack),) if data.owner.slack else ()
    matching = next((rule for rule in alerting.routes if fits(rule.match, case)), None)
    if matching is not None:
        to = (*matching.to, *(own if matching.owner else ()))
        return Routed(tuple(dict.fromkeys(to)), matching.digest, matching.name)
    return Routed(own or alerting.default, data.severity in alerting.digest.severities, "")


def escalations(alerting: Alerting, data: DriftData) -> tuple[Escalation, ...]:
    """The escalations of a drift: destinations, and after how long."""
    case = case_of(data)
    return tuple(escalation for escalation in alerting.escalations if fits(escalation.match, case))


def on_acceptance(alerting: Alerting, data: DriftData) -> tuple[Destination, ...]:
    """The further destinations of an accepted drift; none of another one."""
    if data.status != "accepted":
        return ()
    case = case_of(data)
    matching = (acceptance.to for acceptance in alerting.acceptances if fits(acceptance.match, case))
    return tuple(dict.fromkeys(to for several in matching for to in several))


def approvers(alerting: Alerting, data: DriftData) -> tuple[Approvers, ...]:
    """The approvers of a drift."""
    case = case_of(data)
    return tuple(approver for approver in alerting.approvers if fits(approver.match, case))


def may_click(alerting: Alerting, data: DriftData, user: tuple[str, ...], groups: tuple[str, ...]) -> bool:
    """Whether a user may click the buttons of a drift.

    Args:
        alerting: the alerting rules, which name the approvers.
        data: the finding.
        user: the id and e-mail address of the user.
        groups: ids of the user groups that they are in.
    """
    case = case_of(data)
    return any(
        fits(approver.match, case)
        and (not set(approver.groups).isdisjoint(groups) or any(globs.matches(approver.users, u) for u in user))
        for approver in alerting.approvers
    )


def case_of(data: DriftData) -> PolicyInput:
    """A finding as routes match it; its labels are not known."""
    return PolicyInput(
        asset_type=data.asset_type,
        content=data.content,
        kind=data.kind,
        severity=data.severity,
        team=data.owner.team,
        projects=frozenset((data.project,) if data.project else ()),
        ancestors=data.ancestors,
        paths=tuple(difference.path for difference in data.differences),
        actor=confident_principal(data.actor),
    )
