"""Sample machines, clusters and services."""

from __future__ import annotations

from setpoint_tools.demo.asset_types import CLUSTER, INSTANCE, SERVICE
from setpoint_tools.demo.samples import Sample, Site

_COMPUTE = "https://www.googleapis.com/compute/v1/"
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/logging.write"]
_FALSE = ("false", False)


def instance(site: Site, name: str, machine: str, account: str) -> Sample:
    """A machine in the shared network."""
    project, zone = site.project, f"{site.project.region}-b"
    home = f"projects/{project.id}/zones/{zone}"
    path = f"{home}/instances/{name}"
    labels = site.labels()
    tags = ["allow-iap-ssh", "ml-worker", "no-external-ip"]
    declared = {
        "name": name,
        "zone": site.spelling.one_of(zone, f"zones/{zone}", home),
        "machineType": site.spelling.near(f"{home}/machineTypes/{machine}"),
        "deletionProtection": True,
        "canIpForward": False,
        "disks": [
            {
                "boot": True,
                "autoDelete": True,
                "deviceName": "boot",
                "diskSizeGb": site.spelling.number(200),
                "initializeParams": {"sourceImage": "projects/debian-cloud/global/images/family/debian-12"},
            }
        ],
        "networkInterfaces": [
            {"network": site.spelling.link(project.network), "subnetwork": site.spelling.link(project.subnetwork)}
        ],
        "serviceAccounts": [{"email": account, "scopes": site.spelling.order(_SCOPES)}],
        "scheduling": {
            "onHostMaintenance": site.spelling.constant("TERMINATE"),
            "automaticRestart": True,
            "preemptible": False,
        },
        "shieldedInstanceConfig": {"enableSecureBoot": True, "enableVtpm": True},
        "metadata": {"items": [{"key": "enable-oslogin", "value": "TRUE"}]},
        "tags": {"items": site.spelling.order(tags)},
        "labels": labels,
    }
    live = {
        **site.server.compute(path),
        "name": name,
        "zone": _COMPUTE + home,
        "machineType": f"{_COMPUTE}{home}/machineTypes/{machine}",
        "status": "RUNNING",
        "cpuPlatform": "Intel Cascade Lake",
        "deletionProtection": True,
        "disks": [
            {
                "type": "PERSISTENT",
                "mode": "READ_WRITE",
                "interface": "SCSI",
                "boot": True,
                "autoDelete": True,
                "deviceName": "boot",
                "index": 0,
                "diskSizeGb": "200",
                "source": f"{_COMPUTE}{home}/disks/{name}",
                "licenses": [f"{_COMPUTE}projects/debian-cloud/global/licenses/debian-12-bookworm"],
                "architecture": "X86_64",
            }
        ],
        "networkInterfaces": [
            {
                "name": "nic0",
                "network": _COMPUTE + project.network,
                "subnetwork": _COMPUTE + project.subnetwork,
                "networkIP": site.server.address(),
                "stackType": "IPV4_ONLY",
                "fingerprint": site.server.token(),
            }
        ],
        "serviceAccounts": [{"email": account, "scopes": _SCOPES}],
        "scheduling": {"onHostMaintenance": "TERMINATE", "automaticRestart": True, "provisioningModel": "STANDARD"},
        "shieldedInstanceConfig": {"enableSecureBoot": True, "enableVtpm": True, "enableIntegrityMonitoring": True},
        "metadata": {
            "fingerprint": site.server.token(),
            "items": [{"key": "enable-oslogin", "value": "TRUE"}],
        },
        "tags": {"items": tags, "fingerprint": site.server.token()},
        "labels": site.live_labels(labels),
        "labelFingerprint": site.server.token(),
        "fingerprint": site.server.token(),
        "lastStartTimestamp": site.server.time(),
    }
    ignored = ("metadata.items[key=ssh-keys]",)
    return site.sample(INSTANCE, f"compute/{path}", declared, live, location=zone, ignore=ignored)


def cluster(site: Site, name: str) -> Sample:
    """A private cluster on a release channel, reachable from the office only."""
    project = site.project
    labels = site.labels()
    offices = [
        {"displayName": "office-berlin", "cidrBlock": "198.51.100.0/28"},
        {"displayName": "office-lisbon", "cidrBlock": "203.0.113.16/29"},
    ]
    components = ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER"]
    declared = {
        "name": name,
        "location": project.region,
        "network": site.spelling.link(project.network),
        "subnetwork": site.spelling.link(project.subnetwork),
        "initialClusterVersion": "1.31",
        "releaseChannel": {"channel": site.spelling.constant("REGULAR")},
        "privateClusterConfig": {"enablePrivateNodes": True, "masterIpv4CidrBlock": "172.16.4.0/28"},
        "masterAuthorizedNetworksConfig": {"enabled": True, "cidrBlocks": site.spelling.order(offices)},
        "ipAllocationPolicy": {
            "useIpAliases": True,
            "clusterSecondaryRangeName": "pods",
            "servicesSecondaryRangeName": "services",
        },
        "workloadIdentityConfig": {"workloadPool": f"{project.id}.svc.id.goog"},
        "shieldedNodes": {"enabled": True},
        "legacyAbac": {"enabled": False},
        "loggingConfig": {"componentConfig": {"enableComponents": site.spelling.order(components)}},
        "nodePools": [
            {
                "name": "general",
                "initialNodeCount": site.spelling.number(3),
                "autoscaling": {"enabled": True, "minNodeCount": 3, "maxNodeCount": site.spelling.number(12)},
                "config": {
                    "machineType": "e2-standard-8",
                    "diskSizeGb": site.spelling.number(100),
                    "oauthScopes": _SCOPES[:1],
                },
                "management": {"autoRepair": True, "autoUpgrade": True},
            }
        ],
        "resourceLabels": labels,
    }
    links = f"https://container.googleapis.com/v1/projects/{project.id}/locations/{project.region}/clusters/{name}"
    live = {
        "name": name,
        "id": site.server.hex(32),
        "selfLink": links,
        "location": project.region,
        "locations": [f"{project.region}-{zone}" for zone in "bcd"],
        "status": "RUNNING",
        "createTime": site.server.time(),
        "etag": site.server.token(),
        "endpoint": "172.16.4.2",
        "network": "main",
        "subnetwork": project.subnetwork.rpartition("/")[2],
        "networkConfig": {"network": project.network, "subnetwork": project.subnetwork},
        "initialClusterVersion": "1.31.6-gke.1064",
        "currentMasterVersion": "1.32.2-gke.1182003",
        "currentNodeVersion": "1.32.2-gke.1182003",
        "currentNodeCount": 5,
        "releaseChannel": {"channel": "REGULAR"},
        "privateClusterConfig": {
            "enablePrivateNodes": True,
            "masterIpv4CidrBlock": "172.16.4.0/28",
            "privateEndpoint": "172.16.4.2",
            "peeringName": f"gke-n{site.server.hex(20)}-peer",
        },
        "masterAuthorizedNetworksConfig": {"enabled": True, "cidrBlocks": offices},
        "ipAllocationPolicy": {
            "useIpAliases": True,
            "clusterSecondaryRangeName": "pods",
            "servicesSecondaryRangeName": "services",
            "clusterIpv4CidrBlock": "10.110.0.0/16",
            "stackType": "IPV4",
        },
        "workloadIdentityConfig": {"workloadPool": f"{project.id}.svc.id.goog"},
        "shieldedNodes": {"enabled": True},
        "legacyAbac": {},
        "loggingConfig": {"componentConfig": {"enableComponents": components}},
        "nodePools": [
            {
                "name": "general",
                "selfLink": f"{links}/nodePools/general",
                "version": "1.32.2-gke.1182003",
                "status": "RUNNING",
                "initialNodeCount": 3,
                "autoscaling": {"enabled": True, "minNodeCount": 3, "maxNodeCount": 12, "locationPolicy": "BALANCED"},
                "config": {
                    "machineType": "e2-standard-8",
                    "diskSizeGb": 100,
                    "diskType": "pd-balanced",
                    "imageType": "COS_CONTAINERD",
                    "oauthScopes": _SCOPES[:1],
                    "serviceAccount": "default",
                },
                "management": {"autoRepair": True, "autoUpgrade": True},
                "etag": site.server.token(),
            }
        ],
        "resourceLabels": site.live_labels(labels),
        "labelFingerprint": site.server.token(),
    }
    path = f"container/projects/{project.id}/locations/{project.region}/clusters/{name}"
    return site.sample(CLUSTER, path, declared, live, location=project.region)


def service(site: Site, name: str, account: str) -> Sample:
    """A service behind the load balancer."""
    project = site.project
    path = f"projects/{project.id}/locations/{project.region}/services/{name}"
    labels = site.labels()
    image = f"{project.region}-docker.pkg.dev/{project.id}/images/{name}@sha256:{site.server.hex(64)}"
    declared = {
        "ingress": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
        "template": {
            "serviceAccount": account,
            "timeout": site.spelling.duration(300),
            "maxInstanceRequestConcurrency": site.spelling.number(80),
            "scaling": {"minInstanceCount": 1, "maxInstanceCount": site.spelling.number(20)},
            "containers": [
                {
                    "image": image,
                    "ports": [{"containerPort": site.spelling.number(8080)}],
                    "env": [
                        {"name": "WORKERS", "value": site.spelling.number(4)},
                        {"name": "DEBUG", "value": site.spelling.one_of(*_FALSE)},
                    ],
                    "resources": {"limits": {"cpu": site.spelling.number(1), "memory": "512Mi"}},
                }
            ],
        },
        "traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
        "labels": labels,
    }
    live = {
        "name": path,
        "uid": site.server.hex(32),
        "generation": site.server.digits(2),
        "createTime": site.server.time(),
        "updateTime": site.server.time(),
        "creator": "ci@example.com",
        "lastModifier": "ci@example.com",
        "launchStage": "GA",
        "ingress": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
        "template": {
            "serviceAccount": account,
            "timeout": "300s",
            "maxInstanceRequestConcurrency": 80,
            "scaling": {"minInstanceCount": 1, "maxInstanceCount": 20},
            "containers": [
                {
                    "image": image,
                    "ports": [{"name": "http1", "containerPort": 8080}],
                    "env": [{"name": "WORKERS", "value": "4"}, {"name": "DEBUG", "value": "false"}],
                    "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "cpuIdle": True},
                    "startupProbe": {"timeoutSeconds": 240, "tcpSocket": {"port": 8080}},
                }
            ],
        },
        "traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
        "trafficStatuses": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
        "terminalCondition": {"type": "Ready", "state": "CONDITION_SUCCEEDED"},
        "latestReadyRevision": f"{path}/revisions/{name}-00042-x7z",
        "uri": f"https://{name}-{site.server.hex(10)}-ew.a.run.app",
        "labels": site.live_labels(labels),
        "etag": site.server.token(),
    }
    return site.sample(SERVICE, f"run/{path}", declared, live, location=project.region)
