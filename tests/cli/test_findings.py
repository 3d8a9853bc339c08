"""`setpoint findings list`: order, pages, watching; `show` in three forms."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from rich.console import Console

import forked
from setpoint import bootstrap
from setpoint.cli import finding_text, output
from setpoint.model.audit_trail import AuditEntry, Reason
from setpoint.model.resource_state import ResourceState

BUCKET = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: //storage.googleapis.com/{name}, project: {project}, owner: {{team: {team}}}}}
spec: {{assetType: storage.googleapis.com/Bucket, data: {{location: EU, labels: {{a|b: "`c`"}}}}}}
"""
FLEET = {"d": ("p2", "shop", "01"), "a": ("p1", "net", "02"), "c": ("p1", "shop", "03"), "b": ("p2", "net", "04")}


def asset(name: str, day: str) -> dict[str, object]:
    return {
        "name": f"//storage.googleapis.com/{name}",
        "assetType": "storage.googleapis.com/Bucket",
        "ancestors": ["projects/12"],
        "updateTime": f"2026-03-{day}T10:00:00Z",
        "resource": {"data": {"name": name, "location": "US", "labels": {}}},
    }


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db"}


@pytest.fixture
def setpoint(tmp_path, environment):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return forked.command_line(*arguments, cwd=tmp_path, environment=environment)

    texts = [BUCKET.format(name=name, project=project, team=team) for name, (project, team, _) in FLEET.items()]
    (tmp_path / "fleet.yaml").write_text("---\n".join(texts))
    (tmp_path / "export.json").write_text(json.dumps([asset(name, day) for name, (*_, day) in FLEET.items()]))
    assert run("apply", "fleet.yaml").returncode == 0
    assert run("sweep", "--from", "export.json").returncode == 0
    return run


def names(done: subprocess.CompletedProcess[str]) -> str:
    return "".join(record["resource_name"][-1] for record in json.loads(done.stdout)["findings"])


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("severity", "abcd"),
        ("newest", "bcad"),
        ("oldest", "dacb"),
        ("name", "abcd"),
        ("team", "abcd"),
        ("project", "acbd"),
    ],
)
def test_findings_are_listed_in_the_order_that_is_asked_for(sort, order, setpoint):
    assert names(setpoint("findings", "list", "--sort", sort, "--output", "json")) == order
    lines = setpoint("findings", "list", "--sort", sort, "--output", "jsonl").stdout.splitlines()
    assert "".join(json.loads(line)["key"]["name"][-1] for line in lines) == order


def test_pages_follow_each_other_without_a_gap(setpoint):
    page = ("findings", "list", "--output", "json", "--limit", "3")
    first, second = setpoint(*page), setpoint(*page, "--offset", "3")
    assert names(first) + names(second) == "abcd"
    assert [json.loads(done.stdout)["next_offset"] for done in (first, second)] == [3, None]
    assert json.loads(second.stdout)["total"] == 4
    beyond = setpoint(*page, "--offset", "4")
    assert (beyond.returncode, "of 4 findings" in beyond.stderr) == (1, True)


def test_a_table_says_what_it_leaves_out(setpoint):
    done = setpoint("findings", "list", "--limit", "2", "--offset", "1")
    assert done.stdout.startswith("4 open findings, 2 to 3\n")
    assert "more with --offset 3; --limit 0 lists all" in done.stderr
    assert "more with" not in setpoint("findings", "list", "--limit", "0").stderr


def test_a_finding_is_shown_as_markdown_in_which_no_value_formats(setpoint):
    identifier = json.loads(setpoint("findings", "list", "--output", "json").stdout)["findings"][0]["id"]
    setpoint("accept", identifier, "--because", "**bold** | `code`")
    lines = setpoint("findings", "show", identifier, "--output", "markdown").stdout.splitlines()
    assert lines[0] == "### Bucket a p1"
    assert f"| finding | `{identifier}` |" in lines
    assert any(line.startswith("- `location: ") for line in lines)
    assert r"`**bold** \| 'code'`" in lines[-1]


def trail_of(*entries: AuditEntry, width: int = 200) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(finding_text.trail_table(entries))
    return console.export_text()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_trail_cuts_nothing_off_where_the_terminal_is_narrow(width):
    by = "1234567890" * 6  # digits and signs that nothing else on the line has
    entry = AuditEntry(datetime(2026, 1, 1, tzinfo=UTC), "approved", by=by.translate(_SIGNS), summary=("%" * 60,))
    shown = trail_of(entry, width=width)
    assert "…" not in shown
    assert [shown.count(sign) for sign in "!$&~"] == [6, 6, 6, 6]
    assert shown.count("%") == 60


_SIGNS = str.maketrans("1357", "!$&~")


def test_the_trail_says_a_reason_once():
    held, window = Reason("it is paused", "stop"), Reason("outside of its window", "stop")
    entry = AuditEntry(datetime(2026, 1, 1, tzinfo=UTC), "stop", reasons=(held, window))
    for text in ("it is paused; outside of its window", "it is paused", ""):
        shown = trail_of(replace(entry, text=text))
        assert shown.count("it is paused") == shown.count("outside of its window") == 1
    both = Reason("its rule stops it; see the policy", "stop")
    shown = trail_of(replace(entry, reasons=(both,), text=both.text))
    assert shown.count(both.text) == 1
    assert trail_of(replace(entry, text="asked of #ops; it is paused")).count("asked of #ops") == 1
    assert "as before" in trail_of(AuditEntry(datetime(2026, 1, 1, tzinfo=UTC), "wait", text="as before"))


def test_the_status_is_told_apart_from_its_reason(setpoint):
    identifier = json.loads(setpoint("findings", "list", "--output", "json").stdout)["findings"][0]["id"]
    setpoint("accept", identifier, "--because", "moved")
    assert "| status | `accepted: moved` |" in setpoint("findings", "show", identifier, "--output", "markdown").stdout


def test_watching_lists_again_when_something_changes_and_ends_without_a_traceback(setpoint, environment, tmp_path):
    command = [sys.executable, "-m", "setpoint", "findings", "list", "--watch", "0.1", "--output", "json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["total"] == 4
        setpoint("accept", "//storage.googleapis.com/a", "--because", "moved")
        while json.loads(process.stdout.readline())["total"] != 3:  # the acceptance is stored before it is judged
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped watching" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("setpoint")
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_finding_fits_the_terminal_with_its_id_first_and_no_fact_broken(environment, width):
    state = next(iter(_states(environment["SETPOINT_STORE"])))
    stream = io.StringIO()
    output.print_finding(Console(file=stream, force_terminal=True, no_color=True, width=width), state)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("medium   Bucket")
    assert lines[1].startswith(f"{' ' * 9}{state.key.id[:8]}")
    assert all(line.startswith(" " * 9) for line in lines[1:])
    for fact in ("changed by unknown", "net", "fleet.yaml:6", "storage/a"):
        assert any(fact in line for line in lines)


def test_a_finding_in_a_pipe_has_a_line_of_facts_and_a_line_for_each_difference(setpoint):
    lines = setpoint("findings", "list", "--limit", "1").stdout.splitlines()
    assert len(lines) == 5
    assert lines[2].count(" · ") >= 5


def _states(url: str) -> list[ResourceState]:
    store = bootstrap.open_store(url, create=False)
    try:
        return sorted(store.states(drifted=True, problems=[]), key=lambda state: state.key)
    finally:
        store.close()


def test_a_finding_says_in_each_form_what_of_its_resource_is_watched(setpoint):
    identifier = json.loads(setpoint("findings", "list", "--output", "json").stdout)["findings"][0]["id"]
    watched = json.loads(setpoint("findings", "show", identifier, "--output", "json").stdout)["watched"]
    text = f"{watched['declared']} declared field"

    assert watched["declared"] == watched["compared"] == 2
    assert f"watched: {text}" in setpoint("findings", "show", identifier).stdout
    assert f"| watched | `{text}" in setpoint("findings", "show", identifier, "--output", "markdown").stdout
