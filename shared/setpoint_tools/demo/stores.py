"""Sample buckets, datasets, databases, caches and image repositories."""

from __future__ import annotations

from setpoint_tools.demo.asset_types import BUCKET, DATABASE, DATASET, REDIS, REPOSITORY
from setpoint_tools.demo.samples import Data, Sample, Site

_DAY = 86400


def bucket(at: Site, name: str, *, key: str = "", ignore: tuple[str, ...] = ()) -> Sample:
    """A bucket with versions, an end of life for old ones, and no public access."""
    labels = at.labels()
    rules: list[Data] = [
        {"action": {"type": "SetStorageClass", "storageClass": "NEARLINE"}, "condition": {"age": 30}},
        {"action": {"type": "Delete"}, "condition": {"age": 365, "isLive": False}},
    ]
    declared: Data = {
        "location": at.hand.constant("EU"),
        "storageClass": "STANDARD",
        "versioning": {"enabled": True},
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": True},
            "publicAccessPrevention": "enforced",
        },
        "softDeletePolicy": {"retentionDurationSeconds": at.hand.number(7 * _DAY)},
        "lifecycle": {"rule": at.hand.order(rules)},
        "billing": {"requesterPays": False},
        "labels": labels,
    }
    live = {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
        "projectNumber": at.project.number,
        "metageneration": at.server.digits(2),
        "location": "EU",
        "locationType": "multi-region",
        "storageClass": "STANDARD",
        "timeCreated": at.server.time(),
        "updated": at.server.time(),
        "etag": at.server.token(),
        "versioning": {"enabled": True},
        "iamConfiguration": {
            "bucketPolicyOnly": {"enabled": True, "lockedTime": at.server.time()},
            "uniformBucketLevelAccess": {"enabled": True, "lockedTime": at.server.time()},
            "publicAccessPrevention": "enforced",
        },
        "softDeletePolicy": {"retentionDurationSeconds": str(7 * _DAY), "effectiveTime": at.server.time()},
        "lifecycle": {"rule": [rules[0], {"action": {"type": "Delete"}, "condition": {"age": 365}}]},
        "labels": at.live_labels(labels),
        "rpo": "DEFAULT",
    }
    if key:
        declared["encryption"] = {"defaultKmsKeyName": at.hand.one_of(key, f"//cloudkms.googleapis.com/{key}")}
        live["encryption"] = {"defaultKmsKeyName": key}
    return at.sample(BUCKET, f"storage/{name}", declared, live, location="eu", ignore=ignore)


def dataset(at: Site, name: str) -> Sample:
    """A dataset with its readers."""
    labels = at.labels()
    access = [
        {"role": "WRITER", "specialGroup": "projectWriters"},
        {"role": "OWNER", "specialGroup": "projectOwners"},
        {"role": "READER", "groupByEmail": "analysts@example.com"},
        {"role": "READER", "groupByEmail": f"{at.project.owner.team}-team@example.com"},
    ]
    declared = {
        "datasetReference": {"datasetId": name},
        "location": at.hand.constant("EU"),
        "friendlyName": name.replace("_", " "),
        "defaultTableExpirationMs": at.hand.number(90 * _DAY * 1000),
        "maxTimeTravelHours": at.hand.number(168),
        "isCaseInsensitive": False,
        "access": at.hand.order(access),
        "labels": labels,
    }
    live = {
        "kind": "bigquery#dataset",
        "etag": at.server.token(),
        "id": f"{at.project.id}:{name}",
        "selfLink": f"https://bigquery.googleapis.com/bigquery/v2/projects/{at.project.id}/datasets/{name}",
        "datasetReference": {"datasetId": name, "projectId": at.project.id},
        "friendlyName": name.replace("_", " "),
        "location": "EU",
        "defaultTableExpirationMs": str(90 * _DAY * 1000),
        "maxTimeTravelHours": "168",
        "creationTime": str(int(at.server.born().timestamp() * 1000)),
        "lastModifiedTime": str(int(at.server.born().timestamp() * 1000)),
        "type": "DEFAULT",
        "access": access,
        "labels": at.live_labels(labels),
    }
    return at.sample(DATASET, f"bigquery/projects/{at.project.id}/datasets/{name}", declared, live, location="EU")


def database(at: Site, name: str) -> Sample:
    """A PostgreSQL instance: private, backed up, protected against deletion."""
    labels = at.labels()
    version = at.hand.one_of("POSTGRES_15", "POSTGRES_16")
    flags = [
        {"name": "cloudsql.iam_authentication", "value": "on"},
        {"name": "log_min_duration_statement", "value": "500"},
        {"name": "max_connections", "value": "400"},
    ]
    settings = {
        "tier": "db-custom-4-15360",
        "availabilityType": at.hand.constant("REGIONAL"),
        "dataDiskSizeGb": at.hand.number(100),
        "dataDiskType": "PD_SSD",
        "deletionProtectionEnabled": True,
        "backupConfiguration": {
            "enabled": True,
            "startTime": "03:00",
            "pointInTimeRecoveryEnabled": True,
            "backupRetentionSettings": {"retainedBackups": at.hand.number(14), "retentionUnit": "count"},
        },
        "ipConfiguration": {
            "ipv4Enabled": False,
            "privateNetwork": at.hand.link(at.project.network),
            "sslMode": "ENCRYPTED_ONLY",
            "authorizedNetworks": [],
        },
        "databaseFlags": at.hand.order(
            [*flags[:1], {"name": "log_min_duration_statement", "value": at.hand.number(500)}, *flags[2:]]
        ),
        "maintenanceWindow": {"day": 7, "hour": at.hand.number(2), "updateTrack": "stable"},
        "userLabels": labels,
    }
    live_settings = {
        "kind": "sql#settings",
        "settingsVersion": at.server.digits(3),
        "tier": "db-custom-4-15360",
        "edition": "ENTERPRISE",
        "availabilityType": "REGIONAL",
        "activationPolicy": "ALWAYS",
        "pricingPlan": "PER_USE",
        "replicationType": "SYNCHRONOUS",
        "dataDiskSizeGb": "100",
        "dataDiskType": "PD_SSD",
        "storageAutoResize": True,
        "storageAutoResizeLimit": "0",
        "deletionProtectionEnabled": True,
        "backupConfiguration": {
            "kind": "sql#backupConfiguration",
            "enabled": True,
            "startTime": "03:00",
            "pointInTimeRecoveryEnabled": True,
            "replicationLogArchivingEnabled": True,
            "transactionLogRetentionDays": 7,
            "backupRetentionSettings": {"retainedBackups": 14, "retentionUnit": "COUNT"},
        },
        "ipConfiguration": {
            "privateNetwork": at.project.network,
            "sslMode": "ENCRYPTED_ONLY",
            "requireSsl": True,
        },
        "databaseFlags": flags,
        "maintenanceWindow": {"kind": "sql#maintenanceWindow", "day": 7, "hour": 2, "updateTrack": "stable"},
        "locationPreference": {"kind": "sql#locationPreference", "zone": f"{at.project.region}-b"},
        "userLabels": at.live_labels(labels),
    }
    declared = {"name": name, "databaseVersion": version, "region": at.project.region, "settings": settings}
    live = {
        "kind": "sql#instance",
        "name": name,
        "project": at.project.id,
        "selfLink": f"https://sqladmin.googleapis.com/sql/v1beta4/projects/{at.project.id}/instances/{name}",
        "connectionName": f"{at.project.id}:{at.project.region}:{name}",
        "createTime": at.server.time(),
        "databaseVersion": version,
        "databaseInstalledVersion": f"{version}_7",
        "backendType": "SECOND_GEN",
        "instanceType": "CLOUD_SQL_INSTANCE",
        "region": at.project.region,
        "gceZone": f"{at.project.region}-b",
        "state": "RUNNABLE",
        "etag": at.server.token(),
        "ipAddresses": [{"type": "PRIVATE", "ipAddress": at.server.address()}],
        "serverCaCert": {
            "kind": "sql#sslCert",
            "certSerialNumber": "0",
            "commonName": f"C=US,O=Google\\, Inc,CN={at.server.hex(8)}",
            "sha1Fingerprint": at.server.hex(40),
        },
        "serviceAccountEmailAddress": f"p{at.project.number}-x4f7qz@gcp-sa-cloud-sql.iam.gserviceaccount.com",
        "settings": live_settings,
    }
    path = f"cloudsql/projects/{at.project.id}/instances/{name}"
    return at.sample(DATABASE, path, declared, live, location=at.project.region)


def redis(at: Site, name: str) -> Sample:
    """A cache, replicated, with a password and encryption in transit."""
    path = f"projects/{at.project.id}/locations/{at.project.region}/instances/{name}"
    declared = {
        "name": at.hand.near(path, "redis"),
        "tier": at.hand.constant("STANDARD_HA"),
        "memorySizeGb": at.hand.number(5),
        "redisVersion": "REDIS_7_0",
        "authorizedNetwork": at.hand.link(at.project.network),
        "authEnabled": True,
        "transitEncryptionMode": "SERVER_AUTHENTICATION",
        "connectMode": "PRIVATE_SERVICE_ACCESS",
        "redisConfigs": {"maxmemory-policy": "allkeys-lru", "timeout": at.hand.number(300)},
        "maintenancePolicy": {
            "weeklyMaintenanceWindow": [{"day": at.hand.constant("SUNDAY"), "startTime": {"hours": 2, "minutes": 0}}]
        },
    }
    live = {
        "name": path,
        "tier": "STANDARD_HA",
        "memorySizeGb": 5,
        "redisVersion": "REDIS_7_0",
        "authorizedNetwork": at.project.network,
        "authEnabled": True,
        "transitEncryptionMode": "SERVER_AUTHENTICATION",
        "connectMode": "PRIVATE_SERVICE_ACCESS",
        "redisConfigs": {"maxmemory-policy": "allkeys-lru", "timeout": "300"},
        "maintenancePolicy": {
            "createTime": at.server.time(),
            "updateTime": at.server.time(),
            "weeklyMaintenanceWindow": [{"day": "SUNDAY", "startTime": {"hours": 2}, "duration": "3600s"}],
        },
        "host": at.server.address(),
        "port": 6378,
        "state": "READY",
        "createTime": at.server.time(),
        "locationId": f"{at.project.region}-b",
        "currentLocationId": f"{at.project.region}-c",
        "persistenceIamIdentity": f"serviceAccount:{at.project.number}-compute@developer.gserviceaccount.com",
    }
    return at.sample(REDIS, f"redis/{path}", declared, live, location=at.project.region)


def repository(at: Site, name: str) -> Sample:
    """A repository of images that drops what nobody uses."""
    labels = at.labels()
    path = f"projects/{at.project.id}/locations/{at.project.region}/repositories/{name}"
    declared = {
        "format": at.hand.constant("DOCKER"),
        "mode": "STANDARD_REPOSITORY",
        "dockerConfig": {"immutableTags": True},
        "cleanupPolicies": {
            "untagged": {
                "id": "untagged",
                "action": at.hand.constant("DELETE"),
                "condition": {"tagState": "UNTAGGED", "olderThan": at.hand.duration(30 * _DAY)},
            }
        },
        "labels": labels,
    }
    live = {
        "name": path,
        "format": "DOCKER",
        "mode": "STANDARD_REPOSITORY",
        "dockerConfig": {"immutableTags": True},
        "cleanupPolicies": {
            "untagged": {
                "id": "untagged",
                "action": "DELETE",
                "condition": {"tagState": "UNTAGGED", "olderThan": f"{30 * _DAY}s"},
            }
        },
        "labels": at.live_labels(labels),
        "createTime": at.server.time(),
        "updateTime": at.server.time(),
        "sizeBytes": at.server.digits(11),
        "registryUri": f"{at.project.region}-docker.pkg.dev/{at.project.id}/{name}",
    }
    return at.sample(REPOSITORY, f"artifactregistry/{path}", declared, live, location=at.project.region)
