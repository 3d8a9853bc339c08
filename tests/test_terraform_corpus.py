"""Terraform's own verdicts on recorded changes, where they are: SETPOINT_CORPUS, or the folder beside a checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from test_corpus import CORPUS

PLANS = CORPUS / "terraform_plans"
ALLOWED = {"same": 0.01, "none": 0.01, "put_back": 0.02, "recorded": 0.0}
"""The part of the cases of each verdict of Terraform that may be judged otherwise."""

pytestmark = pytest.mark.skipif(
    not (PLANS / "cases.jsonl").is_file(), reason="SKIPPED: the recorded plans are not here; set SETPOINT_CORPUS"
)


def test_setpoint_agrees_with_what_terraform_plans(capsys: pytest.CaptureFixture[str]) -> None:
    lines = (PLANS / "cases.jsonl").read_text().splitlines()
    questions, labels = [], {}
    for line in lines:
        case = json.loads(line)
        state = json.loads((PLANS / "states" / case["state"]).read_text())
        asked = {name: case[name] for name in ("asset_type", "full_name", "project", "live")}
        questions.append({"id": case["id"], "format": "terraform", "declared": state, **asked})
        labels[case["id"]] = case["label"]
    command = [sys.executable, "-m", "setpoint", "diff", "--jsonl", "-"]
    asked_all = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(command, input=asked_all, capture_output=True, text=True, check=True, timeout=300)

    cases, wrong = Counter[str](), Counter[str]()
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        label = labels[answer["id"]]
        drifts = any(difference.get("kind") != "undeclared_change" for difference in answer["differences"])
        cases[label] += 1
        wrong[label] += drifts != (label == "put_back")
    with capsys.disabled():
        for label, count in cases.items():
            print(f"\n{label:10} {count:4} cases, {wrong[label]:3} judged otherwise", end="")  # noqa: T201 - the table
    assert set(cases) == set(ALLOWED)
    assert all(wrong[label] <= ALLOWED[label] * count for label, count in cases.items()), wrong
