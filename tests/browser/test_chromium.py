"""Which browser the tests, benchmarks and pictures take."""

from __future__ import annotations

import pytest

from setpoint_tools.testing import chromium


@pytest.mark.parametrize(
    ("installed", "taken"),
    [
        (["chromium", "chromium-headless-shell"], "chromium-headless-shell"),
        (["chromium-headless-shell"], "chromium-headless-shell"),
        (["chromium"], "chromium"),
        (["firefox"], None),
    ],
)
def test_the_headless_shell_is_taken_before_the_browser_with_windows(tmp_path, monkeypatch, installed, taken):
    for name in installed:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.executable() == (taken and str(tmp_path / taken))


def test_without_a_browser_the_script_that_installs_it_is_named(tmp_path, monkeypatch, mocker):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"\.ci/browser"):
        chromium.launch(mocker.Mock())
