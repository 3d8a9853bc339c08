"""Resources of the sample fleet as raw Terraform states, as a state bucket holds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from setpoint.model.state_urls import compiled
from setpoint.ports.services import StateObject
from setpoint_tools.demo.asset_types import BUCKET, SUBSCRIPTION, TOPIC
from setpoint_tools.demo.fleet import Fleet
from setpoint_tools.demo.samples import Data, Sample

STATE_BUCKET = "gs://example-terraform-states"
_PROVIDER = 'provider["registry.terraform.io/hashicorp/google"]'


def is_in_state(sample: Sample) -> bool:
    """Whether a resource is declared by a Terraform state."""
    return (
        sample.declared is not None
        and sample.project is not None
        and sample.project.form == "terraform"
        and sample.key.content == "resource"
        and sample.kind.asset_type in _RESOURCES
    )


def write(fleet: Fleet, folder: Path) -> int:
    """Write ``folder/PROJECT/default.tfstate`` for each project; the number of states."""
    by_project: dict[str, list[Sample]] = {}
    for sample in fleet.declared:
        if sample.project is not None and is_in_state(sample):
            by_project.setdefault(sample.project.id, []).append(sample)
    for project, samples in by_project.items():
        file = folder / project / "default.tfstate"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(_state(project, samples), indent=2), encoding="utf-8")
    return len(by_project)


class StateFolder:
    """A ``StateStorage`` that serves a folder as the bucket of states.

    Args:
        folder: the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self, pattern: str) -> Iterator[StateObject]:
        """See ``StateStorage.list``."""
        for file in sorted(self._folder.rglob("*.tfstate")):
            url = f"{STATE_BUCKET}/{file.relative_to(self._folder).as_posix()}"
            if compiled(pattern).fullmatch(url):
                yield StateObject(url, revision=str(file.stat().st_mtime_ns), locator=str(file))

    def read(self, state: StateObject) -> bytes:
        """See ``StateStorage.read``."""
        return Path(state.locator).read_bytes()


def _state(project: str, samples: list[Sample]) -> Data:
    return {
        "version": 4,
        "terraform_version": "1.9.5",
        "serial": 7,
        "lineage": f"example-{project}",
        "outputs": {},
        "resources": [_resource(sample) for sample in samples],
    }


def _resource(sample: Sample) -> Data:
    kind = _RESOURCES[sample.kind.asset_type]
    name = sample.key.name.rpartition("/")[2]
    project = sample.project.id if sample.project is not None else ""
    labels = {key: str(value) for key, value in (sample.declared or {})["labels"].items()}
    common = {"name": name, "project": project, "labels": labels, "terraform_labels": labels}
    attributes = {**common, "effective_labels": labels, "timeouts": None, **kind.attributes(sample.live)}
    instance = {"schema_version": kind.schema_version, "attributes": attributes, "sensitive_attributes": []}
    return {
        "mode": "managed",
        "type": kind.type,
        "name": name.replace("-", "_"),
        "provider": _PROVIDER,
        "instances": [instance],
    }


def _bucket(live: Data) -> Data:
    encryption = live.get("encryption")
    return {
        "id": live["name"],
        "location": live["location"],
        "storage_class": live["storageClass"],
        "force_destroy": False,
        "requester_pays": False,
        "public_access_prevention": live["iamConfiguration"]["publicAccessPrevention"],
        "uniform_bucket_level_access": live["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"],
        "versioning": [{"enabled": live["versioning"]["enabled"]}],
        "soft_delete_policy": [
            {"retention_duration_seconds": int(live["softDeletePolicy"]["retentionDurationSeconds"])}
        ],
        "lifecycle_rule": [_lifecycle_rule(rule) for rule in live["lifecycle"]["rule"]],
        "encryption": [{"default_kms_key_name": encryption["defaultKmsKeyName"]}] if encryption else [],
    }


def _lifecycle_rule(rule: Data) -> Data:
    action, condition = rule["action"], rule["condition"]
    state = "ANY" if "isLive" not in condition else "LIVE" if condition["isLive"] else "ARCHIVED"
    return {
        "action": [{"type": action["type"], "storage_class": action.get("storageClass", "")}],
        "condition": [{"age": condition["age"], "with_state": state}],
    }


def _topic(live: Data) -> Data:
    regions = live["messageStoragePolicy"]["allowedPersistenceRegions"]
    return {
        "id": live["name"],
        "message_retention_duration": live["messageRetentionDuration"],
        "message_storage_policy": [{"allowed_persistence_regions": regions}],
    }


def _subscription(live: Data) -> Data:
    retry, letters = live["retryPolicy"], live["deadLetterPolicy"]
    return {
        "id": live["name"],
        "topic": live["topic"],
        "ack_deadline_seconds": live["ackDeadlineSeconds"],
        "message_retention_duration": live["messageRetentionDuration"],
        "retain_acked_messages": False,
        "enable_message_ordering": live["enableMessageOrdering"],
        "expiration_policy": [{"ttl": live["expirationPolicy"]["ttl"]}],
        "retry_policy": [{"minimum_backoff": retry["minimumBackoff"], "maximum_backoff": retry["maximumBackoff"]}],
        "dead_letter_policy": [
            {
                "dead_letter_topic": letters["deadLetterTopic"],
                "max_delivery_attempts": letters["maxDeliveryAttempts"],
            }
        ],
    }


class _ResourceType(NamedTuple):
    """A resource type of the provider, and its attributes for a live resource."""

    type: str
    attributes: Callable[[Data], Data]
    schema_version: int = 0


_RESOURCES: dict[str, _ResourceType] = {
    BUCKET.asset_type: _ResourceType("google_storage_bucket", _bucket, 3),
    TOPIC.asset_type: _ResourceType("google_pubsub_topic", _topic),
    SUBSCRIPTION.asset_type: _ResourceType("google_pubsub_subscription", _subscription),
}
