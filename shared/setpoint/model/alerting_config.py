"""The alerting rules of a fleet, from its ``Alerting`` document: routes, digests, escalations, approvers."""

from __future__ import annotations

from typing import Literal

import msgspec

from setpoint.model.declaration import Source
from setpoint.model.policy import Match
from setpoint.model.severity import Severity

SinkKind = Literal["slack", "chat", "webhook", "request", "issue", "scc"]


class Destination(msgspec.Struct, frozen=True, omit_defaults=True):
    """A channel of a sink.

    Args:
        sink: ``slack``, ``chat`` (Google Chat), ``webhook``, ``request`` (a pull or merge request), ``issue`` (a
            GitHub issue) or ``scc`` (Security Command Center).
        channel: a Slack channel, ``#name`` or its id; for the other sinks the name of a webhook, repository or source
            in the settings.
    """

    sink: SinkKind
    channel: str

    @property
    def id(self) -> str:
        """The destination as one string, ``slack:#payments``."""
        return f"{self.sink}:{self.channel}"


class Route(msgspec.Struct, frozen=True, omit_defaults=True):
    """The destinations of the drifts that match.

    Args:
        name: the route's name.
        match: the drifts that match.
        to: the destinations; empty to silence the drifts that match.
        owner: send to the owner's channel, too, where the declaration names one.
        digest: send them in digests only.
    """

    name: str
    match: Match = Match()
    to: tuple[Destination, ...] = ()
    owner: bool = False
    digest: bool = False


class Digest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The drifts that are sent in a digest, and its schedule.

    Args:
        severities: the severities of these drifts, where no route decides.
        cron: the schedule, a cron expression of five fields.
        time_zone: the time zone of the schedule.
    """

    severities: tuple[Severity, ...] = ()
    cron: str = "0 9 * * MON-FRI"
    time_zone: str = "UTC"


class Escalation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Further destinations of a drift that stays open without an action.

    Args:
        match: the drifts that match.
        after: seconds without an action on the open drift.
        to: the destinations.
    """

    match: Match = Match(severities=("critical",))
    after: float = 0.0
    to: tuple[Destination, ...] = ()


class Approvers(msgspec.Struct, frozen=True, omit_defaults=True):
    """Users who may click the buttons of drifts.

    Args:
        match: the drifts that match.
        groups: user groups of Slack, by their ids.
        users: users of Slack, by their ids or e-mail addresses.
    """

    match: Match = Match()
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


class Acceptance(msgspec.Struct, frozen=True, omit_defaults=True):
    """Further destinations of an accepted drift.

    Args:
        match: the drifts that match.
        to: the destinations, usually the repository that declares them.
    """

    match: Match = Match()
    to: tuple[Destination, ...] = ()


class Alerting(msgspec.Struct, frozen=True, omit_defaults=True):
    """The alerting rules of a fleet.

    Args:
        name: the document's name.
        default: the destinations of drifts that match no route.
        routes: the routes; the first that matches decides.
        digest: the drifts that are sent in digests.
        escalations: the escalations.
        approvers: the users who may click buttons; no user if empty.
        acceptances: the destinations of accepted drifts.
        group_seconds: drifts with one cause within so many seconds are one message.
        finding_link: template of the URL of a finding's page, with ``{id}``.
        group_link: template of the URL of a page about the findings of one message, with ``{id}``.
        source: the file and line of the document; not part of a digest.
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
    acceptances: tuple[Acceptance, ...] = ()
    source: Source = Source()
