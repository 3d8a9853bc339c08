"""What projects are called: ids and numbers, learnt from what is observed.

Cloud Asset Inventory names most resources by their project's id, projects themselves by their number, and buckets by
neither; people declare ids. Every observation that tells both teaches the pair.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from msgspec.structs import replace

from setpoint.core.names import CONTENTS, ResourceKey, project_of
from setpoint.core.observations import Observation
from setpoint.ports.stores import ProjectStore

_FORGET_SECONDS = 60.0
"""How long an unknown number is taken for unknown before the store is asked again."""

_SERVICE_ACCOUNT = "iam.googleapis.com/ServiceAccount"


class Projects:
    """The pairs that this process has seen, over those that the store keeps.

    Args:
        store: where pairs are kept for everybody.
    """

    def __init__(self, store: ProjectStore) -> None:
        self._store = store
        self._ids: dict[str, str] = {}
        self._unknown: dict[str, float] = {}

    def learn(self, observation: Observation) -> str:
        """Take note of the pair that an observation tells; each is stored once by each process.

        Returns:
            The project's number where this process did not know the pair, else an empty string.
        """
        number, identifier = observation.project_number, project_of(observation.key.name)
        if not identifier[:1].isalpha():  # a number, or the wildcard of some names
            identifier = _own_id(observation)
        if number and identifier and self._ids.get(number) != identifier:
            self._store.learn_project(number, identifier)
            self._ids[number] = identifier
            return number
        return ""

    def id_of(self, number: str) -> str:
        """The id of the project with this number, or an empty string."""
        found = self._ids.get(number, "")
        if found or self._unknown.get(number, 0.0) > time.monotonic():
            return found
        found = str(self._store.project_id(number))
        if found:
            self._ids[number] = found
        else:
            self._unknown[number] = time.monotonic() + _FORGET_SECONDS
        return found

    def ask_again(self) -> None:
        """Ask the store again for numbers that it did not know: another process may have learnt them since."""
        self._unknown.clear()

    def placed(self, observation: Observation) -> Observation:
        """The observation with the id of its project, where that is known and its name does not tell it."""
        number = observation.project_number
        if not number or project_of(observation.key.name) not in ("", number):
            return observation
        return replace(observation, project_id=self.id_of(number) or observation.project_id)

    def other_keys(self, observation: Observation) -> Iterator[ResourceKey]:
        """Other keys under which the same resource may be declared: by its project's id, by its address."""
        key, number = observation.key, observation.project_number
        if number and observation.project_id and f"projects/{number}" in key.name:
            segments = key.name.split("/")
            segments[segments.index("projects") + 1] = observation.project_id
            key = ResourceKey("/".join(segments), key.content)
            yield key
        address = observation.data.get("email") if isinstance(observation.data, dict) else None
        if observation.asset_type == _SERVICE_ACCOUNT and isinstance(address, str):
            by_address = ResourceKey(f"{key.name.rpartition('/')[0]}/{address}", key.content)
            if by_address != key:
                yield by_address


def keys_by_number(number: str) -> Iterator[ResourceKey]:
    """The keys under which a project itself is observed."""
    name = f"//cloudresourcemanager.googleapis.com/projects/{number}"
    return (ResourceKey(name, content) for content in CONTENTS)


def is_waiting(observation: Observation) -> bool:
    """Whether an observation is of a project whose id is not known yet, so that nobody can tell who declares it."""
    return observation.asset_type.endswith("/Project") and not observation.project_id


def _own_id(observation: Observation) -> str:
    """The id that a project tells of itself."""
    data = observation.data
    named = data.get("projectId") if isinstance(data, dict) else None
    return named if isinstance(named, str) and observation.asset_type.endswith("/Project") else ""
