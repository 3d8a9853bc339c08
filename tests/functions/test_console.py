"""`functions/console` as functions-framework serves it, with assertions signed as Identity-Aware Proxy signs them."""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import functions_framework
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.auth import crypt, jwt

from pages.samples import state
from setpoint import bootstrap
from setpoint.adapters.google.iap import KEYS, IapTokenVerifier
from setpoint.adapters.memory.store import MemoryStore
from setpoint.adapters.read_only_store import ReadOnly
from setpoint.errors import BadRequest, CorruptState, Unavailable
from setpoint.model.observation import Observation
from setpoint.reporting.console import HEADER, KEPT, Console
from setpoint.reporting.html.page import policy

MAIN = Path(__file__).resolve().parents[2] / "functions" / "console" / "main.py"
AUDIENCE = "/projects/20318464073/global/backendServices/77"
ISSUER = "https://cloud.google.com/iap"


class Key:
    """A key of Identity-Aware Proxy's, or of somebody else's."""

    def __init__(self, key_id: str) -> None:
        private = ec.generate_private_key(ec.SECP256R1())
        self.id = key_id
        self.public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._signer = crypt.EsSigner.from_string(pem, key_id)

    def assertion(self, **changes) -> str:
        now = int(datetime.now(UTC).timestamp())
        usual = {"aud": AUDIENCE, "iss": ISSUER, "email": "ana@example.com", "iat": now, "exp": now + 600}
        return jwt.encode(self._signer, usual | changes).decode()


class Google:
    """Where keys are published."""

    def __init__(self, *keys: Key) -> None:
        self.keys, self.status, self.asked = list(keys), 200, []

    def __call__(self, url, method="GET", **_):
        self.asked.append((method, url))
        body = json.dumps({key.id: key.public.decode() for key in self.keys}).encode()
        return SimpleNamespace(status=self.status, data=body)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


@pytest.fixture(scope="module")
def key():
    return Key("k1")


@pytest.fixture
def google(key):
    return Google(key)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    made = MemoryStore()
    drifted = state("//storage.googleapis.com/exports")
    made.commit(made.read(drifted.key), drifted, Observation(drifted.key, drifted.asset_type, drifted.observed_at))
    return made


@pytest.fixture
def client(monkeypatch, store, google, clock):
    monkeypatch.setattr(sys, "path", list(sys.path))
    console = Console(ReadOnly(store), "memory:", IapTokenVerifier(AUDIENCE, google, clock.seconds), clock)
    monkeypatch.setattr(bootstrap, "console", lambda: console)
    return functions_framework.create_app("console", str(MAIN), "http").test_client()


@pytest.fixture
def get(client, key):
    return lambda path="/", **headers: client.get(path, headers={HEADER: key.assertion()} | headers)


def test_whoever_was_let_in_gets_the_page_with_what_drifts_now(get):
    answer = get()
    assert answer.status_code == 200
    assert state("//storage.googleapis.com/exports").key.id in answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_page_is_sent_with_what_keeps_browsers_careful(get):
    headers = get().headers
    assert headers["Content-Security-Policy"] == f"{policy()}; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "private, no-cache"


def test_whoever_did_not_come_through_the_proxy_gets_nothing(client):
    answer = client.get("/")
    assert answer.status_code == 403
    assert "behind Identity-Aware Proxy alone" in answer.text
    assert "exports" not in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "/projects/1/global/backendServices/2"},
        {"iss": "https://accounts.google.com"},
        {"email": ""},
        {"email": 7},
        {"exp": 1, "iat": 0},
    ],
    ids=["for another page", "by another issuer", "of nobody", "of no address", "of long ago"],
)
def test_an_assertion_that_is_not_for_this_page_now_is_refused(client, key, changes):
    assert client.get("/", headers={HEADER: key.assertion(**changes)}).status_code == 403


@pytest.mark.parametrize("assertion", ["x", "a.b.c", Key("k1").assertion(), Key("k9").assertion()])
def test_an_assertion_that_others_signed_is_refused(client, assertion):
    assert client.get("/", headers={HEADER: assertion}).status_code == 403


def test_keys_are_fetched_once_and_again_for_one_that_is_newer(client, google, clock, key):
    for _ in range(3):
        assert client.get("/", headers={HEADER: key.assertion()}).status_code == 200
    assert google.asked == [("GET", KEYS)]
    new = Key("k2")
    google.keys.append(new)
    assert client.get("/", headers={HEADER: new.assertion()}).status_code == 403  # they were fetched just now
    clock.now += timedelta(minutes=2)
    assert client.get("/", headers={HEADER: new.assertion()}).status_code == 200
    assert len(google.asked) == 2


def test_where_keys_cannot_be_fetched_nobody_is_let_in_and_it_is_not_their_fault(client, google, key):
    google.status = 500
    assert client.get("/", headers={HEADER: key.assertion()}).status_code == 503


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_nothing_but_reading_is_answered(client, key, method):
    answer = getattr(client, method)("/", headers={HEADER: key.assertion()})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_there_is_one_page(get):
    assert get("/findings").status_code == 404


def test_a_page_is_kept_for_half_a_minute(get, store, clock):
    first = get()
    more = state("//storage.googleapis.com/more")
    store.commit(store.read(more.key), more)
    assert get().data == first.data
    clock.now += KEPT
    assert more.key.id in get().text


def test_who_has_the_page_already_is_told_so(get, clock):
    tag = get().headers["ETag"]
    again = get(**{"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    clock.now += KEPT
    assert get(**{"If-None-Match": tag}).status_code == 200


def test_the_page_is_zipped_for_whom_takes_it_so(get):
    plain, zipped = get(), get(**{"Accept-Encoding": "br, gzip"})
    assert gzip.decompress(zipped.data) == plain.data
    assert zipped.headers["Vary"] == "Accept-Encoding"


def test_head_has_no_body(client, key):
    answer = client.head("/", headers={HEADER: key.assertion()})
    assert (answer.status_code, answer.data) == (200, b"")


@pytest.mark.parametrize(("error", "status"), [(Unavailable("later"), 503), (CorruptState("broken"), 500)])
def test_a_store_that_cannot_be_read_is_said(get, monkeypatch, error, status):
    def fail(**_):
        raise error

    monkeypatch.setattr(ReadOnly, "states", lambda *_, **__: fail())
    assert get().status_code == status


def test_nothing_that_writes_is_within_reach(store):
    reading = ReadOnly(store)
    public = {name for name in dir(reading) if not name.startswith("_")}
    assert public == {"control", "read_many", "states", "sweeps", "trail"}
    assert {name for name in dir(reading.sweeps) if not name.startswith("_")} == {"sweeps"}


def test_what_the_console_works_with_is_made_of_its_settings(monkeypatch, tmp_path):
    bootstrap.open_store(f"sqlite:///{tmp_path}/s.db").close()
    monkeypatch.setenv("SETPOINT_STORE", f"sqlite:///{tmp_path}/s.db")
    bootstrap.console.cache_clear()
    with pytest.raises(BadRequest, match="SETPOINT_IAP_AUDIENCE"):
        bootstrap.console()
    monkeypatch.setenv("SETPOINT_IAP_AUDIENCE", AUDIENCE)
    assert isinstance(bootstrap.console(), Console)
    bootstrap.console.cache_clear()
