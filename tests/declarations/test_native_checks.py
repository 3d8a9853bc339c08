"""What no resource can be is an error in the native format, with the place and what it looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from setpoint.declarations.readers.load import load

FIREWALL = "//compute.googleapis.com/projects/fleet-prod-123/global/firewalls/f"


def problems(tmp_path: Path, asset_type: str, data: str, *, name: str = FIREWALL, more: str = "") -> list[str]:
    path = tmp_path / "d.yaml"
    path.write_text(
        f"apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {{name: '{name}', project: fleet-prod-123}}\n"
        f"spec: {{assetType: {asset_type}, data: {data}{more}}}\n"
    )
    return [f"{problem.field}: {problem.message}" for problem in load([str(path)]).problems]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{direction: INGRES}", "spec.data.direction: INGRES is not a value of direction; did you mean INGRESS?"),
        ("{priority: high}", "spec.data.priority: high is not an integer"),
        ("{disabled: perhaps}", "spec.data.disabled: perhaps is neither true nor false"),
        ("{priority: [1]}", "spec.data.priority: priority is a single value, and not a list"),
        ("{logConfig: {enable: 7}}", "spec.data.logConfig.enable: 7 is neither true nor false"),
    ],
)
def test_a_value_that_the_api_cannot_have_is_an_error(tmp_path: Path, data: str, message: str) -> None:
    assert problems(tmp_path, "compute.googleapis.com/Firewall", data) == [message]


@pytest.mark.parametrize(
    "data", ["{direction: ingress}", "{priority: '1000'}", "{disabled: 'false'}", "{direction: NEW}"]
)
def test_other_spellings_and_newer_words_are_no_error(tmp_path: Path, data: str) -> None:
    assert problems(tmp_path, "compute.googleapis.com/Firewall", data) == []


@pytest.mark.parametrize(
    ("asset_type", "name", "fits"),
    [
        ("storage.googleapis.com/Bucket", "//storage.googleapis.com/buckets/b1", False),
        ("storage.googleapis.com/Bucket", "//storage.googleapis.com/b1", True),
        ("compute.googleapis.com/Firewall", "//compute.googleapis.com/projects/p/firewalls/f", False),
        ("compute.googleapis.com/Firewall", "//compute.googleapis.com/projects/p/global/firewall/f", False),
        (
            "container.googleapis.com/Cluster",
            "//container.googleapis.com/projects/p/locations/us-east1/clusters/c",
            True,
        ),
        ("container.googleapis.com/Cluster", "//container.googleapis.com/projects/p/zones/us-east1-b/clusters/c", True),
        ("pubsub.googleapis.com/Topic", "//pubsub.googleapis.com/projects/123456789012/topics/t", True),
        ("cloudkms.googleapis.com/KeyRing", "//cloudkms.googleapis.com/keyRings/r", False),
        ("pubsub.googleapis.com/Topic", "//pubsub.googleapis.com/projects/p/topics/${TOPIC}", False),
        ("compute.googleapis.com/Disk", "//compute.googleapis.com/projects/p/zones/us-east1-b/disks/d", True),
        ("compute.googleapis.com/Disk", "//compute.googleapis.com/projects/p/regions/us-east1/disks/d", True),
    ],
)
def test_a_name_has_a_form_of_its_type(tmp_path: Path, asset_type: str, name: str, *, fits: bool) -> None:
    assert (problems(tmp_path, asset_type, "{}", name=name) == []) is fits


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("{role: storage.admin, members: ['user:a@example.com']}", "did you mean roles/storage.admin?"),
        ("{role: roles/storage.admin, members: [a@example.com]}", "a@example.com is not a member"),
    ],
)
def test_a_role_or_member_without_its_prefix_is_an_error(tmp_path: Path, binding: str, message: str) -> None:
    name, data = "//storage.googleapis.com/b", f"{{bindings: [{binding}]}}"
    (problem,) = problems(tmp_path, "storage.googleapis.com/Bucket", data, name=name, more=", content: iam_policy")
    assert message in problem


@pytest.mark.parametrize(
    "member",
    [
        "allUsers",
        "serviceAccount:a@p.iam.gserviceaccount.com",
        "deleted:user:a@example.com?uid=1",
        "projectOwner:p",
        "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*",
    ],
)
def test_every_kind_of_member_is_known(tmp_path: Path, member: str) -> None:
    data = f"{{bindings: [{{role: roles/viewer, members: ['{member}']}}]}}"
    name = "//storage.googleapis.com/b"
    assert problems(tmp_path, "storage.googleapis.com/Bucket", data, name=name, more=", content: iam_policy") == []


def test_an_ignored_path_that_is_almost_a_field_is_an_error(tmp_path: Path) -> None:
    (problem,) = problems(
        tmp_path, "storage.googleapis.com/Bucket", "{}", name="//storage.googleapis.com/b", more=", ignore: [lables.x]"
    )
    assert problem.endswith("lables.x names no field of the API; did you mean labels?")
