"""Check policies and alerting documents for rules without effect: types, Slack ids, unreachable rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from setpoint.declarations.readers import compare_checks, typos
from setpoint.declarations.readers.document_path import DocumentPath
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.model import globs, labels
from setpoint.model.alerting_config import Alerting
from setpoint.model.declaration import Scope
from setpoint.model.policy import Match, Policy
from setpoint.model.project_names import hint, is_project

_GLOBS = str.maketrans("*?", "aa")
"""Globs of ids, as ids."""
_GROUP = re.compile(r"S[A-Z0-9]{6,}\Z")
"""The id of a user group (https://api.slack.com/types/usergroup)."""
_USER = re.compile(r"[UW][A-Z0-9]{6,}\Z")
"""The id of a user (https://api.slack.com/types/user)."""

_LISTS = (
    "asset_types",
    "contents",
    "projects",
    "ancestors",
    "teams",
    "kinds",
    "severities",
    "paths",
    "actors",
)


def problems(setting: Policy | Alerting | Scope, document: Document) -> list[Problem]:
    """What is wrong with a document that has the right form; warnings among it have a category of their own.

    Args:
        setting: the policy or alerting rules.
        document: its document.
    """
    if isinstance(setting, Scope):
        faults = _of_scope(setting)
    else:
        faults = _of_policy(setting) if isinstance(setting, Policy) else _of_alerting(setting)
    return [document.problem(place, message, category=category) for place, message, category in faults]


def _of_policy(policy: Policy) -> Iterator[tuple[DocumentPath, str, str]]:
    for index, rule in enumerate(policy.rules):
        place: DocumentPath = ("spec", "rules", index)
        yield from _misspelt_types(rule.match, place)
        yield from _unknown_paths(rule.match, (*place, "match", "paths"))
        first = next((earlier for earlier in policy.rules[:index] if _covers(earlier.match, rule.match)), None)
        if first is not None:
            yield (
                (*place, "name"),
                f"rule {rule.name} is never reached: {first.name} matches all that it matches; move it up",
                "never-reached",
            )

    for index, account in enumerate(policy.appliers):
        if "@" not in account and "*" not in account and "://" not in account:
            message = f"{account} is not an account; use the form {account}@PROJECT.iam.gserviceaccount.com, or ci-*@*"
            yield ("spec", "appliers", index), message, "invalid"
    for index, compared in enumerate(policy.compare):
        place = ("spec", "compare", index)
        yield from _misspelt(compared.asset_types, (*place, "assetTypes"))
        for asset_type in compared.asset_types:
            if fault := compare_checks.fault(compared, asset_type):
                yield (*place, "path"), fault, "invalid"
                break


def _unknown_paths(match: Match, place: DocumentPath) -> Iterator[tuple[DocumentPath, str, str]]:
    """Paths that no type of the rule has, as far as the catalogue knows all of these types."""
    for index, path in enumerate(match.paths):
        faults = [compare_checks.path_fault(path, asset_type) for asset_type in match.asset_types]
        if faults and all(faults):
            yield (*place, index), faults[0], "invalid"


def _of_scope(scope: Scope) -> Iterator[tuple[DocumentPath, str, str]]:
    for index, project in enumerate(scope.projects):
        if not is_project(project.translate(_GLOBS)):
            message = f"{project} is neither an id nor a number of a project; {hint(project)}"
            yield ("spec", "projects", index), message, "invalid"


def _of_alerting(alerting: Alerting) -> Iterator[tuple[DocumentPath, str, str]]:
    if not (alerting.default or alerting.routes):
        message = "has neither a default nor routes, so that no alert is sent; add `default: [slack:CHANNEL_ID]`"
        yield ("spec",), message, "no-routes"
    for index, route in enumerate(alerting.routes):
        yield from _misspelt_types(route.match, ("spec", "routes", index))
    for index, escalation in enumerate(alerting.escalations):
        yield from _misspelt_types(escalation.match, ("spec", "escalations", index))
    for index, approvers in enumerate(alerting.approvers):
        place: DocumentPath = ("spec", "approvers", index)
        yield from _misspelt_types(approvers.match, place)
        for step, group in enumerate(approvers.groups):
            if not _GROUP.match(group):
                yield (
                    (*place, "groups", step),
                    f"`{group}` is not an id of a user group; use the form S0123ABCD",
                    "invalid",
                )
        for step, user in enumerate(approvers.users):
            if "@" not in user.lstrip("@") and "*" not in user and not _USER.match(user):
                message = f"`{user}` is not an id of a user; use the form U0123ABCD, or an e-mail address"
                yield (*place, "users", step), message, "invalid"


def _misspelt_types(match: Match, place: DocumentPath) -> Iterator[tuple[DocumentPath, str, str]]:
    yield from _misspelt(match.asset_types, (*place, "match", "assetTypes"))


def _misspelt(asset_types: Iterable[str], place: DocumentPath) -> Iterator[tuple[DocumentPath, str, str]]:
    for index, asset_type in enumerate(asset_types):
        if "*" in asset_type:
            continue
        if meant := typos.closest_asset_type(asset_type):
            message = f"{asset_type} is not an asset type; did you mean {meant}?"
            yield (*place, index), message, "invalid"


def _covers(first: Match, second: Match) -> bool:
    """Whether the first match includes all drifts of the second, as far as their patterns show."""
    return labels.fit(first.labels, second.labels) and all(
        _includes(getattr(first, name), getattr(second, name)) for name in _LISTS
    )


def _includes(patterns: Iterable[str], names: Iterable[str]) -> bool:
    """Whether each name matches a pattern; no patterns match everything, and no names mean all."""
    patterns, names = tuple(patterns), tuple(names)
    return not patterns or (bool(names) and all(globs.matches(patterns, name) for name in names))
