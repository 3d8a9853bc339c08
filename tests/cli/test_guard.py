"""`setpoint guard`: what a change under review does to drift that is open."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

import forked

BUCKETS = ("exports", "invoices", "logs", "quiet")
NAME = "//storage.googleapis.com/{}"
DECLARATION = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: //storage.googleapis.com/{name}, project: shop-prod, owner: {{team: shop}}}}
spec:
  assetType: storage.googleapis.com/Bucket
  data:
    versioning: {{enabled: {versioning}}}
    storageClass: {storage_class}
"""


def declaration(name: str, *, versioning: bool = True, storage_class: str = "STANDARD") -> str:
    return DECLARATION.format(name=name, versioning=str(versioning).lower(), storage_class=storage_class)


def asset(name: str, *, versioning: bool, storage_class: str = "STANDARD") -> str:
    data = {"name": name, "versioning": {"enabled": versioning}, "storageClass": storage_class}
    return json.dumps({
        "asset": {
            "name": NAME.format(name),
            "assetType": "storage.googleapis.com/Bucket",
            "updateTime": "2026-03-01T12:00:00Z",
            "ancestors": ["projects/12", "organizations/4"],
            "resource": {"data": data},
        }
    })  # fmt: skip


@pytest.fixture
def setpoint(tmp_path):
    environment = {**os.environ, "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db", "COLUMNS": "200"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return forked.command_line(*arguments, stdin="", cwd=tmp_path, environment=environment)

    return run


@pytest.fixture
def fleet(setpoint, tmp_path):
    """Four declared buckets of which somebody has switched off the versioning of three."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    for name in BUCKETS:
        (folder / f"{name}.yaml").write_text(declaration(name))
    assert setpoint("apply", "fleet").returncode == 0
    feed = [asset(name, versioning=name == "quiet") for name in BUCKETS]
    (tmp_path / "feed.jsonl").write_text("\n".join(feed) + "\n")
    assert "3 open findings" in setpoint("detect", "--feed", "feed.jsonl").stdout
    return folder


def reviewed(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    assert done.returncode == 0, done.stderr
    resources = json.loads(done.stdout)["resources"]
    return {resource["resource_name"].rpartition("/")[2]: resource["effects"] for resource in resources}


def test_a_change_says_what_it_resolves_overwrites_and_destroys_and_nothing_of_what_it_leaves(setpoint, fleet):
    (fleet / "exports.yaml").write_text(declaration("exports", versioning=False))
    (fleet / "invoices.yaml").write_text(declaration("invoices", storage_class="NEARLINE"))
    (fleet / "logs.yaml").unlink()
    (fleet / "quiet.yaml").write_text(declaration("quiet", storage_class="NEARLINE"))

    assert reviewed(setpoint("guard", "fleet", "--output", "json")) == {
        "logs": ["destroys"],
        "invoices": ["overwrites"],
        "exports": ["resolves"],
    }


def test_a_field_that_only_the_change_itself_alters_is_not_called_overwritten(setpoint, fleet):
    (fleet / "invoices.yaml").write_text(declaration("invoices", storage_class="NEARLINE"))

    (resource,) = json.loads(setpoint("guard", "fleet", "--output", "json").stdout)["resources"]

    assert [difference["path"] for difference in resource["overwritten"]] == ["versioning.enabled"]


def test_a_change_that_resolves_one_field_and_reverts_another_says_both(setpoint, tmp_path, fleet):
    (tmp_path / "feed.jsonl").write_text(asset("quiet", versioning=False, storage_class="COLDLINE") + "\n")
    setpoint("detect", "--feed", "feed.jsonl")
    (fleet / "quiet.yaml").write_text(declaration("quiet", storage_class="COLDLINE"))

    (resource,) = json.loads(setpoint("guard", "fleet", "--output", "json").stdout)["resources"]

    assert resource["effects"] == ["overwrites", "resolves"]
    assert resource["resolved"] == ["storageClass"]


@pytest.mark.usefixtures("fleet")
def test_an_unchanged_directory_has_nothing_to_review(setpoint):
    done = setpoint("guard", "fleet")

    assert done.returncode == 0
    assert "0 resources changed" in done.stderr


@pytest.mark.parametrize(
    ("fail_on", "code"), [("", 0), ("destroys", 0), ("destroys,overwrites", 2), ("overwrites", 2), ("overwrite", 1)]
)
def test_the_exit_code_follows_the_effects_that_are_asked_for(setpoint, fleet, fail_on, code):
    (fleet / "invoices.yaml").write_text(declaration("invoices", storage_class="NEARLINE"))

    done = setpoint("guard", "fleet", "--fail-on", fail_on)

    assert done.returncode == code
    assert ("is not an effect; give some of" in done.stderr) == (code == 1)


def test_a_document_that_cannot_be_read_is_an_error_and_the_others_are_reviewed(setpoint, fleet):
    (fleet / "exports.yaml").write_text(declaration("exports", versioning=False))
    (fleet / "bad.yaml").write_text("apiVersion: setpoint.dev/v1\nkind: Declaration\n")

    done = setpoint("guard", "fleet", "--output", "json")

    assert done.returncode == 1
    assert [resource["effects"] for resource in json.loads(done.stdout)["resources"]] == [["resolves"]]


def test_exemptions_pauses_and_other_sources_are_said(setpoint, tmp_path, fleet):
    setpoint("exempt", NAME.format("invoices"), "--for", "7d", "--because", "audit `of` | March", "--as", "ann")
    setpoint("pause", "projects/shop-prod", "--as", "bo", "--because", "migration")
    (fleet / "invoices.yaml").write_text(declaration("invoices", storage_class="NEARLINE"))

    done = setpoint("guard", "fleet", "--output", "json")
    assert reviewed(done) == {"invoices": ["overwrites", "paused", "exempt"]}
    notes = json.loads(done.stdout)["resources"][0]["notes"]
    assert notes[0] == "remediation of projects/shop-prod is paused: migration"
    assert re.fullmatch(r"ann \(unverified\) exempted the drift until \d{4}-\d\d-\d\d: audit `of` \| March", notes[1])

    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/logs.yaml").write_text(declaration("logs", storage_class="NEARLINE"))
    git(tmp_path / "theirs", "init", "-q")
    git(tmp_path / "theirs", "commit", "-q", "--allow-empty", "-m", "begin")
    theirs = setpoint("guard", "theirs", "--base", "HEAD", "--source", "theirs", "--output", "json")
    assert reviewed(theirs) == {"logs": ["overwrites", "foreign", "paused"]}


def git(folder, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def test_a_base_revision_is_compared_whatever_the_store_has_in_force(setpoint, tmp_path, fleet):
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "fleet")
    git(tmp_path, "commit", "-q", "-m", "begin")
    (fleet / "exports.yaml").write_text(declaration("exports", versioning=False))
    (fleet / "logs.yaml").unlink()

    assert reviewed(setpoint("guard", "fleet", "--base", "HEAD", "--output", "json")) == {
        "logs": ["destroys"],
        "exports": ["resolves"],
    }
    unknown = setpoint("guard", "fleet", "--base", "nowhere")
    assert unknown.returncode == 1
    assert "fetch the revision that --base names" in unknown.stderr


def test_markdown_is_one_comment_in_which_no_value_formats(setpoint, fleet):
    setpoint("exempt", NAME.format("invoices"), "--for", "7d", "--because", "`@all` | <b>", "--as", "ann")
    (fleet / "invoices.yaml").write_text(declaration("invoices", storage_class="NEARLINE"))

    lines = setpoint("guard", "fleet", "--output", "markdown").stdout.splitlines()

    assert lines[0] == "<!-- setpoint-guard -->"
    (row,) = [line for line in lines if "invoices" in line]
    assert row.count(" | ") == 4
    assert r": '@all' \| <b>`" in row


def test_annotations_name_file_and_line(setpoint, fleet):
    (fleet / "invoices.yaml").write_text(declaration("invoices", storage_class="NEARLINE"))

    (line,) = setpoint("guard", "fleet", "--output", "github").stdout.splitlines()

    assert line.startswith(
        "::warning file=fleet/invoices.yaml,line=1,title=Setpoint::Bucket invoices: overwrites drift"
    )


TERRAFORM = "registry.terraform.io/hashicorp/google"


def resource(name: str, *, versioning: bool = True) -> dict:
    return {
        "address": f"google_storage_bucket.{name}",
        "mode": "managed",
        "type": "google_storage_bucket",
        "name": name,
        "provider_name": TERRAFORM,
        "values": {"name": name, "project": "shop-prod", "location": "EU", "versioning": [{"enabled": versioning}]},
    }


def change(name: str, *actions: str, before: dict | None = None) -> dict:
    named = {key: value for key, value in resource(name).items() if key != "values"}
    return {**named, "change": {"actions": list(actions), "before": before}}


@pytest.mark.usefixtures("fleet")
def test_a_terraform_plan_is_reviewed_by_what_terraform_would_do(setpoint, tmp_path):
    before = {name: resource(name)["values"] for name in BUCKETS}
    planned = [resource("exports", versioning=False), resource("invoices"), resource("quiet")]
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": [
            change("exports", "update", before=before["exports"]),
            change("invoices", "update", before=before["invoices"]),
            change("logs", "delete", before=before["logs"]),
            change("quiet", "no-op", before=before["quiet"]),
        ],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))

    done = setpoint("guard", "plan.json", "--output", "json")

    assert reviewed(done) == {"logs": ["destroys"], "invoices": ["overwrites"], "exports": ["resolves"]}
    addresses = {resource["address"] for resource in json.loads(done.stdout)["resources"]}
    assert addresses == {f"google_storage_bucket.{name}" for name in ("exports", "invoices", "logs")}
    assert "prior-state" not in done.stdout
    for output in ("text", "github", "markdown"):
        written = setpoint("guard", "plan.json", "--output", output).stdout
        assert "google_storage_bucket.invoices" in written
        assert "plan.json:1" not in written
        assert "plan.json,line=1" not in written


@pytest.mark.usefixtures("fleet")
def test_a_resource_that_terraform_replaces_is_destroyed(setpoint, tmp_path):
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": [resource("logs")]}},
        "resource_changes": [change("logs", "delete", "create")],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))

    assert reviewed(setpoint("guard", "plan.json", "--output", "json")) == {"logs": ["destroys"]}


@pytest.mark.usefixtures("fleet")
def test_a_changed_resource_that_cannot_be_named_is_said_not_to_be_reviewed(setpoint, tmp_path):
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": [resource("invoices")]}},
        "resource_changes": [change("invoices", "update"), change("gone", "delete"), change("new", "create")],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))

    done = setpoint("guard", "plan.json", "--output", "json")
    assert json.loads(done.stdout)["not_reviewed"] == ["google_storage_bucket.gone"]
    assert "not reviewed" in setpoint("guard", "plan.json").stderr
    assert setpoint("guard", "plan.json", "--fail-on", "destroys").returncode == 1
    assert "google_storage_bucket.gone" in setpoint("guard", "plan.json", "--output", "markdown").stdout


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("fleet", "--store", "sqlite:///typo.db"), "typo.db"),
        (("fleet", "--store", "memory:"), "check --store"),
        (("empty",), "check the path"),
        (("nowhere",), "nowhere"),
    ],
)
def test_a_store_or_a_path_with_nothing_in_it_is_an_error_and_not_a_good_review(setpoint, tmp_path, arguments, advice):
    (tmp_path / "empty").mkdir()
    done = setpoint("guard", *arguments)

    assert done.returncode == 1, done.stderr
    assert advice in done.stderr
    assert not (tmp_path / "typo.db").exists()
