"""What a write is before it is sent: a call, the fields that it changes, and why something cannot be written."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from setpoint.model.resource_key import ResourceKey

Reason = Literal["as_declared", "gone", "immutable", "by_hand", "secret", "no_method", "unread"]
"""Why nothing is written.

``as_declared``: nothing differs any more. ``gone``: the resource would have to be made. ``immutable``: it would have
to be made anew. ``by_hand``: the API has a way that nobody should go unasked. ``secret``: the value, or what has to be
sent beside it, is a secret. ``no_method``: no method takes the field. ``unread``: nothing tells how to reach it.
"""


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request to an API of Google's.

    Args:
        method: its id, ``compute.firewalls.patch``.
        verb: of HTTP.
        url: without the query.
        query: parameters of the query.
        headers: of the request, besides those of every request.
        body: JSON, or None.
        guarded: the request says which state of the resource it is meant for, so that to send it again does no harm.
        long_running: the answer is an operation to be watched.
        base: the address of the API up to its version, where an operation is read later.
        operations: the paths after it at which its operations are, with ``*`` for parameters.
        permission: what the caller needs to be granted.
    """

    method: str
    verb: str
    url: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: Any = None
    guarded: bool = False
    long_running: bool = False
    base: str = ""
    operations: tuple[str, ...] = ()
    permission: str = ""


class WritePlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """The smallest write that puts fields of one resource back.

    Args:
        key: the resource and content.
        call: what is sent. It may hold what must not be shown: store and show ``writing.redacted(plan)``.
        etag: the state of the resource that it is meant for; empty where the API has none.
        paths: the fields that are remediated, as the differences name them.
        summary: a line for each of them, for people; secrets are masked.
        later: differences that take another method: read again, and plan again.
        coarser: the same write under the top fields of the resource, where the API may not take so fine a mask; None
            where it is as coarse already, or holds what may not be sent.
        side_effects: what the write does to those who use the resource, as far as it is known: nothing to do unasked.
    """

    key: ResourceKey
    call: Call
    etag: str = ""
    paths: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    coarser: Call | None = None
    side_effects: tuple[str, ...] = msgspec.field(default=(), name="disturbs")


class Unwritable(msgspec.Struct, frozen=True):
    """One difference that is not remediated.

    Args:
        path: the field, as the difference names it; empty for the whole resource.
        reason: why.
        todo: what a person would have to do.
    """

    path: str
    reason: Reason
    todo: str


class NotWritable(msgspec.Struct, frozen=True):
    """Nothing may be written for these differences together.

    Args:
        key: the resource and content.
        reason: that of the first field.
        fields: every difference that stands in the way; planning without them gives a plan for the others.
    """

    key: ResourceKey
    reason: Reason
    fields: tuple[Unwritable, ...] = ()


class Written(msgspec.Struct, frozen=True):
    """A write has taken effect; what the API answered may lag behind, so verify by reading."""


class Started(msgspec.Struct, frozen=True):
    """A write goes on after its answer.

    Args:
        url: where its operation is read.
    """

    url: str


class Running(msgspec.Struct, frozen=True):
    """An operation goes on."""


class Done(msgspec.Struct, frozen=True):
    """An operation has ended well."""


class Failed(msgspec.Struct, frozen=True):
    """An operation has ended, and not well; what it did before is not known.

    Args:
        reason: what the API says.
    """

    reason: str
