"""Whatever is to be told, Slack takes it, and shows it as it was meant."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rendering.block_kit import faults
from rendering.strategies import groups, links, showns, words
from setpoint.alerting.rendering import mrkdwn, safe_text, slack
from setpoint.model.notice_view import FindingView
from sizes import size

lasting = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@given(showns(), links)
@settings(lasting, max_examples=size(15, 400))
def test_any_finding_is_a_valid_message(shown, links):
    assert faults(slack.finding(shown, links)) == []


@given(groups(), links)
@settings(lasting, max_examples=size(10, 200))
def test_any_group_is_a_valid_message(group, links):
    assert faults(slack.group(group, links)) == []


@given(st.lists(showns(20), max_size=6), st.sampled_from((1, 1, 20, 200)), links)
@settings(lasting, max_examples=size(10, 200))
def test_any_digest_is_a_valid_message(findings, times, links):
    assert faults(slack.digest(findings * times, links)) == []


@given(showns(), links)
@settings(lasting, max_examples=size(10, 200))
def test_all_that_is_told_of_any_finding_is_valid_and_bounded(shown, links):
    messages = slack.details([shown], links)
    assert 1 <= len(messages) <= 10
    assert [fault for message in messages for fault in faults(message)] == []


@given(st.lists(showns(20), min_size=2, max_size=5), st.sampled_from((1, 20, 500)), links)
@settings(lasting, max_examples=size(8, 100))
def test_a_list_of_any_findings_is_valid_and_bounded(findings, times, links):
    messages = slack.details(findings * times, links)
    assert 1 <= len(messages) <= 10
    assert [fault for message in messages for fault in faults(message)] == []


@given(showns(), links)
@settings(lasting, max_examples=size(10, 300))
def test_any_step_is_a_valid_message(shown, links):
    assert faults(slack.step(shown, links)) == []


@given(showns())
@settings(lasting, max_examples=size(10, 300))
def test_any_escalation_is_a_valid_message(shown):
    assert faults(slack.escalation(shown)) == []


@given(showns(20), links)
@settings(lasting, max_examples=size(8, 100))
def test_a_message_is_json_and_always_the_same(shown: FindingView, links):
    message = slack.finding(shown, links)
    assert msgspec.json.decode(msgspec.json.encode(message.blocks)) == list(message.blocks)
    assert slack.finding(shown, links) == message


@given(words, st.integers(3, 300))
@settings(lasting, max_examples=size(100, 1000))
def test_what_is_cut_is_no_longer_than_asked_and_never_cut_within_an_escape(value, most):
    fitted = safe_text.fit(value, most, mrkdwn.ESCAPES)
    assert safe_text.units(fitted) <= most
    whole = safe_text.fit(value, 10**6, mrkdwn.ESCAPES)
    assert fitted == whole or (fitted.endswith("…") and whole.startswith(fitted[:-1]))
    assert "&" not in fitted.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
