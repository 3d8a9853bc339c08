"""The asset types of the sample fleet, as the feed describes them."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """An asset type and the discovery document that the feed names with it.

    Args:
        asset_type: Cloud Asset Inventory's type.
        discovery_uri: address of the discovery document.
        discovery_name: the schema in it.
        version: the version of the API.
    """

    asset_type: str
    discovery_uri: str
    discovery_name: str
    version: str = "v1"


def _old(api: str, version: str) -> str:
    return f"https://www.googleapis.com/discovery/v1/apis/{api}/{version}/rest"


def _new(host: str, version: str) -> str:
    return f"https://{host}.googleapis.com/$discovery/rest?version={version}"


BUCKET = Kind("storage.googleapis.com/Bucket", _old("storage", "v1"), "Bucket")
DATASET = Kind("bigquery.googleapis.com/Dataset", _old("bigquery", "v2"), "Dataset", "v2")
DATABASE = Kind("sqladmin.googleapis.com/Instance", _old("sqladmin", "v1beta4"), "DatabaseInstance", "v1beta4")
REDIS = Kind("redis.googleapis.com/Instance", _new("redis", "v1"), "Instance")
REPOSITORY = Kind("artifactregistry.googleapis.com/Repository", _new("artifactregistry", "v1"), "Repository")

NETWORK = Kind("compute.googleapis.com/Network", _old("compute", "v1"), "Network")
SUBNETWORK = Kind("compute.googleapis.com/Subnetwork", _old("compute", "v1"), "Subnetwork")
FIREWALL = Kind("compute.googleapis.com/Firewall", _old("compute", "v1"), "Firewall")
ZONE = Kind("dns.googleapis.com/ManagedZone", _old("dns", "v1"), "ManagedZone")

INSTANCE = Kind("compute.googleapis.com/Instance", _old("compute", "v1"), "Instance")
CLUSTER = Kind("container.googleapis.com/Cluster", _new("container", "v1"), "Cluster")
SERVICE = Kind("run.googleapis.com/Service", _new("run", "v2"), "GoogleCloudRunV2Service", "v2")

TOPIC = Kind("pubsub.googleapis.com/Topic", _new("pubsub", "v1"), "Topic")
SUBSCRIPTION = Kind("pubsub.googleapis.com/Subscription", _new("pubsub", "v1"), "Subscription")
SINK = Kind("logging.googleapis.com/LogSink", _new("logging", "v2"), "LogSink", "v2")

KEY = Kind("cloudkms.googleapis.com/CryptoKey", _new("cloudkms", "v1"), "CryptoKey")
SECRET = Kind("secretmanager.googleapis.com/Secret", _new("secretmanager", "v1"), "Secret")
ACCOUNT = Kind("iam.googleapis.com/ServiceAccount", _new("iam", "v1"), "ServiceAccount")
PROJECT = Kind("cloudresourcemanager.googleapis.com/Project", _new("cloudresourcemanager", "v1"), "Project")
FOLDER = Kind("cloudresourcemanager.googleapis.com/Folder", _new("cloudresourcemanager", "v2"), "Folder", "v2")
