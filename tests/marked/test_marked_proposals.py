"""Marked secrets are in no proposed change of a declaration, and in nothing that is listed beside it."""

from __future__ import annotations

from datetime import UTC, datetime

import yaml
from typer.testing import CliRunner

from marked.corpus import corpus
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import app
from setpoint.declarations.accept_drift import accepted
from setpoint.declarations.readers import load
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing import messages

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def document(marked):
    return {
        "apiVersion": "setpoint.dev/v1",
        "kind": "Declaration",
        "metadata": {"name": marked.name, "project": "shop-prod"},
        "spec": {"assetType": marked.asset_type, "data": marked.declared},
    }


def test_no_marked_secret_is_proposed(tmp_path):
    leaked, proposed = [], 0
    file = tmp_path / "fleet.yaml"
    for marked in corpus():
        text = yaml.safe_dump(document(marked))
        file.write_text(text)
        for desired in load.load([str(tmp_path)], root=str(tmp_path)).desired:
            (declaration,) = desired.declarations
            observation = Observation(ResourceKey(marked.name), marked.asset_type, NOON, data=marked.live)
            result = accepted(text, declaration, observation, default_catalogue())
            proposed += 1
            if marked.mark in f"{result.text}\n{result.by_hand}":
                leaked.append(marked)
    assert leaked == []
    assert proposed >= 400


def test_the_command_prints_no_marked_secret(tmp_path):
    fleet, store = tmp_path / "fleet", f"sqlite:///{tmp_path / 'setpoint.db'}"
    fleet.mkdir()
    chosen = list({marked.place: marked for marked in corpus()}.values())
    (fleet / "fleet.yaml").write_text(yaml.safe_dump_all(map(document, chosen)))
    feed = tmp_path / "feed.jsonl"
    lines = [messages.resource(marked.name, marked.asset_type, marked.live, NOON) for marked in chosen]
    feed.write_bytes(b"\n".join(lines))
    detected = CliRunner().invoke(app, ["detect", "--declarations", str(fleet), "--feed", str(feed), "--store", store])
    shown = [detected.output]
    listed = CliRunner().invoke(app, ["findings", "list", "--store", store, "--limit", "0"])
    shown.append(listed.output)
    commands = (("propose", "--root", str(tmp_path)), ("findings", "show"))
    shown += [
        CliRunner().invoke(app, [*command, marked.name, "--store", store]).output
        for marked in chosen
        for command in commands
    ]
    assert "hidden" in listed.output
    assert [marked for marked in chosen if any(marked.mark in text for text in shown)] == []
