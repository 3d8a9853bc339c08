"""What drifted at a time in the past: from the inventory of that time, and from the stored records."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from detection.swept_fleet import QUICK
from history.past_bucket import ANCESTORS, BUCKET, NOW, ORG, World, ago, asset, declared, name_of
from setpoint import sweep
from setpoint.adapters.google.asset_inventory import AssetInventory
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import app
from setpoint.declarations import apply
from setpoint.detection import past_findings, pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import desired
from setpoint_tools.testing import messages

PLACES = ("EU", "US", "ASIA")
BUCKETS = ("a", "b", "c")
changes = st.lists(
    st.tuples(st.sampled_from(BUCKETS), st.integers(1, 34 * 24), st.sampled_from((*PLACES, None))),
    max_size=14,
    unique_by=lambda change: change[1],
)


def replay(steps, until):
    """A store after the feed up to a time."""
    context = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue(), clock=lambda: until)
    apply.declare(context.store, [desired((declared(bucket, location="EU"),)) for bucket in BUCKETS], (), ago(300))
    for bucket, time, place in steps:
        if time <= until:
            data = {"name": bucket, "projectNumber": "20318464073", "location": place}
            message = (
                messages.deletion(name_of(bucket), BUCKET, time, ancestors=ANCESTORS)
                if place is None
                else messages.resource(name_of(bucket), BUCKET, data, time, ancestors=ANCESTORS)
            )
            pipeline.handle_change(message, {}, context)
    return context.store


def standing(states):
    return {
        state.key.name: (state.finding.kind, state.fingerprint)
        for state in states
        if state.finding is not None and state.finding.status == "open"
    }


def timeline(drawn):
    """Creations, changes and deletions in order of time; nothing is deleted that is not there."""
    steps, alive = [], set()
    for bucket, hours, place in sorted(drawn, key=lambda change: -change[1]):
        if place is None and bucket not in alive:
            continue
        (alive.discard if place is None else alive.add)(bucket)
        steps.append((bucket, ago(hours=hours), place))
    return steps


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=changes, hours=st.integers(1, 34 * 24))
def test_a_sweep_at_a_time_shows_what_a_replay_of_the_feed_up_to_it_shows(
    drawn, hours, asset_service, cloud_logging_at
):
    steps, until = timeline(drawn), ago(hours=hours)
    asset_service._held.versions.clear()
    asset_service._held.gone.clear()
    asset_service._held.deletions.clear()
    World(asset_service, *cloud_logging_at)
    for bucket, time, place in steps:
        if place is None:
            asset_service.remove(name_of(bucket), time)
        else:
            asset_service.put(asset(bucket, time, {"location": place}))
    asset_service.put(
        asset("kept", ago(40), {"location": "EU"})
    )  # of a type that is not listed at all nothing is known
    replayed = replay(steps, until)
    known = {name_of(bucket) for bucket, time, _ in steps if time <= until}

    context = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue(), clock=lambda: until)
    apply.declare(
        context.store,
        [desired((declared(bucket, location="EU"),)) for bucket in BUCKETS],
        (),
        ago(300),
    )
    sweep.sweep([ORG], ["resource"], [], AssetInventory(asset_service.client(), QUICK, read_at=until), context)
    swept = {name: shown for name, shown in standing(context.store.states(drifted=True)).items() if name in known}
    assert swept == standing(replayed.states(drifted=True))


@settings(max_examples=60, deadline=None)
@given(drawn=changes, hours=st.integers(1, 34 * 24))
def test_the_records_show_what_a_replay_up_to_that_time_shows_or_say_that_they_do_not_know(drawn, hours):
    steps, until = timeline(drawn), ago(hours=hours)
    then = standing(replay(steps, until).states(drifted=True))
    for state in replay(steps, NOW).states(drifted=True):
        past = past_findings.as_of(state, until)
        if not past.is_known:
            assert past.state is None
            continue
        assert (past.state is not None) == (state.key.name in then)
        if past.state is not None and past.is_same:
            assert then[state.key.name] == (past.state.finding.kind, past.state.finding.fingerprint)


@settings(max_examples=40, deadline=None)
@given(drawn=changes, first=st.integers(1, 34 * 24), second=st.integers(0, 34 * 24))
def test_two_times_compared_agree_with_both(drawn, first, second):
    if first <= second:
        first, second = second + 1, first
    states = list(replay(timeline(drawn), NOW).states(drifted=True))
    compared = past_findings.compare(states, ago(hours=first), ago(hours=second))
    before = {state.key for state in past_findings.drifting(states, ago(hours=first))}
    after = {state.key for state in past_findings.drifting(states, ago(hours=second))}
    assert {state.key for state in compared.ended} == before - after
    assert {state.key for state in compared.began} <= after - before
    assert len(after - before) - len(compared.began) <= compared.unknown
    assert compared.stayed == len(before & after)


DECLARED = """apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/exports, owner: {team: billing}}
spec:
  assetType: storage.googleapis.com/Bucket
  data: {location: EU}
"""


@pytest.fixture
def now():
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def fleet(tmp_path, asset_service, now):
    for days, place in ((30, "EU"), (7, "US"), (2, "EU")):
        asset_service.put(asset("exports", now - timedelta(days=days), {"location": place}))
    (tmp_path / "fleet.yaml").write_text(DECLARED)
    return str(tmp_path / "fleet.yaml")


def run(*arguments):
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done


def test_a_sweep_at_a_time_compares_in_memory_what_was_there_then(fleet, now, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for days, drifts in ((10, False), (3, True), (1, False)):
        time = (now - timedelta(days=days)).isoformat()
        shown = run("sweep", "--scope", ORG, "--content", "resource", "--at", time, "-d", fleet)
        assert ("exports" in shown.stdout) == drifts
    assert list(tmp_path.glob("*.db")) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--at", "2020-01-01"], "--declarations"),
        (["--at", "2999-01-01", "-d", "FLEET"], "in the future"),
        (["--at", "then", "-d", "FLEET"], "use the form"),
        (["--at", "2026-01-01", "-d", "FLEET", "--history"], "without --from"),
    ],
)
def test_a_wrong_time_is_told_with_the_next_step(fleet, options, reason):
    arguments = [fleet if option == "FLEET" else option for option in options]
    done = CliRunner().invoke(app, ["sweep", "--scope", ORG, *arguments])
    assert reason in str(done.exception)


def test_lists_reports_and_comparisons_of_the_past_come_from_the_records(fleet, now, tmp_path, asset_service):
    url = f"sqlite:///{tmp_path}/s.db"
    run("apply", fleet, "--source", "all", "--store", url)
    asset_service.put(asset("exports", now - timedelta(hours=30), {"location": "US"}))
    run("sweep", "--scope", ORG, "--content", "resource", "--store", url)

    def before(hours):
        return (now - timedelta(hours=hours)).isoformat()

    assert "exports" in run("findings", "list", "--at", before(10), "--store", url).stdout
    assert "exports" not in run("findings", "list", "--at", before(40), "--store", url).stdout
    text = run("findings", "list", "--at", before(40), "--compare", before(10), "--store", url).stdout
    assert re.search(r"1 began: billing 1", text)
    assert "0 ended" in text
    assert "exports" in text
    report = run("report", "--at", before(10), "--output", "json", "--store", url).stdout
    assert '"open":1' in report
    assert '"open":0' in run("report", "--at", before(40), "--output", "json", "--store", url).stdout
    store = open_store(url)
    assert len(list(store.states(drifted=True))) == 1
    store.close()
