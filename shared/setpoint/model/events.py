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
from setpoint.model.decode_errors import UNREADABLE, reason_of
from setpoint.model.difference import Difference
from setpoint.model.drift_history import DriftHistory
from setpoint.model.drift_origin import DriftOrigin
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
    """The progress of a remediation.

    Args:
        step: ``asked``, ``waiting``, ``acting``, ``operating``, ``verifying``, ``done``, ``handed_off``, ``stopped``.
        executor: ``api``, ``handoff`` or ``propose``.
        rule: the policy rule that applies.
        attempts: number of writes so far.
        approved_by: the approvers.
        summary: the written fields, one per line, without secrets.
        reason: the reason for the current step.
        declared: the declaration, for delegates that remediate the drift; without secrets.
        outcome: the outcome of the last attempt: ``succeeded``, ``failed``, ``changed``, ``refused``, ``denied``,
            ``busy``, ``released`` or ``unknown``; empty before its end.
        proof: the source of the outcome.
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
    """The finding after the event.

    Args:
        finding_id: id of the finding; permanent for a resource and content.
        resource_name: full resource name.
        asset_type: Cloud Asset Inventory's type.
        content: the content of the resource that drifted.
        project: project id if known, else its number.
        kind: ``modified``, ``deleted`` or ``unmanaged``.
        status: ``open`` or ``resolved``.
        reason: why it was resolved; empty while it is open.
        severity: ``low``, ``medium``, ``high`` or ``critical``.
        mode: the remediation mode.
        owner: the team that is responsible.
        differences: the differing fields, up to a size; of a resolved finding the last differences.
        difference_count: number of differing fields.
        fingerprint: changes when the differences do.
        observed_at: time of the observation behind this event.
        first_seen: time of the first observation of this drift.
        last_seen: time of the latest observation of drift.
        count: number of observations of the drift since it began.
        episodes: how often this resource has drifted, including this time.
        declared_in: file and line of the declaration; of the scope, for an unmanaged resource.
        previous_data: data of a deleted resource, without secrets; null if unknown or larger than 16 KB.
        remediation: progress of the remediation; only in ``remediation.…`` events.
        actor: the actor behind the drift; null if unknown.
        resolved_at: time of the observation that resolved it; null while it is open.
        ancestors: ``projects/…``, ``folders/…``, ``organizations/…`` above the resource, the nearest first; empty if
            unknown.
        history: when the differences began, and who made them, from the inventory's history and the audit logs; null
            if it was not read.
        origin: where the drift comes from: ``by_hand``, ``by_tool``, ``not_declared_yet``, ``not_applied``,
            ``absorbed``, ``by_google`` or ``unknown``.
        evidence: what the origin follows from, and why the claim of an unmanaged resource's controller is not believed.
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
    history: DriftHistory | None = None
    origin: DriftOrigin = "unknown"
    evidence: str = ""


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event.

    Args:
        id: the same on every retry of a transition; consumers deduplicate by it.
        type: the event type.
        subject: full resource name; also the ordering key.
        time: time of the observation behind the event.
        sequence: orders the events of one finding, lexicographically
            (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/sequence.md).
        data: the finding after the event.
        project: ``data.project`` as an extension attribute, for filters that do not read the data.
        assettype: ``data.asset_type`` as an extension attribute, likewise.
        recordedtime: when the transition was recorded, which is recent even if ``time`` is not
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
    """Read an event that Setpoint published.

    Raises:
        MalformedMessage: the message is not an event of Setpoint.
    """
    try:
        return decode(message)
    except UNREADABLE as error:
        raise MalformedMessage(f"not an event of Setpoint's: {reason_of(error)}") from None


def drift_event(event_type: EventType, sequence: int, data: DriftData) -> CloudEvent:
    """Build an event; its id depends only on the finding, the sequence number and the event type."""
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
