from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from setpoint import cli
from setpoint.adapters.google.asset_inventory import AssetInventory, QuotaRetryPolicy, client
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.apply import apply, plan
from setpoint.declarations.exported_text import as_yaml
from setpoint.declarations.readers import documents
from setpoint.declarations.readers.load import load
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context

ORGANIZATION = "organizations/566099688680"
ANCESTORS = {"shop-prod": "projects/11", "keys-prod": "projects/12"}
TOPIC = "pubsub.googleapis.com/Topic"
BUCKET = "storage.googleapis.com/Bucket"


def asset(name: str, asset_type: str, project: str, data: Any, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "assetType": asset_type,
        "ancestors": [ANCESTORS[project], ORGANIZATION],
        "updateTime": "2025-06-17T15:35:48Z",
        "resource": {"version": "v1", "data": data},
        **more,
    }


@pytest.fixture
def fleet(asset_service):
    for project, ancestor in ANCESTORS.items():
        number = ancestor.removeprefix("projects/")
        asset_service.put(
            asset(
                f"//cloudresourcemanager.googleapis.com/{ancestor}",
                "cloudresourcemanager.googleapis.com/Project",
                project,
                {"projectId": project, "projectNumber": number, "lifecycleState": "ACTIVE", "name": project},
                orgPolicy=[{"constraint": "constraints/a", "booleanPolicy": {"enforced": True}, "etag": "abcd"}],
                iamPolicy={
                    "bindings": [
                        {"role": "roles/viewer", "members": ["user:b@example.com", "user:a@example.com"]},
                        {
                            "role": "roles/pubsub.serviceAgent",
                            "members": [f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"],
                        },
                    ]
                },
            )
        )
    for name in ("orders", "NO"):
        asset_service.put(
            asset(
                f"//pubsub.googleapis.com/projects/shop-prod/topics/{name}",
                TOPIC,
                "shop-prod",
                {
                    "name": f"projects/shop-prod/topics/{name}",
                    "labels": {"country": "NO", "at": "1:30", "goog-managed": "x"},
                    "messageRetentionDuration": "86400s",
                    "state": "ACTIVE",
                },
            )
        )
    asset_service.put(
        asset(
            "//storage.googleapis.com/exports",
            BUCKET,
            "keys-prod",
            {"name": "exports", "location": "EU", "timeCreated": "2025-06-17T15:35:48Z", "etag": "CAE="},
        )
    )
    asset_service.put(asset("//x.googleapis.com/projects/shop-prod/y/z", "x.googleapis.com/Y", "shop-prod", {"a": 1}))
    return asset_service


def setpoint(monkeypatch, *arguments: str) -> int:
    """Run the command in this process, where the fake is."""
    monkeypatch.setattr(sys, "argv", ["setpoint", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def export(monkeypatch, tmp_path):
    def run(*arguments: str, scope: str = ORGANIZATION) -> int:
        return setpoint(monkeypatch, "export", "--scope", scope, "--output", str(tmp_path / "fleet"), *arguments)

    return run


def files(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}


ALL = ("--content", "resource", "--content", "iam_policy", "--content", "org_policy")


@pytest.mark.usefixtures("fleet")
def test_a_project_has_a_file_for_each_type_and_content(export, tmp_path) -> None:
    assert export(*ALL, "--owner", "shop") == 0
    written = files(tmp_path / "fleet")
    assert list(written) == [
        "keys-prod/cloudresourcemanager.Project.iam_policy.yaml",
        "keys-prod/cloudresourcemanager.Project.org_policy.yaml",
        "keys-prod/cloudresourcemanager.Project.yaml",
        "keys-prod/storage.Bucket.yaml",
        "shop-prod/cloudresourcemanager.Project.iam_policy.yaml",
        "shop-prod/cloudresourcemanager.Project.org_policy.yaml",
        "shop-prod/cloudresourcemanager.Project.yaml",
        "shop-prod/pubsub.Topic.yaml",
    ]
    assert written["keys-prod/storage.Bucket.yaml"] == (
        "---\n"
        "apiVersion: setpoint.dev/v1\n"
        "kind: Declaration\n"
        "metadata:\n"
        "  name: //storage.googleapis.com/exports\n"
        "  project: keys-prod\n"
        "  owner:\n"
        "    team: shop\n"
        "spec:\n"
        "  assetType: storage.googleapis.com/Bucket\n"
        "  data:\n"
        "    location: EU\n"
        "    name: exports\n"
    )
    assert written["shop-prod/pubsub.Topic.yaml"].index("topics/NO") < written["shop-prod/pubsub.Topic.yaml"].index(
        "topics/orders"
    )


def test_an_export_that_is_applied_shows_no_drift(fleet, export, tmp_path) -> None:
    assert export(*ALL) == 0
    loaded = load([str(tmp_path / "fleet")])
    assert loaded.problems == []
    store = MemoryStore()
    apply(plan(loaded.desired, loaded.scopes, "git", store), store, datetime.now(UTC))
    deps = Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue())
    outcomes = [pipeline.handle_observation(observation, deps) for observation in _observations()]
    assert outcomes.count("in_sync") == len(loaded.desired) == 9
    assert list(store.states(drifted=True)) == []
    fleet.put(
        asset("//storage.googleapis.com/exports", BUCKET, "keys-prod", {"location": "US"})
        | {"updateTime": "2025-06-18T00:00:00Z"}
    )
    assert "opened" in [pipeline.handle_observation(observation, deps) for observation in _observations()]


def _observations() -> list[Any]:
    inventory = AssetInventory(client())
    contents = ("resource", "iam_policy", "org_policy")
    return [
        observation
        for each in contents
        for page in inventory.pages(ORGANIZATION, each)
        for observation in page.observations
    ]


@pytest.mark.usefixtures("fleet")
def test_what_is_left_out_and_what_cannot_be_declared_is_counted(export, capsys) -> None:
    assert export() == 0
    shown = capsys.readouterr().out
    assert "pubsub.googleapis.com/Topic" in shown
    assert "not declared: 1 x.googleapis.com/Y: of a type that no API schema describes" in shown
    assert "left out: 2 fields: a label that Google or a controller keeps" in shown
    assert "5 of 6 declared; 4 files written, 0 unchanged" in shown


@pytest.mark.usefixtures("fleet")
def test_the_same_fleet_gives_the_same_bytes_and_changes_no_file(export, tmp_path, capsys) -> None:
    export(*ALL)
    before = files(tmp_path / "fleet")
    assert export(*ALL) == 0
    assert files(tmp_path / "fleet") == before
    assert "0 files written, 8 unchanged" in capsys.readouterr().out


@pytest.mark.usefixtures("fleet")
def test_files_that_would_change_are_kept_and_nothing_is_written(export, tmp_path, capsys) -> None:
    edited = tmp_path / "fleet" / "shop-prod" / "pubsub.Topic.yaml"
    edited.parent.mkdir(parents=True)
    edited.write_text("# by hand\n")
    assert export() == 1
    assert files(tmp_path / "fleet") == {"shop-prod/pubsub.Topic.yaml": "# by hand\n"}
    errors = capsys.readouterr().err
    assert f"nothing was written: the export would change {edited}; use --force or another --output" in " ".join(
        errors.split()
    )
    assert export("--force") == 0
    assert "topics/orders" in edited.read_text()
    assert list((tmp_path / "fleet").glob(".*")) == []


@pytest.mark.usefixtures("fleet")
def test_types_may_be_several_and_scopes_too(export, tmp_path) -> None:
    assert export("--types", f"{TOPIC},{BUCKET}", "--scope", "projects/11", scope="projects/keys-prod") == 0
    assert list(files(tmp_path / "fleet")) == ["keys-prod/storage.Bucket.yaml", "shop-prod/pubsub.Topic.yaml"]


def test_a_scope_that_may_not_be_listed_stops_no_other_and_is_told(fleet, export, tmp_path, capsys) -> None:
    fleet.deny("projects/12")
    assert export("--scope", "projects/11", scope="projects/12") == 1
    assert "projects/12: no permission to list it; grant roles/cloudasset.viewer" in " ".join(
        capsys.readouterr().err.split()
    )
    assert "shop-prod/pubsub.Topic.yaml" in files(tmp_path / "fleet")


def test_an_inventory_that_does_not_answer_leaves_no_half_of_an_export(fleet, export, tmp_path, mocker, capsys) -> None:
    hurried = QuotaRetryPolicy(first=0.001, longest=0.001, in_all=0.01)
    impatient = AssetInventory(client(), hurried, page_size=2)
    mocker.patch("setpoint.bootstrap.open_inventory", return_value=impatient)
    fleet.fail(grpc.StatusCode.UNAVAILABLE, times=1000, page=1)
    assert export() == 1
    assert "cannot be listed" in capsys.readouterr().err
    assert not (tmp_path / "fleet").exists()


def test_nothing_listed_is_no_empty_fleet(fleet, export, capsys) -> None:
    assert export("--types", "run.googleapis.com/Job") == 1
    assert "nothing is listed in" in capsys.readouterr().err
    assert len(fleet.requests) == 2


@pytest.mark.usefixtures("fleet")
def test_a_folder_that_cannot_be_written_is_named(export, tmp_path, capsys) -> None:
    (tmp_path / "fleet").write_text("a file")
    assert export() == 1
    assert "fleet: cannot be written" in capsys.readouterr().err


def test_who_may_list_policies_alone_exports_them_by_the_numbers_of_projects(fleet, export, tmp_path) -> None:
    fleet.fail(grpc.StatusCode.PERMISSION_DENIED)
    assert export("--content", "iam_policy", scope="projects/12") == 0
    assert list(files(tmp_path / "fleet")) == ["12/cloudresourcemanager.Project.iam_policy.yaml"]


def test_names_from_outside_do_not_lead_out_of_the_folder(fleet, export, tmp_path) -> None:
    odd = asset("//pubsub.googleapis.com/projects/../topics/x", TOPIC, "shop-prod", {"name": "x"})
    fleet.put({**odd, "ancestors": ["projects/13", ORGANIZATION]})
    assert export("--types", TOPIC) == 0
    assert sorted(file.split("/")[0] for file in files(tmp_path / "fleet")) == ["_.", "shop-prod"]


_texts = (
    st.text() | st.from_regex(r"[-+.0-9eExX:_oOa-fTZ]{1,12}", fullmatch=True) | st.text(" \n\t-:#|>a'\"%@`&*!?{}[],0")
)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_texts, _values, max_size=5))
@example(
    {"a": ["NO", "1:30", "08", "0o17", "0x1F", "1e3", "1_000", ".5", "+1", "2025-06-17", "~", "null", "True", "y"]}
)
@example({"<<": {"a": "b"}, "=": "=", "---": "---\n---\n", "x\u2028--- y": "\ufeff", "\x85": "\x00"})
@example({"text": "SELECT *\n  FROM t\n\nWHERE x", "tail": "a\n", "tails": "a\n\n", "lead": "\n a", "cr": "a\r\nb"})
def test_what_is_written_is_read_as_it_was(tmp_path_factory, value) -> None:
    file = tmp_path_factory.getbasetemp() / "round-trip.yaml"
    first, other = {"first": value}, {"second": value}
    file.write_text(as_yaml(first) + as_yaml(other), encoding="utf-8", newline="")
    snapshot = list(documents.read(str(file)))
    assert [document.value for document in snapshot if isinstance(document, documents.Document)] == [first, other]


def test_texts_of_several_lines_are_written_as_people_write_them() -> None:
    assert as_yaml({"query": "SELECT 1\n  FROM t"}) == "---\nquery: |-\n  SELECT 1\n    FROM t\n"
    assert as_yaml({"size": "10", "zone": "a", "at": "1:30"}) == "---\nsize: '10'\nzone: a\nat: '1:30'\n"


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(("form", "ending"), [("terraform", "tf"), ("krm", "yaml")])
def test_a_fleet_is_written_for_other_tools(export, tmp_path, form, ending) -> None:
    export("--types", TOPIC, "--format", form)

    files = sorted(path for path in tmp_path.rglob(f"*.{ending}"))
    assert files
    text = "".join(path.read_text() for path in files)
    assert {"terraform": "import {", "krm": "deletion-policy: abandon"}[form] in text
