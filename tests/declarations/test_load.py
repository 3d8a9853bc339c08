from __future__ import annotations

from pathlib import Path

import pytest

from setpoint.declarations.readers.load import LoadResult, load

SCOPE_OF = "apiVersion: setpoint.dev/v1\nkind: Scope\nmetadata: {name: typed}\nspec: {projects: [p], assetTypes: "
GOOD = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata:
  name: //storage.googleapis.com/billing-exports
  project: billing-prod
  owner: {team: billing, slack: "#billing-alerts"}
spec:
  assetType: storage.googleapis.com/Bucket
  data: {location: EU, versioning: {enabled: true}}
  ignore: ["labels.last-touched", "lifecycle.rule[*].condition.age"]
  settle: 1m30s
  remediation: {mode: approve}
"""

POLICY = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: //storage.googleapis.com/billing-exports}}
spec:
  assetType: storage.googleapis.com/Bucket
  content: iam_policy
  authority: {authority}
  data: {{bindings: [{{role: {role}, members: ["user:a@x.com"]}}]}}
"""

SCOPE = """\
apiVersion: setpoint.dev/v1
kind: Scope
metadata: {name: prod, owner: {team: platform}}
spec: {projects: [billing-prod], assetTypes: [storage.googleapis.com/Bucket]}
"""


def loaded(tmp_path: Path, *texts: str) -> LoadResult:
    for index, text in enumerate(texts):
        (tmp_path / f"{index}.yaml").write_text(text)
    return load([str(tmp_path)])


def problems_of(result: LoadResult) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.field, problem.message) for problem in result.problems]


def test_a_declaration_says_all_that_it_says(tmp_path: Path) -> None:
    result = loaded(tmp_path, GOOD)
    (declaration,) = result.desired[0].declarations
    assert declaration.key.name == "//storage.googleapis.com/billing-exports"
    assert (declaration.project, declaration.owner.team, declaration.owner.slack) == (
        "billing-prod",
        "billing",
        "#billing-alerts",
    )
    assert declaration.data == {"location": "EU", "versioning": {"enabled": True}}
    assert declaration.settle == 90
    assert (declaration.mode, declaration.exact, declaration.authority, declaration.key.content) == (
        "approve",
        False,
        "policy",
        "resource",
    )
    assert declaration.ignore == ("labels.last-touched", "lifecycle.rule[*].condition.age")
    assert (Path(declaration.source.file).name, declaration.source.line) == ("0.yaml", 1)
    assert problems_of(result) == []


@pytest.mark.parametrize(
    ("change", "line", "field", "message"),
    [
        (("assetType:", "assetTyp:"), 8, "spec.assetTyp", "no such field; did you mean assetType?"),
        (("metadata:\n", "metadata:\n  nmae: x\n"), 4, "metadata.nmae", "no such field; did you mean name?"),
        (("//storage", "storage"), 4, "metadata.name", "not a full resource name"),
        (("1m30s", "soon"), 11, "spec.settle", "not a duration; use the form 30s, 5m or 1h"),
        (("1m30s", "25h"), 11, "spec.settle", "less than or equal to 86400"),
        (("1m30s", "-1"), 11, "spec.settle", "greater than or equal to 0"),
        (("approve", "sometimes"), 12, "spec.remediation.mode", "'off', 'alert', 'approve' or 'auto'"),
        (("setpoint.dev/v1", "setpoint.dev/v9"), 1, "apiVersion", "setpoint.dev/v1"),
        (("kind: Declaration", "kind: Declaraton"), 2, "kind", "did you mean Declaration?"),
        (("apiVersion: setpoint.dev/v1", "apiVersion: setpiont.dev/v1"), 1, "apiVersion", "setpoint.dev/v1"),
        (("rule[*]", "rule[*"), 10, "spec.ignore", "is not a field path"),
        (("{location: EU, versioning: {enabled: true}}", "[1]"), 9, "spec.data", "must be a map"),
        (
            ("storage.googleapis.com/Bucket", "Bucket"),
            8,
            "spec.assetType",
            "use the form compute.googleapis.com/Firewall",
        ),
        (("  data:", "  authority: role\n  data:"), 7, "spec", "authority"),
    ],
)
def test_a_bad_document_is_reported_with_line_and_field_and_the_good_ones_load(
    tmp_path: Path, change: tuple[str, str], line: int, field: str, message: str
) -> None:
    bad = GOOD.replace(*change)
    assert bad != GOOD
    result = loaded(tmp_path, f"{GOOD.replace('billing-exports', 'other')}---\n{bad}", SCOPE)
    assert len(result.desired) == 1
    assert len(result.scopes) == 1
    matching = [problem for problem in problems_of(result) if problem[1] == field and message in problem[2]]
    assert matching, problems_of(result)
    assert matching[0][0] == line + 13


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("storage.googleapis.com/Bukket", "storage.googleapis.com/Bucket"),
        ("compute.googleapis.com/Instanc", "compute.googleapis.com/Instance"),
        ("compute.googleapis.com/FireWal", "compute.googleapis.com/Firewall"),
        ("run.googleapis.com/Servise", "run.googleapis.com/Service"),
    ],
)
def test_a_misspelt_asset_type_is_reported_wherever_it_is_written(tmp_path: Path, written: str, meant: str) -> None:
    known = "storage.googleapis.com/Bucket"
    assert known in GOOD
    scope = f"{SCOPE_OF}[{known}, {written}]}}\n"
    result = loaded(tmp_path, GOOD.replace(known, written), scope)

    message = f"{written} is not an asset type; did you mean {meant}?"
    assert problems_of(result) == [(8, "spec.assetType", message), (4, "spec.assetTypes[1]", message)]


@pytest.mark.parametrize(
    "known", ["logging.googleapis.com/Log", "memorystore.googleapis.com/Instance", "run.googleapis.com/Service"]
)
def test_an_asset_type_that_no_schema_describes_is_not_taken_for_a_misspelt_one(tmp_path: Path, known: str) -> None:
    result = loaded(tmp_path, GOOD.replace("storage.googleapis.com/Bucket", known))
    assert [problem for problem in result.problems if problem.field == "spec.assetType"] == []


def test_a_resource_declared_twice_is_an_error_that_names_the_other_place(tmp_path: Path) -> None:
    result = loaded(tmp_path, GOOD, GOOD)
    assert len(result.desired) == 1
    ((line, field, message),) = problems_of(result)
    assert (line, field) == (4, "metadata.name")
    assert "0.yaml:1" in message


def test_a_resource_and_its_policy_are_declared_apart(tmp_path: Path) -> None:
    result = loaded(tmp_path, GOOD, POLICY.format(authority="policy", role="roles/a"))
    assert len(result.desired) == 2
    assert problems_of(result) == []


def test_grants_of_one_resource_may_be_declared_in_many_places(tmp_path: Path) -> None:
    parts = [
        POLICY.format(authority=authority, role=role)
        for authority, role in (("member", "roles/a"), ("member", "roles/a"), ("role", "roles/b"), ("role", "roles/c"))
    ]
    result = loaded(tmp_path, *parts)
    assert len(result.desired) == 1
    assert len(result.desired[0].declarations) == 4
    assert problems_of(result) == []


@pytest.mark.parametrize("pair", [("policy", "member"), ("role", "role"), ("policy", "policy")])
def test_two_that_own_the_same_grants_clash(tmp_path: Path, pair: tuple[str, str]) -> None:
    result = loaded(tmp_path, *(POLICY.format(authority=authority, role="roles/a") for authority in pair))
    assert len(result.desired[0].declarations) == 1
    ((_, field, message),) = problems_of(result)
    assert field == "metadata.name"
    assert "(iam_policy) is declared already at" in message
    assert "the first one counts" in message


def test_a_policy_without_bindings_is_refused(tmp_path: Path) -> None:
    result = loaded(tmp_path, POLICY.format(authority="policy", role="roles/a").replace("bindings", "bindngs"))
    assert "data.bindings" in result.problems[0].message


def test_documents_of_others_are_skipped_and_counted(tmp_path: Path) -> None:
    result = loaded(tmp_path, "apiVersion: v1\nkind: ConfigMap\n---\njust: data\n", GOOD)
    assert (result.skipped.total(), len(result.desired), problems_of(result)) == (2, 1, [])


def test_numbers_where_names_are_meant_are_names(tmp_path: Path) -> None:
    result = loaded(tmp_path, GOOD.replace("project: billing-prod", "project: 123456789012"))
    assert result.desired[0].declarations[0].project == "123456789012"


def test_a_scope_says_what_is_fully_declared(tmp_path: Path) -> None:
    (scope,) = loaded(tmp_path, SCOPE).scopes
    assert (scope.name, scope.projects, scope.owner.team) == ("prod", ("billing-prod",), "platform")
    assert scope.asset_types == ("storage.googleapis.com/Bucket",)


def test_a_slip_inside_a_list_has_its_own_line(tmp_path: Path) -> None:
    krm = """\
apiVersion: storage.cnrm.cloud.google.com/v1beta1
kind: StorageBucket
metadata: {name: exports, namespace: billing-prod}
spec:
  location: EU
  lifecycleRule:
    - action: {type: Delete}
      condition: {age: 3}
    - action: {type: Delete}
      condition:
        withState: ANY
        ageInDay: 3
        createdBefor: "2025-01-01"
"""
    result = loaded(tmp_path, krm)
    assert (13, "spec.lifecycleRule[1].condition.createdBefor") in [problem[:2] for problem in problems_of(result)]
