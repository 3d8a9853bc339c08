from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def diff(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "setpoint", "diff", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)


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
    assert [(one["path"], one["op"]) for one in second["differences"]] == [
        ("messageRetentionDuration", "changed"),
        ("kmsKeyName", "missing"),
    ]


def test_a_bad_line_gets_an_error_and_the_run_goes_on() -> None:
    asked = "not json\n" + question(format="pulumi") + question(declared=[]) + question(live=None) + "\n" + question()
    found = answers(diff("--jsonl", "-", stdin=asked))
    assert [one["verdict"] for one in found] == ["unknown"] * 4 + ["in_sync"]
    assert all(one["error"] for one in found[:4])
    assert [one["id"] for one in found] == [None, 7, 7, 7, 7]


def test_a_type_that_no_schema_describes_is_compared_with_care() -> None:
    asked = question(asset_type="new.googleapis.com/Thing", declared={"size": 10}, live={"size": "10"})
    (found,) = answers(diff("--jsonl", "-", stdin=asked))
    assert found["verdict"] == "in_sync"


def test_people_see_the_fields_and_why_others_are_no_difference(tmp_path: Path) -> None:
    declared, live = tmp_path / "declared.yaml", tmp_path / "live.json"
    declared.write_text("location: eu\nversioning: {enabled: true}\nstorageClass: STANDARD\n")
    live.write_text('{"location": "EU", "storageClass": "STANDARD"}')
    done = diff(str(declared), str(live), "--asset-type", "storage.googleapis.com/Bucket", "--explain")
    assert done.returncode == 1
    assert "versioning.enabled: true is missing" in done.stdout
    assert "other case" in done.stdout


def test_a_declaration_and_a_feed_message_can_be_given_as_they_are(tmp_path: Path) -> None:
    declared, live = tmp_path / "declared.yaml", tmp_path / "live.json"
    declared.write_text(
        "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/b}\n"
        "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}\n"
    )
    asset = {"assetType": "storage.googleapis.com/Bucket", "name": "//storage.googleapis.com/b"}
    live.write_text(json.dumps({"asset": {**asset, "resource": {"data": {"location": "EU"}}}}))
    done = diff(str(declared), str(live))
    assert (done.returncode, "in sync" in done.stdout) == (0, True)
