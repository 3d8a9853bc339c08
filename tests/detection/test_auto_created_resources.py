from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from setpoint.detection import auto_created_resources
from setpoint.model import globs
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

OBSERVED_AT = datetime(2025, 6, 17, 15, 35, 48, tzinfo=UTC)
COMPUTE = "//compute.googleapis.com/projects/shop"
LINK = "https://www.googleapis.com/compute/v1/projects/shop"


def reason(asset_type: str, name: str, data: Any = None) -> str:
    return auto_created_resources.reason(
        Observation(ResourceKey(name), asset_type, OBSERVED_AT, data={} if data is None else data)
    )


def compute(kind: str, own: str, **data: Any) -> tuple[str, str, dict[str, Any]]:
    collection = kind[0].lower() + kind[1:] + "s"
    return f"compute.googleapis.com/{kind}", f"{COMPUTE}/zones/z/{collection}/{own}", {"name": own, **data}


def bucket(own: str, **data: Any) -> tuple[str, str, dict[str, Any]]:
    return "storage.googleapis.com/Bucket", f"//storage.googleapis.com/{own}", {"name": own, **data}


def account(address: str) -> tuple[str, str, dict[str, Any]]:
    name = "//iam.googleapis.com/projects/shop/serviceAccounts/104857600000000000000"
    return "iam.googleapis.com/ServiceAccount", name, {"email": address}


def topic(own: str, kind: str = "Topic", **data: Any) -> tuple[str, str, dict[str, Any]]:
    return f"pubsub.googleapis.com/{kind}", f"//pubsub.googleapis.com/projects/shop/{kind.lower()}s/{own}", data


DEFAULT = f"{LINK}/global/networks/default"
VIA_INTERNET = f"{LINK}/global/gateways/default-internet-gateway"
SERVICE = '{"kubernetes.io/service-name":"shop/web"}'
VOLUME = '{"kubernetes.io/created-for/pv/name":"pvc-1","storage.gke.io/created-by":"pd.csi.storage.gke.io"}'
GROUP = "This instance group is controlled by Instance Group Manager 'web'. To modify instances in this group, use it."
GROUP_NAME = "projects/11/zones/europe-west1-b/instanceGroupManagers/web"
AGENT = "service-11@gcp-sa-pubsub.iam.gserviceaccount.com"

MADE = [
    (compute("Network", "default", autoCreateSubnetworks=True), "the default network of a new project"),
    (compute("Subnetwork", "main", ipCidrRange="10.132.0.0/20", network=".../main"), "made by its auto mode network"),
    (
        compute("Firewall", "default-allow-ssh", network=DEFAULT, priority=65534),
        "a pre-populated rule of the default network",
    ),
    (
        compute("Route", "default-route-1a2b", destRange="0.0.0.0/0", nextHopGateway=VIA_INTERNET),
        "the default route of its network",
    ),
    (compute("Route", "peering-route-1", nextHopPeering="servicenetworking"), "made by a network peering"),
    (compute("Route", "default-route-3", nextHopNetwork=DEFAULT), "made by a subnetwork"),
    (compute("Route", "bgp-1", routeType="BGP"), "made by a subnetwork or learnt by a router"),
    (compute("Address", "nat-auto-ip-1-2-3", purpose="NAT_AUTO"), "reserved by Cloud NAT"),
    (
        compute("ForwardingRule", "sca-auto-fr-f4949b71-c18b-49b1-ab5c-991b7badec5e"),
        "made by service connectivity automation",
    ),
    (("dns.googleapis.com/ResourceRecordSet", "//dns/x", {"type": "SOA"}), "came with its DNS zone"),
    (("k8s.io/Pod", "//container.googleapis.com/x/k8s/namespaces/a/pods/p", {}), "kept by a Kubernetes cluster"),
    (("rbac.authorization.k8s.io/Role", "//container.googleapis.com/x/k8s/r", {}), "kept by a Kubernetes cluster"),
    (compute("Instance", "gke-a-b-1234abcd-x1y2", labels={"goog-gke-node": ""}), "made by Kubernetes Engine"),
    (compute("Disk", "pvc-1", labels={"goog-k8s-cluster-name": "a"}), "made by Kubernetes Engine"),
    (compute("InstanceTemplate", "gk3-a-b-1234abcd", properties={}), "made by a node pool"),
    (compute("InstanceGroupManager", "gke-a-default-pool-1234abcd-grp"), "made by a node pool"),
    (compute("Firewall", "gke-shop-1234abcd-vms", targetTags=["gke-shop-1234abcd-node"]), "made by Kubernetes Engine"),
    (compute("Firewall", "gk3-shop-1234abcd-all", targetTags=["gk3-shop-1234abcd-node"]), "made by Kubernetes Engine"),
    (compute("Firewall", "k8s-fw-a0123456789", targetTags=["gke-shop-1234abcd-node"]), "made by Kubernetes Engine"),
    (compute("Route", "gke-shop-1234abcd-x", description="k8s-node-route"), "made by Kubernetes Engine"),
    (compute("TargetPool", "a" + "0" * 31), "made by a Kubernetes Service, Ingress or Gateway"),
    (compute("ForwardingRule", "web", description=SERVICE), "made by a Kubernetes Service, Ingress or Gateway"),
    (compute("TargetHttpsProxy", "k8s2-ts-abc"), "made by a Kubernetes Service, Ingress or Gateway"),
    (compute("Disk", "pvc-5a", description=VOLUME), "made for a Kubernetes volume"),
    (
        ("container.googleapis.com/NodePool", "//container/x/nap-1", {"autoscaling": {"autoprovisioned": True}}),
        "made by node auto-provisioning",
    ),
    (
        ("dns.googleapis.com/ManagedZone", "//dns.googleapis.com/projects/shop/managedZones/gke-shop-1234abcd-dns", {}),
        "made by Kubernetes Engine",
    ),
    (
        (
            "dns.googleapis.com/ResourceRecordSet",
            "//dns.googleapis.com/projects/shop/managedZones/gke-shop-1234abcd-dns/rrsets/a/A",
            {},
        ),
        "made by Kubernetes Engine",
    ),
    (
        compute("Instance", "web-x1y2", metadata={"items": [{"key": "created-by", "value": GROUP_NAME}]}),
        "made by a managed instance group",
    ),
    (compute("InstanceGroup", "web", description=GROUP), "made by a managed instance group"),
    (
        compute("Disk", "vm", sourceImage=".../debian-12", users=[f"{LINK}/zones/z/instances/vm"]),
        "made together with its instance",
    ),
    (compute("Snapshot", "daily-1", autoCreated=True), "made by a snapshot schedule"),
    (("compute.googleapis.com/Project", COMPUTE, {}), "came with its project"),
    (compute("Instance", "etl-m", labels={"goog-dataproc-cluster-name": "etl"}), "made by Dataproc"),
    (compute("Instance", "job-1", labels={"goog-dataflow-job-id": "1"}), "made by Dataflow"),
    (bucket("europe-west1-air-1a2b-bucket", labels={"goog-composer-environment": "air"}), "made by Composer"),
    (
        ("run.googleapis.com/Service", "//run/x", {"metadata": {"labels": {"goog-managed-by": "cloudfunctions"}}}),
        "made by a managed service",
    ),
    (bucket("gcf-sources-11-europe-west1"), "made by Cloud Functions"),
    (bucket("gcf-v2-uploads-11.europe-west1.cloudfunctions.appspot.com"), "made by Cloud Functions"),
    (bucket("run-sources-shop-europe-west1"), "made by Cloud Run"),
    (bucket("shop_cloudbuild"), "made by Cloud Build"),
    (bucket("eu.artifacts.shop.appspot.com"), "made by Container Registry"),
    (bucket("staging.shop.appspot.com"), "made by App Engine"),
    (bucket("dataproc-temp-europe-west1-11-1a2b3c4d"), "made by Dataproc"),
    (bucket("dataflow-staging-europe-west1-11"), "made by Dataflow"),
    (bucket("cloud-ai-platform-18195e29-682d-4d93-b7ee-e5c514f8eadd"), "made by Vertex AI"),
    (
        ("artifactregistry.googleapis.com/Repository", "//ar/projects/p/locations/l/repositories/gcf-artifacts", {}),
        "made by Cloud Functions",
    ),
    (
        ("artifactregistry.googleapis.com/Repository", "//ar/x/repositories/cloud-run-source-deploy", {}),
        "made by Cloud Run",
    ),
    (topic("eventarc-europe-west1-uploads-123"), "made by Eventarc"),
    (
        topic("gcf-f-europe-west1-t", "Subscription", pushConfig={"pushEndpoint": "https://x.cloudfunctions.net/f"}),
        "made by Cloud Functions",
    ),
    (topic("container-analysis-notes-v1"), "made by Artifact Analysis"),
    (
        ("bigquery.googleapis.com/Table", "//bigquery.googleapis.com/projects/p/datasets/_1a2b/tables/anon1", {}),
        "a hidden dataset of BigQuery's own",
    ),
    (("logging.googleapis.com/LogSink", "//logging.googleapis.com/p/1/sinks/_Default", {}), "made by Cloud Logging"),
    (
        ("logging.googleapis.com/LogView", "//logging.googleapis.com/p/1/buckets/mine/views/_AllLogs", {}),
        "made by Cloud Logging",
    ),
    (
        ("firestore.googleapis.com/Database", "//fs/x/databases/(default)", {"appEngineIntegrationMode": "ENABLED"}),
        "made together with an App Engine application",
    ),
    (
        ("appengine.googleapis.com/Service", "//appengine.googleapis.com/apps/shop/services/default", {}),
        "made together with an App Engine application",
    ),
    (
        ("serviceusage.googleapis.com/Service", "//su/projects/1/services/bigquerystorage.googleapis.com", {}),
        "switched on in every new project",
    ),
    (("cloudbilling.googleapis.com/ProjectBillingInfo", "//cb/projects/p/billingInfo", {}), "came with its project"),
    (account("11-compute@developer.gserviceaccount.com"), "a default service account"),
    (account("shop@appspot.gserviceaccount.com"), "a default service account"),
    (account(AGENT), "a service agent"),
    (
        ("iam.googleapis.com/ServiceAccountKey", "//iam/x/keys/1", {"keyType": "SYSTEM_MANAGED"}),
        "a key that Google manages and rotates",
    ),
    (
        ("apikeys.googleapis.com/Key", "//apikeys/x/keys/1", {"displayName": "Browser key (auto created by Firebase)"}),
        "made by Firebase",
    ),
    (("run.googleapis.com/Revision", "//run/x/revisions/1", {}), auto_created_resources.HAPPENED),
    (("sqladmin.googleapis.com/BackupRun", "//sql/x/backupRuns/1", {}), auto_created_resources.HAPPENED),
]


@pytest.mark.parametrize(("asset", "why"), MADE)
def test_what_others_make_is_known_with_the_reason(asset: tuple[str, str, Any], why: str) -> None:
    assert reason(*asset) == why


def test_every_entry_has_an_example() -> None:
    def first(asset_type: str, name: str, data: Any) -> auto_created_resources.AutoCreatedRule:
        asset = auto_created_resources.Asset(name, name.rpartition("/")[2], data)
        return next(
            made for made in auto_created_resources.MADE if globs.matches(made.types, asset_type) and made.holds(asset)
        )

    shown = {id(first(*asset)) for asset, _ in MADE}
    assert [made.reason for made in auto_created_resources.MADE if id(made) not in shown] == []


def test_a_source_is_a_page_of_googles() -> None:
    assert [
        made.source
        for made in auto_created_resources.MADE
        if made.source and not made.source.startswith(("https://cloud.google.com/", "https://firebase.google.com/"))
    ] == []


@pytest.mark.parametrize(
    "asset",
    [
        compute("Network", "default", autoCreateSubnetworks=False),
        compute("Network", "main", autoCreateSubnetworks=True),
        compute("Subnetwork", "main", ipCidrRange="10.0.0.0/20", network=".../main"),
        compute("Subnetwork", "eu", ipCidrRange="10.132.0.0/20", network=".../main"),
        compute("Subnetwork", "main", ipCidrRange="fd00::/20", network=".../main"),
        compute("Subnetwork", "main"),
        compute("Firewall", "default-allow-ssh", network=f"{LINK}/global/networks/main", priority=65534),
        compute("Firewall", "default-allow-ssh", network=DEFAULT, priority=1),
        compute("Firewall", "default-allow-all", network=DEFAULT, priority=65534),
        compute("Firewall", "gke-allow-all"),
        compute("Firewall", "k8s-fw-x"),
        compute("Firewall", "k8s-fw-x", targetTags=[]),
        compute("Firewall", "k8s-fw-x", targetTags=["gke-shop-1234abcd-node", "web"]),
        compute("Firewall", "gke-shop-1234abcd-vms", targetTags=["gke-cart-1234abcd-node"]),
        compute("Firewall", "gke-shop-1234abcd-vms", targetTags="gke-shop-1234abcd-node"),
        compute("Route", "default-route-x", destRange="10.0.0.0/8", nextHopGateway=VIA_INTERNET),
        compute("Route", "out", destRange="0.0.0.0/0", nextHopGateway=VIA_INTERNET),
        compute("Route", "static", routeType="STATIC"),
        compute("Instance", "gke-lookalike"),
        compute("Instance", "vm", labels={"gke": "1", "goog-terraform-provisioned": "true"}),
        compute("Instance", "vm", metadata={"items": [{"key": "startup-script", "value": "x"}]}),
        compute("Instance", "vm", metadata={"items": ["odd"]}),
        compute("Instance", "vm", metadata={"items": [{"key": "created-by", "value": "ann"}]}),
        compute("Instance", "vm", metadata={"items": [{"key": "created-by"}]}),
        compute("InstanceGroup", "web", description="by hand"),
        compute("Disk", "data", users=[f"{LINK}/zones/z/instances/vm"], sourceImage="x"),
        compute("Disk", "vm", users=[f"{LINK}/zones/z/instances/vm"]),
        compute("Disk", "shared", users=["a/shared", "b/shared"], sourceImage="x"),
        compute("Address", "web", purpose="GCE_ENDPOINT"),
        compute("Snapshot", "by-hand"),
        compute("BackendService", "web", description="for kubernetes"),
        bucket("gcf-sources-mine"),
        bucket("my-run-sources"),
        bucket("shop-exports", labels={"env": "prod"}),
        ("dataproc.googleapis.com/Cluster", "//dp/clusters/etl", {"labels": {"goog-dataproc-cluster-name": "etl"}}),
        ("container.googleapis.com/NodePool", "//container/x/main", {"autoscaling": {"enabled": True}}),
        ("dns.googleapis.com/ManagedZone", "//dns.googleapis.com/projects/shop/managedZones/gke-docs", {}),
        (
            "dns.googleapis.com/ResourceRecordSet",
            "//dns/x",
            {"type": "NS", "rrdatas": ["ns-cloud-a1.googledomains.com."]},
        ),
        topic("gcf-events", "Subscription", pushConfig={"pushEndpoint": "https://example.com"}),
        topic("eventarc-notes"),
        ("bigquery.googleapis.com/Dataset", "//bigquery.googleapis.com/projects/p/datasets/sales_", {}),
        ("logging.googleapis.com/LogSink", "//logging.googleapis.com/p/1/sinks/_Defaults", {}),
        ("firestore.googleapis.com/Database", "//fs/x/databases/(default)", {"appEngineIntegrationMode": "DISABLED"}),
        ("serviceusage.googleapis.com/Service", "//su/projects/1/services/run.googleapis.com", {}),
        account("deployer@shop.iam.gserviceaccount.com"),
        account("service-11@shop.iam.gserviceaccount.com"),
        ("iam.googleapis.com/ServiceAccountKey", "//iam/x/keys/1", {"keyType": "USER_MANAGED"}),
        ("apikeys.googleapis.com/Key", "//apikeys/x/keys/1", {"displayName": "maps"}),
        ("run.googleapis.com/Service", "//run/x", {"labels": {"env": "prod"}}),
    ],
)
def test_what_only_looks_like_it_has_to_be_declared(asset: tuple[str, str, Any]) -> None:
    assert reason(*asset) == ""


@pytest.mark.parametrize("data", [None, [], "x", {"labels": [], "metadata": [], "users": {}, "autoscaling": 1}])
def test_a_resource_of_any_shape_is_looked_at(data: Any) -> None:
    for entry in auto_created_resources.MADE:
        asset_type = entry.types[0].replace("*", "x")
        auto_created_resources.reason(
            Observation(ResourceKey("//x.googleapis.com/a"), asset_type, OBSERVED_AT, data=data)
        )


@pytest.mark.parametrize(
    ("bucket_name", "is_own"),
    [
        ("shop_cloudbuild", True),
        ("x_cloudbuild", False),
        ("my-shop_cloudbuild", False),
        ("run-sources-shop-europe-west1", True),
        ("run-sources-loot-europe-west1", False),
        ("gcf-sources-11-europe-west1", True),
        ("gcf-v2-uploads-11.europe-west1.cloudfunctions.appspot.com", True),
        ("gcf-v2-sources-12-europe-west1", False),
        ("dataproc-temp-europe-west1-11-1a2b3c4d", True),
        ("dataproc-staging-europe-west1-12-1a2b3c4d", False),
        ("dataflow-staging-europe-west1-11", True),
        ("dataflow-staging-europe-west1-12", False),
    ],
)
def test_a_bucket_of_a_service_has_the_name_of_its_own_project(bucket_name: str, is_own: bool) -> None:
    _, name, data = bucket(bucket_name)
    known = {"ancestors": ("projects/11", "folders/1"), "project_id": "shop"}
    observation = Observation(ResourceKey(name), "storage.googleapis.com/Bucket", OBSERVED_AT, data=data, **known)
    assert bool(auto_created_resources.reason(observation)) is is_own
    assert auto_created_resources.reason(replace(observation, ancestors=(), project_id=""))
    assert auto_created_resources.reason(replace(observation, project_id="example.com:shop")) or not is_own
