"""What is asked of Google's services beside stores and queues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content
from setpoint.model.write_plan import Call, Done, Failed, Running, Started, WritePlan, Written


class Warehouse(Protocol):
    """Where rows are kept for reports, in tables whose days can be replaced one by one."""

    def replace_day(self, table: str, day: date, rows: Iterable[bytes], run: str) -> int:
        """Put rows in place of whatever a table has of a day: all of them or none.

        Args:
            table: the table's name.
            day: the day that all rows are of.
            rows: each as a JSON object; they are read to their end whatever becomes of them, and are not all held.
            run: names the attempt; what was done under the same name is not done again.

        Returns:
            How many rows were given.

        Raises:
            Refused: there is no such table, or a row does not fit it.
            Unavailable: nobody answered, or nobody is let in; nothing is known of what was done.
        """


class Archive(NamedTuple):
    """Declarations as they were uploaded; all of it is of one upload.

    Args:
        data: the archive itself.
        metadata: what its uploader says of it.
        revision: when it was uploaded; greater than that of whatever was uploaded before, under any name.
    """

    data: bytes
    metadata: Mapping[str, str]
    revision: int


class Archives(Protocol):
    """Where archives of declarations are uploaded."""

    def read(self, bucket: str, name: str, generation: int) -> Archive:
        """An archive as it was uploaded once.

        Args:
            bucket: the bucket's name.
            name: the object's name.
            generation: the number of that upload; 0 for whatever is there now.

        Raises:
            Superseded: that upload was overwritten or deleted since.
            BadRequest: there is no such archive, or it is too large.
            Unavailable: nobody answered, or nobody is let in.
        """


class Page(NamedTuple):
    """Some of what an inventory lists.

    Args:
        observations: what it tells of each resource.
        next_token: where the listing goes on; empty on the last page.
        read_at: the moment that the whole listing is of.
    """

    observations: Sequence[Observation]
    next_token: str
    read_at: datetime


class Inventory(Protocol):
    """What exists in a part of the fleet, whether anybody declared it or not."""

    def pages(
        self, scope: str, content: Content, asset_types: Sequence[str] = (), *, page_token: str = ""
    ) -> Iterator[Page]:
        """One content of all resources below a scope, a page at a time; no more than a page is ever held.

        Each page may be the last one for long, since a full inventory makes its reader wait: keep ``next_token`` with
        what was done, and go on from it after a crash. A resource that does not have the content is not listed.

        Args:
            scope: ``organizations/N``, ``folders/N`` or ``projects/P``.
            content: what to tell of them.
            asset_types: names, or regular expressions in RE2 that match a whole name; all types where empty.
            page_token: go on from here, with the same arguments as before.

        Raises:
            ScopeDenied: nobody may list this scope, or the inventory is switched off there; others may be well.
            BadRequest: there is no such scope, type or content.
            TokenExpired: the inventory no longer knows the token; begin anew.
            Unavailable: the inventory does not answer.
        """


class ResourceApi(Protocol):
    """The APIs that hold the resources themselves: what is live, and what is remediated.

    Every method raises ``AccessDenied`` with the permission that is missing, and ``Unavailable`` where there is no
    answer or no good one.
    """

    def read(self, call: Call) -> Any:
        """The body of a live resource, or of its IAM policy; None where there is no such resource.

        Args:
            call: as ``remediation.api_requests.read`` or ``iam_planner.read`` makes it.

        Raises:
            Refused: the API does not take the request.
        """

    def write(self, plan: WritePlan) -> Written | Started:
        """Send a planned write, once: it is sent again only where it surely did nothing, or says which state it is for.

        After ``Unavailable`` it may have taken effect or not: read before anything else is done.

        Args:
            plan: as ``remediation.planner.plan`` makes it.

        Raises:
            Conflict: the resource is not the one that the plan was made for, or is gone; nothing was changed.
            Refused: the API will never take it; nothing was changed.
        """

    def operation(self, started: Started) -> Running | Done | Failed:
        """How far a write has come that goes on after its answer.

        Args:
            started: what ``write`` gave; it may have been stored in the meantime.
        """
