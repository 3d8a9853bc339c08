"""The events that Setpoint publishes: CloudEvents 1.0 in structured JSON.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

import msgspec

from setpoint.errors import MalformedMessage
from setpoint.model.actors import Actor
from setpoint.model.declaration import Mode, Owner, Source
from setpoint.model.decode_errors import UNREADABLE
from setpoint.model.difference import Difference
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity

EventType = Literal[
    "drift.opened",
    "drift.changed",
    "drift.resolved",
    "drift.exempted",
    "drift.attributed",
    "remediation.requested",
    "remediation.started",
    "remediation.succeeded",
    "remediation.failed",
    "remediation.blocked",
]
Status = Literal["open", "resolved", "exempted", "accepted"]

DATA_SCHEMA = "https://setpoint.dev/schemas/drift.v1.json"
SOURCE = "//setpoint.dev/detect"


class RemediationData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far putting the drift back has come.

    Args:
        step: ``asked``, ``waiting``, ``acting``, ``operating``, ``verifying``, ``done``, ``handed_off``, ``stopped``.
        executor: ``api``, ``handoff`` or ``propose``.
        rule: the rule of the policy that said so.
        attempts: writes so far.
        approved_by: who approved it.
        summary: what is written, a line a field, without secrets.
        reason: why it is where it is.
        declared: what is declared of the resource, for whoever else is to put it back; without secrets.
        outcome: what came of the last attempt: ``succeeded``, ``failed``, ``changed``, ``refused``, ``denied``,
            ``busy``, ``released`` or ``unknown``; empty before its end.
        proof: by what that is known.
    """

    step: str
    executor: str = "api"
    rule: str = ""
    attempts: int = 0
    approved_by: str = ""
    summary: tuple[str, ...] = ()
    reason: str = ""
    declared: Any = None
    outcome: str = ""
    proof: str = ""


class DriftData(msgspec.Struct, frozen=True, kw_only=True):
    """The finding as it is after the event.

    Args:
        finding_id: the finding; one resource and content has one for ever.
        resource_name: full resource name.
        asset_type: Cloud Asset Inventory's type.
        content: what of the resource drifted.
        project: project id where known, else its number.
        kind: ``modified``, ``deleted`` or ``unmanaged``.
        status: ``open`` or ``resolved``.
        reason: why it was resolved; empty while it is open.
        severity: ``low``, ``medium``, ``high`` or ``critical``.
        mode: what may be done about it.
        owner: who is responsible for it.
        differences: the fields that differ, up to a size; after a resolution those that last differed.
        difference_count: how many fields differ.
        fingerprint: changes when the differences do.
        observed_at: the observation behind this event.
        first_seen: the observation with which this drift began.
        last_seen: the latest observation that showed drift.
        count: observations that showed drift since it began.
        episodes: how often this resource has drifted, this time included.
        declared_in: file and line of the declaration; of the scope, for an unmanaged resource.
        previous_data: what a deleted resource was, without secrets, where that is known and not larger than 16 KB.
        remediation: how far putting it back has come; of ``remediation.…`` events alone.
        actor: who is behind the drift; None while that is not known.
        resolved_at: the observation with which it ended; None while it lasts.
        ancestors: ``projects/…``, ``folders/…``, ``organizations/…`` that it is in, the nearest first; empty
            where the observation does not tell.
    """

    finding_id: str
    resource_name: str
    asset_type: str
    content: Content
    project: str
    kind: Kind
    status: Status
    severity: Severity
    mode: Mode
    owner: Owner
    differences: tuple[Difference, ...]
    difference_count: int
    fingerprint: str
    observed_at: datetime
    first_seen: datetime
    last_seen: datetime
    count: int
    episodes: int
    declared_in: Source
    reason: str = ""
    previous_data: Any = msgspec.field(default=None, name="was")
    remediation: RemediationData | None = None
    actor: Actor | None = None
    resolved_at: datetime | None = None
    ancestors: tuple[str, ...] = ()


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event.

    Args:
        id: the same on every retry of the same transition; consumers drop what they have seen.
        type: what happened.
        subject: full resource name; also the ordering key.
        time: time of the observation behind the event.
        sequence: orders the events of one finding, lexicographically
            (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/sequence.md).
        data: the finding as it is after the event.
        project: ``data.project`` again, as an extension attribute, for those who sort events without reading them.
        assettype: ``data.asset_type`` again, likewise.
        recordedtime: when the transition was recorded, which is never long ago, as ``time`` can be
            (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/recordedtime.md); unset in events
            that older versions stored.
    """

    id: str
    type: EventType
    subject: str
    time: datetime
    sequence: str
    data: DriftData
    source: str = SOURCE
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str = DATA_SCHEMA
    project: str = ""
    assettype: str = ""
    recordedtime: datetime | msgspec.UnsetType = msgspec.UNSET


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(CloudEvent).decode


def read(message: bytes) -> CloudEvent:
    """Read an event that Setpoint has published.

    Raises:
        MalformedMessage: it is none.
    """
    try:
        return decode(message)
    except UNREADABLE as error:
        raise MalformedMessage(f"not an event of Setpoint's: {error}") from None


def drift_event(event_type: EventType, sequence: int, data: DriftData) -> CloudEvent:
    """An event whose id follows from the finding, its sequence number and what happened, and from nothing else."""
    seed = f"{data.finding_id}\n{sequence}\n{event_type}\n{data.observed_at.isoformat()}\n{data.fingerprint}"
    return CloudEvent(
        id=hashlib.blake2b(seed.encode(), digest_size=16).hexdigest(),
        type=event_type,
        subject=data.resource_name,
        time=data.observed_at,
        sequence=f"{sequence:010d}",
        data=data,
        project=data.project,
        assettype=data.asset_type,
    )
