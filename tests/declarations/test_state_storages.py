"""Terraform states behind HTTP, and in workspaces of Terraform Cloud, as their APIs give them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from declarations.states import state, topic
from setpoint.adapters.states.http import HttpStates, Login, WorkspaceStates
from setpoint.bootstrap.states import http_login, workspace_login
from setpoint.errors import BadRequest, Superseded, Unavailable
from setpoint.model.state_urls import compiled, is_state_url, plain_prefix

TOKEN = "t0ken-of-a-team"  # noqa: S105 - made up
STATE = state([topic("a")])
LISTING = "/api/v2/organizations/acme/workspaces?page%5Bnumber%5D={}&page%5Bsize%5D=100"


class Answers:
    """What a server answers, by path and query, and what it was asked with which authorization."""

    def __init__(self) -> None:
        self.address = ""
        self.bodies: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, str]] = []

    def json(self, path: str, body: object) -> None:
        self.bodies[path] = (200, json.dumps(body).encode())


@pytest.fixture
def answers() -> Iterator[Answers]:
    kept = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept.asked.append((self.path, self.headers.get("Authorization", "")))
            status, body = kept.bodies.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        kept.address = f"http://127.0.0.1:{server.server_port}"
        yield kept
        server.shutdown()
        thread.join()


def workspaces(answers: Answers) -> WorkspaceStates:
    return WorkspaceStates(requests.Session(), Login(TOKEN), answers.address)


def workspace(name: str, version: str) -> dict[str, object]:
    current = {"data": {"id": version, "type": "state-versions"} if version else None}
    return {"attributes": {"name": name}, "relationships": {"current-state-version": current}}


def test_an_http_backend_is_read_with_a_token(answers: Answers) -> None:
    answers.bodies["/state/network"] = (200, STATE)
    storage = HttpStates(requests.Session(), Login(TOKEN))
    [listed] = storage.list(f"{answers.address}/state/network")

    assert storage.read(listed) == STATE
    assert answers.asked == [("/state/network", f"Bearer {TOKEN}")]


def test_a_secret_in_the_url_of_a_state_is_no_part_of_its_name(answers: Answers) -> None:
    answers.bodies["/state/network?private_token=x"] = (200, STATE)
    storage = HttpStates(requests.Session(), Login())
    [listed] = storage.list(f"{answers.address}/state/network?private_token=x")

    assert listed.url == f"{answers.address}/state/network"
    assert storage.read(listed) == STATE


def test_credentials_are_sent_over_https_only() -> None:
    storage = HttpStates(requests.Session(), Login(TOKEN))
    [listed] = storage.list("http://states.example.com/network")
    with pytest.raises(BadRequest, match="https only"):
        storage.read(listed)


@pytest.mark.parametrize(
    ("status", "error"), [(401, BadRequest), (403, BadRequest), (404, Superseded), (502, Unavailable)]
)
def test_what_is_no_answer_is_an_error_without_the_token(answers: Answers, status: int, error: type[Exception]) -> None:
    answers.bodies["/state"] = (status, b"")
    storage = HttpStates(requests.Session(), Login(TOKEN))
    [listed] = storage.list(f"{answers.address}/state")
    with pytest.raises(error) as raised:
        storage.read(listed)
    assert TOKEN not in str(raised.value)


def test_workspaces_are_listed_page_by_page_and_read_by_their_current_version(answers: Answers) -> None:
    pages = {"meta": {"pagination": {"next-page": 2}}, "data": [workspace("net-prod", "sv-1"), workspace("new", "")]}
    answers.json(LISTING.format(1), pages)
    last = {
        "meta": {"pagination": {"next-page": None}},
        "data": [workspace("app", "sv-2"), workspace("net-test", "sv-3")],
    }
    answers.json(LISTING.format(2), last)
    answers.json(
        "/api/v2/state-versions/sv-1",
        {"data": {"attributes": {"hosted-state-download-url": f"{answers.address}/object/1"}}},
    )
    answers.bodies["/object/1"] = (200, STATE)
    storage = workspaces(answers)

    listed = list(storage.list("tfc://app.terraform.io/acme/net-*"))

    assert [(state_object.url, state_object.revision) for state_object in listed] == [
        ("tfc://app.terraform.io/acme/net-prod", "sv-1"),
        ("tfc://app.terraform.io/acme/net-test", "sv-3"),
    ]
    assert storage.read(listed[0]) == STATE
    assert {token for _, token in answers.asked} == {f"Bearer {TOKEN}"}


def test_the_token_is_not_sent_to_another_service(answers: Answers) -> None:
    answers.json(LISTING.format(1), {"data": [workspace("net", "sv-1")]})
    elsewhere = answers.address.replace("127.0.0.1", "localhost")
    answers.json(
        "/api/v2/state-versions/sv-1", {"data": {"attributes": {"hosted-state-download-url": f"{elsewhere}/object/1"}}}
    )
    answers.bodies["/object/1"] = (200, STATE)
    storage = workspaces(answers)
    [listed] = storage.list("tfc://app.terraform.io/acme/net")

    storage.read(listed)

    assert answers.asked[-1] == ("/object/1", "")


def test_a_url_of_a_workspace_has_three_parts(answers: Answers) -> None:
    with pytest.raises(BadRequest, match="names no workspace"):
        list(workspaces(answers).list("tfc://app.terraform.io/acme"))


def test_tokens_are_read_from_the_variables_of_terraform() -> None:
    environment = {"TF_TOKEN_tfe_acme_example": "a", "TFE_TOKEN": "b"}
    assert workspace_login("tfe.acme.example", environment).token == "a"  # noqa: S105 - made up
    assert workspace_login("app.terraform.io", environment).token == "b"  # noqa: S105 - made up
    assert http_login({"TF_HTTP_USERNAME": "ci", "TF_HTTP_PASSWORD": "x"}) == Login("", "ci", "x")
    assert "x" not in repr(Login("x", "x", "x")).removeprefix("Login")


@pytest.mark.parametrize(
    ("pattern", "path", "is_match"),
    [
        ("gs://b/**/*.tfstate", "gs://b/a/c/default.tfstate", True),
        ("gs://b/**/*.tfstate", "gs://b/default.tfstate", True),
        ("gs://b/**/*.tfstate", "gs://b/default.tflock", False),
        ("gs://b/*/default.tfstate", "gs://b/a/c/default.tfstate", False),
        ("gs://b/a+b.tfstate", "gs://b/aab.tfstate", False),
        ("gs://b/env-?.tfstate", "gs://b/env-1.tfstate", True),
    ],
)
def test_two_stars_cross_folders_and_one_does_not(pattern: str, path: str, *, is_match: bool) -> None:
    assert bool(compiled(pattern).fullmatch(path)) == is_match


def test_a_pattern_is_listed_by_what_it_begins_with() -> None:
    assert plain_prefix("prod/**/*.tfstate") == "prod/"
    assert is_state_url("gs://b/x")
    assert not is_state_url("states/x.tfstate")
