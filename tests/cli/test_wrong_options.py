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
    assert done.returncode == 1
    assert value in done.stderr
    assert meant.lower() in " ".join(done.stderr.split()).lower()
    assert not any(word in done.stderr for word in VALIDATORS)
