"""Review guard: the effect of a change of declarations on drift that is open now.

A change under review may resolve findings, overwrite manual changes, or delete a drifted resource. Each decision here
is a pure function of the change and of the store's content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from setpoint.detection import verdict as judging
from setpoint.detection.observed_schema import Schemas
from setpoint.errors import BadRequest
from setpoint.model import exemptions
from setpoint.model.actors import Actor
from setpoint.model.declaration import Desired, Source
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.remediation_attempt import UNDER_WAY
from setpoint.model.resource_key import Content, ResourceKey, project_of
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.safety_limits import SafetyState, paused
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.model.severity import Kind, Severity
from setpoint.ports.stores import Snapshot, Store
from setpoint.util.external_sort import batches

ChangeAction = Literal["create", "update", "replace", "delete"]
Effect = Literal["resolves", "overwrites", "destroys", "exempt", "paused", "remediating", "foreign"]
EFFECTS: tuple[Effect, ...] = ("destroys", "overwrites", "foreign", "remediating", "paused", "exempt", "resolves")
"""All effects, the most serious first."""

_DRIFTED = frozenset({"open", "exempted", "accepted"})
_BATCH = 300


class ProposedChange(NamedTuple):
    """The change of one resource and content that is under review.

    Args:
        key: the resource and content.
        action: what the change does to the resource.
        after: the desired state after the change; None where it is no longer declared.
        source: the location of the declaration: after the change, or before it where the change removes it.
        address: Terraform's address; empty for other formats.
    """

    key: ResourceKey
    action: ChangeAction
    after: Desired | None
    source: Source
    address: str = ""


class ReviewedResource(msgspec.Struct, frozen=True, omit_defaults=True):
    """A resource of the change that a reviewer should look at.

    Args:
        resource_name: full resource name.
        asset_type: Cloud Asset Inventory's type.
        content: the content that drifted.
        project: project id where known, else its number.
        action: what the change does to the resource.
        effects: what that means: ``resolves`` open drift, ``overwrites`` it, ``destroys`` a drifted resource; the
            drift is ``exempt``, its remediation is ``paused`` or under way (``remediating``), or another source
            declares the resource (``foreign``).
        declared_in: file and line of the declaration.
        address: Terraform's address; empty for other formats.
        finding_id: the finding; empty where the resource has not drifted.
        kind: the kind of the drift; None where there is none.
        severity: its severity; None where there is no drift.
        team: the owning team.
        first_seen: since when it has drifted; None where it has not.
        actor: who caused the drift; None where that is not known.
        overwritten: the differences that the change reverts.
        resolved: paths of the differences that the change declares as they are.
        notes: a sentence for each effect that needs one.
    """

    resource_name: str
    asset_type: str
    content: Content
    project: str
    action: ChangeAction
    effects: tuple[Effect, ...]
    declared_in: str = ""
    address: str = ""
    finding_id: str = ""
    kind: Kind | None = None
    severity: Severity | None = None
    team: str = ""
    first_seen: datetime | None = None
    actor: Actor | None = None
    overwritten: tuple[Difference, ...] = ()
    resolved: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Review(msgspec.Struct, frozen=True):
    """The result of a guard.

    Args:
        changed: number of resources and contents that the change touches.
        resources: those that a reviewer should look at, the most serious first.
        not_reviewed: Terraform addresses that the plan changes, and whose resource cannot be named.
    """

    changed: int
    resources: tuple[ReviewedResource, ...]
    not_reviewed: tuple[str, ...] = ()

    def count(self, effect: Effect) -> int:
        """The number of resources with an effect."""
        return sum(effect in resource.effects for resource in self.resources)


class StoredFacts(NamedTuple):
    """What the store holds about a resource and its fleet.

    Args:
        snapshot: the finding and the rules.
        observation: the last observation; None where there is none.
        owner: the source that declares the resource now; empty for none.
        safety_state: pauses and guardrails.
        secrecy: has the key of the digests in the change.
    """

    snapshot: Snapshot
    observation: Observation | None
    owner: str
    safety_state: SafetyState
    secrecy: Secrecy = THIS_PROCESS


def check_store(store: Store) -> None:
    """Refuse a store in which nothing is declared: a review by it would find nothing, whatever has drifted.

    Raises:
        BadRequest: no source has ever been applied to it.
        Unavailable: the store does not answer.
    """
    if not store.control().value.sources:
        raise BadRequest("the store has no declarations, so that nothing can be reviewed; check --store")


def review(
    changes: Iterable[ProposedChange],
    source: str,
    store: Store,
    schemas: Schemas,
    now: datetime,
    secrecy: Secrecy = THIS_PROCESS,
) -> Review:
    """Review a change with what a store holds; only the touched resources are read, and nothing is written.

    Args:
        changes: the change.
        source: the source that it belongs to; empty where that is not known.
        store: the store.
        schemas: the catalogue.
        now: the time.
        secrecy: has the key of the digests in the change.

    Raises:
        Unavailable: the store does not answer.
    """
    safety_state = store.safety_state().value
    resources: list[ReviewedResource] = []
    count = 0
    for batch in batches(changes, _BATCH):
        count += len(batch)
        keys = [change.key for change in batch]
        snapshots, observations = store.read_many(keys), store.last_observations(keys)
        owners = _owners(keys, store) if source else {}
        for change in batch:
            facts = StoredFacts(
                snapshots[change.key], observations.get(change.key), owners.get(change.key, ""), safety_state, secrecy
            )
            if (reviewed := review_change(change, source, facts, schemas, now)) is not None:
                resources.append(reviewed)
    return Review(count, tuple(sorted(resources, key=_rank)))


def _owners(keys: Iterable[ResourceKey], store: Store) -> Mapping[ResourceKey, str]:
    """The source of the latest version of each record."""
    return {
        key: stored.value.versions[-1].source
        for key, stored in store.records(keys).items()
        if stored.value.versions and stored.value.versions[-1].declarations
    }


def _rank(resource: ReviewedResource) -> tuple[int, str]:
    return min(map(EFFECTS.index, resource.effects)), resource.resource_name


def review_change(
    change: ProposedChange, source: str, facts: StoredFacts, schemas: Schemas, now: datetime
) -> ReviewedResource | None:
    """Review the change of one resource; None where a reviewer has nothing to look at."""
    state = facts.snapshot.state
    finding = state.finding if state is not None and state.finding and state.finding.status in _DRIFTED else None
    drift = _effect_on_drift(change, finding, facts, schemas) if finding is not None else _NO_DRIFT
    noted = dict(_notes(source, state, finding, facts, now))
    effects = {*drift.effects, *noted}
    if not effects:
        return None
    asset_type = change.after.declarations[0].asset_type if change.after else state.asset_type if state else ""
    return ReviewedResource(
        resource_name=change.key.name,
        asset_type=asset_type,
        content=change.key.content,
        project=finding.project if finding else project_of(change.key.name),
        action=change.action,
        effects=tuple(effect for effect in EFFECTS if effect in effects),
        declared_in=str(change.source),
        address=change.address,
        finding_id=change.key.id if finding else "",
        kind=finding.kind if finding else None,
        severity=finding.severity if finding else None,
        team=finding.owner.team if finding else "",
        first_seen=finding.first_seen if finding else None,
        actor=finding.actor if finding else None,
        overwritten=drift.overwritten,
        resolved=drift.resolved,
        notes=tuple(noted.values()),
    )


class _DriftEffect(NamedTuple):
    effects: tuple[Effect, ...]
    overwritten: tuple[Difference, ...] = ()
    resolved: tuple[str, ...] = ()


_NO_DRIFT = _DriftEffect(())


def _effect_on_drift(change: ProposedChange, finding: Finding, facts: StoredFacts, schemas: Schemas) -> _DriftEffect:
    """What the change does to drift: what it still declares otherwise is overwritten when the change is applied."""
    if change.action in ("replace", "delete"):
        return _DriftEffect(("destroys",), finding.differences)
    if facts.observation is None:
        return _DriftEffect(("overwrites",), finding.differences)
    verdict = judging.judge(change.after, facts.snapshot.rules, facts.observation, schemas, secrecy=facts.secrecy)
    if not isinstance(verdict, judging.Verdict) or (verdict.kind is None and verdict.unknown):
        return _DriftEffect(("overwrites",), finding.differences)  # whether the drift ends is unknown
    if verdict.kind is None:
        return _DriftEffect(("resolves",), resolved=tuple(difference.path for difference in finding.differences))
    if verdict.kind != "modified" or finding.kind == "unmanaged":
        return _DriftEffect(("overwrites",), verdict.differences)
    drifted = {difference.path for difference in finding.differences}
    is_cut = finding.difference_count > len(finding.differences)
    remaining = tuple(item for item in verdict.differences if is_cut or item.path in drifted)
    resolved = tuple(sorted(drifted - {difference.path for difference in verdict.differences}))
    effects: tuple[Effect, ...] = (*(("overwrites",) if remaining else ()), *(("resolves",) if resolved else ()))
    return _DriftEffect(effects, remaining, resolved)


def _notes(
    source: str, state: ResourceState | None, finding: Finding | None, facts: StoredFacts, now: datetime
) -> Iterator[tuple[Effect, str]]:
    """The other effects, each with a sentence."""
    if source and facts.owner and facts.owner != source:
        yield "foreign", f"source {facts.owner} declares the resource"
    if state is None or finding is None:
        return
    if state.remediation is not None and state.remediation.step in UNDER_WAY:
        yield "remediating", f"its remediation is under way ({state.remediation.step})"
    places = (*finding.ancestors, f"projects/{finding.project}")
    if (pause := paused(facts.safety_state, state.key.name, places, now)) is not None:
        yield "paused", f"remediation of {pause.of} is paused" + (f": {pause.reason}" if pause.reason else "")
    exemption = state.exemption
    if exemption is not None and exemptions.is_in_force(exemption, finding.fingerprint, now):
        until = f" until {exemption.until:%Y-%m-%d}" if exemption.until else ""
        yield "exempt", f"{exemption.by} exempted the drift{until}: {exemption.reason}"
