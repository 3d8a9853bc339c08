"""Sample topics, subscriptions and log sinks."""

from __future__ import annotations

from setpoint_tools.demo.asset_types import SINK, SUBSCRIPTION, TOPIC
from setpoint_tools.demo.samples import Data, Sample, Site

_DAY = 86400


def topic(site: Site, name: str) -> Sample:
    """A topic that keeps its messages in Europe."""
    path = f"projects/{site.project.id}/topics/{name}"
    labels = site.labels()
    regions = ["europe-west1", "europe-west3", "europe-west4"]
    declared = {
        "name": site.spelling.near(path, "pubsub"),
        "messageRetentionDuration": site.spelling.duration(7 * _DAY),
        "messageStoragePolicy": {"allowedPersistenceRegions": site.spelling.order(regions)},
        "labels": labels,
    }
    live = {
        "name": path,
        "messageRetentionDuration": f"{7 * _DAY}s",
        "messageStoragePolicy": {"allowedPersistenceRegions": regions},
        "labels": site.live_labels(labels),
    }
    return site.sample(TOPIC, f"pubsub/{path}", declared, live)


def subscription(site: Site, name: str, topic_name: str, service_url: str = "") -> Sample:
    """A subscription with dead letters; pushed where there is a service to push to."""
    path = f"projects/{site.project.id}/subscriptions/{name}"
    source = f"projects/{site.project.id}/topics/{topic_name}"
    dead = f"projects/{site.project.id}/topics/dead-letters"
    labels = site.labels()
    declared: Data = {
        "topic": site.spelling.near(source, "pubsub"),
        "ackDeadlineSeconds": site.spelling.number(60),
        "messageRetentionDuration": site.spelling.duration(7 * _DAY),
        "retainAckedMessages": False,
        "enableMessageOrdering": True,
        "expirationPolicy": {"ttl": site.spelling.duration(31 * _DAY)},
        "retryPolicy": {"minimumBackoff": site.spelling.duration(10), "maximumBackoff": site.spelling.duration(600)},
        "deadLetterPolicy": {
            "deadLetterTopic": site.spelling.link(dead, "pubsub"),
            "maxDeliveryAttempts": site.spelling.number(5),
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
        "labels": site.live_labels(labels),
        "pushConfig": {},
    }
    if service_url:
        account = f"push@{site.project.id}.iam.gserviceaccount.com"
        push = {"pushEndpoint": service_url, "oidcToken": {"serviceAccountEmail": account}}
        declared["pushConfig"] = push
        live["pushConfig"] = {**push, "attributes": {"x-goog-version": "v1"}}
    return site.sample(SUBSCRIPTION, f"pubsub/{path}", declared, live)


def sink(site: Site, name: str, destination: str, kept: str) -> Sample:
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
                "createTime": site.server.time(),
            }
        ],
        "writerIdentity": f"serviceAccount:service-{site.project.number}@gcp-sa-logging.iam.gserviceaccount.com",
        "createTime": site.server.time(),
        "updateTime": site.server.time(),
    }
    return site.sample(SINK, f"logging/projects/{site.project.id}/sinks/{name}", declared, live, location="global")
