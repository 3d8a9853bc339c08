"""Fields whose values wander by themselves, so that a change of one says nothing about anybody's intent.

By name, and by asset type if the name alone is ambiguous; each line with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_NAMES: tuple[tuple[str, str], ...] = (
    # Pattern of a field's whole name, reason.
    (r"etag|(?:\w+_?)?(?:[fF]ingerprint|[cC]hecksum|Etag)", "changes with every write"),
    (r"status\w*|\w*State|state\w*|peerMtu|\w*Status|phase|health\w*|reconciling|satisfiesPz[is]", "a status"),
    (r"(?!expir|\w*[eE]xpir)\w*(?:[tT]ime|Timestamp|timestamp|Date)", "a time that the server writes"),
    (r"(?:uid|uuid|id|\w*Uid|numericId|number|projectNumber|selfLink\w*|\w*SelfLinkWithId)", "an identifier"),
    (
        (
            r"(?:current|latest|actual|installed|last|node|master|image|software|engine|runtime|database|available)\w*Version"
            r"|version|versions|minorVersion|maintenanceVersion|kmsKeyVersion\w*|cryptoKeyVersion\w*|availableMaintenance\w*"
        ),
        "a version that upgrades and rotations move",
    ),
    (r"generation|metageneration|revision\w*|\w*Generation|observedGeneration|settingsVersion", "a counter"),
    (
        (
            r"(?:\w*(?:Count|Usage|Used|Total|Counter|Bytes|Rows))|(?:num|total|current|actual)[A-Z]\w*|\w*[sS]izeBytes|size"
            r"|targetSize|nodeCount|processingUnits|replicaCount"
        ),
        "a counter, or a size that an autoscaler moves",
    ),
    (r"users|consumers|usedBy|warnings?|errors?|messages?|recommendations?|instanceGroupUrls", "written by others"),
    (r"natIP|externalIpv6|ephemeral\w*|\w*IpAddress(?:es)?|ipAddress(?:es)?", "a newly leased address"),
    (r"serverCaCert|caCerts?|\w*CaCertificates?|expirationTime|certificateRaw|dnsAuthorization", "renewed by Google"),
)

_BY_TYPE: Mapping[str, Mapping[str, str]] = {
    "compute.googleapis.com/Instance": {
        "disks": "attached and detached by controllers of clusters and groups",
        "resourceStatus": "a status",
        "shieldedInstanceIntegrityPolicy": "learnt from the last boot",
    },
    "compute.googleapis.com/Disk": {"users": "instances that use it"},
    "compute.googleapis.com/Network": {
        "subnetworks": "each subnetwork is a resource of its own",
    },
    "compute.googleapis.com/Router": {"nats.autoNetworkTier": "chosen by the service"},
    "compute.googleapis.com/NetworkEndpointGroup": {"size": "endpoints come and go"},
    "compute.googleapis.com/Project": {"quotas": "usage and limits", "enabledFeatures": "a status"},
    "compute.googleapis.com/Region": {"quotas": "usage and limits"},
    "container.googleapis.com/Cluster": {
        "nodePools": "each node pool is a resource of its own",
        "instanceGroupUrls": "groups come and go with node pools",
        "locations": "moved with the node pools",
    },
    "sqladmin.googleapis.com/Instance": {
        "replicaNames": "each replica is a resource of its own",
        "ipAddresses": "follow ipConfiguration",
        "settings.dataDiskSizeGb": "grows by itself where storageAutoResize is on",
    },
    "cloudkms.googleapis.com/CryptoKey": {"primary": "follows the rotation"},
    "run.googleapis.com/Service": {"traffic": "follows deployments", "template.revision": "follows deployments"},
    "cloudbuild.googleapis.com/Build": {"results": "a result"},
}
"""Fields and what lies below them, by asset type, each with its reason."""

_SET_BY_METHODS: Mapping[str, frozenset[str]] = {
    # https://cloud.google.com/compute/docs/reference/rest/v1/networks/addPeering
    "compute.googleapis.com/Network": frozenset(("peerings",)),
}
"""Top fields that the schema calls output-only, and that methods of their own set."""

_NAME = tuple((re.compile(pattern), reason) for pattern, reason in _NAMES)


@lru_cache(maxsize=8192)
def why_named(name: str) -> str:
    """Why a service changes fields of this name by itself, for people; empty where none is known to."""
    return next((reason for pattern, reason in _NAME if pattern.fullmatch(name)), "")


def of_type(asset_type: str) -> Mapping[str, str]:
    """The paths that a service changes by itself in resources of a type, each with the reason."""
    return _BY_TYPE.get(asset_type, {})


def set_by_methods(asset_type: str) -> frozenset[str]:
    """Top-level fields that users set although the schema calls them output-only."""
    return _SET_BY_METHODS.get(asset_type, frozenset())
