"""What each answer of an API leads to: refused, busy, unreadable, and a round that no answer stops."""

from __future__ import annotations

import pytest

from remediation.fleet import DRIFTED, KEY, TYPE
from remediation.test_faults import PATCH, PUT_BACK, assert_put_back_once
from setpoint.model import safety_limits
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.model.safety_limits import Pause
from setpoint.remediation.engine import remediate, resume_due
from setpoint_tools.testing.google_faults import Fault


@pytest.mark.parametrize("status", [400, 404, 405, 413, 422])
def test_what_an_api_refuses_is_handed_off_at_once_with_its_own_sentence_and_never_sent_again(drifted, status):
    drifted.google.fail(Fault(status), verb=PATCH, times=-1)
    assert remediate(KEY, drifted.context) == "handed_off"
    drifted.ticks(300)

    assert sum(request.startswith(PATCH) for request in drifted.google.requests) == 1
    assert drifted.event_types == ["drift.opened", "remediation.started", "remediation.requested"]
    (requested,) = [event for event in drifted.bus.events if event.type == "remediation.requested"]
    assert (requested.data.remediation.step, requested.data.remediation.outcome) == ("handed_off", "refused")
    assert "the test asked for it" in requested.data.remediation.reason
    assert requested.data.remediation.declared
    assert drifted.store.safety_state().value.failures == drifted.store.safety_state().value.writes == ()


def test_what_was_refused_is_sent_again_when_something_else_is_declared(drifted):
    drifted.google.fail(Fault(400), verb=PATCH)
    remediate(KEY, drifted.context)
    drifted.declare(data={"versioning": {"enabled": True}})
    drifted.observe(DRIFTED)
    remediate(KEY, drifted.context)
    drifted.ticks(70)

    assert_put_back_once(drifted)


@pytest.mark.parametrize("fault", [Fault(429, wait=600), Fault(403, "rateLimitExceeded"), Fault(503, wait=600)])
def test_a_busy_api_is_waited_for_as_it_asks_and_the_attempt_does_not_count(drifted, fault):
    drifted.google.fail(fault, verb=PATCH, times=-1)
    assert remediate(KEY, drifted.context) == "waiting"
    drifted.ticks(9)
    if fault.wait:
        assert sum(request.startswith(PATCH) for request in drifted.google.requests) == 1
    drifted.ticks(300)
    safety = drifted.store.safety_state().value
    assert (drifted.state.remediation.attempts, safety.failures, safety.writes) == (0, (), ())

    drifted.google._faults.clear()
    drifted.ticks(70)
    assert_put_back_once(drifted)


PAGE = Fault(200, body=b"<html>Sign in to the network</html>", form="text/html")
UNREADABLE = [
    PAGE,
    Fault(200, body=b""),
    Fault(200, body=b'{"name": "exp'),
    Fault(200, body=b'{"name": "\xff\xfe"}'),
    Fault(200, body=b"[]"),
    Fault(200, body=b"null"),
    Fault(200, body=b"[" * 100_000),
    Fault(200, body=b"no gzip", encoding="gzip"),
    Fault(301, body=b"", location="https://example.com/"),
    Fault(302, body=b"<html></html>", form="text/html", location="/login"),
    Fault(404, body=b"<html>Error 404 (Not Found)!!1</html>", form="text/html"),
    Fault(404, body=b'{"message": "no route"}'),
    Fault(410, body=b""),
    Fault(407, body=b"", form="text/html"),
    Fault(502, body=b"<html>Bad Gateway</html>", form="text/html"),
    Fault(404, body=b'{"error": {"code": 404, "message": "Not found."}}'),
]


@pytest.mark.parametrize("fault", UNREADABLE, ids=str)
class TestAnyAnswer:
    """Whatever comes back, nothing is called deleted that is there, and no other resource waits for it."""

    def test_of_a_read_tells_nothing_and_the_resource_is_read_again_later(self, drifted, fault):
        drifted.google.fail(fault, verb="GET", times=-1)
        assert remediate(KEY, drifted.context) == "unread"
        drifted.ticks(200)

        assert (drifted.state.finding.kind, drifted.state.deleted) == ("modified", False)
        assert drifted.event_types == ["drift.opened", "remediation.failed"]
        assert drifted.state.remediation.outcome == "unknown"
        assert sum(request.startswith("GET") for request in drifted.google.requests) < 60
        drifted.google._faults.clear()
        drifted.ticks(70)
        assert_put_back_once(drifted)

    def test_of_a_write_is_followed_by_a_reading(self, drifted, fault):
        drifted.google.fail(fault, verb=PATCH)
        remediate(KEY, drifted.context)
        drifted.ticks(70)

        if drifted.state.remediation.step != "handed_off":
            assert_put_back_once(drifted)
        assert drifted.store.safety_state().value.failures == ()

    def test_that_took_effect_all_the_same_is_proved(self, drifted, fault):
        drifted.google.fail(fault._replace(lost="shown"), verb=PATCH)
        remediate(KEY, drifted.context)
        drifted.ticks(70)

        assert_put_back_once(drifted)
        assert drifted.event_types == PUT_BACK


def test_an_exception_at_one_resource_reaches_no_other(world):
    keys = [ResourceKey(f"//storage.googleapis.com/bucket-{number}") for number in range(5)]
    world.declare_all(
        [(Declaration(key, TYPE, {"versioning": {"enabled": True}}, project="shop-prod"),) for key in keys]
    )
    for number, key in enumerate(keys):
        world.google.put(f"https://storage.googleapis.com/storage/v1/b/bucket-{number}", DRIFTED)
        world.observe(DRIFTED, key)
        pause = Pause("fleet", world.clock())
        world.brake(lambda now, pause=pause: safety_limits.pause(now, pause))
        remediate(key, world.context)
    world.brake(lambda now: safety_limits.resume(now, "fleet"))
    real = world.context.live_resources.api

    class Faulty:
        def __getattr__(self, name):
            return getattr(real, name)

        def read(self, call):
            if call.url.endswith("bucket-2"):
                raise RuntimeError("a bug")
            return real.read(call)

    world.clock.forward(hours=1)
    tick = resume_due(world.worker("worker-1", Faulty()))

    assert (world.writes, tick.outcomes["resolved"]) == (4, 4)
    (problem,) = tick.problems
    assert "bucket-2" in problem


@pytest.mark.parametrize("status", [403, 413, 422])
def test_a_verification_that_may_not_be_read_is_no_proof_that_the_write_failed(drifted, status):
    drifted.google.fail(Fault(lost="after"), verb=PATCH)
    remediate(KEY, drifted.context)
    drifted.google.fail(Fault(status), verb="GET", times=2)
    drifted.ticks(70)

    assert_put_back_once(drifted)
    assert drifted.event_types == PUT_BACK
