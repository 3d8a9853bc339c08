"""Which permission a method asks for, by rule: `compute.firewalls.patch` → `compute.firewalls.update`.

The rule holds for most services: the API's name, the collection, and `update` for every way of updating. The tables
hold the others. Source: https://cloud.google.com/iam/docs/permissions-reference
"""

from __future__ import annotations

_SERVICES = {
    "bigtableadmin": "bigtable",  # https://cloud.google.com/bigtable/docs/access-control
    "cloudresourcemanager": "resourcemanager",  # https://cloud.google.com/resource-manager/docs/access-control-proj
    "sqladmin": "cloudsql",  # https://cloud.google.com/sql/docs/mysql/iam-permissions
    "sql": "cloudsql",  # how the method ids of Cloud SQL begin
}
_UPDATES = frozenset(("patch", "update", "replace"))
_METHODS = {
    # GKE asks for the right to update a cluster, whatever of it changes:
    # https://cloud.google.com/kubernetes-engine/docs/reference/api-permissions
    "container.projects.locations.clusters.setResourceLabels": "container.clusters.update",
    "container.projects.locations.clusters.setMaintenancePolicy": "container.clusters.update",
    "container.projects.locations.clusters.setLegacyAbac": "container.clusters.update",
    "container.projects.locations.clusters.nodePools.get": "container.clusters.get",
    "container.projects.locations.clusters.nodePools.setAutoscaling": "container.clusters.update",
    "container.projects.locations.clusters.nodePools.setManagement": "container.clusters.update",
    "container.projects.locations.clusters.nodePools.update": "container.clusters.update",
}


def permission(method: str) -> str:
    """The permission that a method asks for.

    Args:
        method: the method's id, as Google names it.
    """
    if method in _METHODS:
        return _METHODS[method]
    service, *collections, verb = method.split(".")
    holder = collections[-1] if collections else service
    verb = "update" if verb in _UPDATES else verb
    return f"{_SERVICES.get(service, service)}.{holder}.{verb}"
