"""What pruning leaves in force beside bad documents, and what generated documents may lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from declarations.states import state as terraform_state
from setpoint.declarations.apply_states import load_state
from setpoint.declarations.readers import prune_protection, terraform
from setpoint.declarations.readers.documents import Problem
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.model.declaration import Declaration, Source, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import DeclaredVersion

GOOGLE = "registry.terraform.io/hashicorp/google"
GONE = ResourceKey("//storage.googleapis.com/orders", "resource")


def before(file: str) -> DeclaredVersion:
    declaration = Declaration(GONE, "storage.googleapis.com/Bucket", {}, source=Source(file))
    return DeclaredVersion("default", 1, "d", desired((declaration,)).declarations)


def loaded(tmp_path: Path, text: str, name: str = "bad.yaml") -> LoadResult:
    (tmp_path / name).write_text(text)
    return load([str(tmp_path)], root=str(tmp_path))


def state(*resources: dict[str, Any]) -> str:
    return json.dumps({"format_version": "1.0", "values": {"root_module": {"resources": list(resources)}}})


def resource(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"address": f"{kind}.a", "mode": "managed", "type": kind, "name": "a", "provider_name": GOOGLE} | {
        "values": values
    }


def test_good_documents_hold_nothing_back(tmp_path: Path) -> None:
    result = loaded(tmp_path, state(resource("google_storage_bucket", {"name": "b", "location": "EU"})), "s.json")
    assert not result.prune_protection.holds(GONE, before("other.yaml"))


def test_a_bad_document_holds_back_what_it_declared_before_and_what_it_names(tmp_path: Path) -> None:
    text = "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: orders}\nspec: {assetType: 3}\n"
    result = loaded(tmp_path, text)
    assert result.problems
    assert result.prune_protection.holds(
        GONE, before("other.yaml")
    )  # it is named in the bad file: it may have moved there
    other = ResourceKey("//storage.googleapis.com/invoices", "resource")
    assert result.prune_protection.holds(other, before("bad.yaml"))
    assert not result.prune_protection.holds(other, before("other.yaml"))


def test_a_document_that_is_no_yaml_holds_everything_back(tmp_path: Path) -> None:
    result = loaded(tmp_path, "{")
    assert result.prune_protection.holds(GONE, before("other.yaml"))


def test_a_bad_document_with_placeholders_holds_everything_back(tmp_path: Path) -> None:
    result = loaded(tmp_path, "kind: Declaration\nmetadata: [{{ .Values.name }}\n")
    assert result.prune_protection.holds(GONE, before("other.yaml"))


def test_a_file_that_names_nothing_any_more_holds_everything_back(tmp_path: Path) -> None:
    assert loaded(tmp_path, "{").prune_protection.holds(GONE, before("other.yaml"))


def test_a_kustomization_that_cannot_be_built_holds_everything_back(tmp_path: Path) -> None:
    result = loaded(tmp_path, "resources: [gone.yaml]\n", "kustomization.yaml")
    assert result.prune_protection.holds(GONE, before("base/topic.yaml"))


def test_an_attribute_that_nobody_knows_is_counted_and_is_no_error(tmp_path: Path) -> None:
    values = {"name": "b", "location": "EU", "storage_clas": "X"}
    result = loaded(tmp_path, state(resource("google_storage_bucket", values)), "s.json")
    assert result.problems == []
    assert result.unmapped == {"google_storage_bucket.storage_clas": 1}
    assert [(warning.category, warning.field) for warning in result.warnings] == [
        ("not-compared", "google_storage_bucket.storage_clas")
    ]


def test_a_resource_whose_name_is_known_after_apply_is_pending(tmp_path: Path) -> None:
    values = {"display_name": "cpu", "project": "fleet-shop"}
    result = loaded(tmp_path, state(resource("google_monitoring_alert_policy", values)), "s.json")
    assert result.problems == []
    assert [(warning.category, warning.field) for warning in result.warnings] == [
        ("pending", "google_monitoring_alert_policy.a")
    ]


@pytest.mark.parametrize(
    "text", ["name: robot\nkin: IAMServiceAccount\n", "name: robot@p.iam.gserviceaccount.com\nkin: x\n"]
)
def test_a_service_account_that_an_invalid_document_names_stays(tmp_path, text):
    (tmp_path / "bad.yaml").write_text(text)
    held = prune_protection.by_problems([Problem("bad.yaml", 1, "kin", "unknown", category="invalid")], str(tmp_path))
    name = "//iam.googleapis.com/projects/p/serviceAccounts/{}@p.iam.gserviceaccount.com"
    assert held.holds(ResourceKey(name.format("robot")), None)
    assert not held.holds(ResourceKey(name.format("other")), None)


def raw_state(*resources: dict[str, Any]) -> bytes:
    named = ({"values": {"name": resource["name"]} | resource["values"]} for resource in resources)
    return terraform_state([resource | values for resource, values in zip(resources, named, strict=True)])


TOPIC = {"type": "google_pubsub_topic"}
NAMELESS = TOPIC | {"name": "orders", "values": {"labels": {"feeds": "invoices"}}}
URL = "gs://states/prod/default.tfstate"


def topic_key(name: str) -> ResourceKey:
    return ResourceKey(f"//pubsub.googleapis.com/projects/p/topics/{name}")


def before_in_state(name: str, address: str = "") -> DeclaredVersion:
    source = Source(URL, address=address or f"google_pubsub_topic.{name}")
    declaration = Declaration(topic_key(name), "pubsub.googleapis.com/Topic", {}, source=source)
    return DeclaredVersion(URL, 1, "d", (declaration,))


def test_a_resource_of_a_state_that_cannot_be_named_holds_back_what_it_may_be_and_nothing_else() -> None:
    held = load_state(raw_state(NAMELESS, TOPIC | {"name": "fine", "values": {"project": "p"}}), URL).prune_protection

    assert held.holds(topic_key("orders"), before_in_state("orders"))  # its name
    assert held.holds(topic_key("invoices"), before_in_state("invoices"))  # a word of it
    assert held.holds(topic_key("renamed"), before_in_state("renamed", "google_pubsub_topic.orders"))  # its address
    assert not held.holds(topic_key("gone"), before_in_state("gone"))


def test_a_resource_that_a_reader_fails_on_costs_this_resource_alone(mocker) -> None:
    translate = terraform.translate

    def failing(part: terraform.DeclaredPart, *arguments: Any) -> Any:
        if part.block.values["name"] == "orders":
            raise TypeError("an unexpected value")
        return translate(part, *arguments)

    mocker.patch.object(terraform, "translate", failing)
    loaded_state = load_state(
        raw_state(*(TOPIC | {"name": name, "values": {"project": "p"}} for name in ("orders", "fine"))), URL
    )

    assert [desired.declarations[0].key for desired in loaded_state.desired] == [topic_key("fine")]
    [problem] = loaded_state.problems
    assert problem.field == "google_pubsub_topic.orders"
    assert "please report this" in problem.message
    assert loaded_state.prune_protection.holds(topic_key("orders"), before_in_state("orders"))
    assert not loaded_state.prune_protection.holds(topic_key("gone"), before_in_state("gone"))


SERVICE = {"type": "google_project_service"}
ENABLED = {"project": "p", "service": "compute.googleapis.com", "disable_on_destroy": True}


def test_two_modules_that_declare_the_same_are_a_warning_and_hold_nothing_back() -> None:
    again = SERVICE | {"name": "b", "values": ENABLED | {"disable_on_destroy": False}}
    loaded_state = load_state(raw_state(SERVICE | {"name": "a", "values": ENABLED}, again), URL)

    assert len(loaded_state.desired) == 1
    assert loaded_state.problems == []
    [warning] = loaded_state.warnings
    assert (warning.field, warning.category) == ("google_project_service.b", "repeated")
    assert loaded_state.prune_protection == prune_protection.NOTHING


def test_two_modules_that_contradict_each_other_are_an_error_and_hold_nothing_back() -> None:
    first, other = (
        TOPIC | {"name": name, "values": {"name": "t", "project": "p", "message_retention_duration": retention}}
        for name, retention in (("a", "600s"), ("b", "900s"))
    )
    loaded_state = load_state(raw_state(first, other), URL)

    [problem] = loaded_state.problems
    assert problem.field == "google_pubsub_topic.b"
    assert not loaded_state.prune_protection.holds(topic_key("gone"), before_in_state("gone"))


def test_two_files_that_declare_the_same_by_hand_stay_an_error(tmp_path: Path) -> None:
    text = (
        "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/b}\n"
        "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}\n"
    )
    result = loaded(tmp_path, f"{text}---\n{text}", "twice.yaml")
    assert len(result.problems) == 1
    assert not result.prune_protection.holds(GONE, before("other.yaml"))
