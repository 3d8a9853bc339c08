from __future__ import annotations

from pathlib import Path

import pytest

from setpoint.declarations.readers.load import LoadResult, load
from setpoint.model.maintenance_windows import Window
from setpoint.model.policy import Limits, Match, Rule

POLICY = """\
apiVersion: setpoint.dev/v1
kind: Policy
metadata: {name: fleet}
spec:
  dryRun: false
  limits: {perProject: 3, within: 30m, rollout: 0s}
  rules:
    - name: public-grants
      match: {contents: [iam_policy], severities: [critical], actors: ["*@example.com"]}
      severity: critical
      mode: auto
    - name: labels-at-night
      match:
        assetTypes: ["compute.googleapis.com/*"]
        paths: ["labels.*"]
        labels: {env: prod}
        ancestors: [folders/12]
      mode: approve
      executor: handoff
      settle: 5m
      windows: [{cron: "0 22 * * MON-FRI", duration: 8h, timeZone: Europe/Berlin}]
  appliers: ["deploy@*"]
  applierGrace: 5m
"""


def loaded(folder: Path, *texts: str) -> LoadResult:
    for index, text in enumerate(texts):
        (folder / f"{index}.yaml").write_text(text)
    return load([str(folder)])


def test_a_policy_says_all_that_it_says(tmp_path):
    result = loaded(tmp_path, POLICY)

    assert result.problems == []
    policy = result.policy
    assert policy is not None
    assert (policy.name, policy.dry_run) == ("fleet", False)
    assert (policy.appliers, policy.applier_grace) == (("deploy@*",), 300.0)
    assert policy.limits == Limits(per_project=3, within=1800.0, rollout=0.0)
    assert policy.rules == (
        Rule(
            "public-grants",
            Match(contents=("iam_policy",), severities=("critical",), actors=("*@example.com",)),
            severity="critical",
            mode="auto",
        ),
        Rule(
            "labels-at-night",
            Match(
                ("compute.googleapis.com/*",), ancestors=("folders/12",), labels={"env": "prod"}, paths=("labels.*",)
            ),
            mode="approve",
            executor="handoff",
            settle=300.0,
            windows=(Window("0 22 * * MON-FRI", 28_800.0, "Europe/Berlin"),),
        ),
    )


def test_a_policy_that_says_little_is_careful(tmp_path):
    policy = loaded(tmp_path, POLICY.partition("spec:")[0] + "spec: {}\n").policy

    assert policy is not None
    assert (policy.dry_run, policy.rules) == (True, ())


@pytest.mark.parametrize(
    ("change", "line", "field", "message"),
    [
        (("0 22 * * MON-FRI", "0 25 * * *"), 21, "cron", "not a cron expression of five fields"),
        (("Europe/Berlin", "Berlin"), 21, "timeZone", "no such time zone; use the form Europe/Berlin"),
        (("labels-at-night", "public-grants"), 7, "spec.rules", "two rules are named public-grants"),
        (("mode: auto", "mode: automatic"), 11, "mode", "'off', 'alert', 'approve' or 'auto'"),
        (("labels.*", "labels["), 15, "paths", "is not a field path"),
        (("perProject: 3", "perProjct: 3"), 6, "perProjct", "no such field; did you mean perProject?"),
        (("folders/12", "folder/12"), 17, "ancestors", "use the form folders/123"),
        (("30m", "soon"), 6, "within", "not a duration"),
    ],
)
def test_a_bad_policy_is_reported_with_line_and_field_and_not_in_force(tmp_path, change, line, field, message):
    bad = POLICY.replace(*change)
    assert bad != POLICY

    result = loaded(tmp_path, bad)

    assert result.policy is None
    (problem,) = result.problems
    assert (problem.line, message in problem.message) == (line, True), problem
    assert field in problem.field


def test_there_is_one_policy_and_the_first_counts(tmp_path):
    result = loaded(tmp_path, POLICY, POLICY.replace("fleet", "other"))

    assert result.policy is not None
    assert result.policy.name == "fleet"
    (problem,) = result.problems
    assert "the policy is declared already" in problem.message
