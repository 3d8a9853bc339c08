"""Several workers at one drift, really at once and in chosen interleavings."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from remediation.apis import Meanwhile
from remediation.fleet import KEY, World
from remediation.test_faults import assert_put_back_once
from setpoint.errors import SetpointError
from setpoint.remediation.engine import remediate, resume_due
from setpoint_tools.testing.google_faults import Fault

WORKERS = 4


@pytest.fixture(params=["new_memory", "new_sqlite"])
def drifted(request, google_apis, google_rest) -> World:
    google_apis.journal.clear()
    world = World(google_apis, google_rest, request.getfixturevalue(request.param)().open())
    world.declare()
    world.drift()
    return world


@pytest.mark.parametrize("delay", [0, 0.02])
def test_workers_that_begin_together_write_once(drifted, delay):
    drifted.google.fail(Fault(delay=delay), verb="PATCH", times=-1)
    together = threading.Barrier(WORKERS)

    def work(number: int) -> None:
        together.wait()
        with suppress(SetpointError):  # a conflict too many is delivered again
            remediate(KEY, drifted.worker(f"worker-{number}", drifted.context.live_resources.api))

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))
    drifted.ticks(20)

    assert_put_back_once(drifted)


def test_rounds_that_overlap_write_once(drifted):
    drifted.google.fail(Fault(lost="before"), verb="PATCH")
    remediate(KEY, drifted.context)
    drifted.clock.forward(minutes=1)
    resume_due(drifted.context)
    drifted.clock.forward(minutes=2)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(resume_due, [drifted.context] * WORKERS))
    drifted.ticks(20)

    assert_put_back_once(drifted)


@pytest.mark.parametrize("method", ["read", "write"])
def test_a_second_worker_at_any_point_of_the_first_writes_nothing_more(drifted, method):
    other = drifted.worker("worker-2", drifted.context.live_resources.api)
    slow = Meanwhile(drifted.context.live_resources.api, method, lambda: remediate(KEY, other))

    remediate(KEY, drifted.worker("worker-1", slow))
    drifted.ticks(20)

    assert_put_back_once(drifted)


def test_a_worker_whose_claim_was_taken_over_does_not_tell_what_came_of_it(drifted):
    """It wrote, and slept before it could say so; the other has found it put back."""
    other = drifted.worker("worker-2", drifted.context.live_resources.api)

    def asleep() -> None:
        drifted.clock.forward(minutes=6)
        assert remediate(KEY, other) == "resolved"

    remediate(KEY, drifted.worker("worker-1", Meanwhile(drifted.context.live_resources.api, "write", asleep)))
    drifted.ticks(20)

    assert_put_back_once(drifted)
