from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

import forked
from declarations.states import state, topic
from setpoint_tools.testing.storage_service import VARIABLE, storage_service

TYPE = "storage.googleapis.com/Bucket"


def bucket(name: str, location: str = "EU") -> str:
    return (
        "apiVersion: setpoint.dev/v1\nkind: Declaration\n"
        f"metadata: {{name: //storage.googleapis.com/{name}}}\n"
        f"spec: {{assetType: {TYPE}, data: {{location: {location}}}}}\n"
    )


@pytest.fixture
def fleet(tmp_path):
    folder = tmp_path / "fleet"
    folder.mkdir()
    for n in range(20):
        (folder / f"{n:02}.yaml").write_text(bucket(f"b{n}"))
    return folder


@pytest.fixture
def setpoint(tmp_path):
    def run(command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        store = () if command == "validate" else ("--store", f"sqlite:///{tmp_path}/s.db")
        return forked.command_line(command, *map(str, arguments), *store, cwd=tmp_path)

    return run


def changes(done) -> list[tuple[str, str]]:
    return [
        (change["action"], change["resource_name"].rpartition("/")[2]) for change in json.loads(done.stdout)["changes"]
    ]


def test_validate_tells_what_is_wrong_by_its_exit_code_and_touches_no_store(fleet, setpoint, tmp_path):
    assert setpoint("validate", fleet).returncode == 0
    (fleet / "x.yaml").write_text(bucket("b0"))
    done = setpoint("validate", fleet)
    assert (done.returncode, "declared already at" in done.stderr) == (1, True)
    assert not (tmp_path / "s.db").exists()


def test_plan_makes_no_store_where_there_is_none(fleet, setpoint, tmp_path):
    done = setpoint("plan", fleet)
    assert (done.returncode, "20 added" in done.stdout) == (0, True)
    assert not (tmp_path / "s.db").exists()


def test_plan_does_not_advise_to_prune_what_a_bad_document_holds_back(fleet, setpoint):
    setpoint("apply", fleet)
    (fleet / "00.yaml").unlink()
    (fleet / "bad.yaml").write_text("name: {b0")
    done = setpoint("plan", fleet, "--prune")
    assert done.returncode == 1
    assert "1 no longer declared and kept (an unreadable document may declare them)" in done.stdout


def test_a_bad_document_holds_back_nothing_that_it_cannot_have_named(fleet, setpoint):
    setpoint("apply", fleet)
    (fleet / "00.yaml").unlink()
    (fleet / "bad.yaml").write_text(bucket("b99").replace("kind: Declaration", "kind: Deklaration"))
    done = setpoint("plan", fleet, "--prune")
    assert (done.returncode, "1 removed" in done.stdout) == (1, True)


def test_plan_says_that_apply_would_refuse_to_remove_so_much(fleet, setpoint):
    setpoint("apply", fleet)
    for file in sorted(fleet.glob("*.yaml"))[:10]:
        file.unlink()
    done = setpoint("plan", fleet, "--prune")
    assert (done.returncode, "--max-removals 50%" in done.stderr) == (3, True)
    assert setpoint("plan", fleet, "--prune", "--max-removals", "50%").returncode == 0


def test_plan_tells_what_apply_would_do_and_does_nothing(fleet, setpoint):
    setpoint("apply", fleet)
    (fleet / "00.yaml").unlink()
    (fleet / "01.yaml").write_text(bucket("b1", "US"))
    (fleet / "99.yaml").write_text(bucket("b99"))
    for _ in range(2):
        done = setpoint("plan", fleet, "--prune", "--output", "json")
        assert changes(done) == [("added", "b99"), ("changed", "b1"), ("removed", "b0")]
    shown = setpoint("plan", fleet, "--prune").stdout
    assert 'location: "US" → "EU"' in shown or 'location: "EU" → "US"' in shown
    assert "1 added, 1 changed, 1 removed, 18 unchanged" in shown


def test_a_dry_run_does_nothing(fleet, setpoint):
    assert "20 added" in setpoint("apply", fleet, "--dry-run").stdout
    assert "20 added" in setpoint("apply", fleet).stderr
    assert "20 unchanged" in setpoint("apply", fleet).stderr


def test_what_is_gone_stays_until_it_is_pruned_and_a_large_removal_is_refused(fleet, setpoint):
    setpoint("apply", fleet)
    for n in range(5):
        (fleet / f"{n:02}.yaml").unlink()
    assert "5 no longer declared and kept" in setpoint("apply", fleet).stderr
    refused = setpoint("apply", fleet, "--prune")
    assert refused.returncode == 3
    assert "--max-removals 25%" in refused.stderr
    assert "5 removed" in setpoint("apply", fleet, "--prune", "--max-removals", "25%").stderr


def test_nothing_is_pruned_while_a_document_is_bad(fleet, setpoint):
    setpoint("apply", fleet)
    (fleet / "00.yaml").write_text("kind: {")
    done = setpoint("apply", fleet, "--prune")
    assert done.returncode == 1
    assert "nothing is removed" in done.stderr
    assert "1 no longer declared and kept" in done.stderr


def test_two_sources_cannot_declare_one_resource(fleet, setpoint):
    setpoint("apply", fleet / "00.yaml", "--source", "base")
    done = setpoint("apply", fleet / "00.yaml", fleet / "01.yaml", "--source", "two")
    assert done.returncode == 3
    assert "is declared by source base" in done.stderr
    assert "1 added" in done.stderr
    next_step = "1 resource belongs to source base: apply with --source base, or remove from that source first"
    assert next_step in done.stderr
    assert next_step in setpoint("plan", fleet / "00.yaml", "--source", "two").stdout
    assert setpoint("apply", fleet / "00.yaml", "--source", "base").returncode == 0


def test_an_empty_standard_input_is_named():
    done = forked.command_line("apply", "-", "--store", "memory:", stdin="")
    assert done.returncode == 1
    assert "standard input was empty" in done.stderr


def test_a_changed_declaration_judges_what_was_observed_again(fleet, setpoint, tmp_path):
    asset = {
        "assetType": TYPE,
        "name": "//storage.googleapis.com/b0",
        "resource": {"data": {"location": "US"}},
        "updateTime": "2026-03-01T12:00:00Z",
    }
    feed = tmp_path / "feed.jsonl"
    feed.write_text(json.dumps({"asset": asset}) + "\n")
    setpoint("apply", fleet)
    assert "drift.opened" in setpoint("detect", "--feed", feed, "--output", "jsonl").stdout

    (fleet / "00.yaml").write_text(bucket("b0", "US"))
    assert "findings evaluated again: 1 resolved" in setpoint("apply", fleet).stderr
    later = setpoint("detect", "--feed", feed, "--output", "jsonl")
    assert [json.loads(line)["type"] for line in later.stdout.splitlines()] == ["drift.resolved"]


def test_a_plan_of_a_policy_alone_is_a_change_for_people_and_for_machines(fleet, setpoint):
    policy = fleet / "policy.yaml"
    text = "apiVersion: setpoint.dev/v1\nkind: Policy\nmetadata: {name: fleet}\nspec: {dryRun: true}\n"
    policy.write_text(text)
    setpoint("apply", fleet)
    same = setpoint("plan", fleet, "--output", "json")
    assert (json.loads(same.stdout)["policy"]["changes"], json.loads(same.stdout)["scopes"]["changes"]) == (
        False,
        False,
    )
    assert "nothing to change" in setpoint("plan", fleet).stdout

    policy.write_text(text.replace("true", "false"))

    shown = setpoint("plan", fleet).stdout
    assert "the policy changes: fleet, which writes (before: fleet, a dry run)" in shown
    assert "nothing to change" not in shown
    changed = json.loads(setpoint("plan", fleet, "--output", "json").stdout)["policy"]
    assert (changed["changes"], changed["before"]["name"], changed["after"]["dry_run"]) == (True, "fleet", False)


TOPIC = "apiVersion: pubsub.cnrm.cloud.google.com/v1beta1\nkind: PubSubTopic\nmetadata: {name: a}\n"
NAT = TOPIC.replace("pubsub", "compute").replace("PubSubTopic", "ComputeRouterNAT")
NAT = NAT.replace("a}", "nat, namespace: p-1}")


def test_validate_groups_what_is_wrong_by_its_kind_with_errors_first(setpoint, tmp_path):
    unnamed = TOPIC
    (tmp_path / "a.yaml").write_text(f"{NAT}---\n{unnamed}---\n{unnamed}")

    lines = setpoint("validate", "a.yaml").stderr.splitlines()

    heads = [line for line in lines if re.fullmatch(r"[a-z-]+: \d+ (errors?|warnings?)", line)]
    assert heads == ["unnamed: 2 errors", "part-of-another: 1 warning"]
    assert lines.index(heads[0]) < lines.index(heads[1])
    assert sum("a.yaml:" in line and "PubSubTopic/" in line for line in lines) == 2


def test_validate_writes_json_with_errors_and_warnings_apart(setpoint, tmp_path):
    (tmp_path / "a.yaml").write_text(TOPIC)
    (tmp_path / "nat.yaml").write_text(NAT)
    done = setpoint("validate", ".", "--output", "json")
    result = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert [(error["object"], error["category"]) for error in result["errors"]] == [("PubSubTopic/a", "unnamed")]
    assert [warning["category"] for warning in result["warnings"]] == ["part-of-another"]
    assert result["counts"] == {"unnamed": 1, "part-of-another": 1}


def test_validate_writes_sarif_with_file_and_line(setpoint, tmp_path):
    (tmp_path / "a.yaml").write_text(TOPIC)
    done = setpoint("validate", "a.yaml", "--output", "sarif")
    log = json.loads(done.stdout)
    (result,) = log["runs"][0]["results"]
    assert (log["version"], result["ruleId"], result["level"]) == ("2.1.0", "unnamed", "error")
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("a.yaml", 3)


def test_a_file_of_parts_alone_is_no_wrong_path(setpoint, tmp_path):
    (tmp_path / "nat.yaml").write_text(NAT)
    done = setpoint("validate", "nat.yaml")
    assert done.returncode == 0
    assert "nat.yaml:2: ComputeRouterNAT/nat" in done.stderr


def test_options_say_where_manifests_lie_and_which_are_left_out(setpoint, tmp_path):
    (tmp_path / "a.yaml").write_text(TOPIC)
    (tmp_path / "b.yaml").write_text(TOPIC.replace("name: a", "name: b"))
    done = setpoint("plan", ".", "--output", "json", "--project", "p-123", "--exclude", "b.yaml")
    assert changes(done) == [("added", "a")]


def test_the_states_of_a_bucket_are_applied_and_what_needs_a_person_is_told(setpoint, monkeypatch):
    with storage_service() as (service, address):
        monkeypatch.setenv(VARIABLE, address)
        service.put("states", "a/default.tfstate", state([topic("orders")]))
        service.put("states", "b/default.tfstate", b"{")
        done = setpoint("apply", "gs://states/**/*.tfstate", "--grace", "5m")
        service.put("states", "b/default.tfstate", state([topic("carts")], lineage="b"))
        again = setpoint("apply", "gs://states/**/*.tfstate", "--grace", "5m")

    assert (done.returncode, again.returncode) == (1, 0)
    assert "2 states: 1 refused, 1 applied; 1 resource applied" in done.stderr
    assert "gs://states/b/default.tfstate" in done.stderr
    assert "1 unchanged" in again.stderr


def test_a_dry_run_over_states_shows_the_plans_and_does_nothing(setpoint, monkeypatch):
    with storage_service() as (service, address):
        monkeypatch.setenv(VARIABLE, address)
        service.put("states", "a/default.tfstate", state([topic("orders")]))
        planned = setpoint("apply", "gs://states/**/*.tfstate", "--dry-run")
        again = setpoint("apply", "gs://states/**/*.tfstate", "--dry-run", "--prune")

    assert (planned.returncode, again.returncode) == (0, 0)
    assert "source gs://states/a/default.tfstate: 1 added" in planned.stdout
    assert "1 state: 1 planned; nothing was written" in planned.stderr
    assert "nothing was written" in again.stderr
    assert "1 added" in again.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--source", "main"),
        ("--commit", "0123456"),
        ("--repo", "https://github.com/acme/fleet"),
        ("--exclude", "**/old.tfstate"),
        ("--project", "shop-prod"),
        ("--namespace", "shop"),
    ],
)
def test_an_option_of_files_is_refused_for_states(setpoint, options):
    done = setpoint("apply", "gs://states/**/*.tfstate", *options)
    assert (done.returncode, f"{options[0]} needs files" in done.stderr) == (1, True)


def test_an_option_of_states_is_refused_for_files(setpoint, fleet):
    done = setpoint("apply", fleet, "--grace", "5m")
    assert (done.returncode, "--grace needs URLs" in done.stderr) == (1, True)


@pytest.mark.parametrize("command", ["plan", "validate"])
def test_a_url_of_states_is_refused_where_files_are_read(setpoint, command):
    done = setpoint(command, "gs://states/**/*.tfstate")
    assert (done.returncode, "setpoint apply --dry-run" in " ".join(done.stderr.split())) == (1, True)


def test_states_and_files_are_applied_by_commands_of_their_own(setpoint, fleet):
    done = setpoint("apply", "gs://states/**/*.tfstate", fleet)
    assert done.returncode == 1
    assert "a separate command for each" in done.stderr


def test_findings_are_listed_by_their_address_in_terraform(setpoint, tmp_path):
    (tmp_path / "net.tfstate").write_bytes(state([topic("a"), topic("b")]))
    setpoint("apply", "net.tfstate")
    changed = [
        {
            "asset": {
                "name": f"//pubsub.googleapis.com/projects/shop-prod/topics/{name}",
                "assetType": "pubsub.googleapis.com/Topic",
                "updateTime": "2026-03-01T00:00:00Z",
                "resource": {"version": "v1", "data": {"messageRetentionDuration": "60s", "labels": {"team": "shop"}}},
            }
        }
        for name in "ab"
    ]
    (tmp_path / "feed.jsonl").write_text("".join(json.dumps(message) + "\n" for message in changed))
    setpoint("detect", "--feed", "feed.jsonl")

    done = setpoint("findings", "list", "--address", "google_pubsub_topic.b")

    assert "1 open finding" in done.stdout
    assert "google_pubsub_topic.b in net.tfstate" in done.stdout


def test_plans_and_checks_name_terraforms_address_and_no_line_of_a_state(setpoint, tmp_path):
    (tmp_path / "net.tfstate").write_bytes(state([topic("a")]))
    planned = setpoint("plan", "net.tfstate")
    assert "google_pubsub_topic.a in net.tfstate" in planned.stdout
    change = json.loads(setpoint("plan", "net.tfstate", "--output", "json").stdout)["changes"][0]
    assert change["declared_in"] == ["google_pubsub_topic.a in net.tfstate"]
    setpoint("apply", "net.tfstate")
    changed = {
        "name": "//pubsub.googleapis.com/projects/shop-prod/topics/a",
        "assetType": "pubsub.googleapis.com/Topic",
        "ancestors": ["projects/123456789012", "organizations/4"],
        "updateTime": "2026-03-01T00:00:00Z",
        "resource": {"version": "v1", "data": {"messageRetentionDuration": "60s", "labels": {"team": "shop"}}},
    }
    (tmp_path / "export.json").write_text(json.dumps(changed))
    written = {
        output: setpoint("sweep", "--from", "export.json", "--output", output).stdout
        for output in ("sarif", "junit", "github", "markdown")
    }
    for text in written.values():
        assert "google_pubsub_topic.a" in text
        assert "net.tfstate:1" not in text
    [result] = json.loads(written["sarif"])["runs"][0]["results"]
    [place] = result["locations"]
    assert place["logicalLocations"] == [{"fullyQualifiedName": "google_pubsub_topic.a", "kind": "resource"}]
    assert "region" not in place["physicalLocation"]
    assert "file=net.tfstate,title=" in written["github"]


def test_a_plan_without_a_document_that_cannot_be_read_says_that_it_is_incomplete(setpoint, tmp_path):
    (tmp_path / "fleet.yaml").write_text("apiVersion: setpoint.dev/v1\nkind: Declaraton\nmetadata: {name: x}\n")
    store = f"sqlite:///{tmp_path}/store.db"
    planned = setpoint("plan", str(tmp_path / "fleet.yaml"), "--store", store)
    applied = setpoint("apply", str(tmp_path / "fleet.yaml"), "--store", store)
    assert (planned.returncode, applied.returncode) == (1, 1)
    assert planned.stdout == "incomplete, 1 problem left out; source default: nothing to change, 0 unchanged\n"
    assert "\nincomplete, 1 problem left out; source default" in applied.stderr


def test_a_configuration_beside_a_state_leaves_its_ignored_changes_alone(setpoint, tmp_path):
    (tmp_path / "net.tfstate").write_bytes(state([topic("a")]))
    (tmp_path / "infra").mkdir()
    lifecycle = "lifecycle {\n    ignore_changes = [message_retention_duration]\n  }"
    (tmp_path / "infra" / "main.tf").write_text(
        f'resource "google_pubsub_topic" "a" {{\n  name = "a"\n  {lifecycle}\n}}'
    )
    live = {"name": "projects/shop-prod/topics/a", "labels": {"team": "shop"}, "messageRetentionDuration": "7200s"}
    message = {
        "asset": {
            "name": "//pubsub.googleapis.com/projects/shop-prod/topics/a",
            "assetType": "pubsub.googleapis.com/Topic",
            "resource": {"data": live},
            "updateTime": "2026-03-01T12:00:00Z",
        },
        "window": {"startTime": "2026-03-01T12:00:00Z"},
    }
    (tmp_path / "feed.jsonl").write_text(json.dumps(message))

    assert setpoint("apply", "net.tfstate", "--config", "infra").returncode == 0
    assert setpoint("detect", "--feed", "feed.jsonl", "--exit-code").returncode == 0
    suppressed = setpoint("findings", "list", "--status", "suppressed", "--output", "jsonl").stdout
    assert "main.tf: lifecycle.ignore_changes has message_retention_duration" in suppressed
    assert setpoint("apply", "net.tfstate").returncode == 0
    assert setpoint("detect", "--feed", "feed.jsonl", "--exit-code").returncode == 2


@pytest.mark.parametrize(
    "options",
    [
        "none --source old --prune --max-removals 100%",
        "--source old --prune --max-removals 100%",
        "none --source old --retire",
        "--source old --retire --max-removals 5%",
        "--source old --retire --cluster",
        "--retire",
    ],
)
def test_a_source_is_retired_by_its_name_and_the_option_alone(setpoint, tmp_path, options):
    (tmp_path / "none").mkdir()
    setpoint("apply", write_bucket(tmp_path), "--source", "old")
    assert setpoint("apply", *options.split()).returncode == 1
    assert "1 unchanged" in setpoint("apply", write_bucket(tmp_path), "--source", "old").stderr


def test_a_source_without_files_is_retired_and_no_other(setpoint, tmp_path):
    setpoint("apply", write_bucket(tmp_path), "--source", "old")
    (tmp_path / "other.yaml").write_text(bucket("another"))
    setpoint("apply", tmp_path / "other.yaml", "--source", "other")
    retire = ("--source", "old", "--retire")
    assert setpoint("apply", *retire, "--dry-run").returncode == 0
    done = setpoint("apply", *retire)
    assert (done.returncode, "source old: 1 removed, 0 unchanged" in done.stderr) == (0, True)
    assert "1 unchanged" in setpoint("apply", tmp_path / "other.yaml", "--source", "other").stderr


def write_bucket(folder):
    file = folder / "old.yaml"
    file.write_text(bucket("old"))
    return file
