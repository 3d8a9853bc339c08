from __future__ import annotations

from pathlib import Path

import pytest

from setpoint.declarations.readers.load import LoadResult, load
from setpoint.model.declaration import Owner, Scope, Selection

HEAD = "apiVersion: setpoint.dev/v1\nkind: Scope\nmetadata: {name: s, owner: {team: t}}\nspec:\n"


def loaded(tmp_path: Path, spec: str) -> LoadResult:
    (tmp_path / "a.yaml").write_text(HEAD + spec)
    return load([str(tmp_path)])


def test_a_folder_is_said_to_be_fully_declared(tmp_path: Path) -> None:
    result = loaded(
        tmp_path,
        """\
  folders: [918177713511, folders/2]
  organizations: ["566099688680"]
  labels: {env: prod, tier: "*"}
  assetTypes: ["compute.googleapis.com/*", storage.googleapis.com/Bucket]
  except:
    - projects: [sandbox-1]
    - {labels: {temporary: "true"}, assetTypes: [compute.googleapis.com/Snapshot]}
    - organizations: [9]
  strict: true
  remediation: {mode: approve}
""",
    )
    assert result.problems == []
    (scope,) = result.scopes
    assert scope == Scope(
        "s",
        (),
        ("compute.googleapis.com/*", "storage.googleapis.com/Bucket"),
        Owner("t"),
        "approve",
        scope.source,
        ("folders/918177713511", "folders/2", "organizations/566099688680"),
        {"env": "prod", "tier": "*"},
        (
            Selection(projects=("sandbox-1",)),
            Selection(labels={"temporary": "true"}, asset_types=("compute.googleapis.com/Snapshot",)),
            Selection(ancestors=("organizations/9",)),
        ),
        strict=True,
    )


def test_a_scope_in_the_older_form_means_what_it_meant(tmp_path: Path) -> None:
    result = loaded(tmp_path, "  projects: [p]\n  assetTypes: [storage.googleapis.com/Bucket]\n")
    assert result.problems == []
    (scope,) = result.scopes
    assert (scope.projects, scope.ancestors, scope.strict, scope.exceptions) == (("p",), (), False, ())


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ('  assetTypes: ["*"]\n', "spec", "has no place: give projects, folders or organizations"),
        ("  projects: [p]\n", "spec.assetTypes", "is missing"),
        ("  projects: [p]\n  assetTypes: []\n", "spec.assetTypes", "at least 1 item"),
        ("  projects: [p]\n  assetTypes: [a.b.com/C, Bucket]\n", "spec.assetTypes[1]", "use the form"),
        ('  folders: [prod]\n  assetTypes: ["*"]\n', "spec.folders[0]", "use the form"),
        ('  projects: [p]\n  assetTypes: ["*"]\n  except: [{}]\n', "spec.except[0]", "is empty"),
        (
            '  projects: [p]\n  assetTypes: ["*"]\n  except: [{project: [x]}]\n',
            "spec.except[0].project",
            "no such field",
        ),
        ('  projects: [p]\n  assetTypes: ["*"]\n  exept: []\n', "spec.exept", "did you mean except?"),
    ],
)
def test_what_is_wrong_with_a_scope_is_said_with_its_field(tmp_path: Path, spec: str, field: str, message: str) -> None:
    result = loaded(tmp_path, spec)
    assert result.scopes == ()
    ((field_path, text),) = [(problem.field, problem.message) for problem in result.problems]
    assert field_path == field
    assert message in text
