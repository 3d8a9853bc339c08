"""`setpoint dev`: the whole system up by one command, changed from another terminal, and down again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import forked
from setpoint.bootstrap.settings import VARIABLES
from setpoint.errors import BadRequest
from setpoint_tools.dev import control_server, endpoints, fleet, preparation
from setpoint_tools.dev.fleet import CHANGES
from setpoint_tools.testing.polling import wait_until
from setpoint_tools.testing.serving import functions

ROOT = Path(__file__).parents[2]
SETPOINT = [sys.executable, "-m", "setpoint"]
PUT_BACK = ["drift.opened", "remediation.started", "drift.resolved", "remediation.succeeded"]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "shared")}
run = forked.command_line


@pytest.mark.parametrize(
    "emulators",
    [pytest.param("--emulators", marks=pytest.mark.emulator), "--no-emulators"],
    ids=["emulators", "without"],
)
def test_a_firewall_that_somebody_opens_is_put_back_by_the_whole_system(tmp_path, request, emulators):
    if emulators == "--emulators":
        request.getfixturevalue("pubsub_emulator")
        request.getfixturevalue("firestore_emulator")
    played = subprocess.run(
        [*SETPOINT, "dev", "up", "--play", "--yes", emulators, "--folder", str(tmp_path), "--root", str(ROOT)],
        capture_output=True, text=True, check=False, timeout=240, env=ENVIRONMENT,
    )  # fmt: skip
    assert played.returncode == 0, played.stderr
    types = [line.split()[0] for line in played.stdout.splitlines() if line.startswith(("drift.", "remediation."))]
    assert [kind for kind in types if kind != "drift.attributed"][:4] == PUT_BACK
    assert ("STAND-IN" in played.stderr) == (emulators == "--no-emulators")
    for name in functions(ROOT):
        assert name in played.stderr
    assert_one_trace(tmp_path)
    assert not (tmp_path / "dev.json").exists()


def assert_one_trace(folder: Path) -> None:
    """What detect made of the feed's message and what remediate did about it are in one trace."""

    def traces(function: str, key: str, value: str) -> set[str]:
        lines = [json.loads(line) for line in (folder / f"{function}.log").read_text().splitlines() if line[0] == "{"]
        return {line["logging.googleapis.com/trace"] for line in lines if line.get(key) == value}

    opened = traces("detect", "outcome", "opened")
    assert len(opened) == 1
    assert opened <= traces("remediate", "event", "remediation")


def test_it_is_changed_and_ended_from_another_terminal(tmp_path):
    folder = ["--folder", str(tmp_path)]
    with subprocess.Popen(
        [*SETPOINT, "dev", "up", "--yes", "--no-emulators", *folder, "--root", str(ROOT)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT,
    ) as process:  # fmt: skip
        wait_until(
            lambda: (tmp_path / "dev.json").exists() or process.poll() is not None, "`setpoint dev up` is not up"
        )
        assert (tmp_path / "dev.json").stat().st_mode & 0o077 == 0
        assert run("dev", "change", "relabel-bucket", *folder).returncode == 0  # which is no drift
        assert run("dev", "change", "shorten-topic", *folder).returncode == 0
        assert "there is no change" in run("dev", "change", "nonsense", *folder).stderr
        assert "is up already" in run("dev", "up", "--no-emulators", *folder, "--root", str(ROOT)).stderr
        store = json.loads((tmp_path / "dev.json").read_text())["store"]

        def listed() -> str:
            return run("findings", "list", "--store", store).stdout

        wait_until(lambda: "Topic orders" in listed(), lambda: f"Topic orders is not among {listed()}")
        assert listed().startswith("1 open finding")
        described = json.loads((tmp_path / "dev.json").read_text())
        assert requests.get(described["console"], timeout=30).status_code == 200

        def drawn_in_slack() -> str:
            page = requests.get(described["slack"], timeout=30).text
            return page if "<time datetime=" in page else ""

        drawn = wait_until(drawn_in_slack, "no message is in Slack")
        assert '<button type="submit"' in drawn
        answer = run("dev", "click", "why", *folder).stderr
        assert "only she sees" in answer
        assert "Only visible to olga@example.com" in requests.get(described["slack"], timeout=30).text
        assert run("dev", "down", *folder).returncode == 0
        out, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    assert out.startswith("drift.opened")
    assert "nothing is up" in run("dev", "down", *folder).stderr


def test_what_is_accepted_in_slack_is_a_request_that_is_merged_and_resolves_the_drift(tmp_path):
    folder = ["--folder", str(tmp_path)]
    printed = tmp_path / "events.txt"
    with printed.open("w") as out, subprocess.Popen(
        [*SETPOINT, "dev", "up", "--yes", "--no-emulators", *folder, "--root", str(ROOT)],
        stdout=out, stderr=subprocess.DEVNULL,
        env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        wait_until(
            lambda: (tmp_path / "dev.json").exists() or process.poll() is not None, "`setpoint dev up` is not up"
        )
        assert run("dev", "change", "unversion-bucket", *folder).returncode == 0
        clicked = run("dev", "click", "accept", *folder)
        assert clicked.returncode == 0
        assert "accepted: storage/shop-exports, recorded as decided by slack:" in clicked.stderr
        merged = run("dev", "merge", *folder)
        assert "olga merges request 1: Accept the drift of Bucket shop-exports" in merged.stderr
        assert "enabled: false" in (tmp_path / "fleet" / "fleet.yaml").read_text()
        store = json.loads((tmp_path / "dev.json").read_text())["store"]

        def resolved() -> str:
            return run("findings", "list", "--status", "resolved", "--store", store).stdout

        wait_until(lambda: "shop-exports" in resolved(), lambda: f"Bucket shop-exports is not among {resolved()}")
        wait_until(lambda: "drift.resolved" in printed.read_text(), lambda: f"not resolved: {printed.read_text()}")
        assert run("dev", "down", *folder).returncode == 0
        assert process.wait(timeout=240) == 0
    kinds = [line.split()[0] for line in printed.read_text().splitlines() if line.startswith("drift.")]
    assert [kind for kind in kinds if kind != "drift.attributed"] == [
        "drift.opened",
        "drift.exempted",
        "drift.resolved",
    ]


def test_one_at_a_time_runs_in_a_folder(tmp_path):
    with (
        control_server.claimed(tmp_path),
        pytest.raises(BadRequest, match="up already"),
        control_server.claimed(tmp_path),
    ):
        pass
    with control_server.claimed(tmp_path):
        pass  # it ended, and another may begin


def test_nothing_is_started_or_emptied_before_somebody_says_so(tmp_path):
    (tmp_path / "setpoint.db").write_text("of the last run")
    refused = run("dev", "up", "--folder", str(tmp_path), "--root", str(ROOT))
    assert refused.returncode == 1
    assert "say --yes" in refused.stderr
    assert (tmp_path / "setpoint.db").read_text() == "of the last run"


def test_only_what_an_earlier_run_has_left_is_emptied(tmp_path):
    (tmp_path / "fleet").mkdir()
    for name in ("setpoint.db", "detect.log", "notes.txt", "fleet/fleet.yaml", "fleet/mine.yaml"):
        (tmp_path / name).write_text("x")
    preparation.empty(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["fleet/mine.yaml", "notes.txt"]


def test_outside_of_a_checkout_it_says_where_to_run_it(tmp_path):
    refused = run("dev", "up", "--yes", "--folder", str(tmp_path), "--root", str(tmp_path))
    assert refused.returncode == 1
    assert "in the root of a checkout" in refused.stderr


def test_only_whoever_can_read_its_file_can_tell_it_anything(tmp_path):
    with control_server.reachable(tmp_path, {}, {"status": lambda _: "up", "say": lambda text: text}):
        assert control_server.send_command(tmp_path, "say", "hello") == "hello"
        file = tmp_path / "dev.json"
        content = json.loads(file.read_text())
        file.write_text(json.dumps({**content, "token": "guessed"}))
        with pytest.raises(BadRequest, match="not you"):
            control_server.send_command(tmp_path, "say", "hello")
        file.write_text(json.dumps(content))
        with pytest.raises(BadRequest, match="no such command"):
            control_server.send_command(tmp_path, "nonsense")


def test_every_topic_that_a_setting_names_is_made_and_given_to_the_functions():
    made = set(endpoints.topics())
    given = endpoints.environment(endpoints.Endpoints({}, "memory:", []), "", "", "")
    for variable in VARIABLES.values():
        if variable.endswith("_TOPIC"):
            assert given[variable].rpartition("/")[2] in made
    assert {topic for topics in endpoints.PUSHED.values() for topic in topics} <= made


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_changes_what_it_is_of(name):
    change = CHANGES[name]
    body = fleet.resource(change.of).body
    assert change.done(body) != body
    assert change.what
    assert change.then
