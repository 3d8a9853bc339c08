"""A directory as fleets have them: three formats side by side, with mistakes in some."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint_tools.testing import messages

NATIVE = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //pubsub.googleapis.com/projects/shop/topics/orders, owner: {team: shop}}
spec:
  assetType: pubsub.googleapis.com/Topic
  data:
    messageRetentionDuration: 1d
    labls: {team: shop}
"""

KRM = """\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  annotations: {cnrm.cloud.google.com/project-id: shop-prod}
---
apiVersion: storage.cnrm.cloud.google.com/v1beta1
kind: StorageBucket
metadata:
  name: shop-orders
  namespace: shop
  annotations:
    setpoint.dev/team: shop
    setpoint.dev/mode: approve
    setpoint.dev/ignore: labels.touched
    setpoint.dev/settle: 0s
spec:
  location: EU
  uniformBucketLevelAccess: true
  lifecycleRule:
    - action: {type: Delete}
      condition: {age: 30}
---
apiVersion: compute.cnrm.cloud.google.com/v1beta1
kind: ComputeNetwork
metadata: {namespace: shop}
spec: {}
"""

TERRAFORM = {
    "format_version": "1.0",
    "terraform_version": "1.5.0",
    "values": {
        "root_module": {
            "resources": [
                {
                    "address": "google_pubsub_topic.events",
                    "mode": "managed",
                    "type": "google_pubsub_topic",
                    "name": "events",
                    "provider_name": "registry.terraform.io/hashicorp/google",
                    "values": {
                        "name": "events",
                        "project": "shop-prod",
                        "message_retention_duration": "86400s",
                        "labels": {"team": "shop"},
                    },
                },
                {
                    "address": "aws_s3_bucket.other",
                    "mode": "managed",
                    "type": "aws_s3_bucket",
                    "name": "other",
                    "provider_name": "registry.terraform.io/hashicorp/aws",
                    "values": {"bucket": "other"},
                },
            ]
        }
    },
}


@pytest.fixture
def loaded(tmp_path: Path) -> LoadResult:
    (tmp_path / "a.yaml").write_text(NATIVE)
    (tmp_path / "b.yaml").write_text(KRM)
    (tmp_path / "state.json").write_text(json.dumps(TERRAFORM))
    (tmp_path / "broken.yaml").write_text("a: [")
    return load([str(tmp_path)], root=str(tmp_path))


def test_all_three_formats_load_side_by_side(loaded: LoadResult) -> None:
    assert {wanted.declarations[0].key.name for wanted in loaded.desired} == {
        "//pubsub.googleapis.com/projects/shop/topics/orders",
        "//storage.googleapis.com/shop-orders",
        "//pubsub.googleapis.com/projects/shop-prod/topics/events",
    }
    assert loaded.skipped.total() == 2


def test_what_is_wrong_is_said_with_file_line_and_field(loaded: LoadResult) -> None:
    assert sorted((problem.file, problem.line, problem.field) for problem in loaded.problems) == [
        ("a.yaml", 8, "spec.data.labls"),
        ("b.yaml", 26, "metadata.name"),
        ("broken.yaml", 2, ""),
    ]
    assert "did you mean labels?" in next(problem.message for problem in loaded.problems if problem.file == "a.yaml")


def test_a_misspelt_field_is_not_compared_and_counts_as_unchecked(loaded: LoadResult) -> None:
    (topic,) = (wanted for wanted in loaded.desired if wanted.declarations[0].key.name.endswith("/orders"))
    assert topic.declarations[0].data == {"messageRetentionDuration": "1d"}
    assert topic.declarations[0].unchecked == ("spec.data.labls",)
    assert 0 < loaded.coverage < 1


def test_annotations_of_a_manifest_say_whose_it_is_and_what_may_be_done(loaded: LoadResult) -> None:
    (bucket,) = (wanted.declarations[0] for wanted in loaded.desired if "storage" in wanted.declarations[0].key.name)
    assert (bucket.owner.team, bucket.mode, bucket.ignore) == ("shop", "approve", ("labels.touched",))
    assert bucket.settle == 0
    assert bucket.project == "shop-prod"


def test_differences_speak_in_the_words_of_the_authors_own_file(loaded: LoadResult) -> None:
    deps = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue())
    now = datetime(2026, 3, 1, tzinfo=UTC)
    apply.declare(deps.store, loaded.desired, loaded.scopes, now)
    live = {
        "location": "EU",
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": False}},
        "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 31}}]},
    }
    pipeline.receive(
        messages.resource("//storage.googleapis.com/shop-orders", "storage.googleapis.com/Bucket", live, now), {}, deps
    )
    topic = {
        "name": "projects/shop-prod/topics/events",
        "labels": {"team": "else"},
        "messageRetentionDuration": "86400s",
    }
    pipeline.receive(
        messages.resource(
            "//pubsub.googleapis.com/projects/shop-prod/topics/events", "pubsub.googleapis.com/Topic", topic, now
        ),
        {},
        deps,
    )

    problems = [
        (difference.path, difference.declared_path)
        for event in deps.bus.events
        for difference in event.data.differences
    ]
    assert problems == [
        ("iamConfiguration.uniformBucketLevelAccess.enabled", "spec.uniformBucketLevelAccess"),
        ("lifecycle.rule[0].condition.age", "spec.lifecycleRule[0].condition.age"),
        ("labels.team", "google_pubsub_topic.events.labels.team"),
    ]
    assert [str(event.data.declared_in) for event in deps.bus.events] == ["b.yaml:7", "state.json:1"]


def test_a_bad_annotation_is_a_problem_and_never_a_bad_declaration(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        KRM.replace("labels.touched", '"a["\n    setpoint.dev/mod: x').replace("approve", "often").replace("0s", "soon")
    )
    result = load([str(tmp_path)])
    assert {problem.field for problem in result.problems} >= {
        "metadata.annotations.setpoint.dev/ignore",
        "metadata.annotations.setpoint.dev/mode",
        "metadata.annotations.setpoint.dev/settle",
    }
    bucket = next(wanted.declarations[0] for wanted in result.desired if "storage" in wanted.declarations[0].key.name)
    assert (bucket.ignore, bucket.mode, bucket.settle) == ((), None, None)
