"""A planned write: its request, the fields that it changes, and the fields that cannot be written."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from setpoint.model.resource_key import ResourceKey

Reason = Literal["as_declared", "gone", "immutable", "by_hand", "secret", "sealed", "no_method", "unread", "not_kept"]
"""Why nothing is written.

``as_declared``: nothing differs any more. ``gone``: the resource would have to be created. ``immutable``: it would have
to be recreated. ``by_hand``: the API allows the change, but a person should make it. ``secret``: the value, or a value
that must be sent with it, is a secret. ``sealed``: only a digest of the value is stored, and its tool has the value.
``no_method``: no method accepts the field. ``unread``: how to read the resource is unknown.
"""


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request to a Google API.

    Args:
        method: its id, ``compute.firewalls.patch``.
        verb: HTTP method.
        url: URL without the query.
        query: query parameters.
        headers: additional headers.
        body: JSON, or None.
        guarded: whether it has a precondition on the state of the resource, so that a retry does no harm.
        long_running: whether the answer is an operation to poll.
        base: URL of the API up to its version, which operations are read from.
        operations: path patterns of its operations, with ``*`` for parameters.
        permission: the permission that the caller needs.
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
    """The smallest write that remediates fields of a resource.

    Args:
        key: the resource and content.
        call: the request. It may contain secrets: store and show ``planner.redacted(plan)``.
        etag: the state of the resource that the plan is based on; empty if the API has no etags.
        paths: the remediated fields, as paths of differences.
        summary: one line for each of them, for people; secrets are masked.
        later: differences that need another method: read again and plan again.
        coarser: the same write with the top-level fields as mask, for an API that refuses the finer mask; None if it
            would
            be the same, or would send a forbidden field.
        side_effects: known side effects on users of the resource, which need an approval.
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
    """A difference that is not remediated.

    Args:
        path: the field, as the path of the difference; empty for the whole resource.
        reason: the kind of reason.
        todo: the manual steps.
    """

    path: str
    reason: Reason
    todo: str


class NotWritable(msgspec.Struct, frozen=True):
    """No write is possible for these differences together.

    Args:
        key: the resource and content.
        reason: the reason of the first field.
        fields: every difference that prevents the write; a plan without them covers the others.
    """

    key: ResourceKey
    reason: Reason
    fields: tuple[Unwritable, ...] = ()

    @classmethod
    def for_resource(cls, key: ResourceKey, reason: Reason, todo: str) -> NotWritable:
        """Nothing of a resource can be written.

        Args:
            key: the resource and content.
            reason: why.
            todo: what a person has to do.
        """
        return cls(key, reason, (Unwritable("", reason, todo),))


class Written(msgspec.Struct, frozen=True):
    """A write has taken effect; what the API answered may lag behind, so verify by reading."""


class Started(msgspec.Struct, frozen=True):
    """A write continues as a long-running operation.

    Args:
        url: URL of the operation.
    """

    url: str


class Running(msgspec.Struct, frozen=True):
    """An operation is in progress."""


class Done(msgspec.Struct, frozen=True):
    """An operation succeeded."""


class Failed(msgspec.Struct, frozen=True):
    """An operation failed; it may have had an effect.

    Args:
        reason: the API's error message.
    """

    reason: str
