"""Reading Cloud Audit Logs: an entry becomes the changes that it tells of.

Taken are the logs of what changes resources, Admin Activity and System Event. What only reads, rehearses or fails
changes nothing.

Sources: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry,
https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from setpoint.attribution import audit_name_exceptions, audit_resource_names
from setpoint.attribution.audit_resource_names import AuditEntryTarget, Named
from setpoint.attribution.user_agents import caller_of
from setpoint.errors import MalformedMessage
from setpoint.model.actors import AuditedChange
from setpoint.model.resource_key import Content, ResourceKey, is_full_name

Instant = Annotated[datetime, msgspec.Meta(tz=True)]

_LOGS = re.compile(r"/logs/cloudaudit\.googleapis\.com(?:%2F|/)(?:activity|system_event)\Z", re.IGNORECASE)
_AUDIT_LOG = "type.googleapis.com/google.cloud.audit.AuditLog"

_READS = frozenset(
    (
        *("get", "list", "search", "query", "test", "fetch", "lookup", "check", "analyze", "validate", "aggregated"),
        *("read", "watch", "count", "preview", "troubleshoot", "simulate", "report", "export", "generate", "sign"),
        *("login", "authorize", "download", "wait", "describe", "explain", "diagnose"),
    )
)
"""Verbs of methods that change nothing; a few services log them beside what does."""

_NOT_OURS = frozenset(
    (
        "k8s.io",  # what is in a cluster is no resource of Google's; there is very much of it
        "login.googleapis.com",  # people signing in
        "admin.googleapis.com",  # Workspace
        "cloudidentity.googleapis.com",  # groups, which no feed tells of
        "iamcredentials.googleapis.com",  # tokens
        "sts.googleapis.com",  # tokens
        "oslogin.googleapis.com",  # keys of people
    )
)
"""Services whose entries are about nothing that the inventory sends."""

_SETS_POLICY = re.compile(r"set_?iam_?(?:policy|permissions)\Z", re.IGNORECASE)
_SETS_ORG_POLICY = re.compile(r"(?:set|clear)_?org_?policy(?:v\d)?\Z", re.IGNORECASE)
_ORG_POLICY = re.compile(r"((?:projects|folders|organizations)/[^/]+)/policies/[^/]+\Z")
_ACCESS = re.compile(r"accessPolicies/[^/]+(?:/(?:accessLevels|servicePerimeters)/[^/]+)?\Z")
_DATASET = re.compile(r"projects/[^/]+/datasets/[^/]+\Z")
_ORG_POLICY_HOST = "orgpolicy.googleapis.com"
_HIERARCHY_HOST = "cloudresourcemanager.googleapis.com"

_PASSED = frozenset(("private", "gce-internal-ip"))
"""What audit logs say in place of an address that they keep to themselves."""
_MEMBER = re.compile(r"\A(?:user|serviceAccount):")


class Logged(NamedTuple):
    """A change, and of what.

    Args:
        key: the resource and content, by the name that the entry tells.
        change: the change.
        also: the same by other names that the entry tells.
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


class _FirstParty(msgspec.Struct, rename="camel"):
    principal_email: str = ""


class _Delegation(msgspec.Struct, rename="camel"):
    first_party_principal: _FirstParty | None = None
    principal_subject: str = ""

    @property
    def told(self) -> str:
        email = self.first_party_principal.principal_email if self.first_party_principal else ""
        return email or self.principal_subject


class _Authentication(msgspec.Struct, frozen=True, rename="camel"):
    principal_email: str = ""
    principal_subject: str = ""
    service_account_delegation_info: tuple[_Delegation, ...] = ()


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
    authentication_info: _Authentication | None = None
    authorization_info: tuple[_Authorization, ...] = ()
    request_metadata: _RequestMetadata | None = None
    request: Any = None
    response: Any = None


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


def parse(entry: bytes, *, mask_ip: bool) -> tuple[Logged, ...]:
    """Read one entry, as a sink of Cloud Logging publishes it.

    Args:
        entry: a LogEntry as JSON in UTF-8.
        mask_ip: whether the address that a request came from is kept without its end.

    Returns:
        The changes that it tells of, each with its resource; none where it tells of none that anybody could tell.

    Raises:
        MalformedMessage: says what is wrong and where, and never quotes the entry.
    """
    read = _read(_decode_entry, entry)
    if not _LOGS.search(read.log_name) or not bytes(read.proto_payload):
        return ()
    payload = _read(_decode_payload, read.proto_payload)
    if payload.type not in ("", _AUDIT_LOG) or not _is_change(payload):
        return ()
    change = _change(read, payload, mask_ip=mask_ip)
    told = AuditEntryTarget(
        payload.service_name,
        payload.method_name,
        payload.resource_name or next((one.resource for one in payload.authorization_info if one.resource), ""),
        read.resource.labels,
        _mapping(payload.request),
        _mapping(payload.response),
    )
    return tuple(Logged(key, change, also) for key, also in _keys(told))


def _read(decode: Any, raw: Any) -> Any:
    try:
        return decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        told = (
            "JSON is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error) or "JSON is nested too deeply"
        )
        raise MalformedMessage(f"not an entry of an audit log: {told}") from None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_change(payload: _AuditLog) -> bool:
    if payload.service_name in _NOT_OURS or not payload.service_name or not payload.method_name:
        return False
    if payload.status is not None and payload.status.code:
        return False
    if AuditEntryTarget("", payload.method_name, "").verb in _READS:
        return False
    kinds = {one.permission_type for one in payload.authorization_info}
    if kinds and kinds <= {"ADMIN_READ", "DATA_READ"}:
        return False
    request = _mapping(payload.request)
    return not any(request.get(field) is True for field in ("validateOnly", "validate_only", "dryRun"))


def _change(entry: _Entry, payload: _AuditLog, *, mask_ip: bool) -> AuditedChange:
    logged = entry.timestamp or entry.receive_timestamp
    request = payload.request_metadata or _RequestMetadata()
    operation = entry.operation or _Operation()
    is_end = operation.last and not operation.first
    asked = None if is_end else request.request_attributes.time
    at = asked or logged
    if at is None or logged is None:
        raise MalformedMessage("not an entry of an audit log: field `timestamp` is missing")
    principal, through = _principals(payload.authentication_info or _Authentication())
    return AuditedChange(
        principal=principal,
        method=payload.method_name,
        at=_utc(at),
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
        raise MalformedMessage("not an entry of an audit log: field `timestamp` is no time of this calendar") from None


def _principals(told: _Authentication) -> tuple[str, tuple[str, ...]]:
    """Who asked, and the accounts between; delegations are told in the order in which they were made."""
    last = told.principal_email or told.principal_subject
    chain = [_bare(one.told) for one in told.service_account_delegation_info]
    chain = [one for one in (*chain, _bare(last)) if one]
    return (chain[0], tuple(chain[1:])) if chain else ("", ())


def _bare(principal: str) -> str:
    return _MEMBER.sub("", principal, count=1)


def _address(told: str, *, mask: bool) -> str:
    """An address; masked it is that of its network, /24 or /48."""
    if told in _PASSED or not told:
        return told
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return ""
    if not mask:
        return str(address)
    prefix = 24 if address.version == 4 else 48  # noqa: PLR2004 - versions of IP
    return str(ipaddress.ip_network((int(address), prefix), strict=False).network_address)


def _keys(told: AuditEntryTarget) -> Iterator[tuple[ResourceKey, tuple[ResourceKey, ...]]]:
    """Every resource and content that an entry changes, with its other spellings."""
    for named in audit_resource_names.named(told):
        others = audit_name_exceptions.others(told.service, named.path, told.labels, told.response)
        spellings = (named.path, *others)
        for host, content, shaped in _contents(told, named):
            names = (audit_resource_names.full_name(host, shaped(spelling)) for spelling in spellings)
            key, *also = dict.fromkeys(ResourceKey(name, content) for name in names)
            if is_full_name(key.name):
                yield key, tuple(also)


def _contents(told: AuditEntryTarget, named: Named) -> Iterator[tuple[str, Content, Any]]:
    """What of a resource an entry changes: the host that names it, the content, and what makes its name of a path."""
    path, last = named.path, told.last
    if _SETS_ORG_POLICY.search(last):
        yield _HIERARCHY_HOST, "org_policy", _as_it_is
        return
    if told.service == _ORG_POLICY_HOST and _ORG_POLICY.fullmatch(path):
        # The inventory tells of it twice: as what is set on a project, and as a resource.
        yield _HIERARCHY_HOST, "org_policy", _holder
        yield told.service, "resource", _as_it_is
        return
    whole: Content = "resource"
    if told.service == "accesscontextmanager.googleapis.com" and _ACCESS.fullmatch(path):
        whole = "access_policy"
    if _SETS_POLICY.search(last) and not _is_dataset(told, path):
        yield told.service, "iam_policy", _as_it_is
        return
    yield told.service, whole, _as_it_is
    if named.begins_or_ends or _is_dataset(told, path):
        yield told.service, "iam_policy", _as_it_is


def _is_dataset(told: AuditEntryTarget, path: str) -> bool:
    """Who may read a dataset is a field of it, and its policy as well."""
    return told.service == "bigquery.googleapis.com" and _DATASET.fullmatch(path) is not None


def _as_it_is(path: str) -> str:
    return path


def _holder(path: str) -> str:
    found = _ORG_POLICY.fullmatch(path)
    return found[1] if found else path
