"""Commands whose output goes where it cannot be written as it is: a full disk, or another encoding than UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
DECLARED = (
    "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/a, project: p}\n"
    "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU, labels: {ort: Köln}}}\n"
)
LIVE = (
    '{"name": "//storage.googleapis.com/a", "assetType": "storage.googleapis.com/Bucket", "ancestors": ["projects/1"],'
    ' "updateTime": "2026-03-01T10:00:00Z", "resource": {"data": {"location": "EU", "labels": {"ort": "Bonn"}}}}'
)


def run(*arguments: str, cwd: Path, stdout: int = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess:
    (cwd / "a.yaml").write_text(DECLARED, encoding="utf-8")
    (cwd / "live.json").write_text(LIVE)
    command = [sys.executable, "-m", "setpoint", *arguments]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, cwd=cwd, env={**os.environ, **environment}, check=False
    )


@pytest.mark.skipif(not FULL.exists(), reason="SKIPPED: this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("diff", "a.yaml", "live.json", "--output", "json"),
    ],
)
def test_output_on_a_full_disk_ends_with_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with FULL.open("wb") as full:
        done = run(*arguments, cwd=tmp_path, stdout=full.fileno())
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert last == "error: the output: cannot be written: No space left on device"
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_character_that_the_terminal_lacks_is_a_plain_one(tmp_path: Path, encoding: str) -> None:
    done = run("diff", "a.yaml", "live.json", cwd=tmp_path, PYTHONIOENCODING=encoding)
    city = "K?ln" if encoding == "ascii" else "Köln"
    assert f'labels.ort: "{city}" -> "Bonn"' in done.stdout.decode(encoding)
    assert done.returncode == 1
    assert not done.stderr


def test_json_in_another_encoding_has_every_character(tmp_path: Path) -> None:
    done = run("diff", "a.yaml", "live.json", "--output", "json", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["differences"][0]["declared"] == "Köln"
