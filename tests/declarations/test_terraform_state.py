"""Raw states: as Terraform and OpenTofu keep them in a backend."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from declarations.states import state
from setpoint.declarations import apply_states
from setpoint.declarations.readers import foreign_formats, load, terraform
from setpoint.declarations.readers.documents import Document
from setpoint.declarations.readers.terraform import TerraformLoaded
from setpoint.errors import Superseded
from setpoint.model.secrecy import THIS_PROCESS
from setpoint.model.sources import SourceState, check_serials

PROVIDER = 'provider["registry.terraform.io/hashicorp/google"]'


def raw(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": 4, "serial": 7, "lineage": "l-1", "outputs": {}, "resources": list(resources)} | more


def topic(*instances: dict[str, Any], **more: Any) -> dict[str, Any]:
    head = {"mode": "managed", "type": "google_pubsub_topic", "name": "t", "provider": PROVIDER}
    return head | {"instances": list(instances)} | more


def instance(name: str, **more: Any) -> dict[str, Any]:
    return {"schema_version": 0, "attributes": {"name": name, "project": "fleet-shop"}} | more


def read(value: dict[str, Any]) -> TerraformLoaded:
    assert terraform.is_terraform(value)
    return terraform.read(Document("terraform.tfstate", 1, 0, value, "", 1))


def test_instances_have_the_addresses_that_terraform_gives_them() -> None:
    instances = (instance("a", index_key="eu"), instance("b", index_key=0), instance("c"))
    loaded = read(raw(topic(*instances, module='module.events["x"]')))
    prefix = 'module.events["x"].google_pubsub_topic.t'
    roots = [translated.origins[""] for translated in loaded.translated]
    assert roots == [f'{prefix}["eu"]', f"{prefix}[0]", prefix]


def test_lineage_and_serial_are_kept() -> None:
    assert read(raw(topic(instance("a")))).states == {"l-1": 7}


def test_data_sources_and_deposed_instances_declare_nothing() -> None:
    loaded = read(raw(topic(instance("a", deposed="1234abcd")), topic(instance("b"), mode="data")))
    assert loaded.translated == []


def test_a_sensitive_attribute_is_in_the_declaration_as_a_digest() -> None:
    path = [{"type": "get_attr", "value": "labels"}, {"type": "index", "value": {"value": "pin", "type": "string"}}]
    held = instance("a", sensitive_attributes=[path])
    held["attributes"]["labels"] = {"pin": "hunter2", "team": "a"}
    [translated] = read(raw(topic(held))).translated
    assert translated.declaration.data["labels"] == {"pin": THIS_PROCESS.sealed("hunter2"), "team": "a"}
    assert translated.unchecked == ()


def test_a_state_of_format_version_3_is_refused_with_the_next_step() -> None:
    loaded = read({"version": 3, "serial": 1, "lineage": "l", "modules": []})
    [problem] = loaded.problems
    assert problem.message.startswith("is a state of format version 3, and version 4 is read; run `terraform show")


def test_an_encrypted_state_is_called_by_its_name() -> None:
    loaded = read({"serial": 1, "lineage": "l", "meta": {}, "encrypted_data": "AAAA", "encryption_version": "v0"})
    assert "OpenTofu" in loaded.problems[0].message
    assert "tofu show -json" in loaded.problems[0].message


def test_a_state_older_than_the_one_in_force_is_refused() -> None:
    now = SourceState(states={"l-1": 8})
    with pytest.raises(Superseded, match=r"serial 7 .* older than serial 8"):
        check_serials(now, "net", {"l-1": 7})
    check_serials(now, "net", {"l-1": 8})
    check_serials(now, "net", {"l-2": 1})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"version": 3, "checkpoint": {"stack": "prod", "latest": {"resources": []}}}, "is a state of Pulumi"),
        (
            {"name": "projects/p/locations/l/deployments/d", "terraformBlueprint": {"gcsSource": "gs://b/o"}},
            "is a deployment of Infrastructure Manager",
        ),
        (
            {"@level": "info", "@message": "Plan: 1 to add", "@module": "terraform.ui", "type": "change_summary"},
            "is a log of Terraform",
        ),
        (
            {"apiVersion": "example.org/v1", "kind": "XNet", "spec": {"compositionRef": {"name": "x"}}},
            "is an object of Crossplane",
        ),
    ],
)
def test_a_document_of_a_neighbouring_tool_is_named(document: dict[str, Any], message: str) -> None:
    assert foreign_formats.instead(document).startswith(message)


@pytest.mark.parametrize(("retention", "is_error"), [("600s", False), ("900s", True)])
def test_a_resource_that_two_addresses_declare_is_told_at_the_second_one(
    tmp_path: Path, retention: str, *, is_error: bool
) -> None:
    topic = {"type": "google_pubsub_topic"}
    values = {"name": "t", "project": "p", "message_retention_duration": "600s"}
    other = values | {"message_retention_duration": retention}
    file = tmp_path / "s.tfstate"
    file.write_bytes(state([topic | {"name": "a", "values": values}, topic | {"name": "b", "values": other}]))
    loaded = load.load([str(file)])
    [problem] = [*loaded.problems, *loaded.warnings]
    assert problem.is_error == is_error
    assert problem.field == "google_pubsub_topic.b"
    assert "google_pubsub_topic.a" in problem.message


@pytest.mark.parametrize("number", [str(2**64), "1e400", "123456789012345678901234567890"])
def test_a_number_that_no_api_takes_costs_nothing_where_no_resource_of_google_has_it(number: str) -> None:
    outputs = {"size": {"value": 0, "type": "number"}}
    text = json.dumps(raw(topic(instance("a")), outputs=outputs)).replace('"value": 0', f'"value": {number}')

    loaded = apply_states.load_state(text.encode(), "gs://states/a.tfstate")

    assert loaded.problems == []
    assert [desired.declarations[0].project for desired in loaded.desired] == ["fleet-shop"]


def test_marks_of_secrets_in_a_form_that_terraform_does_not_write_hide_all_but_names_and_stop_nothing() -> None:
    for marks in (5, "labels", [5], [{"type": "get_attr"}]):
        held = instance("a", sensitive_attributes=marks)
        held["attributes"]["message_retention_duration"] = "86400s"
        [translated] = read(raw(topic(held))).translated
        assert translated.declaration.key.name.endswith("/a")
        assert "86400s" not in str(translated.declaration.data)


def test_what_powershell_redirects_is_read(tmp_path: Path) -> None:
    file = tmp_path / "terraform.tfstate"
    text = json.dumps(raw(topic(instance("a"))), indent=2).replace("\n", "\r\n")
    file.write_bytes(text.encode("utf-16"))

    loaded = load.load([str(file)])

    assert loaded.problems == []
    assert len(loaded.desired) == 1


@pytest.mark.parametrize("label", ["k" * 1100, "\x7f", "a:\tb", "- ?", "\u2028"])
def test_a_state_from_standard_input_is_read_as_json(monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    held = instance("a")
    held["attributes"]["labels"] = {label: label}
    text = json.dumps(raw(topic(held)), ensure_ascii=False)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    loaded = load.load(["-"])

    assert loaded.problems == []
    [desired] = loaded.desired
    assert desired.declarations[0].data["labels"] == {label: label}


@pytest.mark.parametrize(
    "text",
    ["{kind: Namespace, metadata: {name: a}}\n", '{"kind": "Namespace", "metadata": {"name": "a"}}\n---\n{}\n'],
)
def test_yaml_that_begins_with_a_brace_stays_yaml(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert load.load(["-"]).problems == []
