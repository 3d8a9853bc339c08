"""Programs that are forked from a process which has loaded what functions need."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from setpoint_tools.testing.fork_server import ForkServer
from setpoint_tools.testing.polling import LIMIT, wait_until

SHOW = """
import json, os, sys
loaded = "google.cloud.firestore" in sys.modules
print("warned", file=sys.stderr)
print(json.dumps([sys.argv[1:], dict(os.environ), os.getpgrp() == os.getpid(), loaded]))
"""
STAY = "import time; time.sleep(600)"
LEAVE_A_CHILD = f"import os\nif os.fork() == 0:\n    {STAY}"
FAIL = "raise SystemExit('it fails')"


@pytest.fixture(scope="module")
def server():
    with ForkServer() as running:
        yield running


@pytest.fixture
def start(server, tmp_path):
    started = []

    def begin(script: str, *arguments: str, environment: dict[str, str] | None = None):
        (tmp_path / "script.py").write_text(script)
        with (tmp_path / "log").open("wb") as log:
            command = [sys.executable, str(tmp_path / "script.py"), *arguments]
            started.append(server.start(command, os.environ if environment is None else environment, log))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_program_has_arguments_an_environment_output_and_a_group_of_its_own(start, tmp_path):
    environment = {"ONLY": "x" * 200_000}  # more than a socket takes at once
    start(SHOW, "--port=1", environment=environment).wait(LIMIT)
    warned, shown = (tmp_path / "log").read_text().splitlines()
    assert json.loads(shown) == [["--port=1"], environment, True, True]
    assert warned == "warned"


def test_programs_run_beside_each_other_and_each_is_ended_by_itself(start):
    first, second = start(STAY), start(STAY)
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(0.01)
    os.killpg(first.pid, signal.SIGTERM)
    first.wait(LIMIT)
    assert first.poll() is not None
    assert second.poll() is None


def test_a_program_has_ended_when_each_process_of_its_group_has(start):
    process = start(LEAVE_A_CHILD)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(LIMIT)


def test_a_program_that_fails_has_ended_and_its_log_says_why(start, tmp_path):
    process = start(FAIL)
    wait_until(lambda: process.poll() is not None, "it has not ended")
    assert (tmp_path / "log").read_text() == "it fails\n"


def test_without_the_process_that_they_are_forked_from_it_says_so(tmp_path):
    with (tmp_path / "log").open("wb") as log, ForkServer() as server:
        server._process.kill()
        with pytest.raises(RuntimeError, match="has ended"):
            server.start([str(tmp_path / "script.py")], {}, log)
