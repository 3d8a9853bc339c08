"""Convert Cloud Functions and notebook instances of API v1 to v2.

Sources: https://cloud.google.com/functions/docs/reference/rest/v1/projects.locations.functions,
https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions,
https://cloud.google.com/vertex-ai/docs/workbench/reference/rest/v1/projects.locations.instances,
https://cloud.google.com/vertex-ai/docs/workbench/reference/rest/v2/projects.locations.instances
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from setpoint.util.json_values import as_object

_SAME_IN_FUNCTIONS = ("name", "description", "labels", "kmsKeyName")
_BUILD = {
    "runtime": "runtime",
    "entryPoint": "entryPoint",
    "buildEnvironmentVariables": "environmentVariables",
    "buildWorkerPool": "workerPool",
    "buildServiceAccount": "serviceAccount",
    "dockerRepository": "dockerRepository",
    "dockerRegistry": "dockerRegistry",
    "automaticUpdatePolicy": "automaticUpdatePolicy",
    "onDeployUpdatePolicy": "onDeployUpdatePolicy",
}
_SERVICE = {
    "environmentVariables": "environmentVariables",
    "maxInstances": "maxInstanceCount",
    "minInstances": "minInstanceCount",
    "vpcConnector": "vpcConnector",
    "vpcConnectorEgressSettings": "vpcConnectorEgressSettings",
    "ingressSettings": "ingressSettings",
    "serviceAccountEmail": "serviceAccountEmail",
    "secretEnvironmentVariables": "secretEnvironmentVariables",
    "secretVolumes": "secretVolumes",
}
_ARCHIVE = re.compile(r"gs://([^/]+)/(.+)\Z")
OLDER_FUNCTION = frozenset((*_BUILD, *_SERVICE, "availableMemoryMb", "timeout", "httpsTrigger", "sourceArchiveUrl"))
"""Top-level fields that only v1 has."""
NEWER_FUNCTION = frozenset(("buildConfig", "serviceConfig", "environment", "state", "stateMessages"))

_SAME_IN_NOTEBOOKS = ("name", "labels", "instanceOwners")
_SETUP = {
    "machineType": "machineType",
    "vmImage": "vmImage",
    "containerImage": "containerImage",
    "shieldedInstanceConfig": "shieldedInstanceConfig",
    "noPublicIp": "disablePublicIp",
    "canIpForward": "enableIpForwarding",
    "tags": "tags",
    "metadata": "metadata",
}
OLDER_NOTEBOOK = frozenset(
    (*_SETUP, "bootDiskType", "bootDiskSizeGb", "dataDiskType", "network", "subnet", "noProxyAccess")
)
NEWER_NOTEBOOK = frozenset(("gceSetup", "healthState", "healthInfo", "disableProxyAccess"))


def function_v2(function: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a function of Cloud Functions v1 to v2; fields without a counterpart keep their name."""
    timeout, memory = function.get("timeout"), function.get("availableMemoryMb")
    trigger = as_object(function.get("httpsTrigger"))
    service = _renamed(function, _SERVICE) | present(
        timeoutSeconds=int(timeout[:-1]) if isinstance(timeout, str) and timeout[:-1].isdigit() else None,
        availableMemory=f"{memory}M" if memory is not None else None,
        securityLevel=trigger.get("securityLevel"),
    )
    build = _renamed(function, _BUILD) | present(source=_source(function))
    return present(
        **{name: function.get(name) for name in (*_SAME_IN_FUNCTIONS, "network", "versionId")},
        buildConfig=build,
        serviceConfig=service,
        eventTrigger=_event_trigger(as_object(function.get("eventTrigger"))),
        environment="GEN_1",  # the API has no others
    )


def _source(function: Mapping[str, Any]) -> dict[str, Any]:
    archive = _ARCHIVE.match(str(function.get("sourceArchiveUrl") or ""))
    return {"storageSource": {"bucket": archive[1], "object": archive[2]}} if archive else {}


def _event_trigger(trigger: Mapping[str, Any]) -> dict[str, Any]:
    policy = trigger.get("failurePolicy")
    resource = str(trigger.get("resource") or "")
    return present(
        eventType=trigger.get("eventType"),
        service=trigger.get("service"),
        pubsubTopic=resource if "/topics/" in resource else None,
        retryPolicy="RETRY_POLICY_RETRY" if isinstance(policy, Mapping) and "retry" in policy else None,
    )


def notebook_v2(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a notebook instance of API v1 to v2."""
    account, accelerator = instance.get("serviceAccount"), as_object(instance.get("acceleratorConfig"))
    setup = _renamed(instance, _SETUP) | present(
        bootDisk=_disk(instance, "bootDisk"),
        dataDisks=[disk] if (disk := _disk(instance, "dataDisk")) else None,
        serviceAccounts=[{"email": account}] if account else None,
        networkInterfaces=_elements(
            network=instance.get("network"), subnet=instance.get("subnet"), nicType=instance.get("nicType")
        ),
        acceleratorConfigs=_elements(type=accelerator.get("type"), coreCount=accelerator.get("coreCount")),
        gpuDriverConfig=present(enableGpuDriver=instance.get("installGpuDriver")),
    )
    return present(
        **{name: instance.get(name) for name in _SAME_IN_NOTEBOOKS},
        gceSetup=setup,
        disableProxyAccess=instance.get("noProxyAccess"),
    )


def _disk(instance: Mapping[str, Any], kind: str) -> dict[str, Any]:
    disk = present(diskType=instance.get(f"{kind}Type"), diskSizeGb=instance.get(f"{kind}SizeGb"))
    return disk | present(kmsKey=instance.get("kmsKey"), diskEncryption=instance.get("diskEncryption")) if disk else {}


def _elements(**fields: Any) -> list[dict[str, Any]] | None:
    element = present(**fields)
    return [element] if element else None


def _renamed(resource: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return present(**{newer: resource.get(older) for older, newer in names.items()})


def present(**fields: Any) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value not in (None, {}, [])}
