"""Reading a resource from the API that holds it, as an observation, and planning what would put it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from setpoint.catalog.inventory_names import is_natural
from setpoint.catalog.methods import Methods, Resource, default_methods
from setpoint.catalog.schemas import Catalogue
from setpoint.errors import Unavailable
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import NotWritable, Unwritable, WritePlan
from setpoint.ports.services import ResourceApi
from setpoint.remediation import api_requests, iam_planner, planner


@dataclass(frozen=True, slots=True)
class LiveReading:
    """A resource as its API has just told it.

    Args:
        observation: what it told, at the time of the reading.
        resource: how it is reached.
    """

    observation: Observation
    resource: Resource


class LiveResources:
    """The APIs that hold the resources.

    Args:
        api: what sends requests to them.
        catalogue: what is known of asset types.
        methods: how their APIs read and write them.
    """

    def __init__(self, api: ResourceApi, catalogue: Catalogue, methods: Methods | None = None) -> None:
        self.api = api
        self._catalogue = catalogue
        self._methods = methods or default_methods()

    def read(self, declaration: Declaration, last: Observation | None, now: datetime) -> LiveReading | None:
        """Read a declared resource, or its policy; None where no method does.

        Args:
            declaration: what is declared of it.
            last: what the inventory told of it last, for what the API does not tell.
            now: the time.

        Raises:
            AccessDenied: nobody may read it.
            Refused: the API does not take the request.
            Unavailable: the API does not answer, or says that it is gone, which the inventory does not.
        """
        named = _as_listed(declaration, last)
        schema = self._catalogue.fitting(declaration.asset_type, declaration.data)
        resource = planner.reach(named, schema, self._methods) if named is not None and schema is not None else None
        if resource is None:
            return None
        call = (
            api_requests.read(resource)
            if declaration.key.content == "resource"
            else _read_policy(declaration, resource)
        )
        if call is None:
            return None
        body = self.api.read(call)
        if body is None and last is not None and not last.deleted:
            raise Unavailable(
                f"{declaration.key.name}: its API does not show it, and the inventory does; whether it is gone is for "
                "the inventory to say"
            )
        return LiveReading(_observation(declaration.key, declaration.asset_type, body, last, now), resource)

    def plan(
        self, desired: Desired, reading: LiveReading, *, is_whole_declaration: bool = False
    ) -> WritePlan | NotWritable:
        """The first write that remediates what differs; ``as_declared`` where nothing does.

        Where several declarations say something of a resource, each is remediated by a write of its own.

        Args:
            desired: what is declared.
            reading: the resource as it was just read.
            is_whole_declaration: name every declared field, since a write of some has cleared others.
        """
        body = None if reading.observation.deleted else reading.observation.data
        planned: WritePlan | NotWritable = NotWritable(reading.observation.key, "as_declared")
        for declaration in desired.declarations:
            if declaration.element:  # to write a list of which it knows one element would drop the others
                continue
            own = own_project(declaration.project, reading.observation)
            schema = self._catalogue.fitting(declaration.asset_type, declaration.data)
            planned = planner.plan(
                declaration, body, schema, reading.resource, own=own, is_whole_declaration=is_whole_declaration
            )
            if isinstance(planned, WritePlan) or planned.reason != "as_declared":
                break
        return planned


def _as_listed(declaration: Declaration, last: Observation | None) -> Declaration | None:
    """The declaration under a name that the API knows; None where only the inventory could tell it and has not."""
    if not is_natural(declaration.key.name):
        return declaration
    if last is None or not last.inventory_name:
        return None
    return replace(declaration, key=ResourceKey(last.inventory_name, declaration.key.content))


def _read_policy(declaration: Declaration, resource: Resource) -> Any:
    return iam_planner.read(resource) if declaration.key.content == "iam_policy" else None


def _observation(key: ResourceKey, asset_type: str, body: Any, last: Observation | None, now: datetime) -> Observation:
    return Observation(
        key,
        asset_type,
        known_at(body, now),
        deleted=body is None,
        data=body if body is not None else last and last.data,
        ancestors=last.ancestors if last is not None else (),
        project_id=last.project_id if last is not None else "",
        inventory_name=last.inventory_name if last is not None else "",
        through="api",
    )


_OWN_TIMES = ("updateTime", "updated", "lastModifiedTime", "lastUpdateTime", "modifyTime")
"""Fields in which a service says when it last changed a resource."""


def known_at(body: Any, now: datetime) -> datetime:
    """The time of a state that was just read: when the service last changed it, and never later than now.

    A clock of this process that is ahead, or a replica that lags behind, must not make newer messages look old.

    Args:
        body: the service's answer; None where the resource is gone.
        now: the time by this process's clock.
    """
    if not isinstance(body, dict):
        return now
    times = (_instant(body[name]) for name in _OWN_TIMES if name in body)
    return min((now, *(time for time in times if time is not None)))


def _instant(value: Any) -> datetime | None:
    """A time as Google's services write it: RFC 3339, or milliseconds since 1970; None for anything else."""
    try:
        if isinstance(value, str) and value.isdigit():
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        time = datetime.fromisoformat(value)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return time if time.tzinfo is not None else None


def describe_refusal(plan: NotWritable) -> tuple[str, ...]:
    """What a person would have to do, a line a field."""
    return tuple(_line(field) for field in plan.fields)


def _line(field: Unwritable) -> str:
    return f"{field.path}: {field.todo}" if field.path else field.todo
