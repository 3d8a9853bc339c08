"""What people type wrong: each is refused at once, with its value and what was meant, in people's words."""

from __future__ import annotations

import pytest

import forked

WRONG = [
    ("a command", "detct", "detct", "did you mean 'detect'"),
    ("an option", "detect --fed x", "--fed", "--feed"),
    ("a status", "findings list --status opn", "opn", "did you mean open?"),
    ("an order", "findings list --sort sevrity", "sevrity", "did you mean severity?"),
    ("a format", "validate fleet.yaml --output jason", "jason", "did you mean json?"),
    ("a severity", "findings list --severity hihg", "hihg", "critical"),
    ("an age", "findings list --older-than 1x", "1x", "2h or 7d"),
    ("a store", "findings list --store sqlit:///x", "sqlit:///x", "sqlite:///path"),
    ("a scope", "sweep --scope project/p", "project/p", "did you mean projects/p?"),
    ("a type", "findings list --type storage.googleapis.com/Buckt", "Buckt", "storage.googleapis.com/Bucket?"),
    ("a type to compare", "diff fleet.yaml fleet.yaml --asset-type storage.googleapis.com/Buckt", "Buckt", "Bucket?"),
    ("a part", "apply fleet.yaml --max-removals all", "all", "10%"),
    ("a commit", "apply fleet.yaml --commit latest", "latest", "git rev-parse"),
    ("a repository", "apply fleet.yaml --repo shop", "shop", "https://"),
    ("a subscription", "detect --subscription changes", "changes", "projects/ID/subscriptions/NAME"),
    ("a time", "report --since yesterday", "yesterday", "7d"),
    ("a place", "pause project/p --because x", "project/p", "projects/"),
    ("a shell", "completion bsh", "bsh", "did you mean bash?"),
    ("a path", "validate nowhere/", "nowhere/", "no such"),
    ("files to leave out", "validate . --exclude flet.yml", "flet.yml", "matches no file"),
    ("a kind", "findings list --kind modifed", "modifed", "did you mean modified?"),
    ("an origin", "findings list --origin by_hnd", "by_hnd", "did you mean by_hand?"),
    ("a number below the least", "findings list --limit -1", "-1", "the minimum is 0"),
    ("a word for a number", "findings list --limit many", "many", "is not an integer"),
    ("a content", "sweep --from fleet.yaml --content iam", "iam is", "did you mean iam_policy?"),
    ("a format of code", "export --format kmr --scope projects/p", "kmr", "did you mean krm?"),
    ("a project of manifests", "validate fleet.yaml --project Shop_Prod", "Shop_Prod", "did you mean shop-prod?"),
    ("a project of an installation", "doctor --project projects/ops", "projects/ops", "did you mean ops?"),
    ("a region", "doctor --project ops --region europe-wst1", "europe-wst1", "did you mean europe-west1?"),
    ("a parent", "doctor --project ops --watch organization/1", "organization/1", "did you mean organizations/1?"),
    ("an option of an installation", "doctor --project ops --enable report", "report", "reports"),
    ("a topic", "detect --feed fleet.yaml --events-topic drift", "drift", "projects/ID/topics/drift"),
    ("more than a year", "baseline --for 400d --because x --yes", "400d", "more than a year"),
    ("a date", "baseline --until 2026-13-40 --because x --yes", "2026-13-40", "2026-12-31"),
    ("a date that is over", "baseline --until 2020-01-01 --because x --yes", "2020-01-01", "is in the past"),
    ("a kind of asset", "types Buckt", "Buckt", "did you mean storage.googleapis.com/Bucket?"),
    ("files that are not there", "coverage nowhere.yaml", "nowhere.yaml", "cannot be read"),
    ("events that are not there", "notify --preview --events no.jsonl", "no.jsonl", "No such file"),
    ("a policy that is not there", "diff --policy no.yaml fleet.yaml fleet.yaml", "no.yaml", "No such file"),
    ("a severity to fail on", "sweep --from fleet.yaml --fail-on hgh", "hgh", "high"),
    ("a pause that is none", "resume projects/typo", "projects/typo", "is not paused"),
    ("a finding", "findings show 12ab --store memory:", "12ab", "setpoint findings list"),
]
FLEET = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/orders, project: shop-prod}
spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}
"""
VALIDATORS = ("Value error", "Input should", "pydantic", "Traceback", "<class")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    forked.command_line("apply", "fleet.yaml", "--store", "sqlite:///setpoint.db", cwd=tmp_path)
    return tmp_path


@pytest.mark.parametrize(("words", "value", "meant"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_word_is_refused_with_its_value_and_what_was_meant(words, value, meant, folder):
    done = forked.command_line(*words.split(), cwd=folder)
    assert done.returncode == (0 if "--exclude" in words else 1)  # to leave out nothing may be right
    assert value in done.stderr
    assert meant.lower() in " ".join(done.stderr.split()).lower()
    assert not any(word in done.stderr for word in VALIDATORS)
