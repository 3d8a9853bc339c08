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
    assert "assets of the inventory; pass the file to `setpoint sweep --from`" in str(result.exception)
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


NATIVE = (
    "{apiVersion: setpoint.dev/v1, kind: Declaration, metadata: {name: //storage.googleapis.com/b, project: p},"
    " spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}}"
)
OTHER = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}"
DEFAULTS = "{apiVersion: setpoint.dev/v1, kind: Defaults, metadata: {name: x}, spec: {project: shop-prod}}"
POLICY_TEST = """
apiVersion: setpoint.dev/v1
kind: PolicyTest
metadata: {name: x}
spec:
  cases:
  - {name: a bucket, given: {assetType: storage.googleapis.com/Bucket}, expect: {mode: auto}}
"""
CUT_STATE = '{"version": 4, "serial": 1, "lineage": "x", "resources": [{"mode"'


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_where_nothing_is_declared_no_share_of_nothing_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["validate", written(tmp_path / "a.yaml", OTHER)])
    assert "0 declared; skipped: 1 document of another kind" in result.output
    assert "%" not in result.output


@pytest.mark.parametrize(("count", "words"), [(1, "1 document of another kind"), (2, "2 documents of other kinds")])
def test_what_is_skipped_is_counted_in_the_right_number(tmp_path: Path, count: int, words: str) -> None:
    file = written(tmp_path / "a.yaml", "\n---\n".join([NATIVE, *[OTHER] * count]))
    result = CliRunner().invoke(app, ["validate", file])
    assert f"1 declared, 100.0% of 1 value comparable; skipped: {words}\n" in result.output


@pytest.mark.parametrize("command", [["apply"], ["apply", "--prune"], ["plan"], ["apply", "--dry-run"]])
def test_a_path_that_is_missing_says_nothing_of_removals(tmp_path: Path, command: list[str]) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    file = written(tmp_path / "a.yaml", NATIVE)
    assert CliRunner().invoke(app, ["apply", file, "--store", store]).exit_code == 0
    result = CliRunner().invoke(app, [*command, str(tmp_path / "flet"), "--store", store])
    assert result.exit_code == 1
    assert "flet: cannot be read: No such file or directory" in result.output
    assert "nothing was read" in result.output
    assert "source default" not in result.output
    assert "bad documents" not in result.output


def test_what_an_unreadable_document_may_declare_is_not_said_to_go_with_prune(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    both = "\n---\n".join([NATIVE, NATIVE.replace("/b,", "/c,")])
    assert CliRunner().invoke(app, ["apply", written(tmp_path / "a.yaml", both), "--store", store]).exit_code == 0
    written(tmp_path / "a.yaml", NATIVE)
    written(tmp_path / "b.yaml", "a: [")
    for command in ("plan", "apply"):
        result = CliRunner().invoke(app, [command, str(tmp_path), "--store", store])
        assert "1 no longer declared and kept (an unreadable document may declare them)" in result.output
        assert "--prune" not in result.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (DEFAULTS, "holds 1 Defaults document"),
        (POLICY_TEST, "holds 1 test of a policy"),
        (f"{DEFAULTS}\n---{POLICY_TEST}", "holds 1 Defaults document and 1 test of a policy"),
    ],
)
def test_documents_that_say_how_others_are_read_are_named(tmp_path: Path, text: str, words: str) -> None:
    file = written(tmp_path / "a.yaml", text)
    result = CliRunner().invoke(app, ["validate", file])
    assert result.exit_code == 1
    message = str(result.exception)
    assert f"{file}: {words}" in message
    assert "give them with the documents that they are for" in message


def test_defaults_beside_other_problems_are_not_said_to_be_alone(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["validate", written(tmp_path / "a.yaml", f"{DEFAULTS}\n---\n{NATIVE}")])
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plan.json", '{"a": 1}'),
        ("plan.json", '{"format_version": "1.2", "planned_values": {"root_mod'),
        ("plan.out", "PK\x03\x04abc"),
        ("tfplan", "PK\x03\x04abc"),
    ],
)
def test_a_file_that_is_no_plan_says_how_to_write_it(tmp_path: Path, name: str, text: str) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    CliRunner().invoke(app, ["apply", written(tmp_path / "a.yaml", NATIVE), "--store", store])
    file = written(tmp_path / name, text)
    result = CliRunner().invoke(app, ["guard", file, "--store", store])
    assert result.exit_code == 1
    message = str(result.exception)
    assert "`terraform show -json PLAN > plan.json`" in message
    assert message.count(file) == 1


@pytest.mark.parametrize("command", [["guard"], ["apply"], ["plan"], ["validate"], ["coverage"]])
@pytest.mark.parametrize("twice", [False, True])
def test_a_state_that_is_cut_off_is_named_once(tmp_path: Path, command: list[str], twice: bool) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    CliRunner().invoke(app, ["apply", written(tmp_path / "a.yaml", NATIVE), "--store", store])
    file = written(tmp_path / "x.tfstate", CUT_STATE)
    takes_store = [] if command[0] in ("validate", "coverage") else ["--store", store]
    result = CliRunner().invoke(app, [*command, *[file] * (1 + twice), *takes_store])
    assert result.exit_code == 1
    shown = f"{result.output}{result.exception or ''}"
    assert shown.count(f"{file}:1: not JSON") == 1


def test_declared_and_live_in_the_wrong_order_are_named(tmp_path: Path) -> None:
    live, declared = written(tmp_path / "live.json", ASSET), written(tmp_path / "d.yaml", NATIVE)
    result = CliRunner().invoke(app, ["diff", live, declared])
    assert result.exit_code == 1
    assert f"{declared} holds the declaration, and {live} is not; pass DECLARED first" in str(result.exception)


def test_several_declarations_in_the_place_of_live_are_named_too(tmp_path: Path) -> None:
    both = "\n---\n".join([NATIVE, NATIVE.replace("/b,", "/c,")])
    live, declared = written(tmp_path / "live.json", ASSET), written(tmp_path / "d.yaml", both)
    result = CliRunner().invoke(app, ["diff", live, declared])
    assert "pass DECLARED first" in str(result.exception)


def test_settings_alone_are_what_is_declared(tmp_path: Path) -> None:
    file = written(tmp_path / "a.yaml", SOURCES)
    result = CliRunner().invoke(app, ["validate", file])
    assert (result.exit_code, "0 declared, a Sources document\n" in result.output) == (0, True)


def test_fields_of_an_api_compare_with_fields_that_look_like_a_declaration(tmp_path: Path) -> None:
    declared = written(tmp_path / "d.json", '{"kind": "storage#bucket", "location": "EU"}')
    live = written(tmp_path / "l.json", '{"kind": "storage#bucket", "location": "US"}')
    result = CliRunner().invoke(app, ["diff", declared, live, "--asset-type", "storage.googleapis.com/Bucket"])
    assert "location" in result.output


SOURCES = (
    "{apiVersion: setpoint.dev/v1, kind: Sources, metadata: {name: x},"
    " spec: {sources: [{name: git, everywhere: true}]}}"
)


@pytest.mark.parametrize("command", ["apply", "plan"])
def test_a_source_that_is_not_listed_is_told_where_to_list_it(tmp_path: Path, command: str) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    sources = written(tmp_path / "sources.yaml", SOURCES)
    applied = CliRunner().invoke(app, ["apply", sources, "--source", "setpoint", "--store", store])
    assert applied.exit_code == 0, applied.output
    both = "\n---\n".join([NATIVE, NATIVE.replace("/b,", "/c,")])
    file = written(tmp_path / "a.yaml", both)
    result = CliRunner().invoke(app, [command, file, "--store", store])
    assert result.exit_code == 3
    assert result.output.count("source default is not listed in the Sources document") == 2
    assert result.output.count("add the source to `sources` of the Sources document") == 1
    assert CliRunner().invoke(app, [command, file, "--source", "git", "--store", store]).exit_code == 0


@pytest.mark.parametrize(
    ("head", "step"),
    [
        (b"PK\x03\x04", "`terraform show -json FILE > plan.json`"),
        (b"\x1f\x8b", "is compressed; unpack it first"),
        (b"BZh9", "is compressed; unpack it first"),
        (b"\xfd7zXZ\x00", "is compressed; unpack it first"),
        (b"name: ", "is not UTF-8 (byte 6)"),
    ],
)
def test_a_file_that_is_not_text_is_named_with_the_next_step(tmp_path: Path, head: bytes, step: str) -> None:
    (tmp_path / "plan.yaml").write_bytes(head + b"\xff\xfa\xe9")
    result = CliRunner().invoke(app, ["validate", str(tmp_path / "plan.yaml")])
    assert result.exit_code == 1
    assert step in result.output.replace("\n", " ")


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "live.json").write_text("")
    (tmp_path / "declared.json").write_text("{}")
    result = CliRunner().invoke(app, ["diff", str(tmp_path / "declared.json"), str(tmp_path / "live.json")])
    assert "live.json: is empty; it must hold one object" in str(result.exception)


def test_a_store_that_is_not_there_names_the_command_that_creates_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["findings", "list", "--store", f"sqlite:///{tmp_path}/none.db"])
    assert "no such store; `setpoint apply` creates it" in str(result.exception)


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("", "the file is empty"),
        ('{"version": 4, "serial": 1, "lineage": "a", "resources": []}', "the state has no resources of Google Cloud"),
        ("kind: ConfigMap", "check the path"),
    ],
)
def test_a_file_that_declares_nothing_says_why(tmp_path: Path, text: str, step: str) -> None:
    file = tmp_path / "terraform.tfstate"
    file.write_text(text)
    file = file if "ConfigMap" not in text else file.rename(tmp_path / "a.yaml")
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert result.exit_code == 1
    assert str(result.exception) == f"no declarations in {file}; {step}"
