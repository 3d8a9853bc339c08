"""Secrets of the second corpus in requests, edits, commit messages, comparisons, traces and secret references."""

from __future__ import annotations

import base64
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from typer.testing import CliRunner

from marked.corpus import Marked
from marked.second_corpus import corpus
from marked.test_marked_corpus import CATALOGUE, NOON
from marked.test_marked_proposals import document
from marked.test_second_corpus import chosen, drifted_corpus, is_seen, seen_in
from rendering.samples import LINKS
from setpoint.adapters.otlp import OtlpSpans
from setpoint.alerting.rendering import change_request, issue
from setpoint.alerting.rendering.change_request import ShownFinding
from setpoint.cli import app
from setpoint.declarations.accept_drift import accepted
from setpoint.declarations.readers import load
from setpoint.detection import pipeline, verdict
from setpoint.detection.finding_events import data_of
from setpoint.errors import PermanentError
from setpoint.model.declaration import Declaration
from setpoint.model.notice_view import FindingView
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.util import telemetry
from setpoint_tools.testing import messages


def request_of(marked: Marked, state: ResourceState, steps: tuple[str, ...]) -> str:
    """The change request, its commit message and the issue about a drift."""
    data = data_of(state)
    declaration = Declaration(ResourceKey(marked.name), marked.asset_type, marked.declared)
    observation = Observation(ResourceKey(marked.name), marked.asset_type, NOON, data=marked.live)
    shown = [ShownFinding(data, verdict.differences(declaration, observation, CATALOGUE))]
    view = FindingView("drift.opened", NOON, data)
    texts = (
        change_request.title(shown),
        change_request.body(shown, view, LINKS),
        change_request.ended(shown, "in sync", LINKS),
        change_request.by_hand(steps),
        issue.reply([view], LINKS),
        *issue.digest([view]),
    )
    return "\n".join(map(str, texts))


def test_no_request_commit_message_or_edit_holds_a_marked_secret(tmp_path: Path) -> None:
    leaked: Counter[str] = Counter()
    file = tmp_path / "fleet.yaml"
    edited = 0
    for place, (marked, state) in enumerate(zip(corpus(), drifted_corpus(), strict=True)):
        steps: tuple[str, ...] = ()
        if place % 7 == 0:  # of each place and form some: reading a file takes longest
            text = yaml.safe_dump(document(marked))
            file.write_text(text)
            for wanted in load.load([str(tmp_path)], root=str(tmp_path)).desired:
                observation = Observation(ResourceKey(marked.name), marked.asset_type, NOON, data=marked.live)
                result = accepted(text, wanted.declarations[0], observation, CATALOGUE)
                steps = tuple(map(str, result.by_hand))
                edited += 1
                if is_seen(marked, f"{result.text}\n{steps}"):
                    leaked[f"{marked.place}: edit"] += 1
        if is_seen(marked, request_of(marked, state, steps)):
            leaked[f"{marked.place}: request"] += 1
    assert leaked == Counter()
    assert edited > 200


@pytest.mark.parametrize("options", [(), ("--explain", "--exact"), ("--output", "json")], ids=" ".join)
def test_no_comparison_prints_a_marked_secret(tmp_path: Path, options: tuple[str, ...]) -> None:
    leaked, hidden = [], 0
    for marked in chosen():
        declared, live = tmp_path / "declared.yaml", tmp_path / "live.json"
        declared.write_text(yaml.safe_dump(document(marked)))
        live.write_text(json.dumps(marked.live))
        for sides in ((declared, live), (live, live)):
            ran = CliRunner().invoke(app, ["diff", *map(str, sides), "--asset-type", marked.asset_type, *options])
            if is_seen(marked, f"{ran.output}{ran.stderr}{ran.exception or ''}"):
                leaked.append((marked.place, options))
            hidden += "hidden" in ran.output
    assert leaked == []
    assert hidden > len(chosen()) / 2


def test_no_line_of_many_comparisons_holds_a_marked_secret(tmp_path: Path) -> None:
    asked = tmp_path / "asked.jsonl"
    secrets = corpus()
    lines = [
        {"id": str(place), "asset_type": marked.asset_type, "declared": marked.declared, "live": marked.live}
        for place, marked in enumerate(secrets)
    ]
    asked.write_text("\n".join(map(json.dumps, lines)))
    ran = CliRunner().invoke(app, ["diff", "--jsonl", str(asked)])
    answers = ran.output.splitlines()
    assert len(answers) == len(secrets)
    leaked = Counter(marked.place for marked, line in zip(secrets, answers, strict=True) if is_seen(marked, line))
    assert leaked == Counter()
    assert sum("hidden" in line for line in answers) > 2_000


def test_no_span_of_a_message_with_a_secret_holds_it(deps: Any, capsys: pytest.CaptureFixture[str]) -> None:
    kept = InMemorySpanExporter()
    spans = OtlpSpans(kept)
    secrets = chosen()
    for marked in secrets:
        message = messages.resource(marked.name, marked.asset_type, marked.live, NOON)
        for body in (message, message[:-20], json.dumps({"asset": {"name": marked.live}}).encode()):
            with (
                suppress(PermanentError),
                telemetry.running("detect", telemetry.begun(None, "m"), "shop-ops", spans),
            ):
                pipeline.receive(body, {}, deps)
    written = capsys.readouterr().out + "".join(span.to_json() for span in kept.get_finished_spans())
    assert len(kept.get_finished_spans()) == 3 * len(secrets)
    assert [marked.place for marked in seen_in(written, secrets)] == []


def connector(number: int, mark: str) -> list[dict[str, Any]]:
    """A user of a database, with its password in a secret, beside it or said inline."""
    meta = {"namespace": "shop", "annotations": {"cnrm.cloud.google.com/project-id": "shop-prod"}}
    api = "sql.cnrm.cloud.google.com/v1beta1"
    spec = {"instanceRef": {"external": "orders"}, "type": "BUILT_IN"}
    pointer = {"valueFrom": {"secretKeyRef": {"name": f"db-{number}", "key": "password"}}}
    kind = {"apiVersion": "v1", "kind": "Secret", "metadata": {**meta, "name": f"db-{number}"}}
    encoded = base64.b64encode(mark.encode()).decode()
    user = {"apiVersion": api, "kind": "SQLUser"}
    job = {
        "apiVersion": "run.cnrm.cloud.google.com/v1beta1",
        "kind": "RunJob",
        "metadata": {**meta, "name": f"job-{number}"},
        "spec": {
            "location": "europe-west1",
            "template": {"template": {"containers": [{"image": "x", "env": [{"name": "PW", "value": mark}]}]}},
        },
    }
    return [
        {**kind, "data": {"password": encoded}},
        {**kind, "metadata": {**meta, "name": f"plain-{number}"}, "stringData": {"password": mark}},
        {**user, "metadata": {**meta, "name": f"by-{number}"}, "spec": {**spec, "password": pointer}},
        {**user, "metadata": {**meta, "name": f"in-{number}"}, "spec": {**spec, "password": {"value": mark}}},
        job,
    ]


def test_no_command_prints_what_a_secret_reference_or_a_secret_beside_it_holds(tmp_path: Path) -> None:
    marks = [f"wint3rRain{number:04d}" for number in range(40)]
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    objects = [part for number, mark in enumerate(marks) for part in connector(number, mark)]
    (fleet / "fleet.yaml").write_text(yaml.safe_dump_all(objects))
    store = f"sqlite:///{tmp_path / 'setpoint.db'}"
    shown: list[str] = []

    def run(*words: str) -> None:
        ran = CliRunner().invoke(app, [*words])
        shown.append(f"{ran.output}{ran.stderr}{ran.exception or ''}")

    for output in ("text", "json", "sarif", "junit", "github", "markdown"):
        run("validate", str(fleet), "--output", output)
    for output in ("text", "json"):
        run("plan", str(fleet), "--output", output, "--store", store)
    run("apply", str(fleet), "--store", store)
    for output in ("text", "json", "github", "markdown"):
        run("guard", str(fleet), "--output", output, "--store", store)
    run("coverage", "--output", "json", "--store", store)
    assert sum(map(len, shown)) > 2_000
    hidden = [*marks, *(base64.b64encode(mark.encode()).decode() for mark in marks)]
    assert [mark for mark in hidden if any(mark in text for text in shown)] == []
