"""Sample buckets, datasets, databases, caches and image repositories."""

from __future__ import annotations

from setpoint_tools.demo.asset_types import BUCKET, DATABASE, DATASET, REDIS, REPOSITORY
from setpoint_tools.demo.samples import Data, Sample, Site

_DAY = 86400


def bucket(site: Site, name: str, *, key: str = "", ignore: tuple[str, ...] = ()) -> Sample:
    """A bucket with versions, an end of life for old ones, and no public access."""
    labels = site.labels()
    rules: list[Data] = [
        {"action": {"type": "SetStorageClass", "storageClass": "NEARLINE"}, "condition": {"age": 30}},
        {"action": {"type": "Delete"}, "condition": {"age": 365, "isLive": False}},
    ]
    declared: Data = {
        "location": site.spelling.constant("EU"),
        "storageClass": "STANDARD",
        "versioning": {"enabled": True},
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": True},
            "publicAccessPrevention": "enforced",
        },
        "softDeletePolicy": {"retentionDurationSeconds": site.spelling.number(7 * _DAY)},
        "lifecycle": {"rule": site.spelling.order(rules)},
        "billing": {"requesterPays": False},
        "labels": labels,
    }
    live = {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
        "projectNumber": site.project.number,
        "metageneration": site.server.digits(2),
        "location": "EU",
        "locationType": "multi-region",
        "storageClass": "STANDARD",
        "timeCreated": site.server.time(),
        "updated": site.server.time(),
        "etag": site.server.token(),
        "versioning": {"enabled": True},
        "iamConfiguration": {
            "bucketPolicyOnly": {"enabled": True, "lockedTime": site.server.time()},
            "uniformBucketLevelAccess": {"enabled": True, "lockedTime": site.server.time()},
            "publicAccessPrevention": "enforced",
        },
        "softDeletePolicy": {"retentionDurationSeconds": str(7 * _DAY), "effectiveTime": site.server.time()},
        "lifecycle": {"rule": rules},
        "labels": site.live_labels(labels),
        "rpo": "DEFAULT",
    }
    if key:
        declared["encryption"] = {"defaultKmsKeyName": site.spelling.one_of(key, f"//cloudkms.googleapis.com/{key}")}
        live["encryption"] = {"defaultKmsKeyName": key}
    return site.sample(BUCKET, f"storage/{name}", declared, live, location="eu", ignore=ignore)


def dataset(site: Site, name: str) -> Sample:
    """A dataset with its readers."""
    labels = site.labels()
    access = [
        {"role": "WRITER", "specialGroup": "projectWriters"},
        {"role": "OWNER", "specialGroup": "projectOwners"},
        {"role": "READER", "groupByEmail": "analysts@example.com"},
        {"role": "READER", "groupByEmail": f"{site.project.owner.team}-team@example.com"},
    ]
    declared = {
        "datasetReference": {"datasetId": name},
        "location": site.spelling.constant("EU"),
        "friendlyName": name.replace("_", " "),
        "defaultTableExpirationMs": site.spelling.number(90 * _DAY * 1000),
        "maxTimeTravelHours": site.spelling.number(168),
        "isCaseInsensitive": False,
        "access": site.spelling.order(access),
        "labels": labels,
    }
    live = {
        "kind": "bigquery#dataset",
        "etag": site.server.token(),
        "id": f"{site.project.id}:{name}",
        "selfLink": f"https://bigquery.googleapis.com/bigquery/v2/projects/{site.project.id}/datasets/{name}",
        "datasetReference": {"datasetId": name, "projectId": site.project.id},
        "friendlyName": name.replace("_", " "),
        "location": "EU",
        "defaultTableExpirationMs": str(90 * _DAY * 1000),
        "maxTimeTravelHours": "168",
        "creationTime": str(int(site.server.born().timestamp() * 1000)),
        "lastModifiedTime": str(int(site.server.born().timestamp() * 1000)),
        "type": "DEFAULT",
        "access": access,
        "labels": site.live_labels(labels),
    }
    return site.sample(DATASET, f"bigquery/projects/{site.project.id}/datasets/{name}", declared, live, location="EU")


def database(site: Site, name: str) -> Sample:
    """A PostgreSQL instance: private, backed up, protected against deletion."""
    labels = site.labels()
    version = site.spelling.one_of("POSTGRES_15", "POSTGRES_16")
    flags = [
        {"name": "cloudsql.iam_authentication", "value": "on"},
        {"name": "log_min_duration_statement", "value": "500"},
        {"name": "max_connections", "value": "400"},
    ]
    settings = {
        "tier": "db-custom-4-15360",
        "availabilityType": site.spelling.constant("REGIONAL"),
        "dataDiskSizeGb": site.spelling.number(100),
        "dataDiskType": "PD_SSD",
        "deletionProtectionEnabled": True,
        "backupConfiguration": {
            "enabled": True,
            "startTime": "03:00",
            "pointInTimeRecoveryEnabled": True,
            "backupRetentionSettings": {"retainedBackups": site.spelling.number(14), "retentionUnit": "count"},
        },
        "ipConfiguration": {
            "ipv4Enabled": False,
            "privateNetwork": site.spelling.link(site.project.network),
            "sslMode": "ENCRYPTED_ONLY",
            "authorizedNetworks": [],
        },
        "databaseFlags": site.spelling.order(
            [*flags[:1], {"name": "log_min_duration_statement", "value": site.spelling.number(500)}, *flags[2:]]
        ),
        "maintenanceWindow": {"day": 7, "hour": site.spelling.number(2), "updateTrack": "stable"},
        "userLabels": labels,
    }
    live_settings = {
        "kind": "sql#settings",
        "settingsVersion": site.server.digits(3),
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
            "privateNetwork": site.project.network,
            "sslMode": "ENCRYPTED_ONLY",
            "requireSsl": True,
        },
        "databaseFlags": flags,
        "maintenanceWindow": {"kind": "sql#maintenanceWindow", "day": 7, "hour": 2, "updateTrack": "stable"},
        "locationPreference": {"kind": "sql#locationPreference", "zone": f"{site.project.region}-b"},
        "userLabels": site.live_labels(labels),
    }
    declared = {"name": name, "databaseVersion": version, "region": site.project.region, "settings": settings}
    live = {
        "kind": "sql#instance",
        "name": name,
        "project": site.project.id,
        "selfLink": f"https://sqladmin.googleapis.com/sql/v1beta4/projects/{site.project.id}/instances/{name}",
        "connectionName": f"{site.project.id}:{site.project.region}:{name}",
        "createTime": site.server.time(),
        "databaseVersion": version,
        "databaseInstalledVersion": f"{version}_7",
        "backendType": "SECOND_GEN",
        "instanceType": "CLOUD_SQL_INSTANCE",
        "region": site.project.region,
        "gceZone": f"{site.project.region}-b",
        "state": "RUNNABLE",
        "etag": site.server.token(),
        "ipAddresses": [{"type": "PRIVATE", "ipAddress": site.server.address()}],
        "serverCaCert": {
            "kind": "sql#sslCert",
            "certSerialNumber": "0",
            "commonName": f"C=US,O=Google\\, Inc,CN={site.server.hex(8)}",
            "sha1Fingerprint": site.server.hex(40),
        },
        "serviceAccountEmailAddress": f"p{site.project.number}-x4f7qz@gcp-sa-cloud-sql.iam.gserviceaccount.com",
        "settings": live_settings,
    }
    path = f"cloudsql/projects/{site.project.id}/instances/{name}"
    return site.sample(DATABASE, path, declared, live, location=site.project.region)


def redis(site: Site, name: str, *, exact: tuple[str, ...] = ()) -> Sample:
    """A cache, replicated, with a password and encryption in transit."""
    path = f"projects/{site.project.id}/locations/{site.project.region}/instances/{name}"
    declared = {
        "name": site.spelling.near(path, "redis"),
        "tier": site.spelling.constant("STANDARD_HA"),
        "memorySizeGb": site.spelling.number(5),
        "redisVersion": "REDIS_7_0",
        "authorizedNetwork": site.spelling.link(site.project.network),
        "authEnabled": True,
        "transitEncryptionMode": "SERVER_AUTHENTICATION",
        "connectMode": "PRIVATE_SERVICE_ACCESS",
        "redisConfigs": {"maxmemory-policy": "allkeys-lru", "timeout": site.spelling.number(300)},
        "maintenancePolicy": {
            "weeklyMaintenanceWindow": [
                {"day": site.spelling.constant("SUNDAY"), "startTime": {"hours": 2, "minutes": 0}}
            ]
        },
    }
    live = {
        "name": path,
        "tier": "STANDARD_HA",
        "memorySizeGb": 5,
        "redisVersion": "REDIS_7_0",
        "authorizedNetwork": site.project.network,
        "authEnabled": True,
        "transitEncryptionMode": "SERVER_AUTHENTICATION",
        "connectMode": "PRIVATE_SERVICE_ACCESS",
        "redisConfigs": {"maxmemory-policy": "allkeys-lru", "timeout": "300"},
        "maintenancePolicy": {
            "createTime": site.server.time(),
            "updateTime": site.server.time(),
            "weeklyMaintenanceWindow": [{"day": "SUNDAY", "startTime": {"hours": 2}, "duration": "3600s"}],
        },
        "host": site.server.address(),
        "port": 6378,
        "state": "READY",
        "createTime": site.server.time(),
        "locationId": f"{site.project.region}-b",
        "currentLocationId": f"{site.project.region}-c",
        "persistenceIamIdentity": f"serviceAccount:{site.project.number}-compute@developer.gserviceaccount.com",
    }
    return site.sample(REDIS, f"redis/{path}", declared, live, location=site.project.region, exact=exact)


def repository(site: Site, name: str) -> Sample:
    """A repository of images that drops what nobody uses."""
    labels = site.labels()
    path = f"projects/{site.project.id}/locations/{site.project.region}/repositories/{name}"
    declared = {
        "format": site.spelling.constant("DOCKER"),
        "mode": "STANDARD_REPOSITORY",
        "dockerConfig": {"immutableTags": True},
        "cleanupPolicies": {
            "untagged": {
                "id": "untagged",
                "action": site.spelling.constant("DELETE"),
                "condition": {"tagState": "UNTAGGED", "olderThan": site.spelling.duration(30 * _DAY)},
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
        "labels": site.live_labels(labels),
        "createTime": site.server.time(),
        "updateTime": site.server.time(),
        "sizeBytes": site.server.digits(11),
        "registryUri": f"{site.project.region}-docker.pkg.dev/{site.project.id}/{name}",
    }
    return site.sample(REPOSITORY, f"artifactregistry/{path}", declared, live, location=site.project.region)
