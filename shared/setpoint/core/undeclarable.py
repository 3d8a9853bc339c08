"""What nobody declares, although it is there: it happened, something else made it, or automation moves it."""

from __future__ import annotations

import re
from typing import Any

from setpoint.core.names import is_full_name
from setpoint.core.observations import Observation

MOVING = frozenset(
    (
        # Clusters and node pools are upgraded by Google:
        # https://cloud.google.com/kubernetes-engine/docs/concepts/cluster-upgrades
        ("container", "NodePool", "version"),
        # The number of nodes when the pool was made, which an autoscaler then changes.
        ("container", "NodePool", "initialNodeCount"),
        # An address that an instance has until it stops: https://cloud.google.com/compute/docs/ip-addresses
        ("compute", "AccessConfig", "natIP"),
        # Set by autoscalers: https://cloud.google.com/compute/docs/autoscaler
        ("compute", "InstanceGroupManager", "targetSize"),
        # Grows with the data: https://cloud.google.com/sql/docs/mysql/instance-settings
        ("sqladmin", "Settings", "dataDiskSizeGb"),
        # Chosen at each maintenance: https://cloud.google.com/sql/docs/mysql/maintenance
        ("sqladmin", "DatabaseInstance", "maintenanceVersion"),
    )
)
"""Inputs that something else than their author changes in the usual run of things: service, schema, field."""

_HISTORY = frozenset(
    (
        "appengine.googleapis.com/Version",
        "artifactregistry.googleapis.com/DockerImage",
        "cloudbuild.googleapis.com/Build",
        "cloudkms.googleapis.com/CryptoKeyVersion",
        "containerregistry.googleapis.com/Image",
        "dataflow.googleapis.com/Job",
        "dataproc.googleapis.com/Batch",
        "dataproc.googleapis.com/Job",
        "iam.googleapis.com/ServiceAccountKey",
        "run.googleapis.com/Execution",
        "run.googleapis.com/Revision",
        "secretmanager.googleapis.com/SecretVersion",
        "spanner.googleapis.com/Backup",
        "sqladmin.googleapis.com/BackupRun",
    )
)
"""Types of which each one is something that happened, and a later one takes its place."""

_MAKERS = re.compile(r"goog-(gke|dataproc|dataflow|composer)-")
"""Labels on what Kubernetes Engine, Dataproc, Dataflow and Composer make in Compute Engine."""


def refusal(observation: Observation) -> str:
    """Why nothing can or should be declared of what is observed, or an empty string."""
    if observation.deleted:
        return "gone"
    if observation.data is None:
        return "the inventory does not tell what it is"
    if not is_full_name(observation.key.name):
        return "its name is no full resource name"
    if observation.key.content == "access_policy":
        return "access policies cannot be declared"
    return _why_not_desired(observation) if observation.key.content == "resource" else ""


def _why_not_desired(observation: Observation) -> str:
    if observation.asset_type in _HISTORY:
        return "something that happened, not something desired"
    if observation.asset_type.startswith("compute.") and _is_made_by_another(observation.data):
        return "made by another resource"
    return ""


def _is_made_by_another(data: Any) -> bool:
    """Whether an instance, disk or route comes and goes with a cluster, an instance group or a network.

    Sources: https://cloud.google.com/compute/docs/instance-groups/getting-info-about-migs (``created-by``),
    https://cloud.google.com/vpc/docs/routes
    """
    if any(map(_MAKERS.match, data.get("labels") or ())) or data.get("nextHopPeering") or data.get("nextHopNetwork"):
        return True
    metadata = data.get("metadata") or {}
    return any(one.get("key") == "created-by" for one in metadata.get("items") or ())
