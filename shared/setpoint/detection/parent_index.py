"""Decide whether the parent that a resource claims exists, by what sweeps have listed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from setpoint.detection import parent_types
from setpoint.detection.parent_types import ClaimedParent
from setpoint.errors import CorruptState
from setpoint.model.controller_claims import ControllerClaim, Parent
from setpoint.model.identity import created_at
from setpoint.model.observation import Observation
from setpoint.model.resource_key import project_of
from setpoint.model.sweep_records import Shard, known_at
from setpoint.ports.stores import SweepStore, readable_sweeps

SETTLED = timedelta(hours=2)
"""How much older than a listing a resource must be before the listing can refute its claim.

A controller makes some resources before its own can be listed: an environment of Composer takes half an hour.
"""
GRACE = timedelta(hours=2)
"""How long a claim is refuted before there is a finding: longer than a controller takes to delete its resources."""
_ANY = ""
"""In place of a project: of all projects."""
_AGAIN_SECONDS = 300.0
"""How long a process goes by the listings that it read."""


class ParentListing(NamedTuple):
    """A listing of the parents in one scope.

    Args:
        scope: the scope.
        types: the types that it would show.
        read_at: the earliest read time of its pages.
        parents: what it shows.
    """

    scope: str
    types: frozenset[str]
    read_at: datetime
    parents: Sequence[Parent]


class ParentIndex:
    """The parents that are known to exist.

    Args:
        listings: the latest listing of each sweep and scope.
    """

    def __init__(self, listings: Iterable[ParentListing] = ()) -> None:
        self._listings = sorted(listings, key=lambda listing: listing.read_at, reverse=True)
        self._of_project: dict[tuple[str, str], list[Parent]] = {}
        self._named: dict[tuple[str, str, str], list[Parent]] = {}
        self._beginning: dict[tuple[str, str, str], list[Parent]] = {}
        for position, listing in enumerate(self._listings):
            newer = self._listings[:position]
            for parent in listing.parents:
                if not any(_covers(later, parent.asset_type, places_of(parent)) for later in newer):
                    self._add(parent)

    def _add(self, parent: Parent) -> None:
        for project in (*_projects(parent.name, parent.ancestors), _ANY):
            self._of_project.setdefault((parent.asset_type, project), []).append(parent)
            self._named.setdefault((parent.asset_type, project, parent.own), []).append(parent)
            start = parent.own[: parent_types.PREFIX]
            self._beginning.setdefault((parent.asset_type, project, start), []).append(parent)

    def _candidates(self, claimed: ClaimedParent, project: str) -> Iterator[Parent]:
        for asset_type in claimed.types:
            if claimed.own:
                yield from self._named.get((asset_type, project, claimed.own), ())
            elif claimed.beginnings:
                for start in claimed.beginnings:
                    yield from self._beginning.get((asset_type, project, start), ())
            else:
                yield from self._of_project.get((asset_type, project), ())

    def check(self, creator: str, claimed: ClaimedParent | None, observation: Observation) -> ControllerClaim:
        """What is known of a claim.

        Args:
            creator: what the claim says, for people.
            claimed: the parent that it names; None if no listing could show it.
            observation: the resource that makes it.
        """
        if claimed is None:
            return ControllerClaim(creator, "name, label or text", reason="nothing that can be listed is named")
        looked_for = claimed.looked_for or parent_types.WORDS[claimed.types[0]]
        parent = self._parent(claimed, observation)
        if parent is not None:
            return ControllerClaim(creator, claimed.evidence, parent.name, "exists")
        reason = self._why_unchecked(claimed, observation)
        return ControllerClaim(creator, claimed.evidence, looked_for, "unchecked" if reason else "missing", reason)

    def _parent(self, claimed: ClaimedParent, observation: Observation) -> Parent | None:
        projects = _projects(observation.key.name, observation.ancestors, observation.project_id)
        own = (parent for project in projects for parent in self._candidates(claimed, project))
        parent = next(filter(claimed.fits, own), None)
        if parent is not None or not claimed.is_shared:
            return parent
        users = (user for user in self._candidates(claimed, _ANY) if _uses_network_of(user, projects))
        return next(filter(claimed.fits, users), None)

    def _why_unchecked(self, claimed: ClaimedParent, observation: Observation) -> str:
        """Why a parent that is not known may exist anyway; empty if it does not."""
        asset_type, places = claimed.types[0], places_of(observation)
        covering = [listing for listing in self._listings if _covers(listing, asset_type, places)]
        if claimed.is_shared and not self._is_no_host(observation):
            covering = [listing for listing in covering if listing.scope.startswith("organizations/")]
        if not covering:
            return f"no sweep has listed every {parent_types.WORDS[asset_type]} that it may be"
        created = created_at(observation.data) or observation.observed_at
        if min(created, observation.observed_at) + SETTLED > known_at(covering[0].read_at):
            return "it is newer than the last listing; the next sweep decides"
        return ""

    def _is_no_host(self, observation: Observation) -> bool:
        """Whether a project is known to share its networks with no other."""
        places = places_of(observation)
        projects = _projects(observation.key.name, observation.ancestors, observation.project_id)
        is_listed = any(_covers(listing, parent_types.COMPUTE_PROJECT, places) for listing in self._listings)
        return is_listed and not any(
            (parent_types.COMPUTE_PROJECT, project) in self._of_project for project in projects
        )


NOTHING_LISTED = ParentIndex()


def places_of(resource: Observation | Parent) -> frozenset[str]:
    """The scopes whose listing shows a resource."""
    name = resource.key.name if isinstance(resource, Observation) else resource.name
    known = resource.project_id if isinstance(resource, Observation) else ""
    projects = (f"projects/{project}" for project in (project_of(name), known) if project)
    return frozenset((*resource.ancestors, *projects))


def _covers(listing: ParentListing, asset_type: str, places: frozenset[str]) -> bool:
    return asset_type in listing.types and listing.scope in places


def _projects(name: str, ancestors: Sequence[str], known: str = "") -> tuple[str, ...]:
    """The id and the number of a resource's project, as far as they are known."""
    number = ancestors[0].removeprefix("projects/") if ancestors and ancestors[0].startswith("projects/") else ""
    return tuple(dict.fromkeys(filter(None, (project_of(name), known, number))))


def _uses_network_of(parent: Parent, projects: Sequence[str]) -> bool:
    network = parent.facts.get(parent_types.NETWORK, "")
    return bool(network) and project_of(f"/{network}") in projects


class ParentLookup:
    """The parents that sweeps have listed, read once in some minutes.

    Args:
        sweeps: the records of sweeps.
    """

    def __init__(self, sweeps: Callable[[], SweepStore]) -> None:
        self._sweeps = sweeps
        self._index = NOTHING_LISTED
        self._until = 0.0

    def index(self) -> ParentIndex:
        """The parents that are known to exist.

        Raises:
            Unavailable: the store does not answer; try again.
        """
        if self._until <= time.monotonic():
            self._index = read(self._sweeps())
            self._until = time.monotonic() + _AGAIN_SECONDS
        return self._index

    def forget(self) -> None:
        """Read the listings again with the next claim; another process may have listed."""
        self._until = 0.0


def read(records: SweepStore) -> ParentIndex:
    """The latest listings of all sweeps; one that cannot be read whole is left out.

    Raises:
        Unavailable: the store does not answer; try again.
    """
    listings: list[ParentListing] = []
    try:
        runs = [sweep.parents for sweep in readable_sweeps(records)]
    except CorruptState:
        return NOTHING_LISTED
    for run in filter(None, runs):
        try:
            shards = [stored.value for stored in records.shards(run) if stored.value is not None]
            listings += filter(None, (_listing(shard, records) for shard in shards))
        except CorruptState:
            continue
    return ParentIndex(listings)


def _listing(shard: Shard, records: SweepStore) -> ParentListing | None:
    parts = list(records.parts(shard.run, shard.number))
    if shard.status != "done" or shard.read_at is None or len(parts) < shard.parts:
        return None
    return ParentListing(
        shard.scope, frozenset(shard.types), shard.read_at, [parent for part in parts for parent in part.parents]
    )
