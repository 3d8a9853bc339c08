"""Fields that have a method of their own: one table, and what a person has to do where there is a better reason to ask.

Most resources are patched. Compute Engine and Kubernetes Engine have resources, and fields of them, that are set one by
one. What has no entry here and no general method is handed off.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Special(NamedTuple):
    """The method that sets one field of a resource.

    Args:
        service: the API.
        schema: the schema of the resource.
        field: the field, by its path.
        method: the method's short name.
        into: where in the body its value goes: a path, empty for the body, ``?`` for the query, ``-`` for nowhere.
        guard: the field of the live resource that says which state is meant, and the path at which the body takes it.
        when: the value for which this is the method; None for any.
    """

    service: str
    schema: str
    field: str
    method: str
    into: str
    guard: tuple[str, str] = ("", "")
    when: Any = None


_LABELS = ("labelFingerprint", "labelFingerprint")
_CLUSTER_ETAG = ("etag", "update.etag")
_ETAG = ("etag", "etag")


def _cluster(field: str, update: str = "") -> Special:
    """``UpdateCluster`` takes one ``desired…`` field, and replaces that part of the cluster.

    https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/ClusterUpdate
    """
    name = update or f"desired{field[0].upper()}{field[1:]}"
    return Special("container", "Cluster", field, "update", f"update.{name}", _CLUSTER_ETAG)


SPECIAL: tuple[Special, ...] = (
    # https://cloud.google.com/compute/docs/reference/rest/v1/instances
    Special("compute", "Instance", "metadata", "setMetadata", ""),
    Special("compute", "Instance", "tags", "setTags", ""),
    Special("compute", "Instance", "scheduling", "setScheduling", ""),
    Special("compute", "Instance", "deletionProtection", "setDeletionProtection", "?"),
    Special("compute", "Instance", "shieldedInstanceIntegrityPolicy", "setShieldedInstanceIntegrityPolicy", ""),
    # https://cloud.google.com/compute/docs/reference/rest/v1/projects
    Special("compute", "Project", "commonInstanceMetadata", "setCommonInstanceMetadata", ""),
    # https://cloud.google.com/compute/docs/reference/rest/v1/forwardingRules
    Special("compute", "ForwardingRule", "target", "setTarget", "target"),
    # https://cloud.google.com/compute/docs/reference/rest/v1/backendServices
    Special("compute", "BackendService", "securityPolicy", "setSecurityPolicy", "securityPolicy"),
    Special("compute", "BackendService", "edgeSecurityPolicy", "setEdgeSecurityPolicy", "securityPolicy"),
    Special("compute", "BackendBucket", "edgeSecurityPolicy", "setEdgeSecurityPolicy", "securityPolicy"),
    # https://cloud.google.com/compute/docs/reference/rest/v1/subnetworks
    Special("compute", "Subnetwork", "privateIpGoogleAccess", "setPrivateIpGoogleAccess", "privateIpGoogleAccess"),
    # https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroups
    Special("compute", "InstanceGroup", "namedPorts", "setNamedPorts", "namedPorts", ("fingerprint", "fingerprint")),
    # https://cloud.google.com/compute/docs/reference/rest/v1/targetSslProxies and targetTcpProxies: no patch
    Special("compute", "TargetSslProxy", "service", "setBackendService", "service"),
    Special("compute", "TargetSslProxy", "proxyHeader", "setProxyHeader", "proxyHeader"),
    Special("compute", "TargetSslProxy", "sslCertificates", "setSslCertificates", "sslCertificates"),
    Special("compute", "TargetSslProxy", "sslPolicy", "setSslPolicy", "sslPolicy"),
    Special("compute", "TargetTcpProxy", "service", "setBackendService", "service"),
    Special("compute", "TargetTcpProxy", "proxyHeader", "setProxyHeader", "proxyHeader"),
    # https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters
    Special("container", "Cluster", "resourceLabels", "setResourceLabels", "resourceLabels", _LABELS),
    Special("container", "Cluster", "maintenancePolicy", "setMaintenancePolicy", "maintenancePolicy"),
    Special("container", "Cluster", "legacyAbac.enabled", "setLegacyAbac", "enabled"),
    _cluster("addonsConfig"),
    _cluster("authenticatorGroupsConfig"),
    _cluster("autoscaling", "desiredClusterAutoscaling"),
    _cluster("binaryAuthorization"),
    _cluster("compliancePostureConfig"),
    _cluster("controlPlaneEndpointsConfig"),
    _cluster("costManagementConfig"),
    _cluster("databaseEncryption"),
    _cluster("identityServiceConfig"),
    _cluster("loggingConfig"),
    _cluster("loggingService"),
    _cluster("masterAuthorizedNetworksConfig"),
    _cluster("monitoringConfig"),
    _cluster("monitoringService"),
    _cluster("networkConfig.dnsConfig", "desiredDnsConfig"),
    _cluster("networkConfig.gatewayApiConfig", "desiredGatewayApiConfig"),
    _cluster("notificationConfig"),
    _cluster("releaseChannel"),
    _cluster("resourceUsageExportConfig"),
    _cluster("secretManagerConfig"),
    _cluster("securityPostureConfig"),
    _cluster("verticalPodAutoscaling"),
    _cluster("workloadIdentityConfig"),
    # https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools
    Special("container", "NodePool", "autoscaling", "setAutoscaling", "autoscaling"),
    Special("container", "NodePool", "management", "setManagement", "management"),
    Special("container", "NodePool", "upgradeSettings", "update", "upgradeSettings", _ETAG),
    Special("container", "NodePool", "config.labels", "update", "labels.labels", _ETAG),
    Special("container", "NodePool", "config.taints", "update", "taints.taints", _ETAG),
    Special("container", "NodePool", "config.tags", "update", "tags.tags", _ETAG),
    Special("container", "NodePool", "config.resourceLabels", "update", "resourceLabels.labels", _ETAG),
    # https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts: a patch does not change it
    Special("iam", "ServiceAccount", "disabled", "disable", "-", when=True),
    Special("iam", "ServiceAccount", "disabled", "enable", "-", when=False),
)

_SET_LABELS = Special("compute", "", "labels", "setLabels", "labels", _LABELS)
"""Compute Engine sets the labels of every kind so, where it has the method; its patches leave them alone."""


def special(service: str, schema: str, path: str, value: Any, methods: frozenset[str]) -> Special | None:
    """The method that sets a field, or None where the resource is written as a whole.

    Args:
        service: the API.
        schema: the resource's schema.
        path: the field, without list elements.
        value: what is declared of it.
        methods: the short names of the methods that the resource has.
    """
    if service == "compute" and "setLabels" in methods and is_below(path, "labels"):
        return _SET_LABELS
    for one in SPECIAL:
        of_this_kind = (one.service, one.schema) == (service, schema) and one.method in methods
        if of_this_kind and is_below(path, one.field) and one.when in (None, bool(value)):
            return one
    return None


def is_below(path: str, field: str) -> bool:
    """Whether a path is a field's, or lies below it."""
    return path == field or path.startswith((f"{field}.", f"{field}["))
