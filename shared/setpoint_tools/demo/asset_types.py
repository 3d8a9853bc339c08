"""The asset types of the sample fleet, as the feed describes them."""

from __future__ import annotations

from typing import NamedTuple


class SampleType(NamedTuple):
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


BUCKET = SampleType("storage.googleapis.com/Bucket", _old("storage", "v1"), "Bucket")
DATASET = SampleType("bigquery.googleapis.com/Dataset", _old("bigquery", "v2"), "Dataset", "v2")
DATABASE = SampleType("sqladmin.googleapis.com/Instance", _old("sqladmin", "v1beta4"), "DatabaseInstance", "v1beta4")
REDIS = SampleType("redis.googleapis.com/Instance", _new("redis", "v1"), "Instance")
REPOSITORY = SampleType("artifactregistry.googleapis.com/Repository", _new("artifactregistry", "v1"), "Repository")

NETWORK = SampleType("compute.googleapis.com/Network", _old("compute", "v1"), "Network")
SUBNETWORK = SampleType("compute.googleapis.com/Subnetwork", _old("compute", "v1"), "Subnetwork")
FIREWALL = SampleType("compute.googleapis.com/Firewall", _old("compute", "v1"), "Firewall")
ZONE = SampleType("dns.googleapis.com/ManagedZone", _old("dns", "v1"), "ManagedZone")

INSTANCE = SampleType("compute.googleapis.com/Instance", _old("compute", "v1"), "Instance")
CLUSTER = SampleType("container.googleapis.com/Cluster", _new("container", "v1"), "Cluster")
SERVICE = SampleType("run.googleapis.com/Service", _new("run", "v2"), "GoogleCloudRunV2Service", "v2")

TOPIC = SampleType("pubsub.googleapis.com/Topic", _new("pubsub", "v1"), "Topic")
SUBSCRIPTION = SampleType("pubsub.googleapis.com/Subscription", _new("pubsub", "v1"), "Subscription")
SINK = SampleType("logging.googleapis.com/LogSink", _new("logging", "v2"), "LogSink", "v2")

KEY = SampleType("cloudkms.googleapis.com/CryptoKey", _new("cloudkms", "v1"), "CryptoKey")
SECRET = SampleType("secretmanager.googleapis.com/Secret", _new("secretmanager", "v1"), "Secret")
ACCOUNT = SampleType("iam.googleapis.com/ServiceAccount", _new("iam", "v1"), "ServiceAccount")
PROJECT = SampleType("cloudresourcemanager.googleapis.com/Project", _new("cloudresourcemanager", "v1"), "Project")
FOLDER = SampleType("cloudresourcemanager.googleapis.com/Folder", _new("cloudresourcemanager", "v2"), "Folder", "v2")
