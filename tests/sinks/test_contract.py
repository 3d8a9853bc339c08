"""What every sink has to keep, whatever the place."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from setpoint.errors import BadRequest, Throttled, Unavailable
from setpoint.ports.people import PostedMessage
from setpoint_tools.testing.slack_faults import FAULTS, NONE, Fault
from sinks.views import finding, outgoing, several
from sizes import size

PLANS = int(os.environ.get("SETPOINT_FAULT_PLANS", size(8, 50)))
"""How many fault plans are tried of each sink; more of them for the figure that docs/decisions/0021 tells."""
UNCERTAIN = sorted(FAULTS.keys() - {"too many"})


def persist(tell, *, maybe=False):
    """Tell something as the flow does: again after each failure, knowing that it may have been taken."""
    for _ in range(30):
        try:
            return tell(maybe)
        except Unavailable:
            maybe = True
    raise AssertionError("no end of failures")


def show(place, view, posted, *, maybe=False, name="n1"):
    return persist(lambda maybe: place.sink.show(outgoing(name, place.channel, view, posted, maybe=maybe)), maybe=maybe)


def test_what_is_shown_stands_once_however_often_it_is_told(place):
    posted = place.sink.show(outgoing("n1", place.channel, finding()))
    for _ in range(3):
        again = place.sink.show(outgoing("n1", place.channel, finding(), maybe=True))
        assert again == posted

    assert len(place.standing()) == len(place.deliveries()) == 1


def test_a_change_is_shown_in_the_same_message_where_messages_can_be_changed(place):
    posted = place.sink.show(outgoing("n1", place.channel, finding()))
    before = place.standing()
    assert place.sink.show(outgoing("n1", place.channel, finding(12, status="resolved"), posted)) == posted

    assert len(place.standing()) == 1
    assert place.standing() != before
    if place.sink.edits:
        assert len(place.deliveries()) == 1


def test_several_findings_of_one_cause_are_one_message(place):
    if place.per_finding:
        pytest.skip("each finding of a cause is a record of its own")
    posted = place.sink.show(outgoing("g1", place.channel, several()))
    place.sink.show(outgoing("g1", place.channel, several(3), posted))

    assert len(place.standing()) == 1


def test_two_messages_are_two(place):
    place.sink.show(outgoing("n1", place.channel, finding()))
    place.sink.show(outgoing("n2", place.channel, finding(1), maybe=True))

    assert len(place.standing()) == (1 if place.per_finding else 2)


def test_two_findings_are_two(place):
    for name, identifier in (("n1", "a" * 32), ("n2", "b" * 32)):
        place.sink.show(outgoing(name, place.channel, finding(finding_id=identifier), maybe=True))

    assert len(place.standing()) == 2


def test_a_call_stands_once_and_ends_with_the_finding(place):
    posted = place.sink.escalate(outgoing("e1", place.channel, finding()))
    place.sink.escalate(outgoing("e1", place.channel, finding(), maybe=True))
    assert len(place.deliveries()) == 1
    place.sink.escalate(outgoing("e1", place.channel, finding(5, status="resolved"), posted))

    assert len(place.standing()) == 1


@pytest.mark.parametrize("fault", UNCERTAIN)
def test_a_call_of_which_nobody_knows_what_became_is_unavailable(place, fault):
    place.plan(FAULTS[fault])
    with pytest.raises(Unavailable) as raised:
        place.sink.show(outgoing("n1", place.channel, finding()))
    assert not isinstance(raised.value, Throttled)
    assert "ops" in str(raised.value)


def test_too_much_at_once_says_when_to_ask_again(place):
    place.plan(Fault(status=429, error="ratelimited", retry_after=7))
    with pytest.raises(Throttled) as raised:
        place.sink.show(outgoing("n1", place.channel, finding()))
    assert raised.value.seconds == 7
    assert place.deliveries() == []


def test_a_channel_that_is_not_there_is_said_so_for_good(place):
    with pytest.raises(BadRequest, match="elsewhere"):
        place.sink.show(outgoing("n1", "elsewhere", finding()))


@pytest.mark.parametrize("kind", ["step", "details", "digest"])
@pytest.mark.parametrize("fault", ["dropped after", "broken after", "dropped before", "too many"])
def test_a_reply_and_a_digest_stand_once_after_any_failure(new_place, kind, fault):
    findings = [finding(minute) for minute in range(3)]
    with new_place() as calm, new_place() as place:
        for sink_place, plan in ((calm, ()), (place, (FAULTS[fault], NONE, FAULTS[fault]))):
            if kind == "digest":
                if sink_place.sink.__class__.__name__ == "WebhookSink" and sink_place.sink._is_pager(
                    sink_place.channel
                ):
                    pytest.skip("PagerDuty takes no digests")
                sink_place.plan(*plan)
                persist(lambda maybe: sink_place.sink.digest(outgoing("d1", sink_place.channel, findings, maybe=maybe)))  # noqa: B023
                continue
            posted = sink_place.sink.show(outgoing("n1", sink_place.channel, finding()))
            view = findings if kind == "details" else findings[0]
            sink_place.plan(*plan)
            persist(lambda maybe: sink_place.sink.reply(outgoing("r1", posted.channel, view, maybe=maybe), posted))  # noqa: B023

    assert place.deliveries() == calm.deliveries()


def test_a_reply_goes_to_the_channel_of_its_message(new_place):
    with new_place() as plain, new_place() as place:
        for sink_place, channel in ((plain, plain.channel), (place, "elsewhere")):
            posted = sink_place.sink.show(outgoing("n1", sink_place.channel, finding()))
            sink_place.sink.reply(outgoing("r1", channel, finding(1)), posted)

    assert place.deliveries() == plain.deliveries()


PLAN = st.lists(st.sampled_from([NONE, *FAULTS.values()]), max_size=8)
STATES = [finding(), finding(3), finding(12, status="resolved")]


@settings(max_examples=PLANS, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=PLAN, forgets=st.tuples(st.booleans(), st.booleans()))
def test_after_any_failures_each_finding_stands_once_in_its_final_state(new_place, plan, forgets):
    """As the flow tells: each state until it is taken, also where a process dies that has not noted where it stands."""
    with new_place() as fresh, new_place() as place:
        place.plan(*plan)
        for name in ("n1", "n2"):
            show(fresh, STATES[-1], None, name=name)
            posted: PostedMessage | None = None
            is_forgotten = False
            for state, forgotten in zip(STATES, (*forgets, False), strict=True):
                posted = show(place, state, posted, maybe=is_forgotten, name=name)
                is_forgotten = forgotten
                posted = None if forgotten else posted
        event(f"{sum(fault_ != NONE for fault_ in plan)} faults")

        assert place.standing() == fresh.standing()
        assert len(place.standing()) == (1 if place.per_finding else 2)
