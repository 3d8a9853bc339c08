"""What commands that list write with ``--output json``, and each line of ``--output jsonl``; see `output_models`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from setpoint.catalog.type_table import TypeRow
from setpoint.cli.output_models import ProblemOutput
from setpoint.model.resource_key import Content


class WatchedResource(msgspec.Struct, frozen=True):
    """A line of ``setpoint coverage --watched --output jsonl``: what of a declared resource is watched.

    Args:
        resource: full resource name.
        asset_type: Cloud Asset Inventory's type.
        content: what of the resource is declared.
        declared: number of declared fields; of an IAM policy, of grants.
        compared: number of those that are compared.
        good: number of last known good values; null where none are kept.
        why_none: why none are kept; empty where they are.
        exact: what is exactly as declared: ``all``, or paths or roles.
        scope: the scope that makes the declared grants the whole; empty for none.
    """

    resource: str
    asset_type: str
    content: Content
    declared: int
    compared: int
    good: int | None
    why_none: str
    exact: tuple[str, ...]
    scope: str


class WatchedResources(msgspec.Struct, frozen=True):
    """The output of ``setpoint coverage --watched --output json``.

    Args:
        resources: the declared resources.
    """

    resources: tuple[WatchedResource, ...]


class TypeList(msgspec.Struct, frozen=True):
    """The output of ``setpoint types --output json``.

    Args:
        types: the asset types, ordered by name.
    """

    types: tuple[TypeRow, ...]


class UnmetExpectation(msgspec.Struct, frozen=True):
    """An expectation of a ``PolicyTest`` that the policy does not meet.

    Args:
        file: file and line of the test.
        test: its name.
        message: what the policy decides instead.
    """

    file: str
    test: str
    message: str


class PolicyCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``setpoint policy check --output json``.

    Args:
        policy: name of the policy.
        tests: number of tests.
        failed: the expectations that are not met.
        errors: what is wrong with the documents.
        warnings: what is right and worth a look.
    """

    policy: str
    tests: int
    failed: tuple[UnmetExpectation, ...]
    errors: tuple[ProblemOutput, ...]
    warnings: tuple[ProblemOutput, ...]


class NotifyMessage(msgspec.Struct, frozen=True):
    """A line of ``setpoint notify --preview --output json``: a message as Slack takes it.

    Args:
        text: the message without formatting, as notifications show it.
        blocks: the message in Slack's Block Kit.
    """

    text: str
    blocks: tuple[dict[str, Any], ...]


class DeadLetterRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A line of ``setpoint dead-letters list --output jsonl``, without the message itself.

    Args:
        id: id of the message.
        published_at: when it became a dead letter.
        subscription: the subscription that it came from; empty if unknown.
        size: size of the message in bytes.
        why: why it could not be handled, in words.
        reason: the reason that a function gave; empty if Pub/Sub gave it up.
        attempts: number of deliveries before Pub/Sub gave it up; 0 if it did not.
    """

    id: str
    published_at: datetime
    subscription: str
    size: int = msgspec.field(name="bytes")
    why: str
    reason: str
    attempts: int


class DeadLetterList(msgspec.Struct, frozen=True):
    """The output of ``setpoint dead-letters list --output json``.

    Args:
        dead_letters: the dead letters, at most ``--most``.
    """

    dead_letters: tuple[DeadLetterRecord, ...]
