"""Secrets that are marked go through a whole run, and come out nowhere: in no event, log, error or command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from functions.test_detect import message_of, push
from functions.test_serving import served
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.bootstrap import open_store
from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import app
from setpoint.detection.pipeline import Context
from setpoint.model import events
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.live_resources import LiveResources
from setpoint_tools.testing import messages
from setpoint_tools.testing.google_faults import Fault

MARKS = ("MARKED-declared", "MARKED-live")
SERVICE = "//run.googleapis.com/projects/shop-prod/locations/europe-west1/services/cart"
SERVICE_URL = "https://run.googleapis.com/v2/projects/shop-prod/locations/europe-west1/services/cart"
DATABASE = "//cloudsql.googleapis.com/projects/shop-prod/instances/orders"
INSTANCE = "//compute.googleapis.com/projects/shop-prod/zones/europe-west1-b/instances/web"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def bodies(mark: str, more: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """Resources that hold secrets in every usual way, and something beside them that differs."""
    return {
        SERVICE: (
            "run.googleapis.com/Service",
            {
                "name": "projects/shop-prod/locations/europe-west1/services/cart",
                "description": more,
                "template": {
                    "containers": [
                        {
                            "image": "cart",
                            "args": [f"--db-password={mark}"],
                            "env": [
                                {"name": "DB_PASSWORD", "value": mark},
                                {"name": "DATABASE_URL", "value": f"postgres://shop:{mark}@10.0.0.3/shop"},
                            ],
                        }
                    ]
                },
            },
        ),
        DATABASE: (
            "sqladmin.googleapis.com/Instance",
            {"name": "orders", "rootPassword": mark, "settings": {"tier": f"db-{more}"}},
        ),
        INSTANCE: (
            "compute.googleapis.com/Instance",
            {
                "name": "web",
                "description": more,
                "metadata": {"items": [{"key": "startup-script", "value": f"export TOKEN={mark}"}]},
            },
        ),
    }


@pytest.fixture
def files(tmp_path) -> Path:
    folder = tmp_path / "fleet"
    folder.mkdir()
    documents = [
        {
            "apiVersion": "setpoint.dev/v1",
            "kind": "Declaration",
            "metadata": {"name": name, "project": "shop-prod"},
            "spec": {"assetType": kind, "data": body},
        }
        for name, (kind, body) in bodies(MARKS[0], "declared").items()
    ]
    policy = {"apiVersion": "setpoint.dev/v1", "kind": "Policy", "metadata": {"name": "p"}}
    spec = {"dryRun": False, "limits": {"rollout": "0s"}, "rules": [{"name": "all", "mode": "auto"}]}
    (folder / "a.yaml").write_text(yaml.safe_dump_all([*documents, {**policy, "spec": spec}]))
    return folder


def feed() -> list[bytes]:
    sent = [
        messages.resource(name, kind, body, NOON + timedelta(seconds=number))
        for number, (name, (kind, body)) in enumerate(bodies(MARKS[1], "live").items())
    ]
    broken = sent[0][: len(sent[0]) // 2]
    odd = json.dumps({"asset": {"name": 5, "assetType": MARKS[1], "resource": {"data": MARKS[1]}}}).encode()
    return [*sent, broken, odd]


def assert_unmarked(what: str, text: str, marks: tuple[str, ...] = MARKS) -> None:
    for mark in marks:
        start = text.find(mark)
        assert start < 0, f"{what} tells a secret: …{text[max(0, start - 200) : start + 60]}…"


def command(*arguments: str, stdin: bytes = b"") -> str:
    ran = CliRunner().invoke(app, list(arguments), input=stdin)
    return ran.output + ran.stderr + str(ran.exception or "")


def test_no_command_tells_a_secret(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what is rejected is kept in a file here
    store = f"sqlite:///{tmp_path}/s.db"
    lines = b"\n".join(feed()) + b"\n"
    names = list(bodies("", ""))
    outputs = {
        "validate": command("validate", str(files)),
        "plan": command("plan", str(files), "--store", store),
        "apply": command("apply", str(files), "--store", store),
        "detect": command("detect", "--store", store, "--feed", "-", stdin=lines),
        "detect, as events": command(
            "detect", "--declarations", str(files), "--feed", "-", "--output", "jsonl", stdin=lines
        ),
        "list": command("findings", "list", "--store", store),
        "list, as JSON": command("findings", "list", "--store", store, "--output", "json"),
        **{f"show {name}": command("findings", "show", name, "--store", store) for name in names},
        **{f"propose {name}": command("propose", name, "--store", store) for name in names},
    }
    assert "3 open findings" in outputs["list"]
    for what, text in outputs.items():
        assert text, what
        # A patch has the lines around a change as they stand in the file: what is declared there is in Git already.
        assert_unmarked(what, text, MARKS[1:] if what.startswith("propose") else MARKS)


def test_no_function_tells_a_secret(files, tmp_path, capsys, monkeypatch, google_apis, google_rest):
    url = f"sqlite:///{tmp_path}/s.db"
    command("apply", str(files), "--store", url)
    store = open_store(url)
    deps = Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue())
    monkeypatch.setattr(bootstrap, "detector", lambda: deps)
    monkeypatch.setattr(
        bootstrap,
        "remediator",
        lambda: RemediationContext(deps, LiveResources(google_rest, default_catalogue(), default_methods())),
    )
    capsys.readouterr()
    google_apis.put(SERVICE_URL, bodies(MARKS[1], "live")[SERVICE][1])
    google_apis.fail(Fault(400, reason="invalid"), verb="PATCH", times=1)
    detect, remediate = served("detect"), served("remediate")
    for message in feed():
        assert push(detect, message_of(message)) == 200
    opened = [event for event in deps.bus.events if event.type == "drift.opened"]
    assert len(opened) == 3
    for event in opened:
        push(remediate, message_of(events.encode(event), type=event.type))
    push(remediate, message_of(b"tick", type="tick"))
    push(remediate, message_of(b'{"id": "' + MARKS[1].encode()))

    written = capsys.readouterr()
    trails = [entry for state in store.states() for entry in store.trail(state.key)]
    assert_unmarked("the log", written.out + written.err)
    assert_unmarked("an event", "".join(events.encode(event).decode() for event in deps.bus.events))
    assert_unmarked("the reason of a dead letter", "".join(letter.reason for letter in deps.dead_letters.kept))
    assert_unmarked("the trail", str(trails))
    assert len(deps.dead_letters.kept) == 3
    assert trails
    store.close()
