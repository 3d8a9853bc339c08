"""Fields with a method of their own, in one table, and manual steps for fields that are better left to a person.

Most resources are patched. Compute Engine and Kubernetes Engine have resources and fields that are set one by one. A
field with neither an entry here nor a general method is delegated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from setpoint.model.field_path import is_below


class SetterMethod(NamedTuple):
    """The method that sets one field of a resource.

    Args:
        service: the API.
        schema: the schema of the resource.
        field: the field, by its path.
        method: the method's short name.
        into: where its value goes in the body: a path, empty for the whole body, ``?`` for the query, ``-`` for
            nowhere.
        guard: the field of the live resource that guards the write (an etag), and its path in the body.
        when: the value that the method sets; None for any.
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


def _cluster(field: str, update: str = "") -> SetterMethod:
    """The method ``UpdateCluster``, which takes one ``desired…`` field and replaces that part of the cluster.

    https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/ClusterUpdate
    """
    name = update or f"desired{field[0].upper()}{field[1:]}"
    return SetterMethod("container", "Cluster", field, "update", f"update.{name}", _CLUSTER_ETAG)


SPECIAL: tuple[SetterMethod, ...] = (
    # https://cloud.google.com/compute/docs/reference/rest/v1/instances
    SetterMethod("compute", "Instance", "metadata", "setMetadata", ""),
    SetterMethod("compute", "Instance", "tags", "setTags", ""),
    SetterMethod("compute", "Instance", "scheduling", "setScheduling", ""),
    SetterMethod("compute", "Instance", "deletionProtection", "setDeletionProtection", "?"),
    SetterMethod("compute", "Instance", "shieldedInstanceIntegrityPolicy", "setShieldedInstanceIntegrityPolicy", ""),
    # https://cloud.google.com/compute/docs/reference/rest/v1/projects
    SetterMethod("compute", "Project", "commonInstanceMetadata", "setCommonInstanceMetadata", ""),
    # https://cloud.google.com/compute/docs/reference/rest/v1/forwardingRules
    SetterMethod("compute", "ForwardingRule", "target", "setTarget", "target"),
    # https://cloud.google.com/compute/docs/reference/rest/v1/backendServices
    SetterMethod("compute", "BackendService", "securityPolicy", "setSecurityPolicy", "securityPolicy"),
    SetterMethod("compute", "BackendService", "edgeSecurityPolicy", "setEdgeSecurityPolicy", "securityPolicy"),
    SetterMethod("compute", "BackendBucket", "edgeSecurityPolicy", "setEdgeSecurityPolicy", "securityPolicy"),
    # https://cloud.google.com/compute/docs/reference/rest/v1/subnetworks
    SetterMethod("compute", "Subnetwork", "privateIpGoogleAccess", "setPrivateIpGoogleAccess", "privateIpGoogleAccess"),
    # https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroups
    SetterMethod(
        "compute", "InstanceGroup", "namedPorts", "setNamedPorts", "namedPorts", ("fingerprint", "fingerprint")
    ),
    # https://cloud.google.com/compute/docs/reference/rest/v1/targetSslProxies and targetTcpProxies: no patch
    SetterMethod("compute", "TargetSslProxy", "service", "setBackendService", "service"),
    SetterMethod("compute", "TargetSslProxy", "proxyHeader", "setProxyHeader", "proxyHeader"),
    SetterMethod("compute", "TargetSslProxy", "sslCertificates", "setSslCertificates", "sslCertificates"),
    SetterMethod("compute", "TargetSslProxy", "sslPolicy", "setSslPolicy", "sslPolicy"),
    SetterMethod("compute", "TargetTcpProxy", "service", "setBackendService", "service"),
    SetterMethod("compute", "TargetTcpProxy", "proxyHeader", "setProxyHeader", "proxyHeader"),
    # https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters
    SetterMethod("container", "Cluster", "resourceLabels", "setResourceLabels", "resourceLabels", _LABELS),
    SetterMethod("container", "Cluster", "maintenancePolicy", "setMaintenancePolicy", "maintenancePolicy"),
    SetterMethod("container", "Cluster", "legacyAbac.enabled", "setLegacyAbac", "enabled"),
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
    SetterMethod("container", "NodePool", "autoscaling", "setAutoscaling", "autoscaling"),
    SetterMethod("container", "NodePool", "management", "setManagement", "management"),
    SetterMethod("container", "NodePool", "upgradeSettings", "update", "upgradeSettings", _ETAG),
    SetterMethod("container", "NodePool", "config.labels", "update", "labels.labels", _ETAG),
    SetterMethod("container", "NodePool", "config.taints", "update", "taints.taints", _ETAG),
    SetterMethod("container", "NodePool", "config.tags", "update", "tags.tags", _ETAG),
    SetterMethod("container", "NodePool", "config.resourceLabels", "update", "resourceLabels.labels", _ETAG),
    # https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts: patch ignores this field
    SetterMethod("iam", "ServiceAccount", "disabled", "disable", "-", when=True),
    SetterMethod("iam", "ServiceAccount", "disabled", "enable", "-", when=False),
)

_SET_LABELS = SetterMethod("compute", "", "labels", "setLabels", "labels", _LABELS)
"""Sets the labels of every Compute Engine type that has the method; its patches ignore labels."""


def special(service: str, schema: str, path: str, value: Any, methods: frozenset[str]) -> SetterMethod | None:
    """The method that sets a field; None if the general method writes it.

    Args:
        service: the API.
        schema: the resource's schema.
        path: the field, without list elements.
        value: the declared value.
        methods: the short names of the methods that the resource has.
    """
    if service == "compute" and "setLabels" in methods and is_below(path, "labels"):
        return _SET_LABELS
    for setter in SPECIAL:
        of_this_kind = (setter.service, setter.schema) == (service, schema) and setter.method in methods
        if of_this_kind and is_below(path, setter.field) and setter.when in (None, bool(value)):
            return setter
    return None
