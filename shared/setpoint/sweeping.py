"""The whole inventory, run through the flow: heals what feeds have dropped, and finds what is gone.

Every listed asset goes the way of a feed message. What is declared and not listed is gone, as far as that can be known:
in a project that the listing has shown, of a type that was asked for, and not seen so lately that the listing may lag.
Source: https://cloud.google.com/asset-inventory/docs/best-practices
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from setpoint import flow
from setpoint.core import control as controlling
from setpoint.core.declarations import Declaration
from setpoint.core.findings import Outcome
from setpoint.core.names import Content, ResourceKey, project_of
from setpoint.core.observations import Observation
from setpoint.errors import BadRequest, ScopeDenied
from setpoint.flow import Deps
from setpoint.ports import Inventory, Page
from setpoint.syncing import batches

LAG = timedelta(minutes=15)
"""How far a listing may lag behind a feed; what was seen within that time before it is not gone."""

_BATCH = 300


@dataclass(slots=True)
class Swept:
    """What a sweep has found.

    Args:
        listed: assets that were listed.
        outcomes: what became of the observations.
        gone: declared resources that exist no longer, and declared policies that are empty.
        unknown: declared resources of which the sweep can tell nothing.
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
    for content in contents:
        seen = _Seen(content, types)
        for scope in scopes:
            try:
                for page in inventory.pages(scope, content, types):
                    _judge(page, seen, deps, swept)
                    advance(len(page.observations))
            except ScopeDenied as denied:
                swept.denied[scope] = str(denied)
        if seen.read_at is not None:
            _find_gone(seen, seen.read_at, deps, swept)
    if not swept.listed:
        reasons = "; ".join(swept.denied.values()) or "is it the right scope, and is the inventory switched on there?"
        raise BadRequest(f"nothing was listed in {', '.join(scopes)}: {reasons}")
    return swept


class _Seen:
    """What a listing has shown: the resources, and the projects that they are in."""

    def __init__(self, content: Content, types: Sequence[str]) -> None:
        self.content = content
        self.read_at: datetime | None = None
        self.ids: set[str] = set()
        self.projects: set[str] = set()
        self._types = [re.compile(rf"(?:{one})\Z") for one in types]

    def add(self, observation: Observation) -> None:
        """Take note of a resource."""
        self.ids.add(observation.key.id)
        self.projects.update((observation.project, observation.project_number))

    def asked_for(self, asset_type: str) -> bool:
        """Whether the listing was to show resources of this type."""
        return not self._types or any(one.match(asset_type) for one in self._types)


def _judge(page: Page, seen: _Seen, deps: Deps, swept: Swept) -> None:
    """Run a page through the flow."""
    seen.read_at = min(seen.read_at, page.read_at) if seen.read_at else page.read_at
    for observation in page.observations:
        seen.add(observation)
        swept.listed += 1
        swept.outcomes[flow.handle_observation(observation, deps)] += 1


def _find_gone(seen: _Seen, read_at: datetime, deps: Deps, swept: Swept) -> None:
    """Judge what is declared and was not listed."""
    for declaration in _not_listed(seen, deps):
        project = declaration.project or project_of(declaration.key.name)
        if project not in seen.projects or _seen_lately(declaration.key, read_at, deps):
            swept.unknown += 1
            continue
        swept.outcomes[flow.handle_observation(_absent(declaration, read_at), deps)] += 1
        swept.gone += 1


def _absent(declaration: Declaration, read_at: datetime) -> Observation:
    """What it means that a content was not listed: the resource is gone; a policy that is not there is empty."""
    content = declaration.key.content
    return Observation(
        declaration.key,
        declaration.asset_type,
        read_at,
        deleted=content == "resource",
        data=None if content == "resource" else {} if content == "iam_policy" else [],
    )


def _not_listed(seen: _Seen, deps: Deps) -> Iterator[Declaration]:
    """What is declared, of the content and the types that were asked for, and was not listed."""
    control = deps.store.control().value
    for source, state in control.sources.items():
        declared = deps.store.manifest(source, state.generation)
        missing = (key for key in declared if key.content == seen.content and key.id not in seen.ids)
        for batch in batches(missing, _BATCH):
            for record in deps.store.records(batch).values():
                version = controlling.visible(record, control).get(source)
                if version is not None and seen.asked_for(version.declarations[0].asset_type):
                    yield version.declarations[0]


def _seen_lately(key: ResourceKey, read_at: datetime, deps: Deps) -> bool:
    """Whether the resource was there so shortly before the listing that the listing may not show it yet."""
    state = deps.store.read(key).state
    return state is not None and not state.deleted and state.observed_at > read_at - LAG
