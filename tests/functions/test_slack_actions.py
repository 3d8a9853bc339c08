"""`functions/slack_actions` as functions-framework serves it."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import time
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import functions_framework
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from setpoint import bootstrap
from setpoint.adapters.pubsub.interaction_queue import PubSubInteractionQueue
from setpoint.adapters.slack import slack_requests
from setpoint.adapters.slack.slack_requests import LARGEST, SlackRequests
from setpoint.alerting.rendering import button_payload
from setpoint.errors import BadRequest, Unavailable
from setpoint.model import slack_interaction
from setpoint_tools.testing.slack import SIGNING_SECRET, signed
from sizes import size

MAIN = Path(__file__).parents[2] / "functions/slack_actions/main.py"
NOW = 1_772_366_400.0


class Clock(slack_requests.Clock):
    def now(self) -> float:
        return NOW


class Queue:
    def __init__(self) -> None:
        self.taken = []
        self.is_down = False

    def publish(self, interaction):
        if self.is_down:
            raise Unavailable("no")
        self.taken.append(interaction)


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def client(monkeypatch, queue):
    requests = SlackRequests(SIGNING_SECRET, queue, Clock())
    monkeypatch.setattr(bootstrap, "slack_requests", lambda: requests)
    monkeypatch.setattr(sys, "path", list(sys.path))  # functions-framework adds the function's folder
    return functions_framework.create_app(target="slack_actions", source=str(MAIN)).test_client()


def payload(**more):
    action = {
        "type": "button",
        "action_id": button_payload.action_id("approve"),
        "block_id": "b",
        "value": button_payload.finding_value("//storage.googleapis.com/exports", "resource", "f1"),
        "action_ts": "1772366399.5",
    }
    return {
        "type": "block_actions",
        "user": {"id": "UALICE", "team_id": "T1"},
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1"},
        "token": "verification",
        "response_url": "https://hooks.slack.com/actions/T1/1/x",
        "message": {"blocks": [{"block_id": "a", "type": "divider"}, {"block_id": "b", "type": "actions"}]},
        "actions": [action],
        **more,
    }


def post(client, body, headers):
    return client.post("/", data=body, headers=headers).status_code


def test_a_press_is_handed_on_with_what_is_needed_of_it_and_nothing_else(client, queue):
    assert post(client, *signed(payload(), NOW)) == 200

    (taken,) = queue.taken
    assert (taken.user, taken.channel, taken.ts, taken.clicked_at.timestamp()) == ("UALICE", "C1", "1.2", 1772366399.5)
    assert button_payload.decode(taken.action, taken.blocks).action == "approve"
    assert [block["block_id"] for block in taken.blocks] == ["b"]
    handed_on = slack_interaction.encode(taken).decode()
    assert "hooks.slack.com" not in handed_on
    assert "verification" not in handed_on
    assert slack_interaction.decode(handed_on.encode()) == taken


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_what_is_older_than_five_minutes_or_from_the_future_is_refused(client, queue, seconds):
    assert post(client, *signed(payload(), NOW + seconds)) == 401
    assert queue.taken == []


@pytest.mark.parametrize("seconds", [-299, 299])
def test_what_is_younger_is_not(client, seconds):
    assert post(client, *signed(payload(), NOW + seconds)) == 200


@pytest.mark.parametrize("changed", ["body", "timestamp", "signature", "no signature", "no timestamp", "secret"])
def test_a_request_of_which_anything_was_changed_is_refused(client, queue, changed):
    body, headers = signed(payload(), NOW, "f" * 32 if changed == "secret" else SIGNING_SECRET)
    if changed == "body":
        body = body.replace(b"UALICE", b"UMALLO")
    if changed == "timestamp":
        headers["X-Slack-Request-Timestamp"] = f"{NOW + 1:.0f}"
    if changed == "signature":
        headers["X-Slack-Signature"] = headers["X-Slack-Signature"][:-1] + "x"
    if changed.startswith("no "):
        del headers["X-Slack-Signature" if changed.endswith("signature") else "X-Slack-Request-Timestamp"]

    assert post(client, body, headers) == 401
    assert queue.taken == []


def test_the_signature_is_compared_in_constant_time(client, mocker):
    compare = mocker.patch("slack_sdk.signature.hmac.compare_digest", return_value=False)
    assert post(client, *signed(payload(), NOW)) == 401
    assert compare.called


@pytest.mark.parametrize("size", [LARGEST, LARGEST + 1, 5 * LARGEST])
def test_a_body_that_is_too_large_is_refused_before_anything_is_made_of_it(client, queue, size):
    assert post(client, b"x" * size, {}) == (401 if size == LARGEST else 413)
    assert queue.taken == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "view_submission"},
        {"actions": []},
        {"actions": [{"action_ts": "soon"}]},
        {"actions": [{"action_ts": "1e400"}]},
        {"actions": [{"action_ts": "NaN"}]},
        {"actions": "x"},
        {"user": None},
        {"container": 1},
        {"message": {"blocks": [1]}},
    ],
    ids=str,
)
def test_what_slack_signs_and_is_no_press_is_a_bad_request(client, queue, wrong):
    assert post(client, *signed(payload(**wrong), NOW)) == 400
    assert queue.taken == []


def test_a_link_that_was_pressed_is_taken_and_nothing_comes_of_it(client, queue):
    action = payload()["actions"][0] | {"action_id": "open", "url": "https://example.com"}
    assert post(client, *signed(payload(actions=[action]), NOW)) == 200
    assert queue.taken == []


def test_where_nobody_takes_it_over_slack_is_told_so_that_it_is_pressed_again(client, queue):
    queue.is_down = True
    assert post(client, *signed(payload(), NOW)) == 503


TEXT = st.text(
    st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"], max_codepoint=255), max_size=40
)
NAMES = st.sampled_from(["X-Slack-Signature", "X-Slack-Request-Timestamp", "Content-Type", "Content-Encoding"])
NUMBERS = st.sampled_from([f"{NOW:.0f}", "-1", "²", "٣", "9" * 5000, "1_0", " 1 ", "nan", "1e9", "0x1"])
FUZZ = settings(max_examples=size(100, 300), suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(body=st.binary(max_size=300), headers=st.dictionaries(NAMES, TEXT | NUMBERS))
def test_whatever_is_sent_unsigned_is_refused(client, queue, body, headers):
    assert post(client, body, Headers(headers)) in (400, 401)
    assert queue.taken == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@FUZZ
@given(key=st.sampled_from([*payload(), "payload"]), value=JSON)
def test_whatever_slack_signs_is_taken_or_refused_and_never_an_error(client, key, value):
    body = value if key == "payload" else payload(**{key: value})
    status = post(client, *signed(body, NOW)) if key != "payload" else post(client, *_signed_form(value))
    assert status in (200, 400)


@FUZZ
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: urlencode({"payload": text}).encode()))
def test_any_bytes_that_are_signed_are_refused_or_taken_and_never_an_error(client, queue, body):
    assert post(client, *_signed(body)) in (400, 401)  # what is no text cannot be signed by Slack
    assert queue.taken == []


def _signed_form(value):
    return _signed(urlencode({"payload": json.dumps(value)}).encode())


def _signed(body):
    digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{NOW:.0f}:".encode() + body, hashlib.sha256).hexdigest()
    return body, {"X-Slack-Request-Timestamp": f"{NOW:.0f}", "X-Slack-Signature": f"v0={digest}"}


def test_a_payload_of_any_depth_is_refused(client):
    nested = json.dumps(payload()).replace('"verification"', "[" * 50_000 + "]" * 50_000)
    assert post(client, *_signed(urlencode({"payload": nested}).encode())) in (200, 400)
    assert post(client, *_signed(urlencode({"payload": '{"type":' + "[" * 200_000}).encode())) == 400


@pytest.mark.parametrize("secret", ["", "none", "0123456789"])
def test_a_secret_that_could_be_guessed_is_refused(queue, secret):
    with pytest.raises(BadRequest, match="SETPOINT_SLACK_SIGNING_SECRET is not a signing secret"):
        SlackRequests(secret, queue)


def test_a_press_is_published_with_its_type(mocker, queue, client):
    post(client, *signed(payload(), NOW))
    publisher = mocker.Mock()
    PubSubInteractionQueue(publisher, "projects/p/topics/slack-actions").publish(queue.taken[0])

    ((topic, data), more) = publisher.publish.call_args
    assert topic == "projects/p/topics/slack-actions"
    assert (slack_interaction.decode(data), more) == (queue.taken[0], {"type": "press"})
    waited = publisher.publish.return_value.result.call_args.kwargs["timeout"]
    assert waited < 3  # as long as Slack waits


def test_a_topic_that_does_not_answer_is_unavailable(mocker, queue, client):
    post(client, *signed(payload(), NOW))
    publisher = mocker.Mock()
    publisher.publish.return_value.result.side_effect = TimeoutError
    with pytest.raises(Unavailable, match="click again"):
        PubSubInteractionQueue(publisher, "t").publish(queue.taken[0])


def test_the_settings_of_the_function_are_named_and_shown_nowhere(monkeypatch, mocker):
    mocker.patch("setpoint.adapters.pubsub.bus.publisher")
    bootstrap.slack_requests.cache_clear()
    for name in ("SETPOINT_SLACK_SIGNING_SECRET", "SETPOINT_ACTIONS_TOPIC"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadRequest, match="SETPOINT_SLACK_SIGNING_SECRET, SETPOINT_ACTIONS_TOPIC"):
        bootstrap.slack_requests()
    monkeypatch.setenv("SETPOINT_SLACK_SIGNING_SECRET", SIGNING_SECRET)
    monkeypatch.setenv("SETPOINT_ACTIONS_TOPIC", "projects/p/topics/slack-actions")
    first = bootstrap.slack_requests()
    assert bootstrap.slack_requests() is first
    bootstrap.slack_requests.cache_clear()


def test_a_request_by_the_clock_of_the_machine_is_taken(queue):
    body, headers = signed(payload(), time.time())
    assert SlackRequests(SIGNING_SECRET, queue).take(headers, BytesIO(body)) == 200
