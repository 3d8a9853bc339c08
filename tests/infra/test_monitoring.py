"""Metrics, alerts and the dashboard against the lines that the code really logs and the runbooks that are there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import timedelta
from typing import Any

import pytest

from detection import fleet
from detection.swept_fleet import START, deps_of, populate, sweeper_of
from detection.swept_fleet import declare as declare_swept
from functions.test_detect import bucket as changed
from functions.test_detect import message_of, push
from functions.test_serving import served
from infra.blocks import INFRA, ROOT, TERRAFORM, local, typed
from infra.hcl import entries, strings
from remediation.fleet import World
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.declarations import apply, apply_archive
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection.pipeline import Context
from setpoint.errors import AccessDenied, BadRequest, Conflict, CorruptState, Refused
from setpoint.model import events
from setpoint.model.safety_limits import Breaker, SafetyState
from setpoint.model.source_grants import INSTALLATION, Sources
from setpoint.model.sources import Control, SourceState
from setpoint.model.sweep_records import PendingWork, encode_message
from setpoint_tools.testing.google_faults import Fault

RUNBOOKS = ROOT / "infra/runbooks"
METRICS = {name: entries(text) for name, text in entries(local("metrics")).items()}
CONDITION = re.compile(r'jsonPayload\.(\w+) (=|>=|>) (\\"[^"\\]*\\"|[\d.]+|true|false)')
RESOURCE_TYPES = {"cloud_run_revision", "pubsub_subscription", "pubsub_topic"}


class Refusing:
    def check(self, authorization: str) -> None:
        raise AccessDenied("a pushed message", "run.invoker", f"it carries no token {authorization}".strip())


@pytest.fixture
def lines(monkeypatch, capsys, asset_service, google_apis, google_rest, mocker) -> list[dict[str, Any]]:
    """What an installation logs: a drift, a race, a sweep, a heal, a remediation, an open breaker, a stranger."""
    world = World(google_apis, google_rest)
    monkeypatch.setattr(bootstrap, "remediator", lambda: world.context)
    world.declare()
    world.drift({"name": "exports", "versioning": {"enabled": False}, "labels": {"team": "shop"}})
    (opened,) = [event for event in world.bus.events if event.type == "drift.opened"]
    remediate = served("remediate")
    assert push(remediate, message_of(events.encode(opened), type=opened.type)) == 200
    stored = world.store.safety_state()
    world.store.write_safety_state(SafetyState(breaker=Breaker(world.clock(), "a surge")), stored.version)
    assert push(remediate, message_of(b"tick", type="tick")) == 200

    detecting = fleet.deps(MemoryStore(), MemoryBus(), MemoryDeadLetters())
    fleet.declare(detecting.store)
    monkeypatch.setattr(bootstrap, "detector", lambda: detecting)
    apply.sync(LoadResult(sources=Sources()), ApplyRequest(INSTALLATION), detecting, fleet.EPOCH)
    assert push(served("detect"), message_of(changed(1, location="US"))) == 200

    detecting = fleet.deps(MemoryStore(), MemoryBus(), MemoryDeadLetters())
    fleet.declare(detecting.store)
    monkeypatch.setattr(bootstrap, "detector", lambda: detecting)
    commit = detecting.store.commit
    mocker.patch.object(detecting.store, "commit", side_effect=Once(commit))
    assert push(served("detect"), message_of(changed(1, location="US"))) == 200
    refuse_an_event(detecting, mocker)

    failing = World(google_apis, google_rest)
    monkeypatch.setattr(bootstrap, "remediator", lambda: failing.context)
    failing.declare()
    failing.drift({"name": "exports", "versioning": {"enabled": False}, "labels": {"team": "shop"}})
    (opened,) = [event for event in failing.bus.events if event.type == "drift.opened"]
    google_apis.fail(Fault(412), verb="PATCH", times=-1)
    assert push(remediate, message_of(events.encode(opened), type=opened.type)) == 200

    populate(asset_service)
    sweeper = sweeper_of(asset_service, deps_of(MemoryStore()))
    declare_swept(sweeper.detection.store)
    control = sweeper.detection.store.control()
    uploaded = Control({"git": SourceState(1, applied_at=sweeper.now() - timedelta(hours=30), revision=1)})
    sweeper.detection.store.write_control(uploaded, control.version)
    monkeypatch.setattr(bootstrap, "sweeper", lambda: sweeper)
    sweep = served("sweep")
    assert push(sweep, message_of(encode_message(START))) == 200
    while sweeper.queue:
        assert push(sweep, message_of(encode_message(sweeper.queue.popleft()))) == 200
    assert push(sweep, message_of(encode_message(PendingWork()))) == 200
    unread = CorruptState(
        "the stored finding of a bucket cannot be read", "findings/00ff", "//storage.googleapis.com/b"
    )
    mocker.patch.object(
        sweeper.detection.store, "unpublished", side_effect=lambda problems: iter(problems.append(unread) or ())
    )
    assert push(sweep, message_of(encode_message(PendingWork()))) == 200

    monkeypatch.setattr(bootstrap, "declaration_applier", lambda: (None, detecting))
    mocker.patch.object(apply_archive, "sync_archive", side_effect=BadRequest("gs://b/a.tgz: not a tar or zip archive"))
    assert push(served("sync"), message_of(b"{}")) == 200

    monkeypatch.setattr(bootstrap, "push_tokens", Refusing)
    assert push(served("detect"), message_of(b"{}")) == 403
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def refuse_an_event(detecting: Context, mocker) -> None:
    """A change whose event no bus takes."""
    refusing = mocker.patch.object(detecting.bus, "publish", side_effect=Refused("the topic will never accept it"))
    assert push(served("detect"), message_of(changed(2, location="ASIA"))) == 200
    mocker.stop(refusing)


class Once:
    """Has a store say once that somebody else was first."""

    def __init__(self, commit) -> None:
        self.commit = commit
        self.left = 1

    def __call__(self, *arguments):
        self.left -= 1
        if self.left >= 0:
            raise Conflict("somebody else was first")
        return self.commit(*arguments)


def matches(line: dict[str, Any], conditions: list[tuple[str, str, str]]) -> bool:
    """Whether a line is one of a filter, as Cloud Logging compares."""
    for field, operator, text in conditions:
        value = line.get(field)
        wanted = json.loads(text.replace('\\"', '"'))
        if value is None or (type(value) is not type(wanted) and not isinstance(value, (int, float))):
            return False
        if not {"=": value == wanted, ">=": value >= wanted, ">": value > wanted}[operator]:
            return False
    return True


@pytest.mark.parametrize("name", METRICS)
def test_the_filter_of_a_metric_finds_lines_that_the_code_writes_with_the_fields_that_are_extracted(name, lines):
    metric = METRICS[name]
    conditions = CONDITION.findall(metric["filter"])
    assert len(conditions) == metric["filter"].count("jsonPayload.")
    matching = [line for line in lines if matches(line, conditions)]
    assert matching, f"no line of {len(lines)} is one of {metric['filter']}"
    for line in matching:
        if metric["value"] != "null":
            assert isinstance(line[strings(metric["value"])[0]], (int, float))
        for label in strings(metric["labels"]):
            assert isinstance(line[label], str)


def alerts() -> dict[str, str]:
    """The runbook of every alert policy, and the text that names it."""
    documented = {}
    for used, block in typed():
        if used != "google_monitoring_alert_policy":
            continue
        (documentation,) = block.named("documentation")
        text = documentation.attributes["content"]
        named = re.findall(r"Runbook: infra/runbooks/([\w$.{}-]+)\.md", text)
        carried = re.findall(r"local\.runbooks}/([\w$.{}-]+)\.md", text)
        assert len(named) == 1
        assert named == carried, block.labels
        names = list(entries(local("thresholds"))) if named == ["${each.key}"] else named
        documented |= dict.fromkeys(names, text)
    return documented


def test_every_alert_carries_a_runbook_that_is_there_and_every_runbook_has_an_alert():
    assert set(alerts()) == {path.stem for path in RUNBOOKS.glob("*.md")}
    assert len(alerts()) >= 8


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_a_runbook_fits_into_an_alert_says_what_to_do_and_names_only_what_is_there(path):
    """An alert's documentation has 8 KiB at most (https://cloud.google.com/monitoring/alerts/doc-alerts)."""
    text = path.read_text()
    assert len(text.encode()) < 8_000
    assert "**What to do**" in text
    assert "**It ends**" in text
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (path.parent / link).exists(), link
    variables = (INFRA / "variables.tf").read_text()
    for variable in re.findall(r"`alerts\.(\w+)`", text):
        assert re.search(rf"\b{variable} ", variables), variable


def test_every_filter_of_an_alert_is_of_a_metric_that_is_there():
    filters = [entries(text)["filter"] for text in entries(local("thresholds")).values()]
    names = {name for text in filters for name in re.findall(r'from_logs\["(\w+)"\]', text)}
    assert names <= METRICS.keys()
    assert {"messages", "breaker_open", "sweep_age", "refused"} <= names


FIRED = {
    "breaker-open": lambda line: line["breaker_open"],
    "error-ratio": lambda line: line["outcome"] == "failed",
    "problem-records": lambda line: line["record_problems"] > 0,
    "refused-archive": lambda line: line["outcome"] == "refused",
    "refused-declarations": lambda line: line["source"],
    "refused-requests": lambda line: line["severity"] == "ERROR",
    "remediation-failed": lambda line: line["resource_name"],
    "retention-lag": lambda line: line["retention_lag_seconds"] >= 0,
    "set-aside": lambda line: line["kind"],
    "source-late": lambda line: line["source_age_seconds"] > 24 * 3600,
    "sweep-missing": lambda line: line["sweep_age_seconds"] >= 0,
}
"""What a line must be like for the alert to fire, beyond what its filters say."""


def test_every_alert_on_a_log_is_fired_by_lines_that_the_code_writes(lines):
    thresholds = {name: entries(text)["filter"] for name, text in entries(local("thresholds")).items()}
    on_logs = {name: text for name, text in thresholds.items() if "from_logs" in text}
    assert on_logs.keys() == FIRED.keys()
    silent = [name for name, text in on_logs.items() if not any(map(FIRED[name], of_filter(text, lines)))]
    assert silent == []


def of_filter(text: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines that the metric of an alert counts, with the labels that the alert asks for."""
    (name,) = re.findall(r'from_logs\["(\w+)"\]', text)
    conditions = CONDITION.findall(METRICS[name]["filter"])
    labels = dict(re.findall(r'metric\.labels\.(\w+) = \\"(\w+)\\"', text))
    return [line for line in lines if matches(line, conditions) and labels.items() <= line.items()]


def test_the_silence_of_an_installation_is_noticed_by_two_ways_that_have_nothing_in_common(lines):
    """By what functions log, each minute, and by what Scheduler publishes, whether functions run or not."""
    by_logs, by_topic = entries(local("heartbeats")).values()
    assert of_filter(by_logs, lines)
    assert "from_logs" not in by_topic
    assert "google_pubsub_topic.sweeps.name" in by_topic
    heal = entries(local("jobs"))["heal"]
    assert strings(entries(heal)["schedule"]) == ["* * * * *"]


def test_the_dashboard_shows_every_metric_and_no_other():
    text = (INFRA / "dashboard.json.tftpl").read_text()
    assert set(re.findall(r"from_logs\.(\w+)", text)) == METRICS.keys()


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the dashboard is not rendered")
def test_the_dashboard_is_json_in_a_grid_whose_tiles_do_not_overlap(tmp_path):
    shutil.copy(INFRA / "dashboard.json.tftpl", tmp_path)
    logs = ", ".join(f'{name} = "m/{name}"' for name in METRICS)
    values = f'{{ from_logs = {{ {logs} }}, waiting = "w", seconds = 300, dead_letters = "d", asset_changes = "a" }}'
    rendered = f'output "dashboard" {{\n  value = templatefile("dashboard.json.tftpl", {values})\n}}\n'
    (tmp_path / "main.tf").write_text(rendered)
    subprocess.run([TERRAFORM, "init", "-input=false"], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run([TERRAFORM, "apply", "-auto-approve"], cwd=tmp_path, check=True, capture_output=True)
    shown = subprocess.run([TERRAFORM, "output", "-raw", "dashboard"], cwd=tmp_path, check=True, capture_output=True)
    tiles = json.loads(shown.stdout)["mosaicLayout"]["tiles"]
    taken = {(tile.get("xPos", 0), tile.get("yPos", 0)) for tile in tiles}
    assert len(tiles) == len(taken) >= len(METRICS)
    assert all(tile.get("xPos", 0) + tile["width"] <= 12 for tile in tiles)
    for tile in tiles:
        assert tile["widget"]["xyChart"]["dataSets"][0]["timeSeriesQuery"]["timeSeriesFilter"]["filter"]


def test_what_is_alerted_on_names_its_monitored_resource():
    text = (INFRA / "monitoring.tf").read_text()
    assert set(re.findall(r'resource\.type = \\"(\w+)\\"', text)) == RESOURCE_TYPES
