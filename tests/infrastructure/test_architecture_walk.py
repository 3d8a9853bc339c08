"""The paths of docs/architecture.md, walked: each step is called, and for the first time in the order of the page."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from alerts.harness import AlertingHarness, event
from alerts.test_in_slack import in_slack
from detection.fleet import bucket, declare, deps
from interactions.conftest import ASKING, InteractionHarness
from remediation.fleet import FIREWALL, KEY, World
from remediation.test_faults import opened_firewall
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.alerting import service
from setpoint.detection import pipeline
from setpoint.model import events
from setpoint.remediation import engine
from setpoint_tools.testing.slack import slack

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
LIBRARY = f"{ROOT / 'shared/setpoint'}/"
BY_OTHER_TESTS = ("functions/", "bootstrap/serving.py", "adapters/firestore/", "adapters/slack/slack_requests.py")
"""Steps in processes, on an emulator and before a queue."""

Step = tuple[str, str]


def steps(heading: str) -> list[tuple[str, Step]]:
    """The steps of a path, each with its number; ``↳`` where the step before calls it."""
    section = PAGE.partition(f"{heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (\d+|↳) \| `([\w/]+\.py): (\w+)`", section, re.MULTILINE)
    return [(number, (path, name)) for number, path, name in rows if not path.startswith(BY_OTHER_TESTS)]


@contextmanager
def walked() -> Iterator[list[Step]]:
    """The functions of the library in the order of their first calls."""
    calls: dict[Step, None] = {}

    def on_call(frame: FrameType, what: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if what == "call" and file.startswith(LIBRARY):
            calls.setdefault((file.removeprefix(LIBRARY), frame.f_code.co_name))

    order: list[Step] = []
    sys.setprofile(on_call)
    try:
        yield order
    finally:
        sys.setprofile(None)
        order += calls


def numbered(heading: str) -> list[Step]:
    return [step for number, step in steps(heading) if number != "↳"]


def called(heading: str) -> set[Step]:
    return {step for number, step in steps(heading) if number == "↳"}


def in_order(order: list[Step], wanted: list[Step]) -> list[Step]:
    """The wanted steps as they were called."""
    return [step for step in order if step in wanted]


def test_a_feed_message():
    context = deps(MemoryStore(), MemoryBus(), MemoryDeadLetters())
    declare(context.store)
    with walked() as order:
        assert pipeline.receive(bucket(1, location="US"), {}, context) == "opened"
    path = [step for _, step in steps("## A feed message")]
    assert len(path) > 8
    assert in_order(order, path) == path


@pytest.fixture
def world(google_apis, google_rest) -> World:
    google_apis.journal.clear()
    return World(google_apis, google_rest)


def test_a_drift_event_is_remediated(world):
    world.declare()
    world.drift()
    (opened,) = [event for event in world.bus.events if event.type == "drift.opened"]
    with walked() as order:
        assert engine.receive(events.encode(opened), {}, world.context).outcomes == {"resolved": 1}
    path = numbered("### Remediation")
    assert len(path) > 8
    assert in_order(order, path) == path

    with walked() as asking:
        asked = World(world.google, world.context.live_resources.api)
        asked.declare(ASKING)
        asked.drift()
        engine.remediate(KEY, asked.context)
    with walked() as going_on:
        operating = opened_firewall(World(world.google, world.context.live_resources.api))
        engine.remediate(FIREWALL, operating.context)
        operating.ticks(2)
    assert called("### Remediation") <= {*order, *asking, *going_on}


def test_a_drift_event_is_shown():
    harness = AlertingHarness()
    with slack(harness.clock.seconds) as (fake, address):
        in_slack(harness, fake, address)
        with walked() as order:
            for number in (1, 2):
                service.receive(events.encode(event("drift.opened", number=number)), {}, harness.context)
        assert len(fake.shown("drift")) == 1
    path = [step for _, step in steps("### Alert")]
    assert len(path) > 5
    assert set(path) <= set(order)


def test_a_button_click(world):
    world.declare(ASKING)
    world.drift()
    alerting = AlertingHarness(store=world.store)
    with slack(clock=lambda: world.clock().timestamp()) as (fake, address):
        harness = InteractionHarness(world, fake, address)
        message = harness.message("approve", "UALICE")
        with walked() as order:
            service.handle_interaction(message, {"type": "press"}, harness.handler, alerting.context)
            engine.resume_due(world.context)
    path = numbered("## A button click")
    assert len(path) > 4
    assert in_order(order, path) == path
    assert world.writes == 1
