"""From a Config Connector kind to the asset type and the schema that describe it.

The rule: the group's first label is the service, and the kind without the words that repeat the service is the kind:
`ComputeTargetHTTPSProxy` of `compute.cnrm.cloud.google.com` is `compute.googleapis.com/TargetHttpsProxy`. The longest
ending of the kind that the catalogue knows decides. The tables hold what the rule does not reach.

Source: https://cloud.google.com/config-connector/docs/reference/overview
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from setpoint.catalog.schemas import Schema, default_catalogue

SUFFIX = ".cnrm.cloud.google.com"

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z])")

SERVICES: dict[str, str] = {
    # Named after the product, where the API has a name of its own.
    "asset": "cloudasset",
    "bigqueryanalyticshub": "analyticshub",
    "bigtable": "bigtableadmin",
    "cloudfunctions2": "cloudfunctions",
    "cloudids": "ids",
    "configcontroller": "krmapihosting",
    "containerattached": "gkemulticloud",
    "datamigration": "clouddms",
    "dialogflowcx": "dialogflow",
    "documentai": "documentai",
    "filestore": "file",
    "gkehub": "gkehub",
    "identityplatform": "identitytoolkit",
    "kms": "cloudkms",
    "mlengine": "ml",
    "resourcemanager": "cloudresourcemanager",
    "sql": "sqladmin",
    "tags": "cloudresourcemanager",
    "vertexai": "aiplatform",
}
"""Config Connector's group → the host's first label."""

KINDS: dict[tuple[str, str], str] = {
    # No ending of the kind is the name of the API's resource.
    ("containerattached", "ContainerAttachedCluster"): "AttachedCluster",  # the API says what the group says
    ("dns", "DNSRecordSet"): "ResourceRecordSet",
    ("iam", "IAMDenyPolicy"): "PolicyV2",  # deny policies are the second kind of `policies`
    ("storage", "StorageNotification"): "NotificationConfig",  # as the inventory and the wire call it
    ("storagetransfer", "StorageTransferJob"): "TransferJob",  # the kind says `transfer` once only
}
"""(Group, kind) → the asset type's kind."""


class Target(NamedTuple):
    """What a Config Connector kind describes: an asset type, and its schema where the catalogue has one."""

    asset_type: str
    schema: Schema | None


@lru_cache(maxsize=2048)
def resolve(group: str, kind: str) -> Target:
    """Return the asset type and the schema of a kind.

    Args:
        group: The API group, `compute.cnrm.cloud.google.com` or its first label.
        kind: The kind, `ComputeFirewall`.

    Returns:
        The target; where the catalogue knows no ending of the kind, the asset type is by the rule alone.
    """
    label = group.removesuffix(SUFFIX)
    service = SERVICES.get(label, label)
    host = f"{service}.googleapis.com"
    catalogue = default_catalogue()
    named = KINDS.get((label, kind))
    for ending in (named,) if named else endings(kind):
        schema = catalogue.schema_for(f"{host}/{ending}")
        if schema is not None:
            return Target(f"{host}/{_spelled(ending, schema)}", schema)
    return Target(f"{host}/{named or _without(label, kind)}", None)


def endings(kind: str) -> tuple[str, ...]:
    """The endings of a kind that start with a capital, the longest first; the kind itself last.

    The whole kind is tried last: `WorkstationCluster` is a schema, and so is `Cluster` of others.
    """
    starts = [0, *(match.start() for match in _WORD_START.finditer(kind))]
    return tuple(kind[start:] for start in starts)


def _spelled(ending: str, schema: Schema) -> str:
    """The ending in the API's own spelling of acronyms: `TargetHTTPSProxy` is `TargetHttpsProxy`."""
    return schema.name[-len(ending) :] if schema.name.lower().endswith(ending.lower()) else ending


def _without(label: str, kind: str) -> str:
    for prefix in (label, label.removesuffix("s")):
        if kind.lower().startswith(prefix) and len(kind) > len(prefix):
            return kind[len(prefix) :]
    return kind


def group_of(kind: str) -> str:
    """The group that a kind's own first words tell, where a reference does not say its group.

    `ComputeSubnetwork` is of `compute`, `BigQueryDataset` of `bigquery`.
    """
    starts = [match.start() for match in _WORD_START.finditer(kind)]
    catalogue = default_catalogue()
    for end in reversed(starts):
        label = kind[:end].lower()
        service = SERVICES.get(label, label)
        if any(catalogue.schema_for(f"{service}.googleapis.com/{ending}") for ending in endings(kind)):
            return f"{label}{SUFFIX}"
    return ""
