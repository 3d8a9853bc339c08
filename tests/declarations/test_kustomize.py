"""Kustomize directories are built as `kustomize build` does; what cannot be built is named and declares nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from setpoint.declarations.readers import kustomize_patches
from setpoint.declarations.readers.kustomize_patches import PatchError
from setpoint.declarations.readers.load import LoadResult, load

TOPIC = """\
apiVersion: pubsub.cnrm.cloud.google.com/v1beta1
kind: PubSubTopic
metadata: {name: clicks}
spec: {messageRetentionDuration: 600s}
"""
BUCKET = """\
apiVersion: storage.cnrm.cloud.google.com/v1beta1
kind: StorageBucket
metadata: {name: lake, labels: {a: b}}
spec: {location: EU, cors: [{maxAgeSeconds: 1}, {maxAgeSeconds: 2}]}
"""


def tree(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path = path if path.suffix else path.with_suffix(".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names(result: LoadResult) -> list[str]:
    return [desired.declarations[0].key.name.removeprefix("//") for desired in result.desired]


def only(result: LoadResult) -> dict[str, Any]:
    assert not result.problems
    (desired,) = result.desired
    return dict(desired.declarations[0].data)


def test_the_namespace_and_the_names_are_those_of_the_overlay(tmp_path: Path) -> None:
    tree(
        tmp_path,
        base__topic=TOPIC,
        base__kustomization="resources: [topic.yaml]\nnamespace: base-123\nnameSuffix: -s\n",
        prod__kustomization="resources: [../base]\nnamespace: prod-123\nnamePrefix: p-\n",
        dev__kustomization="resources: [../base]\nnamespace: dev-123\n",
    )
    result = load([str(tmp_path)])
    assert names(result) == [
        "pubsub.googleapis.com/projects/dev-123/topics/clicks-s",
        "pubsub.googleapis.com/projects/prod-123/topics/p-clicks-s",
    ]


def test_a_declaration_keeps_the_file_and_line_that_it_comes_from(tmp_path: Path) -> None:
    tree(
        tmp_path, base__topic=f"# one\n---\n{TOPIC}", base__kustomization="resources: [topic.yaml]\nnamespace: p-123\n"
    )
    (desired,) = load([str(tmp_path)]).desired
    assert desired.declarations[0].source.file == str(tmp_path / "base" / "topic.yaml")
    assert desired.declarations[0].source.line == 3


def test_a_file_that_is_not_listed_is_told_and_not_read(tmp_path: Path) -> None:
    tree(tmp_path, topic=TOPIC, bucket=BUCKET, kustomization="resources: [topic.yaml]\nnamespace: p-123\n")
    result = load([str(tmp_path)])
    assert names(result) == ["pubsub.googleapis.com/projects/p-123/topics/clicks"]
    assert [(Path(warning.file).name, warning.category) for warning in result.warnings] == [("bucket.yaml", "not-read")]


def test_documents_of_setpoint_beside_a_kustomization_are_read(tmp_path: Path) -> None:
    scope = "apiVersion: setpoint.dev/v1\nkind: Scope\nmetadata: {name: s}\nspec: {projects: [p], assetTypes: ['*']}\n"
    tree(tmp_path, topic=TOPIC, scope=scope, kustomization="resources: [topic.yaml]\nnamespace: p-123\n")
    result = load([str(tmp_path)])
    assert [scope.name for scope in result.scopes] == ["s"]
    assert not result.warnings


@pytest.mark.parametrize(
    "patch",
    [
        (
            "patches: [{patch: '{apiVersion: storage.cnrm.cloud.google.com/v1beta1, kind: StorageBucket,"
            " metadata: {name: lake}, spec: {location: US, cors: [{maxAgeSeconds: 9}]}}'}]"
        ),
        (
            "patches: [{target: {kind: StorageB.*}, patch: '{apiVersion: x/v1, kind: X, metadata: {name: x},"
            " spec: {location: US, cors: [{maxAgeSeconds: 9}]}}'}]"
        ),
        (
            "patches: [{target: {labelSelector: a in (b)}, patch: '[{op: replace, path: /spec/location, value: US},"
            " {op: replace, path: /spec/cors, value: [{maxAgeSeconds: 9}]}]'}]"
        ),
        (
            "patchesJson6902: [{target: {kind: StorageBucket, name: lake}, patch: '[{op: add, path: /spec/location,"
            " value: US}, {op: remove, path: /spec/cors/0},"
            " {op: replace, path: /spec/cors/0/maxAgeSeconds, value: 9}]'}]"
        ),
    ],
)
def test_patches_are_applied(tmp_path: Path, patch: str) -> None:
    tree(tmp_path, bucket=BUCKET, kustomization=f"resources: [bucket.yaml]\nnamespace: p-123\n{patch}\n")
    data = only(load([str(tmp_path)]))
    assert (data["location"], data["cors"]) == ("US", [{"maxAgeSeconds": 9}])


def test_a_patch_may_delete_an_object(tmp_path: Path) -> None:
    deletion = "{apiVersion: x/v1, kind: X, metadata: {name: x}, $patch: delete}"
    patch = f"patches: [{{target: {{kind: StorageBucket}}, patch: '{deletion}'}}]"
    tree(
        tmp_path,
        bucket=BUCKET,
        topic=TOPIC,
        kustomization=f"resources: [bucket.yaml, topic.yaml]\nnamespace: p-123\n{patch}\n",
    )
    assert names(load([str(tmp_path)])) == ["pubsub.googleapis.com/projects/p-123/topics/clicks"]


def test_labels_and_annotations_are_added(tmp_path: Path) -> None:
    kustomization = (
        "resources: [topic.yaml]\ncommonLabels: {stage: prod}\nlabels: [{pairs: {team: data}}]\n"
        "commonAnnotations: {cnrm.cloud.google.com/project-id: p-123}\n"
    )
    data = only(load([str(tree(tmp_path, topic=TOPIC, kustomization=kustomization))]))
    assert data["labels"] == {"stage": "prod", "team": "data", "managed-by-cnrm": "true"}


def test_components_change_what_uses_them(tmp_path: Path) -> None:
    tree(
        tmp_path,
        base__topic=TOPIC,
        base__kustomization="resources: [topic.yaml]\n",
        long__kustomization="kind: Component\npatches: [{target: {kind: PubSubTopic}, "
        "patch: '[{op: replace, path: /spec/messageRetentionDuration, value: 900s}]'}]\n",
        prod__kustomization="resources: [../base]\ncomponents: [../long]\nnamespace: p-123\n",
    )
    assert only(load([str(tmp_path)]))["messageRetentionDuration"] == "900s"


@pytest.mark.parametrize(
    ("kustomization", "message"),
    [
        ("resources: [topic.yaml]\nreplacements: [{path: r.yaml}]\n", "replacements"),
        ("resources: [topic.yaml]\nhelmCharts: [{name: x}]\n", "helmCharts"),
        ("resources: [topic.yaml]\nresource: []\n", "not a field of a kustomization"),
        ("resources: [topic.yaml, 'https://github.com/example/bases//net?ref=v1']\n", "nothing is fetched"),
        ("resources: [topic.yaml, missing.yaml]\n", "no such file"),
        ("resources: [topic.yaml, topic.yaml]\n", "twice"),
        ("resources: [topic.yaml, ../outside.yaml]\n", "does not lie below"),
        ("resources: [topic.yaml, ../in]\n", "cycle"),
        ("resources: [topic.yaml]\npatches: [{patch: '{kind: X, metadata: {name: y}}'}]\n", "no object matches"),
        ("resources: [topic.yaml]\npatches: [{patch: '[{op: add, path: /a, value: 1}]'}]\n", "needs a target"),
        ("resources: [topic.yaml]\ncommonLabels: {a: 1}\n", "map of strings"),
        (
            "resources: [topic.yaml]\npatches: [{target: {kind: P.*}, patch: '[{op: remove, path: /spec/x}]'}]\n",
            "there is no /spec/x",
        ),
    ],
)
def test_what_cannot_be_built_is_named_and_declares_nothing(tmp_path: Path, kustomization: str, message: str) -> None:
    tree(tmp_path, outside=TOPIC.replace("clicks", "o"))
    tree(tmp_path / "in", topic=TOPIC, kustomization=f"{kustomization}namespace: p-123\n")
    result = load([str(tmp_path / "in")])
    assert not list(result.desired)
    (problem,) = result.problems
    assert Path(problem.file).name in {"kustomization.yaml", "topic.yaml"}
    assert message in problem.message


def test_a_root_that_cannot_be_built_spoils_no_other(tmp_path: Path) -> None:
    tree(tmp_path, good__topic=TOPIC, good__kustomization="resources: [topic.yaml]\nnamespace: p-123\n")
    tree(tmp_path, bad__kustomization="resources: [nothing.yaml]\n")
    result = load([str(tmp_path)])
    assert names(result) == ["pubsub.googleapis.com/projects/p-123/topics/clicks"]
    assert len(result.problems) == 1


def test_images_are_set_where_containers_are_listed(tmp_path: Path) -> None:
    service = """\
apiVersion: run.cnrm.cloud.google.com/v1beta1
kind: RunService
metadata: {name: web}
spec: {location: us-east1, template: {containers: [{image: gcr.io/fleet/web:1}]}}
"""
    kustomization = "resources: [run.yaml]\nnamespace: p-123\nimages: [{name: gcr.io/fleet/web, newTag: '2'}]\n"
    data = only(load([str(tree(tmp_path, run=service, kustomization=kustomization))]))
    assert data["template"]["containers"][0]["image"] == "gcr.io/fleet/web:2"


def test_a_namespace_with_its_project_is_renamed_with_the_namespace(tmp_path: Path) -> None:
    namespace = (
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: x, annotations: {cnrm.cloud.google.com/project-id: p-123}}\n"
    )
    kustomization = "resources: [ns.yaml, topic.yaml]\nnamespace: team-a\n"
    result = load([str(tree(tmp_path, ns=namespace, topic=TOPIC, kustomization=kustomization))])
    assert names(result) == ["pubsub.googleapis.com/projects/p-123/topics/clicks"]


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}, "d": 1}, {"a": {"$patch": "delete"}}, {"d": 1}),
        ({"a": 1}, {"b": {"c": None, "d": 1}}, {"a": 1, "b": {"d": 1}}),
    ],
)
def test_strategic_merge(target: Any, patch: Any, expected: Any) -> None:
    assert kustomize_patches.strategic_merge(target, patch) == expected


def test_json_patches_copy_move_and_test() -> None:
    value = {"a": {"b": [1, 2]}, "c/d": 0}
    operations = [
        {"op": "test", "path": "/c~1d", "value": 0},
        {"op": "copy", "from": "/a/b/0", "path": "/e"},
        {"op": "move", "from": "/a/b/1", "path": "/f"},
        {"op": "add", "path": "/a/b/-", "value": 3},
    ]
    assert kustomize_patches.json_patch(value, operations) == {"a": {"b": [1, 3]}, "c/d": 0, "e": 1, "f": 2}
    with pytest.raises(PatchError, match="failed"):
        kustomize_patches.json_patch(value, [{"op": "test", "path": "/c~1d", "value": 1}])
