"""A stand-in for Google's APIs in the demo: it holds what the feed shows, and takes the writes of remediation."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from setpoint.errors import Refused
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import Call, Done, Failed, Running, Started, WritePlan, Written

_POLICY_ENDINGS = (":getIamPolicy", ":setIamPolicy", "/iam")


class FakeGoogle:
    """A ``ResourceApi`` in memory.

    ``writes`` has the requests that were sent, in their order.
    """

    def __init__(self) -> None:
        self.writes: list[WritePlan] = []
        self._bodies: dict[tuple[str, str], Any] = {}

    def observe(self, key: ResourceKey, body: Any) -> None:
        """Hold a resource, or its policy, as a feed shows it; None for one that is deleted."""
        self._bodies[(_path(key.name), key.content)] = copy.deepcopy(body)

    def read(self, call: Call) -> Any:
        """See ``ResourceApi.read``."""
        place = self._place(call)
        return copy.deepcopy(self._bodies[place]) if place is not None else None

    def write(self, plan: WritePlan) -> Written | Started | Failed:
        """See ``ResourceApi.write``."""
        place = self._place(plan.call)
        if place is None:
            raise Refused(f"{plan.key.name}: there is no such resource")
        self.writes.append(plan)
        if place[1] == "iam_policy":
            self._bodies[place] = plan.call.body.get("policy", plan.call.body)
        else:
            _merge(self._bodies[place], plan.call.body or {})
        return Written()

    def operation(self, started: Started) -> Running | Done | Failed:
        """See ``ResourceApi.operation``."""
        del started
        return Done()

    def _place(self, call: Call) -> tuple[str, str] | None:
        """The resource that a request is for: the longest ending of its path that is known."""
        path = urlsplit(call.url).path
        content = "resource"
        for ending in _POLICY_ENDINGS:
            if path.endswith(ending):
                path, content = path.removesuffix(ending), "iam_policy"
        parts = path.strip("/").split("/")
        endings = ("/".join(parts[start:]) for start in range(len(parts)))
        return next(((ending, content) for ending in endings if (ending, content) in self._bodies), None)


def _path(name: str) -> str:
    return name.removeprefix("//").partition("/")[2]


def _merge(held: dict[str, Any], patch: Mapping[str, Any]) -> None:
    """Merge a patch into a resource: null removes, an object is merged, everything else replaces.

    Source: https://www.rfc-editor.org/rfc/rfc7396
    """
    for name, value in patch.items():
        if value is None:
            held.pop(name, None)
        elif isinstance(value, dict) and isinstance(held.get(name), dict):
            _merge(held[name], value)
        else:
            held[name] = copy.deepcopy(value)
