"""Find resources that must be declared: those in a scope, except resources with another creator than their author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from setpoint.detection import auto_created_resources
from setpoint.detection.auto_created_resources import AutoCreatedRule
from setpoint.model import globs, ignore_patterns
from setpoint.model.declaration import FleetPart, Scope, Selection
from setpoint.model.fleet_rules import Rules
from setpoint.model.labels import fit, labels_of
from setpoint.model.observation import Observation
from setpoint.model.resource_key import WHOLE, project_of


class ScopeCoverage(NamedTuple):
    """The coverage of an undeclared resource by scopes.

    Args:
        scope: the scope that covers the resource, or None.
        created_by: what created the resource, if that exempts it; empty if it must be declared.
        rule: the ignore rule that exempts the resource, as written in its file; empty if there is none.
        claim: what recognizes the creator, where that rests on text that anyone may write; None where it does not.
    """

    scope: Scope | None = None
    created_by: str = ""
    rule: str = ""
    claim: AutoCreatedRule | None = None

    @property
    def is_exempt(self) -> bool:
        """Whether the resource needs no declaration."""
        return self.scope is None or bool(self.created_by or self.rule)


def explain(rules: Rules, observation: Observation) -> ScopeCoverage:
    """The scope that covers an undeclared resource, and why the resource may be exempt from it.

    One scope that requires a declaration is enough, whatever the other scopes exempt and in whatever order. If all
    scopes exempt the resource, one that does so by a rule is returned, since rules can change.
    """
    if observation.key.content not in WHOLE:
        return _NOWHERE
    spared = _NOWHERE
    for scope in _candidates(rules.scopes, observation):
        if (scope.contents and "resource" not in scope.contents) or not _covers(scope, observation):
            continue
        entry = None if scope.strict else auto_created_resources.rule(observation)
        made = entry.reason if entry is not None else ""
        rule = (
            "" if made else ignore_patterns.matching_rule(scope.ignores, observation.key.name, observation.asset_type)
        )
        coverage = ScopeCoverage(scope, made, rule, entry if entry is not None and entry.is_claim else None)
        if not coverage.is_exempt:
            return coverage
        if spared.scope is None or (rule and not spared.rule):
            spared = coverage
    return spared


def scope_of_grants(rules: Rules, observation: Observation) -> Scope | None:
    """The scope in which all grants of a resource have to be declared, or None."""
    for scope in _candidates(rules.scopes, observation):
        if "iam_policy" in scope.contents and _covers(scope, observation):
            key = observation.key
            if not ignore_patterns.matching_rule(scope.ignores, key.name, observation.asset_type):
                return scope
    return None


_NOWHERE = ScopeCoverage()
_FEW = 32
"""The number of scopes that are searched one by one; a larger set is indexed."""


def _candidates(scopes: tuple[Scope, ...], observation: Observation) -> Sequence[Scope]:
    """The scopes that name an ancestor of a resource, in their order."""
    if len(scopes) <= _FEW:
        return scopes
    index = _INDEXES.of(scopes)
    name = project_of(observation.key.name)
    places = {observation.project_number, observation.project_id, name, *observation.ancestors} - {""}
    positions = {position for place in places for position in index.get(place, ())}
    return [scopes[position] for position in sorted(positions)]


class _Indexes:
    """Positions of scopes by the places that they name, for the latest few sets of scopes."""

    def __init__(self) -> None:
        self._latest: tuple[tuple[tuple[Scope, ...], dict[str, list[int]]], ...] = ()

    def of(self, scopes: tuple[Scope, ...]) -> dict[str, list[int]]:
        """The index of these scopes; cached by identity, since a set of scopes is immutable."""
        for known, index in self._latest:
            if known is scopes:
                return index
        index = {}
        for position, scope in enumerate(scopes):
            for place in (*scope.projects, *scope.ancestors):
                index.setdefault(place, []).append(position)
        self._latest = ((scopes, index), *self._latest[:1])
        return index


_INDEXES = _Indexes()


def _covers(scope: Scope, observation: Observation) -> bool:
    return (
        globs.matches(scope.asset_types, observation.asset_type)
        and _is_placed_in(scope.projects, scope.ancestors, observation)
        and (not scope.labels or _is_labelled(scope.labels, observation))
        and not any(_is_excepted(exception, observation) for exception in scope.exceptions)
        and (scope.within is None or _is_within(scope.within, observation))
    )


def _is_within(places: FleetPart, observation: Observation) -> bool:
    """Whether a resource is in the places of a scope's source."""
    is_there = places.everywhere or _is_placed_in(places.projects, places.ancestors, observation)
    return is_there and (not places.asset_types or globs.matches(places.asset_types, observation.asset_type))


def _is_excepted(exception: Selection, observation: Observation) -> bool:
    placed = exception.projects or exception.ancestors
    return (
        (not exception.asset_types or globs.matches(exception.asset_types, observation.asset_type))
        and (not placed or _is_placed_in(exception.projects, exception.ancestors, observation))
        and (not exception.labels or _is_labelled(exception.labels, observation))
    )


def _is_placed_in(projects: tuple[str, ...], ancestors: tuple[str, ...], observation: Observation) -> bool:
    if projects:
        named = _set_of(projects)
        if observation.project_number in named or observation.project_id in named:
            return True
        if project_of(observation.key.name) in named:
            return True
    return any(ancestor in observation.ancestors for ancestor in ancestors)


@lru_cache(maxsize=256)
def _set_of(projects: tuple[str, ...]) -> frozenset[str]:
    """The projects as a set: a scope may name thousands, and each undeclared resource looks them up."""
    return frozenset(filter(None, projects))


def _is_labelled(labels: Mapping[str, str], observation: Observation) -> bool:
    """Whether a resource has all of these labels; True for a deleted resource without data, which may have had them."""
    if observation.data is None:
        return observation.deleted
    return fit(labels, labels_of(observation.data))
