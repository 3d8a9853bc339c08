from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from rich.console import Console
from typer.testing import CliRunner

from setpoint import bootstrap
from setpoint.bootstrap import open_store
from setpoint.cli import app
from setpoint.cli.report import make
from setpoint.declarations.readers import load
from setpoint.detection.finding_events import data_of
from setpoint.model.grouping import cause_id, cause_of
from setpoint.reporting.bigquery_schema import refused
from setpoint.reporting.tables import DRIFT_EVENTS, tables
from setpoint_tools.demo import feed, files, incidents, messages, oracle, terraform_states
from setpoint_tools.demo import fleet as fleets
from setpoint_tools.demo.__main__ import main

NOW = datetime(2025, 6, 17, 15, 35, 48, 938746, tzinfo=UTC)


def data_of_page(page):
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(block)


@pytest.fixture(scope="module")
def fleet():
    return fleets.make()


@pytest.fixture(scope="module")
def happened(fleet):
    return incidents.all_incidents({project.id: project.number for project in fleet.projects})


@pytest.fixture(scope="module")
def sent(fleet, happened):
    return feed.make(fleet, happened, NOW)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "demo-out"


@pytest.fixture(scope="module")
def shown(folder):
    """What the demo says at 100 columns, having ended well."""
    console = Console(width=100, record=True, file=(folder.parent / "shown.txt").open("w"), highlight=False)
    with console.file:
        assert main(folder, console) == 0, console.export_text()
    return console.export_text()


def test_a_sweep_from_the_export_finds_what_the_feed_has_shown(shown, folder):
    assert "A sweep of export.jsonl" in shown
    result = CliRunner().invoke(
        app, ["sweep", "--from", str(folder / "export.jsonl"), "--store", f"sqlite:///{folder / 'setpoint.db'}"]
    )
    assert result.exit_code == 0, result.output


@pytest.fixture
def states(folder, shown):
    assert shown
    store = open_store(f"sqlite:///{folder / 'setpoint.db'}")
    yield list(store.states(drifted=True))
    store.close()


def test_the_fleet_is_of_the_size_that_is_promised(fleet):
    assert len(fleet.declared) >= 200
    assert len(fleet.projects) >= 20
    assert len({declaration.kind.asset_type for declaration in fleet.declared}) >= 12
    assert len({declaration.owner.team for declaration in fleet.declared}) >= 5
    assert all(declaration.owner.slack for declaration in fleet.declared)
    assert {declaration.mode for declaration in fleet.declared} == {"alert", "approve", "auto"}
    assert {declaration.authority for declaration in fleet.declared if declaration.key.content == "iam_policy"} == {
        "policy",
        "role",
        "member",
    }
    assert any(declaration.key.content == "org_policy" for declaration in fleet.declared)
    assert any(declaration.ignore for declaration in fleet.declared)
    assert fleet.scopes


def test_the_fleet_and_its_feed_are_the_same_each_time(fleet, happened, sent):
    again = fleets.make()
    assert again == fleet
    assert feed.make(again, happened, NOW) == sent


def test_every_declaration_loads_without_a_problem(fleet, tmp_path):
    assert files.write(fleet, tmp_path / "fleet") >= 20
    assert terraform_states.write(fleet, tmp_path / "states") == 4
    loaded = load.load([str(tmp_path)])
    assert not loaded.problems
    assert {wanted.declarations[0].key for wanted in loaded.desired} == {
        declaration.key for declaration in fleet.declared
    }
    assert len(loaded.scopes) == len(fleet.scopes)
    assert loaded.policy is not None
    assert loaded.alerting is not None


def test_the_feed_brings_all_that_a_feed_can_bring(sent):
    assert 300 <= len(sent) <= 1500
    assert {message.outcome for message in sent} == {
        *("opened", "changed", "drifted", "resolved", "in_sync", "undeclared"),
        *("stale", "repeated", "welcome", "rejected"),
    }
    whole = [json.loads(message.data) for message in sent if message.outcome not in ("welcome", "rejected")]
    gone = [message for message in whole if message.get("deleted")]
    assert any("asset" in message for message in gone)
    assert any("asset" not in message for message in gone)
    assert {len(message["window"]["startTime"]) for message in whole} == {len("2025-06-17T15:35:48.938746Z")}


def test_messages_come_in_the_last_hour_and_late_ones_after_newer_ones(sent):
    newest = {}
    for message in sent:
        if message.key is None:
            continue
        assert 0 < (NOW - message.time).total_seconds() < 3700
        assert (message.time < newest.get(message.key, message.time)) == (message.outcome == "stale")
        newest[message.key] = max(message.time, newest.get(message.key, message.time))


def test_the_demo_finds_exactly_what_was_done(happened, states):
    assert not list(oracle.of_findings(happened, states))
    assert {state.key for state in states} == {change.key for change in happened}


def test_people_and_tools_stand_behind_most_drifts(states):
    actors = [state.finding.actor for state in states if state.finding.actor is not None]
    assert len(actors) >= len(states) * 0.8
    assert {actor.caller for actor in actors} >= {"console", "gcloud", "terraform", "ansible"}
    assert {actor.kind for actor in actors} >= {"person", "service"}


def test_some_drifts_are_remediated_one_after_an_approval_some_wait_and_a_guardrail_stops_one(states):
    steps = Counter(state.remediation.step for state in states if state.remediation is not None)
    assert steps["done"] == 4
    assert [state.remediation.approved_by for state in states if state.remediation and state.remediation.approved_by]
    assert steps["asked"] >= 1
    assert steps["stopped"] == 1


def test_what_was_there_before_is_in_the_baseline(states):
    old = [state for state in states if state.exemption is not None and state.exemption.baseline]
    ages = Counter((datetime.now(UTC) - state.finding.history.since).days for state in old)
    assert ages == {5: 1, 8: 1, 12: 2, 23: 1, 31: 1, 35: 1}  # as the history of the inventory tells


def test_the_first_sweep_says_since_when_by_whom_and_how_or_why_that_is_not_known(shown, states):
    first, _, _ = shown.partition("open findings")
    assert "7 drifted before Setpoint" in first
    assert "older than the 35 days of history" in first
    for name in ("max.weber", "tom.reed", "sam.kim", "ops-automation", "deploy"):
        assert f"by {name}@" in first
    assert {"by hand", "by tool", "unknown"} <= set(re.findall(r"by hand|by tool|unknown", first))
    old = [state for state in states if state.exemption is not None and state.exemption.baseline]
    assert [state.finding.history.at_least for state in old if state.finding.actor is None] == [True]


def test_a_wrong_since_of_the_first_sweep_is_told(happened, states):
    old = [state for state in states if state.exemption is not None and state.exemption.baseline]
    now = datetime.now(UTC)
    assert not list(oracle.of_history(happened, old, now))
    late = replace(old[0].finding, history=replace(old[0].finding.history, since=now))
    assert "since" in next(oracle.of_history(happened, [replace(old[0], finding=late), *old[1:]], now))
    assert list(oracle.of_history(happened, old[1:], now))


def test_one_cause_is_behind_many_findings(states):
    causes = Counter(cause_id(cause_of(data_of(state))) for state in states if state.is_open)
    assert causes.most_common(1)[0][1] >= 10


def test_what_no_declaration_names_is_found_too(states):
    operations = {difference.op for state in states for difference in state.finding.differences}
    kinds = {difference.path: difference for state in states for difference in state.finding.differences}
    assert operations == {"changed", "missing", "unexpected"}
    assert "redisConfigs.notify-keyspace-events" in kinds
    undeclared = kinds["settings.ipConfiguration.requireSsl"]
    assert undeclared.kind == "undeclared_change"
    restored = kinds["sourceTags"]
    assert (restored.kind, restored.observed) == ("undeclared_change", ["debug"])
    granted = [state for state in states if state.key.name.endswith("storefront-prod-uploads")]
    assert any(state.key.content == "iam_policy" for state in granted)


def test_an_undeclared_change_is_put_back_where_the_policy_asks_for_it(states):
    (state,) = (state for state in states if state.key.name.endswith("/allow-internal-metrics"))
    assert (state.finding.status, state.finding.reason) == ("resolved", "in sync")
    assert state.remediation.summary == ('sourceTags: ["debug"] -> (absent) (last known good)',)
    assert state.remediation.outcome == "succeeded"


def test_declarations_are_native_manifests_and_states_side_by_side(folder, shown):
    assert "in Config Connector manifests" in shown
    assert list((folder / "fleet" / "native").rglob("*.yaml"))
    assert list((folder / "fleet" / "config-connector").rglob("*.yaml"))
    assert list((folder / "terraform-states").rglob("*.tfstate"))
    store = open_store(f"sqlite:///{folder / 'setpoint.db'}")
    try:
        sources = store.control().value.sources
    finally:
        store.close()
    assert "fleet" in sources
    assert sum(name.startswith("gs://") for name in sources) == 4


def test_every_declared_resource_was_compared_by_the_sweep(folder, shown):
    assert shown
    made = make(f"sqlite:///{folder / 'setpoint.db'}", "2h")
    assert made.coverage.swept_at is not None
    assert made.coverage.compared == 1.0
    assert made.coverage.declared == made.coverage.swept


def began(finding):
    """The beginning of a drift; of one that is older than the history, the beginning of that."""
    is_older = finding.history is not None and finding.history.at_least
    return finding.history.since if is_older else finding.first_seen


def test_the_page_and_the_picture_of_slack_tell_the_same_minutes(folder, shown, states):
    assert shown
    drawn = (folder / "slack.html").read_text(encoding="utf-8")
    page = data_of_page((folder / "report.html").read_text())
    for state in states:
        row = next(row for row in page["rows"] if row[0] == state.key.id)
        assert page["generated_at"] - row[13] == int(began(state.finding).timestamp())
    for state in states:
        if state.is_open and state.finding.severity == "critical":
            assert f"{state.finding.first_seen:%H:%M}" in drawn


def test_the_numbers_of_the_demo_add_up(folder, shown, states, happened):
    open_, resolved, baseline = (
        sum(state.finding.status == status for state in states) for status in ("open", "resolved", "accepted")
    )
    assert open_ + resolved + baseline == len(happened)
    assert (
        f"{len(happened)} resources drifted = {open_} open + {resolved} resolved + {baseline} in the baseline" in shown
    )
    assert f"{open_} open findings" in shown
    in_a_line = " ".join(shown.split())
    by_scopes = [state for state in states if not is_declared(state, folder) and state.finding.status != "resolved"]
    assert f"{open_ + baseline - len(by_scopes)} drifted counted by the sweep" in in_a_line
    assert f"{len(by_scopes)} are undeclared, and found by scopes" in in_a_line


def is_declared(state, folder):
    """Whether a declaration names the resource and the content of a finding."""
    store = bootstrap.open_store_to_read(f"sqlite:///{folder / 'setpoint.db'}")
    try:
        return store.read(state.key).desired is not None
    finally:
        store.close()


def test_the_demo_says_whose_it_is_and_what_to_do_next(folder, shown, happened):
    assert f"{len(happened)} resources were made to drift, and exactly these were found" in " ".join(shown.split())
    assert "payments  #payments-alerts" in shown
    assert "one cause, 12 resources" in shown
    assert "+ roles/owner granted to user:max.weber@example.com" in shown
    assert f"setpoint findings list --store sqlite:///{folder / 'setpoint.db'}" in shown
    assert "the JSON ends early" in shown


def test_what_the_demo_says_fits_in_a_hundred_columns(shown):
    text, _, _ = shown.partition("next ──")
    assert max(map(len, text.splitlines())) <= 100
    assert "IAM of Project payments-prod" in text


def test_events_and_dead_letters_are_kept(folder, shown, sent):
    assert shown
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert len({event["id"] for event in events}) == len(events)
    opened = sum(message.outcome == "opened" for message in sent)
    assert sum(event["type"] == "drift.opened" for event in events) == opened + 7  # those that were there before
    assert {event["type"] for event in events} >= {
        *("drift.attributed", "remediation.requested", "remediation.started", "remediation.succeeded"),
        *("remediation.blocked", "drift.exempted"),
    }
    dead_letters = (folder / "dead-letters.jsonl").read_text().splitlines()
    assert len(dead_letters) == len(messages.broken([message.data for message in sent if message.outcome == "in_sync"]))
    assert all(json.loads(line)["reason"] for line in dead_letters)


def test_every_event_fits_the_columns_of_the_warehouse(folder, shown):
    assert shown
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert len(events) > 20
    for event in events:
        assert refused(tables()[DRIFT_EVENTS].columns, event, drop_unknown=True) == []


def test_the_commands_that_it_names_work(folder, shown):
    store = f"sqlite:///{folder / 'setpoint.db'}"
    (finding,) = set(re.findall(r"setpoint approve (\w+) ", shown))
    proposed = CliRunner().invoke(app, ["propose", finding, "--root", str(folder / "fleet"), "--store", store])
    assert proposed.exit_code == 0
    assert "+      - allUsers" in proposed.stdout
    approved = CliRunner().invoke(app, ["approve", finding, "--yes", "--as", "lea.koch@example.com", "--store", store])
    assert approved.exit_code == 0, approved.output


def test_the_page_is_written_and_where_it_is_is_said(folder, shown, states):
    page = (folder / "report.html").read_text()
    assert str(folder / "report.html") in shown
    assert all(state.key.id in page for state in states)


def test_the_command_line_reads_the_findings_afterwards(folder, states):
    store = f"sqlite:///{folder / 'setpoint.db'}"
    listed = CliRunner().invoke(app, ["findings", "list", "--store", store, "--output", "jsonl", "--status", "all"])
    assert listed.exit_code == 0
    assert {json.loads(line)["id"] for line in listed.stdout.splitlines()} == {state.key.id for state in states}
    shown = CliRunner().invoke(app, ["findings", "show", states[0].key.id[:8], "--store", store])
    assert shown.exit_code == 0
    assert states[0].key.id in shown.stdout


def test_the_command_line_finds_the_same_in_the_same_feed(folder, states):
    store = f"sqlite:///{folder.parent / 'again.db'}"
    declared = ["--declarations", str(folder / "fleet"), "--declarations", str(folder / "terraform-states")]
    arguments = [*declared, "--feed", str(folder / "feed.jsonl"), "--store", store]
    assert CliRunner().invoke(app, ["detect", *arguments]).exit_code == 0
    again = open_store(store)
    try:
        fingerprints = drifts_of(again.states(drifted=True))
    finally:
        again.close()
    assert fingerprints == drifts_of(states)


def drifts_of(states):
    """The fingerprint of each drift; of one with a hidden value, whose digest is the store's own, the paths."""
    return {
        state.key: [difference.path for difference in state.finding.differences]
        if any(difference.hidden for difference in state.finding.differences)
        else state.finding.fingerprint
        for state in states
    }


def test_a_second_run_starts_anew_and_touches_nothing_else_and_ends_with_1_where_it_does_not_find_the_truth(
    folder, shown, states, tmp_path, monkeypatch
):
    assert shown
    again = shutil.copytree(folder, tmp_path / "demo-out")
    beside = again / "notes.txt"
    beside.write_text("mine")
    monkeypatch.setattr(oracle, "of_findings", lambda *_: ["missed: //storage.googleapis.com/somewhere"])
    console = Console(width=100, record=True, file=io.StringIO())
    assert main(again, console) == 1
    assert "missed: //storage.googleapis.com/somewhere" in console.export_text()
    assert beside.read_text() == "mine"
    store = open_store(f"sqlite:///{again / 'setpoint.db'}")
    try:
        assert {state.finding.episodes for state in store.states(drifted=True)} == {1, 2, 3}
        assert {state.key for state in store.states(drifted=True)} == {state.key for state in states}
    finally:
        store.close()


def test_a_missed_drift_and_a_false_alarm_are_told(happened, states):
    assert [finding for finding in oracle.of_findings(happened, states[1:]) if finding.startswith("missed: ")]
    assert [finding for finding in oracle.of_findings(happened[1:], states) if finding.startswith("false alarm: ")]
    elsewhere = replace(happened_state(states), differences=())
    altered = [replace(state, finding=elsewhere) if state.finding.kind == "modified" else state for state in states]
    assert [finding for finding in oracle.of_findings(happened, altered) if finding.startswith("missed: ")]


def happened_state(states):
    return next(
        state.finding for state in states if state.finding.kind == "modified" and state.finding.status == "open"
    )


def test_a_message_with_another_outcome_is_told(sent):
    outcomes = [message.outcome for message in sent]
    assert not list(oracle.of_messages(sent, outcomes))
    quiet, loud = outcomes.index("in_sync"), outcomes.index("opened")
    outcomes[quiet], outcomes[loud] = "opened", "in_sync"
    assert sorted(message.partition(":")[0] for message in oracle.of_messages(sent, outcomes)) == [
        "false alarm",
        "missed",
    ]
    assert list(oracle.of_messages(sent, outcomes[:-1]))


def test_an_event_too_many_is_told(sent, happened):
    assert list(oracle.of_events(sent, happened, ["drift.opened"]))


def test_the_module_runs_by_itself_and_says_it_in_plain_text(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "COLUMNS")}
    done = subprocess.run(
        [sys.executable, "-m", "setpoint_tools.demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert (tmp_path / "demo-out" / "setpoint.db").exists()


def test_what_slack_would_show_is_drawn(folder, shown):
    assert "slack.html" in shown
    drawn = (folder / "slack.html").read_text(encoding="utf-8")
    assert "roles/owner" in drawn
    assert "<s>" in drawn
