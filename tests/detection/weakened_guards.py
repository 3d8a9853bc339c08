"""Changes of undeclared values that weaken a guard, picked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BUCKET = "storage.googleapis.com/Bucket"
INSTANCE = "compute.googleapis.com/Instance"

HAND_PICKED: Mapping[str, tuple[tuple[str, Any, Any], ...]] = {
    "sqladmin.googleapis.com/Instance": (
        ("settings.ipConfiguration.ipv4Enabled", False, True),
        ("settings.ipConfiguration.sslMode", "ENCRYPTED_ONLY", "ALLOW_UNENCRYPTED_AND_ENCRYPTED"),
        ("settings.ipConfiguration.authorizedNetworks", [], [{"value": "0.0.0.0/0"}]),
        ("settings.backupConfiguration.enabled", True, False),
        ("settings.backupConfiguration.pointInTimeRecoveryEnabled", True, False),
        ("settings.deletionProtectionEnabled", True, False),
        ("settings.databaseFlags", [{"name": "log_connections", "value": "on"}], []),
        ("settings.passwordValidationPolicy.enablePasswordPolicy", True, False),
        ("settings.connectorEnforcement", "REQUIRED", "NOT_REQUIRED"),
        ("settings.dataApiAccess", "DISALLOW_DATA_API", "ALLOW_DATA_API"),
    ),
    BUCKET: (
        ("versioning.enabled", True, False),
        ("retentionPolicy.retentionPeriod", "86400", None),
        ("logging.logBucket", "logs", None),
        ("iamConfiguration.uniformBucketLevelAccess.enabled", True, False),
        ("encryption.defaultKmsKeyName", "projects/p/locations/eu/keyRings/r/cryptoKeys/k", None),
        ("softDeletePolicy.retentionDurationSeconds", "604800", "0"),
        ("cors", [], [{"origin": ["*"], "method": ["GET"]}]),
        ("ipFilter.mode", "Enabled", "Disabled"),
        ("defaultEventBasedHold", True, False),
    ),
    INSTANCE: (
        ("canIpForward", False, True),
        ("deletionProtection", True, False),
        ("shieldedInstanceConfig.enableVtpm", True, False),
        ("confidentialInstanceConfig.enableConfidentialCompute", True, False),
        ("metadata.items", [{"key": "enable-oslogin", "value": "TRUE"}], [{"key": "enable-oslogin", "value": "FALSE"}]),
        ("metadata.items", [], [{"key": "serial-port-enable", "value": "1"}]),
        ("serviceAccounts", [], [{"email": "a@b", "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}]),
        ("tags.items", [], ["open"]),
        ("networkInterfaces", [{"name": "nic0"}], [{"name": "nic0", "accessConfigs": [{"type": "ONE_TO_ONE_NAT"}]}]),
    ),
    "container.googleapis.com/Cluster": (
        ("masterAuthorizedNetworksConfig.enabled", True, False),
        ("legacyAbac.enabled", False, True),
        ("networkPolicy.enabled", True, False),
        ("binaryAuthorization.evaluationMode", "PROJECT_SINGLETON_POLICY_ENFORCE", "DISABLED"),
        ("loggingService", "logging.googleapis.com/kubernetes", "none"),
        ("monitoringService", "monitoring.googleapis.com/kubernetes", "none"),
        ("databaseEncryption.keyName", "projects/p/locations/l/keyRings/r/cryptoKeys/k", None),
        ("workloadIdentityConfig.workloadPool", "p.svc.id.goog", None),
        ("privateClusterConfig.enablePrivateNodes", True, False),
        ("shieldedNodes.enabled", True, False),
        ("nodeConfig.workloadMetadataConfig.mode", "GKE_METADATA", "GCE_METADATA"),
        ("autopilot.workloadPolicyConfig.allowNetAdmin", False, True),
    ),
    "redis.googleapis.com/Instance": (
        ("authEnabled", True, False),
        ("transitEncryptionMode", "SERVER_AUTHENTICATION", "DISABLED"),
        ("connectMode", "PRIVATE_SERVICE_ACCESS", "DIRECT_PEERING"),
        ("persistenceConfig.rdbSnapshotPeriod", "ONE_HOUR", None),
    ),
    "compute.googleapis.com/Firewall": (
        ("disabled", False, True),
        ("logConfig.enable", True, False),
        ("sourceRanges", ["10.0.0.0/8"], ["0.0.0.0/0"]),
        ("allowed", [{"IPProtocol": "tcp", "ports": ["443"]}], [{"IPProtocol": "all"}]),
        ("priority", 1000, 1),
    ),
    "compute.googleapis.com/Subnetwork": (
        ("privateIpGoogleAccess", True, False),
        ("enableFlowLogs", True, False),
        ("logConfig.enable", True, False),
    ),
    "compute.googleapis.com/Network": (
        ("peerings", [], [{"name": "out", "network": "projects/other/global/networks/x"}]),
    ),
    "compute.googleapis.com/BackendService": (
        ("iap.enabled", True, False),
        ("securityPolicy", "projects/p/global/securityPolicies/armor", None),
        ("protocol", "HTTPS", "HTTP"),
        ("logConfig.enable", True, False),
    ),
    "compute.googleapis.com/SslPolicy": (
        ("minTlsVersion", "TLS_1_2", "TLS_1_0"),
        ("profile", "RESTRICTED", "COMPATIBLE"),
    ),
    "dns.googleapis.com/ManagedZone": (
        ("dnssecConfig.state", "ON", "OFF"),
        ("visibility", "PRIVATE", "PUBLIC"),
        ("cloudLoggingConfig.enableLogging", True, False),
    ),
    "run.googleapis.com/Service": (
        ("ingress", "INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_ALL"),
        ("invokerIamDisabled", False, True),
        ("template.serviceAccount", "a@p.iam.gserviceaccount.com", "b@p.iam.gserviceaccount.com"),
        ("template.vpcAccess.egress", "ALL_TRAFFIC", "PRIVATE_RANGES_ONLY"),
        ("binaryAuthorization.useDefault", True, False),
    ),
    "cloudkms.googleapis.com/CryptoKey": (
        ("rotationPeriod", "7776000s", "77760000s"),
        ("destroyScheduledDuration", "2592000s", "86400s"),
    ),
    "logging.googleapis.com/LogSink": (
        ("destination", "storage.googleapis.com/audit", "storage.googleapis.com/elsewhere"),
        ("filter", "severity>=WARNING", "severity>=EMERGENCY"),
        ("disabled", False, True),
        ("exclusions", [], [{"name": "all", "filter": "true"}]),
    ),
    "bigquery.googleapis.com/Dataset": (
        ("defaultEncryptionConfiguration.kmsKeyName", "projects/p/locations/l/keyRings/r/cryptoKeys/k", None),
        ("access", [{"role": "READER", "userByEmail": "a@b"}], [{"role": "READER", "iamMember": "allUsers"}]),
        ("isCaseInsensitive", None, None),
    ),
    "spanner.googleapis.com/Database": (
        ("enableDropProtection", True, False),
        ("versionRetentionPeriod", "7d", "1h"),
    ),
    "secretmanager.googleapis.com/Secret": (
        ("rotation.rotationPeriod", "2592000s", None),
        ("expireTime", None, "2027-01-01T00:00:00Z"),
    ),
    "iam.googleapis.com/ServiceAccount": (("disabled", True, False),),
    "file.googleapis.com/Instance": (("deletionProtectionEnabled", True, False), ("kmsKeyName", "k", "l")),
    "alloydb.googleapis.com/Cluster": (
        ("automatedBackupPolicy.enabled", True, False),
        ("continuousBackupConfig.enabled", True, False),
        ("encryptionConfig.kmsKeyName", "k", None),
    ),
    "artifactregistry.googleapis.com/Repository": (
        ("dockerConfig.immutableTags", True, False),
        ("kmsKeyName", "k", None),
        ("vulnerabilityScanningConfig.enablementConfig", "INHERITED", "DISABLED"),
    ),
    "pubsub.googleapis.com/Topic": (
        ("kmsKeyName", "k", None),
        ("messageStoragePolicy.allowedPersistenceRegions", ["europe-west1"], ["us-central1"]),
    ),
    "pubsub.googleapis.com/Subscription": (
        ("pushConfig.pushEndpoint", "https://a.example.com", "https://b.example.com"),
        ("retainAckedMessages", None, None),
    ),
    "monitoring.googleapis.com/AlertPolicy": (
        ("enabled", True, False),
        ("notificationChannels", ["projects/p/notificationChannels/1"], []),
    ),
}
"""Changes that weaken a guard: the path, before and after, by asset type."""
