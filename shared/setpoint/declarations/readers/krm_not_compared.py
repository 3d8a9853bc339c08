"""Why fields of Config Connector's kinds are not compared: a table, for those that are not mistakes of the author.

Sources: the kinds' own custom resource definitions
(https://github.com/GoogleCloudPlatform/k8s-config-connector/tree/master/crds), whose descriptions say what a field is
for, and the resources in the APIs' references, which do not have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from setpoint.declarations.readers import name_heuristics
from setpoint.declarations.readers.field_mapping_result import UnmappedField

NO_COUNTERPART = "no counterpart in the API"
"""The reason for a field that is in no table."""

_SERVICE = "set by the service"
_LAUNCH = "given when the job is launched, and not answered by the API"
_CREATION = "given when the resource is made, and not answered by the API"
_ACT = "an act of the controller, and no state of the resource"
_BOUND = "a lower bound or a start, which the service moves on from"
_MEMBERS = "kept by another resource or method of the API"
_OLDER = "a name that the API has given up"
_NUMBERS = "answered by numbers of projects"

_LAUNCHED = (
    "additionalExperiments",
    "autoscalingAlgorithm",
    "containerSpecGcsPath",
    "enableStreamingEngine",
    "ipConfiguration",
    "kmsKeyNameRef",
    "launcherMachineType",
    "machineType",
    "maxWorkers",
    "networkRef",
    "numWorkers",
    "parameters",
    "sdkContainerImage",
    "serviceAccountRef",
    "serviceAccountEmailRef",
    "stagingLocation",
    "subnetworkRef",
    "tempGcsLocation",
    "tempLocation",
    "templateGcsPath",
    "transformNameMapping",
)

REASONS: Mapping[str, Mapping[str, str]] = {
    "AlloyDBCluster": {
        "restoreBackupSource": _CREATION,
        "restoreContinuousBackupSource": _CREATION,
    },
    "BigtableTable": {"splitKeys": _CREATION},
    "CloudIdentityGroup": {"initialGroupConfig": _CREATION},
    "ComputeInstance": {
        "desiredStatus": _ACT,
        "instanceTemplateRef": _CREATION,
    },
    "ComputeInstanceGroup": {"instances": _MEMBERS},
    "ComputeNodeGroup": {
        "initialSize": _CREATION,
        "shareSettings.projectMap": _NUMBERS,
        "size": _SERVICE,
    },
    "ComputeFutureReservation": {"shareSettings.projectMap": _NUMBERS},
    "ComputeReservation": {"shareSettings.projectMap": _NUMBERS},
    "ComputeTargetHTTPSProxy": {"certificateManagerCertificates": "answered in another field, or not at all"},
    "ContainerCluster": {
        "minMasterVersion": _BOUND,
        "nodeLocations": "answered together with the cluster's own zone",
        "nodeVersion": _BOUND,
    },
    "ContainerNodePool": {"nodeCount": _BOUND},
    "DataflowFlexTemplateJob": dict.fromkeys(_LAUNCHED, _LAUNCH),
    "DataflowJob": dict.fromkeys(_LAUNCHED, _LAUNCH),
    "IAMServiceAccountKey": {"publicKeyType": _CREATION, "serviceAccountRef": "a part of the key's name"},
    "MonitoringServiceLevelObjective": {
        "serviceLevelIndicator.basicSli.latency.experience": _OLDER,
        "serviceLevelIndicator.basicSli.operationAvailability": _OLDER,
        "serviceLevelIndicator.basicSli.operationLatency": _OLDER,
        "serviceLevelIndicator.windowsBased.goodTotalRatioThreshold.basicSliPerformance.latency.experience": _OLDER,
        "serviceLevelIndicator.windowsBased.goodTotalRatioThreshold.basicSliPerformance.operationAvailability": _OLDER,
        "serviceLevelIndicator.windowsBased.goodTotalRatioThreshold.basicSliPerformance.operationLatency": _OLDER,
    },
    "PrivateCACertificate": {"certificateAuthorityRef": _CREATION},
    "PubSubSnapshot": {"pubSubSubscriptionRef": _CREATION},
    "SecretManagerSecretVersion": {"isSecretDataBase64": _CREATION},
    "SpannerDatabase": {"ddl": _CREATION},
}
"""Kind → field, by names from the spec → the reason; a field's reason holds for all below it."""


def reason_of(kind: str, field: UnmappedField) -> str:
    """Why a field without a place is not compared.

    Args:
        kind: The object's kind.
        field: The field, with the message of the API that was searched.
    """
    reasons = REASONS.get(kind, {})
    known = next((reasons[names] for names in _with_holders(field.path) if names in reasons), "")
    return known or (_SERVICE if _is_output(field) else NO_COUNTERPART)


def _is_output(field: UnmappedField) -> bool:
    """Whether the API has a field of that name, and only the service writes it."""
    own = name_heuristics.plain(field.name.removesuffix("Ref"))
    fields = (part for name, part in field.schema.fields.items() if name_heuristics.plain(name) == own)
    return any(part.output_only for part in fields)


def _with_holders(path: str) -> Iterator[str]:
    """The names of a field from the spec without positions, and those of the blocks around it."""
    names = [name.partition("[")[0] for name in path.split(".")[1:]]
    for end in range(len(names), 0, -1):
        yield ".".join(names[:end])
