"""Bringing a store in step with files: plan what changes, write it unseen, and show it in one step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Literal, TypeVar

import msgspec

from setpoint import flow
from setpoint.core import control as controlling
from setpoint.core.control import Control, SourceState, Version
from setpoint.core.declarations import Desired, Scope, clash, rules
from setpoint.core.names import ResourceKey
from setpoint.declare.load import Loaded
from setpoint.errors import BadRequest, Conflict, PermanentError, TransientError, Unavailable
from setpoint.flow import Deps
from setpoint.ports import DesiredStore, Store, StoredRecord

Action = Literal["added", "changed", "removed"]

DEFAULT_SOURCE = "default"
DEFAULT_MAX_REMOVALS = 0.1
"""The part of a source that one apply may remove without being told so."""

_ROUNDING = 1e-6
_BATCH = 300
_ATTEMPTS = 8
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
    for batch in batches([*fresh, *(gone if prune else ())], _BATCH):
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


class Request(msgspec.Struct, frozen=True):
    """How a source is to be applied.

    Args:
        source: the source's name.
        commit: revision of the repository, or empty.
        prune: remove what the files no longer declare, scopes included; never where a file could not be read.
        max_removals: the part of the source that may be removed, 0 to 1.
        revision: when the files were uploaded, as a number that grows; 0 where they were not.
    """

    source: str = DEFAULT_SOURCE
    commit: str = ""
    prune: bool = False
    max_removals: float = DEFAULT_MAX_REMOVALS
    revision: int = 0


class Synced(msgspec.Struct, frozen=True):
    """What an apply has done.

    Args:
        plan: what was planned, and done.
        outcomes: what became of the findings that were judged again, and of how many.
        failed: how many findings could not be judged, and cannot be until somebody repairs them.
        failure: why the first of them could not.
    """

    plan: Plan
    outcomes: Mapping[str, int]
    failed: int = 0
    failure: str = ""


@dataclass(slots=True)
class _Judging:
    """How judging goes: one failure does not keep the others from being judged."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        try:
            yield
        except TransientError as error:
            self.waiting.append(str(error))
        except PermanentError as error:
            self.failed.append(str(error))


def sync(
    loaded: Loaded, request: Request, deps: Deps, now: datetime, advance: Callable[[int], object] = bool
) -> Synced:
    """Bring a store in step with files, and judge again every finding that they concern.

    What an apply before this one did not come to judge is judged as well, whether anything has changed or not.

    Args:
        loaded: what the files declare.
        request: how they are applied.
        deps: where to.
        now: the time of the apply.
        advance: is called with the number of records written or judged, for a progress bar.

    Raises:
        BadRequest: it would remove more than is allowed; nothing was written.
        Superseded: what was uploaded later is in force; nothing of this one is.
        Conflict: another apply of the same source has begun meanwhile; nothing of this one is in force.
        Unavailable: the declarations are in force, but not all findings could be judged; apply again.
    """
    present = deps.store.control().value.sources.get(request.source, SourceState())
    controlling.check_revision(present, request.source, request.revision)
    prune = request.prune and not loaded.problems
    planned = plan(loaded.desired, loaded.scopes, request.source, deps.store, prune=prune)
    check_removals(planned, request.max_removals)
    generation = apply(planned, deps.store, now, commit=request.commit, revision=request.revision, advance=advance)
    judging = _judge_again(planned, generation, deps, advance)
    if judging.waiting:
        raise Unavailable(
            f"source {planned.source} is in force, but {len(judging.waiting)} steps of judging its findings again "
            f"failed, first: {judging.waiting[0]}; apply again, and they are all judged"
        )
    return Synced(planned, judging.outcomes, len(judging.failed), next(iter(judging.failed), ""))


def _judge_again(planned: Plan, generation: int, deps: Deps, advance: Callable[[int], object]) -> _Judging:
    """Judge whatever was not judged since a source changed, and note it where all went well."""
    judging = _Judging()
    if deps.bus is not None:
        with judging.going_on():
            flow.heal(deps)
    state = deps.store.control().value.sources.get(planned.source, SourceState())
    if state.judged >= state.generation:
        return judging
    keys = dict.fromkeys(change.key for change in planned.changes)
    all_before = (state.judged, state.generation) == (planned.generation, generation)
    if not all_before:
        for one in (*state.earlier, state.generation):
            keys.update(dict.fromkeys(deps.store.manifest(planned.source, one)))
    if planned.rescopes or not all_before:
        with judging.going_on():
            keys.update(dict.fromkeys(_unmanaged(deps.store)))
    for key in keys:
        with judging.going_on():
            judging.outcomes[flow.rejudge(key, deps)] += 1
        advance(1)
    if not judging.waiting and not judging.failed:
        for one in state.earlier:
            deps.store.drop_manifest(planned.source, one)
        _update(deps.store, lambda control: controlling.judged(control, planned.source, state.generation))
    return judging


def _unmanaged(store: Store) -> Iterator[ResourceKey]:
    """What a scope, and no declaration, has made a finding of."""
    for state in store.states(drifted=True):
        if state.finding is not None and state.finding.kind == "unmanaged":
            yield state.key


def declare(store: DesiredStore, desired: Sequence[Desired], scopes: tuple[Scope, ...], now: datetime) -> Plan:
    """Put in force what files declare beside what the default source declares already; nothing of it goes."""
    planned = plan(desired, scopes, DEFAULT_SOURCE, store)
    apply(planned, store, now)
    return planned


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


def apply(
    planned: Plan,
    store: DesiredStore,
    now: datetime,
    *,
    commit: str = "",
    revision: int = 0,
    advance: Callable[[int], object] = bool,
) -> int:
    """Write what is planned and put it in force in one step.

    Args:
        planned: made by ``plan`` just before.
        store: where to write.
        now: the time of the apply.
        commit: revision of the repository, or empty.
        revision: when the files were uploaded, as a number that grows; 0 where they were not.
        advance: is called with the number of records written, for a progress bar.

    Returns:
        The generation that is in force.

    Raises:
        Conflict: another apply of the same source has begun meanwhile; nothing of this one is in force.
        Superseded: what was uploaded later is in force; nothing of this one is.
    """
    manifest = _manifest_after(planned)
    state = SourceState(commit=commit, applied_at=now, declared=len(manifest), scopes=planned.scopes, revision=revision)
    if not planned.changes and not planned.rescopes:
        _update(store, lambda control: controlling.touch(control, planned.source, planned.generation, state))
        return planned.generation
    control = _update(store, lambda control: controlling.begin(control, planned.source, planned.generation, revision))
    generation = control.sources[planned.source].pending
    for batch in batches(planned.changes, _BATCH):
        versions = {change.key: _version(change, planned.source, generation) for change in batch}
        _write_versions(store, versions, control)
        advance(len(batch))
    store.write_manifest(planned.source, generation, manifest)
    removes = planned.removals > 0
    _update(store, lambda control: controlling.finish(control, planned.source, generation, state, removes=removes))
    if not removes:
        store.drop_manifest(planned.source, planned.generation)
    return generation


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


def _manifest_after(planned: Plan) -> dict[ResourceKey, str]:
    manifest = dict(planned.manifest)
    for change in planned.changes:
        if change.after is None:
            manifest.pop(change.key, None)
        else:
            manifest[change.key] = change.after.digest
    return manifest


def _update(store: DesiredStore, change: Callable[[Control], Control]) -> Control:
    """Change the control record; again from its present state where somebody else has written it."""
    for _ in range(_ATTEMPTS):
        stored = store.control()
        control = change(stored.value)
        try:
            store.write_control(control, stored.version)
        except Conflict:
            continue
        return control
    raise Conflict("the control record is written by others all the time; apply again")


def _version(change: Change, source: str, generation: int) -> Version:
    after = change.after
    return Version(source, generation, after.digest, after.declarations) if after else Version(source, generation)


def _write_versions(store: DesiredStore, versions: Mapping[ResourceKey, Version], control: Control) -> None:
    """Add versions to their records; again to what they are by then where somebody else has written one of them."""
    for _ in range(_ATTEMPTS):
        records = {
            key: StoredRecord(controlling.with_version(record.value, versions[key], control), record.version)
            for key, record in store.records(versions).items()
        }
        try:
            store.write_records(records)
        except Conflict:
            continue
        return
    raise Conflict("what is desired is written by others all the time; apply again")


def batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """The items in lists of up to ``size``."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
