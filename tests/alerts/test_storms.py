"""A storm of one cause is one message, in constant memory, that is shown the more seldom the larger it is."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerts.harness import AlertingHarness, Clock, event
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.alerting.group_summary import GroupSummary
from setpoint.alerting.model import AlertNotice
from setpoint.alerting.publish_thread import show
from setpoint.model.resource_key import ResourceKey
from sizes import size


def storm(tmp_path, count: int) -> tuple[AlertingHarness, str]:
    """An harness with a group of so many findings, none of them shown."""
    store = SqliteStore(tmp_path / f"{count}.db")
    harness = AlertingHarness(store=store, clock=Clock())
    harness.deliver(event("drift.opened", 1))
    (first,) = harness.context.records.of_finding(event("drift.opened").data.finding_id)
    with store._connections.transaction():
        for number in range(2, count + 1):
            opened = event("drift.opened", 1, number=number)
            notice = replace(
                first.value,
                key=ResourceKey(opened.data.resource_name),
                shown=replace(first.value.shown, data=opened.data),
                shown_sequence="",
            )
            harness.context.records.write_notice(notice, None, harness.clock())
    harness.clock.sleep(3_600)
    return harness, first.value.thread


def with_data(notice: AlertNotice, **changes) -> AlertNotice:
    return replace(notice, shown=replace(notice.shown, data=replace(notice.shown.data, **changes)))


def peak_of_showing(harness: AlertingHarness, thread: str) -> int:
    tracemalloc.start()
    try:
        assert show(thread, harness.context.alerting(), harness.context, 5.0) == "shown"
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.thorough
def test_showing_a_group_takes_the_same_memory_whatever_its_size(tmp_path):
    few, many = size((500, 3_000), (2_000, 25_000))
    small = peak_of_showing(*storm(tmp_path, few))
    harness, thread = storm(tmp_path, many)
    large = peak_of_showing(harness, thread)
    assert large < small + 400 * many  # a mark of what is shown and a name of a project, not a notice of some 10 KB
    shown = harness.only()
    assert (shown.total, len(harness.sink.posts)) == (many, 1)
    assert shown.project_count == min(many, 20_000), "more projects are counted together"
    assert list(harness.context.records.due(harness.clock())) == []


def test_a_large_group_is_shown_the_more_seldom_the_larger_it_is(tmp_path):
    harness, thread = storm(tmp_path, 1_000)
    show(thread, harness.context.alerting(), harness.context, 5.0)
    updates = harness.sink.updates
    for number in range(20):
        harness.deliver(event("drift.changed", 2 + number))
        harness.clock.sleep(2)
    assert harness.sink.updates == updates
    harness.clock.sleep(60)
    harness.tick()
    assert harness.sink.updates == updates + 1
    stored = harness.context.records.thread(thread).value
    assert stored.shown_at + timedelta(minutes=11) > harness.clock()


def peak_of_ticking(harness: AlertingHarness, thread: str) -> int:
    """The memory of a tick while another process shows the thread, so that all its notices stay due."""
    stored = harness.context.records.thread(thread)
    claimed = replace(stored.value, claimed_until=harness.clock.now + timedelta(hours=1))
    harness.context.records.write_thread(claimed, stored.version, harness.clock())
    tracemalloc.start()
    try:
        harness.tick()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.thorough
def test_a_tick_takes_the_same_memory_however_much_is_due(tmp_path):
    few, many = size((800, 4_000), (2_000, 25_000))
    small = peak_of_ticking(*storm(tmp_path, few))
    assert peak_of_ticking(*storm(tmp_path, many)) < small + 500 * (many - few)  # a notice takes some 5 KB


@pytest.mark.parametrize("order", [1, -1])
def test_the_worst_findings_are_the_samples_in_whatever_order_they_come(tmp_path, order):
    harness, thread = storm(tmp_path, 30)
    notices = [stored.value for stored in harness.context.records.of_thread(thread)]
    notices[7], notices[9] = with_data(notices[7], severity="critical"), with_data(notices[9], status="resolved")
    summary = GroupSummary()
    for notice in notices[::order]:
        summary.add(notice)
    view = summary.view(harness.context.records.thread(thread).value)
    assert view.samples[0].data.severity == view.severity == "critical"
    assert len(view.samples) == 10
    names = [sample.data.resource_name for sample in view.samples[1:]]
    assert names == sorted(names)
    assert view.statuses == {"open": 29, "resolved": 1}
