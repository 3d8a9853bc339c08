"""The installation under examination, and the APIs that describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from setpoint.model.write_plan import Call
from setpoint.ports.stores import Store
from setpoint.util.clock import utc_now


class Api(Protocol):
    """Google's APIs, read-only; implemented by ``adapters.google.rest``."""

    def read(self, call: Call) -> Any:
        """The body of the response; None for a 404. See ``ResourceApi.read``."""

    def time(self) -> datetime:
        """The time of Google's servers.

        Raises:
            Unavailable: the service does not answer.
        """


@dataclass
class Installation:
    """An installation.

    Args:
        project: the project that it runs in.
        region: the region of its functions.
        watch: what it watches, ``organizations/N`` and so on.
        store: opens its store; raises where it cannot be opened.
        store_url: the store's URL.
        api: Google's APIs.
        now: the time.
        options: of infra/, that are to be switched on; for what is asked before anything is made.
        database_location: where its database is to be; empty where that is the region.
    """

    project: str
    region: str
    watch: tuple[str, ...]
    store: Callable[[], Store]
    store_url: str
    api: Api
    now: Callable[[], datetime] = utc_now
    options: frozenset[str] = frozenset()
    database_location: str = ""
    _read: dict[str, Any] = field(default_factory=dict)

    def get(self, url: str, permission: str, **query: str) -> Any:
        """The response of a URL, cached; None for a 404."""
        key = f"{url}?{sorted(query.items())}"
        if key not in self._read:
            self._read[key] = self.api.read(Call(permission, "GET", url, query, permission=permission))
        return self._read[key]

    def listed(self, url: str, name: str, permission: str, **query: str) -> list[dict[str, Any]]:
        """All items of a list, over all pages."""
        items: list[dict[str, Any]] = []
        token = ""
        while True:
            page = self.get(url, permission, **query, **({"pageToken": token} if token else {})) or {}
            items += page.get(name) or ()
            token = page.get("nextPageToken", "")
            if not token:
                return items

    def policy(self, topic: str) -> dict[str, set[str]]:
        """The members of each role on a topic."""
        policy = self.get(f"https://pubsub.googleapis.com/v1/{topic}:getIamPolicy", "pubsub.topics.getIamPolicy") or {}
        return {binding["role"]: set(binding.get("members") or ()) for binding in policy.get("bindings") or ()}

    def permitted(self, permissions: list[str], place: str = "") -> set[str]:
        """The given permissions that the caller has on a place, ``folders/1``; by default on the project."""
        place = place or f"projects/{self.project}"
        call = Call(
            f"resourcemanager.{place.partition('/')[0]}.testIamPermissions",
            "POST",
            f"https://cloudresourcemanager.googleapis.com/v3/{place}:testIamPermissions",
            body={"permissions": permissions},
            permission="none: anybody may ask",
        )
        return set((self.api.read(call) or {}).get("permissions") or ())

    def measured(
        self, metric: str, resource_type: str, since: timedelta, *, total: bool = False
    ) -> Mapping[str, float]:
        """The latest value of a metric in a period, or its total, by subscription or topic."""
        until = self.now()
        series = self.listed(
            f"https://monitoring.googleapis.com/v3/projects/{self.project}/timeSeries",
            "timeSeries",
            "monitoring.timeSeries.list",
            **{
                "filter": f'metric.type = "{metric}" AND resource.type = "{resource_type}"',
                "interval.startTime": _stamp(until - since),
                "interval.endTime": _stamp(until),
            },
        )
        totals: dict[str, float] = {}
        for measured in series:
            labels = measured.get("resource", {}).get("labels", {})
            name = labels.get("subscription_id") or labels.get("topic_id") or ""
            points = measured.get("points") or []  # the latest first
            for point in points if total else points[:1]:
                value = point.get("value", {})
                totals[name] = totals.get(name, 0.0) + float(value.get("int64Value") or value.get("doubleValue") or 0)
        return totals


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z")  # by the minute, so that the same is asked once
