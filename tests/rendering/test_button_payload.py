from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.strategies import words
from setpoint.alerting.rendering import button_payload
from setpoint.alerting.rendering.button_payload import ClickedButton
from setpoint.alerting.rendering.safe_text import units
from setpoint.errors import MalformedMessage
from setpoint.model.resource_key import CONTENTS


@given(words.filter(bool), st.sampled_from(CONTENTS), words)
def test_what_is_put_into_a_button_is_read_out_of_it(name, content, fingerprint):
    value = button_payload.finding_value(name, content, fingerprint)
    assert units(value) <= button_payload.MAX_VALUE
    assert not set(value) & set("&<>")
    if value:
        action = {"action_id": "setpoint:why", "value": value}
        assert button_payload.decode(action) == ClickedButton("why", name, content, fingerprint)


def test_a_group_is_told_by_its_id():
    action = {"action_id": button_payload.action_id("approve"), "value": button_payload.group_value("g1")}
    assert button_payload.decode(action) == ClickedButton("approve", group="g1")


def test_a_menu_is_read_with_the_buttons_beside_it():
    button = {"type": "button", "action_id": "setpoint:why", "value": button_payload.group_value("g1")}
    blocks = [
        {"block_id": "other", "elements": [button | {"value": "{}"}]},
        {"block_id": "b", "elements": [{}, button]},
    ]
    action = {"action_id": "setpoint:snooze", "block_id": "b", "selected_option": {"value": "1w"}}
    assert button_payload.decode(action, blocks) == ClickedButton("snooze", group="g1", seconds=604_800)


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"action_id": 7},
        {"action_id": "other:fix", "value": '{"g":"g1"}'},
        {"action_id": "setpoint:delete", "value": '{"g":"g1"}'},
        {"action_id": "setpoint:fix"},
        {"action_id": "setpoint:fix", "value": ""},
        {"action_id": "setpoint:fix", "value": "[]"},
        {"action_id": "setpoint:fix", "value": "{}"},
        {"action_id": "setpoint:fix", "value": '{"n":1}'},
        {"action_id": "setpoint:fix", "value": '{"n":"//a.b/c","g":"g1"}'},
        {"action_id": "setpoint:fix", "value": '{"n":"//a.b/c","c":"secrets"}'},
        {"action_id": "setpoint:snooze", "value": '{"g":"g1"}'},
        {"action_id": "setpoint:snooze", "selected_option": {"value": "9y"}, "value": '{"g":"g1"}'},
        {"action_id": "setpoint:snooze", "selected_option": {"value": "1h"}},
    ],
)
def test_what_is_no_button_of_ours_is_refused(action):
    with pytest.raises(MalformedMessage):
        button_payload.decode(action, [{"block_id": None}, "x", {"elements": None}])


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_other_json_is_refused_and_nothing_else_happens(node):
    action = {"action_id": "setpoint:snooze", "block_id": node, "selected_option": node, "value": node}
    with pytest.raises(MalformedMessage):
        button_payload.decode(action, node if isinstance(node, list) else [node])
