"""Who is told of which drift, where, and who may press which button: what the ``Alerting`` document of a fleet says."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from setpoint.core import globs
from setpoint.core.declarations import Source
from setpoint.core.events import DriftData
from setpoint.core.policies import Case, Match, fits
from setpoint.core.policy import Severity

SinkKind = Literal["slack", "chat", "webhook"]


class Destination(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where something is told.

    Args:
        sink: ``slack``, ``chat`` (Google Chat) or ``webhook``.
        channel: a channel of Slack, ``#name`` or its id; the name of a webhook, of Google Chat too, as the installation
            knows its address.
    """

    sink: SinkKind
    channel: str

    @property
    def id(self) -> str:
        """The destination in one word, ``slack:#payments``."""
        return f"{self.sink}:{self.channel}"


class Route(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the drifts that it means are told.

    Args:
        name: the route's own name.
        match: which drifts.
        to: where; nowhere at all where empty, so that a route can silence.
        owner: the channel of the owner, too, where the declaration names one.
        digest: they are told once a day only.
    """

    name: str
    match: Match = Match()
    to: tuple[Destination, ...] = ()
    owner: bool = False
    digest: bool = False


class Digest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told once in a while instead of at once.

    Args:
        severities: which drifts, where no route says otherwise.
        cron: when, five fields.
        time_zone: of the cron expression.
    """

    severities: tuple[Severity, ...] = ()
    cron: str = "0 9 * * MON-FRI"
    time_zone: str = "UTC"


class Escalation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is called where a drift is bad, and still open after a while.

    Args:
        match: which drifts.
        after: seconds for which they have been open, and nobody has acted on them.
        to: where.
    """

    match: Match = Match(severities=("critical",))
    after: float = 0.0
    to: tuple[Destination, ...] = ()


class Approvers(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who may press the buttons of which drifts.

    Args:
        match: which drifts.
        groups: user groups of Slack, by their ids.
        users: users of Slack, by their ids or e-mail addresses.
    """

    match: Match = Match()
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


class Alerting(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is told of which drift.

    Args:
        name: its own name.
        default: where drifts are told that no route means.
        routes: the first that matches counts.
        digest: what is told once in a while.
        escalations: who is called.
        approvers: who may press buttons; nobody where empty.
        group_seconds: drifts of one cause within so many seconds are one message.
        finding_link: address of a finding's page, with ``{id}``.
        group_link: address of a page of the findings of one message, with ``{id}``.
        source: where it is written; no part of a digest.
    """

    name: str = "built-in"
    default: tuple[Destination, ...] = ()
    routes: tuple[Route, ...] = ()
    digest: Digest = Digest()
    escalations: tuple[Escalation, ...] = ()
    approvers: tuple[Approvers, ...] = ()
    group_seconds: float = 600.0
    finding_link: str = ""
    group_link: str = ""
    source: Source = Source()


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
    found = next((one for one in alerting.routes if fits(one.match, case)), None)
    if found is not None:
        to = (*found.to, *(own if found.owner else ()))
        return Routed(tuple(dict.fromkeys(to)), found.digest, found.name)
    return Routed(own or alerting.default, data.severity in alerting.digest.severities, "")


def escalations(alerting: Alerting, data: DriftData) -> tuple[Escalation, ...]:
    """Who is called about a drift, and after how long."""
    case = case_of(data)
    return tuple(one for one in alerting.escalations if fits(one.match, case))


def may_press(alerting: Alerting, data: DriftData, user: tuple[str, ...], groups: tuple[str, ...]) -> bool:
    """Whether somebody may press the buttons of a drift.

    Args:
        alerting: who may.
        data: the finding.
        user: the names of a user: id and e-mail address.
        groups: ids of the user groups that they are in.
    """
    case = case_of(data)
    return any(
        fits(one.match, case)
        and (not set(one.groups).isdisjoint(groups) or any(globs.fits(one.users, u) for u in user))
        for one in alerting.approvers
    )


def case_of(data: DriftData) -> Case:
    """A finding as the routes look at it; its labels are not known."""
    actor = data.actor
    return Case(
        asset_type=data.asset_type,
        content=data.content,
        kind=data.kind,
        severity=data.severity,
        team=data.owner.team,
        projects=frozenset((data.project,) if data.project else ()),
        ancestors=data.ancestors,
        paths=tuple(one.path for one in data.differences),
        actor=actor.principal if actor is not None and actor.confidence != "possible" else "",
    )
