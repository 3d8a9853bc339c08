from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import forked
from declarations.states import state, topic
from setpoint.cli import diff_jsonl


def diff(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return forked.command_line("diff", *arguments, stdin=stdin)


def question(**changes: Any) -> str:
    whole = {
        "id": 7,
        "format": "api",
        "asset_type": "pubsub.googleapis.com/Topic",
        "full_name": "//pubsub.googleapis.com/projects/p/topics/t",
        "project": {"id": "p", "number": "12"},
        "declared": {"messageRetentionDuration": "1h", "kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
        "live": {"messageRetentionDuration": "3600s", "kmsKeyName": "projects/12/locations/l/keyRings/r/cryptoKeys/k"},
    }
    return json.dumps(whole | changes) + "\n"


def answers(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_question_gets_one_answer_in_its_order() -> None:
    changed = question(id="b", live={"messageRetentionDuration": "60s"})
    first, second = answers(diff("--jsonl", "-", stdin=question() + changed))
    assert first == {"id": 7, "verdict": "in_sync", "differences": [], "checked": 2}
    assert (second["id"], second["verdict"]) == ("b", "drift")
    assert [(difference["path"], difference["op"]) for difference in second["differences"]] == [
        ("messageRetentionDuration", "changed"),
        ("kmsKeyName", "missing"),
    ]


def test_a_bad_line_gets_an_error_and_the_run_goes_on() -> None:
    asked = "not json\n" + question(format="pulumi") + question(declared=[]) + question(live=None) + "\n" + question()
    answered = answers(diff("--jsonl", "-", stdin=asked))
    assert [difference["verdict"] for difference in answered] == ["unknown"] * 4 + ["in_sync"]
    assert [difference["id"] for difference in answered] == [None, 7, 7, 7, 7]
    for answer_, expected in zip(
        answered, ("not a DiffRequest", "format must be", "must be an object", "not a DiffRequest"), strict=False
    ):
        assert expected in answer_["error"]
    assert "error" not in answered[4]


def test_a_fault_of_the_reader_is_the_answer_of_that_question_and_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: diff_jsonl.DiffRequest) -> diff_jsonl.DiffResponse:
        raise KeyError("spec")

    monkeypatch.setitem(diff_jsonl._ANSWERS, "krm", broken)
    answered = diff_jsonl.answer(question(format="krm").encode())
    assert (answered.id, answered.verdict, answered.error) == (7, "unknown", "unexpected error: KeyError: 'spec'")
    assert diff_jsonl.answer(question().encode()).verdict == "in_sync"


def test_a_type_that_no_schema_describes_is_compared_with_care() -> None:
    asked = question(asset_type="new.googleapis.com/Thing", declared={"size": 10}, live={"size": "10"})
    (answered,) = answers(diff("--jsonl", "-", stdin=asked))
    assert (answered["verdict"], answered["checked"], answered["differences"]) == ("in_sync", 1, [])
    other = question(asset_type="new.googleapis.com/Thing", declared={"size": 10}, live={"size": "11"})
    (answered,) = answers(diff("--jsonl", "-", stdin=other))
    assert [(difference["path"], difference["op"]) for difference in answered["differences"]] == [("size", "changed")]


def test_people_see_the_fields_and_why_others_are_no_difference(tmp_path: Path) -> None:
    declared, live = tmp_path / "declared.yaml", tmp_path / "live.json"
    declared.write_text("location: eu\nversioning: {enabled: true}\nstorageClass: STANDARD\n")
    live.write_text('{"location": "EU", "storageClass": "STANDARD"}')
    done = diff(str(declared), str(live), "--asset-type", "storage.googleapis.com/Bucket", "--explain")
    assert done.returncode == 1
    assert "versioning.enabled: expected true, found nothing" in done.stdout
    assert "other case" in done.stdout
    assert "storageClass" not in done.stdout
    assert "1 difference; 3 fields checked, 0 not" in done.stdout


def test_a_declaration_and_a_feed_message_can_be_given_as_they_are(tmp_path: Path) -> None:
    declared, live = tmp_path / "declared.yaml", tmp_path / "live.json"
    declared.write_text(
        "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/b}\n"
        "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}\n"
    )
    asset = {"assetType": "storage.googleapis.com/Bucket", "name": "//storage.googleapis.com/b"}
    live.write_text(json.dumps({"asset": {**asset, "resource": {"data": {"location": "EU"}}}}))
    done = diff(str(declared), str(live))
    assert (done.returncode, done.stdout) == (0, "in sync; 1 field checked, 0 not\n")
    live.write_text(json.dumps({"asset": {**asset, "resource": {"data": {"location": "US"}}}}))
    done = diff(str(declared), str(live))
    assert (done.returncode, done.stdout) == (
        1,
        'location: "EU" → "US"\n1 difference; 1 field checked, 0 not\n',
    )


def test_of_several_declarations_the_one_that_the_asset_names_is_compared(tmp_path: Path) -> None:
    declared, live = tmp_path / "declared.yaml", tmp_path / "live.json"
    declared.write_text(
        "---\n".join(
            f"apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {{name: //storage.googleapis.com/{name}}}\n"
            f"spec: {{assetType: storage.googleapis.com/Bucket, data: {{location: {location}}}}}\n"
            for name, location in (("first", "EU"), ("second", "US"))
        )
    )

    def asset(name: str) -> str:
        named = {"assetType": "storage.googleapis.com/Bucket", "name": f"//storage.googleapis.com/{name}"}
        return json.dumps({**named, "resource": {"data": {"location": "US"}}})

    live.write_text(asset("first"))
    assert diff(str(declared), str(live)).stdout.startswith('location: "EU" → "US"')
    live.write_text(asset("second"))
    assert diff(str(declared), str(live)).returncode == 0
    live.write_text(asset("third"))
    done = diff(str(declared), str(live))
    assert (done.returncode, "LIVE names none of them alone" in done.stderr) == (1, True)


def test_questions_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    for name, reason in ((tmp_path, "Is a directory"), (tmp_path / "[/x]", "No such file or directory")):
        done = diff("--jsonl", str(name))
        assert (done.returncode, done.stderr) == (1, f"error: {name}: cannot be read: {reason}\n")


def test_what_a_declaration_says_of_itself_holds_here_too(tmp_path: Path) -> None:
    declared, live = tmp_path / "declared.yaml", tmp_path / "live.json"
    declared.write_text(
        "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/b}\n"
        "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU, labels: {a: x}}, ignore: [labels.a]}\n"
    )
    live.write_text('{"location": "EU", "labels": {"a": "y"}}')
    assert diff(str(declared), str(live)).returncode == 0


def test_a_policy_is_compared_as_grants(tmp_path: Path) -> None:
    declared, live = tmp_path / "declared.yaml", tmp_path / "live.json"
    declared.write_text(
        "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/b}\n"
        "spec: {assetType: storage.googleapis.com/Bucket, content: iam_policy, authority: member,\n"
        "  data: {bindings: [{role: roles/viewer, members: ['user:a@x.com']}]}}\n"
    )
    live.write_text('{"bindings": [{"role": "roles/viewer", "members": ["user:b@x.com"]}]}')
    done = diff(str(declared), str(live))
    assert (done.returncode, "- roles/viewer not granted to user:a@x.com" in done.stdout) == (1, True)


def test_a_config_connector_manifest_is_compared_in_the_apis_terms(tmp_path: Path) -> None:
    declared, live = tmp_path / "declared.yaml", tmp_path / "live.json"
    declared.write_text(
        "apiVersion: storage.cnrm.cloud.google.com/v1beta1\nkind: StorageBucket\n"
        "metadata: {name: b, namespace: p}\nspec: {location: EU, uniformBucketLevelAccess: true}\n"
    )
    live.write_text('{"location": "EU", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}}}')
    assert diff(str(declared), str(live)).returncode == 0


def test_null_is_as_good_as_nothing_in_a_question_and_a_number_may_be_one() -> None:
    asked = question(dependencies=None, project={"id": "p", "number": 12}) + question(project=None, format=None)
    assert [answer["verdict"] for answer in answers(diff("--jsonl", "-", stdin=asked))] == ["in_sync", "in_sync"]


def test_of_several_resources_of_a_state_the_one_at_an_address_is_compared(tmp_path: Path) -> None:
    declared, live = tmp_path / "net.tfstate", tmp_path / "live.json"
    declared.write_bytes(state([topic("a"), topic("b", "7200s")]))
    labels = {"team": "shop"}
    live.write_text(json.dumps({"messageRetentionDuration": "86400s", "labels": labels, "name": "projects/p/topics/x"}))

    same = diff(str(declared), str(live), "--address", "google_pubsub_topic.a")
    other = diff(str(declared), str(live), "--address", "google_pubsub_topic.b")
    none = diff(str(declared), str(live), "--address", "google_pubsub_topic.c")

    assert (same.returncode, other.returncode, none.returncode) == (0, 1, 1)
    assert "messageRetentionDuration" in other.stdout
    assert "terraform state list" in none.stderr


def _export(folder: Path) -> list[dict[str, Any]]:
    """A declaration of a bucket in ``declared.yaml``, and assets: the bucket, its grants, a topic."""
    bucket = "//storage.googleapis.com/billing-exports"
    (folder / "declared.yaml").write_text(
        "apiVersion: setpoint.dev/v1\nkind: Declaration\n"
        f"metadata: {{name: {bucket}, project: billing-prod}}\n"
        "spec: {assetType: storage.googleapis.com/Bucket, data: {versioning: {enabled: true}}}\n"
    )
    versions = {"name": "billing-exports", "versioning": {"enabled": False}}
    return [
        {"name": bucket, "assetType": "storage.googleapis.com/Bucket", "resource": {"data": versions}},
        {"name": bucket, "assetType": "storage.googleapis.com/Bucket", "iamPolicy": {"bindings": []}},
        {"name": "//pubsub.googleapis.com/projects/p/topics/t", "assetType": "pubsub.googleapis.com/Topic"},
    ]


@pytest.mark.parametrize("lines", [False, True], ids=["list", "lines"])
def test_of_an_export_the_asset_that_is_declared_is_compared(tmp_path: Path, *, lines: bool) -> None:
    assets = _export(tmp_path)
    live = tmp_path / ("live.jsonl" if lines else "live.json")
    live.write_text("\n".join(map(json.dumps, assets)) if lines else json.dumps(assets, indent=1))
    done = diff(str(tmp_path / "declared.yaml"), str(live))
    assert (done.returncode, "versioning.enabled" in done.stdout) == (1, True), done.stderr


def test_an_export_without_the_declared_asset_names_the_command_that_compares_all(tmp_path: Path) -> None:
    live = tmp_path / "live.json"
    live.write_text(json.dumps(_export(tmp_path)[1:]))
    done = diff(str(tmp_path / "declared.yaml"), str(live))
    assert done.returncode == 1
    assert "holds 2 assets, of which 0 are declared; diff compares one: give it alone" in done.stderr
    assert f"`setpoint sweep --from {live}`" in done.stderr


def test_a_null_of_a_plan_declares_that_a_field_is_absent_as_in_the_event_path(tmp_path: Path) -> None:
    values: dict[str, Any] = {"name": "f", "project": "p1", "network": "default", "description": None}
    resource = {
        "address": "google_compute_firewall.f",
        "mode": "managed",
        "type": "google_compute_firewall",
        "name": "f",
        "provider_name": "registry.terraform.io/hashicorp/google",
        "values": values,
    }
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": [resource]}},
        "resource_changes": [
            {"address": resource["address"], "type": resource["type"], "change": {"actions": ["update"]}}
        ],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    live = {"name": "f", "network": "global/networks/default"}
    asset = {
        "name": "//compute.googleapis.com/projects/p1/global/firewalls/f",
        "assetType": "compute.googleapis.com/Firewall",
    }
    for more, code in (({"description": "by hand"}, 1), ({}, 0)):
        (tmp_path / "live.json").write_text(json.dumps({**asset, "resource": {"data": {**live, **more}}}))
        done = diff(str(tmp_path / "plan.json"), str(tmp_path / "live.json"))
        assert done.returncode == code, done.stderr
        assert ('description: expected nothing, found "by hand"' in done.stdout) == bool(more)
