"""Exceptions in audit log resource names: services whose names differ from the path of the resource.

Source: https://cloud.google.com/logging/docs/audit/understanding-audit-logs, and each service's own page on its audit
logs, as https://cloud.google.com/storage/docs/audit-logging
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from setpoint.catalog.locations import is_zone
from setpoint.util.json_values import as_list

APIS_WITHOUT_RESOURCE_PATHS = frozenset(
    (
        "cloudresourcemanager",  # projects, folders and organisations are resources themselves here
        "serviceusage",  # services have no read method that the documents describe as a resource's
        "apigee",  # its organizations are not those of Resource Manager
        "appengine",  # as above, with apps
    )
)
"""APIs whose discovery documents do not identify resource paths."""

SERVER_MADE_IDS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("dataflow", "jobs"): ("id", "job_id"),  # the request's name is a display name
}
"""API and collection → field of the response and label of the monitored resource that hold a service-made id."""

_URL = re.compile(
    r"\A(?:https?:)?//[^/]+/(?:(?:compute|storage|sql|dns|bigquery|container)/)?(?:v\d\w*/|beta/|alpha/)?"
)


class _PathRule(NamedTuple):
    service: str
    pattern: re.Pattern[str]
    path: str
    """Replacement; ``{label}`` is a label of the monitored resource."""


def _rule(service: str, pattern: str, path: str) -> _PathRule:
    return _PathRule(f"{service}.googleapis.com", re.compile(pattern), path)


_PATH_RULES = (
    # Buckets have no parent in inventory names.
    _rule("storage", r"(?:projects/[^/]+/)?(?:buckets|b)/([^/]+)", r"\1"),
    # Cloud Run v1 uses Kubernetes namespaces for projects, and has the region in its host.
    _rule("run", r"namespaces/([^/]+)/", r"projects/\1/locations/{location}/"),
    # Cloud SQL omits the project, or prefixes the instance id with it.
    _rule("cloudsql", r"instances/(?:[^/]+:)?([^/:]+)", r"projects/{project_id}/instances/\1"),
    _rule("cloudsql", r"projects/([^/]+)/instances/[^/]+:([^/:]+)", r"projects/\1/instances/\2"),
    # Cloud DNS omits the project.
    _rule("dns", r"(managedZones|policies|responsePolicies)/", r"projects/{project_id}/\1/"),
    # `-` is a wildcard project.
    _rule("iam", r"projects/-/", r"projects/{project_id}/"),
    _rule("iamcredentials", r"projects/-/", r"projects/{project_id}/"),
    # BigQuery's older methods omit the project.
    _rule("bigquery", r"datasets/", r"projects/{project_id}/datasets/"),
    # Compute Engine's older names omit the project.
    _rule("compute", r"(global|zones|regions)/", r"projects/{project_id}/\1/"),
    # A project's billing info is a separate resource.
    _rule("cloudbilling", r"projects/([^/]+)\Z", r"projects/\1/billingInfo"),
    # Older methods omit the project of a service.
    _rule("serviceusage", r"services/([^/]+)\Z", r"projects/{project_id}/services/\1"),
    # Resource Manager v1 has its own collection for project numbers.
    _rule("cloudresourcemanager", r"(?:projectnumbers|projects)/([^/]+)", r"projects/\1"),
)


def resource_path(service: str, name: str, labels: Mapping[str, str]) -> str:
    """The resource path of a name; empty where the name needs a label that the entry lacks.

    Args:
        service: the service's host.
        name: the name in the entry.
        labels: labels of the monitored resource.
    """
    path = _URL.sub("", name, count=1).strip("/")
    for rule in _PATH_RULES:
        if rule.service != service or not rule.pattern.match(path):
            continue
        try:
            return rule.pattern.sub(rule.path.format_map(_Escaped(labels)), path, count=1)
        except KeyError:
            return ""
    return path


class _Escaped(dict[str, str]):
    """Non-empty labels, escaped for use in a regular expression replacement."""

    def __getitem__(self, key: str) -> str:
        value = self.get(key)
        if not value:
            raise KeyError(key)
        return value.replace("\\", r"\\")


def name_pattern(service: str, pattern: str) -> str:
    """An API path pattern in the form of resource names."""
    return pattern.removeprefix("b/") if service == "storage.googleapis.com" else pattern


def batch_paths(service: str, method: str, path: str, request: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths of an entry about several resources; none for a single resource.

    Args:
        service: the service's host.
        method: the method's name.
        path: the path in the entry.
        request: the request's body.
    """
    last = method.rpartition(".")[2]
    if service == "serviceusage.googleapis.com" and last.startswith("Batch"):
        parent = path.removesuffix("/services")
        ids = (*as_list(request.get("serviceIds")), *as_list(request.get("service_ids")))
        return tuple(f"{parent}/services/{id_}" for id_ in ids if isinstance(id_, str))
    if service == "accesscontextmanager.googleapis.com" and last.startswith("Replace"):
        held = (*as_list(request.get("servicePerimeters")), *as_list(request.get("accessLevels")))
        return tuple(str(id_["name"]) for id_ in held if isinstance(id_, dict) and id_.get("name"))
    if service == "dns.googleapis.com" and method.endswith("changes.create"):
        return tuple(dict.fromkeys(_record_set_paths(path.partition("/changes")[0], request)))
    return ()


def bigquery_paths(service: str, path: str, service_data: Mapping[str, Any]) -> tuple[str, ...]:
    """The datasets and tables in BigQuery's older log format, AuditData; none where the entry's own path names one.

    Source: https://cloud.google.com/bigquery/docs/reference/auditlogs/rest/Shared.Types/AuditData
    """
    if service != "bigquery.googleapis.com" or "/datasets/" in path:
        return ()
    names = (_bigquery_path(name) for name in _bigquery_names(service_data))
    return tuple(dict.fromkeys(name for name in names if name))


_BIGQUERY_NAMES = frozenset(("datasetName", "tableName", "destinationTable"))


def _bigquery_names(data: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(data, dict):
        return
    for field, value in data.items():
        if field in _BIGQUERY_NAMES and isinstance(value, dict):
            yield value
        else:
            yield from _bigquery_names(value)


def _bigquery_path(name: Mapping[str, Any]) -> str:
    project, dataset, table = (str(name.get(field) or "") for field in ("projectId", "datasetId", "tableId"))
    if not project or not dataset or dataset.startswith("_"):  # query results are written to hidden datasets
        return ""
    path = f"projects/{project}/datasets/{dataset}"
    return f"{path}/tables/{table}" if table else path


def _record_set_paths(zone: str, request: Mapping[str, Any]) -> Iterator[str]:
    change = request.get("change")
    held: Mapping[str, Any] = change if isinstance(change, dict) else request
    for record in (*as_list(held.get("additions")), *as_list(held.get("deletions"))):
        if isinstance(record, dict) and zone and record.get("name") and record.get("type"):
            yield f"{zone}/rrsets/{record['name']}/{record['type']}"


def alternative_paths(
    service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]
) -> tuple[str, ...]:
    """Other paths of the same resource in the inventory or in declarations, as far as the entry holds them.

    Args:
        service: the service's host.
        path: the path of the resource.
        labels: labels of the monitored resource.
        response: the response body.
    """
    paths = [path]
    for other in (_service_account_path, _location_path, _managed_zone_path, _project_id_path):
        paths += [
            alias for path in tuple(paths) if (alias := other(service, path, labels, response)) and alias not in paths
        ]
    return tuple(paths[1:])


def _service_account_path(service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]) -> str:
    """A service account's path by e-mail for one by unique id, and vice versa."""
    head, collection, own = path.rpartition("/serviceAccounts/")
    if service != "iam.googleapis.com" or not collection:
        return ""
    own, slash, rest = own.partition("/")
    address = labels.get("email_id") or response.get("email")
    number = labels.get("unique_id") or response.get("unique_id") or response.get("uniqueId")
    other = number if "@" in own else address
    return f"{head}{collection}{other}{slash}{rest}" if other and other != own else ""


def _location_path(service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]) -> str:
    """Clusters by `zones/` for `locations/` and vice versa; triggers without a location are global."""
    del labels, response
    parts = path.split("/")
    if service == "container.googleapis.com" and len(parts) > 3 and is_zone(parts[3]):  # noqa: PLR2004
        parts[2] = "zones" if parts[2] == "locations" else "locations"
        return "/".join(parts)
    if service == "cloudbuild.googleapis.com" and parts[2:3] == ["triggers"]:
        return "/".join((*parts[:2], "locations", "global", *parts[2:]))
    return ""


def _managed_zone_path(service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]) -> str:
    """A managed zone's path by name for one by number, and vice versa."""
    parts = path.split("/")
    if service != "dns.googleapis.com" or parts[2:3] != ["managedZones"] or len(parts) < 4:  # noqa: PLR2004
        return ""
    zone = response.get("managedZone")
    zone_body: Mapping[str, Any] = zone if isinstance(zone, dict) else response if len(parts) == 4 else {}  # noqa: PLR2004
    name, number = labels.get("zone_name") or zone_body.get("name"), zone_body.get("id")
    other = name if parts[3].isdigit() else number
    return "/".join((*parts[:3], str(other), *parts[4:])) if other and str(other) != parts[3] else ""


def _project_id_path(service: str, path: str, labels: Mapping[str, str], response: Mapping[str, Any]) -> str:
    """A path by project id for one by project number."""
    del service, response
    parts, identifier = path.split("/"), labels.get("project_id", "")
    if parts[0] != "projects" or not identifier[:1].isalpha() or not "".join(parts[1:2]).isdigit():
        return ""
    return "/".join((parts[0], identifier, *parts[2:]))
