"""Sample networks, subnetworks, firewall rules and DNS zones."""

from __future__ import annotations

from setpoint_tools.demo.asset_types import FIREWALL, NETWORK, SUBNETWORK, ZONE
from setpoint_tools.demo.samples import Data, Sample, Site

_COMPUTE = "https://www.googleapis.com/compute/v1/"


def network(at: Site) -> Sample:
    """The shared network of an environment."""
    path = f"projects/{at.project.id}/global/networks/main"
    declared = {
        "name": "main",
        "autoCreateSubnetworks": False,
        "mtu": at.hand.number(1460),
        "routingConfig": {"routingMode": at.hand.constant("GLOBAL")},
    }
    live = {
        **at.server.compute(path),
        "name": "main",
        "mtu": 1460,
        "routingConfig": {"routingMode": "GLOBAL", "bgpBestPathSelectionMode": "LEGACY"},
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
        "selfLinkWithId": f"{_COMPUTE}projects/{at.project.id}/global/networks/{at.server.digits()}",
        "subnetworks": [f"{_COMPUTE}projects/{at.project.id}/regions/{at.project.region}/subnetworks/main"],
    }
    return at.sample(NETWORK, f"compute/{path}", declared, live, location="global")


def subnetwork(at: Site, region: str, block: int) -> Sample:
    """A subnetwork with its ranges for pods and services."""
    name = f"main-{region}"
    path = f"projects/{at.project.id}/regions/{region}/subnetworks/{name}"
    ranges = [
        {"rangeName": "pods", "ipCidrRange": f"10.{block + 100}.0.0/16"},
        {"rangeName": "services", "ipCidrRange": f"10.{block}.240.0/20"},
    ]
    declared = {
        "name": name,
        "network": at.hand.near(at.project.network),
        "region": at.hand.one_of(region, f"regions/{region}", f"projects/{at.project.id}/regions/{region}"),
        "ipCidrRange": f"10.{block}.0.0/20",
        "privateIpGoogleAccess": True,
        "secondaryIpRanges": at.hand.order(ranges),
        "logConfig": {"enable": True, "aggregationInterval": "INTERVAL_5_SEC", "flowSampling": 0.5},
        "enableFlowLogs": True,
    }
    live = {
        **at.server.compute(path),
        "name": name,
        "network": _COMPUTE + at.project.network,
        "region": f"{_COMPUTE}projects/{at.project.id}/regions/{region}",
        "ipCidrRange": f"10.{block}.0.0/20",
        "gatewayAddress": f"10.{block}.0.1",
        "privateIpGoogleAccess": True,
        "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
        "secondaryIpRanges": ranges,
        "enableFlowLogs": True,
        "logConfig": {
            "enable": True,
            "aggregationInterval": "INTERVAL_5_SEC",
            "flowSampling": 0.5,
            "metadata": "INCLUDE_ALL_METADATA",
        },
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
        "fingerprint": at.server.token(),
    }
    return at.sample(SUBNETWORK, f"compute/{path}", declared, live, location=region)


def firewall(at: Site, name: str, ports: list[str], sources: list[str], tags: list[str]) -> Sample:
    """A rule that lets traffic in."""
    path = f"projects/{at.project.id}/global/firewalls/{name}"
    declared = {
        "name": name,
        "network": at.hand.near(at.project.network),
        "direction": at.hand.constant("INGRESS"),
        "priority": at.hand.number(1000),
        "sourceRanges": at.hand.order(sources),
        "targetTags": at.hand.order(tags),
        "allowed": [{"IPProtocol": "tcp", "ports": at.hand.order(_port(at, port) for port in ports)}],
        "disabled": False,
        "logConfig": {"enable": False},
    }
    live = {
        **at.server.compute(path),
        "name": name,
        "network": _COMPUTE + at.project.network,
        "direction": "INGRESS",
        "priority": 1000,
        "sourceRanges": sources,
        "targetTags": tags,
        "allowed": [{"IPProtocol": "tcp", "ports": ports}],
        "logConfig": {},
        "description": "",
    }
    return at.sample(
        FIREWALL,
        f"compute/{path}",
        declared,
        live,
        location="global",
        mode="auto" if at.project.environment == "prod" else None,
    )


def stray_firewall(at: Site, name: str, sources: list[str]) -> Sample:
    """A rule that nobody declared."""
    path = f"projects/{at.project.id}/global/firewalls/{name}"
    live = {
        **at.server.compute(path),
        "name": name,
        "network": _COMPUTE + at.project.network,
        "direction": "INGRESS",
        "priority": 65534,
        "sourceRanges": sources,
        "allowed": [{"IPProtocol": "tcp", "ports": ["22", "3389"]}],
        "logConfig": {},
    }
    return at.sample(FIREWALL, f"compute/{path}", None, live, location="global")


def zone(at: Site, name: str, domain: str, *, private: bool) -> Sample:
    """A DNS zone, public and signed or private to the shared network."""
    labels = at.labels()
    declared: Data = {
        "name": name,
        "dnsName": domain,
        "description": f"{domain} ({at.project.environment})",
        "visibility": at.hand.one_of("private", "PRIVATE") if private else at.hand.one_of("public", "PUBLIC"),
        "labels": labels,
    }
    live: Data = {
        "kind": "dns#managedZone",
        "id": at.server.digits(),
        "creationTime": at.server.time(),
        "name": name,
        "dnsName": domain,
        "description": declared["description"],
        "visibility": "private" if private else "public",
        "nameServers": [f"ns-cloud-b{one}.googledomains.com." for one in (1, 2, 3, 4)],
        "labels": at.live_labels(labels),
        "cloudLoggingConfig": {"kind": "dns#managedZoneCloudLoggingConfig"},
    }
    if private:
        declared["privateVisibilityConfig"] = {"networks": [{"networkUrl": at.hand.link(at.project.network)}]}
        live["privateVisibilityConfig"] = {
            "kind": "dns#managedZonePrivateVisibilityConfig",
            "networks": [
                {
                    "kind": "dns#managedZonePrivateVisibilityConfigNetwork",
                    "networkUrl": _COMPUTE + at.project.network,
                }
            ],
        }
    else:
        declared["dnssecConfig"] = {"state": "on"}
        live["dnssecConfig"] = {
            "kind": "dns#managedZoneDnsSecConfig",
            "state": "on",
            "nonExistence": "nsec3",
            "defaultKeySpecs": [{"algorithm": "rsasha256", "keyLength": 2048, "keyType": "keySigning"}],
        }
    return at.sample(ZONE, f"dns/projects/{at.project.id}/managedZones/{name}", declared, live, location="global")


def _port(at: Site, port: str) -> int | str:
    return at.hand.number(int(port)) if port.isdigit() else port
