"""Corrections of Google's schemas, where they are silent or wrong: one table, each entry with its reason.

The catalogue applies it when it builds a schema, so that a correction needs no new artefact.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class SchemaCorrection(NamedTuple):
    """Sets attributes of `catalogue.Field` on some fields of one schema, for a reason."""

    service: str
    schema: str
    fields: str
    """API names, separated by spaces."""
    attributes: dict[str, Any]
    reason: str


_SERVER = {"output_only": True}
_CLIENT = {"output_only": False}
_WRITE_ONLY = {"input_only": True}
_SECRET = {"sensitive": True}
_SHOWN = {"shown": "text"}
_SHOWN_BY_KEY = {"shown": "keys"}

_STORAGE = "storage v1 marks nothing as output-only; its reference lists what is writable, and these are not"
_SQL = "Cloud SQL marks few fields; its reference describes these as what the service assigns or reports"
_KNATIVE = "Kubernetes' convention, which Knative and Cloud Run v1 follow: the server owns these"
_SPEECH = "the assets are of Speech-to-Text v2, whose document is not shipped; v1 calls them unused, v2 takes them"

_AT_CREATION = "CreateDatabaseRequest takes these beside the database, which then answers them; people declare them"
_ECHOED = "called input-only, and yet the API answers it"
_BY_UPDATE = "called output-only, since it is set by an update (UpdateCluster …) and not at creation; people declare it"
_KEY_NAME = "the name of a key in Cloud KMS, and not a key"
_EVENT_FILTER = "what an attribute of an event has to be: a type, a place, the name of a resource"
_NETWORK = "an address range that is let in"
_TAINT = "a label of Kubernetes"
_LABEL = "the value of a label"
_HEADER_NAME = "names of headers, and not their values"
_MONITORED = "an expression over metrics or logs, as a filter is"
_PHRASE = "a word or phrase that speech recognition expects"
_ENGINE = "settings of the engine from a list that Google documents; none is a credential"
_ONE_HOUR = "the description gives the default as `1hr (3600s)`"
_BY_METHOD = "the server writes it on behalf of a method of its own (setSecurityPolicy, disable …); people declare it"

CORRECTIONS: tuple[SchemaCorrection, ...] = (
    SchemaCorrection(
        "orgpolicy",
        "GoogleCloudOrgpolicyV2PolicySpec",
        "etag",
        _SERVER,
        "optimistic locking below the top of the resource, which a state of Terraform holds",
    ),
    SchemaCorrection("compute", "BackendService", "edgeSecurityPolicy securityPolicy", _CLIENT, _BY_METHOD),
    SchemaCorrection("compute", "BackendBucket", "edgeSecurityPolicy", _CLIENT, _BY_METHOD),
    SchemaCorrection("compute", "Network", "peerings", _CLIENT, _BY_METHOD),
    SchemaCorrection("compute", "Project", "xpnProjectStatus", _CLIENT, _BY_METHOD),
    SchemaCorrection("compute", "TargetPool", "securityPolicy", _CLIENT, _BY_METHOD),
    SchemaCorrection("compute", "TargetInstance", "securityPolicy", _CLIENT, _BY_METHOD),
    SchemaCorrection("iam", "ServiceAccount", "disabled", _CLIENT, _BY_METHOD),
    SchemaCorrection("secretmanager", "SecretVersion", "state", _CLIENT, _BY_METHOD),
    SchemaCorrection(
        "container", "IPAllocationPolicy", "additionalIpRangesConfigs additionalPodRangesConfig", _CLIENT, _BY_UPDATE
    ),
    SchemaCorrection("container", "NodePoolAutoConfig", "linuxNodeConfig", _CLIENT, _BY_UPDATE),
    SchemaCorrection("vmwareengine", "Cluster", "datastoreMountConfig", _CLIENT, _BY_METHOD),
    SchemaCorrection("cloudbuild", "BitbucketServerConfig", "connectedRepositories", _CLIENT, _BY_METHOD),
    SchemaCorrection("redis", "CrossClusterReplicationConfig", "clusterRole", _CLIENT, _BY_UPDATE),
    SchemaCorrection("datafusion", "Instance", "accelerators", _CLIENT, _BY_UPDATE),
    SchemaCorrection("compute", "FirewallPolicy", "parent", _CLIENT, "people declare whose policy it is"),
    SchemaCorrection("compute", "BackendServiceCdnPolicy", "signedUrlCacheMaxAgeSec", {"absent": 3600}, _ONE_HOUR),
    SchemaCorrection("compute", "BackendBucketCdnPolicy", "signedUrlCacheMaxAgeSec", {"absent": 3600}, _ONE_HOUR),
    SchemaCorrection(
        "alloydb",
        "ObservabilityInstanceConfig",
        "maxQueryStringLength",
        {"absent": None},
        "the description gives the default as `10k`, which may be 10,000 or 10,240",
    ),
    SchemaCorrection("cloudscheduler", "Job", "state", _CLIENT, _BY_METHOD),
    SchemaCorrection("compute", "InstanceGroupManager", "namedPorts", _CLIENT, _BY_METHOD),
    SchemaCorrection(
        "spanner", "Database", "databaseDialect encryptionConfig versionRetentionPeriod", _CLIENT, _AT_CREATION
    ),
    SchemaCorrection("secretmanager", "Rotation", "rotationPeriod", {"input_only": False}, _ECHOED),
    SchemaCorrection(
        "storage",
        "Bucket",
        "etag generation hardDeleteTime id locationType metageneration owner projectNumber satisfiesPZI "
        "satisfiesPZS softDeleteTime timeCreated updated",
        _SERVER,
        _STORAGE,
    ),
    SchemaCorrection("storage", "Bucket.iamConfiguration.uniformBucketLevelAccess", "lockedTime", _SERVER, _STORAGE),
    SchemaCorrection("storage", "Bucket.iamConfiguration.bucketPolicyOnly", "lockedTime", _SERVER, _STORAGE),
    SchemaCorrection("storage", "Bucket.autoclass", "toggleTime terminalStorageClassUpdateTime", _SERVER, _STORAGE),
    SchemaCorrection("storage", "Bucket.retentionPolicy", "effectiveTime", _SERVER, _STORAGE),
    SchemaCorrection("storage", "Bucket.softDeletePolicy", "effectiveTime", _SERVER, _STORAGE),
    SchemaCorrection(
        "storage",
        "Object",
        "componentCount crc32c etag generation hardDeleteTime id md5Hash mediaLink metageneration owner "
        "size softDeleteTime timeCreated timeDeleted timeFinalized timeStorageClassUpdated updated",
        _SERVER,
        _STORAGE,
    ),
    SchemaCorrection("storage", "Notification", "etag id", _SERVER, _STORAGE),
    SchemaCorrection("storage", "BucketAccessControl", "etag id projectTeam", _SERVER, _STORAGE),
    SchemaCorrection("storage", "ObjectAccessControl", "etag generation id projectTeam", _SERVER, _STORAGE),
    SchemaCorrection("storage", "ManagedFolder", "id metageneration", _SERVER, _STORAGE),
    SchemaCorrection("storage", "Folder", "id metageneration", _SERVER, _STORAGE),
    SchemaCorrection("storage", "HmacKeyMetadata", "accessId etag id timeCreated updated", _SERVER, _STORAGE),
    SchemaCorrection(
        "storage",
        "AnywhereCache",
        "id pendingUpdate state",
        _SERVER,
        _STORAGE,
    ),
    SchemaCorrection("storage", "RapidCache", "id pendingUpdate", _SERVER, _STORAGE),
    SchemaCorrection(
        "sqladmin",
        "DatabaseInstance",
        "connectionName currentDiskSize diskEncryptionStatus etag gceZone ipAddresses ipv6Address "
        "outOfDiskReport replicaNames satisfiesPzs scheduledMaintenance secondaryGceZone serverCaCert "
        "state suspensionReason",
        _SERVER,
        _SQL,
    ),
    SchemaCorrection("sqladmin", "DatabaseInstance", "rootPassword", _WRITE_ONLY, "set on creation, never answered"),
    SchemaCorrection("sqladmin", "User", "etag", _SERVER, _SQL),
    SchemaCorrection("sqladmin", "User", "password", _WRITE_ONLY, "never answered"),
    SchemaCorrection("sqladmin", "Database", "etag", _SERVER, _SQL),
    SchemaCorrection("sqladmin", "Settings", "settingsVersion", _SERVER, _SQL),
    SchemaCorrection(
        "sqladmin",
        "SslCert",
        "cert certSerialNumber createTime expirationTime sha1Fingerprint",
        _SERVER,
        _SQL,
    ),
    SchemaCorrection(
        "run",
        "ObjectMeta",
        "creationTimestamp deletionTimestamp generation resourceVersion selfLink uid",
        _SERVER,
        _KNATIVE,
    ),
    *(
        SchemaCorrection("run", name, "status", _SERVER, _KNATIVE)
        for name in ("Service", "Revision", "Configuration", "Route", "DomainMapping", "WorkerPool")
    ),
    SchemaCorrection("speech", "CustomClass", "annotations displayName", _CLIENT, _SPEECH),
    SchemaCorrection("speech", "PhraseSet", "annotations displayName", _CLIENT, _SPEECH),
    SchemaCorrection(
        "composer", "Environment", "state", _SERVER, "described as the current state, and no request takes it"
    ),
    SchemaCorrection(
        "compute", "RouterMd5AuthenticationKey", "key", _SECRET, "the key of an MD5 session, which is returned"
    ),
    SchemaCorrection("composer", "UserWorkloadsSecret", "data", _SECRET, "a Kubernetes Secret's data"),
    SchemaCorrection("secretmanager", "SecretPayload", "data", _SECRET, "the secret itself"),
    SchemaCorrection("parametermanager", "ParameterVersionPayload", "data", _SECRET, "a parameter may hold secrets"),
    *(
        SchemaCorrection("run", schema, "encryptionKey", _SHOWN, _KEY_NAME)
        for schema in (
            "GoogleCloudRunV2Instance",
            "GoogleCloudRunV2Revision",
            "GoogleCloudRunV2RevisionTemplate",
            "GoogleCloudRunV2TaskTemplate",
            "GoogleCloudRunV2WorkerPoolRevisionTemplate",
        )
    ),
    SchemaCorrection("container", "UserManagedKeysConfig", "controlPlaneDiskEncryptionKey", _SHOWN, _KEY_NAME),
    SchemaCorrection("redis", "Instance", "customerManagedKey", _SHOWN, _KEY_NAME),
    SchemaCorrection("eventarc", "EventFilter", "value", _SHOWN, _EVENT_FILTER),
    SchemaCorrection("eventarc", "MatchingCriteria", "value", _SHOWN, _EVENT_FILTER),
    SchemaCorrection("cloudfunctions", "EventFilter", "value", _SHOWN, _EVENT_FILTER),
    SchemaCorrection("sqladmin", "AclEntry", "value", _SHOWN, _NETWORK),
    SchemaCorrection("datamigration", "SqlAclEntry", "value", _SHOWN, _NETWORK),
    SchemaCorrection("composer", "AllowedIpRange", "value", _SHOWN, _NETWORK),
    SchemaCorrection("gkehub", "PolicyControllerToleration", "value", _SHOWN, _TAINT),
    SchemaCorrection("gkeonprem", "NodeTaint", "value", _SHOWN, _TAINT),
    SchemaCorrection("compute", "MetadataFilterLabelMatch", "value", _SHOWN, _LABEL),
    SchemaCorrection("gkebackup", "Label", "value", _SHOWN, _LABEL),
    SchemaCorrection("monitoring", "SpanAttributeFilter", "value", _SHOWN, _LABEL),
    SchemaCorrection("storage", "Bucket.cors", "responseHeader", _SHOWN, _HEADER_NAME),
    SchemaCorrection("networkservices", "HttpRouteHeaderMatch", "header", _SHOWN, _HEADER_NAME),
    SchemaCorrection("networksecurity", "RateLimitPolicyRateLimitBucketKey", "header", _SHOWN, _HEADER_NAME),
    SchemaCorrection("monitoring", "MonitoringQueryLanguageCondition", "query", _SHOWN, _MONITORED),
    SchemaCorrection("monitoring", "PrometheusQueryLanguageCondition", "query", _SHOWN, _MONITORED),
    SchemaCorrection("monitoring", "SqlCondition", "query", _SHOWN, _MONITORED),
    SchemaCorrection("speech", "ClassItem", "value", _SHOWN, _PHRASE),
    SchemaCorrection("speech", "Phrase", "value", _SHOWN, _PHRASE),
    SchemaCorrection("redis", "Instance", "redisConfigs", _SHOWN, _ENGINE),
    SchemaCorrection("redis", "Cluster", "redisConfigs", _SHOWN, _ENGINE),
    SchemaCorrection("memcache", "MemcacheParameters", "params", _SHOWN, _ENGINE),
    SchemaCorrection("alloydb", "Instance", "databaseFlags", _SHOWN, _ENGINE),
    SchemaCorrection("container", "LinuxNodeConfig", "sysctls", _SHOWN, "settings of the kernel"),
    SchemaCorrection("composer", "SoftwareConfig", "pypiPackages", _SHOWN, "the versions of packages"),
    SchemaCorrection(
        "bigquerydatatransfer",
        "TransferConfig",
        "params",
        _SHOWN_BY_KEY,
        "the keys are those of the data source, among them a source's password and a query",
    ),
    SchemaCorrection(
        "bigquerydatatransfer",
        "UserInfo",
        "email",
        _SERVER,
        "what the service found out about the configuring user",
    ),
)


@cache
def _table() -> Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]]:
    by_schema: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for correction in CORRECTIONS:
        fields = by_schema.setdefault((correction.service, correction.schema), {})
        for name in correction.fields.split():
            fields.setdefault(name, {}).update(correction.attributes)
    return MappingProxyType(by_schema)


_NONE: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def of(service: str, schema: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the corrections of one schema: field → attribute → value.

    Args:
        service: The API, as `storage`.
        schema: The schema's name; of an anonymous message, `Owner.field`.
    """
    return _table().get((service, schema), _NONE)
