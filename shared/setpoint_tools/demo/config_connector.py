"""Resources of the sample fleet as Config Connector manifests."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from setpoint_tools.demo.asset_types import ACCOUNT, BUCKET, SUBSCRIPTION, TOPIC
from setpoint_tools.demo.samples import Data, Sample


def is_manifest(sample: Sample) -> bool:
    """Whether a resource is declared by a manifest."""
    return (
        sample.declared is not None
        and sample.project is not None
        and sample.project.form == "config connector"
        and sample.key.content == "resource"
        and sample.kind.asset_type in _KINDS
    )


def manifest(sample: Sample) -> Data:
    """A resource as a manifest."""
    kind = _KINDS[sample.kind.asset_type]
    annotations = {
        "cnrm.cloud.google.com/project-id": sample.project.id if sample.project is not None else "",
        "setpoint.dev/team": sample.owner.team,
        "setpoint.dev/slack": sample.owner.slack,
        "setpoint.dev/email": sample.owner.email,
        "setpoint.dev/mode": sample.mode,
    }
    if sample.ignore:
        annotations["setpoint.dev/ignore"] = ", ".join(sample.ignore)
    if sample.exact:
        annotations["setpoint.dev/exact"] = ", ".join(sample.exact)
    declared = sample.declared or {}
    metadata: Data = {"name": _short(sample.key.name).partition("@")[0], "annotations": annotations}
    if labels := declared.get("labels"):
        metadata["labels"] = {key: str(value) for key, value in labels.items()}
    return {
        "apiVersion": f"{kind.group}.cnrm.cloud.google.com/v1beta1",
        "kind": kind.kind,
        "metadata": metadata,
        "spec": kind.spec(declared),
    }


def _bucket(declared: Data) -> Data:
    access = declared["iamConfiguration"]
    spec: Data = {
        "location": declared["location"].upper(),
        "storageClass": declared["storageClass"],
        "versioning": declared["versioning"],
        "uniformBucketLevelAccess": access["uniformBucketLevelAccess"]["enabled"],
        "publicAccessPrevention": access["publicAccessPrevention"],
        "softDeletePolicy": {"retentionDurationSeconds": int(declared["softDeletePolicy"]["retentionDurationSeconds"])},
        "lifecycleRule": [_lifecycle_rule(rule) for rule in declared["lifecycle"]["rule"]],
    }
    if encryption := declared.get("encryption"):
        key = encryption["defaultKmsKeyName"].removeprefix("//cloudkms.googleapis.com/")
        spec["encryption"] = {"kmsKeyRef": {"external": key}}
    return spec


def _lifecycle_rule(rule: Data) -> Data:
    condition = dict(rule["condition"])
    if "isLive" in condition:
        condition["withState"] = "LIVE" if condition.pop("isLive") else "ARCHIVED"
    return {"action": rule["action"], "condition": condition}


def _topic(declared: Data) -> Data:
    return {name: declared[name] for name in ("messageRetentionDuration", "messageStoragePolicy")}


def _subscription(declared: Data) -> Data:
    letters = declared["deadLetterPolicy"]
    spec: Data = {
        "topicRef": {"name": _short(declared["topic"])},
        "ackDeadlineSeconds": int(declared["ackDeadlineSeconds"]),
        "messageRetentionDuration": declared["messageRetentionDuration"],
        "retainAckedMessages": declared["retainAckedMessages"],
        "enableMessageOrdering": declared["enableMessageOrdering"],
        "expirationPolicy": declared["expirationPolicy"],
        "retryPolicy": declared["retryPolicy"],
        "deadLetterPolicy": {
            "deadLetterTopicRef": {"name": _short(letters["deadLetterTopic"])},
            "maxDeliveryAttempts": int(letters["maxDeliveryAttempts"]),
        },
    }
    if push := declared.get("pushConfig"):
        spec["pushConfig"] = push
    return spec


def _account(declared: Data) -> Data:
    return {name: declared[name] for name in ("displayName", "description", "disabled")}


def _short(name: str) -> str:
    return name.rpartition("/")[2]


class _Kind(NamedTuple):
    """A kind of Config Connector, and its spec for what is declared in the API's terms."""

    group: str
    kind: str
    spec: Callable[[Data], Data]


_KINDS: dict[str, _Kind] = {
    BUCKET.asset_type: _Kind("storage", "StorageBucket", _bucket),
    TOPIC.asset_type: _Kind("pubsub", "PubSubTopic", _topic),
    SUBSCRIPTION.asset_type: _Kind("pubsub", "PubSubSubscription", _subscription),
    ACCOUNT.asset_type: _Kind("iam", "IAMServiceAccount", _account),
}
