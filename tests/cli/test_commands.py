"""The table of commands, exit codes, and the store that commands work with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import forked
from setpoint import __version__
from setpoint.cli.commands import COMMANDS, load_command

DECLARED = """apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //pubsub.googleapis.com/projects/p-123456/topics/orders, project: p-123456}
spec:
  assetType: pubsub.googleapis.com/Topic
  data: {messageRetentionDuration: 1d}
"""
CHANGE = (
    '{"asset": {"name": "//pubsub.googleapis.com/projects/p-123456/topics/%s",'
    ' "assetType": "pubsub.googleapis.com/Topic", "updateTime": "2026-01-01T00:00:00Z", "ancestors": ["projects/1"],'
    ' "resource": {"version": "v1", "data":'
    ' {"name": "projects/p-123456/topics/%s", "messageRetentionDuration": "%s"}}},'
    ' "window": {"startTime": "2026-01-01T00:00:00Z"}}\n'
)


@pytest.fixture
def setpoint(tmp_path):
    (tmp_path / "orders.yaml").write_text(DECLARED)
    (tmp_path / "drift.jsonl").write_text(CHANGE % ("orders", "orders", "600s"))
    (tmp_path / "equal.jsonl").write_text(CHANGE % ("orders", "orders", "86400s"))
    (tmp_path / "other.jsonl").write_text(CHANGE % ("other", "other", "600s"))

    def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
        return forked.command_line(*arguments, cwd=tmp_path, **options)

    return run


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_there_and_the_list_says_what_it_does(name, setpoint):
    entry = COMMANDS[name]
    assert load_command(name).help
    assert (f"  {name} " in setpoint("--help").stdout) == (not entry.hidden)
    assert entry.summary.endswith((".", "…"))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_no_type_of_python_and_no_second_way_to_complete(name):
    for command in all_commands(load_command(name)):
        text = command.get_help(command.context_class(command, info_name=name))
        assert not re.search(r"list\[|<(str|int|float|path|bool)\b", text), text
        assert "--install-completion" not in text
        assert "PATH…]..." not in text


def all_commands(command: Any) -> Iterator[Any]:
    yield command
    for subcommand in getattr(command, "commands", {}).values():
        yield from all_commands(subcommand)


def test_help_and_the_version_load_no_command(tmp_path):
    code = "import sys; from setpoint.cli import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    loaded = set(done.stdout.split())
    assert not loaded & {"rich.console", "setpoint.cli.apply", "setpoint.bootstrap", "pydantic", "yaml"}


def test_the_version_and_the_short_option_for_help(setpoint):
    assert setpoint("--version").stdout == f"setpoint {__version__}\n"
    assert setpoint("-h").stdout == setpoint("--help").stdout
    assert "--store" in setpoint("detect", "-h").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_completes_commands(shell, setpoint):
    script = setpoint("completion", shell)
    assert script.returncode == 0
    assert "_SETPOINT_COMPLETE" in script.stdout


@pytest.mark.parametrize(
    "words", [["no-such-command"], ["detect", "--no-such-option"], ["findings", "list", "--status", "opn"]]
)
def test_a_wrong_option_is_an_error_and_no_drift(words, setpoint):
    assert setpoint(*words).returncode == 1


def test_apply_and_then_detect_work_with_the_same_store_without_naming_it(setpoint):
    assert setpoint("apply", "orders.yaml").stderr.splitlines()[0] == "store: sqlite:///setpoint.db"
    done = setpoint("detect", "--feed", "drift.jsonl")
    assert done.stderr.splitlines()[0] == "store: sqlite:///setpoint.db"
    assert "1 open finding" in done.stdout
    assert "1 open finding" in setpoint("findings", "list").stdout


def test_without_a_store_a_feed_is_judged_in_memory_and_nothing_is_left(setpoint, tmp_path):
    done = setpoint("detect", "-d", "orders.yaml", "--feed", "drift.jsonl")
    assert done.stderr.splitlines()[0] == "store: memory:"
    assert "1 open finding" in done.stdout
    assert not (tmp_path / "setpoint.db").exists()


def test_nothing_declared_and_nothing_of_what_is_declared_is_never_no_drift(setpoint):
    nothing = setpoint("detect", "--feed", "drift.jsonl")
    assert "nothing is declared in memory:" in nothing.stderr
    assert "no drift" not in nothing.stdout + nothing.stderr
    undeclared = setpoint("detect", "-d", "orders.yaml", "--feed", "other.jsonl")
    assert "none of 1 message is about what is declared" in undeclared.stderr
    assert "no drift" not in undeclared.stdout + undeclared.stderr
    assert "no drift" in setpoint("detect", "-d", "orders.yaml", "--feed", "equal.jsonl").stdout
    empty = setpoint("detect", "-d", "orders.yaml", "--feed", os.devnull)
    assert "0 messages" in empty.stderr
    assert "no open findings, 1 declared" in empty.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["detect", "--feed", "drift.jsonl"],
        ["sweep", "--from", "drift.jsonl"],
        ["findings", "list"],
        ["approve", "x"],
        ["accept", "x", "y"],
        ["pause", "fleet", "y"],
        ["report"],
        ["repair"],
        ["attribute", "drift.jsonl"],
        ["plan", "orders.yaml"],
        ["coverage"],
        ["guardrails"],
    ],
)
def test_no_command_but_apply_makes_a_store_that_is_mistyped(words, setpoint, tmp_path):
    setpoint(*words, "--store", "sqlite:///typo.db")
    assert not Path(tmp_path, "typo.db").exists()


def test_exit_codes_are_the_same_in_all_commands_that_find_drift(setpoint, tmp_path):
    given = ("-d", "orders.yaml")
    assert setpoint("detect", *given, "--feed", "drift.jsonl").returncode == 0
    assert setpoint("detect", *given, "--feed", "drift.jsonl", "--exit-code").returncode == 2
    assert setpoint("detect", *given, "--feed", "drift.jsonl", "--fail-on", "low").returncode == 2
    assert setpoint("detect", *given, "--feed", "drift.jsonl", "--fail-on", "critical").returncode == 0
    assert setpoint("detect", *given, "--feed", "drift.jsonl", "--fail-on", "hihg").returncode == 1
    assert setpoint("sweep", *given, "--from", "drift.jsonl", "--exit-code").returncode == 2
    assert setpoint("sweep", *given, "--from", "equal.jsonl", "--exit-code").returncode == 0
    assert setpoint("diff", "orders.yaml", "drift.jsonl").returncode == 1
    assert setpoint("diff", "orders.yaml", "drift.jsonl", "--exit-code").returncode == 2
    assert setpoint("diff", "orders.yaml", "none.json", "--exit-code").returncode == 1
    assert setpoint("plan", "orders.yaml", "--detailed-exitcode").returncode == 2
    assert setpoint("apply", "orders.yaml").returncode == 0
    assert setpoint("plan", "orders.yaml", "--detailed-exitcode").returncode == 0
    (tmp_path / "other.yaml").write_text(DECLARED.replace("orders", "other"))
    refused = setpoint("apply", "other.yaml", "--prune")
    assert refused.returncode == 3
    assert "--max-removals 100%" in refused.stderr
    assert setpoint("apply", "orders.yaml", "--source", "another").returncode == 3


@pytest.mark.parametrize("output", ["sarif", "junit", "github", "markdown"])
def test_open_findings_and_bad_documents_are_written_for_ci(output, setpoint, tmp_path):
    drift = setpoint("sweep", "-d", "orders.yaml", "--from", "drift.jsonl", "--output", output)
    assert drift.returncode == 0, drift.stderr
    assert "orders.yaml" in drift.stdout
    assert "messageRetentionDuration" in drift.stdout
    (tmp_path / "bad.yaml").write_text("apiVersion: setpoint.dev/v1\nkind: Resorce\n")
    bad = setpoint("validate", "bad.yaml", "--output", output)
    assert bad.returncode == 1
    assert "bad.yaml" in bad.stdout
    assert "kind" in bad.stdout
