"""The whole inventory, run through the flow: heals what feeds have dropped, and finds what is gone.

Every listed asset goes the way of a feed message. What is declared and not listed is gone, as far as that can be known:
in a project that the listing has shown, of a type that was asked for, and not seen so lately that the listing may lag.
Source: https://cloud.google.com/asset-inventory/docs/best-practices
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from setpoint import flow
from setpoint.core.findings import Outcome, ResourceState
from setpoint.core.names import Content, ResourceKey, project_of, segment_after
from setpoint.core.observations import Observation
from setpoint.errors import BadRequest, ScopeDenied
from setpoint.flow import Deps
from setpoint.ports import Inventory, Page, Snapshot

_PROJECT = "cloudresourcemanager.googleapis.com/Project"

LAG = timedelta(minutes=15)
"""How far a listing may lag behind a feed; what was seen within that time before it is not gone."""


@dataclass(slots=True)
class Swept:
    """What a sweep has found.

    Args:
        listed: assets that were listed.
        outcomes: what became of the observations.
        gone: declared resources that exist no longer, and declared policies that are empty.
        unknown: what is declared or has an open finding, and the sweep can tell nothing of it.
        denied: scopes that nobody may list, and why.
        healed: resources of which events were published that a crash had left behind.
    """

    listed: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    gone: int = 0
    unknown: int = 0
    denied: dict[str, str] = field(default_factory=dict)
    healed: int = 0


def sweep(
    scopes: Sequence[str],
    contents: Sequence[Content],
    types: Sequence[str],
    inventory: Inventory,
    deps: Deps,
    advance: Callable[[int], object] = bool,
) -> Swept:
    """List scopes and judge all that is there, and all that is not.

    Args:
        scopes: ``organizations/N``, ``folders/N`` or ``projects/P``; one that is denied stops no other.
        contents: what of the resources to look at.
        types: asset types, or regular expressions for them; all types where empty.
        inventory: what lists them.
        deps: where findings are kept and events go.
        advance: is called with the number of assets judged, for a progress bar.

    Raises:
        BadRequest: nothing at all was listed, which is never a clean fleet.
        Unavailable: the inventory does not answer; what was judged is stored, and sweeping again does no harm.
    """
    swept = Swept(healed=flow.heal(deps))
    _learn_projects(scopes, inventory, deps)
    shown: defaultdict[str, _Shown] = defaultdict(_Shown)
    for content in contents:
        listing = _Listing(content, types, deps)
        for scope in scopes:
            try:
                listing.read(inventory.pages(scope, content, types), shown[scope], deps, swept, advance)
            except ScopeDenied as denied:
                swept.denied[scope] = str(denied)
        if listing.read_at is not None:
            _find_gone(listing, listing.read_at, deps, swept)
    if not swept.listed:
        reasons = "; ".join(swept.denied.values()) or "is it the right scope, and is the inventory switched on there?"
        raise BadRequest(f"nothing was listed in {', '.join(scopes)}: {reasons}")
    return swept


def _learn_projects(scopes: Sequence[str], inventory: Inventory, deps: Deps) -> None:
    """Learn what all projects are called, before anything is judged that the inventory lists by their numbers alone."""
    for scope in scopes:
        with suppress(ScopeDenied):  # the listing itself says so
            for page in inventory.pages(scope, "resource", (_PROJECT,)):
                for observation in page.observations:
                    flow.learn(observation, deps)


@dataclass(slots=True)
class _Shown:
    """What the listings of one scope have shown to be in it; a project may have resources and no policy of its own.

    Args:
        projects: projects, by their ids and numbers.
        above_projects: whether something above all projects.
    """

    projects: set[str] = field(default_factory=set)
    above_projects: bool = False


class _Listing:
    """What the listing of one content has shown so far, and what it has yet to show.

    Only what is declared, or has an open finding, is remembered, so that the size of the fleet does not matter.
    """

    def __init__(self, content: Content, types: Sequence[str], deps: Deps) -> None:
        self.read_at: datetime | None = None
        self.projects: set[str] = set()
        self.above_projects = False
        self.types: set[str] = set()
        self.missing = {*_declared(content, deps), *_open(content, deps)}
        self._named = frozenset(types)
        self._asked = [re.compile(rf"(?:{one})\Z") for one in types]

    def read(
        self, pages: Iterator[Page], shown: _Shown, deps: Deps, swept: Swept, advance: Callable[[int], object]
    ) -> None:
        """Judge all of a scope; what it tells of projects and types counts only when it has been listed to its end.

        What a listing of another content has shown of the scope before, this one would have shown as well.
        """
        here = _Shown()
        types: set[str] = set()
        read_at = None
        for page in pages:
            read_at = page.read_at
            for observation in page.observations:
                swept.outcomes[_judge(observation, page.read_at, deps)] += 1
                here.projects.update(filter(None, (observation.project, observation.project_number)))
                here.above_projects = here.above_projects or not observation.project
                types.add(observation.asset_type)
                self._found(observation, deps)
            swept.listed += len(page.observations)
            advance(len(page.observations))
        shown.projects |= here.projects
        shown.above_projects = shown.above_projects or here.above_projects
        self.projects |= shown.projects
        self.above_projects = self.above_projects or shown.above_projects
        self.types |= types
        if read_at is not None:
            self.read_at = min(self.read_at, read_at) if self.read_at else read_at

    def _found(self, observation: Observation, deps: Deps) -> None:
        self.missing.discard(observation.key)
        self.missing.difference_update(deps.projects.other_keys(deps.projects.placed(observation)))

    def tells_of(self, thing: _Thing, deps: Deps) -> bool:
        """Whether the listing would have shown this resource: it has shown its project, and its type or all of it.

        Of a resource above all projects, an organisation's or a folder's, it is to have shown another one of those.
        Where nobody says which project holds a resource, it tells nothing.

        A type of which nothing was listed may be one that the inventory does not hold.
        """
        if thing.asset_type not in self.types and thing.asset_type not in self._named:
            return False
        if not thing.project:
            above = segment_after(thing.key.name, "organizations") or segment_after(thing.key.name, "folders")
            return self.above_projects and bool(above)
        return thing.project in self.projects or any(
            deps.projects.id_of(number) == thing.project for number in self.projects if number.isdigit()
        )

    def asked_for(self, asset_type: str) -> bool:
        """Whether the listing was to show resources of this type."""
        return not self._asked or any(one.match(asset_type) for one in self._asked)


def _judge(observation: Observation, read_at: datetime, deps: Deps) -> Outcome:
    """Run a listed asset through the flow.

    What is known may be later than what is listed and wrong all the same: an earlier listing had dropped the resource
    or did not show it yet, or two changes of one moment were told in no order. Once the listing can no longer lag
    behind what is known, it is observed at the time of the listing.
    """
    outcome = flow.handle_observation(observation, deps)
    if outcome != "stale":
        return outcome
    state = flow.find(observation, deps).snapshot.state
    if state is None or state.observed_at > read_at - LAG:
        return outcome
    return flow.handle_observation(replace(observation, observed_at=read_at), deps)


def _find_gone(listing: _Listing, read_at: datetime, deps: Deps, swept: Swept) -> None:
    """Judge what is declared, or has an open finding, and was not listed."""
    for key in sorted(listing.missing):
        snapshot = deps.store.read(key)
        thing = _thing(snapshot)
        if thing is None or not listing.asked_for(thing.asset_type):
            continue
        if not listing.tells_of(thing, deps) or _seen_lately(snapshot.state, read_at):
            swept.unknown += 1
            continue
        swept.outcomes[flow.handle_observation(_absent(thing, read_at), deps)] += 1
        swept.gone += snapshot.desired is not None


class _Thing(NamedTuple):
    """What the listing has not shown: its type, and the id or number of its project where anybody tells it."""

    key: ResourceKey
    asset_type: str
    project: str


def _thing(snapshot: Snapshot) -> _Thing | None:
    """What is declared, or has an open finding; None for anything else."""
    key, state = snapshot.key, snapshot.state
    if snapshot.desired is not None:
        declaration = snapshot.desired.declarations[0]  # where there are several, any
        return _Thing(key, declaration.asset_type, declaration.project or project_of(key.name))
    if state is not None and state.finding is not None and state.finding.status == "open":
        return _Thing(key, state.asset_type, state.finding.project)
    return None


def _absent(thing: _Thing, read_at: datetime) -> Observation:
    """What it means that a content was not listed: the resource is gone; a policy that is not there is empty."""
    content = thing.key.content
    is_number = thing.project.isdigit()
    number = thing.project if is_number and project_of(thing.key.name) in ("", thing.project) else ""
    return Observation(
        thing.key,
        thing.asset_type,
        read_at,
        deleted=content == "resource",
        data=None if content == "resource" else {} if content == "iam_policy" else [],
        ancestors=(f"projects/{number}",) if number else (),
        project_id="" if is_number else thing.project,
    )


def _declared(content: Content, deps: Deps) -> Iterator[ResourceKey]:
    """All that any source declares of a content."""
    for source, state in deps.store.control().value.sources.items():
        yield from (key for key in deps.store.manifest(source, state.generation) if key.content == content)


def _open(content: Content, deps: Deps) -> Iterator[ResourceKey]:
    """All of a content that has an open finding, declared or not: what is gone unseen has to be closed."""
    for state in deps.store.states(drifted=True):
        if state.key.content == content and state.finding is not None and state.finding.status == "open":
            yield state.key


def _seen_lately(state: ResourceState | None, read_at: datetime) -> bool:
    """Whether the resource was there so shortly before the listing that the listing may not show it yet."""
    return state is not None and not state.deleted and state.observed_at > read_at - LAG
