"""Which sink stands behind which kind, and that nothing is connected before it is used."""

from __future__ import annotations

import json

import pytest

from setpoint import bootstrap
from setpoint.adapters.slack.sink import SlackSink
from setpoint.adapters.webhooks.google_chat import GoogleChatSink
from setpoint.adapters.webhooks.webhook import WebhookSink
from setpoint.bootstrap.settings import from_environment
from setpoint.errors import AccessDenied
from setpoint_tools.testing.slack import SIGNING_SECRET, TOKEN

SINKS = json.dumps({"ops": {"url": "https://hooks.example.com/x", "secret": "0123456789abcdef"}})
ENVIRONMENT = {
    "SETPOINT_STORE": "memory:",
    "SETPOINT_EVENTS_TOPIC": "projects/p/topics/drift-events",
    "SETPOINT_DEAD_LETTER_TOPIC": "projects/p/topics/dead-letters",
    "SETPOINT_SLACK_TOKEN": TOKEN,
    "SETPOINT_SLACK_SIGNING_SECRET": SIGNING_SECRET,
    "SETPOINT_SINKS": SINKS,
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


def test_what_follows_buttons_has_no_rights_on_the_fleet(deps, mocker):
    made = bootstrap.open_presser(from_environment(ENVIRONMENT), deps, lambda _: ())
    with pytest.raises(AccessDenied, match="nothing is read or written from here"):
        made.hands.live.api.read(mocker.Mock(url="u", permission="p"))
