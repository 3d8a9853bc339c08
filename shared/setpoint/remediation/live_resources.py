"""Read resources through their own API as observations, and plan the writes that remediate them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from setpoint.catalog.inventory_names import is_natural
from setpoint.catalog.methods import ApiResource, Methods, default_methods
from setpoint.catalog.schemas import Catalogue, Schema
from setpoint.comparison.masking import Masking
from setpoint.errors import Unavailable
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.model.write_plan import NotWritable, Unwritable, WritePlan
from setpoint.ports.services import ResourceApi
from setpoint.remediation import api_requests, iam_planner, planner
from setpoint.util.clock import instant


@dataclass(frozen=True, slots=True)
class LiveReading:
    """A resource as its API just returned it.

    Args:
        observation: the state, at the time of the read.
        resource: how the resource is read and written.
    """

    observation: Observation
    resource: ApiResource


class LiveResources:
    """The APIs of the resources.

    Args:
        api: sends requests.
        catalogue: the schemas of asset types.
        methods: the read and write methods of asset types.
    """

    def __init__(self, api: ResourceApi, catalogue: Catalogue, methods: Methods | None = None) -> None:
        self.api = api
        self.catalogue = catalogue
        self._methods = methods or default_methods()

    def read(self, declaration: Declaration, last: Observation | None, now: datetime) -> LiveReading | None:
        """Read a declared resource, or its policy; None if its API has no read method.

        Args:
            declaration: the declaration.
            last: the last observation from the inventory, for fields that the API lacks; None if there is none.
            now: the current time.

        Raises:
            AccessDenied: a permission is missing; grant it.
            Refused: the API refuses the request.
            Unavailable: the API does not answer, or reports a deletion that the inventory does not; try again.
        """
        named = _as_listed(declaration, last)
        schema = self.schema_of(declaration)
        resource = (
            planner.api_resource(named, schema, self._methods) if named is not None and schema is not None else None
        )
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

    def schema_of(self, declaration: Declaration) -> Schema | None:
        """The schema of a declared resource; None if there is none."""
        return self.catalogue.fitting(declaration.asset_type, declaration.data)

    def plan(
        self,
        desired: Desired,
        reading: LiveReading,
        secrecy: Secrecy = THIS_PROCESS,
        *,
        is_whole_declaration: bool = False,
    ) -> WritePlan | NotWritable:
        """Plan the first write that remediates a difference; ``as_declared`` without differences.

        If several declarations cover the resource, each is remediated by a separate write.

        Args:
            desired: the declarations.
            reading: the resource that was just read.
            secrecy: has the key of the declarations' digests.
            is_whole_declaration: write every declared field, because an earlier partial write cleared others.
        """
        body = None if reading.observation.deleted else reading.observation.data
        planned: WritePlan | NotWritable = NotWritable(reading.observation.key, "as_declared")
        for declaration in desired.declarations:
            if declaration.element:  # writing a list with only the declared element would delete the others
                continue
            own = own_project(declaration.project, reading.observation)
            schema = self.schema_of(declaration)
            planned = planner.plan(
                declaration,
                body,
                schema,
                reading.resource,
                own=own,
                is_whole_declaration=is_whole_declaration,
                hiding=Masking(secrecy),
            )
            if isinstance(planned, WritePlan) or planned.reason != "as_declared":
                break
        return planned


def _as_listed(declaration: Declaration, last: Observation | None) -> Declaration | None:
    """The declaration under a name that the API accepts; None if that name comes from the inventory and is unknown."""
    if not is_natural(declaration.key.name):
        return declaration
    if last is None or not last.inventory_name:
        return None
    return replace(declaration, key=ResourceKey(last.inventory_name, declaration.key.content))


def _read_policy(declaration: Declaration, resource: ApiResource) -> Any:
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
"""Fields with the time of a service's last change to a resource."""


def known_at(body: Any, now: datetime) -> datetime:
    """The time of a state that was just read: when the service last changed it, but never later than now.

    A fast clock of this process, or a replica that lags, must not make newer messages look old.

    Args:
        body: the service's answer; None for a deleted resource.
        now: the current time.
    """
    if not isinstance(body, dict):
        return now
    times = (_instant(body[name]) for name in _OWN_TIMES if name in body)
    return min((now, *(time for time in times if time is not None)))


def _instant(value: Any) -> datetime | None:
    """A time in Google's formats: RFC 3339, or milliseconds since 1970; None for anything else."""
    try:
        if isinstance(value, str) and value.isdigit():
            return datetime.fromtimestamp(int(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return instant(value)


def describe_refusal(plan: NotWritable) -> tuple[str, ...]:
    """The manual steps, one line per field."""
    return tuple(_line(field) for field in plan.fields)


def _line(field: Unwritable) -> str:
    return f"{field.path}: {field.todo}" if field.path else field.todo
