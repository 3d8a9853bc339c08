"""The resources that controllers make others for: which types they have, and what of each is kept from a listing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from setpoint.model.controller_claims import Parent
from setpoint.model.observation import Observation
from setpoint.util.json_values import as_object

CLUSTER = "container.googleapis.com/Cluster"
MEMBERSHIP = "gkehub.googleapis.com/Membership"
FEATURE = "gkehub.googleapis.com/Feature"
GROUP_MANAGER = "compute.googleapis.com/InstanceGroupManager"
DATAPROC = "dataproc.googleapis.com/Cluster"
DATAFLOW = "dataflow.googleapis.com/Job"
COMPOSER = "composer.googleapis.com/Environment"
FUNCTION = "cloudfunctions.googleapis.com/Function"
COMPUTE_PROJECT = "compute.googleapis.com/Project"

WORDS: Mapping[str, str] = {
    CLUSTER: "cluster",
    GROUP_MANAGER: "managed instance group",
    DATAPROC: "Dataproc cluster",
    DATAFLOW: "Dataflow job",
    COMPOSER: "Composer environment",
    FUNCTION: "function",
}
"""The types whose existence decides about a claim, for people."""

TYPES: tuple[str, ...] = (*WORDS, MEMBERSHIP, FEATURE, COMPUTE_PROJECT)
"""The types to list before the claims of other resources are judged."""

HOST = "host"
"""The fact of a project that shares its networks with others."""
NETWORK = "network"
"""The fact of a cluster: its network, ``projects/PROJECT/global/networks/NAME``."""
JOB = "id"
"""The fact of a Dataflow job: its id."""


PREFIX = 5
"""The first characters of a name by which parents are looked up; a longer name is cut to no fewer."""


class ClaimedParent(NamedTuple):
    """The parent that a resource claims.

    Args:
        evidence: what says so, for people.
        types: the types of the parent; of the first one all must be listed before a parent counts as missing.
        own: last segment of its name; empty where it is not known exactly.
        fits: whether a parent in the same project is the claimed one.
        is_shared: the parent may be in another project that uses a network of this one.
        looked_for: what is looked for, for people; the type by default.
        beginnings: each first `PREFIX` characters, or fewer, that its name may have; empty where it may have any name.
    """

    evidence: str
    types: tuple[str, ...]
    own: str = ""
    fits: Callable[[Parent], bool] = lambda _: True
    is_shared: bool = False
    looked_for: str = ""
    beginnings: tuple[str, ...] = ()


def parent_of(observation: Observation) -> Parent | None:
    """What is kept of a listed resource; None if no claim needs it."""
    data = as_object(observation.data)
    kept = _FACTS.get(observation.asset_type)
    facts = {name: value for name, value in kept(data).items() if value} if kept is not None else {}
    if observation.asset_type not in TYPES or (observation.asset_type == COMPUTE_PROJECT and not facts):
        return None
    return Parent(observation.key.name, observation.asset_type, observation.ancestors, facts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _of_cluster(data: Mapping[str, Any]) -> dict[str, str]:
    config = data.get("networkConfig")
    return {NETWORK: _text(config.get("network")) if isinstance(config, dict) else ""}


def _of_job(data: Mapping[str, Any]) -> dict[str, str]:
    return {JOB: _text(data.get("id"))}


def _of_project(data: Mapping[str, Any]) -> dict[str, str]:
    return {HOST: "yes" if data.get("xpnProjectStatus") == "HOST" else ""}


_FACTS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, str]]] = {
    CLUSTER: _of_cluster,
    DATAFLOW: _of_job,
    COMPUTE_PROJECT: _of_project,
}
