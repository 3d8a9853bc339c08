"""The archive that functions are made of."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.blocks import ROOT, local
from infra.functions_archive import copy_repository, deployed_files, pack
from infra.hcl import entries

FIGURES = runpy.run_path(str(ROOT / "benchmarks/cold_start.py"))
MAKERS = FIGURES["CLIENTS"]

STARTS = """
import json, os, pathlib, runpy, sys, traceback
import functions_framework, google.auth, google.cloud.firestore, google.cloud.pubsub_v1
from google.auth.credentials import AnonymousCredentials

class NoTools:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "setpoint_tools":
            raise ImportError(name)

sys.meta_path.insert(0, NoTools())
google.auth.default = lambda *_, **__: (AnonymousCredentials(), "fleet-ops")
archive, *functions = sys.argv[1:]
errors = {}
for name, maker in (function.split("=") for function in functions):
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        errors[name] = open(reading).read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if (code != 0) != bool(errors[name]):
            sys.exit(f"{name} ended with {code}: {errors[name]}")
        continue
    try:
        runpy.run_path(f"{archive}/functions/{name}/main.py")
        from setpoint import bootstrap
        getattr(bootstrap, maker)()
        assert pathlib.Path(bootstrap.__file__).is_relative_to(archive)
        os._exit(0)
    except BaseException:
        os.write(writing, traceback.format_exc().encode())
        os._exit(1)
print(json.dumps(errors))
"""
"""Each function in a process of its own, forked from one that has loaded Google's clients."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> zipfile.ZipFile:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of Git: what the archive would hold is not known")
    return zipfile.ZipFile(pack(tmp_path_factory.mktemp("archive") / "setpoint.zip"))


def test_the_archive_holds_the_functions_the_library_and_its_data(archive):
    names = set(archive.namelist())
    package = ROOT / "shared/setpoint"
    assert {f"functions/{name}/main.py" for name in entries(local("functions"))} <= names
    assert {"shared/setpoint/bootstrap/settings.py", "shared/setpoint/catalog/data/schemas/storage.json.gz"} <= names
    assert {path for path in names if path.startswith("shared/")} >= {
        str(path.relative_to(ROOT)) for path in package.glob("catalog/data/**/*.json.gz")
    }


@pytest.fixture(scope="module")
def started(archive, tmp_path_factory) -> dict[str, str]:
    """What each function says that does not start, and one that needs the tools; nothing where it starts."""
    folder = tmp_path_factory.mktemp("extracted")
    archive.extractall(folder)
    (folder / "functions/needy").mkdir()
    detect = (folder / "functions/detect/main.py").read_text()
    (folder / "functions/needy/main.py").write_text(f"{detect}\nfrom setpoint_tools.testing import messages\n")
    makers = {**{name: MAKERS[name][0] for name in entries(local("functions"))}, "needy": MAKERS["detect"][0]}
    command = [sys.executable, "-c", STARTS, str(folder), *(f"{name}={maker}" for name, maker in makers.items())]
    environment = {**os.environ, **FIGURES["ENVIRONMENT"], "PYTHONPATH": str(folder / "shared")}
    run = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_function_starts_from_the_archive_alone(started):
    """With all that its first event makes, and with setpoint_tools out of reach."""
    assert {name: errors for name, errors in started.items() if name != "needy"} == dict.fromkeys(
        entries(local("functions")), ""
    )


def test_a_function_that_needs_the_tools_does_not_start_from_the_archive(started):
    assert started["needy"].endswith("ImportError: setpoint_tools\n")


def test_the_buildpack_installs_the_lock_of_the_functions_and_no_tool_of_development(archive):
    names = set(archive.namelist())
    lock = archive.read("requirements.txt").decode()
    assert lock == (ROOT / ".ci/requirements-functions.txt").read_text()
    locked = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    assert {"functions-framework", "google-cloud-firestore", "msgspec"} <= locked
    assert not {"pytest", "ruff", "mypy"} & locked
    assert lock.count("--hash=sha256:") > len(locked)
    assert not {"uv.lock", "poetry.lock"} & names


def test_the_functions_run_with_the_versions_that_are_tested():
    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / ".ci" / name).read_text(), re.MULTILINE))

    deployed = versions("requirements-functions.txt")
    assert deployed.items() <= versions("requirements.txt").items()


def test_the_archive_leaves_out_what_is_not_deployed(archive):
    folders = {"/".join(name.split("/")[:2]) for name in archive.namelist() if "/" in name}
    assert {folder for folder in folders if not folder.startswith("functions/")} == {"shared/setpoint"}


def test_the_same_source_makes_the_same_archive(archive, tmp_path):
    """Also in a checkout where much lies around that Git does not track."""
    made = Path(os.fspath(archive.filename)).read_bytes()
    copy = copy_repository(tmp_path / "copy")
    for name in ("functions/detect/__pycache__/main.pyc", "shared/setpoint/x.log", "shared/setpoint/.mypy_cache/a"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("left over")
    assert pack(tmp_path / "again.zip", copy / "infra").read_bytes() == made
    assert set(archive.namelist()) == deployed_files()
