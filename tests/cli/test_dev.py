from __future__ import annotations

import pytest

from setpoint.cli import dev
from setpoint.errors import BadRequest
from setpoint_tools.dev import control_server
from setpoint_tools.dev.fleet import CHANGES


@pytest.fixture
def answers(monkeypatch):
    """What the system that is up answers to `click`, in this order."""
    queue: list[str | BadRequest] = []

    def send_command(_folder, command, _argument=""):
        if command == "status":
            return "up"
        answer = queue.pop(0)
        if isinstance(answer, BadRequest):
            raise answer
        return answer

    monkeypatch.setattr(control_server, "send_command", send_command)
    monkeypatch.setattr(dev, "_CLICK_PAUSE", 0)
    return queue


def test_a_click_waits_until_the_message_is_there(answers, capsys):
    answers += [BadRequest("no message has a button `approve`"), "olga clicks approve"]
    dev.click("approve")
    assert capsys.readouterr().err == "olga clicks approve\n"


def test_a_click_gives_up_when_no_message_comes(answers, monkeypatch):
    answers += [BadRequest("no message has a button `approve`")]
    monkeypatch.setattr(dev, "_CLICK_SECONDS", -1)
    with pytest.raises(BadRequest, match="no message"):
        dev.click("approve")


@pytest.mark.usefixtures("answers")
def test_a_button_that_there_is_not_is_refused_at_once():
    with pytest.raises(BadRequest, match=r"there is no button `aprove`; use one of fix, approve, accept, why"):
        dev.click("aprove")


def test_the_pages_for_people_come_before_the_addresses_for_programs(capsys):
    dev._print_addresses({"sweep": "http://s", "github": "", "slack": "http://chat", "console": "http://page"})
    lines = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        ["open", "these:"],
        ["slack", "http://chat"],
        ["console", "http://page"],
        ["the", "others,", "for", "programs:"],
        ["sweep", "http://s"],
    ]


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_says_who_makes_it(name):
    assert CHANGES[name].what.startswith(("a person ", "Google "))


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadRequest, match="cannot be created"), control_server.claimed(tmp_path / "file/x"):
        pass
