"""The repositories of the settings: whose token is sent where, and what is refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from setpoint.adapters.repositories.configured import ConfiguredRepositories
from setpoint.adapters.repositories.github_app import PERMISSIONS
from setpoint.adapters.webhooks.sink_addresses import Addresses
from setpoint.errors import BadRequest
from setpoint_tools.testing.code_hosts import HostAnswer, in_process
from setpoint_tools.testing.github import TOKEN, github, new_github
from setpoint_tools.testing.gitlab import gitlab

URL = "https://github.com/acme/fleet"


def repositories(session=None, **settings):
    address = {"url": URL, "secret": TOKEN, "format": "github", **settings}
    addresses = Addresses(json.dumps({"fleet": address}))
    return ConfiguredRepositories(addresses, session or requests.Session(), clock=lambda: 1000.0)


def test_a_repository_is_read_over_a_socket():
    with github({"a.yaml": "é: 1\r\n"}) as (_, address):
        repository = repositories(api=address).get("fleet").repository
        base = repository.base()

        assert list(repository.files(base)) == ["a.yaml"]
        assert repository.read("a.yaml", base) == "é: 1\r\n"
        assert repository.read("b.yaml", base) is None


def test_the_token_of_an_app_is_for_one_repository_and_is_asked_for_once_an_hour():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    host = new_github({"a.yaml": ""})
    answer, asked = host._answer, []

    def with_app(host, call):
        if call.path != "/app/installations/7/access_tokens":
            return answer(host, call)
        asked.append(call)
        expires = datetime.fromtimestamp(1000 + 3600, UTC).isoformat().replace("+00:00", "Z")
        return HostAnswer(201, {"token": TOKEN, "expires_at": expires})

    host._answer = with_app
    repository = repositories(in_process(host), secret=pem, app="42", installation="7").get("fleet").repository
    repository.base()
    repository.base()

    (call,) = asked
    assert call.body == {"repositories": ["fleet"], "permissions": PERMISSIONS}
    claims = call.headers["authorization"].removeprefix("Bearer ").split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["iss"] == "42"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"secret": ""}, "token"),
        ({"app": "42"}, "installation"),
        ({"api": "http://api.example.com"}, "api"),
        ({"url": "http://github.com/acme/fleet"}, "https"),
        ({"url": "https://github.com/acme"}, "OWNER/NAME"),
        ({"secret": "no key", "app": "1", "installation": "2"}, "private key"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_without_its_secret(settings, words):
    with pytest.raises(BadRequest, match=words) as raised:
        repositories(in_process(new_github({})), **settings).get("fleet").repository.base()
    assert "no key" not in str(raised.value)


def test_a_webhook_is_no_repository():
    addresses = Addresses(json.dumps({"ops": {"url": "https://x.example.com", "secret": "0123456789abcdef"}}))
    with pytest.raises(BadRequest, match="format"):
        ConfiguredRepositories(addresses, requests.Session()).get("ops")


def test_a_project_at_gitlab_is_read_over_a_socket():
    with gitlab({"a/b.yaml": "x: 1\n"}, path="acme/deep/fleet", token=TOKEN) as (host, address):
        settings = {"url": "https://gitlab.com/acme/deep/fleet", "format": "gitlab", "api": address}
        repository = repositories(**settings).get("fleet").repository
        base = repository.base()

        assert list(repository.files(base)) == ["a/b.yaml"]
        assert repository.read("a/b.yaml", base) == "x: 1\n"
        assert repository.read("a/c.yaml", base) is None
        assert host.calls
