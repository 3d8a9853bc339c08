"""What all functions have in common: who may call, how much is taken, what is told, and the trace."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import functions_framework
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, exceptions, jwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detection.fleet import declare, deps
from functions.test_detect import bucket, message_of, push
from remediation.fleet import URL, World
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.adapters.pubsub.push_tokens import CachedCertificates, PushTokens
from setpoint.bootstrap import serving
from setpoint.errors import AccessDenied, Unavailable
from setpoint.model import events

ROOT = Path(__file__).parents[2]
GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
AUDIENCE = "https://setpoint-detect-20318464073.europe-west1.run.app"
ACCOUNT = "setpoint-push@fleet-ops.iam.gserviceaccount.com"


class Google:
    """Makes tokens as Google does, and tells its certificates."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "federated-signon")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        self.certificates = {"k1": certificate.public_bytes(serialization.Encoding.PEM).decode()}
        self.fetched = 0

    def fetch(self, *_, **__):
        self.fetched += 1
        headers = {"Cache-Control": "public, max-age=20000, must-revalidate"}
        return SimpleNamespace(status=200, headers=headers, data=json.dumps(self.certificates).encode())

    def token(self, key=None, **claims) -> str:
        now = int(time.time())
        token_claims = {"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True}
        token_claims |= {"iat": now - 5, "exp": now + 3600} | claims
        pem = (key or self.key).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        return jwt.encode(crypt.RSASigner.from_string(pem, "k1"), token_claims).decode()


@pytest.fixture(scope="module")
def google() -> Google:
    return Google()


def tokens(google: Google) -> PushTokens:
    return PushTokens(AUDIENCE, ACCOUNT, CachedCertificates(google.fetch))


def test_a_token_of_the_account_for_the_function_is_let_pass_and_certificates_are_fetched_once(google):
    checks, before = tokens(google), google.fetched
    for _ in range(3):
        checks.check(f"Bearer {google.token()}")
    assert google.fetched == before + 1


OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://other.example.com"}, "invalid"),
        ({"iss": "https://evil.example.com"}, "invalid"),
        ({"email": "somebody@example.com"}, "not from setpoint-push@"),
        ({"email_verified": False}, "not from"),
        ({"exp": 1_600_000_000, "iat": 1_500_000_000}, "invalid"),
        ({"iat": 4_000_000_000, "exp": 4_000_003_600}, "invalid"),
        ({"key": OTHER}, "invalid"),
    ],
    ids=["audience", "issuer", "account", "unverified", "expired", "from the future", "another's key"],
)
def test_any_other_token_is_refused(google, claims, reason):
    with pytest.raises(AccessDenied, match=reason):
        tokens(google).check(f"Bearer {google.token(**claims)}")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer a.b.c", "Bearer é.é.é"])
def test_what_is_no_token_is_refused(google, header):
    with pytest.raises(AccessDenied):
        tokens(google).check(header)


@given(st.text(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_as_a_token_is_refused_and_nothing_else_happens(google, text):
    with pytest.raises(AccessDenied):
        tokens(google).check(f"Bearer {text}")


def test_without_google_s_certificates_nobody_is_let_pass_and_the_message_comes_again(google):
    def unreachable(*_, **__):
        raise exceptions.TransportError("no route")

    with pytest.raises(Unavailable, match="certificates"):
        PushTokens(AUDIENCE, ACCOUNT, CachedCertificates(unreachable)).check(f"Bearer {google.token()}")


def served(name: str):
    path = list(sys.path)
    try:
        source = str(ROOT / f"functions/{name}/main.py")
        return functions_framework.create_app(target=name, source=source, signature_type="cloudevent").test_client()
    finally:
        sys.path[:] = path  # functions-framework adds the function's folder


EVENT_FUNCTIONS = [
    path.parent.name
    for path in sorted(ROOT.glob("functions/*/main.py"))
    if "@functions_framework.cloud_event" in path.read_text()
]


@pytest.mark.parametrize("function", EVENT_FUNCTIONS)
def test_a_function_refuses_whoever_is_not_its_pusher_before_it_looks_at_the_message(
    function, google, monkeypatch, capsys
):
    monkeypatch.setattr(bootstrap, "push_tokens", lambda: tokens(google))
    client = served(function)
    for headers in ({}, {"Authorization": f"Bearer {google.token(email='somebody@example.com')}"}):
        body = {"message": message_of(b"{}"), "subscription": "projects/p/subscriptions/s"}
        assert client.post("/projects/p/topics/t", json=body, headers=headers).status_code == 403
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["refused", "refused"]


@pytest.mark.parametrize("function", EVENT_FUNCTIONS)
def test_a_function_takes_no_more_than_a_message_can_have(function):
    body = {"message": message_of(b"x" * serving.LARGEST_BODY), "subscription": "projects/p/subscriptions/s"}
    assert served(function).post("/projects/p/topics/t", json=body).status_code == 413


def test_a_message_with_its_token_is_handled(google, monkeypatch):
    world = deps(MemoryStore(), MemoryBus(), MemoryDeadLetters())
    declare(world.store)
    monkeypatch.setattr(bootstrap, "detector", lambda: world)
    monkeypatch.setattr(bootstrap, "push_tokens", lambda: tokens(google))
    body = {"message": message_of(bucket(1, location="US")), "subscription": "projects/p/subscriptions/s"}
    headers = {"Authorization": f"Bearer {google.token()}"}
    assert served("detect").post("/projects/p/topics/t", json=body, headers=headers).status_code == 200
    assert [event.type for event in world.bus.events] == ["drift.opened"]


def test_who_may_push_is_a_setting_and_off_where_it_is_not_set(monkeypatch):
    bootstrap.push_tokens.cache_clear()
    monkeypatch.delenv("SETPOINT_PUSH_ACCOUNT", raising=False)
    assert bootstrap.push_tokens() is None
    bootstrap.push_tokens.cache_clear()
    monkeypatch.setenv("SETPOINT_PUSH_ACCOUNT", ACCOUNT)
    assert isinstance(bootstrap.push_tokens(), PushTokens)
    bootstrap.push_tokens.cache_clear()


def test_the_home_of_an_installation_is_the_project_of_its_topics(monkeypatch):
    for topic, expected in (("projects/fleet-ops/topics/drift-events", "fleet-ops"), ("drift-events", "")):
        bootstrap.home_project.cache_clear()
        monkeypatch.setenv("SETPOINT_EVENTS_TOPIC", topic)
        assert bootstrap.home_project() == expected
    bootstrap.home_project.cache_clear()


def handled(capsys) -> list[dict]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == "handled"]


def test_a_trace_goes_from_a_feed_message_through_detect_and_the_topic_to_remediate(
    monkeypatch, capsys, google_apis, google_rest, mocker
):
    """By the product's own bus, whose client is watched."""
    from setpoint.adapters.pubsub.bus import PubSubBus  # noqa: PLC0415 - loads the client

    client = mocker.Mock()
    world = World(google_apis, google_rest)
    world.deps = replace(world.deps, bus=PubSubBus(client, "projects/p/topics/drift-events"))
    world.context = world.worker("worker-1", google_rest)
    monkeypatch.setattr(bootstrap, "detector", lambda: world.deps)
    monkeypatch.setattr(bootstrap, "remediator", lambda: world.context)
    monkeypatch.setattr(bootstrap, "home_project", lambda: "fleet-ops")
    world.declare()
    world.store.write_project_ids({"12": "shop-prod"})
    live = {"name": "exports", "location": "EU", "versioning": {"enabled": False}, "labels": {"team": "shop"}}
    google_apis.put(URL, live)
    feed = {
        "asset": {
            "name": "//storage.googleapis.com/exports", "assetType": "storage.googleapis.com/Bucket",
            "updateTime": world.clock().isoformat(), "ancestors": ["projects/12"], "resource": {"data": live},
        }
    }  # fmt: skip

    assert push(served("detect"), message_of(json.dumps(feed).encode(), traceparent=GIVEN)) == 200
    (publish_call,) = client.publish.mock_calls[:1]
    assert publish_call.kwargs["traceparent"].startswith(GIVEN[:36])
    assert events.decode(publish_call.args[1]).type == "drift.opened"
    attributes = {key: value for key, value in publish_call.kwargs.items() if key != "ordering_key"}
    assert push(served("remediate"), message_of(publish_call.args[1], **attributes)) == 200

    detect, remediate = handled(capsys)
    trace = f"projects/fleet-ops/traces/{GIVEN[3:35]}"
    assert detect["logging.googleapis.com/trace"] == remediate["logging.googleapis.com/trace"] == trace
    assert detect["logging.googleapis.com/spanId"] == publish_call.kwargs["traceparent"][36:52]
    assert detect["resource_name"] == remediate["resource_name"] == "//storage.googleapis.com/exports"
    assert detect["outcome"] == "opened"
    assert remediate["outcome"] in ("resolved", "verifying")
    for line in client.publish.mock_calls[1:]:
        if "traceparent" in line.kwargs:
            assert line.kwargs["traceparent"].startswith(GIVEN[:36])
    assert {"detection_seconds", "queue_seconds", "compare_seconds", "took_seconds"} <= detect.keys()
