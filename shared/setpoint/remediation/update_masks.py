"""Update masks that APIs refuse although the field exists, and the coarser masks that they accept.

The finest mask preserves concurrent changes to other fields. Some APIs accept only the top-level field above it;
Terraform's provider nearly always sends that field (https://github.com/hashicorp/terraform-provider-google, the
``updateMask`` of each resource's update function), so such masks are known to work.
"""

from __future__ import annotations

from typing import NamedTuple


class RefusedMask(NamedTuple):
    """A mask that an API refuses.

    Args:
        service: the API.
        schema: the resource.
        path: the mask, or its prefix.
        source: the source of the fact.
    """

    service: str
    schema: str
    path: str
    source: str


_PROVIDER = "https://github.com/hashicorp/terraform-provider-google/blob/main/google/services"
_SUBSCRIPTION = f"{_PROVIDER}/pubsub/resource_pubsub_subscription.go"
_TOPIC = f"{_PROVIDER}/pubsub/resource_pubsub_topic.go"
_ALERT = f"{_PROVIDER}/monitoring/resource_monitoring_alert_policy.go"
_VIEW = f"{_PROVIDER}/bigtable/resource_bigtable_authorized_view.go"

REFUSED: tuple[RefusedMask, ...] = (
    RefusedMask("pubsub", "Subscription", "expirationPolicy.", _SUBSCRIPTION),
    RefusedMask("pubsub", "Subscription", "retryPolicy.", _SUBSCRIPTION),
    RefusedMask("pubsub", "Topic", "messageStoragePolicy.", _TOPIC),
    RefusedMask("monitoring", "AlertPolicy", "documentation.", _ALERT),
    RefusedMask("bigtableadmin", "AuthorizedView", "subsetView.", _VIEW),
)
"""Masks that were refused with error 400, and whose parent the provider sends."""


def taken(service: str, schema: str, cut: tuple[str, ...]) -> tuple[str, ...]:
    """The finest mask that an API accepts, as far as known.

    Args:
        service: the API.
        schema: the resource.
        cut: the keys of the finest mask.
    """
    path = ".".join(cut)
    is_refused = any(
        (entry.service, entry.schema) == (service, schema) and path.startswith(entry.path) for entry in REFUSED
    )
    return cut[:1] if is_refused else cut


def is_about_mask(reason: str) -> bool:
    """Whether an API's error message refuses the mask rather than the value."""
    words = reason.lower().replace("_", "").replace(" ", "")
    return "updatemask" in words or "fieldmask" in words
