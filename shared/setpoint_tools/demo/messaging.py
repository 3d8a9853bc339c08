"""Sample topics, subscriptions and log sinks."""

from __future__ import annotations

from setpoint_tools.demo.asset_types import SINK, SUBSCRIPTION, TOPIC
from setpoint_tools.demo.samples import Data, Sample, Site

_DAY = 86400


def topic(at: Site, name: str) -> Sample:
    """A topic that keeps its messages in Europe."""
    path = f"projects/{at.project.id}/topics/{name}"
    labels = at.labels()
    regions = ["europe-west1", "europe-west3", "europe-west4"]
    declared = {
        "name": at.hand.near(path, "pubsub"),
        "messageRetentionDuration": at.hand.duration(7 * _DAY),
        "messageStoragePolicy": {"allowedPersistenceRegions": at.hand.order(regions)},
        "labels": labels,
    }
    live = {
        "name": path,
        "messageRetentionDuration": f"{7 * _DAY}s",
        "messageStoragePolicy": {"allowedPersistenceRegions": regions},
        "labels": at.live_labels(labels),
    }
    return at.sample(TOPIC, f"pubsub/{path}", declared, live)


def subscription(at: Site, name: str, topic_name: str, service_url: str = "") -> Sample:
    """A subscription with dead letters; pushed where there is a service to push to."""
    path = f"projects/{at.project.id}/subscriptions/{name}"
    source = f"projects/{at.project.id}/topics/{topic_name}"
    dead = f"projects/{at.project.id}/topics/dead-letters"
    labels = at.labels()
    declared: Data = {
        "topic": at.hand.near(source, "pubsub"),
        "ackDeadlineSeconds": at.hand.number(60),
        "messageRetentionDuration": at.hand.duration(7 * _DAY),
        "retainAckedMessages": False,
        "enableMessageOrdering": True,
        "expirationPolicy": {"ttl": at.hand.duration(31 * _DAY)},
        "retryPolicy": {"minimumBackoff": at.hand.duration(10), "maximumBackoff": at.hand.duration(600)},
        "deadLetterPolicy": {
            "deadLetterTopic": at.hand.link(dead, "pubsub"),
            "maxDeliveryAttempts": at.hand.number(5),
        },
        "labels": labels,
    }
    live: Data = {
        "name": path,
        "topic": source,
        "state": "ACTIVE",
        "ackDeadlineSeconds": 60,
        "messageRetentionDuration": f"{7 * _DAY}s",
        "enableMessageOrdering": True,
        "expirationPolicy": {"ttl": f"{31 * _DAY}s"},
        "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
        "deadLetterPolicy": {"deadLetterTopic": dead, "maxDeliveryAttempts": 5},
        "labels": at.live_labels(labels),
        "pushConfig": {},
    }
    if service_url:
        account = f"push@{at.project.id}.iam.gserviceaccount.com"
        push = {"pushEndpoint": service_url, "oidcToken": {"serviceAccountEmail": account}}
        declared["pushConfig"] = push
        live["pushConfig"] = {**push, "attributes": {"x-goog-version": "v1"}}
    return at.sample(SUBSCRIPTION, f"pubsub/{path}", declared, live)


def sink(at: Site, name: str, destination: str, kept: str) -> Sample:
    """A sink that takes logs to where they are kept."""
    declared = {
        "name": name,
        "destination": destination,
        "filter": kept,
        "disabled": False,
        "exclusions": [{"name": "health-checks", "filter": 'httpRequest.userAgent:"GoogleHC"', "disabled": False}],
    }
    live = {
        "name": name,
        "destination": destination,
        "filter": kept,
        "exclusions": [
            {
                "name": "health-checks",
                "filter": 'httpRequest.userAgent:"GoogleHC"',
                "createTime": at.server.time(),
            }
        ],
        "writerIdentity": f"serviceAccount:service-{at.project.number}@gcp-sa-logging.iam.gserviceaccount.com",
        "createTime": at.server.time(),
        "updateTime": at.server.time(),
    }
    return at.sample(SINK, f"logging/projects/{at.project.id}/sinks/{name}", declared, live, location="global")
