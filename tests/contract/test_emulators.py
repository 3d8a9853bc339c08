"""The emulators as fixtures: where they are looked for, and that nothing of them stays behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from setpoint_tools.testing.emulators import PUBSUB, EmulatorMissing, find, request, running, shared
from setpoint_tools.testing.polling import wait_until

OWNER = """
import time
from setpoint_tools.testing.emulators import PUBSUB, running
with running(PUBSUB) as emulator:
    print(emulator.address, flush=True)
    time.sleep(600)
"""

SHARER = """
import sys
from pathlib import Path
from setpoint_tools.testing.emulators import PUBSUB, shared
with shared(PUBSUB, Path(sys.argv[1])) as emulator:
    print(emulator.address, flush=True)
    sys.stdin.read()
"""

pytest_plugins = ["pytester"]


def test_an_emulator_that_is_not_installed_is_said_to_be_missing_and_where(tmp_path):
    with pytest.raises(EmulatorMissing, match=rf"Pub/Sub emulator is not installed: no {tmp_path}/platform"):
        find(PUBSUB, {"SETPOINT_SDK_ROOT": str(tmp_path)})


def test_an_emulator_needs_java(tmp_path, monkeypatch):
    program = tmp_path / PUBSUB.command[0]
    program.parent.mkdir(parents=True)
    program.touch()
    assert find(PUBSUB, {"SETPOINT_SDK_ROOT": str(tmp_path)}) == [str(program)]

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmulatorMissing, match="needs java"):
        find(PUBSUB, {"SETPOINT_SDK_ROOT": str(tmp_path)})


@pytest.mark.emulator
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_an_emulator_ends_with_the_process_that_started_it(pubsub_emulator, how):
    del pubsub_emulator  # only to be skipped where it is not installed
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, env=os.environ) as owner:
        address = owner.stdout.readline().strip()
        assert request(address, "GET", "/") == 200
        owner.send_signal(how)

    wait_until(lambda: not answers(address), "the emulator still answers")


@pytest.mark.emulator
def test_processes_of_a_run_share_an_emulator_until_the_last_of_them_has_ended(pubsub_emulator, tmp_path):
    del pubsub_emulator  # as above
    with process(SHARER, str(tmp_path)) as owner:
        address = owner.stdout.readline().strip()
        with process(SHARER, str(tmp_path)) as user:
            assert user.stdout.readline().strip() == address
            owner.stdin.close()
            owner.wait()
            assert answers(address)
            user.stdin.close()

    wait_until(lambda: not answers(address), "the emulator still answers")
    with process(SHARER, str(tmp_path)) as later:
        assert answers(later.stdout.readline().strip())
        later.stdin.close()


ENDS_AT_ONCE = """#!/bin/sh
echo started >>"$0.starts"
echo no memory is left
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("start", [running, lambda kind: shared(kind, Path(os.environ["SETPOINT_SDK_ROOT"]))])
def test_an_emulator_that_ends_at_once_is_not_waited_for(tmp_path, monkeypatch, start):
    program = tmp_path / PUBSUB.command[0]
    program.parent.mkdir(parents=True)
    program.write_text(ENDS_AT_ONCE)
    program.chmod(0o755)
    monkeypatch.setenv("SETPOINT_SDK_ROOT", str(tmp_path))
    monkeypatch.setattr(shutil, "which", str)
    with pytest.raises(RuntimeError, match=r"does not come up:\n.*no memory is left"), start(PUBSUB):
        pytest.fail("it came up")
    assert Path(f"{program}.starts").read_text().split() == ["started"] * 3


def process(script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)


def answers(address: str) -> bool:
    try:
        return request(address, "GET", "/") == 200
    except OSError:
        return False


def test_a_test_whose_emulator_is_missing_is_skipped_and_the_summary_says_why(pytester, monkeypatch, tmp_path):
    monkeypatch.setenv("SETPOINT_SDK_ROOT", str(tmp_path))
    pytester.makeconftest('pytest_plugins = ["setpoint_tools.testing.plugin"]')
    pytester.makepyfile("def test_on_it(firestore_project): pass", test_other="def test_other(): pass")

    result = pytester.runpytest_subprocess("-rs")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines([f"SKIPPED: Google's Firestore emulator is not installed: no {tmp_path}/*"])
