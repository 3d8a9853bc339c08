"""Map a Config Connector kind to its asset type and schema.

The rule: the group's first label is the service, and the kind without the words that repeat the service is the type:
`ComputeTargetHTTPSProxy` of `compute.cnrm.cloud.google.com` is `compute.googleapis.com/TargetHttpsProxy`. The longest
suffix of the kind that the catalog knows applies. The tables hold exceptions.

Source: https://cloud.google.com/config-connector/docs/reference/overview
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from setpoint.catalog import config_connector
from setpoint.catalog.schemas import Schema, default_catalogue

SUFFIX = config_connector.SUFFIX

_CLOSE_GROUP = 0.9
"""Minimum similarity of a group to one of Config Connector's to count as its misspelling."""

CONTROLLER = "core.cnrm.cloud.google.com"
"""The group of the controller's own settings, which declare nothing in Google Cloud."""
_PLACEHOLDER = re.compile(r"\{[^{}/]*\}")
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


_RULED = frozenset(
    (
        # The inventory's type is of another thing than the object, or is spelled in another way than its messages.
        "AccessContextManagerAccessLevel",
        "AccessContextManagerAccessPolicy",
        "AccessContextManagerServicePerimeter",
        "ApigeeAddonsConfig",
        "FirebaseAndroidApp",
        "FirebaseWebApp",
        "NetworkServicesAuthzExtension",
    )
)
"""Kinds whose asset type follows from the rule, in place of the table."""


class KindTarget(NamedTuple):
    """The asset type of a Config Connector kind, and its schema if the catalog has one."""

    asset_type: str
    schema: Schema | None


@lru_cache(maxsize=2048)
def resolve(group: str, kind: str) -> KindTarget:
    """Look up the asset type and the schema of a kind.

    Args:
        group: The API group, `compute.cnrm.cloud.google.com` or its first label.
        kind: The kind, `ComputeFirewall`.

    Returns:
        The target; if the catalog knows no suffix of the kind, the asset type follows from the rule alone.
    """
    label = group.removesuffix(SUFFIX)
    service = SERVICES.get(label, label)
    host = f"{service}.googleapis.com"
    catalogue = default_catalogue()
    entry = config_connector.kind(label, kind)
    types = entry.types if entry is not None and kind not in _RULED else ()
    for asset_type in types[:1]:
        if (schema := catalogue.schema_for(asset_type)) is not None:
            return KindTarget(asset_type, schema)
    named = KINDS.get((label, kind))
    for ending in (named,) if named else endings(kind):
        schema = catalogue.schema_for(f"{host}/{ending}")
        if schema is not None:
            return KindTarget(f"{host}/{_spelled(ending, schema)}", schema)
    if entry is not None and (entry.types or entry.host):
        return KindTarget(entry.types[0] if entry.types else f"{entry.host}/{_without(label, kind)}", None)
    return KindTarget(f"{host}/{named or _without(label, kind)}", None)


def name_of(value: Mapping[str, Any]) -> tuple[str, str]:
    """The API group and the kind of an object."""
    return str(value.get("apiVersion", "")).partition("/")[0], str(value.get("kind", ""))


def of(value: Mapping[str, Any]) -> KindTarget:
    """What an object's kind is in Google's APIs; see ``resolve``."""
    return resolve(*name_of(value))


def faults(value: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Errors about a misspelled or unknown kind or group, each with its field and the likely correction.

    Args:
        value: The object.
    """
    group, kind = name_of(value)
    if (correction := _correction(group, kind)) is not None:
        yield (correction.field,), correction.message


def _correction(group: str, kind: str) -> config_connector.FieldCorrection | None:
    if config_connector.kind(group, kind) is not None or _same_service(group, kind):
        return None
    if (meant := config_connector.correction(group, kind)) is not None:
        return meant
    if resolve(group, kind).schema is not None:
        return None
    return config_connector.FieldCorrection(
        "kind", f"{kind} of {group} is not known; declare the resource in the native format, or check the spelling"
    )


def _same_service(group: str, kind: str) -> bool:
    """Whether another group of the same service has the kind, as `vertexai` and `aiplatform` do."""
    service = SERVICES.get(group.removesuffix(SUFFIX), group.removesuffix(SUFFIX))
    return any(SERVICES.get(other, other) == service for other in config_connector.groups_of(kind))


def is_misspelt_group(group: str, kind: str) -> bool:
    """Whether a group is a misspelling of a Config Connector group that has the kind.

    Args:
        group: The group as written, `storage.cnrm.cloud.google.con`.
        kind: The kind.
    """
    if not group.endswith((".com", ".con")) and "cnrm" not in group:
        return False
    groups = [f"{known}{SUFFIX}" for known in config_connector.groups_of(kind)]
    return bool(groups) and bool(difflib.get_close_matches(group, groups, n=1, cutoff=_CLOSE_GROUP))


def as_pattern(template: str) -> str:
    """A template of a relative name with a star for each parameter: `projects/*/topics/*`."""
    return _PLACEHOLDER.sub("*", template)


def endings(kind: str) -> tuple[str, ...]:
    """The capitalized suffixes of a kind, the longest first; the kind itself last.

    The whole kind is tried last: `WorkstationCluster` is a schema, and so is `Cluster` of others.
    """
    starts = [0, *(match.start() for match in _WORD_START.finditer(kind))]
    return tuple(kind[start:] for start in starts)


def _spelled(ending: str, schema: Schema) -> str:
    """The suffix in the API's spelling of acronyms: `TargetHTTPSProxy` is `TargetHttpsProxy`."""
    return schema.name[-len(ending) :] if schema.name.lower().endswith(ending.lower()) else ending


def _without(label: str, kind: str) -> str:
    for prefix in (label, label.removesuffix("s")):
        if kind.lower().startswith(prefix) and len(kind) > len(prefix):
            return kind[len(prefix) :]
    return kind


def group_of(kind: str) -> str:
    """The group that a kind's first words name, for a reference without a group.

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
