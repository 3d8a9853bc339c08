"""What an apply would do to a store: what is added, changed, removed and kept, of one source; nothing is written."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal, TypeVar

import msgspec

from setpoint.core import control as controlling
from setpoint.core.control import SourceState, Version
from setpoint.core.declarations import Desired, Scope, clash, rules
from setpoint.core.names import ResourceKey
from setpoint.errors import BadRequest
from setpoint.ports import DesiredStore

Action = Literal["added", "changed", "removed"]

DEFAULT_SOURCE = "default"
DEFAULT_MAX_REMOVALS = 0.1
"""The part of a source that one apply may remove without being told so."""

BATCH = 300
"""How many records are read or written at once."""

_ROUNDING = 1e-6
_T = TypeVar("_T")


class Change(msgspec.Struct, frozen=True):
    """What an apply does to one resource and content.

    Args:
        key: the resource and content.
        action: ``added``, ``changed`` or ``removed``.
        before: what the source declares now, or None.
        after: what it declares then, or None.
    """

    key: ResourceKey
    action: Action
    before: Version | None
    after: Desired | None


class Claimed(msgspec.Struct, frozen=True):
    """A resource that two sources declare, so that the second is not applied.

    Args:
        key: the resource and content.
        source: the source that declares it already.
        where: file and line there.
        here: file and line of the declaration that is not applied.
    """

    key: ResourceKey
    source: str
    where: str
    here: str


class Plan(msgspec.Struct, frozen=True):
    """What an apply would do.

    Args:
        source: the source that is applied.
        changes: what is added, changed and removed, in that order.
        unchanged: how many stay as they are.
        claimed: what another source declares already.
        kept: resources that the source no longer declares and that stay, since nothing says to remove them.
        scopes: the parts of the fleet that are fully declared then.
        scopes_before: those that are now.
        manifest: what is declared before: key → digest.
        generation: the generation that is in force before; 0 where there is none.
    """

    source: str
    changes: tuple[Change, ...]
    unchanged: int
    claimed: tuple[Claimed, ...]
    kept: tuple[ResourceKey, ...]
    scopes: tuple[Scope, ...]
    scopes_before: tuple[Scope, ...]
    manifest: Mapping[ResourceKey, str]
    generation: int

    @property
    def removals(self) -> int:
        """How many resources and contents it removes."""
        return sum(change.action == "removed" for change in self.changes)

    @property
    def rescopes(self) -> bool:
        """Whether it changes which parts of the fleet are fully declared, and not only where that is written."""
        return rules(self.scopes).digest != rules(self.scopes_before).digest

    def summary(self) -> str:
        """One line: how many are added, changed, removed, kept and unchanged."""
        counts = Counter(change.action for change in self.changes)
        told = ", ".join(f"{count} {action}" for action, count in counts.items()) or "nothing to change"
        told += f", {self.unchanged} unchanged"
        if self.rescopes:
            told += f", scopes: {_names(self.scopes)} (before: {_names(self.scopes_before)})"
        if self.kept:
            told += f", {len(self.kept)} no longer declared and kept (remove them with --prune)"
        if self.claimed:
            told += f", {len(self.claimed)} claimed by another source"
        return f"source {self.source}: {told}"


def plan(
    desired: Sequence[Desired], scopes: tuple[Scope, ...], source: str, store: DesiredStore, *, prune: bool = False
) -> Plan:
    """Compare files with what is in force of their source; nothing is written.

    Args:
        desired: all that the files declare.
        scopes: all scopes that the files declare.
        source: the source's name.
        store: where to look.
        prune: remove what the files no longer declare, scopes included.
    """
    control = store.control().value
    state = control.sources.get(source, SourceState())
    manifest = store.manifest(source, state.generation)
    fresh = {one.declarations[0].key: one for one in desired if manifest.get(one.declarations[0].key) != one.digest}
    here = {one.declarations[0].key for one in desired}
    gone = [key for key in manifest if key not in here]
    changes: list[Change] = []
    claimed: list[Claimed] = []
    for batch in batches([*fresh, *(gone if prune else ())], BATCH):
        for key, record in store.records(batch).items():
            versions = controlling.visible(record.value, control)
            after = fresh.get(key)
            if after is not None and (claim := _claim(key, after, versions, source)):
                claimed.append(claim)
                continue
            before = versions.get(source)
            action: Action = "removed" if after is None else "changed" if before else "added"
            changes.append(Change(key, action, before, after))
    order = {"added": 0, "changed": 1, "removed": 2}
    changes.sort(key=lambda change: (order[change.action], change.key))
    return Plan(
        source=source,
        changes=tuple(changes),
        unchanged=len(here) - len(fresh),
        claimed=tuple(claimed),
        kept=() if prune else tuple(gone),
        scopes=scopes if prune else _scopes_with(state.scopes, scopes),
        scopes_before=state.scopes,
        manifest=manifest,
        generation=state.generation,
    )


def _scopes_with(present: tuple[Scope, ...], scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The present scopes, with others added or in the place of those of their name."""
    return tuple({scope.name: scope for scope in (*present, *scopes)}.values())


def _names(scopes: tuple[Scope, ...]) -> str:
    return ", ".join(scope.name for scope in scopes) or "none"


def _claim(key: ResourceKey, after: Desired, versions: Mapping[str, Version], source: str) -> Claimed | None:
    for name, version in versions.items():
        if name == source:
            continue
        for theirs in version.declarations:
            if (ours := next((one for one in after.declarations if clash(one, theirs)), None)) is not None:
                return Claimed(key, name, str(theirs.source), str(ours.source))
    return None


def check_removals(planned: Plan, most: float) -> None:
    """Refuse to remove more than a part of a source.

    Args:
        planned: what would be done.
        most: the part of what the source declares now that may go, 0 to 1.

    Raises:
        BadRequest: it is more; says how many, and how to allow it.
    """
    removals, before = planned.removals, len(planned.manifest)
    if removals - most * before > _ROUNDING:
        allowing = -(-removals * 100 // before)  # rounded up, so that it is allowed
        raise BadRequest(
            f"this would remove {removals} of the {before} that source {planned.source} declares, more than "
            f"{most:.0%}; look at `setpoint plan`, then allow it with --max-removals {allowing}%"
        )


def part(percent: str) -> float:
    """A percentage as people write it, ``10%``, as a number from 0 to 1.

    Raises:
        BadRequest: it is none, or none from 0% to 100%.
    """
    try:
        number = float(percent.removesuffix("%"))
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:  # noqa: PLR2004 - per cent; what is no number is never in between
        raise BadRequest(f"max-removals takes a percentage from 0% to 100%, like 10%; not `{percent}`")
    return number / 100


def batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """The items in lists of up to ``size``."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
