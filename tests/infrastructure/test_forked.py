from __future__ import annotations

import signal
import sys

import forked
from infrastructure.forked_processes import die, show


def test_a_forked_command_line_has_streams_an_environment_and_a_folder_of_its_own(tmp_path):
    shown = forked.call(show, stdin=b"given", cwd=tmp_path, environment={"ONLY": "this"})
    assert shown.stdout.decode() == f"given {tmp_path} {{'ONLY': 'this'}}"
    assert (shown.stderr, shown.returncode) == (b"warned", 0)


def test_its_exit_code_is_that_of_a_process():
    assert forked.call(sys.exit, 3).returncode == 3
    assert forked.call(die).returncode == -signal.SIGKILL
    assert forked.command_line("no-such-command").returncode == 1
