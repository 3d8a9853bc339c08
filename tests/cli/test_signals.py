"""Commands end on SIGINT and SIGTERM, whoever started them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_SECONDS = 60


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_a_shell_started_in_the_background_ends_on_a_signal(tmp_path: Path, stop: signal.Signals):
    declarations = tmp_path / "declarations"
    declarations.mkdir()
    (declarations / "bucket.yaml").write_text(
        "apiVersion: setpoint.dev/v1\nkind: Declaration\n"
        "metadata: {name: //storage.googleapis.com/a-bucket, project: shop-prod}\n"
        "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}\n"
    )
    command = [sys.executable, "-m", "setpoint", "detect", "-d", str(declarations), "--feed", "-", "--output", "jsonl"]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a child takes over what is ignored
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stdin is not None
        process.stdin.write(b"not a feed message\n")
        process.stdin.flush()
        assert process.stderr is not None
        assert process.stderr.readline()  # the message is rejected: the command runs
        process.send_signal(stop)
        assert process.wait(_SECONDS) == 130
