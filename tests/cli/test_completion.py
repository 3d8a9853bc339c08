"""A shell completes commands, options, their values and ids of findings, and loads no command for it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Self

import pytest

import forked
from setpoint.cli.complete import SCRIPTS, TABLE
from setpoint_tools import completions
from setpoint_tools.testing.polling import LIMIT

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


@pytest.fixture
def program(tmp_path) -> Path:
    """The command line as a program of its own."""
    program = tmp_path / "bin" / "setpoint"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m setpoint "$@"\n')
    program.chmod(0o755)
    return program


def environment_with(program: Path) -> dict[str, str]:
    own = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(program.parent), "TERM": "dumb"}
    kept = {name: value for name, value in os.environ.items() if name != "SETPOINT_STORE"}
    return {**kept, **own}


def test_bash_completes_by_the_script(finding, program, tmp_path):
    lines = [
        SCRIPTS["bash"],
        f"COMP_WORDS=({program} findings show {finding[:3]})",
        "COMP_CWORD=3",
        f"_setpoint_completion {program}",
        'echo "${COMPREPLY[*]}"',
    ]
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == f"{finding}\n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_commands_options_values_and_ids(finding, program, tmp_path):
    asked = ("findings sh", f"findings show {finding[:3]}", "sweep --fail", "findings list --sort sev")
    lines = ["setpoint completion fish | source", *(f'complete -C "setpoint {words}"' for words in asked)]
    done = subprocess.run(
        ["fish", "--no-config", "-c", "\n".join(lines)],
        capture_output=True, text=True, cwd=tmp_path, env=environment_with(program), check=True,
    )  # fmt: skip
    completed = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    assert completed == ["show", finding, "--fail-on", "severity"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_commands_options_values_and_ids(finding, program, tmp_path):
    with Terminal(["zsh", "-f", "-i"], tmp_path, environment_with(program)) as zsh:
        zsh.type("autoload -U compinit; compinit -u; source <(setpoint completion zsh); echo rea''dy\n", "ready")
        for typed, completed in (
            ("setpoint findings sh", "setpoint findings show "),
            (f"setpoint findings show {finding[:3]}", f"{finding} "),
            ("setpoint sweep --fail", "--fail-on "),
            ("setpoint findings list --sort sev", "--sort severity "),
        ):
            zsh.type(f"{typed}\t", completed)
            zsh.type("\x15", "")  # clears the line


class Terminal:
    """An interactive program on a terminal of its own."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._own, other = pty.openpty()
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self._process = subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, cwd=folder, env=environment, start_new_session=True
        )
        os.close(other)

    def type(self, keys: str, expected: str) -> None:
        """Type keys, and wait until a text is shown after them."""
        os.write(self._own, keys.encode())
        shown, until = "", time.monotonic() + LIMIT
        while expected not in shown:
            assert time.monotonic() < until, f"{expected!r} is not in {shown!r}"
            if select.select([self._own], [], [], 0.2)[0]:
                shown += os.read(self._own, 65536).decode(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._own)


def test_completing_loads_no_command():
    code = "import sys; from setpoint.cli import complete; complete.main(['find']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "findings\t" in done.stdout
    assert "setpoint.cli.findings" not in done.stdout
    assert "rich" not in done.stdout
