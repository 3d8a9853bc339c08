"""Nobody waits for a test that hangs, and it says where it hung."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
HANGS = """
import threading

def wait_for_ever(): threading.Event().wait()

def test_that_hangs():
    threading.Thread(target=wait_for_ever, daemon=True).start()
    threading.Event().wait()

def test_after_it():
    pass
"""


def test_a_test_that_hangs_fails_with_the_stack_of_each_thread_and_the_next_one_runs(tmp_path):
    (tmp_path / "test_hangs.py").write_text(HANGS)
    command = [sys.executable, "-m", "pytest", "-c", str(PYPROJECT), "--rootdir", str(tmp_path), "-o", "timeout=2"]
    run = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 1
    assert "1 failed, 1 passed" in run.stdout
    assert "Timeout (>2.0s)" in run.stdout
    assert "def test_that_hangs():" in run.stdout
    assert "in wait_for_ever" in run.stdout + run.stderr


def test_each_test_has_a_limit(pytestconfig):
    assert 0 < float(pytestconfig.getini("timeout")) <= 300
    assert float(pytestconfig.getini("faulthandler_timeout")) > 1200, "the last resort comes after each limit"
