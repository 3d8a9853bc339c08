"""What the ``Alerting`` document of a fleet says: routes, digests, escalations, approvers."""

from __future__ import annotations

from typing import Literal

import msgspec

from setpoint.model.declaration import Source
from setpoint.model.policy import Match
from setpoint.model.severity import Severity

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
    """Who may use the buttons of which drifts.

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
        approvers: who may use buttons; nobody where empty.
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
