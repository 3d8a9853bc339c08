"""What projects are called: ids and numbers, learnt from what is observed.

Cloud Asset Inventory names most resources by their project's id, projects themselves by their number, and buckets by
neither; people declare ids. Every observation that tells both teaches the pair.
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
"""How long an unknown number is taken for unknown before the store is asked again."""
_ASK_AGAIN_SECONDS = 600.0
"""How long a number counts as unknown after nobody could tell the project that it is of."""


class ProjectIdResolver:
    """The pairs that this process has seen, over those that the store keeps.

    Args:
        store: where pairs are kept for everybody.
        names: bindings of inventory names.
        directory: is asked for the project of a number that nothing was observed of; None asks nobody.
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
        """The id by the number of the project that an observation tells of, where that is news.

        It is news to this process until what waited for it was judged; see ``judging``.
        """
        number, identifier = observation.project_number, project_of(observation.key.name)
        if not identifier[:1].isalpha():  # a number, or the wildcard of some names
            identifier = _own_id(observation) or own_project(observation.key.name, observation.data)
        if number and identifier and (self._ids.get(number) != identifier or number in self._unjudged):
            return {number: identifier}
        return {}

    def record(self, ids: Mapping[str, str]) -> None:
        """Take note of what projects are called; each pair is stored once by each process.

        Raises:
            Unavailable: the store does not answer.
        """
        new = {number: identifier for number, identifier in ids.items() if self._ids.get(number) != identifier}
        if new:
            self._store.write_project_ids(new)
            self._unjudged.update(new)
            self._ids.update(new)

    @contextmanager
    def evaluating(self, numbers: Collection[str]) -> Iterator[None]:
        """While somebody judges what waited for the ids of these projects; they are news again where that fails."""
        self._unjudged.difference_update(numbers)
        try:
            yield
        except BaseException:
            self._unjudged.update(numbers)
            raise

    def id_of(self, number: str) -> str:
        """The id of the project with this number, or an empty string."""
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
        """Ask the directory for a project, once, and store the answer for everybody.

        Each question counts as ``project_lookups``, and as ``project_lookups_failed`` where it stays open.

        Args:
            unknown: what ``unknown_name`` returns.

        Returns:
            The project's id by its number; nothing where nobody can tell it.

        Raises:
            Unavailable: the store does not answer.
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
        """Take a number for that of a project in this process alone, until the project is observed."""
        self._unknown.pop(number, None)
        self._assumed[number] = identifier

    def forget_unknown(self) -> None:
        """Ask the store again for numbers that it did not know: another process may have learnt them since."""
        self._unknown.clear()

    def with_project_id(self, observation: Observation) -> Observation:
        """The observation with the id of its project, where that is known and its name does not tell it."""
        number = observation.project_number
        if not number or project_of(observation.key.name) not in ("", number):
            return observation
        return replace(observation, project_id=self.id_of(number) or observation.project_id)

    def alternative_keys(self, observation: Observation) -> Iterator[ResourceKey]:
        """Other keys under which the same resource may be declared: by its project's id, by a name in its data."""
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
        """What is not known yet of an observation's name, so that nobody can tell who declares it; else empty.

        Returns:
            ``projects/NUMBER`` whose id is not known, or an inventory name that is not bound.
        """
        number = project_of(observation.key.name)
        is_project = observation.asset_type.endswith("/Project")
        if is_project and not observation.project_id:
            return f"projects/{number or observation.project_number}"
        if not is_project and number.isdigit() and not observation.project_id and not self.id_of(number):
            return f"projects/{number}"
        return observation.key.name if self.names is not None and self.names.is_unbound(observation) else ""

    def _by_id(self, key: ResourceKey, observation: Observation) -> Iterator[ResourceKey]:
        """A key, and the same by its project's id where it has the number."""
        number = project_of(key.name)
        if number.isdigit() and observation.project_id:
            name = key.name.replace(f"/projects/{number}/", f"/projects/{observation.project_id}/", 1)
            yield ResourceKey(name, key.content)
        yield key


def keys_by_number(number: str) -> Iterator[ResourceKey]:
    """The keys under which a project itself is observed."""
    name = f"//cloudresourcemanager.googleapis.com/projects/{number}"
    return (ResourceKey(name, content) for content in CONTENTS)


def _own_id(observation: Observation) -> str:
    """The id that a project tells of itself."""
    data = observation.data
    named = data.get("projectId") if isinstance(data, dict) else None
    return named if isinstance(named, str) and observation.asset_type.endswith("/Project") else ""
