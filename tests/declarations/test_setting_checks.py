"""What a policy or an alerting document says that can never hold is reported where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from setpoint.declarations.readers import load

POLICY = """
apiVersion: setpoint.dev/v1
kind: Policy
metadata: {name: fleet}
spec:
  rules:
    - {name: first, match: %s, mode: alert}
    - {name: second, match: %s, mode: auto}
"""
ALERTING = """
apiVersion: setpoint.dev/v1
kind: Alerting
metadata: {name: fleet}
spec:
  approvers:
    - %s
"""


def loaded(tmp_path: Path, text: str) -> load.LoadResult:
    (tmp_path / "settings.yaml").write_text(text)
    return load.load([str(tmp_path / "settings.yaml")])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{}", "{severities: [critical]}"),
        ("{assetTypes: ['compute.googleapis.com/*']}", "{assetTypes: [compute.googleapis.com/Firewall], teams: [web]}"),
        ("{labels: {env: '*'}}", "{labels: {env: prod}}"),
    ],
)
def test_a_rule_behind_one_that_matches_all_of_it_is_warned_of(tmp_path, first, second):
    result = loaded(tmp_path, POLICY % (first, second))
    assert result.problems == []
    (warning,) = result.warnings
    assert (warning.line, warning.category) == (8, "never-reached")
    assert "rule second is never reached: first matches all that it matches" in warning.message


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{severities: [critical]}", "{}"),
        ("{severities: [critical], teams: [web]}", "{severities: [critical]}"),
        ("{assetTypes: [compute.googleapis.com/Firewall]}", "{assetTypes: ['compute.googleapis.com/*']}"),
        ("{labels: {env: prod}}", "{labels: {env: test}}"),
        ("{labels: {env: '*'}}", "{teams: [web]}"),
    ],
)
def test_a_rule_that_can_still_match_is_not_warned_of(tmp_path, first, second):
    result = loaded(tmp_path, POLICY % (first, second))
    assert (result.problems, result.warnings) == ([], [])


def test_a_misspelt_type_of_a_rule_is_an_error_with_the_one_that_was_meant(tmp_path):
    result = loaded(tmp_path, POLICY % ("{assetTypes: [compute.googleapis.com/Firewal]}", "{}"))
    (problem,) = result.problems
    assert problem.field == "spec.rules[0].match.assetTypes[0]"
    assert "did you mean compute.googleapis.com/Firewall?" in problem.message


@pytest.mark.parametrize(
    ("approvers", "named"),
    [
        ("{groups: ['@shop-oncall']}", "`@shop-oncall` is not an id of a user group; use the form S0123ABCD"),
        ("{users: [ann]}", "`ann` is not an id of a user; use the form U0123ABCD, or an e-mail address"),
        ("{users: ['@ann']}", "`@ann` is not an id of a user"),
    ],
)
def test_an_approver_that_slack_does_not_know_is_an_error(tmp_path, approvers, named):
    (problem,) = loaded(tmp_path, ALERTING % approvers).problems
    assert (problem.line, named in problem.message) == (7, True)


@pytest.mark.parametrize(
    "approvers", ["{groups: [S0123ABCD]}", "{users: [U0123ABCD, ann@example.com, '*@example.com', W012A3CDE]}"]
)
def test_ids_addresses_and_patterns_of_approvers_are_taken(tmp_path, approvers):
    assert loaded(tmp_path, ALERTING % approvers).problems == []


COMPARE = """\
apiVersion: setpoint.dev/v1
kind: Policy
metadata: {{name: p}}
spec:
  compare:
    - {{how: {how}, path: "{path}", assetTypes: [compute.googleapis.com/{kind}]}}
"""


@pytest.mark.parametrize(
    ("how", "path", "kind", "advice"),
    [
        ("set", "descripton", "Firewall", "did you mean description?"),
        ("set", "description", "Firewall", "has a scalar there, which cannot be compared as set"),
        ("literal", "description[*]", "Firewall", "[*] stands behind what is not a list"),
        ("literal", "allowed[*].port", "Firewall", "did you mean ports?"),
        ("literal", "description", "Firewal", "did you mean compute.googleapis.com/Firewall?"),
        ("sets", "sourceRanges", "Firewall", "set"),
    ],
)
def test_a_rule_about_comparing_that_cannot_hold_is_refused(tmp_path, how, path, kind, advice):
    (tmp_path / "policy.yaml").write_text(COMPARE.format(how=how, path=path, kind=kind))
    (problem,) = load.load([str(tmp_path)]).problems
    assert advice in str(problem)


@pytest.mark.parametrize(
    ("how", "path", "kind"),
    [
        ("set", "sourceRanges", "Firewall"),
        ("literal", "labels.x", "Instance"),
        ("list", "allowed[*].ports", "Firewall"),
        ("literal", "*", "*"),
    ],
)
def test_a_rule_about_comparing_that_can_hold_is_taken(tmp_path, how, path, kind):
    (tmp_path / "policy.yaml").write_text(COMPARE.format(how=how, path=path, kind=kind))
    loaded = load.load([str(tmp_path)])
    assert not loaded.problems
    assert loaded.policy.compare[0].how == how
