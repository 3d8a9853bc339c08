"""The permission that a method requires, by rule: `compute.firewalls.patch` → `compute.firewalls.update`.

The rule holds for most services: the API's name, the collection, and `update` for every way of updating. The table
and one exception hold the others. Source: https://cloud.google.com/iam/docs/permissions-reference
"""

from __future__ import annotations

_SERVICES = {
    "bigtableadmin": "bigtable",  # https://cloud.google.com/bigtable/docs/access-control
    "cloudresourcemanager": "resourcemanager",  # https://cloud.google.com/resource-manager/docs/access-control-proj
    "sqladmin": "cloudsql",  # https://cloud.google.com/sql/docs/mysql/iam-permissions
    "sql": "cloudsql",  # how the method ids of Cloud SQL begin
}
_UPDATES = frozenset(("patch", "update", "replace"))


def permission(method: str) -> str:
    """The permission that a method asks for.

    Args:
        method: the method's id, as Google names it.
    """
    service, *collections, verb = method.split(".")
    if service == "container":  # GKE asks for the right to update a cluster, whatever of it changes:
        # https://cloud.google.com/kubernetes-engine/docs/reference/api-permissions
        return "container.clusters.get" if verb == "get" else "container.clusters.update"
    holder = collections[-1] if collections else service
    verb = "update" if verb in _UPDATES else verb
    return f"{_SERVICES.get(service, service)}.{holder}.{verb}"
