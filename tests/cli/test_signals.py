"""Commands end on SIGINT and SIGTERM, whoever started them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import forked
from setpoint.cli.commands import COMMANDS
from setpoint.cli.progress import NEXT

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
        assert any(b"not a feed message" in line for line in process.stderr)  # it is rejected: the command runs
        process.send_signal(stop)
        assert process.wait(_SECONDS) == 130


BUCKETS = "---\n".join(
    "apiVersion: setpoint.dev/v1\nkind: Declaration\n"
    f"metadata: {{name: //storage.googleapis.com/b{number}, project: shop-prod}}\n"
    "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}\n"
    for number in range(3_000)
)


@pytest.mark.parametrize(
    ("words", "done", "follows"),
    [
        ("validate fleet.yaml", "documents", "nothing was changed; run it again"),
        ("plan fleet.yaml", "documents", "nothing was changed; run it again"),
        ("apply fleet.yaml", "documents", "not applied twice"),
        ("coverage fleet.yaml", "", "nothing was changed; run it again"),
    ],
)
def test_an_interrupted_command_says_how_far_it_has_come_and_what_to_do_next(words, done, follows, tmp_path):
    (tmp_path / "fleet.yaml").write_text(BUCKETS)
    ended = forked.call(exec, STOPPED.format(["setpoint", *words.split()]), {}, cwd=tmp_path)
    errors = ended.stderr.decode()
    assert ended.returncode == 130, errors
    last = errors.splitlines()[-1]
    assert last.startswith("interrupted ")
    assert done in last
    assert follows in last
    assert "Traceback" not in errors


STOPPED = """
import signal, sys
from setpoint.cli import main
from setpoint.declarations.readers import load
read = load._Loading.take
taken = 0
def take(self, document):
    global taken
    taken += 1
    if taken == 1000:
        signal.raise_signal(signal.SIGINT)
    read(self, document)
load._Loading.take = take
sys.argv = {}
main()
"""
"""The command line, interrupted with the thousandth document."""


def test_every_command_that_writes_says_what_to_do_after_an_interruption():
    reads_only = {"validate", "plan", "guard", "types", "coverage", "report", "diff", "notify", "propose", "doctor"}
    quick = {"approve", "exempt", "accept", "pause", "resume", "guardrails", "brakes", "completion", "policy", "dev"}
    quick |= {"secret-key"}
    ends_by_itself = {"worker"}
    groups = {name.partition(" ")[0] for name in NEXT}
    assert set(COMMANDS) - reads_only - quick - ends_by_itself == groups
