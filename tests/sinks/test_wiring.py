"""Which sink stands behind which kind, and that nothing is connected before it is used."""

from __future__ import annotations

import json

import pytest

from setpoint import wiring
from setpoint.adapters.google_chat import GoogleChatSink
from setpoint.adapters.slack import SlackSink
from setpoint.adapters.webhook import WebhookSink
from setpoint.errors import BadRequest
from setpoint.settings import from_environment
from setpoint.testing.slack import SIGNING_SECRET, TOKEN

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
    made = wiring.open_sinks(from_environment(ENVIRONMENT))
    assert {kind: type(sink) for kind, sink in made.items()} == {
        "slack": SlackSink,
        "chat": GoogleChatSink,
        "webhook": WebhookSink,
    }


def test_settings_show_no_secret():
    shown = repr(from_environment(ENVIRONMENT))
    assert "drift-events" in shown
    assert not any(secret in shown for secret in (TOKEN, SIGNING_SECRET, "hooks.example.com"))


def test_what_follows_buttons_is_made_once_and_names_the_settings_that_it_needs(monkeypatch, mocker):
    mocker.patch("setpoint.adapters.pubsub.publisher")
    wiring.presser.cache_clear()
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadRequest, match="SETPOINT_SLACK_TOKEN, SETPOINT_SINKS"):
        wiring.presser()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    first = wiring.presser()
    assert wiring.presser() is first
    with pytest.raises(BadRequest, match="nothing is read or written from here"):
        first.hands.live.api.read(mocker.Mock(url="u", permission="p"))
    wiring.presser.cache_clear()
