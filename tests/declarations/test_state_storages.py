"""Terraform states behind HTTP, and in workspaces of Terraform Cloud, as their APIs give them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from declarations.states import state, topic
from setpoint.adapters.states.http import HttpStates, Login, WorkspaceStates, is_same_service, session
from setpoint.bootstrap.states import http_login, largest_state, workspace_login
from setpoint.errors import BadRequest, MissingState, StateTooLarge, Unavailable
from setpoint.model.state_urls import compiled, is_state_url, names, plain_prefix
from setpoint_tools.testing.http_server import POLL

TOKEN = "t0ken-of-a-team"  # noqa: S105 - made up
STATE = state([topic("a")])
LISTING = "/api/v2/organizations/acme/workspaces?page%5Bnumber%5D={}&page%5Bsize%5D=100"


class Answers:
    """What a server answers, by path and query, and what it was asked with which authorization."""

    def __init__(self) -> None:
        self.address = ""
        self.bodies: dict[str, tuple[int, bytes]] = {}
        self.redirects: dict[str, str] = {}
        self.headers: dict[str, dict[str, str]] = {}
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
            if target := kept.redirects.get(self.path):
                status = 302
            self.send_response(status)
            if target:
                self.send_header("Location", target)
            for name, value in ({"Content-Length": str(len(body))} | kept.headers.get(self.path, {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[POLL], daemon=True)
        thread.start()
        kept.address = f"http://127.0.0.1:{server.server_port}"
        yield kept
        server.shutdown()
        thread.join()


def workspaces(answers: Answers) -> WorkspaceStates:
    return WorkspaceStates(requests.Session(), lambda _: Login(TOKEN), answers.address)


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
    query = "env=a&private_token=x&X-Goog-Signature=y&key=z"
    answers.bodies[f"/state/network?{query}"] = (200, STATE)
    storage = HttpStates(requests.Session(), Login())
    [listed] = storage.list(f"{answers.address}/state/network?{query}")

    assert listed.url == f"{answers.address}/state/network?env=a"
    assert storage.read(listed) == STATE


def test_states_that_differ_in_their_query_are_states_of_their_own() -> None:
    storage = HttpStates(requests.Session(), Login())
    urls = [f"https://states.example.com/state?{query}" for query in ("env=a", "env=b", "env=a&region=eu", "")]

    assert [state_object.url for url in urls for state_object in storage.list(url)] == [*urls[:3], urls[3].rstrip("?")]
    assert not names(urls[0]).fullmatch(urls[1])


def test_a_url_that_is_not_listed_has_no_wildcards() -> None:
    storage = HttpStates(requests.Session(), Login())
    with pytest.raises(BadRequest, match="wildcard"):
        list(storage.list("https://states.example.com/*/network"))


@pytest.mark.parametrize(
    ("login", "url"),
    [
        (Login(TOKEN), "http://states.example.com/network"),
        (Login("", "ci", TOKEN), "http://states.example.com/network"),
        (Login(), f"http://ci:{TOKEN}@states.example.com/network"),
        (Login(), f"http://states.example.com/network?private_token={TOKEN}"),
    ],
)
def test_credentials_are_sent_over_https_only(login: Login, url: str) -> None:
    storage = HttpStates(requests.Session(), login)
    [listed] = storage.list(url)
    with pytest.raises(BadRequest, match="https only") as raised:
        storage.read(listed)
    assert TOKEN not in str(raised.value)


def test_a_redirect_is_followed_without_the_token_to_another_host(answers: Answers) -> None:
    elsewhere = answers.address.replace("127.0.0.1", "localhost")
    answers.redirects = {"/state": "/new", "/new": f"{elsewhere}/other"}
    answers.bodies["/other"] = (200, STATE)
    storage = HttpStates(requests.Session(), Login(TOKEN))
    [listed] = storage.list(f"{answers.address}/state")

    assert storage.read(listed) == STATE
    assert answers.asked == [("/state", f"Bearer {TOKEN}"), ("/new", f"Bearer {TOKEN}"), ("/other", "")]


@pytest.mark.parametrize("target", ["http://states.example.com/other", "ftp://states.example.com/other", "/state"])
def test_a_redirect_to_plain_http_or_without_an_end_is_an_error(answers: Answers, target: str) -> None:
    answers.redirects = {"/state": target}
    storage = HttpStates(requests.Session(), Login())
    [listed] = storage.list(f"{answers.address}/state")
    with pytest.raises(BadRequest, match="redirect"):
        storage.read(listed)


def test_a_state_that_is_larger_than_is_read_is_refused_with_the_setting(answers: Answers) -> None:
    answers.bodies["/state"] = (200, b"x" * 10_001)
    answers.json(LISTING.format(1), {"data": [workspace("net", "sv-1")]})
    address = f"{answers.address}/state"
    answers.json("/api/v2/state-versions/sv-1", {"data": {"attributes": {"hosted-state-download-url": address}}})
    storages = (
        (HttpStates(requests.Session(), Login(), 10_000), address),
        (WorkspaceStates(requests.Session(), lambda _: Login(TOKEN), answers.address, 10_000), "tfc://h/acme/net"),
    )
    for storage, url in storages:
        [listed] = storage.list(url)
        with pytest.raises(StateTooLarge, match=r"more than 10,000 bytes.*SETPOINT_LARGEST_STATE"):
            storage.read(listed)

    answers.bodies["/state"] = (200, b"x" * 10_000)
    assert len(storages[0][0].read(next(storages[0][0].list(address)))) == 10_000


def test_an_answer_that_unpacks_to_more_than_is_read_is_refused(answers: Answers) -> None:
    answers.bodies["/state"] = (200, gzip.compress(b"x" * 1_000_000))
    answers.headers["/state"] = {"Content-Encoding": "gzip"}
    storage = HttpStates(requests.Session(), Login(), 500_000)
    [listed] = storage.list(f"{answers.address}/state")
    with pytest.raises(StateTooLarge):
        storage.read(listed)


@pytest.mark.parametrize(("text", "largest"), [("", 200_000_000), ("1000", 1000)])
def test_the_maximum_size_of_a_state_is_a_setting(text: str, largest: int) -> None:
    assert largest_state({"SETPOINT_LARGEST_STATE": text}) == largest


@pytest.mark.parametrize("text", ["0", "-1", "10MB", "1e9", "\N{ARABIC-INDIC DIGIT FOUR}"])
def test_a_maximum_size_that_is_no_number_is_an_error(text: str) -> None:
    with pytest.raises(BadRequest, match="SETPOINT_LARGEST_STATE is a number of bytes"):
        largest_state({"SETPOINT_LARGEST_STATE": text})


def test_a_state_that_breaks_off_is_read_again_by_the_next_run(answers: Answers) -> None:
    answers.bodies["/state"] = (200, STATE)
    answers.headers["/state"] = {"Content-Length": str(len(STATE) + 10)}
    storage = HttpStates(requests.Session(), Login())
    [listed] = storage.list(f"{answers.address}/state")
    with pytest.raises(Unavailable, match="does not answer to the end"):
        storage.read(listed)


@pytest.mark.parametrize("status", [409, 423, 429, 500])
def test_a_backend_that_is_busy_or_locked_is_asked_again_by_the_next_run(answers: Answers, status: int) -> None:
    answers.bodies["/state"] = (status, STATE)
    storage = HttpStates(requests.Session(), Login(TOKEN))
    [listed] = storage.list(f"{answers.address}/state")
    with pytest.raises(Unavailable, match=str(status)):
        storage.read(listed)


def test_a_request_to_the_machine_itself_takes_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    monkeypatch.setenv("https_proxy", "http://proxy.example.com:3128")
    monkeypatch.delenv("no_proxy", raising=False)

    assert not session("http://127.0.0.1:8080/state").proxies
    assert session("https://states.example.com/state").proxies["https"]
    assert session("tfc://app.terraform.io/acme/net").proxies["https"]


@pytest.mark.parametrize("status", [200, 204, 404, 410])
def test_an_answer_without_content_is_no_state(answers: Answers, status: int) -> None:
    answers.bodies["/state"] = (status, b"")
    storage = HttpStates(requests.Session(), Login())
    [listed] = storage.list(f"{answers.address}/state")
    with pytest.raises(MissingState, match="no state"):
        storage.read(listed)


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"[]", b'{"data": [{"attributes": {}}]}', b'{"data": 1}'])
def test_an_answer_that_is_not_of_terraform_cloud_is_an_error_with_the_host(answers: Answers, body: bytes) -> None:
    answers.bodies[LISTING.format(1)] = (200, body)
    with pytest.raises(BadRequest, match=r"127\.0\.0\.1.*Terraform Cloud"):
        list(workspaces(answers).list("tfc://app.terraform.io/acme/net"))
    answers.json(LISTING.format(1), {"data": [workspace("net", "sv-1")]})
    answers.bodies["/api/v2/state-versions/sv-1"] = (200, body)
    [listed] = workspaces(answers).list("tfc://app.terraform.io/acme/net")
    with pytest.raises(BadRequest, match="Terraform Cloud"):
        workspaces(answers).read(listed)


@pytest.mark.parametrize(
    ("status", "error"), [(401, BadRequest), (403, BadRequest), (404, MissingState), (502, Unavailable)]
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


@pytest.mark.parametrize(
    ("address", "is_same"),
    [
        ("https://app.terraform.io/_archivist/1", True),
        ("https://archivist.terraform.io/v1/object/1", True),
        ("https://app.terraform.io:8443/1", False),
        ("http://app.terraform.io/1", False),
        ("https://archivist.example.com/1", False),
        ("https://archivist.io/1", False),
    ],
)
def test_a_stored_state_is_read_with_the_token_from_its_own_service_alone(address: str, *, is_same: bool) -> None:
    assert is_same_service(address, "https://app.terraform.io") == is_same


def test_the_store_of_an_installation_of_its_own_is_its_own_host() -> None:
    assert is_same_service("https://tfe.example.com/_archivist/1", "https://tfe.example.com")
    assert not is_same_service("https://archivist.example.com/1", "https://tfe.example.com")


@pytest.mark.parametrize(
    ("host", "environment", "token"),
    [
        ("tfe.acme.example", {"TF_TOKEN_tfe_acme_example": "a", "TFE_TOKEN": "b"}, "a"),
        ("tfe.ac-me.example", {"TF_TOKEN_tfe_ac__me_example": "a"}, "a"),
        ("app.terraform.io", {"TFE_TOKEN": "b"}, "b"),
        ("app.terrafrom.io", {"TFE_TOKEN": "b"}, ""),
        ("tfe.acme.example", {"TFE_TOKEN": "b"}, ""),
        ("tfe.acme.example", {"TFE_TOKEN": "b", "TFE_HOSTNAME": "tfe.acme.example"}, "b"),
        ("tfe.acme.example", {"TFE_TOKEN": "b", "TFE_ADDRESS": "https://tfe.acme.example"}, "b"),
        ("app.terraform.io", {"TFE_TOKEN": "b", "TFE_HOSTNAME": "tfe.acme.example"}, ""),
    ],
)
def test_the_token_of_workspaces_is_for_one_host(host: str, environment: dict[str, str], token: str) -> None:
    assert workspace_login(host, environment).token == token


URL = "https://states.example.com/network"
BASIC = {"TF_HTTP_USERNAME": "ci", "TF_HTTP_PASSWORD": "x"}


@pytest.mark.parametrize(
    ("environment", "login"),
    [
        ({}, Login()),
        ({"SETPOINT_STATE_TOKEN_states_example_com": "a"}, Login("a")),
        ({"SETPOINT_STATE_TOKEN_other_example_com": "a"}, Login()),
        ({"SETPOINT_STATE_TOKEN": "a", "SETPOINT_STATE_HOST": "states.example.com"}, Login("a")),
        ({"SETPOINT_STATE_TOKEN": "a", "SETPOINT_STATE_HOST": "other.example.com"}, Login()),
        ({**BASIC, "TF_HTTP_ADDRESS": "https://states.example.com/data"}, Login("", "ci", "x")),
        ({**BASIC, "TF_HTTP_ADDRESS": "https://other.example.com/data"}, Login()),
    ],
)
def test_the_token_of_a_backend_is_for_one_host(environment: dict[str, str], login: Login) -> None:
    assert http_login(URL, environment) == login
    assert "x" not in repr(Login("x", "x", "x")).removeprefix("Login")


@pytest.mark.parametrize(("environment", "variable"), [({"SETPOINT_STATE_TOKEN": "a"}, "_HOST"), (BASIC, "_ADDRESS")])
def test_credentials_without_a_host_are_sent_to_none(environment: dict[str, str], variable: str) -> None:
    with pytest.raises(BadRequest, match=variable):
        http_login(URL, environment)


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
