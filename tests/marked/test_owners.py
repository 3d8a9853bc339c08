"""A token in place of a team, a channel or an address is hidden where it is read, in every format of declarations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from marked.second_corpus import TOKENS
from setpoint.cli import app
from setpoint.declarations.readers import load
from setpoint.model.declaration import Owner

MARK = "wint3rRain0001"
BUCKET = {"assetType": "storage.googleapis.com/Bucket", "data": {"location": "EU"}}


def native(owner: dict[str, str]) -> str:
    meta = {"name": "//storage.googleapis.com/b", "project": "shop-prod", "owner": owner}
    return yaml.safe_dump({"apiVersion": "setpoint.dev/v1", "kind": "Declaration", "metadata": meta, "spec": BUCKET})


def scope(owner: dict[str, str]) -> str:
    spec = {"projects": ["shop-prod"], "assetTypes": ["*"]}
    meta = {"name": "all", "owner": owner}
    return yaml.safe_dump({"apiVersion": "setpoint.dev/v1", "kind": "Scope", "metadata": meta, "spec": spec})


def connector(owner: dict[str, str]) -> str:
    notes = {f"setpoint.dev/{name}": text for name, text in owner.items()}
    meta = {"name": "b", "annotations": notes | {"cnrm.cloud.google.com/project-id": "shop-prod"}}
    api = "storage.cnrm.cloud.google.com/v1beta1"
    return yaml.safe_dump({"apiVersion": api, "kind": "StorageBucket", "metadata": meta, "spec": {"location": "EU"}})


def terraform(owner: dict[str, str]) -> str:
    values = {"name": "b", "project": "shop-prod", "location": "EU", "labels": {"setpoint-owner": owner["team"]}}
    block = {"address": "google_storage_bucket.b", "mode": "managed", "type": "google_storage_bucket", "name": "b"}
    resources = [block | {"provider_name": "registry.terraform.io/hashicorp/google", "values": values}]
    return json.dumps({"format_version": "1.2", "planned_values": {"root_module": {"resources": resources}}})


FORMATS = {
    "native": (native, "yaml"),
    "scope": (scope, "yaml"),
    "krm": (connector, "yaml"),
    "plan": (terraform, "json"),
}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("fields", [("team",), ("team", "slack", "email")], ids=" ".join)
def test_a_token_is_no_owner(tmp_path: Path, format_: str, fields: tuple[str, ...]) -> None:
    write, suffix = FORMATS[format_]
    read = 0
    for shape in TOKENS:
        token = shape(MARK)
        (tmp_path / f"fleet.{suffix}").write_text(write(dict.fromkeys(fields, token)))
        loaded = load.load([str(tmp_path)], root=str(tmp_path))
        owners = [part.owner for wanted in loaded.desired for part in wanted.declarations]
        owners += [part.owner for part in loaded.scopes]
        read += len(owners)
        assert MARK not in str(owners)
    assert read == len(TOKENS) or "slack" in fields  # what is no channel is refused


@pytest.mark.parametrize("output", ["text", "json", "sarif", "junit", "github", "markdown"])
def test_no_report_of_a_token_that_is_no_owner_quotes_it(tmp_path: Path, output: str) -> None:
    for shape in TOKENS:
        token = shape(MARK)
        (tmp_path / "fleet.yaml").write_text(native({"team": token, "slack": token, "email": token}))
        ran = CliRunner().invoke(app, ["validate", str(tmp_path), "--output", output])
        shown = f"{ran.output}{ran.stderr}{ran.exception or ''}"
        assert "email" in shown
        assert MARK not in shown


def test_a_name_is_an_owner(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(native({"team": "payments", "slack": "#payments-alerts", "email": "p@x.io"}))
    (wanted,) = load.load([str(tmp_path)], root=str(tmp_path)).desired
    assert wanted.declarations[0].owner == Owner("payments", "#payments-alerts", "p@x.io")
