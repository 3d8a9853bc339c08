"""Access policies, levels and perimeters: declared in each format, compared with what the inventory sends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import export
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.detection.verdict import Verdict, judge
from setpoint.model import observation as observations
from setpoint.model.declaration import desired
from setpoint.model.fleet_rules import rules

POLICY = "//accesscontextmanager.googleapis.com/accessPolicies/987654"
LEVEL = f"{POLICY}/accessLevels/office"
PERIMETER = f"{POLICY}/servicePerimeters/data"
OFFICE = {
    "name": "accessPolicies/987654/accessLevels/office",
    "title": "Office",
    "basic": {
        "conditions": [
            {
                "ipSubnetworks": ["2001:db8::/32", "192.0.2.0/24"],
                "members": ["serviceAccount:ci@shop.iam.gserviceaccount.com", "user:ann@example.com"],
                "devicePolicy": {"requireCorpOwned": True},
            }
        ]
    },
}
DATA = {
    "name": "accessPolicies/987654/servicePerimeters/data",
    "title": "Data",
    "status": {
        "resources": ["projects/12", "projects/11"],
        "accessLevels": ["accessPolicies/987654/accessLevels/office"],
        "restrictedServices": ["storage.googleapis.com", "bigquery.googleapis.com"],
        "vpcAccessibleServices": {"enableRestriction": True, "allowedServices": ["RESTRICTED-SERVICES"]},
    },
    "spec": {"restrictedServices": ["storage.googleapis.com"]},
    "useExplicitDryRunSpec": True,
}

KRM = """\
apiVersion: accesscontextmanager.cnrm.cloud.google.com/v1beta1
kind: AccessContextManagerAccessPolicy
metadata: {name: main, annotations: {cnrm.cloud.google.com/organization-id: "123"}}
spec: {resourceID: "987654", title: Main}
---
apiVersion: accesscontextmanager.cnrm.cloud.google.com/v1beta1
kind: AccessContextManagerAccessLevel
metadata: {name: office}
spec:
  accessPolicyRef: {name: main}
  title: Office
  basic:
    combiningFunction: AND
    conditions:
    - ipSubnetworks: ["192.0.2.0/24", "2001:DB8::/32"]
      members:
      - {user: "user:Ann@example.com"}
      - {serviceAccountRef: {external: "serviceAccount:ci@shop.iam.gserviceaccount.com"}}
      devicePolicy: {requireCorpOwned: true}
---
apiVersion: accesscontextmanager.cnrm.cloud.google.com/v1beta1
kind: AccessContextManagerServicePerimeter
metadata: {name: data}
spec:
  accessPolicyRef: {external: accessPolicies/987654}
  title: Data
  perimeterType: PERIMETER_TYPE_REGULAR
  useExplicitDryRunSpec: true
  status:
    resources: [{projectRef: {external: projects/11}}, {projectRef: {external: projects/12}}]
    accessLevels: [{name: office}]
    restrictedServices: [bigquery.googleapis.com, storage.googleapis.com]
    vpcAccessibleServices: {allowedServices: [RESTRICTED-SERVICES], enableRestriction: true}
  spec: {restrictedServices: [storage.googleapis.com]}
"""
TF_LEVEL = {
    "name": "accessPolicies/987654/accessLevels/office",
    "title": "Office",
    "description": "",
    "custom": [],
    "basic": [
        {
            "combining_function": "AND",
            "conditions": [
                {
                    "ip_subnetworks": ["192.0.2.0/24", "2001:db8::/32"],
                    "members": ["user:ann@example.com", "serviceAccount:ci@shop.iam.gserviceaccount.com"],
                    "negate": False,
                    "regions": [],
                    "required_access_levels": [],
                    "device_policy": [{"require_corp_owned": True, "require_screen_lock": False, "os_constraints": []}],
                }
            ],
        }
    ],
}
TF_PERIMETER = {
    "name": "accessPolicies/987654/servicePerimeters/data",
    "title": "Data",
    "description": None,
    "perimeter_type": "PERIMETER_TYPE_REGULAR",
    "use_explicit_dry_run_spec": True,
    "status": [
        {
            "resources": ["projects/11", "projects/12"],
            "access_levels": ["accessPolicies/987654/accessLevels/office"],
            "restricted_services": ["bigquery.googleapis.com", "storage.googleapis.com"],
            "vpc_accessible_services": [{"enable_restriction": True, "allowed_services": ["RESTRICTED-SERVICES"]}],
            "ingress_policies": [],
            "egress_policies": [],
        }
    ],
    "spec": [{"resources": [], "access_levels": [], "restricted_services": ["storage.googleapis.com"]}],
}


def native(name: str, kind: str, data: dict[str, Any]) -> str:
    document = {
        "apiVersion": "setpoint.dev/v1",
        "kind": "Declaration",
        "metadata": {"name": name},
        "spec": {
            "assetType": f"accesscontextmanager.googleapis.com/{kind}",
            "content": "access_policy",
            "data": {key: part for key, part in data.items() if key != "name"},
        },
    }
    return msgspec.json.encode(document).decode()


def terraform(*resources: tuple[str, dict[str, Any]]) -> str:
    return msgspec.json.encode(
        {
            "format_version": "1.0",
            "values": {
                "root_module": {
                    "resources": [
                        {
                            "address": f"{kind}.x",
                            "mode": "managed",
                            "type": kind,
                            "name": "x",
                            "provider_name": "registry.terraform.io/hashicorp/google",
                            "values": {"parent": "accessPolicies/987654", **values},
                        }
                        for kind, values in resources
                    ]
                }
            },
        }
    ).decode()


FORMS = {
    "native.yaml": native(LEVEL, "AccessLevel", OFFICE) + "\n---\n" + native(PERIMETER, "ServicePerimeter", DATA),
    "krm.yaml": KRM,
    "singles.json": terraform(
        ("google_access_context_manager_access_level", TF_LEVEL),
        ("google_access_context_manager_service_perimeter", TF_PERIMETER),
    ),
    "lists.json": terraform(
        ("google_access_context_manager_access_levels", {"access_levels": [TF_LEVEL]}),
        ("google_access_context_manager_service_perimeters", {"service_perimeters": [TF_PERIMETER]}),
    ),
}


def loaded(tmp_path: Path, form: str) -> LoadResult:
    (tmp_path / form).write_text(FORMS[form])
    return load([str(tmp_path)])


def message(name: str, field: str, data: dict[str, Any], **more: Any) -> bytes:
    asset = {
        "name": name,
        "assetType": f"accesscontextmanager.googleapis.com/{field[0].upper()}{field[1:]}",
        "ancestors": ["organizations/123"],
        "updateTime": "2025-06-17T15:35:48.938746Z",
        field: data,
    }
    return msgspec.json.encode({"asset": asset, **more})


def verdict(result: LoadResult, sent: bytes) -> Verdict:
    observation = observations.parse(sent)
    assert observation is not None
    wanted = [wanted for wanted in result.desired if wanted.declarations[0].key == observation.key]
    assert wanted, observation.key
    judged = judge(wanted[0], rules(()), observation, default_catalogue())
    assert isinstance(judged, Verdict)
    return judged


@pytest.mark.parametrize("form", FORMS)
def test_levels_and_perimeters_of_every_format_are_compared_by_meaning(tmp_path: Path, form: str) -> None:
    result = loaded(tmp_path, form)
    assert result.problems == []
    assert result.unchecked == 0
    for sent in (message(LEVEL, "accessLevel", OFFICE), message(PERIMETER, "servicePerimeter", DATA)):
        assert verdict(result, sent).differences == ()


@pytest.mark.parametrize("form", FORMS)
def test_what_is_changed_by_hand_is_drift_of_high_severity(tmp_path: Path, form: str) -> None:
    result = loaded(tmp_path, form)
    status = {**DATA["status"], "restrictedServices": ["storage.googleapis.com"], "resources": ["projects/11"]}
    judged = verdict(result, message(PERIMETER, "servicePerimeter", {**DATA, "status": status}))
    assert {difference.path for difference in judged.differences} == {"status.resources", "status.restrictedServices"}
    assert judged.severity == "high"
    opened = {**OFFICE, "basic": {"conditions": [{"ipSubnetworks": ["0.0.0.0/0"]}]}}
    assert verdict(result, message(LEVEL, "accessLevel", opened)).kind == "modified"


def test_a_dry_run_that_is_switched_off_is_drift(tmp_path: Path) -> None:
    live = {key: part for key, part in DATA.items() if key != "useExplicitDryRunSpec"}
    judged = verdict(loaded(tmp_path, "singles.json"), message(PERIMETER, "servicePerimeter", live))
    assert [difference.path for difference in judged.differences] == ["useExplicitDryRunSpec"]


def test_an_access_policy_itself_is_declared(tmp_path: Path) -> None:
    result = loaded(tmp_path, "krm.yaml")
    sent = message(
        POLICY, "accessPolicy", {"name": "accessPolicies/987654", "parent": "organizations/123", "title": "X"}
    )
    assert [difference.path for difference in verdict(result, sent).differences] == ["title"]


def test_a_level_that_is_deleted_is_known_from_what_it_was_or_from_its_type_alone(tmp_path: Path) -> None:
    result = loaded(tmp_path, "native.yaml")
    gone = {"asset": {"name": LEVEL, "assetType": "accesscontextmanager.googleapis.com/AccessLevel", "resource": {}}}
    gone |= {"deleted": True, "window": {"startTime": "2025-06-17T15:36:25.534906Z"}}
    assert verdict(result, msgspec.json.encode(gone)).kind == "deleted"
    prior = msgspec.json.decode(message(LEVEL, "accessLevel", OFFICE))["asset"]
    assert verdict(result, msgspec.json.encode({**gone, "priorAsset": prior})).kind == "deleted"


def test_a_level_is_exported_and_reads_back_as_it_is(tmp_path: Path) -> None:
    observation = observations.parse(message(LEVEL, "accessLevel", OFFICE))
    assert observation is not None
    exported = export.export(observation, default_catalogue())
    assert exported.declaration is not None
    document = export.document(exported.declaration)
    assert document["spec"]["content"] == "access_policy"
    (tmp_path / "a.yaml").write_text(msgspec.json.encode(document).decode())
    result = load([str(tmp_path)])
    assert result.problems == []
    (again,) = result.desired
    assert again.digest == desired((exported.declaration,)).digest


def test_an_entry_of_anothers_list_is_no_declaration_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "apiVersion: accesscontextmanager.cnrm.cloud.google.com/v1beta1\n"
        "kind: AccessContextManagerServicePerimeterResource\nmetadata: {name: x}\n"
        "spec: {perimeterNameRef: {external: accessPolicies/1/servicePerimeters/data}, resourceRef: {external: p}}\n"
    )
    resource = ("google_access_context_manager_service_perimeter_resource", {"perimeter_name": "x", "resource": "p"})
    (tmp_path / "b.json").write_text(terraform(resource))
    result = load([str(tmp_path)])
    assert (result.problems, list(result.desired)) == ([], [])


def test_the_content_of_a_type_is_told_where_it_is_said_otherwise(tmp_path: Path) -> None:
    text = native(LEVEL, "AccessLevel", OFFICE)
    (tmp_path / "a.yaml").write_text(text.replace('"content":"access_policy",', ""))
    (tmp_path / "b.yaml").write_text(text.replace("accesscontextmanager.googleapis.com/AccessLevel", "a.b.com/C"))
    messages = [problem.message for problem in load([str(tmp_path)]).problems]
    assert messages == [
        "accesscontextmanager.googleapis.com/AccessLevel is declared with content: access_policy",
        "a.b.com/C is declared with content: resource",
    ]
