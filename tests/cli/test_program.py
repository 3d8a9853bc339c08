from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from setpoint.cli import program


@pytest.fixture
def called(monkeypatch):
    def by(word: str) -> str:
        monkeypatch.setattr(sys, "argv", [word])
        program.program.cache_clear()
        return program.as_called("try `setpoint findings list`")

    yield by
    program.program.cache_clear()


def test_a_command_in_a_message_names_the_program_as_it_was_called(called, tmp_path, monkeypatch):
    folder = tmp_path / ".venv/bin"
    folder.mkdir(parents=True)
    file = folder / "setpoint"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin")
    assert called(str(file)) == "try `.venv/bin/setpoint findings list`"
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin")
    assert called(str(file)) == "try `setpoint findings list`"
    assert called("setpoint") == "try `setpoint findings list`"
    module = Path(program.__file__).parents[1] / "__main__.py"
    assert called(str(module)) == f"try `{Path(sys.executable).name} -m setpoint findings list`"
    assert called("/usr/bin/pytest") == "try `setpoint findings list`"


def test_the_hint_of_an_error_can_be_copied(tmp_path):
    command = [sys.executable, "-m", "setpoint", "findings", "show", "12ab", "--store", "memory:"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert f"`{Path(sys.executable).name} -m setpoint findings list --status all`" in done.stderr
