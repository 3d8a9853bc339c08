"""Webhooks, PagerDuty and Google Chat: what is sent there, and who may see where that is."""

from __future__ import annotations

import json
import time

import msgspec
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from setpoint.adapters.retry_after import seconds_of
from setpoint.adapters.webhooks.google_chat import GoogleChatSink
from setpoint.adapters.webhooks.sink_addresses import Addresses
from setpoint.adapters.webhooks.webhook import WebhookSink, signature
from setpoint.alerting.rendering import google_chat
from setpoint.alerting.webhook_payloads import WebhookNotice
from setpoint.errors import BadRequest, Unavailable
from setpoint.model.actors import Actor
from setpoint.model.difference import Difference
from setpoint.model.notice_view import TimelineEntry
from setpoint.ports.people import PostedMessage
from setpoint_tools.testing.slack_faults import FAULTS, Fault
from setpoint_tools.testing.webhooks import is_signed
from sinks.conftest import SECRET, chat_place, pagerduty_place, webhook_place
from sinks.views import LINKS, NOON, finding, outgoing, several


@pytest.fixture
def hook():
    with webhook_place() as place:
        yield place


@pytest.fixture
def pager():
    with pagerduty_place() as place:
        yield place


@pytest.fixture
def chat():
    with chat_place() as place:
        yield place


def test_a_body_is_a_cloud_event_that_its_schema_takes_and_carries_a_good_signature(hook):
    hook.sink.show(outgoing("n1", "ops", finding()))

    (request,) = hook.service.requests
    notice = msgspec.convert(request.body, WebhookNotice)
    assert (notice.type, notice.notice, notice.subject) == ("notice.finding", "n1", "//storage.googleapis.com/exports")
    assert notice.data.findings == (finding(),)
    assert notice.data.link == f"https://setpoint.example.com/#finding={finding().data.finding_id}"
    assert request.headers["setpoint-id"] == notice.id
    assert hook.service.refused == 0


@pytest.mark.parametrize("changed", ["body", "time", "secret", "age", "signature"])
def test_a_receiver_refuses_what_was_changed_or_is_old(changed):
    body, timestamp = b'{"a": 1}', str(int(NOON.timestamp()))
    headers = {"setpoint-timestamp": timestamp, "setpoint-signature": signature(SECRET, timestamp, body)}
    assert is_signed(body, headers, SECRET, NOON.timestamp() + 299)
    if changed == "body":
        body = b'{"a": 2}'
    if changed == "time":
        headers["setpoint-timestamp"] = str(int(timestamp) + 1)
    if changed == "signature":
        headers["setpoint-signature"] = ""

    now = NOON.timestamp() + (301 if changed == "age" else 0)
    assert not is_signed(body, headers, "another" if changed == "secret" else SECRET, now)


def test_each_kind_of_notice_has_a_type_and_belongs_to_its_message(hook):
    posted = hook.sink.show(outgoing("n1", "ops", finding()))
    hook.sink.reply(outgoing("r1", posted.channel, finding(1)), posted)
    hook.sink.reply(outgoing("r2", posted.channel, [finding(minute) for minute in range(120)]), posted)
    hook.sink.escalate(outgoing("e1", "ops", finding()))
    hook.sink.show(outgoing("g1", "ops", several()))
    hook.sink.digest(outgoing("d1", "ops", [finding(), finding(1)]))

    delivered = [(request.body["type"], request.body["notice"]) for request in hook.service.requests]
    details = [("notice.details", "n1")] * 3
    assert delivered == [
        ("notice.finding", "n1"),
        ("notice.step", "n1"),
        *details,
        ("notice.escalation", "e1"),
        ("notice.group", "g1"),
        ("notice.digest", "d1"),
    ]
    parts = [request.body["data"] for request in hook.service.requests if request.body["type"] == "notice.details"]
    assert [(part.get("part", 1), part["parts"], len(part["findings"])) for part in parts] == [
        (1, 3, 50),
        (2, 3, 50),
        (3, 3, 20),
    ]


def test_an_incident_opens_once_and_ends_with_the_finding(pager):
    posted = pager.sink.show(outgoing("n1", "ops", finding(severity="critical")))
    pager.sink.show(outgoing("n1", "ops", finding(3, status="resolved"), posted))

    opened, ended = (request.body for request in pager.service.requests)
    assert (opened["event_action"], opened["dedup_key"], opened["routing_key"]) == ("trigger", "n1", SECRET)
    assert opened["payload"]["severity"] == "critical"
    assert ended == {"routing_key": SECRET, "dedup_key": "n1", "event_action": "resolve"}


def test_an_incident_of_several_ends_when_none_is_open(pager):
    for statuses in ({"open": 3}, {"open": 1, "resolved": 2}, {"open": 0, "resolved": 3}):
        pager.sink.show(outgoing("g1", "ops", several(statuses=statuses)))
    assert [request.body["event_action"] for request in pager.service.requests] == ["trigger", "trigger", "resolve"]


def test_an_incident_has_no_thread_and_pagerduty_takes_no_digest(pager):
    pager.sink.reply(outgoing("r1", "ops", finding()), PostedMessage("ops", "n1"))
    assert pager.service.requests == []
    with pytest.raises(BadRequest, match="PagerDuty takes no digests"):
        pager.sink.digest(outgoing("d1", "ops", [finding()]))


def test_what_a_finding_becomes_is_told_in_its_thread_of_google_chat(chat):
    posted = chat.sink.show(outgoing("n1", "ops", finding()))
    chat.sink.reply(outgoing("r1", posted.channel, finding(1)), posted)
    chat.sink.show(outgoing("n1", "ops", finding(2, status="resolved"), posted))

    assert {request.body["thread"]["threadKey"] for request in chat.service.requests} == {"n1"}
    assert {request.query["messageReplyOption"] for request in chat.service.requests} == {
        "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
    }
    assert len({request.id for request in chat.service.requests}) == 3


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=3000)
VALUES = st.none() | st.booleans() | st.integers(-9, 9) | TEXT | st.lists(TEXT, max_size=3)
DIFFERENCES = st.lists(st.builds(Difference, path=TEXT, op=st.just("changed"), declared=VALUES, observed=VALUES))


@given(name=TEXT, differences=DIFFERENCES, repeat=st.integers(1, 400), text=TEXT)
def test_any_drift_makes_a_card_within_the_limits_of_chat_and_no_tag_of_its_own(name, differences, repeat, text):
    actor = Actor(principal=text, kind="person", confidence="likely", method=text, requested_at=NOON)
    data = {"resource_name": name, "differences": tuple(differences * repeat)[:10_000], "actor": actor, "reason": text}
    shown = replace(finding(**data), steps=(TimelineEntry(NOON, "approved", text, text),))
    group = replace(several(), projects={text + str(number): number for number in range(20)}, samples=(shown,) * 10)
    cards = [
        google_chat.finding(shown, LINKS),
        google_chat.step(shown, LINKS),
        google_chat.escalation(shown, LINKS),
        google_chat.group(group, LINKS),
        google_chat.digest([shown] * 300, LINKS),
    ]
    for card in cards:
        size = len(msgspec.json.encode({**card, "thread": {"threadKey": "n" * 64}}))
        assert size <= 32_000  # https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages
        assert "<" not in card["fallbackText"]
        for widget in card["cardsV2"][0]["card"]["sections"][0]["widgets"]:
            content = widget.get("textParagraph") or widget.get("decoratedText") or {"text": ""}
            assert "<" not in content["text"].replace("<br>", "")


URL = "https://hooks.example.com/secret-path?key=secret-key"


@pytest.mark.parametrize("fault", ["dropped before", "broken before", "silent before", "too many"])
def test_no_address_and_no_secret_stands_in_an_error(hook, fault):
    hook.plan(FAULTS[fault])
    with pytest.raises(Unavailable) as raised:
        hook.sink.show(outgoing("n1", "ops", finding()))
    shown = f"{raised.value!r} {raised.value.__cause__!r} {hook.sink._addresses.get('ops', 'setpoint')!r}"
    assert "127.0.0.1" not in shown
    assert "/hook" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_since_it_would_lead_elsewhere(hook, status):
    hook.plan(Fault(status=status))
    with pytest.raises(BadRequest, match="redirects"):
        hook.sink.show(outgoing("n1", "ops", finding()))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_a_webhook_that_takes_nothing_is_said_so_for_good(hook, status):
    hook.plan(Fault(status=status))
    with pytest.raises(BadRequest, match=f"webhook `ops`: returned {status}"):
        hook.sink.show(outgoing("n1", "ops", finding()))


def test_a_webhook_of_another_kind_is_not_sent_what_it_does_not_take(hook, chat):
    hook_addresses, chat_addresses = hook.sink._addresses, chat.sink._addresses
    with pytest.raises(BadRequest, match="its format is setpoint, and this destination takes chat"):
        GoogleChatSink(hook_addresses, requests.Session()).show(outgoing("n1", "ops", finding()))
    with pytest.raises(BadRequest, match="its format is chat, and this destination takes setpoint or pagerduty"):
        WebhookSink(chat_addresses, requests.Session()).show(outgoing("n1", "ops", finding()))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("no json with a secret-key", "not of the form"),
        ('{"ops": "secret-key"}', "not of the form"),
        ('{"ops": {"url": "https://x.example.com", "format": "secret-key"}}', "not of the form"),
        ('{"ops": {"url": "http://secret-key.example.com", "secret": "0123456789abcdef"}}', "not an https address"),
        ('{"ops": {"url": "ftp://secret-key.example.com", "secret": "0123456789abcdef"}}', "not an https address"),
        (
            '{"ops": {"url": "https://user:secret-key@example.com", "secret": "0123456789abcdef"}}',
            "not an https address",
        ),
        ('{"ops": {"url": "https://[secret-key", "secret": "0123456789abcdef"}}', "not an https address"),
        ('{"ops": {"url": "https://x.example.com", "secret": "secret-key"}}', "less than 16"),
        ('{"ops": {"url": "https://x.example.com", "format": "pagerduty"}}', "integration key"),
    ],
)
def test_a_setting_that_cannot_be_followed_is_refused_and_nothing_of_it_told(setting, message):
    with pytest.raises(BadRequest, match="SETPOINT_SINKS") as raised:
        Addresses(setting)
    assert message in str(raised.value)
    assert "secret-key" not in str(raised.value)


def test_a_setting_names_its_webhooks_and_shows_neither_addresses_nor_secrets():
    addresses = Addresses(json.dumps({"ops": {"url": URL, "format": "chat"}}))
    assert "secret" not in repr(addresses.get("ops", "chat"))
    with pytest.raises(BadRequest, match=r"it has ops"):
        addresses.get("other", "chat")
    with pytest.raises(BadRequest, match=r"it has none"):
        Addresses("").get("other", "chat")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:80/"])
def test_this_machine_may_be_told_without_tls(url):
    assert Addresses(json.dumps({"ops": {"url": url, "format": "chat"}})).get("ops", "chat").url == url


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 30), ("", 30), ("7", 7), ("0", 0), ("99999", 3600), ("9" * 500, 3600), ("soon", 30), ("²", 30)],
)
def test_a_time_to_wait_is_read_and_bounded(header, seconds):
    assert seconds_of(header) == seconds


def test_a_time_to_wait_may_be_a_date():
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))
    assert 50 <= seconds_of(later) <= 60
    assert seconds_of("Sun, 01 Mar 2020 12:00:00 GMT") == 0
    assert seconds_of("Sun, 01 Mar 2020 12:00:00") == 0
