"""Resolve the resources of an audit log entry to full resource names.

The rule: an entry names its service and a resource path; host and path form the full resource name. A create method
often names the parent; the id is then in the request or the response, and the collection is the one of the API's paths
that matches the method's name. A path below a resource means that resource. Tables hold the exceptions, each with its
reason.

Sources: https://cloud.google.com/logging/docs/audit/understanding-audit-logs,
https://cloud.google.com/asset-inventory/docs/asset-names
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from setpoint.attribution import audit_name_exceptions
from setpoint.catalog import asset_types, name_patterns
from setpoint.catalog.inventory_names import HOSTS
from setpoint.catalog.methods import default_methods
from setpoint.catalog.words import plural, singular
from setpoint.model.naming import snake


class AuditEntryTarget(NamedTuple):
    """The parts of an entry that identify its resource.

    Args:
        service: the service's host, ``compute.googleapis.com``.
        method: the method's name.
        name: the resource name in the entry.
        labels: labels of the monitored resource.
        request: the logged request body.
        response: the logged response body.
        service_data: the payload of a service's older log format.
    """

    service: str
    method: str
    name: str
    labels: Mapping[str, str] = {}
    request: Mapping[str, Any] = {}
    response: Mapping[str, Any] = {}
    service_data: Mapping[str, Any] = {}

    @property
    def verb(self) -> str:
        """The verb of the method in lower case: ``create``, ``set``, ``patch``."""
        return _words(self.last)[0].lower()

    @property
    def last(self) -> str:
        """The last part of the method name."""
        return re.split(r"[./]", self.method)[-1]


_CREATE_VERBS = frozenset(("create", "insert", "add", "import", "clone", "undelete", "upload", "recreate"))
_LIFECYCLE_VERBS = frozenset(("create", "insert", "delete", "undelete", "purge", "drop", "destroy"))

_PARTS: Mapping[str, frozenset[str]] = {
    # Databases, users and certificates of an instance are not in the inventory.
    "sqladmin": frozenset(("databases", "users", "sslCerts", "connectSettings")),
    # Objects are data; access to them is reported with the bucket.
    "storage": frozenset(("objects", "o", "acl", "defaultObjectAcl", "folders", "managedFolders")),
    # Row access policies belong to the table.
    "bigquery": frozenset(("rowAccessPolicies", "data", "insertAll")),
    # Rows and sessions are data.
    "spanner": frozenset(("sessions",)),
    # Changes are reported as the zone and its record sets.
    "dns": frozenset(("changes", "dnsKeys")),
}
"""API → collections that are parts of their parent resource."""


class AffectedResource(NamedTuple):
    """A resource of an entry.

    Args:
        path: its path below the service's host.
        begins_or_ends: whether it is created or deleted, and its policies with it.
    """

    path: str
    begins_or_ends: bool


def named(target: AuditEntryTarget) -> tuple[AffectedResource, ...]:
    """The resources of an entry; none where it does not identify any."""
    path = audit_name_exceptions.resource_path(target.service, target.name, target.labels)
    held = audit_name_exceptions.batch_paths(target.service, target.method, path, target.request)
    held = held or audit_name_exceptions.bigquery_paths(target.service, path, target.service_data)
    if held:
        return tuple(AffectedResource(held_path, begins_or_ends=False) for held_path in held)
    path = _path(target, path)
    return (AffectedResource(path, target.verb in _LIFECYCLE_VERBS and _is_of(target, path)),) if path else ()


def full_name(service: str, path: str) -> str:
    """The full resource name of a service's path."""
    return f"//{HOSTS.get(service, service)}/{path}"


def _path(target: AuditEntryTarget, path: str) -> str:
    """The path of an entry's single resource; empty where it cannot be determined."""
    if target.verb in _CREATE_VERBS:
        path = _created_path(target, path)
    elif _names_collection(target.service, path):
        path = _created_path(target, path) or path
    known = _known(target.service)
    parts = path.split("/")
    if not all(parts) or "operations" in parts or parts[-1] in _ROOT_COLLECTIONS | _LOCATION_COLLECTIONS:
        return ""
    api = _api(target.service)
    inner = _PARTS.get(api, frozenset())
    cut = next(
        (index for index, part in enumerate(parts) if index and part in inner and _is_collection(parts, index)),
        len(parts),
    )
    path = "/".join(parts[:cut])
    if not known or api in audit_name_exceptions.APIS_WITHOUT_RESOURCE_PATHS:
        return path
    return _resource_of(path, known) or (path if _is_deep(path) else "")


def _names_collection(service: str, path: str) -> bool:
    """Whether a path ends with a collection of the service: ``projects/p/metrics``."""
    head, _, last = path.rpartition("/")
    return bool(head) and last in _collections_below(service, head)


def _is_collection(parts: list[str], index: int) -> bool:
    """Whether a segment is a collection; collections and ids alternate."""
    return index % 2 == (0 if parts[0] in _ROOT_COLLECTIONS else 1)


_ROOT_COLLECTIONS = frozenset(
    ("projects", "folders", "organizations", "billingAccounts", "accessPolicies", "apps", "locations")
)
_LOCATION_COLLECTIONS = frozenset(("locations", "regions", "zones"))


def _is_deep(path: str) -> bool:
    """Whether an unknown path is that of a resource, and not of a project or location."""
    parts = path.split("/")
    return len(parts) % 2 == 0 and len(parts) > 2 and parts[-2] not in _LOCATION_COLLECTIONS  # noqa: PLR2004


def _resource_of(path: str, known: frozenset[str]) -> str:
    """The longest prefix of a path that is a resource; a project or location only where it is the whole path."""
    parts = path.split("/")
    beginnings = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next(
        (
            beginning
            for beginning in beginnings
            if _is_known(beginning, known) and (beginning == path or not _is_parent(beginning))
        ),
        "",
    )


def _is_known(path: str, known: frozenset[str]) -> bool:
    return any(name_patterns.compiled(pattern).fullmatch(path) for pattern in known)


def _created_path(target: AuditEntryTarget, path: str) -> str:
    """The path of a created resource; empty where the entry does not hold it."""
    collection = ""
    if _names_collection(target.service, path):
        path, _, collection = path.rpartition("/")
    elif path and _is_of(target, path):
        return path
    collection = collection or _collection(target, path)
    for answered in _answered_names(target.response):
        answered_path = audit_name_exceptions.resource_path(target.service, str(answered or ""), target.labels)
        if "/" in answered_path and "operations" not in answered_path.split("/") and _fits(answered_path, collection):
            return answered_path
    own = _requested_id(target, collection)
    if own.split("/")[0] in _ROOT_COLLECTIONS or own.startswith(("//", "https://")):
        return audit_name_exceptions.resource_path(target.service, own, target.labels)
    if own and collection and path:
        return f"{path}/{collection}/{own}"
    return path if _is_known(path, _known(target.service)) and not _is_parent(path) else ""


def _answered_names(response: Mapping[str, Any]) -> Iterator[str]:
    """The names in a response: of the resource, or of the target of a long-running operation."""
    for name in ("targetLink", "selfLink", "name"):
        yield str(response.get(name) or "")
    for part, name in (("response", "name"), ("metadata", "target"), ("metadata", "entity")):
        inner = response.get(part)
        yield str(inner.get(name) or "") if isinstance(inner, dict) else ""


def _is_of(target: AuditEntryTarget, path: str) -> bool:
    """Whether a path is of the kind in the method name, and not its parent."""
    *_, collection, own = ("", *path.split("/"))
    if not collection:  # a bucket, whose name is all of its path
        return bool(own) and not _noun(target)
    if (collection in _ROOT_COLLECTIONS or collection in _LOCATION_COLLECTIONS) and not _noun(target):
        return False
    named_after = _noun(target) or singular(_parent_collection(target.method))
    return named_after.lower().endswith(singular(collection).lower())


def _parent_collection(method: str) -> str:
    """The collection in a method name: ``dns.managedZones.create``."""
    parts = method.split(".")
    return parts[-2] if len(parts) > 1 else ""


def _is_parent(path: str) -> bool:
    """Whether a path is only a parent: a project or a location."""
    parts = path.split("/")
    if parts[0] in _ROOT_COLLECTIONS and len(parts) <= 2:  # noqa: PLR2004
        return True
    return len(parts) > 1 and parts[-2] in _LOCATION_COLLECTIONS


def _fits(path: str, collection: str) -> bool:
    parts = path.split("/")
    return not collection or parts[-2:-1] == [collection]


def _requested_id(target: AuditEntryTarget, collection: str) -> str:
    """The id of a created resource in the request, beside or inside the resource; or its whole name."""
    request = target.request
    if server_made := audit_name_exceptions.SERVER_MADE_IDS.get((_api(target.service), collection)):
        field, label = server_made
        return str(target.response.get(field) or target.labels.get(label) or "")
    asked: list[tuple[Any, str]] = []
    for word in filter(None, dict.fromkeys((_noun(target), singular(collection)))):
        asked += ((request, field) for field in (f"{word}Id", f"{word}_id", f"{word}Name"))
        asked += ((request.get(word), field) for field in ("name", "id", f"{word}Id"))
    asked += ((holder, field) for holder in (request, request.get("resource")) for field in ("name", "id"))
    asked += ((target.labels, field) for word in _label_words(collection) for field in (f"{word}_id", f"{word}_name"))
    values = (holder.get(field) for holder, field in asked if isinstance(holder, dict))
    return next((value for value in values if isinstance(value, str) and value), "")


def _label_words(collection: str) -> tuple[str, ...]:
    """The names of a collection's members in the labels of a monitored resource: ``crypto_key``."""
    member = singular(collection)
    return (snake(member).lower(), member.lower()) if member else ()


def _noun(target: AuditEntryTarget) -> str:
    """The noun of a method in the form of field names: ``CreateCryptoKey`` → ``cryptoKey``."""
    words = _words(target.last)
    noun = "".join(words[1:])
    return noun[:1].lower() + noun[1:]


def _collection(target: AuditEntryTarget, path: str) -> str:
    """The collection of a created resource: the best match below a path, or the plural of the noun."""
    noun = _noun(target)
    if not noun:
        return _parent_collection(target.method)
    below = _collections_below(target.service, path)
    candidates = [name for name in below if noun.lower().endswith(singular(name).lower())]
    return max(candidates, key=len, default=plural(noun) if not below else "")


@cache
def _collections_below(service: str, path: str) -> tuple[str, ...]:
    depth = len(path.split("/"))
    collections = set()
    for pattern in _known(service):
        parts = pattern.split("/")
        if len(parts) == depth + 2 and name_patterns.compiled("/".join(parts[:depth])).fullmatch(path):
            collections.add(parts[depth])
    return tuple(sorted(collections))


@cache
def _known(service: str) -> frozenset[str]:
    """The resource path patterns of a service, in the form of resource names."""
    patterns = default_methods().patterns(_api(service))
    return frozenset(
        audit_name_exceptions.name_pattern(service, pattern) for pattern in patterns if "operations" not in pattern
    )


def _api(service: str) -> str:
    label = service.removesuffix(".googleapis.com")
    return asset_types.SERVICES.get(label, label)


def _words(camel: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", camel) or [""]
