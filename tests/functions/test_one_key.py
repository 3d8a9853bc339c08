"""One secret is hidden alike by every function, before and after a restart and another wrapping key."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials

from setpoint import bootstrap
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, WrongKey

ROOT = Path(__file__).parents[2]
ENVIRONMENT = runpy.run_path(str(ROOT / "benchmarks/cold_start.py"))["ENVIRONMENT"]
FIRST, SECOND = "first" * 8, "second" * 8
VALUE = "hunter22"


def contexts() -> dict[str, Context]:
    """What each function that hides secrets works with, made again as after a restart."""
    makers = (
        bootstrap.detector,
        bootstrap.attributor,
        bootstrap.sweeper,
        bootstrap.notifier,
        bootstrap.remediator,
        bootstrap.declaration_applier,
    )
    for maker in makers:
        maker.cache_clear()
    return {
        "detect": bootstrap.detector(),
        "attribute": bootstrap.attributor().detection,
        "sweep": bootstrap.sweeper().detection,
        "notify": bootstrap.notifier().interactions.detection,
        "remediate": bootstrap.remediator().detection,
        "sync": bootstrap.declaration_applier()[1],
    }


def digests() -> set[str]:
    return {context.secrecy.digest(VALUE) for context in contexts().values()}


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    credentials = AnonymousCredentials()
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: (credentials, "fleet-ops"))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SETPOINT_STORE", f"sqlite:///{tmp_path / 'setpoint.db'}")
    monkeypatch.delenv("SETPOINT_SECRET_KEY")
    return monkeypatch


def test_every_function_hides_a_secret_alike_before_and_after_a_restart():
    (digest,) = digests()
    assert digests() == {digest}


def test_a_digest_survives_a_wrapping_key_and_its_rotation(environment):
    plain = digests()
    for keys in (FIRST, f"{SECOND} {FIRST}", SECOND):
        environment.setenv("SETPOINT_SECRET_KEY", keys)
        assert digests() == plain
        bootstrap.open_installation_key(os.environ["SETPOINT_STORE"]).wrap()
        assert digests() == plain


def test_a_function_with_another_key_says_so_and_hides_nothing_with_it(environment):
    environment.setenv("SETPOINT_SECRET_KEY", FIRST)
    digests()
    environment.setenv("SETPOINT_SECRET_KEY", SECOND)
    with pytest.raises(WrongKey, match="SETPOINT_SECRET_KEY is not the one"):
        digests()
    environment.delenv("SETPOINT_SECRET_KEY")
    with pytest.raises(WrongKey, match="SETPOINT_SECRET_KEY is not set"):
        digests()


def test_a_short_key_is_refused(environment):
    environment.setenv("SETPOINT_SECRET_KEY", "short")
    with pytest.raises(BadRequest, match="32 characters or more"):
        digests()
