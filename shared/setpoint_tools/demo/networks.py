"""Sample networks, subnetworks, firewall rules and DNS zones."""

from __future__ import annotations

from setpoint_tools.demo.asset_types import FIREWALL, NETWORK, SUBNETWORK, ZONE
from setpoint_tools.demo.samples import Data, Sample, Site

_COMPUTE = "https://www.googleapis.com/compute/v1/"


def network(site: Site) -> Sample:
    """The shared network of an environment."""
    path = f"projects/{site.project.id}/global/networks/main"
    declared = {
        "name": "main",
        "autoCreateSubnetworks": False,
        "mtu": site.spelling.number(1460),
        "routingConfig": {"routingMode": site.spelling.constant("GLOBAL")},
    }
    live = {
        **site.server.compute(path),
        "name": "main",
        "autoCreateSubnetworks": False,  # absent in legacy networks alone
        "mtu": 1460,
        "routingConfig": {"routingMode": "GLOBAL", "bgpBestPathSelectionMode": "LEGACY"},
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
        "selfLinkWithId": f"{_COMPUTE}projects/{site.project.id}/global/networks/{site.server.digits()}",
        "subnetworks": [f"{_COMPUTE}projects/{site.project.id}/regions/{site.project.region}/subnetworks/main"],
    }
    return site.sample(NETWORK, f"compute/{path}", declared, live, location="global")


def subnetwork(site: Site, region: str, block: int) -> Sample:
    """A subnetwork with its ranges for pods and services."""
    name = f"main-{region}"
    path = f"projects/{site.project.id}/regions/{region}/subnetworks/{name}"
    ranges = [
        {"rangeName": "pods", "ipCidrRange": f"10.{block + 100}.0.0/16"},
        {"rangeName": "services", "ipCidrRange": f"10.{block}.240.0/20"},
    ]
    declared = {
        "name": name,
        "network": site.spelling.near(site.project.network),
        "region": site.spelling.one_of(region, f"regions/{region}", f"projects/{site.project.id}/regions/{region}"),
        "ipCidrRange": f"10.{block}.0.0/20",
        "privateIpGoogleAccess": True,
        "secondaryIpRanges": site.spelling.order(ranges),
        "logConfig": {"enable": True, "aggregationInterval": "INTERVAL_5_SEC", "flowSampling": 0.5},
        "enableFlowLogs": True,
    }
    live = {
        **site.server.compute(path),
        "name": name,
        "network": _COMPUTE + site.project.network,
        "region": f"{_COMPUTE}projects/{site.project.id}/regions/{region}",
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
        "fingerprint": site.server.token(),
    }
    return site.sample(SUBNETWORK, f"compute/{path}", declared, live, location=region)


def firewall(site: Site, name: str, ports: list[str], sources: list[str], tags: list[str]) -> Sample:
    """A rule that lets traffic in."""
    path = f"projects/{site.project.id}/global/firewalls/{name}"
    declared = {
        "name": name,
        "network": site.spelling.near(site.project.network),
        "direction": site.spelling.constant("INGRESS"),
        "priority": site.spelling.number(1000),
        "sourceRanges": site.spelling.order(sources),
        "targetTags": site.spelling.order(tags),
        "allowed": [{"IPProtocol": "tcp", "ports": site.spelling.order(_port(site, port) for port in ports)}],
        "disabled": False,
        "logConfig": {"enable": False},
    }
    live = {
        **site.server.compute(path),
        "name": name,
        "network": _COMPUTE + site.project.network,
        "direction": "INGRESS",
        "priority": 1000,
        "sourceRanges": sources,
        "targetTags": tags,
        "allowed": [{"IPProtocol": "tcp", "ports": ports}],
        "logConfig": {},
        "description": "",
    }
    return site.sample(
        FIREWALL,
        f"compute/{path}",
        declared,
        live,
        location="global",
        mode="auto" if site.project.environment == "prod" else None,
    )


def stray_firewall(site: Site, name: str, sources: list[str]) -> Sample:
    """A rule that nobody declared."""
    path = f"projects/{site.project.id}/global/firewalls/{name}"
    live = {
        **site.server.compute(path),
        "name": name,
        "network": _COMPUTE + site.project.network,
        "direction": "INGRESS",
        "priority": 65534,
        "sourceRanges": sources,
        "allowed": [{"IPProtocol": "tcp", "ports": ["22", "3389"]}],
        "logConfig": {},
    }
    return site.sample(FIREWALL, f"compute/{path}", None, live, location="global")


def zone(site: Site, name: str, domain: str, *, private: bool) -> Sample:
    """A DNS zone, public and signed or private to the shared network."""
    labels = site.labels()
    declared: Data = {
        "name": name,
        "dnsName": domain,
        "description": f"{domain} ({site.project.environment})",
        "visibility": site.spelling.one_of("private", "PRIVATE")
        if private
        else site.spelling.one_of("public", "PUBLIC"),
        "labels": labels,
    }
    live: Data = {
        "kind": "dns#managedZone",
        "id": site.server.digits(),
        "creationTime": site.server.time(),
        "name": name,
        "dnsName": domain,
        "description": declared["description"],
        "visibility": "private" if private else "public",
        "nameServers": [f"ns-cloud-b{number}.googledomains.com." for number in (1, 2, 3, 4)],
        "labels": site.live_labels(labels),
        "cloudLoggingConfig": {"kind": "dns#managedZoneCloudLoggingConfig"},
    }
    if private:
        declared["privateVisibilityConfig"] = {"networks": [{"networkUrl": site.spelling.link(site.project.network)}]}
        live["privateVisibilityConfig"] = {
            "kind": "dns#managedZonePrivateVisibilityConfig",
            "networks": [
                {
                    "kind": "dns#managedZonePrivateVisibilityConfigNetwork",
                    "networkUrl": _COMPUTE + site.project.network,
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
    return site.sample(ZONE, f"dns/projects/{site.project.id}/managedZones/{name}", declared, live, location="global")


def _port(site: Site, port: str) -> int | str:
    return site.spelling.number(int(port)) if port.isdigit() else port
