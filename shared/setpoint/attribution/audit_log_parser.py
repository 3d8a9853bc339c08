"""Parse Cloud Audit Logs entries into changes.

Only the Admin Activity and System Event logs are read. Reads, dry runs and failed calls are not changes.

Sources: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry,
https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from setpoint.attribution import audit_name_exceptions, audit_resource_names
from setpoint.attribution.audit_resource_names import AffectedResource, AuditEntryTarget
from setpoint.attribution.principals import Authentication, principals_of
from setpoint.attribution.user_agents import caller_of
from setpoint.catalog.principal_kinds import REDACTED
from setpoint.errors import MalformedMessage
from setpoint.model.actors import AuditedChange
from setpoint.model.decode_errors import reason_of
from setpoint.model.observation import Instant
from setpoint.model.resource_key import Content, ResourceKey, is_full_name
from setpoint.util.json_values import as_object
from setpoint.util.secret_formats import holds_known, scrub

_LOGS = re.compile(r"/logs/cloudaudit\.googleapis\.com(?:%2F|/)(?:activity|system_event)\Z", re.IGNORECASE)
_AUDIT_LOG = "type.googleapis.com/google.cloud.audit.AuditLog"

_READ_VERBS = frozenset(
    (
        *("get", "list", "search", "query", "test", "fetch", "lookup", "check", "analyze", "validate", "aggregated"),
        *("read", "watch", "count", "preview", "troubleshoot", "simulate", "report", "export", "generate", "sign"),
        *("login", "authorize", "download", "wait", "describe", "explain", "diagnose"),
    )
)
"""Verbs of read-only methods; some services log them together with writes."""

_IGNORED_SERVICES = frozenset(
    (
        "k8s.io",  # Kubernetes objects are not Google Cloud resources
        "login.googleapis.com",  # sign-ins
        "admin.googleapis.com",  # Workspace
        "cloudidentity.googleapis.com",  # groups, which no feed carries
        "iamcredentials.googleapis.com",  # tokens
        "sts.googleapis.com",  # tokens
        "oslogin.googleapis.com",  # SSH keys of users
    )
)
"""Services whose entries concern nothing that the inventory carries."""

_SETS_POLICY = re.compile(r"set_?iam_?(?:policy|permissions)\Z", re.IGNORECASE)
_SETS_ORG_POLICY = re.compile(r"(?:set|clear)_?org_?policy(?:v\d)?\Z", re.IGNORECASE)
_ORG_POLICY = re.compile(r"((?:projects|folders|organizations)/[^/]+)/policies/[^/]+\Z")
_ACCESS = re.compile(r"accessPolicies/[^/]+(?:/(?:accessLevels|servicePerimeters)/[^/]+)?\Z")
_DATASET = re.compile(r"projects/[^/]+/datasets/[^/]+\Z")
_ORG_POLICY_HOST = "orgpolicy.googleapis.com"
_HIERARCHY_HOST = "cloudresourcemanager.googleapis.com"

_WITHHELD_ADDRESSES = frozenset(("private", "gce-internal-ip"))
"""Placeholders that audit logs write for a withheld address."""


class LoggedChange(NamedTuple):
    """A change and its resource.

    Args:
        key: the resource and content, by the name in the entry.
        change: the change.
        also: the same resource by other names in the entry.
    """

    key: ResourceKey
    change: AuditedChange
    also: tuple[ResourceKey, ...] = ()


class _Resource(msgspec.Struct, frozen=True):
    type: str = ""
    labels: dict[str, str] = {}


class _Operation(msgspec.Struct, frozen=True):
    id: str = ""
    first: bool = False
    last: bool = False


class _Status(msgspec.Struct, frozen=True):
    code: int = 0


class _RequestAttributes(msgspec.Struct, frozen=True):
    time: Instant | None = None


class _RequestMetadata(msgspec.Struct, frozen=True, rename="camel"):
    caller_ip: str = ""
    caller_supplied_user_agent: str = ""
    request_attributes: _RequestAttributes = _RequestAttributes()


class _Authorization(msgspec.Struct, rename="camel"):
    resource: str = ""
    permission_type: str = ""


class _AuditLog(msgspec.Struct, rename="camel"):
    type: str = msgspec.field(default="", name="@type")
    service_name: str = ""
    method_name: str = ""
    resource_name: str = ""
    status: _Status | None = None
    authentication_info: Authentication | None = None
    authorization_info: tuple[_Authorization, ...] = ()
    request_metadata: _RequestMetadata | None = None
    request: Any = None
    response: Any = None
    metadata: Any = None
    service_data: Any = None


class _Entry(msgspec.Struct, rename="camel"):
    log_name: str
    insert_id: str = ""
    timestamp: Instant | None = None
    receive_timestamp: Instant | None = None
    resource: _Resource = _Resource()
    operation: _Operation | None = None
    proto_payload: msgspec.Raw = msgspec.Raw()


_decode_entry = msgspec.json.Decoder(_Entry).decode
_decode_payload = msgspec.json.Decoder(_AuditLog).decode


def parse(entry: bytes, *, mask_ip: bool) -> tuple[LoggedChange, ...]:
    """Parse one entry, as a Cloud Logging sink publishes it.

    Args:
        entry: a LogEntry as JSON in UTF-8.
        mask_ip: whether to truncate the caller's address to its network.

    Returns:
        The changes, each with its resource; none where the entry describes no change to a known resource.

    Raises:
        MalformedMessage: names the problem and its position, and never quotes the entry.
    """
    read = _read(_decode_entry, entry)
    if not _LOGS.search(read.log_name) or not bytes(read.proto_payload):
        return ()
    payload = _read(_decode_payload, read.proto_payload)
    if payload.type not in ("", _AUDIT_LOG) or not _is_change(payload):
        return ()
    change = _change(read, payload, mask_ip=mask_ip)
    target = AuditEntryTarget(
        payload.service_name,
        payload.method_name,
        payload.resource_name
        or next((authorization.resource for authorization in payload.authorization_info if authorization.resource), ""),
        read.resource.labels,
        as_object(payload.request),
        as_object(payload.response),
        as_object(payload.service_data),
    )
    return tuple(LoggedChange(key, change, also) for key, also in _keys(target))


def _read(decode: Any, raw: Any) -> Any:
    try:
        return decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedMessage(f"not an entry of an audit log: {reason_of(error)}") from None


def _is_change(payload: _AuditLog) -> bool:
    if payload.service_name in _IGNORED_SERVICES or not payload.service_name or not payload.method_name:
        return False
    if payload.status is not None and payload.status.code:
        return False
    if AuditEntryTarget("", payload.method_name, "").verb in _READ_VERBS:
        return False
    kinds = {authorization.permission_type for authorization in payload.authorization_info}
    if kinds and kinds <= {"ADMIN_READ", "DATA_READ"}:
        return False
    request = as_object(payload.request)
    return not any(request.get(field) is True for field in ("validateOnly", "validate_only", "dryRun"))


def _change(entry: _Entry, payload: _AuditLog, *, mask_ip: bool) -> AuditedChange:
    logged = entry.timestamp or entry.receive_timestamp
    request = payload.request_metadata or _RequestMetadata()
    operation = entry.operation or _Operation()
    is_end = operation.last and not operation.first
    asked = None if is_end else request.request_attributes.time
    changed_at = asked or logged
    if changed_at is None or logged is None:
        raise MalformedMessage("not an entry of an audit log: field `timestamp` is missing")
    principal, through = principals_of(payload.authentication_info, payload.metadata)
    if is_end and principal == REDACTED:  # the first entry of an operation names the caller
        principal = ""
    return AuditedChange(
        principal=scrub(principal) if holds_known(principal) else principal,
        method=payload.method_name,
        requested_at=_utc(changed_at),
        done_at=_utc(logged) if is_end else None,
        through=through,
        caller=caller_of(request.caller_supplied_user_agent),
        ip=_address(request.caller_ip, mask=mask_ip),
        operation=operation.id if operation.first != operation.last or is_end else "",
        log_id=entry.insert_id,
    )


def _utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise MalformedMessage("not an entry of an audit log: field `timestamp` is out of range") from None


def _address(address_text: str, *, mask: bool) -> str:
    """The address; if masked, its network's, /24 or /48."""
    if address_text in _WITHHELD_ADDRESSES or not address_text:
        return address_text
    try:
        address = ipaddress.ip_address(address_text)
    except ValueError:
        return ""
    if not mask:
        return str(address)
    prefix = 24 if address.version == 4 else 48  # noqa: PLR2004 - versions of IP
    return str(ipaddress.ip_network((int(address), prefix), strict=False).network_address)


def _keys(target: AuditEntryTarget) -> Iterator[tuple[ResourceKey, tuple[ResourceKey, ...]]]:
    """Every resource and content that an entry changes, with its alternative names."""
    for named in audit_resource_names.named(target):
        others = audit_name_exceptions.alternative_paths(target.service, named.path, target.labels, target.response)
        spellings = (named.path, *others)
        for host, content, shaped in _contents(target, named):
            names = (audit_resource_names.full_name(host, shaped(spelling)) for spelling in spellings)
            key, *also = dict.fromkeys(ResourceKey(name, content) for name in names)
            if is_full_name(key.name):
                yield key, tuple(also)


def _contents(target: AuditEntryTarget, named: AffectedResource) -> Iterator[tuple[str, Content, Any]]:
    """The changed contents of a resource: the host of the name, the content, and a function from path to name."""
    path, last = named.path, target.last
    if _SETS_ORG_POLICY.search(last):
        yield _HIERARCHY_HOST, "org_policy", _unchanged
        return
    if target.service == _ORG_POLICY_HOST and _ORG_POLICY.fullmatch(path):
        # The inventory carries it twice: as a content of the project, and as a resource.
        yield _HIERARCHY_HOST, "org_policy", _policy_parent
        yield target.service, "resource", _unchanged
        return
    whole: Content = "resource"
    if target.service == "accesscontextmanager.googleapis.com" and _ACCESS.fullmatch(path):
        whole = "access_policy"
    if _SETS_POLICY.search(last) and not _is_dataset(target, path):
        yield target.service, "iam_policy", _unchanged
        return
    yield target.service, whole, _unchanged
    if named.begins_or_ends or _is_dataset(target, path):
        yield target.service, "iam_policy", _unchanged


def _is_dataset(target: AuditEntryTarget, path: str) -> bool:
    """Whether a path is a dataset, whose access list is both a field and its IAM policy."""
    return target.service == "bigquery.googleapis.com" and _DATASET.fullmatch(path) is not None


def _unchanged(path: str) -> str:
    return path


def _policy_parent(path: str) -> str:
    match = _ORG_POLICY.fullmatch(path)
    return match[1] if match else path
