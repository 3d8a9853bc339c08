"""Each import contract of pyproject.toml is kept by the library, and broken by the import that it forbids."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

PLANTED = {
    "layers": ("setpoint/model/severity.py", "import setpoint.detection.verdict"),
    "acyclic": ("setpoint/comparison/scalars.py", "import setpoint.comparison.lists"),
    "independence": ("setpoint/sweep/digest_set.py", "import setpoint.declarations.plan"),
    "clients": ("setpoint/alerting/routing.py", "import sqlite3"),
    "pure": ("setpoint/comparison/compare.py", "import setpoint.util.telemetry"),
    "event-path": ("setpoint/detection/pipeline.py", "import yaml"),
    "tools": ("setpoint/cli/__init__.py", "import setpoint_tools.testing.messages"),
    "fakes": ("setpoint_tools/demo/__init__.py", "import setpoint_tools.testing.messages"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The library's modules, to be broken."""
    folder = tmp_path_factory.mktemp("copy")
    for package in ("setpoint", "setpoint_tools"):
        shutil.copytree(ROOT / "shared" / package, folder / package, ignore=_only_modules)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _only_modules(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()]


def lint(copy: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("lint-imports"))
    command = [program, "--config", "pyproject.toml", "--cache-dir", ".cache", "--no-logo", *options]
    environment = {**os.environ, "PYTHONPATH": str(copy), "COLUMNS": "200"}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def test_the_library_keeps_each_contract(copy):
    run = lint(copy)
    assert run.returncode == 0, run.stdout
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in run.stdout


@pytest.fixture(scope="module")
def broken(copy) -> str:
    """What is printed where each contract is broken by the import that is planted for it."""
    texts = {copy / name: (copy / name).read_text() for name, _ in PLANTED.values()}
    assert len(texts) == len(PLANTED)
    for name, line in PLANTED.values():
        assert line not in texts[copy / name]
        (copy / name).write_text(f"{texts[copy / name]}\n{line}\n")
    try:
        run = lint(copy)
    finally:
        for path, text in texts.items():
            path.write_text(text)
    assert run.returncode == 1, run.stdout
    return run.stdout


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["id"])
def test_an_import_that_a_contract_forbids_breaks_it(broken, contract):
    name, line = PLANTED[contract["id"]]
    title = contract["name"]
    assert f"{title} BROKEN" in broken
    _, _, section = broken.partition(f"\n{title}\n{'-' * len(title)}\n")
    section = section.partition("\n---")[0]
    importer = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    imported = line.split()[1]
    named = {
        f"{importer} -> {imported.partition('.')[0]}",
        f".{importer.rpartition('.')[2]} -> .{imported.rpartition('.')[2]}",
    }
    assert any(pair in section for pair in named), section or broken


def test_a_package_without_a_place_among_the_layers_breaks_them(copy):
    package = copy / "setpoint/homeless"
    package.mkdir()
    (package / "__init__.py").touch()
    try:
        run = lint(copy, "--contract", "layers")
    finally:
        shutil.rmtree(package)
    assert run.returncode == 1, run.stdout
    assert "homeless" in run.stdout
