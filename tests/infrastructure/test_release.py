"""The image, the wheel and the release have what they need, and nothing else."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import setpoint

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LIBRARY = ROOT / "shared/setpoint"


@pytest.fixture(scope="module")
def release():
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci/release.py")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "source"
    sources.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        (sources / name).write_bytes((ROOT / name).read_bytes())
    (sources / "shared").symlink_to(ROOT / "shared")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation")
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", "out", "./source"]
    subprocess.run(command, cwd=folder, check=True)
    (file,) = (folder / "out").glob("*.whl")
    assert setpoint.__version__ in file.name
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


def test_the_wheel_has_every_file_of_the_library(wheel):
    files = {path.relative_to(ROOT / "shared").as_posix() for path in LIBRARY.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert files <= set(wheel)


def test_the_image_copies_the_library_the_functions_and_the_licence_and_nothing_else():
    copied = re.findall(r"^COPY (?!--from)(.+) (\S+)$", DOCKERFILE, re.MULTILINE)
    assert {name for names, _ in copied for name in names.split()} == {
        ".ci/requirements-image.txt",
        "LICENSE",
        "NOTICE",
        "shared/setpoint",
        "functions",
    }
    assert all((ROOT / name).exists() for names, _ in copied for name in names.split())
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sent == {name for names, _ in copied for name in names.split()}


def test_the_image_runs_as_nobody_in_particular_from_one_base():
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert len(set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))) == 1
    assert re.search(r"FROM python:3\.13-slim(@sha256:[0-9a-f]{64})?( AS build)?$", DOCKERFILE, re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / ".ci" / name).read_text(), re.MULTILINE))


def test_the_image_is_installed_by_hash_from_what_is_tested_with_the_extras_and_without_the_tests():
    image, tested = locked("requirements-image.txt"), locked("requirements.txt")
    assert image.items() <= tested.items()
    assert locked("requirements-functions.txt").items() <= image.items()
    assert {"kubernetes", "python-hcl2"} <= set(image)
    assert not {"pytest", "setuptools"} & set(image)
    assert "--require-hashes" in DOCKERFILE


def test_the_library_of_the_image_works_without_the_tools(tmp_path):
    (tmp_path / "setpoint").symlink_to(LIBRARY)
    code = "import sys; sys.path[:] = [p for p in sys.path if 'shared' not in p]; from setpoint.cli import main; main()"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-c", f"{BLOCKED}; {code}", *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)

    assert run("--version").stdout == f"setpoint {setpoint.__version__}\n"
    done = run("dev", "up")
    assert (done.returncode, "is in a clone of the repository only" in done.stderr) == (1, True)


BLOCKED = "import sys; sys.modules['setpoint_tools'] = None"
"""An import of the tools fails, as where they are not installed."""


def test_a_release_is_refused_where_version_changelog_or_base_are_not_ready(release):
    library, changelog = (
        '__version__ = "0.2.0"',
        "# Changelog\n## Unreleased\n\n## 0.2.0\n### Added\n- A.\n\n## 0.1.0\n- B.\n",
    )
    pinned = f"FROM python:3.13-slim@sha256:{'0' * 64}\n"
    assert list(release.faults("0.2.0", library, changelog, pinned)) == []
    assert release.notes(changelog, "0.2.0") == "### Added\n- A."
    assert "no digest" in next(release.faults("0.2.0", library, changelog, "FROM python:3.13-slim\n"))
    assert "the library says 0.2.0" in next(release.faults("0.3.0", library, changelog, pinned))
    assert any("no section" in fault for fault in release.faults("0.3.0", library, changelog, pinned))
    assert "no semantic version" in next(release.faults("2", library, changelog, pinned))


def test_the_release_uses_actions_by_their_commit_and_has_only_the_rights_that_it_needs():
    text = (ROOT / ".github/workflows/release.yml").read_text()
    workflow = yaml.safe_load(text)
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in used)
    assert workflow["permissions"] == {}
    job = workflow["jobs"]["release"]
    assert job["permissions"] == {"contents": "write", "packages": "write", "id-token": "write"}
    assert "${{" not in "".join(step.get("run", "") for step in job["steps"])  # what a tag is called is no script
    for word in ("pip wheel", "make sbom", "docker build", "cosign sign ", "cosign sign-blob", "release.py notes"):
        assert word in text
