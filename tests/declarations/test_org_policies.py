from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from setpoint.comparison.org_policies import compare
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.model.references import Project

HEAD = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //cloudresourcemanager.googleapis.com/projects/12, project: shop}
spec:
  assetType: cloudresourcemanager.googleapis.com/Project
  content: org_policy
  data: """
LOGIN = "constraints/compute.requireOsLogin"
PLACES = "constraints/gcp.resourceLocations"


def loaded(tmp_path: Path, data: Any) -> LoadResult:
    (tmp_path / "a.yaml").write_text(HEAD + msgspec.json.encode(data).decode() + "\n")
    return load([str(tmp_path)])


def declared(tmp_path: Path, data: Any) -> Any:
    result = loaded(tmp_path, data)
    assert result.problems == []
    return result.desired[0].declarations[0]


def v2(constraint: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": f"projects/shop/policies/{constraint}", "spec": spec, **more}


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        ({"constraint": LOGIN, "booleanPolicy": {"enforced": True}}, None),
        (
            {"constraint": "compute.requireOsLogin", "etag": "x", "booleanPolicy": {}},
            {"constraint": LOGIN, "booleanPolicy": {}},
        ),
        ({"constraint": PLACES, "restoreDefault": {}}, None),
        ({"policies": [{"constraint": PLACES, "listPolicy": {"allowedValues": ["in:eu-locations"]}}]}, None),
        (
            v2("compute.requireOsLogin", {"rules": [{"enforce": True}]}),
            {"constraint": LOGIN, "booleanPolicy": {"enforced": True}},
        ),
        (
            v2("compute.requireOsLogin", {"etag": "x", "rules": [{"enforce": "FALSE"}]}, etag="y"),
            {"constraint": LOGIN, "booleanPolicy": {"enforced": False}},
        ),
        (
            v2("gcp.resourceLocations", {"rules": [{"values": {"allowedValues": ["a"]}}], "inheritFromParent": True}),
            {"constraint": PLACES, "listPolicy": {"allowedValues": ["a"], "inheritFromParent": True}},
        ),
        (
            v2(
                "gcp.resourceLocations",
                {
                    "rules": [
                        {"values": {"allowedValues": ["a"]}},
                        {"values": {"allowedValues": ["b"], "deniedValues": ["c"]}},
                    ]
                },
            ),
            {"constraint": PLACES, "listPolicy": {"allowedValues": ["a", "b"], "deniedValues": ["c"]}},
        ),
        (
            v2("gcp.resourceLocations", {"rules": [{"allowAll": True}]}),
            {"constraint": PLACES, "listPolicy": {"allValues": "ALLOW"}},
        ),
        (
            v2("gcp.resourceLocations", {"rules": [{"denyAll": "TRUE", "allowAll": False}]}),
            {"constraint": PLACES, "listPolicy": {"allValues": "DENY"}},
        ),
        (v2("gcp.resourceLocations", {"reset": True}), {"constraint": PLACES, "restoreDefault": {}}),
        (
            v2("gcp.resourceLocations", {"inheritFromParent": True}),
            {"constraint": PLACES, "listPolicy": {"inheritFromParent": True}},
        ),
        (
            {"policies": [v2("compute.requireOsLogin", {"rules": [{"enforce": True}]})]},
            {"policies": [{"constraint": LOGIN, "booleanPolicy": {"enforced": True}}]},
        ),
    ],
)
def test_a_policy_of_either_api_is_read(tmp_path: Path, data: Any, meant: Any) -> None:
    assert declared(tmp_path, data).data == (meant or data)


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({"booleanPolicy": {"enforced": True}}, "spec.data.constraint", "is missing"),
        ({}, "spec.data.constraint", "is missing"),
        ({"constraint": LOGIN}, "spec.data", "one of booleanPolicy, listPolicy, restoreDefault"),
        ({"constraint": LOGIN, "booleanPolcy": {}}, "spec.data.booleanPolcy", "did you mean booleanPolicy?"),
        ({"constraint": LOGIN, "booleanPolicy": {"enforce": True}}, "spec.data.booleanPolicy.enforce", "enforced?"),
        ({"constraint": LOGIN, "booleanPolicy": True}, "spec.data.booleanPolicy", "must be an object"),
        ({"policies": {}}, "spec.data.policies", "list of policies"),
        ({"policies": []}, "spec.data.policies", "list of policies"),
        ({"policies": ["x"]}, "spec.data.policies[0]", "must be a policy"),
        (
            {"policies": [{"constraint": LOGIN, "booleanPolicy": {}}, {"constraint": LOGIN[12:], "booleanPolicy": {}}]},
            "spec.data.policies[1]",
            "twice",
        ),
        ({"name": "projects/p/x", "spec": {"reset": True}}, "spec.data.name", "projects/P/policies/CONSTRAINT"),
        (v2("a", {}), "spec.data.spec", "is empty"),
        (v2("a", {"rules": [{}]}), "spec.data.spec.rules[0]", "is empty"),
        (v2("a", {"rules": [{"enforced": True}]}), "spec.data.spec.rules[0].enforced", "did you mean enforce?"),
        (v2("a", {"rules": [{"enforce": "often"}]}), "spec.data.spec.rules[0].enforce", "true or false"),
        (v2("a", {"rules": [{"enforce": True}, {"enforce": False}]}), "spec.data.spec.rules[1].enforce", "contradicts"),
        (v2("a", {"rules": [{"enforce": True}, {"allowAll": True}]}), "spec.data.spec", "stands alone"),
        (v2("a", {"rules": [{"enforce": True}], "reset": True}), "spec.data.spec.reset", "stands alone"),
        (v2("a", {"rules": [{"allowAll": True, "values": {"deniedValues": ["x"]}}]}), "spec.data.spec.rules", "some"),
        (
            v2("a", {"rules": [{"enforce": True, "condition": {"expression": "x"}}]}),
            "spec.data.spec.rules[0].condition",
            "cannot be compared",
        ),
        ({"name": "projects/p/policies/a"}, "spec.data.spec", "must be an object"),
        (
            {"name": "projects/p/policies/a", "dryRunSpec": {"reset": True}},
            "spec.data.spec",
            "declare it as a resource, assetType orgpolicy.googleapis.com/Policy",
        ),
    ],
)
def test_what_would_be_compared_with_nothing_is_refused_with_its_field(
    tmp_path: Path, data: Any, field: str, message: str
) -> None:
    result = loaded(tmp_path, data)
    assert list(result.desired) == []
    ((line, field_path, text),) = [(problem.line, problem.field, problem.message) for problem in result.problems]
    assert (line, field_path) == (7, field)
    assert message in text


def test_a_dry_run_is_unchecked(tmp_path: Path) -> None:
    data = v2("compute.requireOsLogin", {"rules": [{"enforce": True}]}, dryRunSpec={"rules": [{"enforce": False}]})
    assert declared(tmp_path, data).unchecked == ("spec.data.dryRunSpec",)


def test_a_policy_of_api_v2_is_compared_with_what_the_inventory_sends(tmp_path: Path) -> None:
    data = declared(tmp_path, v2("compute.requireOsLogin", {"rules": [{"enforce": True}]})).data
    (difference,) = compare(data, [{"constraint": LOGIN, "booleanPolicy": {}}], Project(), exact=False)
    assert difference.path.endswith("booleanPolicy.enforced")
    assert not compare(data, [{"constraint": LOGIN, "booleanPolicy": {"enforced": True}}], Project(), exact=False)
