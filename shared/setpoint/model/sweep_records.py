"""The messages and records of sweeps.

A sweep lists the contents of scopes in shards, which are listed independently. Each message is the task of one run of a
function; runs share state only through the records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from setpoint.errors import CorruptState, MalformedMessage
from setpoint.model import newer_fields
from setpoint.model.controller_claims import CountedClaim, Parent
from setpoint.model.decode_errors import UNREADABLE, reason_of
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import CONTENTS, Content
from setpoint.model.sharding import matches

LAG = timedelta(minutes=15)
"""The longest lag of a listing behind a feed (https://cloud.google.com/asset-inventory/docs/best-practices)."""

LISTED: tuple[Content, ...] = CONTENTS
"""The contents that an inventory lists; access policies only for organizations."""


MAX_PLACES = 20_000
"""Maximum number of folders and organizations that a sweep stores: 0.5 MB."""


MAX_CLAIMS = 500
"""Maximum number of different claims that a shard counts by their parents; the others are counted by creator."""


def known_at(read_at: datetime, lag: timedelta = LAG) -> datetime:
    """The time that a listing proves an absence for, since an absence has no time of its own.

    It is just after the last moment at which the listing may lag.
    """
    return read_at - lag + timedelta.resolution


Scope = Annotated[str, msgspec.Meta(pattern=r"^((organizations|folders)/\d+|projects/[^/\s]+)$")]


class SweepStart(msgspec.Struct, frozen=True, tag_field="kind", tag="start", forbid_unknown_fields=True):
    """Begin a sweep; published by the scheduler.

    Args:
        scopes: ``organizations/N``, ``folders/N`` or ``projects/P``.
        contents: the contents to list.
        types: asset types, or RE2 expressions for whole names; empty for all types.
    """

    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1)]
    contents: Annotated[tuple[Content, ...], msgspec.Meta(min_length=1)] = LISTED
    types: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A stable id of 16 hexadecimal digits; equal for equal sweeps."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=8).hexdigest()


class ShardWork(msgspec.Struct, frozen=True, tag_field="kind", tag="shard", forbid_unknown_fields=True):
    """List a shard or continue it; the last shard ends the sweep.

    Args:
        sweep: name of the sweep.
        run: the run of the sweep that the shard belongs to; a message for another run is out of date.
        shard: number of the shard, from 0.
    """

    sweep: str
    run: str
    shard: int


class PendingWork(msgspec.Struct, frozen=True, tag_field="kind", tag="heal", forbid_unknown_fields=True):
    """Process pending work; published by the scheduler every minute."""


class HistoryRequest(msgspec.Struct, frozen=True, tag_field="kind", tag="history", forbid_unknown_fields=True):
    """Read since when and by whom findings drift; the scheduler publishes it hourly, a click for one finding.

    Args:
        name: full resource name of the one finding to read; empty for all that began unseen.
        content: the content of the resource.
    """

    name: str = ""
    content: Content = "resource"


SweepMessage = SweepStart | ShardWork | PendingWork | HistoryRequest

encode_message = msgspec.json.Encoder().encode
_decode_message: Callable[[bytes], SweepMessage] = msgspec.json.Decoder(SweepMessage).decode


def decode_message(message: bytes) -> SweepMessage:
    """Read a message of the sweep topic.

    Raises:
        MalformedMessage: the message is not a sweep message.
    """
    try:
        return _decode_message(message)
    except UNREADABLE as error:
        raise MalformedMessage(f"not a sweep message: {reason_of(error)}") from None


class Summary(msgspec.Struct, frozen=True, omit_defaults=True):
    """The results of a sweep.

    Each declared resource and content is counted once: declared = in sync + drifted + unknown + unchecked.

    Args:
        ended_at: its end.
        listed: number of listed assets.
        outcomes: number of observations by outcome.
        declared: number of declared resources and contents in the sweep.
        seen: those that were listed.
        in_sync: those that are as declared.
        drifted: those that are not, including deleted ones.
        unchecked: those that were listed without readable state, or whose record cannot be read.
        unknown: those whose state the sweep could not determine.
        unknown_of: number of unknown ones, without pending ones, by ``CONTENT of TYPE``.
        pending: unknown ones whose inventory name is not known yet.
        deleted: number of declared resources that are deleted, and of declared policies that are empty.
        created_by: number of undeclared resources in a scope with another creator, by creator.
        denied: scopes without permission to list, and the reason.
        failed: other incomplete shards, and the reason.
        unreported: claims by which resources in a scope need no declaration, and refuted ones, with their numbers.
    """

    ended_at: datetime
    listed: int = 0
    outcomes: dict[Outcome, int] = {}
    declared: int = 0
    seen: int = 0
    in_sync: int = 0
    drifted: int = 0
    unchecked: int = 0
    unknown: int = 0
    pending: int = 0
    deleted: int = msgspec.field(default=0, name="gone")
    created_by: dict[str, int] = msgspec.field(default_factory=dict, name="made")
    denied: dict[str, str] = {}
    failed: dict[str, str] = {}
    unknown_of: dict[str, int] = {}
    unreported: tuple[CountedClaim, ...] = ()

    @property
    def coverage(self) -> float:
        """The share of declared resources whose state the sweep determined; 1 if nothing is declared."""
        return (self.in_sync + self.drifted) / self.declared if self.declared else 1.0

    @property
    def nothing_listed(self) -> str:
        """Why a sweep without any listed asset has no result; empty if it has one."""
        if self.listed:
            return ""
        reasons = "; ".join([*self.denied.values(), *self.failed.values()])
        return reasons or "check the scope, and whether Cloud Asset Inventory is enabled there"


class Sweep(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of the latest run of a sweep.

    Args:
        name: name of the sweep, ``Start.name``.
        run: name of the run.
        start: the message that began it.
        started_at: its start.
        sources: the generation of each source at its start; later declarations were not looked for.
        shards: number of shards.
        open: numbers of the shards that have not ended.
        counts: number of assets by type at the end of the last completed run, for scopes and contents
            (``organizations/1 resource``) that are large enough to be split.
        summary: its results; None until it has ended.
        places: folders and organizations that the last completed run listed resources in; empty for more than
            `MAX_PLACES`.
        parents: name of the run whose shards hold the resources that controllers make others for, listed before its
            own shards; empty where none were listed.
        schema: the form of the record.
    """

    name: str
    run: str
    start: SweepStart = msgspec.field(name="told")
    started_at: datetime
    sources: dict[str, int] = {}
    shards: int = 0
    open: tuple[int, ...] = ()
    counts: dict[str, dict[str, int]] = {}
    summary: Summary | None = None
    places: tuple[str, ...] = ()
    parents: str = ""
    schema: int = 1


Status = Literal[
    "open",  # not at its end
    "done",  # listed to its end
    "denied",  # a permission is missing
    "failed",  # it cannot be listed
    "lost",  # it stopped without a result
]


class Shard(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of a shard: a scope and content, the types it lists, and its progress.

    Args:
        run: the run of the sweep that it belongs to.
        number: its number in that run, from 0.
        scope: the scope.
        content: the content.
        updated_at: time of its last progress.
        types: names or expressions of the requested types; empty for all.
        status: its status.
        reason: why it is incomplete; empty if it is complete or open.
        page_token: token of the next page; empty at its beginning.
        read_at: the earliest read time of its pages.
        listed: number of listed assets.
        outcomes: number of observations by outcome.
        counts: number of assets by type.
        created_by: number of undeclared resources that need no declaration, by creator.
        above_projects: whether it listed a resource that is in no project.
        parts: number of its parts.
        claims: claims of undeclared resources in a scope, with their numbers, up to `MAX_CLAIMS`.
        schema: the form of the record.
    """

    run: str
    number: int
    scope: str
    content: Content
    updated_at: datetime
    types: tuple[str, ...] = ()
    status: Status = "open"
    reason: str = ""
    page_token: str = ""
    read_at: datetime | None = None
    listed: int = 0
    outcomes: dict[Outcome, int] = {}
    counts: dict[str, int] = {}
    created_by: dict[str, int] = msgspec.field(default_factory=dict, name="made")
    above_projects: bool = False
    parts: int = 0
    claims: tuple[CountedClaim, ...] = ()
    schema: int = 1

    @property
    def label(self) -> str:
        """The scope, content and types, for people."""
        return " ".join((self.scope, self.content, *self.types))

    def covers(self, asset_type: str) -> bool:
        """Whether the shard lists resources of this type."""
        return matches(self.types, asset_type)


class ShardPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """The keys of one listed page.

    Args:
        seen: digests of the listed resources that may be declared (see ``sweep.digest_set``).
        unchecked: digests of those that could not be evaluated.
        projects: numbers and ids of projects that are new on this page.
        places: folders and organizations that are new on this page.
        parents: resources on this page that controllers make others for.
    """

    seen: bytes = b""
    unchecked: bytes = b""
    projects: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    parents: tuple[Parent, ...] = ()


_encode = msgspec.json.Encoder().encode


def encode_record(value: Sweep | Shard | ShardPart, before: bytes = b"") -> bytes:
    """Encode a sweep, shard or part, with the unknown fields of the record that it replaces.

    Args:
        value: the record.
        before: the stored form that it replaces; empty for none.
    """
    body = _encode(value)
    return (
        newer_fields.with_stored_fields(before, _encode(decode_record(before, type(value))), body) if before else body
    )


def decode_record(stored: bytes | str, form: Any) -> Any:
    """Decode a sweep, shard or part.

    Raises:
        NewerRecord: a newer version wrote it; upgrade to that version again.
        CorruptState: the record cannot be read.
    """
    try:
        value = msgspec.json.decode(stored, type=form)
    except UNREADABLE as error:
        newer_fields.check_schema(stored, f"a stored {form.__name__}")
        raise CorruptState(
            f"a stored {form.__name__} cannot be read ({reason_of(error)}); sweep with --fresh"
        ) from None
    newer_fields.refuse_newer(getattr(value, "schema", 1), f"a stored {form.__name__}")
    return value
