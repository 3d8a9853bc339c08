"""Which resources an entry of an audit log is about: from the many shapes of its names to full resource names.

The rule: an entry names its service, and a resource by a path; the service's host and that path are the full resource
name. A method that makes a resource often names what it is to be made in; its own id is then in the request or in the
answer, and its collection is the one of the API's paths that fits the method's name. A path that goes on below a
resource means that resource. The tables hold what the rule does not reach, each entry with its reason.

Sources: https://cloud.google.com/logging/docs/audit/understanding-audit-logs,
https://cloud.google.com/asset-inventory/docs/asset-names
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from setpoint.attribution import audit_name_exceptions
from setpoint.attribution.audit_name_exceptions import HOST
from setpoint.catalog import asset_types
from setpoint.catalog.methods import default_methods


class AuditEntryTarget(NamedTuple):
    """What an entry tells of its resource.

    Args:
        service: the service's host, ``compute.googleapis.com``.
        method: the method's name.
        name: the resource's name, as the entry spells it.
        labels: of the monitored resource.
        request: the request's body, as far as it was logged.
        response: the answer's body, likewise.
    """

    service: str
    method: str
    name: str
    labels: Mapping[str, str] = {}
    request: Mapping[str, Any] = {}
    response: Mapping[str, Any] = {}

    @property
    def verb(self) -> str:
        """What the method does, in lower case: ``create``, ``set``, ``patch``."""
        return _words(self.last)[0].lower()

    @property
    def last(self) -> str:
        """The method's own name, without those of what holds it."""
        return re.split(r"[./]", self.method)[-1]


_MAKES = frozenset(("create", "insert", "add", "import", "clone", "undelete", "upload", "recreate"))
_ENDS = frozenset(("create", "insert", "delete", "undelete", "purge", "drop", "destroy"))

_PARTS: Mapping[str, frozenset[str]] = {
    # Databases, users and certificates of an instance are no assets, and no resources of their own in the inventory.
    "sqladmin": frozenset(("databases", "users", "sslCerts", "connectSettings")),
    # What lies in a bucket is data; who may read it is told with the bucket.
    "storage": frozenset(("objects", "o", "acl", "defaultObjectAcl", "folders", "managedFolders")),
    # A table's access policies are set on the table.
    "bigquery": frozenset(("rowAccessPolicies", "data", "insertAll")),
    # Rows and sessions are data.
    "spanner": frozenset(("sessions",)),
    # What was changed in a zone is told by the zone and its record sets.
    "dns": frozenset(("changes", "dnsKeys")),
}
"""API → collections that are parts of what holds them."""


class Named(NamedTuple):
    """A resource that an entry is about.

    Args:
        path: its path below the service's host.
        begins_or_ends: whether it is made or goes, so that all that is set on it comes and goes with it.
    """

    path: str
    begins_or_ends: bool


def named(told: AuditEntryTarget) -> tuple[Named, ...]:
    """The resources that an entry is about; none where it does not tell."""
    path = audit_name_exceptions.spelled(told.service, told.name, told.labels)
    held = audit_name_exceptions.several(told.service, told.method, path, told.request)
    if held:
        return tuple(Named(one, begins_or_ends=False) for one in held)
    path = _path(told, path)
    return (Named(path, told.verb in _ENDS and _is_of(told, path)),) if path else ()


def full_name(service: str, path: str) -> str:
    """The full resource name of a path of a service."""
    return f"//{HOST.get(service, service)}/{path}"


def _path(told: AuditEntryTarget, path: str) -> str:
    """The path of the one resource that an entry is about; empty where it does not tell."""
    if told.verb in _MAKES:
        path = _made(told, path)
    known = _known(told.service)
    parts = path.split("/")
    if not all(parts) or "operations" in parts or parts[-1] in _TOPS | _PLACES:
        return ""
    api = _api(told.service)
    inner = _PARTS.get(api, frozenset())
    cut = next((at for at, part in enumerate(parts) if at and part in inner and _is_collection(parts, at)), len(parts))
    path = "/".join(parts[:cut])
    if not known or api in audit_name_exceptions.UNLISTED:
        return path
    return _resource_of(path, known) or (path if _is_deep(path) else "")


def _is_collection(parts: list[str], at: int) -> bool:
    """Whether a segment is a collection and not somebody's name; ids and collections take turns."""
    return at % 2 == (0 if parts[0] in _TOPS else 1)


_TOPS = frozenset(("projects", "folders", "organizations", "billingAccounts", "accessPolicies", "apps", "locations"))
_PLACES = frozenset(("locations", "regions", "zones"))


def _is_deep(path: str) -> bool:
    """Whether a path that no document knows is one of a resource, and not of a project or place."""
    parts = path.split("/")
    return len(parts) % 2 == 0 and len(parts) > 2 and parts[-2] not in _PLACES  # noqa: PLR2004


def _resource_of(path: str, known: frozenset[str]) -> str:
    """The longest beginning of a path that is a resource's; a project or a place is one only where it is all of it."""
    parts = path.split("/")
    beginnings = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next(
        (
            beginning
            for beginning in beginnings
            if _is_known(beginning, known) and (beginning == path or not _is_holder(beginning))
        ),
        "",
    )


def _is_known(path: str, known: frozenset[str]) -> bool:
    return any(_regex(pattern).fullmatch(path) for pattern in known)


def _made(told: AuditEntryTarget, path: str) -> str:
    """The path of what a method makes; empty where the entry does not tell."""
    if path and _is_of(told, path):
        return path
    collection = _collection(told, path)
    for answered in (told.response.get(name) for name in ("targetLink", "selfLink", "name")):
        found = audit_name_exceptions.spelled(told.service, str(answered or ""), told.labels)
        if "/" in found and "operations" not in found.split("/") and _fits(found, collection):
            return found
    own = _own_id(told, collection)
    if "/" in own:
        return audit_name_exceptions.spelled(told.service, own, told.labels)
    if own and collection and path:
        return f"{path}/{collection}/{own}"
    return path if _is_known(path, _known(told.service)) and not _is_holder(path) else ""


def _is_of(told: AuditEntryTarget, path: str) -> bool:
    """Whether a path is of the kind that a method is named after, and not of what holds it."""
    *_, collection, own = ("", *path.split("/"))
    if not collection:  # a bucket, whose name is all of its path
        return bool(own) and not _noun(told)
    if (collection in _TOPS or collection in _PLACES) and not _noun(told):
        return False
    named_after = _noun(told) or _singular(_held_in(told.method))
    return named_after.lower().endswith(_singular(collection).lower())


def _held_in(method: str) -> str:
    """The collection that a method's name tells: ``dns.managedZones.create``."""
    parts = method.split(".")
    return parts[-2] if len(parts) > 1 else ""


def _is_holder(path: str) -> bool:
    """Whether a path is only where something is made: a project, a location."""
    parts = path.split("/")
    return (parts[0] in _TOPS and len(parts) <= 2) or parts[-2:-1] in ([place] for place in _PLACES)  # noqa: PLR2004


def _fits(path: str, collection: str) -> bool:
    parts = path.split("/")
    return not collection or parts[-2:-1] == [collection]


def _own_id(told: AuditEntryTarget, collection: str) -> str:
    """The id of what is made, as the request tells it: beside the resource or in it; or its whole name."""
    request = told.request
    asked: list[tuple[Any, str]] = []
    for word in filter(None, dict.fromkeys((_noun(told), _singular(collection)))):
        asked += ((request, field) for field in (f"{word}Id", f"{word}_id", f"{word}Name"))
        asked += ((request.get(word), field) for field in ("name", "id", f"{word}Id"))
    asked += ((holder, field) for holder in (request, request.get("resource")) for field in ("name", "id"))
    values = (holder.get(field) for holder, field in asked if isinstance(holder, dict))
    return next((value for value in values if isinstance(value, str) and value), "")


def _noun(told: AuditEntryTarget) -> str:
    """What a method is about, as fields are called by it: ``CreateCryptoKey`` → ``cryptoKey``."""
    words = _words(told.last)
    noun = "".join(words[1:])
    return noun[:1].lower() + noun[1:]


def _collection(told: AuditEntryTarget, path: str) -> str:
    """The collection of what a method makes: of those below a path the one that fits its name best, or the plural."""
    noun = _noun(told)
    if not noun:
        return _held_in(told.method)
    below = _collections_below(told.service, path)
    found = [one for one in below if noun.lower().endswith(_singular(one).lower())]
    return max(found, key=len, default=_plural(noun) if not below else "")


@cache
def _collections_below(service: str, path: str) -> tuple[str, ...]:
    depth = len(path.split("/"))
    found = set()
    for pattern in _known(service):
        parts = pattern.split("/")
        if len(parts) == depth + 2 and _regex("/".join(parts[:depth])).fullmatch(path):
            found.add(parts[depth])
    return tuple(sorted(found))


@cache
def _known(service: str) -> frozenset[str]:
    """The paths of the resources of a service, as audit logs and the inventory spell them."""
    patterns = default_methods().patterns(_api(service))
    return frozenset(
        audit_name_exceptions.as_named(service, pattern) for pattern in patterns if "operations" not in pattern
    )


def _api(service: str) -> str:
    label = service.removesuffix(".googleapis.com")
    return asset_types.SERVICES.get(label, label)


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "[^/]+"))


def _words(camel: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", camel) or [""]


def _singular(collection: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("s", "")):
        if collection.endswith(ending):
            return collection.removesuffix(ending) + instead
    return collection


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch")) else f"{noun}s"
