"""The installation that is looked at, and the APIs that tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from setpoint.model.write_plan import Call
from setpoint.ports.stores import Store


class Api(Protocol):
    """Google's APIs, for reading; as ``adapters.google_rest`` does it."""

    def read(self, call: Call) -> Any:
        """The body of an answer; None where there is no such thing. See ``ResourceApi.read``."""

    def time(self) -> datetime:
        """What time it is at Google's.

        Raises:
            Unavailable: nobody answers.
        """


def _now() -> datetime:
    return datetime.now(UTC)


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
    """

    project: str
    region: str
    watch: tuple[str, ...]
    store: Callable[[], Store]
    store_url: str
    api: Api
    now: Callable[[], datetime] = _now
    options: frozenset[str] = frozenset()
    _read: dict[str, Any] = field(default_factory=dict)

    def get(self, url: str, permission: str, **query: str) -> Any:
        """What an address tells, None where there is nothing; read once."""
        key = f"{url}?{sorted(query.items())}"
        if key not in self._read:
            self._read[key] = self.api.read(Call(permission, "GET", url, query, permission=permission))
        return self._read[key]

    def listed(self, url: str, name: str, permission: str, **query: str) -> list[dict[str, Any]]:
        """All of a list, whatever the number of its pages."""
        items: list[dict[str, Any]] = []
        token = ""
        while True:
            page = self.get(url, permission, **query, **({"pageToken": token} if token else {})) or {}
            items += page.get(name) or ()
            token = page.get("nextPageToken", "")
            if not token:
                return items

    def policy(self, topic: str) -> dict[str, set[str]]:
        """Who has which role on a topic, by role."""
        policy = self.get(f"https://pubsub.googleapis.com/v1/{topic}:getIamPolicy", "pubsub.topics.getIamPolicy") or {}
        return {binding["role"]: set(binding.get("members") or ()) for binding in policy.get("bindings") or ()}

    def permitted(self, permissions: list[str]) -> set[str]:
        """Those of some permissions that whoever runs this has on the project."""
        call = Call(
            "resourcemanager.projects.testIamPermissions",
            "POST",
            f"https://cloudresourcemanager.googleapis.com/v1/projects/{self.project}:testIamPermissions",
            body={"permissions": permissions},
            permission="none: anybody may ask",
        )
        return set((self.api.read(call) or {}).get("permissions") or ())

    def measured(
        self, metric: str, resource_type: str, since: timedelta, *, total: bool = False
    ) -> Mapping[str, float]:
        """The latest value of a metric within a time, or the total, by subscription or topic."""
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
