"""What an apply would do to a store: what is added, changed, removed and kept, of one source; nothing is written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, cast, get_args

import msgspec
from msgspec.structs import replace

from setpoint.declarations.held_back import NOTHING, HeldBack
from setpoint.declarations.permits import OwnershipConflict, Permits, RefusedDocument
from setpoint.declarations.readers.dedupe import DeclaredResources, ManifestEntry
from setpoint.errors import BadRequest, NotPermitted
from setpoint.model import source_grants
from setpoint.model import sources as controlling
from setpoint.model.alerting_config import Alerting
from setpoint.model.declaration import Desired, Scope, Source
from setpoint.model.fleet_rules import rules
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy
from setpoint.model.resource_key import ResourceKey
from setpoint.model.source_grants import Carried, Sources
from setpoint.model.sources import Control, SourceState, Version
from setpoint.ports.stores import DesiredStore
from setpoint.util.external_sort import Chain, ExternalSorter, Spool

Action = Literal["added", "changed", "removed"]

DEFAULT_SOURCE = "default"
DEFAULT_MAX_REMOVALS = 0.1
"""The part of a source that one apply may remove without being told so."""

BATCH = 300
"""How many records are read or written at once."""

_MAX_ROWS = 3_000
"""How many keys are compared at once, as long as few of them have to be looked up."""
_ACTIONS: tuple[Action, ...] = get_args(Action)
_ROUNDING = 1e-6


class PlanStore(DesiredStore, Protocol):
    """What a plan reads: desired state, and where resources lie."""

    def last_observations(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Observation]:
        """See ``StateStore.last_observations``."""


class PlannedChange(msgspec.Struct, frozen=True):
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


_encode = msgspec.json.Encoder().encode
_decode_change = msgspec.json.Decoder(PlannedChange).decode
_decode_claim = msgspec.json.Decoder(OwnershipConflict).decode
_decode_refused = msgspec.json.Decoder(RefusedDocument).decode
_decode_key = msgspec.json.Decoder(ResourceKey).decode
_decode_digest = msgspec.json.Decoder(tuple[ResourceKey, str]).decode


class Plan(msgspec.Struct, frozen=True):
    """What an apply would do; what grows with the fleet is read from files each time that it is gone through.

    Args:
        source: the source that is applied.
        added: what it declares then and not now, in the order of keys, as all that follows.
        changed: what it declares otherwise then.
        removed: what it declares no longer then.
        unchanged: how many stay as they are.
        claimed: what another source declares already, in the order of the files.
        refused: what the source may not put in force, in the order of keys.
        kept: resources that the source no longer declares and that stay, since nothing says to remove them.
        touched: the keys of all that is added, changed and removed.
        scopes: the parts of the fleet that are fully declared then.
        scopes_before: those that are now.
        policy: the policy of the fleet then, where this source holds it.
        policy_before: the one that it holds now.
        alerting: who is told of which drift then, where this source holds that.
        alerting_before: who is told now.
        sources: what each source may do then, where this is the installation's own source.
        sources_before: what each may do now, likewise.
        manifest: what is declared then: key and digest.
        declared_before: how many resources and contents are declared now.
        generation: the generation that is in force before; 0 where there is none.
    """

    source: str
    added: Sequence[PlannedChange] = ()
    changed: Sequence[PlannedChange] = ()
    removed: Sequence[PlannedChange] = ()
    unchanged: int = 0
    claimed: Sequence[OwnershipConflict] = ()
    refused: Sequence[RefusedDocument] = ()
    kept: Sequence[ResourceKey] = ()
    touched: Sequence[ResourceKey] = ()
    scopes: tuple[Scope, ...] = ()
    scopes_before: tuple[Scope, ...] = ()
    policy: Policy | None = None
    policy_before: Policy | None = None
    alerting: Alerting | None = None
    alerting_before: Alerting | None = None
    sources: Sources | None = None
    sources_before: Sources | None = None
    manifest: Sequence[tuple[ResourceKey, str]] = ()
    declared_before: int = 0
    generation: int = 0

    @property
    def changes(self) -> Sequence[PlannedChange]:
        """What is added, changed and removed, in that order."""
        return Chain(self.added, self.changed, self.removed)

    @property
    def rescopes(self) -> bool:
        """Whether it changes which parts of the fleet are fully declared, and not only where that is written."""
        return rules(self.scopes).digest != rules(self.scopes_before).digest

    @property
    def repolicies(self) -> bool:
        """Whether it changes the policy of the fleet, and not only where that is written."""
        return rules((), self.policy).digest != rules((), self.policy_before).digest

    @property
    def realerts(self) -> bool:
        """Whether it changes who is told of which drift, and not only where that is written."""
        return _without_source(self.alerting) != _without_source(self.alerting_before)

    @property
    def regrants(self) -> bool:
        """Whether it changes what each source may do."""
        return rules((), sources=self.sources).digest != rules((), sources=self.sources_before).digest

    @property
    def changes_rules(self) -> bool:
        """Whether it changes anything that holds for the whole fleet."""
        return self.rescopes or self.repolicies or self.realerts or self.regrants

    def summary(self, kept_because: str = "remove them with --prune") -> str:
        """One line: how many are added, changed, removed, kept and unchanged.

        Args:
            kept_because: why what is no longer declared is kept, or how to remove it.
        """
        nothing = "no resource to change" if self.changes_rules else "nothing to change"
        counts = {"added": len(self.added), "changed": len(self.changed), "removed": len(self.removed)}
        text = ", ".join(f"{count} {action}" for action, count in counts.items() if count) or nothing
        text += f", {self.unchanged} unchanged"
        if self.rescopes:
            text += f", scopes: {_names(self.scopes)} (before: {_names(self.scopes_before)})"
        if self.repolicies:
            text += f", the policy changes: {_policy(self.policy)} (before: {_policy(self.policy_before)})"
        if self.realerts:
            text += f", the alerting changes: {_alerting(self.alerting)} (before: {_alerting(self.alerting_before)})"
        if self.regrants:
            text += f", sources may do: {_grants(self.sources)} (before: {_grants(self.sources_before)})"
        if self.kept:
            text += f", {len(self.kept)} no longer declared and kept ({kept_because})"
        if self.claimed:
            text += f", {len(self.claimed)} claimed by another source"
        if self.refused:
            text += f", {len(self.refused)} refused"
        return f"source {self.source}: {text}"


def plan(  # noqa: PLR0913 - what the files say, and how it is applied
    desired: Iterable[Desired],
    scopes: tuple[Scope, ...],
    source: str,
    store: PlanStore,
    *,
    policy: Policy | None = None,
    alerting: Alerting | None = None,
    sources: Sources | None = None,
    prune: bool = False,
    held: HeldBack = NOTHING,
) -> Plan:
    """Compare files with what is in force of their source; nothing is written.

    Args:
        desired: all that the files declare.
        scopes: all scopes that the files declare.
        source: the source's name.
        store: where to look.
        policy: the policy that the files declare, or None.
        alerting: what the files say of alerts, or None.
        sources: what the files say of what each source may do, or None.
        prune: remove what the files no longer declare, scopes and policy included.
        held: what stays all the same, since a bad document might have named it; with any, scopes and policy stay too.

    Raises:
        BadRequest: another source holds the policy of the fleet, or says who is told, or what sources may do.
    """
    control = store.control().value
    state = control.sources.get(source, SourceState())
    permits = Permits(sources or controlling.granted(control), source)
    permits.check_sources(sources)
    refused = list(permits.carried(scopes, policy, alerting))
    policy = policy if permits.may("policy") else None
    alerting = alerting if permits.may("alerting") else None
    scopes = scopes if permits.may("scopes") else ()
    holders = control.sources.items()
    _check_holder("the policy", policy, permits, {name: state.policy for name, state in holders})
    _check_holder("the alerting", alerting, permits, {name: state.alerting for name, state in holders})
    planning = _Planning(DeclaredResources.of(desired), permits, store, control, prune=prune, held=held)
    planning.refuse(refused)
    for batch in _join_batches(store.manifest(source, state.generation), planning.declared.entries()):
        planning.take(batch)
    return planning.done(_Settings(scopes, policy, alerting, sources), state)


def _check_holder(
    what: str, new: Policy | Alerting | None, permits: Permits, held: Mapping[str, Policy | Alerting | None]
) -> None:
    """Look whether another source holds what there is one of in a fleet, and may."""
    kind: Carried = "policy" if isinstance(new, Policy) else "alerting"
    holding = (
        name
        for name, setting in held.items()
        if setting is not None and source_grants.may_carry(permits.sources, name, kind)
    )
    holder = next(holding, permits.source)
    if new is not None and holder != permits.source:
        raise NotPermitted(f"{new.source}: source {holder} holds {what} of the fleet; there is one")


class _JoinRow(NamedTuple):
    """A key with the digest that is in force, and with what the files declare of it; at most one of them is None."""

    key: ResourceKey
    before: str | None
    entry: ManifestEntry | None

    @property
    def same(self) -> bool:
        """Whether the files declare what is in force."""
        return self.entry is not None and self.entry.digest == self.before


def _join(manifest: Iterable[tuple[ResourceKey, str]], entries: Iterable[ManifestEntry]) -> Iterator[_JoinRow]:
    """Both in one, in the order of keys that both of them have."""
    before, after = iter(manifest), iter(entries)
    row, entry = next(before, None), next(after, None)
    while row is not None or entry is not None:
        key = entry.key if entry is not None else None
        if row is None or (key is not None and key < row[0]):
            yield _JoinRow(cast("ResourceKey", key), None, entry)
            entry = next(after, None)
        elif key is None or row[0] < key:
            yield _JoinRow(*row, None)
            row = next(before, None)
        else:
            yield _JoinRow(*row, entry)
            row, entry = next(before, None), next(after, None)


def _join_batches(
    manifest: Iterable[tuple[ResourceKey, str]], entries: Iterable[ManifestEntry]
) -> Iterator[list[_JoinRow]]:
    """All rows in batches, in each of which not too many have to be looked up."""
    batch: list[_JoinRow] = []
    lookups = 0
    for row in _join(manifest, entries):
        batch.append(row)
        lookups += not row.same
        if lookups == BATCH or len(batch) == _MAX_ROWS:
            yield batch
            batch, lookups = [], 0
    yield batch


class _Settings(NamedTuple):
    """What files say that holds for more than one resource, as far as their source may carry it."""

    scopes: tuple[Scope, ...]
    policy: Policy | None
    alerting: Alerting | None
    sources: Sources | None


class _Planning:
    """A plan in the making."""

    def __init__(
        self,
        declared: DeclaredResources,
        permits: Permits,
        store: PlanStore,
        control: Control,
        *,
        prune: bool,
        held: HeldBack,
    ) -> None:
        self.declared = declared
        self._permits = permits
        self._source = permits.source
        self._store = store
        self._control = control
        self._prune = prune
        self._held = held
        self._changes: dict[Action, Spool[PlannedChange]] = {
            action: Spool(_encode, _decode_change) for action in _ACTIONS
        }
        self._claimed = ExternalSorter()
        self._refused: Spool[RefusedDocument] = Spool(_encode, _decode_refused)
        self._kept = _keys()
        self._touched = _keys()
        self._manifest: Spool[tuple[ResourceKey, str]] = Spool(_encode, _decode_digest)
        self._unchanged = self._before = 0
        self._seen: Mapping[ResourceKey, Observation] = {}

    def take(self, batch: list[_JoinRow]) -> None:
        """Plan what becomes of some keys, in their order."""
        lookups = [row.key for row in batch if not row.same and (row.entry is not None or self._prune)]
        records = self._store.records(lookups)
        if self._permits.sources is not None:
            self._seen = self._store.last_observations(lookups)
        for row in batch:
            self._before += row.before is not None
            record = records.get(row.key)
            if row.same:
                self._unchanged += 1
            elif record is None:
                self._kept.append(row.key)
            elif self._changes_to(row, controlling.visible(record.value, self._control)):
                continue
            if row.before is not None:
                self._manifest.append((row.key, row.before))

    def refuse(self, refused: Iterable[RefusedDocument]) -> None:
        """Note what the source may not put in force."""
        self._refused.extend(refused)

    def _is_refused(self, row: _JoinRow, after: Desired, versions: Mapping[str, Version]) -> bool:
        """Whether a declaration is not put in force: the source may not, or another one declares it already."""
        seen = self._seen.get(row.key)
        if (refused := self._permits.refusal(after, seen)) is not None:
            self._refused.append(refused)
            return True
        if (partly := self._permits.without_effect(after)) is not None:
            self._refused.append(partly)
        if row.entry is None or (claim := self._permits.conflict(row.key, after, versions, seen)) is None:
            return False
        self._claimed.add((row.entry.order, _encode(claim)))
        return not claim.disputed

    def _changes_to(self, row: _JoinRow, versions: Mapping[str, Version]) -> bool:
        """Plan a change; whether there is one, since another source may declare the key."""
        after = self.declared.desired(row.entry) if row.entry is not None else None
        if row.entry is not None and after is not None:
            if self._is_refused(row, after, versions):
                return False
            self._manifest.append((row.key, after.digest))
        before = versions.get(self._source)
        if after is None and self._held.holds(row.key, before):
            self._kept.append(row.key)
            return False
        action: Action = "removed" if after is None else "changed" if before else "added"
        self._changes[action].append(PlannedChange(row.key, action, before, after))
        self._touched.append(row.key)
        return True

    def done(self, settings: _Settings, state: SourceState) -> Plan:
        """The whole plan."""
        scopes, policy, alerting, sources = settings
        removes_rules = self._prune and self._held == NOTHING
        claimed = Spool(_encode, _decode_claim)
        return Plan(
            source=self._source,
            added=self._changes["added"],
            changed=self._changes["changed"],
            removed=self._changes["removed"],
            unchanged=self._unchanged,
            claimed=claimed.extend(_decode_claim(claim) for _, claim in self._claimed),
            refused=self._refused,
            kept=self._kept,
            touched=self._touched,
            scopes=scopes if removes_rules else _scopes_with(state.scopes, scopes),
            scopes_before=state.scopes,
            policy=policy if removes_rules else policy or state.policy,
            policy_before=state.policy,
            alerting=alerting if removes_rules else alerting or state.alerting,
            alerting_before=state.alerting,
            sources=sources or state.grants,  # never removed: without it nothing bounds sources
            sources_before=state.grants,
            manifest=self._manifest,
            declared_before=self._before,
            generation=state.generation,
        )


def _keys() -> Spool[ResourceKey]:
    return Spool(_encode, _decode_key)


def _scopes_with(present: tuple[Scope, ...], scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The present scopes, with others added or in the place of those of their name."""
    return tuple({scope.name: scope for scope in (*present, *scopes)}.values())


def _names(scopes: tuple[Scope, ...]) -> str:
    return ", ".join(scope.name for scope in scopes) or "none"


def _policy(policy: Policy | None) -> str:
    if policy is None:
        return "none"
    return f"{policy.name}, {'a dry run' if policy.dry_run else 'which writes'}"


def _alerting(alerting: Alerting | None) -> str:
    return alerting.name if alerting is not None else "none"


def _without_source(alerting: Alerting | None) -> Alerting | None:
    """What is said of alerts, without where it is written."""
    return replace(alerting, source=Source()) if alerting is not None else None


def _grants(sources: Sources | None) -> str:
    """The sources that a document lists, in a few words."""
    if sources is None:
        return "everything"
    return ", ".join(grant.name for grant in sources.grants) or "none but the installation's own"


def check_removals(planned: Plan, most: float) -> None:
    """Refuse to remove more than a part of a source.

    Args:
        planned: what would be done.
        most: the part of what the source declares now that may go, 0 to 1.

    Raises:
        NotPermitted: it is more; says how many, and how to allow it.
    """
    removals, before = len(planned.removed), planned.declared_before
    if removals - most * before > _ROUNDING:
        allowing = -(-removals * 100 // before)  # rounded up, so that it is allowed
        raise NotPermitted(
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
