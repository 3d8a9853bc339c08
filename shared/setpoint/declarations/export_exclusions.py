"""Resources and fields that an export leaves out: records of events, generated resources, automated changes."""

from __future__ import annotations

from setpoint.detection import auto_created_resources
from setpoint.model import lifecycle
from setpoint.model.observation import Observation
from setpoint.model.resource_key import WHOLE, is_full_name

MOVING = frozenset(
    (
        # Clusters and node pools are upgraded by Google:
        # https://cloud.google.com/kubernetes-engine/docs/concepts/cluster-upgrades
        ("container", "NodePool", "version"),
        # The initial number of nodes of a pool, which an autoscaler then changes.
        ("container", "NodePool", "initialNodeCount"),
        # An ephemeral address of an instance: https://cloud.google.com/compute/docs/ip-addresses
        ("compute", "AccessConfig", "natIP"),
        # Set by autoscalers: https://cloud.google.com/compute/docs/autoscaler
        ("compute", "InstanceGroupManager", "targetSize"),
        # Grows with the data: https://cloud.google.com/sql/docs/mysql/instance-settings
        ("sqladmin", "Settings", "dataDiskSizeGb"),
        # Chosen at each maintenance: https://cloud.google.com/sql/docs/mysql/maintenance
        ("sqladmin", "DatabaseInstance", "maintenanceVersion"),
    )
)
"""Input fields that automation changes in normal operation: service, schema, field."""

_CREDENTIALS = frozenset(("iam.googleapis.com/ServiceAccountKey",))
"""Types that contain a secret; they have to be declared manually."""


def refusal(observation: Observation) -> str:
    """Why an observation is not exported; empty if it is."""
    if observation.deleted or (observation.key.content in WHOLE and lifecycle.is_gone(observation.data)):
        return "gone"
    if observation.data is None:
        return "the inventory does not say what it is"
    if not is_full_name(observation.key.name):
        return "its name is not a full resource name"
    if observation.key.content not in WHOLE:
        return ""
    if made := auto_created_resources.reason(observation):
        return made
    return "a credential" if observation.asset_type in _CREDENTIALS else ""
