"""The native format's kind ``Alerting``: routes, digests, escalations and approvers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from setpoint.declarations.readers import pydantic_base
from setpoint.declarations.readers.pydantic_base import AsSeconds, Cron, NonEmpty, StrictModel, TimeZone
from setpoint.model.alerting_config import (
    Acceptance,
    Alerting,
    Approvers,
    Destination,
    Digest,
    Escalation,
    Route,
    SinkKind,
)
from setpoint.model.declaration import Source
from setpoint.model.policy import Match
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity

_SINKS = get_args(SinkKind)
_ID = "{id}"
_FORMS = "slack:#channel, chat:NAME, webhook:NAME, request:NAME, issue:NAME or scc:NAME"


def _is_destination(value: str) -> str:
    sink, _, channel = value.partition(":")
    if sink not in _SINKS or not channel:
        raise ValueError(f"not a destination; use the form {_FORMS}")
    return value


def _is_link(value: str) -> str:
    if value and (not value.startswith(("https://", "http://")) or _ID not in value):
        raise ValueError(f"not a link; use the form https://setpoint.example.com/#finding={_ID}")
    return value


_To = Annotated[NonEmpty, AfterValidator(_is_destination)]
_Link = Annotated[str, AfterValidator(_is_link)]


class AlertMatchModel(StrictModel):
    """Conditions on drifts. All must hold."""

    asset_types: tuple[NonEmpty, ...] = Field((), description="types, or globs as compute.googleapis.com/*")
    contents: tuple[Content, ...] = ()
    projects: tuple[NonEmpty, ...] = Field((), description="project ids, or globs as sandbox-*")
    ancestors: tuple[Annotated[str, Field(pattern=r"^(folders|organizations)/[0-9]+$")], ...] = Field(
        (), description="folders/NUMBER, organizations/NUMBER; direct or indirect ancestors"
    )
    teams: tuple[NonEmpty, ...] = ()
    kinds: tuple[Kind, ...] = ()
    severities: tuple[Severity, ...] = ()
    actors: tuple[NonEmpty, ...] = Field((), description="actors of the drift, or globs: *@example.com")


class RouteModel(StrictModel):
    """A route with the destinations of matching drifts; the first route that matches applies."""

    name: NonEmpty
    match: AlertMatchModel = Field(default_factory=AlertMatchModel.model_construct)
    to: tuple[_To, ...] = Field((), description=f"{_FORMS}; no destination if empty")
    owner: bool = Field(default=False, description="also send to the Slack channel of the owner")
    digest: bool = Field(default=False, description="send a digest only, see `digest`")


class DigestModel(StrictModel):
    """The drifts that are sent in a digest."""

    severities: tuple[Severity, ...] = Field((), description="severities in the digest, unless a route sets a digest")
    cron: Cron = Digest().cron
    time_zone: TimeZone = Digest().time_zone


class EscalationModel(StrictModel):
    """Further destinations of a severe drift without an action for a while."""

    match: AlertMatchModel = Field(default_factory=lambda: AlertMatchModel.model_construct(severities=("critical",)))
    after: Annotated[float, AsSeconds, Field(ge=0, le=30 * 86_400)] = 0.0
    to: Annotated[tuple[_To, ...], Field(min_length=1)]


class AcceptanceModel(StrictModel):
    """Further destinations of an accepted drift."""

    match: AlertMatchModel = Field(default_factory=AlertMatchModel.model_construct)
    to: Annotated[tuple[_To, ...], Field(min_length=1, description="request:NAME opens a pull or merge request")]


class ApproversModel(StrictModel):
    """The users who may click the buttons of matching drifts."""

    match: AlertMatchModel = Field(default_factory=AlertMatchModel.model_construct)
    groups: tuple[NonEmpty, ...] = Field((), description="user groups of Slack by their ids, S0123ABCD")
    users: tuple[NonEmpty, ...] = Field((), description="users by their ids, e-mail addresses, or globs of these")

    @model_validator(mode="after")
    def _has_approver(self) -> ApproversModel:
        if not self.groups and not self.users:
            raise ValueError("names nobody; give groups or users")
        return self


class AlertingSpec(StrictModel):
    """Routes, digests, escalations, approvers and links."""

    default: tuple[_To, ...] = Field((), description="destinations of drifts without a matching route or an owner")
    routes: tuple[RouteModel, ...] = ()
    digest: DigestModel = Field(default_factory=DigestModel.model_construct)
    escalations: tuple[EscalationModel, ...] = ()
    approvers: tuple[ApproversModel, ...] = ()
    acceptances: tuple[AcceptanceModel, ...] = ()
    group_within: Annotated[float, AsSeconds, Field(ge=0, le=86_400)] = Field(
        Alerting().group_seconds, description="drifts of one cause within this time share one message"
    )
    finding_link: _Link = ""
    group_link: _Link = ""

    @field_validator("routes")
    @classmethod
    def _have_names_of_their_own(cls, value: tuple[RouteModel, ...]) -> tuple[RouteModel, ...]:
        return pydantic_base.distinct(value, "routes")


class AlertingMetadata(StrictModel):
    """The name of the document."""

    name: NonEmpty


class AlertingModel(StrictModel):
    """The alerting rules of a fleet; there is one document."""

    api_version: Literal["setpoint.dev/v1"]
    kind: Literal["Alerting"]
    metadata: AlertingMetadata
    spec: AlertingSpec


def alerting(checked: AlertingModel, source: Source) -> Alerting:
    """Convert a document."""
    spec = checked.spec
    return Alerting(
        name=checked.metadata.name,
        default=_destinations(spec.default),
        routes=tuple(
            Route(route.name, _match(route.match), _destinations(route.to), route.owner, route.digest)
            for route in spec.routes
        ),
        digest=Digest(**spec.digest.model_dump()),
        escalations=tuple(
            Escalation(_match(escalation.match), escalation.after, _destinations(escalation.to))
            for escalation in spec.escalations
        ),
        approvers=tuple(
            Approvers(_match(approver.match), approver.groups, approver.users) for approver in spec.approvers
        ),
        group_seconds=spec.group_within,
        finding_link=spec.finding_link,
        group_link=spec.group_link,
        acceptances=tuple(
            Acceptance(_match(acceptance.match), _destinations(acceptance.to)) for acceptance in spec.acceptances
        ),
        source=source,
    )


def _match(model: AlertMatchModel) -> Match:
    fields: dict[str, Any] = model.model_dump()
    return Match(**fields)


def _destinations(names: tuple[str, ...]) -> tuple[Destination, ...]:
    parts = (name.partition(":") for name in names)
    return tuple(Destination(cast("SinkKind", sink), channel) for sink, _, channel in parts)
