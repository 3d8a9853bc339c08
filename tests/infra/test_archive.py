"""The archive that functions are made of."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from infra.blocks import INFRA, ROOT, local
from infra.hcl import entries


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> zipfile.ZipFile:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of Git: what the archive would hold is not known")
    target = tmp_path_factory.mktemp("archive") / "setpoint.zip"
    subprocess.run([sys.executable, str(INFRA / "archive.py"), str(target)], check=True, capture_output=True)
    return zipfile.ZipFile(target)


def test_the_archive_holds_the_functions_the_library_and_its_data(archive):
    names = set(archive.namelist())
    package = ROOT / "shared/setpoint"
    assert {f"functions/{name}/main.py" for name in entries(local("functions"))} <= names
    assert {"shared/setpoint/bootstrap/settings.py", "shared/setpoint/catalog/data/schemas/storage.json.gz"} <= names
    assert {path for path in names if path.startswith("shared/")} >= {
        str(path.relative_to(ROOT)) for path in package.glob("catalogue/*.json.gz")
    }


def test_the_buildpack_finds_what_it_installs_from_and_nothing_that_comes_before_it(archive):
    names = set(archive.namelist())
    project = tomllib.loads(archive.read("pyproject.toml").decode())["project"]
    assert {project["readme"], *project["license-files"]} <= names
    assert any(dependency.startswith("functions-framework") for dependency in project["dependencies"])
    assert not {"requirements.txt", "uv.lock", "poetry.lock"} & names


def test_the_same_source_makes_the_same_archive(archive, tmp_path):
    again = tmp_path / "again.zip"
    subprocess.run([sys.executable, str(INFRA / "archive.py"), str(again)], check=True, capture_output=True)
    assert again.read_bytes() == Path(os.fspath(archive.filename)).read_bytes()
