"""The record of a resource and content, with its finding."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from setpoint.errors import BadRequest, CorruptState, NewerRecord
from setpoint.model.actors import Actor
from setpoint.model.api_reading import ApiReading
from setpoint.model.controller_claims import ControllerClaim
from setpoint.model.declaration import Mode, Owner, Source
from setpoint.model.decode_errors import UNREADABLE, reason_of
from setpoint.model.difference import Difference, Explanation
from setpoint.model.drift_history import DriftHistory
from setpoint.model.drift_onset import DriftOnset
from setpoint.model.events import CloudEvent, Status
from setpoint.model.exemptions import Exemption
from setpoint.model.last_known_good import LastKnownGood
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.resource_key import ResourceKey
from setpoint.model.severity import Kind, Severity
from setpoint.model.suppressed import Suppressed

SCHEMA = 1
"""The version of the record format. A version with fields that an older one must not drop has a higher number."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """The finding of a resource and content; the fields are those of the events.

    Args:
        changed_at: time of the observation that brought its current drift; None if that is the first.
        hidden: fields that drifted before, and that the last observation left uncompared.
        history: when its differences began, as far as the history of the inventory was read.
        claim: the refuted claim of an unmanaged resource that a controller made it; None if it makes none.
    """

    kind: Kind
    status: Status
    severity: Severity
    mode: Mode
    owner: Owner
    project: str
    source: Source
    differences: tuple[Difference, ...]
    difference_count: int
    fingerprint: str
    first_seen: datetime
    last_seen: datetime
    count: int = 1
    episodes: int = 1
    resolved_at: datetime | None = None
    reason: str = ""
    previous_data: Any = msgspec.field(default=None, name="was")
    actor: Actor | None = None
    changed_at: datetime | None = None
    ancestors: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    history: DriftHistory | None = None
    claim: ControllerClaim | None = None


class GracePeriod(msgspec.Struct, frozen=True):
    """A drift within its grace period.

    Args:
        since: time of the first observation of the drift.
        due: end of the grace period.
        wait: length of the grace period in seconds; 0 if it was not recorded.
    """

    since: datetime
    due: datetime
    wait: float = 0.0


class ResourceState(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The record of a resource and content.

    Args:
        key: the resource and content.
        asset_type: Cloud Asset Inventory's type.
        observed_at: time of the latest observation that was judged.
        deleted: what that observation said.
        fingerprint: what it was judged to be; empty where in sync.
        judged_by: digest of the declarations and rules that judged it.
        sequence: number of the last event.
        finding: its finding, if it ever drifted.
        pending: events that are stored and not yet known to be published, oldest first.
        settling: the drift that it shows and that is not a finding yet.
        suppressed: what rules keep quiet about, as of the last observation.
        exemption: the exemption or acceptance, in force or expired.
        remediation: how far putting it back has come.
        onset: when the drift that it shows became what it is; None where it shows none.
        unknown: declared fields that matter to security and that the last observation left uncompared.
        identity: what distinguishes it from another resource of the same name, as far as observed.
        home: the number of the project in which it was declared; it stays while another one is observed.
        schema: the form of the record.
        window_start: start of the window of that observation, where its message has one.
        api_reading: how the resource was last read through its own API, where the policy says so.
        last_good: the last known good undeclared values.
    """

    key: ResourceKey
    asset_type: str
    observed_at: datetime
    deleted: bool = False
    fingerprint: str = ""
    judged_by: str = ""
    sequence: int = 0
    finding: Finding | None = None
    pending: tuple[CloudEvent, ...] = ()
    settling: GracePeriod | None = None
    suppressed: tuple[Suppressed, ...] = ()
    exemption: Exemption | None = None
    remediation: RemediationState | None = msgspec.field(default=None, name="remedy")
    onset: DriftOnset | None = msgspec.field(default=None, name="appeared")
    unknown: tuple[Explanation, ...] = ()
    schema: int = 1
    api_reading: ApiReading | None = None
    window_start: datetime | None = None
    identity: dict[str, str] = {}
    home: str = ""
    last_good: LastKnownGood | None = None

    @property
    def due(self) -> datetime | None:
        """When the record is due for evaluation without a new observation; None for never."""
        times = (
            self.settling.due if self.settling is not None else None,
            self.exemption.until if self.exemption is not None and self.is_exempt_or_accepted else None,
        )
        return min((time for time in times if time is not None), default=None)

    @property
    def remediation_due(self) -> datetime | None:
        """When the next step of the remediation is due; None for never, and if remediation is off."""
        return self.remediation.due if self.remediation is not None else None

    @property
    def reading_due(self) -> datetime | None:
        """When the resource is due for a read through its own API; None for never."""
        return self.api_reading.due if self.api_reading is not None else None

    @property
    def is_exempt_or_accepted(self) -> bool:
        """Whether the drift is exempt or accepted."""
        return self.finding is not None and self.finding.status in ("exempted", "accepted")

    @property
    def is_open(self) -> bool:
        """Whether there is an open finding."""
        return self.finding is not None and self.finding.status == "open"


def drifted(key: ResourceKey, state: ResourceState | None) -> ResourceState:
    """The state of a resource that drifts.

    Raises:
        BadRequest: it has no drift, or none any more.
    """
    if state is None or state.finding is None or state.finding.status == "resolved":
        raise BadRequest(f"{key.name}: it has no drift")
    return state


def without_digests(state: ResourceState) -> ResourceState:
    """A record as it is shown: without digests of whole declarations and observations, which hold secrets.

    Args:
        state: the record.
    """
    remediation = state.remediation
    if remediation is not None:
        remediation = replace(remediation, desired="")
    return replace(state, judged_by="", last_good=None, remediation=remediation)


encode_state = msgspec.json.Encoder().encode


_decode = msgspec.json.Decoder(ResourceState).decode


def decode_state(stored: bytes | str, record: str = "") -> ResourceState:
    """Decode a record.

    Args:
        stored: the stored form.
        record: the id of the record, for the error.

    Raises:
        NewerRecord: a newer version wrote it; update this installation.
        CorruptState: the record cannot be read.
    """
    try:
        state = _decode(stored)
    except UNREADABLE as error:
        raise _unreadable(stored, record, reason_of(error)) from None
    if state.schema > SCHEMA:
        raise _newer(state.key.name, record, state.schema)
    return state


def decode_key(stored: bytes | str, record: str = "") -> ResourceKey:
    """Decode only the key of a record, for any other content; see ``decode_state``."""
    try:
        return _decode_key(stored).key
    except UNREADABLE as error:
        raise _unreadable(stored, record, reason_of(error)) from None


class _Keyed(msgspec.Struct):
    key: ResourceKey
    schema: int = 1


_decode_key = msgspec.json.Decoder(_Keyed).decode


def _unreadable(stored: bytes | str, record: str, reason: str) -> CorruptState:
    """The error about a record that cannot be read; it names the resource if possible."""
    place = f"findings/{record}" if record else ""
    shown = f"record {record}" if record else "a record"
    try:
        keyed = _decode_key(stored)
    except UNREADABLE:
        return CorruptState(f"the stored finding of {shown} cannot be read ({reason}); run `setpoint repair`", place)
    if keyed.schema > SCHEMA:
        return _newer(keyed.key.name, record, keyed.schema)
    name = f"{keyed.key.name} ({shown})" if record else keyed.key.name
    return CorruptState(
        f"the stored finding of {name} cannot be read ({reason}); run `setpoint repair`", place, keyed.key.name
    )


def _newer(name: str, record: str, schema: int) -> NewerRecord:
    return NewerRecord(
        f"the stored finding of {name} (record {record or 'unknown'}) was written by a newer version (schema {schema}, "
        f"this version reads up to {SCHEMA}); it is left as it is; upgrade to that version again",
        f"findings/{record}" if record else "",
        name,
    )
