"""`functions/notify` as functions-framework serves it, with a fake Slack behind the real client."""

from __future__ import annotations

import sys
from pathlib import Path

import functions_framework
import pytest

from alerts.harness import AlertingHarness, event
from functions.test_detect import eventarc, message_of, push
from setpoint import bootstrap
from setpoint.adapters.slack.sink import SlackSink
from setpoint.adapters.slack.slack_client import client as slack_client
from setpoint.model import events
from setpoint_tools.testing.slack import TOKEN, slack
from setpoint_tools.testing.slack_faults import Fault

MAIN = Path(__file__).parents[2] / "functions/notify/main.py"
DELIVERIES = pytest.mark.parametrize("deliver", [eventarc, push])
OPENED = events.encode(event("drift.opened"))
RESOLVED = events.encode(event("drift.resolved", 2))


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))  # functions-framework adds the function's folder
    app = functions_framework.create_app(target="notify", source=str(MAIN), signature_type="cloudevent")
    return app.test_client()


@pytest.fixture
def service():
    with slack() as (service, address):
        service.address = address
        service.channel("drift")
        yield service


@pytest.fixture(params=["new_memory", "new_sqlite"])
def harness(request, monkeypatch, service) -> AlertingHarness:
    """What stands behind the function, in place of Google's and Slack's services."""
    made = AlertingHarness(store=request.getfixturevalue(request.param)().open())
    made.context.sinks["slack"] = SlackSink(slack_client(TOKEN, service.address), made.clock.seconds, made.clock.sleep)
    monkeypatch.setattr(bootstrap, "notifier", lambda: made.context)
    return made


@DELIVERIES
@pytest.mark.usefixtures("harness")
def test_an_event_is_a_message_and_the_next_one_changes_it(client, service, deliver):
    assert deliver(client, message_of(OPENED, type="drift.opened")) == 200
    assert deliver(client, message_of(RESOLVED, type="drift.resolved")) == 200

    (message,) = service.shown("drift")
    assert message.edits == 1
    assert "resolved" in message.text.lower()


@DELIVERIES
def test_what_slack_did_not_take_is_said_and_told_with_the_next_tick(client, harness, service, deliver, capsys):
    service.plan = [Fault(status=503)]
    assert deliver(client, message_of(OPENED)) == 200
    assert "slack" in capsys.readouterr().out.lower()
    assert service.shown("drift") == []

    harness.clock.sleep(60)
    assert deliver(client, message_of(b"tick", type="tick")) == 200
    assert len(service.shown("drift")) == 1


@DELIVERIES
def test_what_is_no_event_is_taken_and_dead_lettered_with_the_reason(client, harness, deliver):
    assert deliver(client, message_of(b"{broken", origin="replay")) == 200

    (letter,) = harness.dead_letters.kept
    assert (letter.message, letter.attributes) == (b"{broken", {"origin": "replay"})


@DELIVERIES
def test_while_the_store_does_not_answer_the_message_is_left_for_later(client, deliver, monkeypatch):
    def gone():
        raise OSError("no store")

    monkeypatch.setattr(bootstrap, "notifier", gone)

    assert deliver(client, message_of(OPENED)) == 500
