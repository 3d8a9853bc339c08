"""Checks of feeds, topics and subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from setpoint.operations.diagnostics.installation import Installation
from setpoint.operations.diagnostics.result import APPLY, Diagnosis
from setpoint.util.counts import counted

TOPICS = ("asset-changes", "drift-events", "dead-letters", "sweeps", "uploads")
"""What no installation can do without."""
SUBSCRIPTIONS = ("detect", "sweep", "uploads", "dead-letters")
_PUBSUB = "https://pubsub.googleapis.com/v1"
_LATE = 900.0
_GONE = "_deleted-topic_"


def topics(installation: Installation) -> Iterator[Diagnosis]:
    """The topics exist."""
    for name in TOPICS:
        topic = f"projects/{installation.project}/topics/{name}"
        if installation.get(f"{_PUBSUB}/{topic}", "pubsub.topics.get") is None:
            yield "fail", f"there is no topic {name}", APPLY
        else:
            yield "pass", f"topic {name}"


def subscriptions(installation: Installation) -> Iterator[Diagnosis]:
    """The subscriptions exist, push to their function with a token, and drop nothing."""
    configured = subscriptions_of(installation)
    for name in SUBSCRIPTIONS:
        if name not in configured:
            yield "fail", f"there is no subscription {name}", APPLY
    for name, subscription in configured.items():
        faults = [*_faults(subscription)]
        yield from (("fail", f"subscription {name} {what}", do) for what, do in faults)
        if not faults:
            yield "pass", f"subscription {name}"


def subscriptions_of(installation: Installation) -> dict[str, dict[str, Any]]:
    """Setpoint's subscriptions by short name: the named ones, and those that push to its functions."""
    listed = installation.listed(
        f"{_PUBSUB}/projects/{installation.project}/subscriptions", "subscriptions", "pubsub.subscriptions.list"
    )
    named = {subscription["name"].rpartition("/")[2]: subscription for subscription in listed}
    return {
        name: subscription
        for name, subscription in named.items()
        if name in SUBSCRIPTIONS or "//setpoint-" in subscription.get("pushConfig", {}).get("pushEndpoint", "")
    }


def _faults(subscription: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if subscription.get("topic") == _GONE:
        yield "belongs to a deleted topic", "delete it, and `terraform apply` makes it again"
    if subscription.get("state", "ACTIVE") != "ACTIVE":
        yield f"is not active ({subscription['state']})", "look at the error of its push endpoint in the console"
    if subscription.get("expirationPolicy", {}).get("ttl"):
        yield "expires when it is idle", APPLY
    push = subscription.get("pushConfig") or {}
    if not push.get("pushEndpoint"):
        return
    if not push.get("oidcToken", {}).get("serviceAccountEmail"):
        yield "pushes without a token, which Cloud Run refuses", APPLY
    if not subscription.get("deadLetterPolicy", {}).get("deadLetterTopic"):
        yield "has no dead-letter topic: messages that fail for a week are lost", APPLY
    if not subscription.get("retryPolicy"):
        yield "has no retry delay", APPLY


def publishers(installation: Installation) -> Iterator[Diagnosis]:
    """The feeds may publish to their topic, and Pub/Sub to the dead-letter topic."""
    number = project_number(installation)
    agents = {
        "asset-changes": f"serviceAccount:service-{number}@gcp-sa-cloudasset.iam.gserviceaccount.com",
        "dead-letters": f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com",
    }
    for name, agent in agents.items():
        policy = installation.policy(f"projects/{installation.project}/topics/{name}")
        if agent in policy.get("roles/pubsub.publisher", set()):
            yield "pass", f"Google's agent may publish to {name}"
        else:
            yield (
                "fail",
                f"{agent.partition(':')[2]} may not publish to {name}",
                f"grant roles/pubsub.publisher; {APPLY}",
            )


def project_number(installation: Installation) -> str:
    """The number of the installation's project."""
    url = f"https://cloudresourcemanager.googleapis.com/v1/projects/{installation.project}"
    return str((installation.get(url, "resourcemanager.projects.get") or {}).get("projectNumber", ""))


def feeds(installation: Installation) -> Iterator[Diagnosis]:
    """Every watched parent has a resource feed and an IAM policy feed, both to the right topic."""
    if not installation.watch:
        yield "unknown", "no setting names the watched parents", "pass --watch organizations/NUMBER"
    topic = f"projects/{installation.project}/topics/asset-changes"
    for parent in installation.watch:
        url = f"https://cloudasset.googleapis.com/v1/{parent}/feeds"
        listed = installation.listed(url, "feeds", "cloudasset.feeds.list")
        ours = [
            feed
            for feed in listed
            if feed.get("feedOutputConfig", {}).get("pubsubDestination", {}).get("topic") == topic
        ]
        for content in ("RESOURCE", "IAM_POLICY"):
            if any(our.get("contentType") == content for our in ours):
                yield "pass", f"{parent}: feed of {content}"
            else:
                yield "fail", f"{parent} has no feed of {content} to asset-changes", APPLY


def delivery(installation: Installation) -> Iterator[Diagnosis]:
    """The feeds delivered a message within a day, and recently."""
    metric = "pubsub.googleapis.com/topic/send_request_count"
    if installation.measured(metric, "pubsub_topic", timedelta(hours=1), total=True).get("asset-changes"):
        yield "pass", "feeds have sent messages within an hour"
    elif installation.measured(metric, "pubsub_topic", timedelta(days=1), total=True).get("asset-changes"):
        yield (
            "warn",
            "no feed message within an hour",
            "change a label of a watched resource; see infra/runbooks/feed-silent.md",
        )
    else:
        yield "fail", "no feed message within a day", "see infra/runbooks/feed-silent.md"


def lag(installation: Installation) -> Iterator[Diagnosis]:
    """No pushed message waits for long."""
    ages = installation.measured(
        "pubsub.googleapis.com/subscription/oldest_unacked_message_age", "pubsub_subscription", timedelta(minutes=15)
    )
    for name, subscription in subscriptions_of(installation).items():
        if subscription.get("pushConfig", {}).get("pushEndpoint"):
            age = ages.get(name, 0.0)
            if age > _LATE:
                yield (
                    "fail",
                    f"a message of {name} has waited for {age / 60:.0f} minutes",
                    "see infra/runbooks/queue-age.md",
                )
            else:
                yield "pass", f"{name}: the oldest message has waited for {age:.0f} s"


def dead_letters(installation: Installation) -> Iterator[Diagnosis]:
    """No dead letter waits."""
    waiting = installation.measured(
        "pubsub.googleapis.com/subscription/num_undelivered_messages", "pubsub_subscription", timedelta(minutes=15)
    ).get("dead-letters", 0.0)
    if waiting:
        do = f"`setpoint dead-letters list --project {installation.project}`; see infra/runbooks/dead-letters.md"
        yield "warn", f"{counted(round(waiting), 'dead letter')} not handled", do
    else:
        yield "pass", "no dead letters"
