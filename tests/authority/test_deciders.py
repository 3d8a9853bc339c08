"""Who decides at the command line: whose credentials these are, and what nobody has verified."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from msgspec.structs import replace

from remediation.fleet import AUTO, KEY, World
from setpoint import bootstrap
from setpoint.adapters.google import current_user
from setpoint.bootstrap import open_store
from setpoint.cli import app
from setpoint.cli.decider import Decider, check_approver, decider
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.errors import BadRequest, NotPermitted, SetpointError, Unavailable
from setpoint.model.alerting_config import Alerting, Approvers
from setpoint.model.policy import Match, Rule
from setpoint.remediation import commands
from setpoint.remediation.engine import remediate

ANN = "ann@example.com"
ASKING = replace(AUTO, rules=(Rule("all", mode="approve"),))
LISTED = Alerting("fleet", approvers=(Approvers(users=(ANN,)),))


@pytest.fixture(autouse=True)
def real_apis(monkeypatch) -> None:
    """Writes would go to Google."""
    for name in ("SETPOINT_GOOGLE_APIS", "FIRESTORE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)


def credentials_of(monkeypatch, address: str) -> None:
    monkeypatch.setattr(current_user, "email", lambda: address)


def answer(status: int, body: Any) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return made


def test_google_says_whose_the_credentials_are(monkeypatch):
    asked = []

    def get(_: Any, url: str, **__: Any) -> requests.Response:
        asked.append(url)
        return answer(200, {"email": ANN, "email_verified": True})

    monkeypatch.setattr("google.auth.default", lambda **_: (AnonymousCredentials(), None))
    monkeypatch.setattr("google.auth.transport.requests.AuthorizedSession.get", get)
    assert current_user.email() == ANN
    assert asked == ["https://openidconnect.googleapis.com/v1/userinfo"]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"email": ANN}, BadRequest),
        (200, {"email": ANN, "email_verified": False}, BadRequest),
        (200, {"sub": "1"}, BadRequest),
        (200, b"<html>", BadRequest),
        (200, [ANN], BadRequest),
        (401, {"error": "invalid_request"}, BadRequest),
        (503, b"", Unavailable),
    ],
)
def test_an_answer_that_verifies_nobody_is_an_error(status, body, error):
    with pytest.raises(error):
        current_user.address_in(answer(status, body))


def test_without_credentials_nobody_decides(monkeypatch):
    def none(**_: Any) -> Any:
        raise DefaultCredentialsError("none")

    monkeypatch.setattr("google.auth.default", none)
    with pytest.raises(BadRequest, match="log in"):
        current_user.email()


@pytest.mark.parametrize("named", ["", ANN, "Ann@Example.com"])
def test_with_a_store_in_google_cloud_the_credentials_name_the_person(monkeypatch, named):
    credentials_of(monkeypatch, ANN)
    person = decider("firestore://ops/(default)", named)
    assert (person, str(person)) == (Decider(ANN, is_verified=True), ANN)


def test_with_a_store_in_google_cloud_nobody_can_give_another_name(monkeypatch):
    credentials_of(monkeypatch, ANN)
    with pytest.raises(NotPermitted, match="the credentials are those of ann@"):
        decider("firestore://ops/(default)", "bob@example.com")


@pytest.mark.parametrize("url", ["sqlite:///setpoint.db", "memory:"])
def test_with_a_local_store_the_user_of_the_machine_decides_and_is_marked(monkeypatch, url):
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    assert str(decider(url, "")) == "ann (unverified)"


def test_the_emulator_is_a_local_store(monkeypatch):
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    assert bootstrap.signed_in("firestore://ops/(default)") == ""


@pytest.fixture
def asked(apis_in_process, rest_in_process, store) -> World:
    """A drift that one of a list of approvers is to approve."""
    apis_in_process.journal.clear()
    world = World(apis_in_process, rest_in_process, store)
    world.declare(policy=ASKING)
    world.drift()
    assert remediate(KEY, world.context) == "asked"
    return world


@pytest.mark.parametrize(
    ("person", "alerting", "reason"),
    [
        (Decider("ann", is_verified=False), LISTED, "nobody has verified that ann is one"),
        (Decider(ANN, is_verified=False), LISTED, "nobody has verified"),
        (Decider("bob@example.com", is_verified=True), LISTED, "bob@example.com is none of its approvers"),
        (Decider(ANN, is_verified=True), Alerting("fleet", approvers=(Approvers(groups=("S1",)),)), "there"),
        (Decider(ANN, is_verified=True), LISTED, ""),
        (Decider("ann", is_verified=False), None, ""),
        (Decider("ann", is_verified=False), Alerting("fleet"), ""),
        (
            Decider("ann", is_verified=False),
            Alerting("fleet", approvers=(Approvers(Match(asset_types=("sqladmin.googleapis.com/*",)), users=(ANN,)),)),
            "",
        ),
    ],
)
def test_a_list_of_approvers_takes_only_verified_people_of_it(asked, person, alerting, reason):
    with pytest.raises(NotPermitted, match=reason) if reason else nullcontext():
        check_approver(person, asked.state, alerting)


def test_a_list_of_approvers_takes_anybody_for_writes_to_a_stand_in(asked, monkeypatch):
    monkeypatch.setenv("SETPOINT_GOOGLE_APIS", "http://127.0.0.1:1")
    check_approver(Decider("ann", is_verified=False), asked.state, LISTED)


def test_a_variable_of_the_caller_lets_nobody_past_the_approvers_of_a_store_in_google_cloud(asked, monkeypatch):
    monkeypatch.setenv("SETPOINT_GOOGLE_APIS", "http://127.0.0.1:1")
    with pytest.raises(NotPermitted, match="none of its approvers"):
        check_approver(Decider("mallory@example.com", is_verified=True), asked.state, LISTED)


def test_a_rule_that_asks_for_two_people_takes_no_unverified_one(asked):
    asked.declare(policy=replace(AUTO, rules=(Rule("all", mode="approve", approvals=2),)))
    asked.drift()
    remediate(KEY, asked.context)
    for by in ("ann (unverified)", "bob (unverified)"):
        with pytest.raises(NotPermitted, match="asks for 2 approvers"):
            commands.approve(
                KEY,
                asked.state.fingerprint,
                by,
                asked.deps.store,
                asked.deps.projects,
                asked.deps.clock,
                is_verified=False,
            )
    asked.ticks(70)
    assert asked.writes == 0


@pytest.mark.parametrize("command", ["approve", "remediate"])
def test_the_command_line_refuses_an_unverified_approval_where_approvers_are_listed(
    apis_in_process, rest_in_process, tmp_path, monkeypatch, command
):
    url = f"sqlite:///{tmp_path}/setpoint.db"
    world = World(apis_in_process, rest_in_process, open_store(url))
    world.declare(policy=ASKING)
    apply.sync(LoadResult(alerting=LISTED), ApplyRequest("alerting"), world.deps, world.clock())
    world.drift()
    monkeypatch.setattr(bootstrap, "live_resources", lambda _: world.context.live_resources)
    monkeypatch.setattr(bootstrap, "project_ancestors", lambda: None)
    with pytest.raises(SetpointError) as refused:
        app([command, KEY.name, "--yes", "--as", ANN, "--store", url], standalone_mode=False)
    assert isinstance(refused.value, NotPermitted), refused.value
    assert world.state.remediation is None or not world.state.remediation.approved_by
    world.store.close()
