"""How services spell the names of their resources in audit logs, where that is not the path of the resource.

Source: https://cloud.google.com/logging/docs/audit/understanding-audit-logs, and each service's own page on its audit
logs, as https://cloud.google.com/storage/docs/audit-logging
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

HOST: Mapping[str, str] = {
    "bigtableadmin.googleapis.com": "bigtable.googleapis.com",  # names keep the product's host
    "sqladmin.googleapis.com": "cloudsql.googleapis.com",  # as above
    "datastore.googleapis.com": "firestore.googleapis.com",  # databases are managed by Firestore's API by now
    "identity.accesscontextmanager.googleapis.com": "accesscontextmanager.googleapis.com",  # the older host
    "clouddms.googleapis.com": "datamigration.googleapis.com",  # as above
}
"""The service in audit logs → the host in resource names, where they differ."""

UNLISTED = frozenset(
    (
        "cloudresourcemanager",  # projects, folders and organisations are resources themselves here
        "serviceusage",  # services are read in a way that the documents do not describe as a resource's
        "apigee",  # names begin with organisations that are none of Resource Manager's
        "appengine",  # as above, with apps
    )
)
"""APIs whose documents do not tell which paths are resources."""

_URL = re.compile(
    r"\A(?:https?:)?//[^/]+/(?:(?:compute|storage|sql|dns|bigquery|container)/)?(?:v\d\w*/|beta/|alpha/)?"
)


class _Spelling(NamedTuple):
    service: str
    pattern: re.Pattern[str]
    path: str
    """What stands for it; ``{label}`` is a label of the monitored resource."""


def _spelling(service: str, pattern: str, path: str) -> _Spelling:
    return _Spelling(f"{service}.googleapis.com", re.compile(pattern), path)


_SPELLINGS = (
    # A bucket's name in the inventory is its own alone.
    _spelling("storage", r"(?:projects/[^/]+/)?(?:buckets|b)/([^/]+)", r"\1"),
    # The first API of Cloud Run names projects as the namespaces of Kubernetes, and has the region in its host.
    _spelling("run", r"namespaces/([^/]+)/", r"projects/\1/locations/{location}/"),
    # Cloud SQL leaves the project out, or puts it before the instance's id.
    _spelling("cloudsql", r"instances/(?:[^/]+:)?([^/:]+)", r"projects/{project_id}/instances/\1"),
    _spelling("cloudsql", r"projects/([^/]+)/instances/[^/]+:([^/:]+)", r"projects/\1/instances/\2"),
    # Cloud DNS leaves the project out.
    _spelling("dns", r"(managedZones|policies|responsePolicies)/", r"projects/{project_id}/\1/"),
    # With `-` the project need not be known.
    _spelling("iam", r"projects/-/", r"projects/{project_id}/"),
    _spelling("iamcredentials", r"projects/-/", r"projects/{project_id}/"),
    # BigQuery's older methods leave the project out.
    _spelling("bigquery", r"datasets/", r"projects/{project_id}/datasets/"),
    # Compute Engine's older names leave the beginning out.
    _spelling("compute", r"(global|zones|regions)/", r"projects/{project_id}/\1/"),
    # A project's billing account is a resource of its own.
    _spelling("cloudbilling", r"projects/([^/]+)\Z", r"projects/\1/billingInfo"),
    # Services of a project are named with it; older methods name them alone.
    _spelling("serviceusage", r"services/([^/]+)\Z", r"projects/{project_id}/services/\1"),
    # The older service of Resource Manager says what it numbers.
    _spelling("cloudresourcemanager", r"(?:projectnumbers|projects)/([^/]+)", r"projects/\1"),
)


def spelled(service: str, name: str, labels: Mapping[str, str]) -> str:
    """The path of a resource that a service names; empty where its spelling needs what the entry does not tell.

    Args:
        service: the service's host.
        name: the name, as the entry spells it.
        labels: of the monitored resource.
    """
    path = _URL.sub("", name, count=1).strip("/")
    for spelling in _SPELLINGS:
        if spelling.service != service or not spelling.pattern.match(path):
            continue
        try:
            return spelling.pattern.sub(spelling.path.format_map(_Escaped(labels)), path, count=1)
        except KeyError:
            return ""
    return path


class _Escaped(dict[str, str]):
    """Labels that say something, as they stand in what a pattern is replaced by."""

    def __getitem__(self, key: str) -> str:
        found = self.get(key)
        if not found:
            raise KeyError(key)
        return found.replace("\\", r"\\")


def as_named(service: str, pattern: str) -> str:
    """The pattern of an API's path as names are spelled."""
    return pattern.removeprefix("b/") if service == "storage.googleapis.com" else pattern


def several(service: str, method: str, path: str, request: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths of an entry that is about several resources; none for one about a single resource.

    Args:
        service: the service's host.
        method: the method's name.
        path: the path that the entry names.
        request: the request's body.
    """
    last = method.rpartition(".")[2]
    if service == "serviceusage.googleapis.com" and last.startswith("Batch"):
        return tuple(f"{path}/services/{one}" for one in _listed(request, "serviceIds") if isinstance(one, str))
    if service == "accesscontextmanager.googleapis.com" and last.startswith("Replace"):
        held = (*_listed(request, "servicePerimeters"), *_listed(request, "accessLevels"))
        return tuple(str(one["name"]) for one in held if isinstance(one, dict) and one.get("name"))
    if service == "dns.googleapis.com" and method.endswith("changes.create"):
        return tuple(dict.fromkeys(_changed_records(path.partition("/changes")[0], request)))
    return ()


def _changed_records(zone: str, request: Mapping[str, Any]) -> Iterator[str]:
    change = request.get("change")
    held: Mapping[str, Any] = change if isinstance(change, dict) else request
    for one in (*_listed(held, "additions"), *_listed(held, "deletions")):
        if isinstance(one, dict) and zone and one.get("name") and one.get("type"):
            yield f"{zone}/rrsets/{one['name']}/{one['type']}"


def _listed(held: Mapping[str, Any], field: str) -> list[Any]:
    found = held.get(field)
    return found if isinstance(found, list) else []


_ZONE = re.compile(r"[a-z]+-[a-z]+\d+-[a-z]")


def others(service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]) -> tuple[str, ...]:
    """Other paths by which the inventory, or a declaration, may name the same resource, as far as the entry tells them.

    Args:
        service: the service's host.
        path: the path of the resource.
        labels: of the monitored resource.
        response: the answer's body.
    """
    found = [path]
    for other in (_by_address, _by_place, _by_zone_number, _by_project):
        found += [one for path in tuple(found) if (one := other(service, path, labels, response)) and one not in found]
    return tuple(found[1:])


def _by_address(service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]) -> str:
    """A service account is known by its address and by its number."""
    head, collection, own = path.rpartition("/serviceAccounts/")
    if service != "iam.googleapis.com" or not collection:
        return ""
    own, slash, rest = own.partition("/")
    address = labels.get("email_id") or response.get("email")
    number = labels.get("unique_id") or response.get("unique_id") or response.get("uniqueId")
    other = number if "@" in own else address
    return f"{head}{collection}{other}{slash}{rest}" if other and other != own else ""


def _by_place(service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]) -> str:
    """Zones are locations too, for clusters; what names no location is in the global one, for triggers."""
    del labels, response
    parts = path.split("/")
    if service == "container.googleapis.com" and len(parts) > 3 and _ZONE.fullmatch(parts[3]):  # noqa: PLR2004
        parts[2] = "zones" if parts[2] == "locations" else "locations"
        return "/".join(parts)
    if service == "cloudbuild.googleapis.com" and parts[2:3] == ["triggers"]:
        return "/".join((*parts[:2], "locations", "global", *parts[2:]))
    return ""


def _by_zone_number(service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]) -> str:
    """A managed zone is known by its name and by its number."""
    parts = path.split("/")
    if service != "dns.googleapis.com" or parts[2:3] != ["managedZones"] or len(parts) < 4:  # noqa: PLR2004
        return ""
    zone = response.get("managedZone")
    told: Mapping[str, Any] = zone if isinstance(zone, dict) else response if len(parts) == 4 else {}  # noqa: PLR2004
    name, number = labels.get("zone_name") or told.get("name"), told.get("id")
    other = name if parts[3].isdigit() else number
    return "/".join((*parts[:3], str(other), *parts[4:])) if other and str(other) != parts[3] else ""


def _by_project(service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]) -> str:
    """A project is known by its id and by its number."""
    del service, response
    parts, identifier = path.split("/"), labels.get("project_id", "")
    if parts[0] != "projects" or not identifier[:1].isalpha() or not "".join(parts[1:2]).isdigit():
        return ""
    return "/".join((parts[0], identifier, *parts[2:]))
