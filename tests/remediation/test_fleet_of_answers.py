"""A fleet of drifts of which some are refused, denied, busy or unreadable: the others do not wait for them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, PLACES, TYPE, World
from remediation.in_process import in_process
from setpoint.adapters.google import rest
from setpoint.adapters.google.rest import RetryPolicy
from setpoint.detection import pipeline
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.remediation.engine import remediate, resume_due
from setpoint_tools.testing.google_apis import GoogleApis
from setpoint_tools.testing.google_faults import Fault
from sizes import size

pytestmark = pytest.mark.thorough
COUNT = size(100, 1000)
PAGE = Fault(200, body=b"<html>Sign in</html>", form="text/html")
SHARES = (("refused", 5, Fault(400)), ("denied", 5, Fault(403)), ("busy", 5, Fault(429)), ("unknown", 1, PAGE))
UNLIMITED = replace(
    AUTO, limits=replace(AUTO.limits, per_project=10**6, per_fleet=10**6, surge=10**6, per_source=10**6)
)


def word_of(number: int) -> str:
    """What its API answers to a hundredth of the fleet: the first five are refused, and so on."""
    share = number % 100
    for word, percent, _ in SHARES:
        if share < percent:
            return word
        share -= percent
    return "back"


REQUEST = 0.2
"""Seconds that a request takes."""


class Timed:
    """Google's APIs, which take their time on the clock of the fleet, as the client's own waiting does."""

    def __init__(self, google: GoogleApis) -> None:
        self.google = google
        self.clock: Any = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.clock.forward(seconds=REQUEST)
        return self.google(environ, start_response)

    def sleep(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)


def run(*, is_faulty: bool) -> tuple[World, list[str], float]:
    """Let a fleet drift and be remediated for six hours; the seconds until the last of the well ones was back."""
    google = GoogleApis()
    timed = Timed(google)
    world = World(google, in_process(timed, RetryPolicy()))
    timed.clock = world.clock
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rest.time, "sleep", timed.sleep)
        return world, *_remediated(world, google, is_faulty=is_faulty)


def _remediated(world: World, google: GoogleApis, *, is_faulty: bool) -> tuple[list[str], float]:
    names = [f"bucket-{number}-{word_of(number)}" for number in range(COUNT)]
    keys = [ResourceKey(f"//storage.googleapis.com/{name}") for name in names]
    wanted = {"versioning": {"enabled": True}}
    world.declare_all([(Declaration(key, TYPE, wanted, project="shop-prod"),) for key in keys], UNLIMITED)
    for word, _, fault in SHARES if is_faulty else ():
        google.fail(fault, verb="" if word == "unknown" else "PATCH", path=f"-{word}", times=-1)
    for name, key in zip(names, keys, strict=True):
        live = {"name": name, "versioning": {"enabled": False}}
        google.put(f"https://storage.googleapis.com/storage/v1/b/{name}", live)
        seen = Observation(key, TYPE, world.clock(), data=live, ancestors=PLACES, project_id="shop-prod")
        pipeline.handle_observation(seen, world.deps)
    began = world.clock()
    for key in keys:
        remediate(key, world.context)
    done = [key for key in keys if key.name.endswith("-back") or not is_faulty]
    last = max(world.store.read(key).state.finding.resolved_at for key in done)
    for _ in range(72):
        world.clock.forward(minutes=5)
        resume_due(world.context)
    return names, (last - began).total_seconds()


@pytest.fixture(scope="module")
def faulty():
    return run(is_faulty=True)


def test_each_has_its_right_word_and_no_breaker_opens(faulty):
    world, names, _ = faulty
    words = Counter()
    for name in names:
        state = world.store.read(ResourceKey(f"//storage.googleapis.com/{name}")).state
        wanted = name.rpartition("-")[2]
        outcome = state.remediation.outcome
        assert outcome == ("succeeded" if wanted == "back" else wanted), state.remediation
        words[outcome] += 1
    assert words == {
        "succeeded": COUNT * 84 // 100,
        **{word: COUNT * percent // 100 for word, percent, _ in SHARES},
    }
    safety = world.store.safety_state().value
    assert (safety.breaker, safety.failures) == (None, ())


def test_the_others_are_back_as_soon_as_without_them(faulty):
    """By the clock of requests and of the client's own patience."""
    with_them, without_them = faulty[2], run(is_faulty=False)[2]
    assert without_them >= COUNT * 3 * REQUEST * 0.9
    assert abs(with_them - without_them) <= 0.1 * without_them, (with_them, without_them)


def test_each_kind_of_answer_asks_its_api_only_as_often_as_it_may_help(faulty):
    google = faulty[0].google
    requests = Counter(request.rpartition("-")[2] for request in google.requests if request.startswith("PATCH"))
    each = {word: COUNT * percent // 100 for word, percent, _ in SHARES}
    assert requests["refused"] == each["refused"]
    assert requests["denied"] <= 4 * each["denied"]
    assert requests["busy"] <= 25 * each["busy"]
