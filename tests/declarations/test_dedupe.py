"""What is declared is put together out of memory as it would be in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.declarations.readers.dedupe import DeclarationSet, DeclaredResources
from setpoint.declarations.readers.deferred_documents import TextStore
from setpoint.declarations.readers.documents import Document
from setpoint.declarations.readers.load import load
from setpoint.model.declaration import Declaration, Source, clash, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.util import external_sort

BUCKET = "storage.googleapis.com/Bucket"


def declaration(name: str, authority: str, role: str, line: int) -> Declaration:
    data = {"bindings": [{"role": role, "members": ["group:a@example.com"]}]}
    key = ResourceKey(f"//storage.googleapis.com/{name}", "iam_policy")
    return Declaration(key, BUCKET, data, authority=authority, source=Source("a.yaml", line), unchecked=("spec.x",))


GRANTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["policy", "role", "member"]), st.sampled_from(["r", "s"])),
    max_size=30,
)


@given(GRANTS, st.integers(1, 40))
def test_the_first_declaration_counts_and_those_that_clash_with_it_are_problems_in_their_order(grants, run):
    given_ones = [declaration(*grant, line=line) for line, grant in enumerate(grants, start=1)]
    kept: dict[ResourceKey, list[Declaration]] = {}
    refused = []
    for resource in given_ones:
        others = kept.setdefault(resource.key, [])
        twin = next((other for other in others if clash(resource, other)), None)
        if twin is None:
            others.append(resource)
        else:
            refused.append(
                (resource.source.line, f"{resource.key.name} (iam_policy) is declared already at {twin.source}")
            )

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(external_sort, "_RUN", run)
        gathering = DeclarationSet(TextStore())
        for resource in given_ones:
            text = f"metadata:\n  x: {resource.source.line}\n"
            gathering.add(resource, Document("a.yaml", resource.source.line, 0, None, text, resource.source.line), 0)
        gathered = gathering.done()

    assert list(gathered.declared) == [desired(tuple(kept[key])) for key in sorted(kept)]
    repeated = [
        (repetition.problem.line, repetition.problem.message.partition(";")[0]) for repetition in gathered.repeated
    ]
    assert repeated == refused
    assert (gathered.leaves, gathered.unchecked) == (3 * sum(map(len, kept.values())), sum(map(len, kept.values())))


def test_of_several_desired_states_of_a_key_the_last_counts_and_all_are_in_the_order_of_keys():
    first, last, other = (
        desired((declaration(*grant, line=1),))
        for grant in [("b", "role", "r"), ("b", "role", "s"), ("a", "role", "r")]
    )
    result = DeclaredResources.of([first, last, other])
    assert list(result) == [other, last]
    assert (result[1], result[:1]) == (last, [other])
    assert DeclaredResources.of(result) is result


TWICE = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: //storage.googleapis.com/{}}}
spec: {{assetType: storage.googleapis.com/Bucket, data: {{{}: EU}}}}
"""


def test_what_is_declared_twice_is_told_among_the_other_problems_in_the_order_of_the_files(tmp_path: Path) -> None:
    texts = [("b", "locaton"), ("a", "location"), ("b", "locaton"), ("a", "location"), ("c", "locaton")]
    (tmp_path / "fleet.yaml").write_text("---\n".join(TWICE.format(*text) for text in texts))
    result = load([str(tmp_path)])
    assert [(problem.line, problem.field) for problem in result.problems] == [
        (4, "spec.data.locaton"),
        (14, "spec.data.locaton"),
        (13, "metadata.name"),
        (18, "metadata.name"),
        (24, "spec.data.locaton"),
    ]


KRM = """\
apiVersion: v1
kind: Namespace
metadata: {{name: {0}, annotations: {{cnrm.cloud.google.com/project-id: {0}-prod}}}}
---
apiVersion: compute.cnrm.cloud.google.com/v1beta1
kind: ComputeNetwork
metadata: {{name: main, namespace: {0}}}
spec: {{resourceID: {0}-net}}
---
apiVersion: compute.cnrm.cloud.google.com/v1beta1
kind: ComputeSubnetwork
metadata: {{name: sub, namespace: {0}}}
spec: {{region: europe-west1, ipCidrRange: 10.0.0.0/20, networkRef: {{name: {1}}}}}
"""


def test_references_are_looked_up_in_their_namespace_however_many_objects_have_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_sort, "_RUN", 5)
    monkeypatch.setattr(external_sort, "_INDEXED", 2)
    for number in range(9):
        (tmp_path / f"{number}.yaml").write_text(KRM.format(f"team-{number}", "main"))
    result = load([str(tmp_path)])
    networks = {
        wanted.declarations[0].project: wanted.declarations[0].data["network"]
        for wanted in result.desired
        if wanted.declarations[0].key.name.endswith("/sub")
    }
    assert networks == {f"team-{team}-prod": f"team-{team}-net" for team in range(9)}
    assert result.problems == []


def test_an_object_without_a_namespace_is_found_from_every_namespace(tmp_path: Path) -> None:
    shared = KRM.format("team", "shared").replace("spec: {resourceID: team-net}", "spec: {}")
    alone = "---\napiVersion: compute.cnrm.cloud.google.com/v1beta1\nkind: ComputeNetwork\n"
    alone += (
        "metadata: {name: shared, annotations: {cnrm.cloud.google.com/project-id: host}}\nspec: {resourceID: hub}\n"
    )
    (tmp_path / "a.yaml").write_text(shared + alone)
    result = load([str(tmp_path)])
    (subnetwork,) = (wanted for wanted in result.desired if wanted.declarations[0].key.name.endswith("/sub"))
    assert subnetwork.declarations[0].data["network"] == "hub"
