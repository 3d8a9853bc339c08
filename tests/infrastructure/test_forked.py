from __future__ import annotations

import os
import signal
import subprocess
import sys

import forked
import forked_program
import setpoint
from infrastructure.forked_processes import die, show


def test_a_forked_command_line_has_streams_an_environment_and_a_folder_of_its_own(tmp_path):
    shown = forked.call(show, stdin=b"given", cwd=tmp_path, environment={"ONLY": "this"})
    assert shown.stdout.decode() == f"given {tmp_path} {{'ONLY': 'this'}}"
    assert (shown.stderr, shown.returncode) == (b"warned", 0)


def test_its_exit_code_is_that_of_a_process():
    assert forked.call(sys.exit, 3).returncode == 3
    assert forked.call(die).returncode == -signal.SIGKILL
    assert forked.command_line("no-such-command").returncode == 1


def test_a_script_runs_a_forked_command_line_as_a_program(tmp_path):
    script = """
        mkdir inner && cd inner
        cat > orders.yaml
        setpoint validate . 2>&1 | cat
        setpoint --version > version
        setpoint no-such-command 2> refused && exit 7
        echo $?
    """
    document = "apiVersion: setpoint.dev/v1\nkind: Unheard\nmetadata: {name: x}\n"
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with forked_program.program(tmp_path / "setpoint"):
        command = ["bash", "-c", script]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, input=document, capture_output=True, text=True, check=True
        )
    assert "Unheard" in done.stdout
    assert done.stdout.endswith("\n1\n")
    assert (tmp_path / "inner/version").read_text() == f"setpoint {setpoint.__version__}\n"
    assert "no-such-command" in (tmp_path / "inner/refused").read_text()


def test_a_program_that_is_killed_ends_by_that_signal(tmp_path):
    with forked_program.program(tmp_path / "program", die) as path:
        assert subprocess.run([path], check=False, timeout=60).returncode == -signal.SIGKILL
