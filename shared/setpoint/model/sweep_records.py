"""Sweeps as data: the messages that drive them, and the records that they keep.

A sweep lists the contents of scopes in shards, parts that are listed by themselves. Each message tells one run of a
function what to do next; all that one run has to know of another is in the records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from setpoint.errors import CorruptState, MalformedMessage
from setpoint.model.decode_errors import UNREADABLE
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import Content
from setpoint.model.sharding import matches

LAG = timedelta(minutes=15)
"""How far a listing may lag behind a feed (https://cloud.google.com/asset-inventory/docs/best-practices)."""

LISTED: tuple[Content, ...] = ("resource", "iam_policy", "org_policy", "access_policy")
"""The contents that an inventory lists; access policies of organisations only."""


def known_at(read_at: datetime, lag: timedelta = LAG) -> datetime:
    """As of when a listing tells what has no time of its own, as that something is not there.

    Just after the last moment that the listing can no longer lag behind.
    """
    return read_at - lag + timedelta.resolution


Scope = Annotated[str, msgspec.Meta(pattern=r"^((organizations|folders)/\d+|projects/[^/\s]+)$")]


class Start(msgspec.Struct, frozen=True, tag_field="kind", tag="start", forbid_unknown_fields=True):
    """Begin a sweep: what Scheduler publishes every some hours.

    Args:
        scopes: ``organizations/N``, ``folders/N`` or ``projects/P``.
        contents: what of the resources to look at.
        types: asset types, or regular expressions in RE2 for whole names; all types where empty.
    """

    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1)]
    contents: Annotated[tuple[Content, ...], msgspec.Meta(min_length=1)] = LISTED
    types: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Sixteen hexadecimal digits, the same for every sweep of the same."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=8).hexdigest()


class Work(msgspec.Struct, frozen=True, tag_field="kind", tag="shard", forbid_unknown_fields=True):
    """List a shard, or go on with it; where it was the last one, end the sweep.

    Args:
        sweep: name of the sweep.
        run: the run of it that the shard belongs to; the message of another one is out of date.
        shard: number of the shard, from 0.
    """

    sweep: str
    run: str
    shard: int


class Heal(msgspec.Struct, frozen=True, tag_field="kind", tag="heal", forbid_unknown_fields=True):
    """Look after what waits: what Scheduler publishes every minute."""


SweepMessage = Start | Work | Heal

encode_message = msgspec.json.Encoder().encode
_decode_message: Callable[[bytes], SweepMessage] = msgspec.json.Decoder(SweepMessage).decode


def decode_message(message: bytes) -> SweepMessage:
    """Read a message of the sweep topic.

    Raises:
        MalformedMessage: says what is wrong with it.
    """
    try:
        return _decode_message(message)
    except UNREADABLE as error:
        raise MalformedMessage(f"not a sweep message: {error}") from None


class Summary(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a sweep has found.

    Of what is declared every resource and content is counted once: declared = in sync + drifted + unknown + unchecked.

    Args:
        ended_at: when it ended.
        listed: assets that were listed.
        outcomes: what became of the observations.
        declared: resources and contents that are declared and were asked for.
        seen: those of them that were listed.
        in_sync: those of them that are as declared.
        drifted: those of them that are not, gone ones included.
        unchecked: those that were listed without telling what they are, or whose record cannot be read.
        unknown: those of which the sweep can tell nothing.
        pending: those of them whose name in the inventory is not known yet.
        deleted: declared resources that exist no longer, and declared policies that are empty.
        created_by: undeclared resources within a scope that Google or another resource makes, by what made them.
        denied: scopes that nobody may list, and why.
        failed: other shards that were not listed to their end, and why.
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

    @property
    def coverage(self) -> float:
        """Of what is declared, the part of which the sweep knows whether it drifted; 1 where nothing is declared."""
        return (self.in_sync + self.drifted) / self.declared if self.declared else 1.0

    @property
    def nothing_listed(self) -> str:
        """Why the sweep says nothing of the fleet, where nothing at all was listed; else an empty string."""
        if self.listed:
            return ""
        reasons = "; ".join([*self.denied.values(), *self.failed.values()])
        return reasons or "is it the right scope, and is the inventory switched on there?"


class Sweep(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of the latest run of a sweep.

    Args:
        name: what it is a sweep of, ``Start.name``.
        run: this run of it.
        start: the message that began it.
        started_at: when it began.
        sources: the generation of each source that was in force then; what was declared later was not looked for.
        shards: how many there are.
        open: numbers of those that have not come to an end.
        counts: assets of each type at the end of the last run that ended, for the scopes and contents
            (``organizations/1 resource``) that are worth splitting.
        summary: what it has found; None until it has ended.
    """

    name: str
    run: str
    start: Start = msgspec.field(name="told")
    started_at: datetime
    sources: dict[str, int] = {}
    shards: int = 0
    open: tuple[int, ...] = ()
    counts: dict[str, dict[str, int]] = {}
    summary: Summary | None = None


Status = Literal[
    "open",  # not at its end
    "done",  # listed to its end
    "denied",  # nobody may list it
    "failed",  # it can never be listed as it is
    "lost",  # it never came back
]


class Shard(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of a shard: a scope and content, of it the types that match, and how far it was listed.

    Args:
        run: the run of the sweep that it belongs to.
        number: its number in that run, from 0.
        scope: the scope.
        content: the content.
        updated_at: when something was last done for it.
        types: names or expressions that are asked for; all types where empty.
        status: how it stands.
        reason: why it was not listed to its end.
        page_token: where the listing goes on; empty at its begin.
        read_at: the earliest moment that one of its pages is of.
        listed: assets that were listed.
        outcomes: what became of the observations.
        counts: assets of each type.
        created_by: undeclared resources that need no declaration, by what made them.
        above_projects: whether it has shown anything that is in no project.
        parts: how many parts it has.
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

    @property
    def label(self) -> str:
        """What it lists, in words."""
        return " ".join((self.scope, self.content, *self.types))

    def covers(self, asset_type: str) -> bool:
        """Whether the shard lists resources of this type."""
        return matches(self.types, asset_type)


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one page of a shard has shown.

    Args:
        seen: digests of resources that may be declared (see ``sweep.digest_set``).
        unchecked: those of them that could not be judged.
        projects: numbers and ids of projects that no page before has shown to the same process.
    """

    seen: bytes = b""
    unchecked: bytes = b""
    projects: tuple[str, ...] = ()


encode_record = msgspec.json.Encoder().encode


def decode_record(stored: bytes | str, form: Any) -> Any:
    """Read the stored form of a sweep, shard or part.

    Raises:
        CorruptState: it is not the stored form.
    """
    try:
        return msgspec.json.decode(stored, type=form)
    except UNREADABLE as error:
        raise CorruptState(f"a stored {form.__name__} cannot be read ({error}); sweep with --fresh") from None
