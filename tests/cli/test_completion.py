"""A shell completes commands, options, their values and ids of findings, and loads no command for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import forked
from setpoint.cli.complete import SCRIPTS, TABLE
from setpoint_tools import completions

BUCKET = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/orders, project: shop-prod}
spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}
"""
ASSET = {
    "name": "//storage.googleapis.com/orders",
    "assetType": "storage.googleapis.com/Bucket",
    "ancestors": ["projects/12"],
    "updateTime": "2026-03-01T10:00:00Z",
    "resource": {"data": {"name": "orders", "location": "US"}},
}


def complete(*words: str, cwd: Path | None = None, store: str = "") -> list[str]:
    environment = {**os.environ, "_SETPOINT_COMPLETE": "1", "SETPOINT_STORE": store}
    done = forked.command_line(*words, cwd=cwd, environment=environment)
    assert done.returncode == 0, done.stderr
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


@pytest.fixture
def finding(tmp_path) -> str:
    """The id of a finding in ./setpoint.db."""
    (tmp_path / "fleet.yaml").write_text(BUCKET)
    (tmp_path / "export.json").write_text(json.dumps([ASSET]))
    environment = {name: value for name, value in os.environ.items() if name != "SETPOINT_STORE"}
    for command in ("apply fleet.yaml", "sweep --from export.json"):
        forked.command_line(*command.split(), cwd=tmp_path, environment=environment)
    listed = forked.command_line("findings", "list", "--output", "json", cwd=tmp_path, environment=environment)
    return json.loads(listed.stdout)["findings"][0]["id"]


def test_the_table_is_that_of_the_commands():
    assert TABLE.read_text() == completions.written(), "run `make schemas`"


def test_commands_options_and_values_are_completed():
    assert complete("swe") == ["sweep"]
    assert complete("findings", "s") == ["show"]
    assert "--declarations" in complete("detect", "--dec")
    assert complete("findings", "list", "--sort", "n") == ["newest", "name"]
    assert complete("completion", "z") == ["zsh"]
    assert complete("no-such", "x") == []


def test_files_are_left_to_the_shell():
    assert complete("validate", "") == []


def test_ids_of_findings_are_completed_from_the_store_of_the_line_the_environment_or_the_folder(finding, tmp_path):
    assert complete("findings", "show", finding[:4], cwd=tmp_path) == [finding]
    assert complete("approve", "--yes", "", cwd=tmp_path) == [finding]
    assert complete("findings", "show", "zz", cwd=tmp_path) == []
    elsewhere = f"sqlite:///{tmp_path}/setpoint.db"
    assert complete("policy", "test", "", store=elsewhere) == [finding]
    assert complete("accept", "--store", elsewhere, "") == [finding]
    assert complete("accept", finding, "", cwd=tmp_path) == []


def test_a_store_that_is_not_there_or_no_file_completes_nothing(tmp_path):
    (tmp_path / "text.db").write_text("no store")
    for url in ("sqlite:///none.db", "firestore://p/d", "sqlite:///text.db"):
        assert complete("findings", "show", "", cwd=tmp_path, store=url) == []
    assert not (tmp_path / "none.db").exists()


def test_bash_completes_by_the_script(finding, tmp_path):
    program = tmp_path / "setpoint"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m setpoint "$@"\n')
    program.chmod(0o755)
    lines = [
        SCRIPTS["bash"],
        f"COMP_WORDS=({program} findings show {finding[:3]})",
        "COMP_CWORD=3",
        f"_setpoint_completion {program}",
        'echo "${COMPREPLY[*]}"',
    ]
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == f"{finding}\n"


def test_completing_loads_no_command():
    code = "import sys; from setpoint.cli import complete; complete.main(['find']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "findings\t" in done.stdout
    assert "setpoint.cli.findings" not in done.stdout
    assert "rich" not in done.stdout
