"""Plan the apply of a source: what it adds, changes, removes and keeps; nothing is written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, cast, get_args

import msgspec
from msgspec.structs import replace

from setpoint.declarations.permits import OwnershipConflict, Permits, RefusedDocument
from setpoint.declarations.readers.dedupe import DeclaredResources, ManifestEntry
from setpoint.declarations.readers.prune_protection import NOTHING, PruneProtection
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
from setpoint.model.sources import Control, DeclaredVersion, SourceState
from setpoint.ports.stores import DesiredStore
from setpoint.util.external_sort import Chain, ExternalSorter, Spool

Action = Literal["added", "changed", "removed"]

DEFAULT_SOURCE = "default"
DEFAULT_MAX_REMOVALS = 0.1
"""The default share of a source that one apply may remove."""

BATCH = 300
"""Number of records in one read or write."""

_MAX_ROWS = 3_000
"""Maximum number of keys in a batch, as long as few of them need a lookup."""
_ACTIONS: tuple[Action, ...] = get_args(Action)
_ROUNDING = 1e-6


class PlanStore(DesiredStore, Protocol):
    """The store of declarations and observations that a plan reads."""

    def last_observations(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Observation]:
        """See ``StateStore.last_observations``."""


class PlannedChange(msgspec.Struct, frozen=True):
    """The change of a resource and content by an apply.

    Args:
        key: the resource and content.
        action: ``added``, ``changed`` or ``removed``.
        before: the source's current declarations; None if there are none.
        after: the new declarations; None if there are none.
    """

    key: ResourceKey
    action: Action
    before: DeclaredVersion | None
    after: Desired | None


_encode = msgspec.json.Encoder().encode
_decode_change = msgspec.json.Decoder(PlannedChange).decode
_decode_claim = msgspec.json.Decoder(OwnershipConflict).decode
_decode_refused = msgspec.json.Decoder(RefusedDocument).decode
_decode_key = msgspec.json.Decoder(ResourceKey).decode
_decode_digest = msgspec.json.Decoder(tuple[ResourceKey, str]).decode


class Plan(msgspec.Struct, frozen=True):
    """The effect of an apply; large collections are read from temporary files on each iteration.

    Args:
        source: the source.
        added: new declarations, ordered by key, as the collections below.
        changed: changed declarations.
        removed: removed declarations.
        unchanged: number of unchanged declarations.
        claimed: resources that another source already declares, in the order of the files.
        refused: declarations without permission, ordered by key.
        kept: undeclared resources that stay, since they are not pruned.
        touched: the keys of all added, changed and removed declarations.
        scopes: the new scopes, which are fully declared.
        scopes_before: the current scopes.
        policy: the new policy of the fleet, if this source holds it.
        policy_before: the current policy.
        alerting: the new alerting rules, if this source holds them.
        alerting_before: the current alerting rules.
        sources: the new permissions of each source, if this is the installation's own source.
        sources_before: the current permissions.
        manifest: key and digest of each new declaration.
        declared_before: number of resources and contents in the current generation.
        generation: the current generation; 0 if there is none.
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
        """The added, changed and removed declarations, in this order."""
        return Chain(self.added, self.changed, self.removed)

    @property
    def rescopes(self) -> bool:
        """Whether it changes scopes in more than their location."""
        return rules(self.scopes).digest != rules(self.scopes_before).digest

    @property
    def repolicies(self) -> bool:
        """Whether it changes the policy of the fleet in more than its location."""
        return rules((), self.policy).digest != rules((), self.policy_before).digest

    @property
    def realerts(self) -> bool:
        """Whether it changes the alerting rules in more than their location."""
        return _without_source(self.alerting) != _without_source(self.alerting_before)

    @property
    def regrants(self) -> bool:
        """Whether it changes the permissions of sources."""
        return rules((), sources=self.sources).digest != rules((), sources=self.sources_before).digest

    @property
    def changes_rules(self) -> bool:
        """Whether it changes any rule of the whole fleet."""
        return self.rescopes or self.repolicies or self.realerts or self.regrants

    def summary(self, kept_because: str = "remove them with --prune") -> str:
        """One line with the numbers of added, changed, removed, kept and unchanged declarations.

        Args:
            kept_because: why undeclared resources are kept, or how to remove them.
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


def plan(  # noqa: PLR0913 - the content of the files, and the options
    desired: Iterable[Desired],
    scopes: tuple[Scope, ...],
    source: str,
    store: PlanStore,
    *,
    policy: Policy | None = None,
    alerting: Alerting | None = None,
    sources: Sources | None = None,
    prune: bool = False,
    held: PruneProtection = NOTHING,
) -> Plan:
    """Compare files with the current generation of their source; nothing is written.

    Args:
        desired: all declarations in the files.
        scopes: all scopes in the files.
        source: the source's name.
        store: the store.
        policy: the policy in the files, or None.
        alerting: the alerting rules in the files, or None.
        sources: the permissions of sources in the files, or None.
        prune: whether to remove what the files no longer declare, scopes and policy included.
        held: what must stay because an invalid document may declare it; scopes and policy then stay, too.

    Raises:
        BadRequest: another source holds the policy, the alerting rules or the permissions; remove them from one source.
    """
    control = store.control().value
    state = control.sources.get(source, SourceState())
    permits = Permits(sources or controlling.granted(control), source)
    permits.check_sources(sources)
    refused = list(permits.carried(scopes, policy, alerting))
    policy = policy if permits.allows("policy") else None
    alerting = alerting if permits.allows("alerting") else None
    scopes = scopes if permits.allows("scopes") else ()
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
    """Check that no other permitted source holds a document of which a fleet has only one."""
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
    """A key with its current digest, and with the files' declaration; at most one of them is None."""

    key: ResourceKey
    before: str | None
    entry: ManifestEntry | None

    @property
    def same(self) -> bool:
        """Whether the files' declaration equals the current one."""
        return self.entry is not None and self.entry.digest == self.before


def _join(manifest: Iterable[tuple[ResourceKey, str]], entries: Iterable[ManifestEntry]) -> Iterator[_JoinRow]:
    """Merge both iterables, which are ordered by key."""
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
    """All rows in batches with a limited number of lookups."""
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
    """The documents for more than one resource that a source may carry."""

    scopes: tuple[Scope, ...]
    policy: Policy | None
    alerting: Alerting | None
    sources: Sources | None


class _Planning:
    """Builds a plan."""

    def __init__(
        self,
        declared: DeclaredResources,
        permits: Permits,
        store: PlanStore,
        control: Control,
        *,
        prune: bool,
        held: PruneProtection,
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
        """Plan the changes of some keys, in their order."""
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
        """Record declarations without permission."""
        self._refused.extend(refused)

    def _is_refused(self, row: _JoinRow, after: Desired, versions: Mapping[str, DeclaredVersion]) -> bool:
        """Whether a declaration is refused: without permission, or because another source declares the resource."""
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

    def _changes_to(self, row: _JoinRow, versions: Mapping[str, DeclaredVersion]) -> bool:
        """Plan a change; return False if there is none, since another source declares the key."""
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
        """The finished plan."""
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
            sources=sources or state.grants,  # never removed, since sources would be unrestricted without it
            sources_before=state.grants,
            manifest=self._manifest,
            declared_before=self._before,
            generation=state.generation,
        )


def _keys() -> Spool[ResourceKey]:
    return Spool(_encode, _decode_key)


def _scopes_with(present: tuple[Scope, ...], scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The current scopes, with other scopes added or replaced by name."""
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
    """Alerting rules without their location."""
    return replace(alerting, source=Source()) if alerting is not None else None


def _grants(sources: Sources | None) -> str:
    """The sources in a document, for people."""
    if sources is None:
        return "everything"
    return ", ".join(grant.name for grant in sources.grants) or "none but the installation's own"


def check_removals(planned: Plan, most: float) -> None:
    """Refuse a plan that removes more than a share of the source.

    Args:
        planned: the plan.
        most: the share of the current declarations that may be removed, 0 to 1.

    Raises:
        NotPermitted: it removes more; the error says how many, and how to allow it.
    """
    removals, before = len(planned.removed), planned.declared_before
    if removals - most * before > _ROUNDING:
        allowing = -(-removals * 100 // before)  # rounded up, so that it is allowed
        raise NotPermitted(
            f"this would remove {removals} of the {before} that source {planned.source} declares, more than "
            f"{most:.0%}; check `setpoint plan`, then allow it with --max-removals {allowing}%"
        )


def part(percent: str) -> float:
    """Parse a percentage, ``10%``, to a number from 0 to 1.

    Raises:
        BadRequest: the text is not a percentage from 0% to 100%.
    """
    try:
        number = float(percent.removesuffix("%"))
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:  # noqa: PLR2004 - noqa: PLR2004 - per cent; NaN is never in between
        raise BadRequest(f"max-removals takes a percentage from 0% to 100%, like 10%; not `{percent}`")
    return number / 100
