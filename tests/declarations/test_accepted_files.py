"""Edits of generated files in every style that authors use: valid, nothing else changed, and no difference left."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.accept_drift import accepted
from setpoint.declarations.readers import documents
from setpoint.declarations.readers.load import load_documents
from setpoint.declarations.repository_edits import Checkout, edit
from setpoint.detection import verdict
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from sizes import size

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUCKET = "//storage.googleapis.com/exports"
DRIFTS: dict[str, tuple[Any, Any]] = {
    "location": ("EU", "US"),
    "team": ("shop", "no"),
    "cost": ("a1", "12"),
    "enabled": (True, False),
    "age": (30, 90),
    "prefixes": (["a", "b"], ["b", "c: d"]),
}


def declared(text: str) -> dict[str, Declaration]:
    loaded = load_documents(documents.parse(text, "fleet/bucket.yaml"), project="shop-prod")
    assert loaded.problems == []
    return {each.key.name: each for several in loaded.desired for each in several.declarations}


def observation(declaration: Declaration, live: Any) -> Observation:
    return Observation(declaration.key, declaration.asset_type, NOON, data=live, project_id="shop-prod")


def quoted(chance: random.Random, value: Any) -> str:
    if not isinstance(value, str):
        return str(value).lower()
    return chance.choice((value, f'"{value}"', f"'{value}'"))


def body(chance: random.Random, pad: str, names: dict[str, str]) -> tuple[list[str], bool]:
    """The lines of a bucket, and whether an anchor keeps its labels from being edited."""
    step = " " * chance.choice((1, 2, 4))
    comment = chance.choice(("", " # why", "   #why: {a: b}"))
    is_anchored = chance.random() < 0.15
    anchor = " &labels" if is_anchored else ""
    values = {name: quoted(chance, value) for name, (value, _) in DRIFTS.items() if name != "prefixes"}
    if not is_anchored and chance.random() < 0.3:
        labels = [f"{pad}labels: {{team: {values['team']}, cost: {values['cost']}}}{comment}"]
    else:
        labels = [f"{pad}labels:{anchor}", f"{pad}{step}team: {values['team']}{comment}"]
        labels += [f"{pad}{step}# what it costs", f"{pad}{step}cost: {values['cost']}"]
    prefixes = chance.choice(([" [a, b]"], ['["a", b]'], ["", f"{pad}{step * 3}- a", f'{pad}{step * 3}- "b" # old']))
    rule = [
        f"{pad}{names['lifecycle']}:",
        *([f"{pad}{step}rule:"] if names["nested"] else []),
        f"{pad}{step}- action: {{type: Delete}}",
        f"{pad}{step}  condition:",
        f"{pad}{step * 3}  age: {values['age']}{comment}",
        f"{pad}{step * 3}  matchesPrefix:{' ' if prefixes[0].startswith('[') else ''}{prefixes[0]}",
        *(line.replace(pad + step * 3, f"{pad}{step * 3}  ") for line in prefixes[1:]),
    ]
    parts = [
        [f"{pad}location: {values['location']}{comment}"],
        labels,
        chance.choice(([f"{pad}versioning:", f"{pad}{step}enabled: true"], [f"{pad}versioning: {{ enabled: true }}"])),
        rule,
    ]
    chance.shuffle(parts)
    return [line for part in parts for line in part], is_anchored


def native(chance: random.Random) -> tuple[str, bool]:
    lines, is_anchored = body(chance, "    ", {"lifecycle": "lifecycle", "nested": "yes"})
    head = ["apiVersion: setpoint.dev/v1", "kind: Declaration", f"metadata: {{name: {BUCKET}, project: shop-prod}}"]
    uses = ["    defaultEventBasedHold: false"] if is_anchored else []
    return "\n".join(
        [*head, "spec:", "  assetType: storage.googleapis.com/Bucket", "  data:", *lines, *uses]
    ), is_anchored


def config_connector(chance: random.Random) -> tuple[str, bool]:
    lines, is_anchored = body(chance, "  ", {"lifecycle": "lifecycleRule", "nested": ""})
    labels = next(index for index, line in enumerate(lines) if line.startswith("  labels"))
    end = labels + 1
    while end < len(lines) and lines[end].startswith("   "):
        end += 1
    metadata = ["metadata:", "  name: exports", *lines[labels:end]]
    head = ["apiVersion: storage.cnrm.cloud.google.com/v1beta1", "kind: StorageBucket", *metadata]
    return "\n".join([*head, "spec:", *lines[:labels], *lines[end:]]), is_anchored


OTHER = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/other}
spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU, labels: {team: shop}}}
"""
OTHERS = (
    "# nothing\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: |\n    location: EU\n    --- no document\n",
    OTHER,
)


def made(chance: random.Random) -> tuple[str, bool]:
    """A file with the bucket's document among others."""
    text, is_anchored = chance.choice((native, config_connector))(chance)
    others = [chance.choice(OTHERS) for _ in range(chance.randrange(3))]
    others = list(dict.fromkeys(others))
    others.insert(chance.randrange(len(others) + 1), f"{text}\n")
    whole = chance.choice(("", "# head\n", "---\n")) + chance.choice(("---\n", "--- # next\n")).join(others)
    if chance.random() < 0.2:
        whole = whole.rstrip("\n")
    return (whole.replace("\n", "\r\n") if chance.random() < 0.3 else whole), is_anchored


def live(chance: random.Random) -> tuple[dict[str, Any], int]:
    """What is observed, and how many fields differ."""
    drifted = {name for name in DRIFTS if chance.random() < 0.5}
    value = {name: both[name in drifted] for name, both in DRIFTS.items()}
    return {
        "location": value["location"],
        "labels": {"team": value["team"], "cost": value["cost"]},
        "versioning": {"enabled": value["enabled"]},
        "lifecycle": {
            "rule": [
                {"action": {"type": "Delete"}, "condition": {"age": value["age"], "matchesPrefix": value["prefixes"]}}
            ]
        },
    }, len(drifted)


def is_bucket(document: Any) -> bool:
    return isinstance(document, dict) and document["metadata"]["name"] in (BUCKET, "exports")


@pytest.mark.thorough
def test_every_edit_of_a_generated_file_declares_what_was_observed_and_changes_nothing_else():
    edited = 0
    for seed in range(size(80, 1000)):
        chance = random.Random(seed)  # noqa: S311 - no secret
        text, is_anchored = made(chance)
        now, count = live(chance)
        before = declared(text)[BUCKET]
        seen = observation(before, now)
        proposal = accepted(text, before, seen, default_catalogue())

        after = declared(proposal.text)
        left = verdict.differences(after[BUCKET], observation(after[BUCKET], now), default_catalogue())
        assert len(left) == len(proposal.by_hand), (seed, proposal)
        assert is_anchored or not proposal.by_hand, (seed, proposal)
        others = [
            [each for each in yaml.safe_load_all(side.replace("\r\n", "\n")) if not is_bucket(each)]
            for side in (text, proposal.text)
        ]
        assert others[0] == others[1], seed
        assert text.count("#") - proposal.text.count("#") <= count, seed
        assert ("\r\n" in text) == ("\r\n" in proposal.text), seed
        assert len(set(proposal.text.splitlines()) - set(text.splitlines())) <= 3 * count, seed
        edited += proposal.text != text
    assert edited > size(40, 100)


def test_a_file_that_says_something_else_than_what_was_applied_is_not_edited():
    text, _ = native(random.Random(3))  # noqa: S311 - no secret
    before = declared(text)[BUCKET]
    newer = text.replace("EU", "ASIA")
    seen = observation(before, {**live(random.Random(3))[0], "location": "US"})  # noqa: S311 - no secret

    proposal = accepted(newer, before, seen, default_catalogue())

    assert proposal.text == newer
    assert any("location" in line for line in proposal.by_hand)


def checkout(files: dict[str, str], **settings: Any) -> Checkout:
    return Checkout(files, files.get, **settings)


def test_what_kustomize_builds_and_what_is_not_there_are_left_to_a_person():
    text, _ = native(random.Random(3))  # noqa: S311 - no secret
    before = declared(text)[BUCKET]
    seen = observation(before, {"location": "US"})
    for files in (
        {"fleet/bucket.yaml": text, "fleet/kustomization.yaml": ""},
        {"fleet/bucket.yaml": text, "kustomization.yml": ""},
        {"other.yaml": text},
    ):
        tree = checkout(files)
        assert edit([before], seen, tree, default_catalogue()) != ()
        assert tree.changed == {}


def test_nothing_is_edited_where_not_all_files_are_known():
    text, _ = native(random.Random(3))  # noqa: S311 - no secret
    before = declared(text)[BUCKET]
    tree = Checkout(None, {"fleet/bucket.yaml": text}.get)
    now = {**live(random.Random(3))[0], "location": "US"}  # noqa: S311 - no secret
    steps = edit([before], observation(before, now), tree, default_catalogue())

    assert any("location" in step for step in steps)
    assert all(step.endswith("(the repository has too many files to be listed whole)") for step in steps)
    assert tree.changed == {}


def test_files_below_a_directory_are_found():
    text, _ = native(random.Random(3))  # noqa: S311 - no secret
    before = declared(text)[BUCKET]
    tree = checkout({"infra/fleet/bucket.yaml": text}, directory="infra/")
    now = {**live(random.Random(3))[0], "location": "US"}  # noqa: S311 - no secret
    edit([before], observation(before, now), tree, default_catalogue())

    assert list(tree.changed) == ["infra/fleet/bucket.yaml"]
