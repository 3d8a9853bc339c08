"""Which sink stands behind which kind, and that nothing is connected before it is used."""

from __future__ import annotations

import dataclasses
import json

from setpoint import bootstrap
from setpoint.adapters.slack.sink import SlackSink
from setpoint.adapters.webhooks.google_chat import GoogleChatSink
from setpoint.adapters.webhooks.webhook import WebhookSink
from setpoint.bootstrap.settings import from_environment
from setpoint.remediation.live_resources import LiveResources
from setpoint_tools.testing.slack import SIGNING_SECRET, TOKEN

SINKS = json.dumps({"ops": {"url": "https://hooks.example.com/x", "secret": "0123456789abcdef"}})
ENVIRONMENT = {
    "SETPOINT_STORE": "memory:",
    "SETPOINT_EVENTS_TOPIC": "projects/p/topics/drift-events",
    "SETPOINT_DEAD_LETTER_TOPIC": "projects/p/topics/dead-letters",
    "SETPOINT_SLACK_TOKEN": TOKEN,
    "SETPOINT_SLACK_SIGNING_SECRET": SIGNING_SECRET,
    "SETPOINT_SINKS": SINKS,
    "SETPOINT_SWEEP_TOPIC": "projects/fleet-ops/topics/sweeps",
    "SETPOINT_HISTORY_CALLS": "0",
}


def test_each_kind_has_its_sink():
    made = bootstrap.open_sinks(from_environment(ENVIRONMENT))
    assert {kind: type(sink) for kind, sink in made.items()} == {
        "slack": SlackSink,
        "chat": GoogleChatSink,
        "webhook": WebhookSink,
    }


def test_settings_show_no_secret():
    shown = repr(from_environment(ENVIRONMENT))
    assert "drift-events" in shown
    assert not any(secret in shown for secret in (TOKEN, SIGNING_SECRET, "hooks.example.com"))


def test_clicks_are_handled_with_no_api_of_the_fleet(deps, mocker):
    opened = mocker.patch("setpoint.adapters.google.rest.open_apis")
    handler = bootstrap.open_interaction_handler(from_environment(ENVIRONMENT), deps, lambda _: ())
    assert handler.detection is deps
    assert not any(isinstance(getattr(deps, field.name), LiveResources) for field in dataclasses.fields(deps))
    opened.assert_not_called()
