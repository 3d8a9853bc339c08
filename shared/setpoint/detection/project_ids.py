"""Resolve project ids and numbers, learned from observations.

Cloud Asset Inventory names most resources by the project's id, projects by their number, and buckets by neither;
declarations use ids. Every observation with both an id and a number records the pair.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from msgspec.structs import replace

from setpoint.catalog.inventory_names import natural_names, own_project
from setpoint.detection.name_bindings import NameBindings
from setpoint.errors import Unavailable
from setpoint.model.observation import Observation
from setpoint.model.resource_key import CONTENTS, ResourceKey, project_of
from setpoint.ports.services import ProjectDirectory
from setpoint.ports.stores import ProjectStore
from setpoint.util import telemetry

_FORGET_SECONDS = 60.0
"""How long an unknown number counts as unknown before the store is read again."""
_ASK_AGAIN_SECONDS = 600.0
"""How long a number counts as unknown after the directory had no answer."""


class ProjectIdResolver:
    """The pairs of id and number that this process knows, over those in the store.

    Args:
        store: the shared pairs.
        names: bindings of inventory names.
        directory: looks up the project of an unknown number; None looks nothing up.
    """

    def __init__(
        self, store: ProjectStore, names: NameBindings | None = None, directory: ProjectDirectory | None = None
    ) -> None:
        self._store = store
        self.names = names
        self._directory = directory
        self._asked: dict[str, float] = {}
        self._assumed: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._unknown: dict[str, float] = {}
        self._unjudged: set[str] = set()

    def described_ids(self, observation: Observation) -> dict[str, str]:
        """The project id by its number in an observation; empty if it is not new.

        A pair counts as new until its deferred observations are evaluated; see ``evaluating``.
        """
        number, identifier = observation.project_number, project_of(observation.key.name)
        if not identifier[:1].isalpha():  # a number, or the wildcard of some names
            identifier = _own_id(observation) or own_project(observation.key.name, observation.data)
        if number and identifier and (self._ids.get(number) != identifier or number in self._unjudged):
            return {number: identifier}
        return {}

    def record(self, ids: Mapping[str, str]) -> None:
        """Record project ids; each process stores each pair once.

        Raises:
            Unavailable: the store does not answer; try again.
        """
        new = {number: identifier for number, identifier in ids.items() if self._ids.get(number) != identifier}
        if new:
            self._store.write_project_ids(new)
            self._unjudged.update(new)
            self._ids.update(new)

    @contextmanager
    def evaluating(self, numbers: Collection[str]) -> Iterator[None]:
        """Mark the projects as known while their deferred observations are evaluated; new again after a failure."""
        self._unjudged.difference_update(numbers)
        try:
            yield
        except BaseException:
            self._unjudged.update(numbers)
            raise

    def id_of(self, number: str) -> str:
        """The id of the project with this number; empty if unknown."""
        identifier = self._ids.get(number, "")
        if identifier or self._unknown.get(number, 0.0) > time.monotonic():
            return identifier
        identifier = str(self._store.project_id(number))
        if identifier:
            self._ids[number] = identifier
        elif number in self._assumed:
            return self._assumed[number]
        else:
            self._unknown[number] = time.monotonic() + _FORGET_SECONDS
        return identifier

    def look_up(self, unknown: str) -> dict[str, str]:
        """Look up a project in the directory, once, and store the answer.

        Each lookup counts as ``project_lookups``, and one without an answer also as ``project_lookups_failed``.

        Args:
            unknown: the result of ``unknown_name``.

        Returns:
            The project's id by its number; empty if the directory has no answer.

        Raises:
            Unavailable: the store does not answer; try again.
        """
        number = unknown.removeprefix("projects/")
        if self._directory is None or not number.isdigit() or self._asked.get(number, 0.0) > time.monotonic():
            return {}
        self._asked[number] = time.monotonic() + _ASK_AGAIN_SECONDS
        telemetry.add("project_lookups")
        try:
            identifier = self._directory.project_id(number)
        except Unavailable:
            identifier = ""
        if not identifier:
            telemetry.add("project_lookups_failed")
            return {}
        self._unknown.pop(number, None)
        self.record({number: identifier})
        return {number: identifier}

    def assume(self, number: str, identifier: str) -> None:
        """Assume a number for a project id in this process only, until the project is observed."""
        self._unknown.pop(number, None)
        self._assumed[number] = identifier

    def forget_unknown(self) -> None:
        """Read unknown numbers from the store again; another process may have recorded them."""
        self._unknown.clear()

    def with_project_id(self, observation: Observation) -> Observation:
        """The observation with its project's id, if the id is known and the name does not contain it."""
        number = observation.project_number
        if not number or project_of(observation.key.name) not in ("", number):
            return observation
        return replace(observation, project_id=self.id_of(number) or observation.project_id)

    def alternative_keys(self, observation: Observation) -> Iterator[ResourceKey]:
        """Other keys under which the resource may be declared: by its project's id, or by a name in its data."""
        key = observation.key
        if observation.project_id and (number := observation.project_number) and f"projects/{number}" in key.name:
            segments = key.name.split("/")
            segments[segments.index("projects") + 1] = observation.project_id
            key = ResourceKey("/".join(segments), key.content)
            yield key
        for name in natural_names(observation.asset_type, key.name, observation.data):
            yield ResourceKey(name, key.content)
        if self.names is not None and (first := self.names.first_name(observation.key.name)):
            yield ResourceKey(first, key.content)
        if self.names is not None and (bound := self.names.of(observation)):
            yield from self._by_id(ResourceKey(bound, key.content), observation)

    def unknown_name(self, observation: Observation) -> str:
        """The unknown part of an observation's name, without which its declaration cannot be determined; empty if none.

        Returns:
            ``projects/NUMBER`` without a known id, or an inventory name without a binding.
        """
        number = project_of(observation.key.name)
        is_project = observation.asset_type.endswith("/Project")
        if is_project and not observation.project_id:
            return f"projects/{number or observation.project_number}"
        if not is_project and number.isdigit() and not observation.project_id and not self.id_of(number):
            return f"projects/{number}"
        return observation.key.name if self.names is not None and self.names.is_unbound(observation) else ""

    def _by_id(self, key: ResourceKey, observation: Observation) -> Iterator[ResourceKey]:
        """A key, and the same key with the project's id instead of its number."""
        number = project_of(key.name)
        if number.isdigit() and observation.project_id:
            name = key.name.replace(f"/projects/{number}/", f"/projects/{observation.project_id}/", 1)
            yield ResourceKey(name, key.content)
        yield key


def keys_by_number(number: str) -> Iterator[ResourceKey]:
    """The keys under which the project itself is observed."""
    name = f"//cloudresourcemanager.googleapis.com/projects/{number}"
    return (ResourceKey(name, content) for content in CONTENTS)


def _own_id(observation: Observation) -> str:
    """The id in a project's own data."""
    data = observation.data
    named = data.get("projectId") if isinstance(data, dict) else None
    return named if isinstance(named, str) and observation.asset_type.endswith("/Project") else ""
