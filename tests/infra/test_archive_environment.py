"""Every function starts in an environment as Google's buildpack makes it: the archive's lock and no more."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.blocks import local
from infra.hcl import entries
from infra.packed import pack

pytestmark = pytest.mark.long

_SECONDS = 600
_START = """
import sys
import functions_framework, setpoint
name, kind = sys.argv[1:]
app = functions_framework.create_app(name, f"functions/{name}/main.py", kind)
assert "/workspace/shared/" in setpoint.__file__
if name == "detect":
    greeting = b"You have successfully configured real time feed"
    import base64
    body = {"message": {"data": base64.b64encode(greeting).decode(), "messageId": "1"}, "subscription": "s"}
    answer = app.test_client().post("/", json=body)
    assert answer.status_code == 200, answer.status_code
"""
_SETTINGS = {
    "SETPOINT_STORE": "memory:",
    "SETPOINT_EVENTS_TOPIC": "projects/fleet-ops/topics/drift-events",
    "SETPOINT_DEAD_LETTER_TOPIC": "projects/fleet-ops/topics/dead-letters",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:9",  # no credentials are looked for, and nothing is sent
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("deployed")
    source = folder / "workspace"
    zipfile.ZipFile(pack(folder / "setpoint.zip")).extractall(source)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    install = [folder / "venv/bin/pip", "install", "-q", "--no-deps", "--require-hashes", "-r", "requirements.txt"]
    done = subprocess.run(install, cwd=source, check=False, capture_output=True, text=True, timeout=_SECONDS)
    if done.returncode and "THESE PACKAGES DO NOT MATCH THE HASHES" not in done.stderr:
        pytest.skip(f"NO PACKAGES: the lock cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("function", sorted(entries(local("functions"))))
def test_a_function_starts_from_the_archive_alone(deployed, function):
    http = "@functions_framework.http" in (deployed / f"workspace/functions/{function}/main.py").read_text()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(deployed / "workspace/shared"), **_SETTINGS}
    command = [deployed / "venv/bin/python", "-c", _START, function, "http" if http else "cloudevent"]
    started = subprocess.run(
        command, cwd=deployed / "workspace", env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert started.returncode == 0, started.stderr


def test_what_is_installed_is_the_lock_and_nothing_else(deployed):
    listed = subprocess.run(
        [deployed / "venv/bin/pip", "list", "--format=freeze"], check=True, capture_output=True, text=True
    )
    names = {line.split("==")[0].lower().replace("_", "-") for line in listed.stdout.split()}
    lock = (deployed / "workspace/requirements.txt").read_text()
    locked = {line.split("==")[0].lower() for line in lock.splitlines() if "==" in line}
    assert names - {"pip", "setuptools", "wheel"} <= locked
