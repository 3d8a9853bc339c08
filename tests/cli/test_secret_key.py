"""``setpoint secret-key status``: what it says of a key that it cannot read, and that it makes none."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryStore
from setpoint.cli import app
from setpoint.detection.installation_key import InstallationKey

KEY, OTHER = "k" * 48, "o" * 48


@pytest.fixture
def store(tmp_path) -> str:
    url = f"sqlite:///{tmp_path}/s.db"
    bootstrap.open_store(url).close()
    return url


def status(store: str, key: str, monkeypatch):
    monkeypatch.setenv("SETPOINT_SECRET_KEY", key) if key else monkeypatch.delenv("SETPOINT_SECRET_KEY", raising=False)
    return CliRunner().invoke(app, ["secret-key", "status", "--store", store])


def wrapped(store: str, monkeypatch) -> None:
    monkeypatch.setenv("SETPOINT_SECRET_KEY", KEY)
    bootstrap.open_installation_key(store).read()


@pytest.mark.parametrize(("key", "why"), [("", "is not set"), (OTHER, "is not the one")])
def test_a_key_that_cannot_be_read_is_said_with_the_variable_and_the_command(store, monkeypatch, key, why):
    wrapped(store, monkeypatch)
    shown = status(store, key, monkeypatch)
    assert (shown.exit_code, shown.stdout) == (1, "unreadable\n")
    assert f"SETPOINT_SECRET_KEY {why}" in shown.stderr
    assert f"setpoint secret-key status --store={store}" in " ".join(shown.stderr.split())


def test_the_command_for_a_store_in_google_cloud_reads_the_secret_of_its_project(monkeypatch):
    store = MemoryStore()
    InstallationKey(store, (b"1" * 32,)).read()
    monkeypatch.setattr(bootstrap, "open_installation_key", lambda _: InstallationKey(store))
    shown = status("firestore://fleet-ops/setpoint", "", monkeypatch)
    read = "gcloud secrets versions access latest --secret=setpoint-secret-key --project=fleet-ops"
    assert f'SETPOINT_SECRET_KEY="$({read})" setpoint secret-key status' in shown.stderr


def test_a_readable_key_is_said_without_a_word_more(store, monkeypatch):
    wrapped(store, monkeypatch)
    shown = status(store, KEY, monkeypatch)
    assert (shown.exit_code, shown.stdout) == (0, "wrapped\n")
    assert "SETPOINT_SECRET_KEY" not in shown.stderr


def test_looking_at_a_store_without_a_key_makes_none(store, monkeypatch):
    shown = status(store, "", monkeypatch)
    assert (shown.exit_code, shown.stdout) == (0, "not made yet\n")
    assert bootstrap.open_store(store).stored_key() == b""
