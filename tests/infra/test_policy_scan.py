"""The policy scan of infra/, the audit, and the bill of materials."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / ".checkov.yaml"


def checkov() -> str | None:
    """Where `make policy` has put it, or on the PATH."""
    own = ROOT / ".venv/checkov/bin/checkov"
    return os.environ.get("SETPOINT_CHECKOV") or (str(own) if own.exists() else shutil.which("checkov"))


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f".ci/{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.skipif(not checkov(), reason="checkov is not installed (make policy): infra/ is not scanned")
def test_no_check_of_checkov_fails():
    command = [checkov(), "--directory", str(ROOT / "infra"), "--config-file", str(CONFIG), "--skip-download"]
    ran = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, check=False, timeout=300)
    report = json.loads(ran.stdout)
    failed = [f"{check['check_id']} {check['resource']}" for check in report["results"]["failed_checks"]]
    assert failed == []
    assert report["summary"]["passed"] > 50
    assert report["summary"]["parsing_errors"] == 0


def test_every_check_that_is_left_out_has_its_reason_above_it():
    skipped = yaml.safe_load(CONFIG.read_text())["skip-check"]
    lines = CONFIG.read_text().splitlines()
    reasoned = [re.sub(r"\W", "", line[4:]) for before, line in itertools.pairwise(lines)
                if line.startswith("  - CKV") and len(before.strip("# ")) > 40]  # fmt: skip
    assert reasoned == [re.sub(r"\W", "", check) for check in skipped]
    inline = re.findall(r"checkov:skip=\w+(:.+)?", "".join(path.read_text() for path in (ROOT / "infra").glob("*.tf")))
    assert all(len(reason) > 20 for reason in inline)


def package(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "version": "1.0", **more}


@pytest.mark.parametrize(
    ("dependencies", "code", "in_release", "expected"),
    [
        ([package("a", vulns=[])], 0, 0, "1 packages without a known vulnerability"),
        ([package("a", skip_reason="not found")], 0, 1, "NOT ASKED: no advisories"),
        ([package("a", vulns=[]), package("b", skip_reason="not found")], 0, 1, "NOT ASKED: b"),
        ([package("a", vulns=[{"id": "PYSEC-1", "fix_versions": ["1.1"]}])], 1, 1, "a 1.0: PYSEC-1, fixed in 1.1"),
        ([package("a", vulns=[{"id": "PYSEC-1", "fix_versions": []}])], 1, 1, "fixed in no version"),
    ],
    ids=["well", "offline", "in part", "vulnerable", "without a fix"],
)
def test_an_audit_fails_for_a_vulnerability_and_says_loudly_what_it_could_not_check(
    dependencies, code, in_release, expected
):
    status, lines = script("audit").verdict({"dependencies": dependencies})
    assert status == code
    assert expected in "\n".join(lines)
    assert script("audit").verdict({"dependencies": dependencies}, release=True)[0] == in_release


WELL = json.dumps({"dependencies": [package(name, vulns=[]) for name in script("audit").locked()]})
PART = '{"dependencies": [{"name": "msgspec", "version": "1.0", "vulns": []}]}'
OFFLINE = '{"dependencies": [{"name": "a", "skip_reason": "Connection refused"}]}'
AUDITS = {
    "asked": (f"echo '{WELL}'", 0, "packages without a known vulnerability"),
    "of one package of all": (f"echo '{PART}'", 1, "NOT ASKED: "),
    "in part": (f"echo '{OFFLINE}'", 1, "NOT ASKED: no advisories"),
    "offline": ("echo cannot connect >&2; exit 1", 1, "NOT ASKED: the audit did not run"),
    "of nothing": ("echo '{\"dependencies\": []}'", 1, "NOT ASKED: no advisories"),
    "in another form": ("echo '{}'", 1, "NOT ASKED: the audit did not run"),
    "silent": ("sleep 5", 1, "NOT ASKED: the audit did not run"),
}


@pytest.mark.parametrize("release", [False, True], ids=["elsewhere", "in a release"])
@pytest.mark.parametrize(("asks", "in_release", "expected"), AUDITS.values(), ids=AUDITS)
def test_an_audit_that_ran_and_could_not_ask_fails_in_a_release_alone(
    tmp_path, monkeypatch, capsys, asks, in_release, expected, release
):
    audit = script("audit")
    (tmp_path / "pip-audit").write_text(f"#!/bin/sh\n{asks}\n")
    (tmp_path / "pip-audit").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "argv", ["audit.py", *(["--release"] if release else [])])
    monkeypatch.setattr(audit, "_SECONDS", 1)
    assert audit.main() == (in_release if release else 0)
    assert expected in capsys.readouterr().out


def test_what_is_asked_about_is_what_is_locked():
    lock = (ROOT / ".ci/requirements-functions.txt").read_text()
    names = {line.partition("==")[0] for line in lock.splitlines() if "==" in line and ";" not in line}
    assert script("audit").locked() == names
    assert {"msgspec", "google-cloud-firestore"} <= names


def test_an_audit_without_its_tool_fails_in_a_release_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "argv", ["audit.py"])
    assert script("audit").main() == 0
    monkeypatch.setattr(sys, "argv", ["audit.py", "--release"])
    assert script("audit").main() == 1


def test_make_hands_on_that_it_is_a_release():
    def commands(*arguments: str) -> str:
        command = ["make", "--dry-run", "--no-print-directory", "audit", *arguments]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert "audit.py --release" in commands("RELEASE=1")
    assert "--release" not in commands()


def test_the_bill_of_materials_lists_what_is_locked_and_is_the_same_every_time(tmp_path):
    targets = [tmp_path / "one.json", tmp_path / "two.json"]
    for target in targets:
        subprocess.run([sys.executable, str(ROOT / ".ci/sbom.py"), str(target)], check=True, capture_output=True)
    assert targets[0].read_bytes() == targets[1].read_bytes()
    bill = json.loads(targets[0].read_text())
    locked = set(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / ".ci/requirements-functions.txt").read_text(), re.MULTILINE))
    assert {(component["name"], component["version"]) for component in bill["components"]} == locked
    assert all(
        component["purl"].startswith("pkg:pypi/") and component["properties"] for component in bill["components"]
    )
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "setpoint")
