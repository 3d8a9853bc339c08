"""Files that people give by mistake are named as what they are, with the next step."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from setpoint.cli import app

ASSET = '{"name": "//storage.googleapis.com/b", "assetType": "storage.googleapis.com/Bucket", "resource": {"data": {}}}'


@pytest.mark.parametrize("text", [f"[{ASSET}]", ASSET, f"{ASSET}\n{ASSET}\n", f'{{"asset": {ASSET}}}'])
def test_an_export_of_the_inventory_given_as_declarations_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "live.json"
    file.write_text(text)
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert result.exit_code == 1
    assert "assets of the inventory; give the file to `setpoint sweep --from`" in str(result.exception)
    assert "configuration of Terraform" not in result.output


def test_a_folder_of_terraform_code_alone_asks_for_a_state(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "google_storage_bucket" "b" {}')
    result = CliRunner().invoke(app, ["validate", str(tmp_path)])
    assert result.exit_code == 1
    assert "`terraform state pull > terraform.tfstate`" in str(result.exception)


def test_a_tab_in_yaml_says_to_indent_with_spaces(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("kind: Declaration\nmetadata:\n\tname: x\n")
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert "a.yaml:3: not YAML: " in result.output
    assert "such as a tab" in result.output
    assert "indent with spaces" in result.output


def test_a_file_that_holds_no_assets_says_what_to_give(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("name,type\na,b\n")
    declared = tmp_path / "d.yaml"
    declared.write_text(
        "{apiVersion: setpoint.dev/v1, kind: Declaration, metadata: {name: //storage.googleapis.com/b, project: p},"
        " spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}}"
    )
    result = CliRunner().invoke(app, ["sweep", "-d", str(declared), "--from", str(file), "--store", "memory:"])
    assert result.exit_code == 1
    assert "gcloud asset list" in str(result.exception)
