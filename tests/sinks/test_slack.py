"""What Slack's own rules make of telling people there."""

from __future__ import annotations

import logging

import pytest
from werkzeug.test import Client

from setpoint.adapters.slack import slack_client
from setpoint.adapters.slack.sink import SlackSink
from setpoint.errors import BadRequest, Throttled, Unavailable
from setpoint.model.notice_view import Message
from setpoint.ports.people import PostedMessage
from setpoint_tools.testing.slack import TOKEN, slack
from setpoint_tools.testing.slack_faults import FAULTS, NONE, Fault
from sinks.conftest import IMPATIENCE
from sinks.test_contract import persist
from sinks.views import NOON, finding, outgoing, several


def show(place, name="n1", channel="#ops", posted=None, **more):
    return place.sink.show(outgoing(name, channel, finding(), posted, **more))


def test_a_message_is_posted_by_the_channels_name_and_carries_its_id(in_slack):
    posted = show(in_slack)

    (message,) = in_slack.service.shown("ops")
    assert posted == PostedMessage(in_slack.service.channel("ops").id, message.ts)
    assert message.metadata == {"event_type": "setpoint_notice", "event_payload": {"id": "n1"}}
    assert in_slack.service.calls == ["chat.postMessage"]


def test_what_nobody_can_have_posted_is_not_looked_for(in_slack):
    for number in range(5):
        show(in_slack, f"n{number}")
    assert set(in_slack.service.calls) == {"chat.postMessage"}


def test_what_may_have_been_posted_is_found_on_any_page_and_brought_up_to_date(in_slack):
    service = in_slack.service
    posted = show(in_slack)
    for number in range(450):
        show(in_slack, f"other-{number}")
    service.calls.clear()
    again = in_slack.sink.show(outgoing("n1", "#ops", finding(9, status="resolved"), maybe=True))

    assert again == posted
    assert service.calls.count("conversations.history") == 3
    assert service.channel("ops").messages[posted.ts].edits == 1
    assert len(service.shown("ops")) == 451


def test_only_as_far_back_is_looked_as_it_can_have_been_posted(mocker):
    with slack(clock=NOON.timestamp) as (service, address):
        service.channel("ops")
        sink = SlackSink(slack_client.client(TOKEN, address), clock=NOON.timestamp)
        asked = mocker.spy(slack_client, "call")
        sink.show(outgoing("n1", "#ops", finding(), maybe=True))
    (oldest,) = {call.kwargs["oldest"] for call in asked.call_args_list if "oldest" in call.kwargs}
    assert float(oldest) == NOON.timestamp() - 3600


def test_a_message_that_somebody_has_deleted_is_posted_anew_once(in_slack):
    posted = show(in_slack)
    in_slack.service.delete("ops", posted.ts)
    in_slack.plan(NONE, NONE, NONE, FAULTS["dropped after"])
    again = persist(lambda maybe: show(in_slack, posted=posted, maybe=maybe))

    assert again.ts != posted.ts
    assert len(in_slack.service.shown("ops")) == 1


def test_a_public_channel_is_joined_where_its_history_has_to_be_read(in_slack):
    channel = in_slack.service.channel("ops")
    channel.is_member = False
    show(in_slack)
    assert not channel.is_member
    show(in_slack, maybe=True)

    assert channel.is_member
    assert len(in_slack.service.shown("ops")) == 1


def test_a_channel_is_known_by_its_id_too_and_then_not_looked_up(in_slack):
    show(in_slack, channel=in_slack.service.channel("ops").id, maybe=True)
    assert "conversations.list" not in in_slack.service.calls


def test_a_channel_among_many_is_found_by_its_name_and_kept(in_slack):
    for number in range(450):
        in_slack.service.channel(f"team-{number}")
    for number in range(3):
        show(in_slack, f"n{number}", "#team-449", maybe=True)
    assert in_slack.service.calls.count("conversations.list") == 3


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("channel_not_found", "invite the app"),
        ("not_in_channel", "invite it"),
        ("is_archived", "unarchive it"),
        ("invalid_auth", "put a valid one into SETPOINT_SLACK_TOKEN"),
        ("token_revoked", "put a valid one into SETPOINT_SLACK_TOKEN"),
        ("missing_scope", "infra/slack-app.yaml"),
        ("msg_too_long", "please report it"),
        ("invalid_blocks", "please report it"),
        ("something_new", "docs.slack.dev"),
    ],
)
def test_a_refusal_names_the_channel_and_the_next_step(in_slack, code, step):
    in_slack.plan(Fault(error=code))
    with pytest.raises(BadRequest, match="#ops") as raised:
        show(in_slack)
    assert step in str(raised.value)
    assert code in str(raised.value)


def test_a_channel_that_is_archived_or_not_there_is_refused_by_the_fake_as_by_slack(in_slack):
    in_slack.service.channel("old").is_archived = True
    for channel, code in (("#old", "is_archived"), ("#none", "channel_not_found")):
        with pytest.raises(BadRequest, match=code):
            show(in_slack, channel=channel)
    with pytest.raises(BadRequest, match="channel_not_found"):
        show(in_slack, channel="#none", maybe=True)


@pytest.mark.parametrize("status", [200, 500, 502, 504])
def test_a_page_in_place_of_an_answer_is_unavailable(in_slack, status):
    in_slack.plan(Fault(status=status, garbled=True))
    with pytest.raises(Unavailable, match="#ops"):
        show(in_slack)


@pytest.mark.parametrize("body", ["[1]", "null", "7", '"x"', "{", ""])
def test_an_answer_that_is_no_object_is_unavailable(in_slack, body, mocker):
    answer = {"status": 200, "headers": {}, "body": body}
    mocker.patch.object(in_slack.client, "_perform_urllib_http_request", return_value=answer)
    with pytest.raises(Unavailable):
        show(in_slack)


@pytest.mark.parametrize("header", ["", "soon", "-1"])
def test_too_much_without_a_good_time_waits_for_half_a_minute(in_slack, header, mocker):
    answer = {"status": 429, "headers": {"Retry-After": header}, "body": '{"ok": false, "error": "ratelimited"}'}
    mocker.patch.object(in_slack.client, "_perform_urllib_http_request", return_value=answer)
    with pytest.raises(Throttled) as raised:
        show(in_slack)
    assert raised.value.seconds == 30


def test_no_token_stands_in_an_error_or_a_log(caplog):
    caplog.set_level(logging.DEBUG)
    secret = "xoxb-secret-of-mine"  # noqa: S105 - to be looked for
    with slack() as (service, address):
        service.channel("ops")
        sink = SlackSink(slack_client.client(secret, address, IMPATIENCE))
        errors = []
        for fault in (NONE, *FAULTS.values()):
            service.plan = [fault]
            with pytest.raises((BadRequest, Unavailable)) as raised:
                sink.show(outgoing("n1", "#ops", finding()))
            errors.append(raised.value)
    assert errors
    for error in errors:
        shown = f"{error!r} {error} {error.__cause__!r}"
        assert secret not in shown
    assert secret not in caplog.text


def test_one_channel_takes_a_message_a_second_and_others_are_not_kept_waiting():
    now = [NOON.timestamp()]
    with slack(clock=lambda: now[0], pace=1.0) as (service, address):
        service.channel("ops")
        service.channel("shop")
        sink = SlackSink(slack_client.client(TOKEN, address), clock=lambda: now[0])
        sink.show(outgoing("n1", "#ops", finding()))
        with pytest.raises(Throttled) as raised:
            sink.show(outgoing("n2", "#ops", finding()))
        sink.show(outgoing("n3", "#shop", finding()))
        now[0] += raised.value.seconds
        sink.show(outgoing("n2", "#ops", finding()))

    assert raised.value.seconds >= 1
    assert len(service.shown("ops")) == 2


def test_replies_stand_in_the_thread_each_with_an_id_of_its_own(in_slack):
    posted = show(in_slack)
    in_slack.sink.reply(outgoing("r1", posted.channel, finding(1)), posted)
    in_slack.sink.reply(outgoing("r2", posted.channel, [finding(minute) for minute in range(3)]), posted)

    ids = [reply.metadata["event_payload"]["id"] for reply in in_slack.service.replies("ops", posted.ts)]
    assert ids[0] == "r1"
    assert ids[1:] == [f"r2/{number}" for number in range(1, len(ids))]
    assert len(in_slack.service.shown("ops")) == 1


def test_replies_that_are_there_are_not_posted_again_and_those_that_are_not_are(in_slack, mocker):
    posted = show(in_slack)
    parts = tuple(Message(f"part {number}", ()) for number in range(4))
    mocker.patch("setpoint.adapters.slack.sink.messages.details", return_value=parts)
    mocker.patch.object(in_slack.sink, "_sleep")
    in_slack.plan(NONE, FAULTS["dropped after"], NONE, FAULTS["too many"])
    persist(lambda maybe: in_slack.sink.reply(outgoing("r1", posted.channel, [finding()], maybe=maybe), posted))

    assert [reply.text for reply in in_slack.service.replies("ops", posted.ts)] == [part.text for part in parts]


def test_a_long_thread_is_read_to_its_end(in_slack):
    posted = show(in_slack)
    for number in range(450):
        in_slack.sink.reply(outgoing(f"r{number}", posted.channel, finding()), posted)
    in_slack.sink.reply(outgoing("r449", posted.channel, finding(), maybe=True), posted)
    assert len(in_slack.service.replies("ops", posted.ts)) == 450


def test_what_stands_in_the_fake_is_a_page_in_which_nothing_is_a_tag(in_slack):
    show(in_slack)
    posted = in_slack.sink.show(outgoing("g1", "#ops", several()))
    in_slack.sink.reply(outgoing("r1", posted.channel, finding(1)), posted)
    in_slack.service.channel("ops").messages[posted.ts].text = "<script>"
    in_slack.service.channel("ops").messages[posted.ts].blocks = []
    page = Client(in_slack.service).get("/").text
    assert "# ops" in page
    assert "exports" in page
    assert "<button" in page
    assert "&lt;script&gt;" in page
    assert page.count("<script>") == 1  # its own
