"""Config Connector's own settings: what they say of the objects beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from setpoint.declarations.readers.load import LoadResult, load

TOPIC = "---\napiVersion: pubsub.cnrm.cloud.google.com/v1beta1\nkind: PubSubTopic\nmetadata: {name: a%s}\n"
NAMESPACE = (
    "---\napiVersion: v1\nkind: Namespace\n"
    "metadata: {name: shop, annotations: {cnrm.cloud.google.com/project-id: shop-prod}}\n"
)
ACCOUNT = "cc@host-1.iam.gserviceaccount.com"


def context(namespace: str = "shop", **spec: str) -> str:
    place = f", namespace: {namespace}" if namespace else ""
    fields = ", ".join(f"{name}: {value}" for name, value in {"googleServiceAccount": ACCOUNT, **spec}.items())
    return (
        "---\napiVersion: core.cnrm.cloud.google.com/v1beta1\nkind: ConfigConnectorContext\n"
        f"metadata: {{name: configconnectorcontext.core.cnrm.cloud.google.com{place}}}\nspec: {{{fields}}}\n"
    )


def connector(**spec: str) -> str:
    fields = ", ".join(f"{name}: {value}" for name, value in spec.items())
    return (
        "---\napiVersion: core.cnrm.cloud.google.com/v1beta1\nkind: ConfigConnector\n"
        f"metadata: {{name: configconnector.core.cnrm.cloud.google.com}}\nspec: {{{fields}}}\n"
    )


def loaded(folder: Path, **texts: str) -> LoadResult:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return load([str(folder)])


def names(result: LoadResult) -> list[str]:
    return [str(desired.declarations[0].key.name) for desired in result.desired]


def warning(result: LoadResult) -> str:
    (problem,) = result.warnings
    assert problem.category == "controller"
    return problem.message


def test_a_context_says_where_its_objects_are_and_who_writes_them(tmp_path: Path) -> None:
    result = loaded(tmp_path, a=NAMESPACE + context(billingProject="payer-1"), b=TOPIC % ", namespace: shop")
    assert names(result) == ["//pubsub.googleapis.com/projects/shop-prod/topics/a"]
    assert not result.problems
    assert "for namespace shop and declares no resource" in warning(result)
    assert "are in shop-prod" in warning(result)
    assert f"writes as {ACCOUNT}" in warning(result)
    assert "billed to payer-1, which is not the project" in warning(result)


def test_objects_without_a_namespace_are_in_that_of_the_only_context_of_their_directory(tmp_path: Path) -> None:
    result = loaded(tmp_path, shop__context=NAMESPACE + context(), shop__topic=TOPIC % "")
    assert names(result) == ["//pubsub.googleapis.com/projects/shop-prod/topics/a"]


def test_two_contexts_in_a_directory_and_contexts_elsewhere_give_no_namespace(tmp_path: Path) -> None:
    result = loaded(tmp_path, shop__contexts=context() + context("other"), shop__topic=TOPIC % "")
    assert [problem.category for problem in result.problems] == ["unnamed"]
    result = loaded(tmp_path / "two", shop__context=context(), apps__topic=TOPIC % "")
    assert [problem.category for problem in result.problems] == ["unnamed"]


def test_a_document_of_defaults_counts_before_a_context(tmp_path: Path) -> None:
    defaults = "---\napiVersion: setpoint.dev/v1\nkind: Defaults\nmetadata: {name: d}\nspec: {namespace: own-1}\n"
    result = loaded(tmp_path, a=context() + defaults, b=TOPIC % "")
    assert names(result) == ["//pubsub.googleapis.com/projects/own-1/topics/a"]


def test_a_paused_controller_leaves_reverting_to_setpoint(tmp_path: Path) -> None:
    assert "nothing else reverts it" in warning(loaded(tmp_path, a=context(actuationMode="Paused")))
    assert "paused" not in warning(loaded(tmp_path / "2", a=context(actuationMode="Reconciling")))


def test_merged_state_is_said_to_be_declared(tmp_path: Path) -> None:
    assert "defaults of the API are declared too" in warning(loaded(tmp_path, a=connector(stateIntoSpec="Merge")))
    assert "copies" not in warning(loaded(tmp_path / "2", a=connector(stateIntoSpec="Absent")))


MODE = ", namespace: shop, annotations: {setpoint.dev/mode: %s%s}"


@pytest.mark.parametrize(
    ("settings", "mode", "annotation", "conflicts"),
    [
        (context(), "approve", "", True),
        (context(), "auto", "", True),
        (context(), "alert", "", False),
        (context(actuationMode="Paused"), "approve", "", False),
        (connector(actuationMode="Paused") + context(), "approve", "", False),
        (connector(actuationMode="Paused") + context(actuationMode="Reconciling"), "approve", "", True),
        (connector(mode="cluster"), "approve", "", True),
        (context(), "approve", ", cnrm.cloud.google.com/actuation-mode: Paused", False),
        (context(), "approve", ", cnrm.cloud.google.com/reconcile-interval-in-seconds: '0'", False),
        ("", "approve", "", False),
    ],
)
def test_an_approval_of_what_the_controller_reverts_by_itself_is_reported(
    tmp_path: Path, settings: str, mode: str, annotation: str, conflicts: bool
) -> None:
    result = loaded(tmp_path, a=settings, b=TOPIC % (MODE % (mode, annotation)))
    messages = [problem.message for problem in result.warnings if "setpoint.dev/mode" in problem.field]
    assert bool(messages) is conflicts
    assert all("set actuationMode: Paused in ConfigConnector" in message for message in messages)


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        (context(actuationMode="Pause"), "spec.actuationMode", "must be Reconciling or Paused"),
        (context(stateIntoSpec="merge"), "spec.stateIntoSpec", "must be Absent or Merge"),
        (connector(mode="namespace"), "spec.mode", "must be namespaced or cluster"),
        (context("", actuationMode="Paused"), "metadata.namespace", "is missing"),
        (context().replace("Context\n", "Contxt\n"), "kind", "did you mean ConfigConnectorContext?"),
    ],
)
def test_a_wrong_setting_is_an_error(tmp_path: Path, text: str, field: str, message: str) -> None:
    (problem,) = loaded(tmp_path, a=text).problems
    assert (problem.field, message in problem.message) == (field, True)


def test_settings_in_a_kustomization_are_read(tmp_path: Path) -> None:
    kustomization = "namespace: shop\nresources: [context.yaml, topic.yaml]\n"
    result = loaded(
        tmp_path, kustomization=kustomization, context=connector(mode="namespaced") + context(""), topic=TOPIC % ""
    )
    assert names(result) == ["//pubsub.googleapis.com/projects/shop/topics/a"]
    assert not result.problems
    assert [problem.message.partition(" and ")[0] for problem in result.warnings] == [
        "sets up Config Connector for the cluster",
        "sets up Config Connector for namespace shop",
    ]


def test_other_kinds_of_the_group_declare_nothing(tmp_path: Path) -> None:
    text = connector().replace("kind: ConfigConnector\n", "kind: ServiceMapping\n")
    assert "declares no resource" in warning(loaded(tmp_path, a=text))
