"""The policy of a fleet: rules for the severity and remediation of drifts.

The first rule that matches applies. Fields that it leaves out, and drifts without a matching rule, follow the defaults:
the severity of the difference, and the mode of the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from setpoint.model import globs, ignore_patterns, labels
from setpoint.model.compare_rules import CompareRule
from setpoint.model.declaration import Mode, Source
from setpoint.model.maintenance_windows import Window
from setpoint.model.observation import ObservedThrough
from setpoint.model.owner_rules import OwnerRule
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.severity import Kind, Severity

Executor = Literal["api", "handoff", "propose"]
"""The executor of a remediation: Google's API, a delegate, or a proposed change of the declaration."""

MODES: tuple[Mode, ...] = ("off", "alert", "approve", "auto")
"""From the most to the least restrictive."""
MANUAL_MODES: tuple[Mode, ...] = ("off", "alert")
"""The modes without remediation."""


class Match(msgspec.Struct, frozen=True, omit_defaults=True):
    """Conditions on a drift. All must hold; an empty condition always holds.

    Args:
        asset_types: types, or globs as ``compute.googleapis.com/*``.
        contents: contents of the resource.
        projects: project ids or numbers, or globs.
        ancestors: ``folders/NUMBER`` and ``organizations/NUMBER``, at any distance above.
        labels: labels of the resource, ``*`` for any value.
        teams: owners, or globs.
        kinds: kinds of drift.
        severities: default severities of the drift.
        paths: field paths, with ``*`` for any key and ``[*]`` for any element; each difference must match one of them.
        actors: actors, or globs; never holds for an unknown actor.
    """

    asset_types: tuple[str, ...] = ()
    contents: tuple[Content, ...] = ()
    projects: tuple[str, ...] = ()
    ancestors: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    teams: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    severities: tuple[Severity, ...] = ()
    paths: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """The treatment of matching drifts.

    Args:
        name: the rule's name.
        match: the drifts that match.
        severity: their severity; None for the default severity.
        mode: the remediation mode; None for the declaration's.
        executor: the executor of their remediation.
        settle: the grace period in seconds before they become findings; None for the declaration's.
        windows: when they may be remediated without approval; empty for any time.
        approvals: number of different approvers that are required.
    """

    name: str
    match: Match = Match()
    severity: Severity | None = None
    mode: Mode | None = None
    executor: Executor = "api"
    settle: float | None = None
    windows: tuple[Window, ...] = ()
    approvals: int = 1


class ObserveRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """The source of observations for declared resources. All conditions must hold; an empty condition always holds.

    Args:
        source: ``api``: read through their own API on a change and in a sweep, in addition to the inventory.
        asset_types: types, or globs as ``compute.googleapis.com/*``.
        resources: full resource names, or globs.
    """

    source: ObservedThrough = "api"
    asset_types: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


UndeclaredReport = Literal["off", "severe", "all"]
"""Which changes of undeclared values are reported: none, those that matter to security, or all."""


UndeclaredGrants = Literal["report", "remove"]
"""The handling of undeclared grants, in a scope of grants."""


class UndeclaredMatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Undeclared values, by path and asset type.

    Args:
        paths: patterns of field paths; all if empty.
        asset_types: types, or globs; all where empty.
    """

    paths: tuple[str, ...] = ()
    asset_types: tuple[str, ...] = ()


class Undeclared(msgspec.Struct, frozen=True, omit_defaults=True):
    """The reaction to changes of undeclared values.

    Args:
        report: which of them are reported; the others are kept with the record.
        ignore: which of them are left alone.
        grants: whether undeclared grants may be removed, by the mode of the scope and of the rules.
        remediate: whose last known good values may be written back, by the mode of the declaration and of the rules.
    """

    report: UndeclaredReport = "severe"
    ignore: tuple[UndeclaredMatch, ...] = ()
    grants: UndeclaredGrants = "report"
    remediate: tuple[UndeclaredMatch, ...] = ()


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Limits of remediation: rate limits, the circuit breaker, and further guardrails.

    Args:
        per_project: maximum number of writes in one project within ``within``.
        per_fleet: maximum number of writes in total within ``within``.
        within: length of the period in seconds.
        surge: number of drifts to remediate within ``within`` that opens the circuit breaker.
        failures: number of failed writes within ``within`` that opens the circuit breaker.
        flaps: how often a remediated field may drift again within ``flap_within``.
        flap_within: length of that period in seconds.
        attempts: maximum number of attempts for one drift, before a person has to act.
        rollout: seconds after an apply in which its changed resources are not remediated, since a rollout may be
            running.
        stale_after: seconds since the last apply of a source after which its declarations are too old for remediation.
        readings_per_minute: maximum number of reads through the resources' own APIs per minute; see ``Policy.observe``.
        per_source: maximum number of writes for the declarations of one source within ``within``.
        source_share: the share of a source's declarations, 0 to 1, that may be remediated within ``within``; beyond it
            the source is paused.
        approval_lasts: seconds after which an unused approval expires.
        grants_lost: the share of a policy's grants, 0 to 1, that may be removed without approval.
    """

    per_project: int = 10
    per_fleet: int = 50
    within: float = 3600.0
    surge: int = 100
    failures: int = 5
    flaps: int = 2
    flap_within: float = 86_400.0
    attempts: int = 4
    rollout: float = 1800.0
    stale_after: float = 7 * 86_400.0
    readings_per_minute: int = 60
    per_source: int = 30
    source_share: float = 0.05
    approval_lasts: float = 86_400.0
    grants_lost: float = 0.2


class ShownFields(msgspec.Struct, frozen=True, omit_defaults=True):
    """Fields whose values may be shown although the schema does not describe them.

    Args:
        fields: field paths, with ``*`` for any key and ``[*]`` for any element.
        asset_types: types, or globs; empty for all.
    """

    fields: tuple[str, ...]
    asset_types: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """The policy of a fleet.

    Args:
        name: its name.
        rules: the rules; the first that matches applies.
        dry_run: report planned writes, and write nothing.
        limits: the guardrails.
        source: the location of the document; not part of the digest.
        appliers: accounts that apply the declarations, or globs.
        applier_grace: the grace period in seconds for a drift by an applier, since a sync may be running.
        observe: the resources that are read through their own API, too; the first rule that matches applies.
        show: fields whose values are shown; secrets by name and tokens of published formats stay hidden.
        compare: how single fields are compared, in place of the built-in rules; the first that fits counts.
        undeclared: what becomes of changes of values that no declaration names.
        defaults: owner, mode, grace period and ignored paths of declarations that name none; the first that fits
            counts.
    """

    name: str = "built-in"
    rules: tuple[Rule, ...] = ()
    dry_run: bool = True
    limits: Limits = Limits()
    source: Source = Source()
    appliers: tuple[str, ...] = ()
    applier_grace: float = 600.0
    observe: tuple[ObserveRule, ...] = ()
    show: tuple[ShownFields, ...] = ()
    compare: tuple[CompareRule, ...] = ()
    undeclared: Undeclared = Undeclared()
    defaults: tuple[OwnerRule, ...] = ()


def shown(fleet_policy: Policy | None, asset_type: str) -> tuple[str, ...]:
    """The paths of fields that a policy shows in resources of this type."""
    if fleet_policy is None or not fleet_policy.show:
        return ()
    rules = (rule for rule in fleet_policy.show if not rule.asset_types or globs.matches(rule.asset_types, asset_type))
    return tuple(field for rule in rules for field in rule.fields)


class PolicyInput(NamedTuple):
    """A drift as input of rules."""

    asset_type: str
    content: Content
    kind: Kind
    severity: Severity
    team: str = ""
    projects: frozenset[str] = frozenset()
    ancestors: tuple[str, ...] = ()
    labels: Mapping[str, Any] = {}
    paths: tuple[str, ...] = ()
    actor: str = ""


class RuleTrial(NamedTuple):
    """A rule that was checked, with its first unmet condition; empty if it matched."""

    rule: str
    unfit: str


def first_match(policy: Policy | None, case: PolicyInput) -> Rule | None:
    """The first rule that matches, or None."""
    if policy is None:
        return None
    return next((rule for rule in policy.rules if not _unmet_condition(rule.match, case)), None)


def is_read_by_api(policy: Policy | None, asset_type: str, key: ResourceKey) -> bool:
    """Whether a policy reads a resource through its own API in addition to the inventory."""
    if policy is None or not policy.observe or key.content != "resource":
        return False
    fitting = (
        rule
        for rule in policy.observe
        if _one_of(rule.asset_types, (asset_type,)) and _one_of(rule.resources, (key.name,))
    )
    return next((rule.source == "api" for rule in fitting), False)


def undeclared_pattern(matches: Iterable[UndeclaredMatch], asset_type: str, path: str) -> str:
    """The pattern that covers an undeclared value, or an empty string.

    Args:
        matches: what covers it.
        asset_type: the type of the resource.
        path: of the value.
    """
    for match in matches:
        if _one_of(match.asset_types, (asset_type,)):
            pattern = ignore_patterns.covering(path, match.paths) if match.paths else "*"
            if pattern is not None:
                return pattern
    return ""


def fits(match: Match, case: PolicyInput) -> bool:
    """Whether a drift fulfils the conditions."""
    return not _unmet_condition(match, case)


def explain(policy: Policy, case: PolicyInput) -> tuple[RuleTrial, ...]:
    """All rules up to the one that applies, each with its first unmet condition."""
    tried = []
    for rule in policy.rules:
        unfit = _unmet_condition(rule.match, case)
        tried.append(RuleTrial(rule.name, unfit))
        if not unfit:
            break
    return tuple(tried)


def more_restrictive(first: Mode | None, other: Mode | None) -> Mode:
    """The more restrictive of two modes, either of which may be unset; ``alert`` if both are."""
    if first is None or other is None:
        return first or other or "alert"
    return min(first, other, key=MODES.index)


def _unmet_condition(match: Match, case: PolicyInput) -> str:
    """The first unmet condition; empty if all are met."""
    return next((name for name, fits in _CHECKS if not fits(match, case)), "")


def _one_of(wanted: tuple[str, ...], names: Iterable[str]) -> bool:
    return not wanted or any(globs.matches(wanted, name) for name in names)


def _are_covered(match: Match, case: PolicyInput) -> bool:
    if not match.paths:
        return True
    return bool(case.paths) and all(ignore_patterns.covering(path, match.paths) is not None for path in case.paths)


_CHECKS: tuple[tuple[str, Callable[[Match, PolicyInput], bool]], ...] = (
    ("asset_types", lambda match, case: _one_of(match.asset_types, (case.asset_type,))),
    ("contents", lambda match, case: not match.contents or case.content in match.contents),
    ("kinds", lambda match, case: not match.kinds or case.kind in match.kinds),
    ("severities", lambda match, case: not match.severities or case.severity in match.severities),
    ("teams", lambda match, case: _one_of(match.teams, (case.team,))),
    ("projects", lambda match, case: _one_of(match.projects, case.projects)),
    ("ancestors", lambda match, case: not match.ancestors or not set(match.ancestors).isdisjoint(case.ancestors)),
    ("labels", lambda match, case: labels.fit(match.labels, case.labels)),
    ("paths", _are_covered),
    ("actors", lambda match, case: not match.actors or (bool(case.actor) and _one_of(match.actors, (case.actor,)))),
)
"""The conditions by field name, the cheapest first."""
