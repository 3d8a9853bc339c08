"""Alert records that cannot be read: they keep no other from being shown, and are made again."""

from __future__ import annotations

import msgspec
import pytest

from alerts.harness import AlertingHarness, Clock, event
from setpoint.errors import CorruptState, NewerRecord
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.ports.people import NoticeIndex


@pytest.fixture
def harness(store) -> AlertingHarness:
    harness = AlertingHarness(store=store, clock=Clock())
    harness.deliver(event("drift.opened", 1))
    return harness


def overwrite(harness: AlertingHarness, kind: str, changes: dict | None, *, is_due: bool = False) -> str:
    """Damage the record of a kind, or have a newer version write it; its id."""
    store = harness.deps.store.notices
    (notice,) = harness.context.records.of_finding(event("drift.opened").data.finding_id)
    name = notice.value.id if kind == "notices" else notice.value.thread
    stored = store.read(kind, name)
    body = b"no JSON" if changes is None else msgspec.json.encode(msgspec.json.decode(stored.body) | changes)
    due = harness.clock() if is_due else None
    filed = NoticeIndex(notice.value.key.id, notice.value.thread, due) if kind == "notices" else NoticeIndex()
    store.write(kind, name, body, stored.version, filed)
    return name


@pytest.mark.parametrize("changes", [None, {"schema": 2, "shape": "new"}], ids=["damaged", "newer"])
def test_a_notice_that_cannot_be_read_keeps_no_other_from_being_shown_and_is_named(harness, changes):
    name = overwrite(harness, "notices", changes, is_due=True)
    harness.sink.faults = ["down"]
    harness.deliver(event("drift.opened", 1, number=2, project="elsewhere"))
    harness.tick(3)
    assert {view.data.resource_name[-1] for view in harness.shown if hasattr(view, "data")} >= {"2"}
    problems = RecordProblemLog(harness.deps.store.notices).listed(harness.clock())
    assert [problem.record for problem in problems] == [f"notices/{name}"]


def test_the_next_event_of_the_finding_replaces_a_damaged_notice(harness):
    overwrite(harness, "notices", None, is_due=True)
    harness.tick()
    harness.deliver(event("drift.resolved", 2))
    assert [view.data.status for view in harness.shown] == ["resolved"]


def test_a_damaged_thread_is_made_anew_and_posted_no_second_time(harness):
    overwrite(harness, "threads", None)
    harness.tick()
    harness.deliver(event("drift.resolved", 2))
    assert len(harness.sink.posts) == 1
    assert [view.data.status for view in harness.shown] == ["resolved"]


def test_a_notice_of_a_newer_version_is_never_overwritten(harness):
    name = overwrite(harness, "notices", {"schema": 2})
    body = harness.deps.store.notices.read("notices", name).body
    with pytest.raises(NewerRecord):
        harness.deliver(event("drift.resolved", 2))
    assert harness.deps.store.notices.read("notices", name).body == body


def test_a_thread_of_a_newer_version_is_told_of_and_left_alone(harness):
    name = overwrite(harness, "threads", {"schema": 2})
    body = harness.deps.store.notices.read("threads", name).body
    harness.deliver(event("drift.resolved", 2))
    assert harness.deps.store.notices.read("threads", name).body == body
    with pytest.raises(CorruptState):
        harness.context.records.thread(name)
