"""Every function starts in an environment as Google's buildpack makes it: the archive's lock and no more."""

from __future__ import annotations

import base64
import json
import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.blocks import ROOT, local
from infra.functions_archive import pack
from infra.hcl import entries

pytestmark = pytest.mark.long

cold_start = runpy.run_path(str(ROOT / "benchmarks/cold_start.py"))

_SECONDS = 600
_START = """
import json, os, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
import functions_framework, google.auth, setpoint
from google.auth.credentials import AnonymousCredentials

class Google(BaseHTTPRequestHandler):
    def take(self):
        print("ASKED", self.path, flush=True)
        os._exit(0)
    do_GET = do_POST = do_PUT = take

google.auth.default = lambda *_, **__: (AnonymousCredentials(), "fleet-ops")
api = HTTPServer(("127.0.0.1", 0), Google)
threading.Thread(target=api.serve_forever, daemon=True).start()
os.environ["BIGQUERY_EMULATOR_HOST"] = os.environ["STORAGE_EMULATOR_HOST"] = f"http://127.0.0.1:{api.server_port}"
name, kind, method, headers, body = sys.argv[1:]
app = functions_framework.create_app(name, f"functions/{name}/main.py", kind)
assert "/workspace/shared/" in setpoint.__file__
app.testing = False
app.config["PROPAGATE_EXCEPTIONS"] = False
answer = app.test_client().open("/", method=method, headers=json.loads(headers), data=body or None)
print("STATUS", answer.status_code, flush=True)
os._exit(0)
"""
_SETTINGS = cold_start["ENVIRONMENT"] | {"SETPOINT_STORE": "memory:", "PUBSUB_EMULATOR_HOST": "127.0.0.1:9"}
"""No credentials are looked for, and nothing is sent anywhere else than to this machine."""
_EVENT = {"Content-Type": "application/json"}
_STORED = {
    **_EVENT,
    "ce-id": "1",
    "ce-specversion": "1.0",
    "ce-type": "google.cloud.storage.object.v1.finalized",
    "ce-source": "//storage.googleapis.com/projects/_/buckets/fleet",
    "ce-subject": "objects/x",
}


def pushed(data: bytes, **attributes: str) -> tuple[str, dict[str, str], str]:
    message = {"data": base64.b64encode(data).decode(), "messageId": "1", "attributes": attributes}
    body = {"message": {**message, "publishTime": "2026-01-02T00:05:00Z"}, "subscription": "s"}
    return "POST", _EVENT, json.dumps(body)


STORED = json.dumps({"bucket": "fleet", "name": "no-folder.tgz", "generation": "1"})
REQUESTS = {
    "attribute": (pushed(b"{}"), "did not accept a dead letter"),  # there is no Pub/Sub
    "console": (("GET", {}, ""), "STATUS 403"),
    "detect": (pushed(b"You have successfully configured real time feed"), "STATUS 200"),
    "notify": (pushed(b"tick", type="tick"), "STATUS 200"),
    "remediate": (pushed(b"tick", type="tick"), "STATUS 200"),
    "report": (pushed(b"report"), "ASKED /"),
    "slack_actions": (("POST", {}, "payload=x"), "STATUS 401"),
    "sweep": (pushed(b'{"kind": "heal"}'), "STATUS 200"),
    "sync": (("POST", _STORED, STORED), "ASKED /"),
}
"""A message for each function, and how far it comes: to its answer, or to the API that it has to ask."""


def newest() -> str:
    """The newest Python on the PATH that answers; that of this run where there is no other."""
    for minor in range(19, sys.version_info.minor, -1):
        name = f"python3.{minor}"
        if shutil.which(name) and subprocess.run([name, "--version"], check=False, capture_output=True).returncode == 0:
            return name
    return sys.executable


@pytest.fixture(scope="module", params=["running", "newest"])
def python(request) -> str:
    """The Python of this run, or a newer one: asked for when a test runs, since each worker imports this file."""
    path = sys.executable if request.param == "running" else newest()
    if request.param == "newest" and path == sys.executable:
        pytest.skip("no newer Python is on the PATH than that of this run")
    return path


@pytest.fixture(scope="module")
def deployed(python, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("deployed")
    source = folder / "workspace"
    zipfile.ZipFile(pack(folder / "setpoint.zip")).extractall(source)
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True)
    install = [folder / "venv/bin/pip", "install", "-q", "--no-deps", "--require-hashes", "-r", "requirements.txt"]
    done = subprocess.run(install, cwd=source, check=False, capture_output=True, text=True, timeout=_SECONDS)
    if done.returncode and "THESE PACKAGES DO NOT MATCH THE HASHES" not in done.stderr:
        pytest.skip(f"NO PACKAGES: the lock cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("function", sorted(entries(local("functions"))))
def test_a_function_takes_a_message_from_the_archive_alone(deployed, function):
    http = "@functions_framework.http" in (deployed / f"workspace/functions/{function}/main.py").read_text()
    (method, headers, body), result = REQUESTS[function]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(deployed / "workspace/shared"), **_SETTINGS}
    kind = "http" if http else "cloudevent"
    command = [deployed / "venv/bin/python", "-c", _START, function, kind, method, json.dumps(headers), body]
    started = subprocess.run(
        command, cwd=deployed / "workspace", env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert result in started.stdout, started.stdout + started.stderr


def test_what_is_installed_is_the_lock_and_nothing_else(deployed):
    listed = subprocess.run(
        [deployed / "venv/bin/pip", "list", "--format=freeze"], check=True, capture_output=True, text=True
    )
    names = {line.split("==")[0].lower().replace("_", "-") for line in listed.stdout.split()}
    lock = (deployed / "workspace/requirements.txt").read_text()
    locked = {line.split("==")[0].lower() for line in lock.splitlines() if "==" in line}
    assert names - {"pip", "setuptools", "wheel"} <= locked
