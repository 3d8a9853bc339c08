"""Where Config Connector objects come from and where they lie: dumps of a cluster, charts, defaults, options."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from setpoint.declarations.readers import krm
from setpoint.declarations.readers.load import LoadResult, load

TOPIC = "apiVersion: pubsub.cnrm.cloud.google.com/v1beta1\nkind: PubSubTopic\nmetadata: {name: a}\n"
DEFAULTS = "apiVersion: setpoint.dev/v1\nkind: Defaults\nmetadata: {name: d}\nspec: {%s}\n"


def names(result: LoadResult) -> list[str]:
    assert not result.problems
    return [desired.declarations[0].key.name.removeprefix("//pubsub.googleapis.com/") for desired in result.desired]


def test_the_output_of_kubectl_applies_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "dump.yaml"
    path.write_text(
        "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n"
        "- apiVersion: pubsub.cnrm.cloud.google.com/v1beta1\n  kind: PubSubTopic\n"
        "  metadata:\n    name: a\n    namespace: p-123\n    generation: 2\n    managedFields: [{manager: x}]\n"
        "    finalizers: [cnrm.cloud.google.com/finalizer]\n"
        "  spec: {messageRetentionDuration: 600s, resourceID: a}\n"
        "  status: {observedGeneration: 2, conditions: [{type: Ready}]}\n"
    )
    result = load([str(path)])
    assert names(result) == ["projects/p-123/topics/a"]
    assert result.desired[0].declarations[0].data == {"messageRetentionDuration": "600s"}
    assert not result.warnings


def test_a_fault_in_a_list_is_told_with_the_line_and_the_object(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    head = "- apiVersion: pubsub.cnrm.cloud.google.com/v1beta1\n  kind: PubSubTopic\n"
    item = head + "  metadata: {name: a, namespace: p-123}\n"
    path.write_text(f"apiVersion: v1\nkind: List\nitems:\n{item}{item.replace('name: a', 'name: b')}  spec: [1]\n")
    (problem,) = load([str(path)]).problems
    assert str(problem).endswith("all.yaml:10: PubSubTopic/b: spec: must be an object")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"namespace": "ns-123"}, "projects/ns-123/topics/a"),
        ({"project": "p-123"}, "projects/p-123/topics/a"),
        ({"namespace": "ns", "project": "p-123"}, "projects/ns/topics/a"),
    ],
)
def test_options_say_where_objects_lie(tmp_path: Path, options: dict[str, str], expected: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TOPIC)
    assert names(load([str(path)], **options)) == [expected]
    path.write_text(TOPIC.replace("{name: a}", "{name: a, namespace: own-1}"))
    assert names(load([str(path)], **options)) == ["projects/own-1/topics/a"]


def test_defaults_hold_for_their_directory_and_those_below(tmp_path: Path) -> None:
    for folder, name in ((".", "a"), ("x", "b"), ("x/y", "c"), ("z", "d")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "topic.yaml").write_text(TOPIC.replace("name: a", f"name: {name}"))
    (tmp_path / "defaults.yaml").write_text(DEFAULTS % "project: all-1")
    (tmp_path / "x" / "defaults.yaml").write_text(DEFAULTS % "namespace: x-1")
    assert names(load([str(tmp_path)])) == [
        "projects/all-1/topics/a",
        "projects/all-1/topics/d",
        "projects/x-1/topics/b",
        "projects/x-1/topics/c",
    ]


def test_a_second_defaults_of_a_directory_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text((DEFAULTS % "project: a") + "---\n" + (DEFAULTS % "project: b"))
    (problem,) = load([str(path)]).problems
    assert "declared already" in problem.message


def test_a_chart_is_named_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "web" / "templates").mkdir(parents=True)
    (tmp_path / "web" / "Chart.yaml").write_text("name: web\n")
    (tmp_path / "web" / "templates" / "t.yaml").write_text("{{- if .Values.x }}\n" + TOPIC + "{{- end }}\n")
    result = load([str(tmp_path)])
    assert not result.problems
    (warning,) = result.warnings
    assert "helm template" in warning.message


def test_a_template_that_is_given_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("{{- if .Values.x }}\n" + TOPIC + "{{- end }}\n")
    (problem,) = load([str(path)]).problems
    assert "helm template" in problem.message


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TOPIC.encode())))
    assert names(load(["-"], namespace="p-123")) == ["projects/p-123/topics/a"]


def test_files_may_be_excluded(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yaml").write_text(TOPIC.replace("name: a", f"name: {name}"))
    assert names(load([str(tmp_path)], namespace="p-123", exclude=["b.yaml", "c"])) == ["projects/p-123/topics/a"]


def test_a_reader_that_fails_costs_one_object_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    head = {"apiVersion": "pubsub.cnrm.cloud.google.com/v1beta1", "kind": "PubSubTopic"}
    path.write_text("\n".join(json.dumps({**head, "metadata": {"name": name, "namespace": "p-123"}}) for name in "ab"))
    read = krm.read

    def failing(document: object, objects: object) -> object:
        if document.value["metadata"]["name"] == "a":  # type: ignore[attr-defined]
            raise KeyError("x")
        return read(document, objects)  # type: ignore[arg-type]

    monkeypatch.setattr(krm, "read", failing)
    result = load([str(path)])
    assert [desired.declarations[0].key.name for desired in result.desired] == [
        "//pubsub.googleapis.com/projects/p-123/topics/b"
    ]
    assert [problem.subject for problem in result.problems] == ["PubSubTopic/a"]


def test_a_grant_without_the_kind_of_its_resource_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "apiVersion: iam.cnrm.cloud.google.com/v1beta1\nkind: IAMPolicyMember\nmetadata: {name: m, namespace: p-123}\n"
        "spec: {resourceRef: {external: b}, role: roles/viewer, member: 'user:a@example.com'}\n"
    )
    (problem,) = load([str(path)]).problems
    assert (problem.field, problem.subject) == ("spec.resourceRef", "IAMPolicyMember/m")


def test_a_misspelt_field_is_an_error_in_a_manifest_and_a_warning_in_a_dump(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    text = TOPIC.replace("{name: a}", "{name: a, namespace: p-123}") + "spec: {messageRetentionDuraton: 600s}\n"
    path.write_text(text)
    assert [problem.category for problem in load([str(path)]).problems] == ["misspelt-field"]
    path.write_text(text + "status: {}\n")
    result = load([str(path)])
    assert not result.problems
    assert [warning.category for warning in result.warnings] == ["not-compared"]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("folder-id: '77'", "//logging.googleapis.com/folders/77/sinks/audit"),
        ("organization-id: '88'", "//logging.googleapis.com/organizations/88/sinks/audit"),
        ("project-id: p-123", "//logging.googleapis.com/projects/p-123/sinks/audit"),
    ],
)
def test_the_annotation_of_a_namespace_says_where_its_objects_lie(
    tmp_path: Path, annotation: str, expected: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "apiVersion: v1\nkind: Namespace\n"
        f"metadata: {{name: team, annotations: {{cnrm.cloud.google.com/{annotation}}}}}\n---\n"
        "apiVersion: logging.cnrm.cloud.google.com/v1beta1\nkind: LoggingLogSink\n"
        "metadata: {name: audit, namespace: team}\nspec: {destination: {storageBucketRef: {external: b}}}\n"
    )
    result = load([str(path)])
    assert [desired.declarations[0].key.name for desired in result.desired] == [expected]
