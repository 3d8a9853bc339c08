"""From drift to a merged request: the command line, the policy and notify over the fake of GitHub."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import forked
from setpoint import bootstrap
from setpoint.alerting import service
from setpoint.bootstrap.settings import from_environment
from setpoint_tools.testing.github import TOKEN, github

NAME = "//storage.googleapis.com/exports"
BUCKET = f"""\
# the exports
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: {NAME}, project: shop-prod, owner: {{team: shop}}}}
spec:
  assetType: storage.googleapis.com/Bucket
  data:
    versioning: {{enabled: true}} # never off
"""
ALERTING = """\
apiVersion: setpoint.dev/v1
kind: Alerting
metadata: {name: fleet}
spec:
  acceptances:
    - to: ["request:fleet"]
"""
FILES = {"fleet/bucket.yaml": BUCKET, ".github/CODEOWNERS": "* @ops\n/fleet/ @acme/shop @ann\n"}


@pytest.fixture
def place():
    with github(FILES) as (host, address):
        yield host, address


@pytest.fixture
def environment(tmp_path, place):
    sinks = {
        "fleet": {
            "url": "https://github.com/acme/fleet",
            "secret": TOKEN,
            "format": "github",
            "api": place[1],
            "labels": ["drift"],
        }
    }
    return {
        "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db",
        "SETPOINT_SINKS": json.dumps(sinks),
        "SETPOINT_SLACK_TOKEN": "xoxb-none",
        "COLUMNS": "200",
    }


@pytest.fixture
def setpoint(tmp_path, environment):
    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return forked.command_line(*arguments, cwd=tmp_path, environment={**os.environ, **environment, **variables})

    return run


def observe(setpoint, tmp_path, minute: int, *, enabled: bool) -> None:
    asset = {"name": NAME, "assetType": "storage.googleapis.com/Bucket", "updateTime": f"2026-03-01T12:{minute:02}:00Z"}
    data = {"name": "exports", "versioning": {"enabled": enabled}}
    message = {"asset": {**asset, "ancestors": ["projects/12"], "resource": {"data": data}}}
    (tmp_path / "feed.jsonl").write_text(json.dumps(message) + "\n")
    assert setpoint("detect", "--feed", "feed.jsonl").returncode == 0


@pytest.fixture
def drifted(setpoint, tmp_path):
    drift(setpoint, tmp_path, "https://github.com/acme/fleet")


def drift(setpoint, tmp_path, repository):
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/bucket.yaml").write_text(BUCKET)
    (tmp_path / "fleet/alerting.yaml").write_text(ALERTING)
    assert setpoint("apply", "fleet", "--repo", repository, "--commit", "a" * 40).returncode == 0
    observe(setpoint, tmp_path, 0, enabled=False)


class Notify:
    """What ``functions/notify`` does, with a clock that goes on."""

    def __init__(self, environment):
        self._settings = from_environment(environment)
        self.minutes = 0

    def tick(self, events=()):
        self.minutes += 10
        detection = bootstrap.open_detection(self._settings.store, None, create=False)
        now = datetime.now(UTC) + timedelta(minutes=self.minutes)
        opened = replace(bootstrap.open_alerting(self._settings, detection), clock=lambda: now)
        problems = [problem for event in events for problem in service.notify(event, opened).problems]
        problems += service.send_due(opened).problems
        detection.store.close()
        return problems

    def pending(self):
        """The events of the store that nobody has published yet."""
        store = bootstrap.open_store(self._settings.store, create=False)
        events = [event for state in store.states() for event in state.pending]
        store.close()
        return events


@pytest.fixture
def notify(environment):
    return Notify(environment)


@pytest.mark.usefixtures("drifted")
def test_propose_opens_one_request_that_edits_the_authors_file(setpoint, place):
    for _ in range(2):
        done = setpoint("propose", NAME, "--open-pr")
        assert done.returncode == 0, done.stderr

    host, _ = place
    (request,) = host.repository.requests.values()
    assert request.title == "Accept the drift of Bucket exports in shop-prod"
    assert (request.labels, request.reviewers) == (["drift"], ["team:shop", "ann"])
    assert "| `versioning.enabled` | `true` | `false` |" in request.body
    edited = host.repository.files(request.branch)
    assert edited == {**FILES, "fleet/bucket.yaml": BUCKET.replace("enabled: true", "enabled: false")}
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.usefixtures("drifted")
def test_without_a_token_here_notify_opens_the_request(setpoint, place, notify):
    done = setpoint("propose", NAME, "--open-pr", SETPOINT_SINKS="")
    assert done.returncode == 0, done.stderr
    assert "within a minute" in done.stderr
    assert place[0].repository.requests == {}

    assert notify.tick() == []
    assert [each.state for each in place[0].repository.requests.values()] == ["open"]


@pytest.mark.usefixtures("drifted")
def test_what_somebody_accepts_is_a_request_until_it_is_merged_and_applied(setpoint, tmp_path, place, notify):
    stored = place[0].repository
    assert notify.tick(notify.pending()) == []
    assert stored.requests == {}
    assert setpoint("accept", NAME, "--because", "better so").returncode == 0
    notify.tick(notify.pending())
    (request,) = stored.requests.values()

    stored.merge(request.number)
    (tmp_path / "fleet/bucket.yaml").write_text(stored.files("main")["fleet/bucket.yaml"])
    assert setpoint("apply", "fleet").returncode == 0
    assert "no open findings" in setpoint("findings", "list").stdout
    notify.tick(notify.pending())

    assert [each.state for each in stored.requests.values()] == ["merged"]


@pytest.mark.usefixtures("drifted")
def test_a_request_is_closed_when_the_resource_is_as_declared_again(setpoint, tmp_path, place, notify):
    setpoint("accept", NAME, "--because", "better so")
    notify.tick(notify.pending())
    observe(setpoint, tmp_path, 30, enabled=True)
    notify.tick(notify.pending())

    (request,) = place[0].repository.requests.values()
    assert request.state == "closed"
    assert "as declared again" in request.body
    assert list(place[0].repository.branches) == ["main"]


@pytest.mark.usefixtures("drifted")
def test_a_later_drift_that_nobody_accepts_opens_no_request(setpoint, tmp_path, place, notify):
    setpoint("accept", NAME, "--because", "better so")
    notify.tick(notify.pending())
    observe(setpoint, tmp_path, 30, enabled=True)
    notify.tick(notify.pending())
    observe(setpoint, tmp_path, 40, enabled=False)
    notify.tick(notify.pending())

    assert [each.state for each in place[0].repository.requests.values()] == ["closed"]


@pytest.mark.usefixtures("drifted")
def test_a_repository_that_is_not_named_is_never_written_to(setpoint, place):
    done = setpoint("propose", NAME, "--open-pr", "--repository", "other")

    assert done.returncode == 1
    assert "has no such name" in done.stderr
    assert place[0].calls == []


def test_what_another_repository_declares_gets_no_request_here(setpoint, tmp_path, place):
    drift(setpoint, tmp_path, "https://github.com/acme/other")
    done = setpoint("propose", NAME, "--open-pr")

    assert "needs no request" in done.stderr
    assert place[0].repository.requests == {}


SCOPE = """\
apiVersion: setpoint.dev/v1
kind: Scope
metadata: {name: buckets}
spec: {organizations: ['4'], assetTypes: [storage.googleapis.com/Bucket]}
"""
STRAY = "//storage.googleapis.com/stray"


@pytest.fixture
def unmanaged(setpoint, tmp_path):
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/scope.yaml").write_text(SCOPE)
    (tmp_path / "fleet/alerting.yaml").write_text(ALERTING)
    assert setpoint("apply", "fleet").returncode == 0
    asset = {"name": STRAY, "assetType": "storage.googleapis.com/Bucket", "updateTime": "2026-03-01T12:00:00Z"}
    data = {"name": "stray", "location": "US", "storageClass": "NEARLINE"}
    ancestors = ["projects/12", "organizations/4"]
    message = {"asset": {**asset, "ancestors": ancestors, "resource": {"data": data}}}
    (tmp_path / "feed.jsonl").write_text(json.dumps(message) + "\n")
    assert "1 open finding" in setpoint("detect", "--feed", "feed.jsonl").stdout


@pytest.mark.usefixtures("unmanaged")
@pytest.mark.parametrize(
    ("form", "words"),
    [("terraform", 'id = "stray"'), ("krm", "resourceID: stray"), ("native", f"name: {STRAY}")],
)
def test_what_nobody_declares_is_proposed_as_code(setpoint, form, words):
    done = setpoint("propose", STRAY, "--format", form)

    assert done.returncode == 0, done.stderr
    assert words in done.stdout


def test_what_messages_hide_is_not_proposed_of_what_nobody_declares(setpoint, tmp_path):
    kind, name = "pubsub.googleapis.com/Subscription", "//pubsub.googleapis.com/projects/shop-prod/subscriptions/stray"
    (tmp_path / "scope.yaml").write_text(SCOPE.replace("storage.googleapis.com/Bucket", kind))
    assert setpoint("apply", "scope.yaml").returncode == 0
    asset = {"name": name, "assetType": kind, "updateTime": "2026-03-01T12:00:00Z"}
    data = {"topic": "projects/shop-prod/topics/t", "pushConfig": {"attributes": {"x-mode": "hunter2-prod"}}}
    message = {"asset": {**asset, "ancestors": ["projects/12", "organizations/4"], "resource": {"data": data}}}
    (tmp_path / "feed.jsonl").write_text(json.dumps(message) + "\n")
    assert setpoint("detect", "--feed", "feed.jsonl").returncode == 0
    done = setpoint("propose", name)

    assert done.returncode == 0, done.stderr
    assert "topics/t" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert "pushConfig.attributes.x-mode: left out, a value that messages hide" in done.stderr


@pytest.mark.usefixtures("unmanaged")
def test_what_nobody_declares_gets_a_file_in_the_request(setpoint, tmp_path, place, notify):
    assert setpoint("accept", STRAY, "--because", "keep it").returncode == 0
    notify.tick(notify.pending())

    stored = place[0].repository
    (request,) = stored.requests.values()
    (new,) = set(stored.files(request.branch)) - set(FILES)
    assert new.startswith("new/")
    (tmp_path / "fleet/stray.yaml").write_text(stored.files(request.branch)[new])
    stored.merge(request.number)
    assert setpoint("apply", "fleet").returncode == 0
    assert "no open findings" in setpoint("findings", "list").stdout
    notify.tick(notify.pending())
    assert [each.state for each in stored.requests.values()] == ["merged"]
