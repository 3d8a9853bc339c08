"""The image, the wheel and the release have what they need, and nothing else."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
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


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """What the image holds below /app, by the Dockerfile and what .dockerignore lets through."""
    app = tmp_path_factory.mktemp("app")
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("**/")]
    for names, target in re.findall(r"^COPY (?!--from)(.+) (/app\S*)$", DOCKERFILE, re.MULTILINE):
        for name in names.split():
            source, copy = ROOT / name, app / target.removeprefix("/app").strip("/")
            if source.is_dir():
                left_out = shutil.ignore_patterns(*(line.removeprefix("**/") for line in ignored))
                shutil.copytree(source, copy, ignore=left_out)
            else:
                shutil.copy(source, copy)
    return app


def in_image(image: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python with what the image holds, from a folder that nobody may write."""
    blocked = f"{BLOCKED}; sys.path[:] = [p for p in sys.path if not p.endswith('/shared')]"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"}
    command = [sys.executable, "-c", f"{blocked}; sys.path.insert(0, {str(image / 'shared')!r})\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", check=False)


def test_every_command_but_that_of_a_clone_and_every_function_loads_in_the_image(image):
    code = """if True:
        import importlib, importlib.util, pathlib
        from setpoint.cli.commands import COMMANDS, FINDINGS, load_command
        for name in COMMANDS:
            if name != "dev":
                load_command(name)
        for entry in FINDINGS.values():
            importlib.import_module(f"setpoint.cli.{entry.module}")
        import setpoint
        root = pathlib.Path(setpoint.__file__).parent
        for file in sorted(root.rglob("*.py")):
            name = ".".join(file.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
            if not name.endswith(("__main__", "cli.dev")):
                importlib.import_module(name)
        for main in sorted((root.parents[1] / "functions").glob("*/main.py")):
            spec = importlib.util.spec_from_file_location(main.parent.name, main)
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
            print(main.parent.name)
        print(root)
    """
    done = in_image(image, code)
    assert done.returncode == 0, done.stderr
    *functions, root = done.stdout.split()
    assert functions == sorted(path.parent.name for path in (ROOT / "functions").glob("*/main.py"))
    assert root == str(image / "shared/setpoint")


def test_the_image_has_every_table_and_template_that_the_library_has(image):
    held = {path.relative_to(image / "shared") for path in (image / "shared").rglob("*") if path.is_file()}
    wanted = {path.relative_to(ROOT / "shared") for path in LIBRARY.rglob("*") if path.is_file()}
    assert held == {path for path in wanted if "__pycache__" not in path.parts}
    code = (
        "from setpoint.catalog.schemas import default_catalogue; print(len(default_catalogue().schemas_for(TYPE)) > 0)"
    )
    done = in_image(image, code.replace("TYPE", "'run.googleapis.com/Service'"))
    assert done.stdout == "True\n", done.stderr


def test_what_the_image_runs_needs_no_root_and_writes_nothing_beside_itself():
    instructions = [line.split()[0] for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    last_stage = instructions[len(instructions) - instructions[::-1].index("FROM") :]
    assert last_stage.index("USER") > max(place for place, word in enumerate(last_stage) if word == "COPY")
    assert "RUN" not in last_stage  # what the last stage holds was copied into it
    assert "PYTHONDONTWRITEBYTECODE=1" in DOCKERFILE


def release_steps() -> list[dict[str, str]]:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    return [step for step in workflow["jobs"]["release"]["steps"] if "run" in step]


@pytest.mark.parametrize("step", release_steps(), ids=lambda step: step["name"])
def test_the_script_of_a_step_of_the_release_parses_and_names_what_there_is(step):
    script = step["run"]
    parsed = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")
    for path in re.findall(r"(?<![\w./])\.ci/[\w.-]+", script):
        assert (ROOT / path).exists(), path
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in re.findall(r"^\s*make (.+)$", script, re.MULTILINE):
        assert {word for word in words.split() if "=" not in word} <= targets
    for name in re.findall(r"setpoint\.cdx\.json", script):
        assert f"dist/{name}" in (ROOT / ".ci/sbom.py").read_text()
    for action in re.findall(r"release\.py (\w+)", script):
        assert f"release.py {action} VERSION" in (ROOT / ".ci/release.py").read_text()


def test_the_version_is_one_and_the_changelog_goes_on_from_it(release):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "setpoint.__version__"}
    changelog = (ROOT / "CHANGELOG.md").read_text()
    sections = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert all(re.fullmatch(r"\[?\d+\.\d+\.\d+\]?", section) for section in sections[1:])
    assert release.notes(changelog, "Unreleased")
    ready = changelog.replace("## Unreleased", f"## {setpoint.__version__}", 1)
    library, pinned = (LIBRARY / "__init__.py").read_text(), f"FROM python:3.13-slim@sha256:{'0' * 64}\n"
    assert list(release.faults(setpoint.__version__, library, ready, pinned)) == []


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
    pinned = f"  - name: docker:28-cli@sha256:{'ab' * 32}\n    args: [hashicorp/terraform:1.11]\n"
    (fault,) = release.faults("0.2.0", library, changelog, "", pinned)
    assert fault.startswith("the image hashicorp/terraform:1.11 of cloudbuild.yaml has no digest")
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
