"""What a state or plan marks as sensitive is stored nowhere, whatever form the mark has."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from declarations.states import state
from setpoint.declarations.readers import documents
from setpoint.declarations.readers.load import load_documents
from setpoint.model.secrecy import Secrecy

TOPIC = "google_pubsub_topic"
SECRET = "correct-horse"  # noqa: S105 - the secret of these tests
POLICY, REGIONS = "message_storage_policy", "allowed_persistence_regions"
VALUES = {"name": "t", "project": "fleet-shop", "kms_key_name": "", POLICY: [{REGIONS: [SECRET, "europe-west1"]}]}


def stored(document: Any) -> str:
    loaded = load_documents(documents.parse_json(json.dumps(document), "terraform.tfstate"), secrecy=Secrecy(b"k" * 32))
    return msgspec.json.encode(list(loaded.desired)).decode()


def raw(values: Any, marks: Any) -> Any:
    document = json.loads(state([{"type": TOPIC, "name": "r", "values": values}]))
    document["resources"][0]["instances"][0]["sensitive_attributes"] = marks
    return document


def attribute(name: str) -> dict[str, Any]:
    return {"type": "get_attr", "value": name}


def index(value: Any, kind: Any = "number") -> dict[str, Any]:
    return {"type": "index", "value": {"value": value, "type": kind}}


@pytest.mark.parametrize(
    "marks",
    [
        [[attribute(POLICY), index(0), attribute(REGIONS), index(0)]],
        [[attribute(POLICY), index(0), attribute(REGIONS), index(SECRET, "string")]],
        [[attribute(POLICY), index("0"), attribute(REGIONS)]],
        [[attribute(POLICY), index(0.0), attribute(REGIONS)]],
        [[attribute(POLICY), index({REGIONS: [SECRET]}, ["object", {}])]],
        [[attribute(POLICY), index(7)]],
        [[attribute(POLICY), index(-1)]],
        [[attribute(POLICY), attribute(REGIONS)]],
        [[attribute(POLICY), None]],
        [{"path": [attribute(POLICY)]}],
        [POLICY],
        {"path": POLICY},
        [[]],
    ],
)
def test_a_mark_that_leads_nowhere_in_a_raw_state_hides_all_that_it_may_mean(marks: Any):
    assert SECRET not in stored(raw(VALUES, marks))


def test_a_mark_below_a_scalar_hides_it():
    assert SECRET not in stored(
        raw({**VALUES, POLICY: [], "kms_key_name": SECRET}, [[attribute("kms_key_name"), None]])
    )


def test_a_mark_of_an_attribute_that_is_not_there_hides_no_other():
    declared = stored(raw(VALUES, [[attribute("gone"), index(0)], [attribute("labels"), index("team", "string")]]))
    assert SECRET in declared


def shown(marks: Any, change: Any = None) -> Any:
    address = f"{TOPIC}.r"
    resource = {
        "address": address,
        "mode": "managed",
        "type": TOPIC,
        "name": "r",
        "provider_name": "registry.terraform.io/hashicorp/google",
        "values": VALUES,
        "sensitive_values": marks,
    }
    body = {"root_module": {"resources": [resource]}}
    if change is None:
        return {"format_version": "1.0", "values": body}
    changes = [{"address": address, "change": {"actions": ["create"], "before": None, "after": VALUES, **change}}]
    return {"format_version": "1.0", "planned_values": body, "resource_changes": changes}


@pytest.mark.parametrize(
    "marks", [True, {POLICY: True}, {POLICY: [{REGIONS: [True]}]}, {POLICY: {REGIONS: True}}, {POLICY: [[True]]}]
)
def test_a_mark_of_another_form_hides_the_value_around_it(marks: Any):
    assert SECRET not in stored(shown(marks))


@pytest.mark.parametrize("marks", [{}, False, {POLICY: []}, {POLICY: [{REGIONS: [False]}]}, {"labels": {"team": True}}])
def test_what_no_mark_is_for_stays_declared(marks: Any):
    assert SECRET in stored(shown(marks))
    assert SECRET in stored(shown(marks, {"after_sensitive": marks, "after_unknown": {}}))


@pytest.mark.parametrize(
    ("planned", "after"),
    [
        ({POLICY: True}, {"name": True}),
        ({"name": True}, {POLICY: True}),
        ({POLICY: [{REGIONS: [False]}]}, {POLICY: [{REGIONS: [True, False]}]}),
        ({POLICY: [{REGIONS: [True]}]}, {POLICY: {"x": False}}),
        ({POLICY: True}, False),
        (False, {POLICY: True}),
        ({POLICY: True}, {POLICY: [{REGIONS: [False, False]}]}),
    ],
)
def test_the_marks_of_a_plan_count_wherever_they_are(planned: Any, after: Any):
    assert SECRET not in stored(shown(planned, {"after_sensitive": after, "after_unknown": {}}))
