"""Ports of Google's services: the inventory, the APIs of resources, archives, and the warehouse of reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from setpoint.model.drift_history import AssetVersion
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content
from setpoint.model.write_plan import Call, Done, Failed, Running, Started, WritePlan, Written


class Warehouse(Protocol):
    """Keeps the rows of reports, in tables of which one day can be replaced at a time."""

    def replace_day(self, table: str, day: date, rows: Iterable[bytes], run: str) -> int:
        """Replace the rows of a day in a table, all or none.

        Args:
            table: the table's name.
            day: the day of all rows.
            rows: the rows as JSON objects; always read to the end, and never all in memory.
            run: the name of the attempt; a finished attempt is not repeated.

        Returns:
            The number of rows.

        Raises:
            Refused: the table does not exist, or a row does not fit it.
            Unavailable: no answer, or no access; it is unknown whether the rows were replaced.
        """


class Archive(NamedTuple):
    """An uploaded archive of declarations; all fields are of one upload.

    Args:
        data: the archive itself.
        metadata: the object's custom metadata, which the uploader writes.
        revision: the time of the upload; greater than that of every earlier upload, under any name.
    """

    data: bytes
    metadata: Mapping[str, str]
    revision: int


class Archives(Protocol):
    """Reads uploaded archives of declarations."""

    def read(self, bucket: str, name: str, generation: int) -> Archive:
        """Read one generation of an archive.

        Args:
            bucket: the bucket's name.
            name: the object's name.
            generation: the generation of the upload; 0 for the current one.

        Raises:
            Superseded: that generation was overwritten or deleted since.
            BadRequest: the archive does not exist, or is too large.
            Unavailable: no answer, or no access.
        """


class InventoryPage(NamedTuple):
    """A page of a listing of the inventory.

    Args:
        observations: an observation of each resource.
        next_token: the token of the next page; empty on the last page.
        read_at: the time of the snapshot that the whole listing shows.
    """

    observations: Sequence[Observation]
    next_token: str
    read_at: datetime


class Inventory(Protocol):
    """Lists the resources that exist in a scope, declared or not."""

    def lists(self, asset_type: str) -> bool:
        """Whether a listing would show resources of a type if there were any; exported files may lack the type."""

    def pages(
        self, scope: str, content: Content, asset_types: Sequence[str] = (), *, page_token: str = ""
    ) -> Iterator[InventoryPage]:
        """List one content of all resources in a scope, one page in memory at a time.

        A page can take long, since the inventory limits its readers: store ``next_token`` with the results, and resume
        from it after a crash. A resource without the content is not listed.

        Args:
            scope: ``organizations/N``, ``folders/N`` or ``projects/P``.
            content: the content to list.
            asset_types: names, or regular expressions in RE2 that match a whole name; all types where empty.
            page_token: resume from this page, with the same arguments as before.

        Raises:
            ScopeDenied: no permission to list this scope, or the API is disabled there; other scopes may work.
            BadRequest: the scope, type or content does not exist.
            TokenExpired: the token has expired; list from the beginning.
            Unavailable: the inventory does not answer.
        """


class Histories(NamedTuple):
    """The versions of resources.

    Args:
        versions: the versions of each resource by its name, as the inventory spells it.
        missing: the names that the inventory has no history of.
    """

    versions: Mapping[str, Sequence[AssetVersion]]
    missing: frozenset[str] = frozenset()


class AssetHistory(Protocol):
    """Reads past versions of resources."""

    def histories(self, parent: str, content: Content, names: Sequence[str], since: datetime) -> Histories:
        """The versions of up to 100 resources; an unknown name does not spoil the others.

        Args:
            parent: ``organizations/NUMBER`` or ``projects/P`` that holds all of them.
            content: the content to read.
            names: full resource names, as the inventory spells them.
            since: the begin of the time to read.

        Raises:
            ScopeDenied: no permission to read the history of this parent.
            BadRequest: the parent or the content has no history.
            BudgetUsed: the calls of this run are used up.
            Unavailable: the inventory does not answer.
        """


class LogPage(NamedTuple):
    """A page of audit log entries.

    Args:
        containers: the containers that the page was asked of.
        entries: LogEntries as JSON, the oldest first.
        read_to: everything before this time was read; None if everything was.
        denied: why a container may not be read, for those where that is so.
    """

    containers: tuple[str, ...]
    entries: Sequence[bytes] = ()
    read_to: datetime | None = None
    denied: Mapping[str, str] = {}


LogWindows = Mapping[str, Sequence[tuple[datetime, datetime]]]
"""The times to read by container, oldest first and without overlap.

A container is ``projects/ID``, ``projects/NUMBER``, ``folders/NUMBER`` or ``organizations/NUMBER``.
"""


class ActivityLogs(Protocol):
    """Reads the Admin Activity and System Event audit logs."""

    def pages(self, windows: LogWindows) -> Iterator[LogPage]:
        """The entries of all containers and times; the pages of one group of containers follow each other.

        Args:
            windows: the times to read by container.

        Raises:
            BudgetUsed: the calls of this run are used up.
            Unavailable: Cloud Logging does not answer.
        """


class ResourceApi(Protocol):
    """The APIs of the resources themselves: reads live state, and writes remediations.

    Every method raises ``AccessDenied`` with the missing permission, and ``Unavailable`` where there is no answer or
    no valid one.
    """

    def read(self, call: Call) -> Any:
        """The body of a live resource, or of its IAM policy; None where there is no such resource.

        Args:
            call: as ``remediation.api_requests.read`` or ``iam_planner.read`` makes it.

        Raises:
            Refused: the API does not take the request.
        """

    def write(self, plan: WritePlan) -> Written | Started | Failed:
        """Send a planned write, once: it is sent again only where it surely did nothing, or says which state it is for.

        After ``Unavailable`` or ``Failed`` it may have taken effect or not: read before anything else is done.

        Args:
            plan: as ``remediation.planner.plan`` makes it.

        Raises:
            Conflict: the resource is not the one that the plan was made for; nothing was changed.
            Refused: the API will never accept it, or there is no such resource or method; nothing was changed.
            Throttled: the API takes no more; nothing was changed.
        """

    def operation(self, started: Started) -> Running | Done | Failed:
        """How far a write has come that goes on after its answer.

        Args:
            started: what ``write`` gave; it may have been stored in the meantime.
        """


class ProjectAncestors(Protocol):
    """Where projects are, asked of the service that keeps the hierarchy."""

    def ancestors(self, number: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The project, its folders from the nearest on, and its organisation, as the inventory names them.

        Args:
            number: the project's number, digits alone.
            known: what was known before. Above a folder that the caller may not see, it is taken from there.

        Raises:
            AccessDenied: the caller may not see the project, or a folder above it that was not known.
            Unavailable: the service does not answer.
        """


class ProjectDirectory(Protocol):
    """What projects are called, asked of the service that numbers them."""

    def project_id(self, number: str) -> str:
        """The id of the project with a number; empty where there is none, or the caller may not see it.

        Args:
            number: the project's number, digits alone.

        Raises:
            Unavailable: the service does not answer.
        """


class StateObject(NamedTuple):
    """A Terraform state where it is stored.

    Args:
        url: names it, and is the name of its source: ``gs://BUCKET/OBJECT``, ``https://…``, ``tfc://HOST/ORG/WORKSPACE``.
        revision: changes with its content; empty if the storage has none.
        locator: what the place needs to read it; of no meaning to others.
    """

    url: str
    revision: str = ""
    locator: str = ""


class StateStorage(Protocol):
    """Where Terraform keeps states.

    Every method raises ``BadRequest`` if the place does not exist or access is denied, with the next step, and
    ``Unavailable`` if it does not answer.
    """

    def list(self, pattern: str) -> Iterator[StateObject]:
        """The states that a URL names; it may hold ``*``, ``?`` and ``**`` where the place can be listed."""

    def read(self, state: StateObject) -> bytes:
        """A state as it was listed.

        Raises:
            Superseded: it was overwritten or deleted since it was listed.
            MissingState: there is none, in a place that lists without looking.
        """
