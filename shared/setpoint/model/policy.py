"""The policy of a fleet: rules that give a drift its severity, and say what may be done about it.

Of the rules the first that matches counts, whole. What it does not say, and what no rule matches, is as Setpoint does
without a policy: the default severity of the difference, and the mode of the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from setpoint.model import globs, ignore_patterns
from setpoint.model.compare_rules import CompareRule
from setpoint.model.declaration import Mode, Source
from setpoint.model.maintenance_windows import Window
from setpoint.model.observation import ObservedThrough
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.severity import Kind, Severity

Executor = Literal["api", "handoff", "propose"]
"""Who puts a resource back: Google's API, the fleet's own operator, or a change of the declaration instead."""

MODES: tuple[Mode, ...] = ("off", "alert", "approve", "auto")
"""From the most careful to the least."""
MANUAL_MODES: tuple[Mode, ...] = ("off", "alert")
"""Those in which nothing is remediated."""


class Match(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which drifts a rule means: those that fit all that is said here; what is empty says nothing.

    Args:
        asset_types: types, or globs as ``compute.googleapis.com/*``.
        contents: what of the resource drifted.
        projects: project ids or numbers, or globs.
        ancestors: ``folders/NUMBER`` and ``organizations/NUMBER``, at any distance above.
        labels: labels of the resource, ``*`` for any value.
        teams: its owner, or globs.
        kinds: kinds of drift.
        severities: its severity by Setpoint's own table.
        paths: field paths, with ``*`` for any key and ``[*]`` for any element: every difference is covered by one.
        actors: who has changed it, or globs; where nobody knows who, no rule with actors matches.
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
    """What is to become of the drifts that it means.

    Args:
        name: the rule's own name.
        match: which drifts.
        severity: theirs; None leaves it to Setpoint's own table.
        mode: what may be done; None leaves it to the declaration.
        executor: who puts them back.
        settle: seconds that they have to last before they are findings; None leaves it to the declaration.
        windows: when they may be remediated without asking; at any time where empty.
        approvals: how many different people have to approve, where somebody has to.
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
    """Through what declared resources are observed; a resource fits where all that is said here fits.

    Args:
        source: ``api``: read through their own API on a change and in a sweep, beside the inventory.
        asset_types: types, or globs as ``compute.googleapis.com/*``.
        resources: full resource names, or globs.
    """

    source: ObservedThrough = "api"
    asset_types: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


UndeclaredReport = Literal["off", "severe", "all"]
"""Which changes of undeclared values are reported: none, those that matter to security, or all."""


class UndeclaredIgnore(msgspec.Struct, frozen=True, omit_defaults=True):
    """Undeclared values to leave alone.

    Args:
        paths: patterns of field paths; all where empty.
        asset_types: types, or globs; all where empty.
    """

    paths: tuple[str, ...] = ()
    asset_types: tuple[str, ...] = ()


class Undeclared(msgspec.Struct, frozen=True, omit_defaults=True):
    """What becomes of changes of values that no declaration names.

    Args:
        report: which of them are reported; the others are kept with the record.
        ignore: which of them are left alone.
    """

    report: UndeclaredReport = "severe"
    ignore: tuple[UndeclaredIgnore, ...] = ()


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """How much may be remediated, and when nothing may any more.

    Args:
        per_project: writes in one project in ``within``.
        per_fleet: writes altogether in ``within``.
        within: seconds.
        surge: drifts that want to be remediated in ``within``, from which on it is an incident: the breaker opens.
        failures: failed writes in ``within`` from which on the breaker opens.
        flaps: how often a field may drift again after it was remediated, in ``flap_within``.
        flap_within: seconds.
        attempts: how often one drift is tried, until a person is asked.
        rollout: seconds after an apply in which what it changed is left alone, since somebody is rolling it out.
        stale_after: seconds since the last apply of a source after which what it declares is too old to act on.
        readings_per_minute: how many resources are read through their own API in a minute; see ``Policy.observe``.
        per_source: writes by the declarations of one source in ``within``.
        source_share: the part of a source's declarations, 0 to 1, of which no more may want to be remediated in
            ``within``; from then on the source is paused.
        approval_lasts: seconds after which an approval that was not used is over.
        grants_lost: the part of a policy's grants, 0 to 1, that may be removed without a person.
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


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """Fields whose values may be shown although nothing says what they hold.

    Args:
        fields: their paths, with ``*`` for any key and ``[*]`` for any element.
        asset_types: types, or globs; any where empty.
    """

    fields: tuple[str, ...]
    asset_types: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """The policy of a fleet.

    Args:
        name: its own name.
        rules: the first that matches counts.
        dry_run: nothing is written, only said what would be.
        limits: the guardrails.
        source: where it is written; no part of a digest.
        appliers: accounts that apply the declarations, or globs.
        applier_grace: seconds that a drift by one of them has to last, since a sync may be on its way.
        observe: which resources are read through their own API too; the first that fits counts.
        show: fields whose values are shown; secrets by name and tokens of published formats stay hidden.
        compare: how single fields are compared, in place of the built-in rules; the first that fits counts.
        undeclared: what becomes of changes of values that no declaration names.
    """

    name: str = "built-in"
    rules: tuple[Rule, ...] = ()
    dry_run: bool = True
    limits: Limits = Limits()
    source: Source = Source()
    appliers: tuple[str, ...] = ()
    applier_grace: float = 600.0
    observe: tuple[ObserveRule, ...] = ()
    show: tuple[Shown, ...] = ()
    compare: tuple[CompareRule, ...] = ()
    undeclared: Undeclared = Undeclared()


def shown(fleet_policy: Policy | None, asset_type: str) -> tuple[str, ...]:
    """The paths of fields that a policy wants shown of resources of this type."""
    if fleet_policy is None or not fleet_policy.show:
        return ()
    rules = (rule for rule in fleet_policy.show if not rule.asset_types or globs.fits(rule.asset_types, asset_type))
    return tuple(field for rule in rules for field in rule.fields)


class PolicyInput(NamedTuple):
    """A drift as rules look at it."""

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


class Tried(NamedTuple):
    """A rule that was looked at: what of it does not fit; empty where it matched."""

    rule: str
    unfit: str


def first_match(policy: Policy | None, case: PolicyInput) -> Rule | None:
    """The first rule that matches, or None."""
    if policy is None:
        return None
    return next((rule for rule in policy.rules if not _unfit(rule.match, case)), None)


def is_read_by_api(policy: Policy | None, asset_type: str, key: ResourceKey) -> bool:
    """Whether a policy asks for a resource to be read through its own API beside the inventory."""
    if policy is None or not policy.observe or key.content != "resource":
        return False
    fitting = (
        rule
        for rule in policy.observe
        if _one_of(rule.asset_types, (asset_type,)) and _one_of(rule.resources, (key.name,))
    )
    return next((rule.source == "api" for rule in fitting), False)


def undeclared_ignore(settings: Undeclared, asset_type: str, path: str) -> str:
    """The pattern by which a change of an undeclared value is left alone, or an empty string."""
    for rule in settings.ignore:
        if _one_of(rule.asset_types, (asset_type,)):
            pattern = ignore_patterns.covering(path, rule.paths) if rule.paths else "*"
            if pattern is not None:
                return pattern
    return ""


def fits(match: Match, case: PolicyInput) -> bool:
    """Whether a drift is one of those that are meant."""
    return not _unfit(match, case)


def explain(policy: Policy, case: PolicyInput) -> tuple[Tried, ...]:
    """All rules up to the one that counts, each with what of it does not fit."""
    tried = []
    for rule in policy.rules:
        unfit = _unfit(rule.match, case)
        tried.append(Tried(rule.name, unfit))
        if not unfit:
            break
    return tuple(tried)


def more_careful(first: Mode | None, other: Mode | None) -> Mode:
    """The more careful of two modes, of which either may not be said; ``alert`` where neither is."""
    if first is None or other is None:
        return first or other or "alert"
    return min(first, other, key=MODES.index)


def _unfit(match: Match, case: PolicyInput) -> str:
    """The first thing that does not fit, or an empty string."""
    return next((name for name, fits in _CHECKS if not fits(match, case)), "")


def _one_of(wanted: tuple[str, ...], names: Iterable[str]) -> bool:
    return not wanted or any(globs.fits(wanted, name) for name in names)


def _are_labels(match: Match, case: PolicyInput) -> bool:
    return all(value in ("*", case.labels.get(key)) and key in case.labels for key, value in match.labels.items())


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
    ("labels", _are_labels),
    ("paths", _are_covered),
    ("actors", lambda match, case: not match.actors or (bool(case.actor) and _one_of(match.actors, (case.actor,)))),
)
"""What is asked of a drift, the cheapest first, by the name of the field."""
