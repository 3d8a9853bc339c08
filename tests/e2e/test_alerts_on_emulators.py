"""From a change to a message in Slack, to a button that is clicked, to the message that says that it is over."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from setpoint_tools.dev import fleet, system
from setpoint_tools.testing.polling import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=[pytest.param("emulators", marks=pytest.mark.emulator), "stand-ins"])
def running(request, tmp_path):
    if request.param == "emulators":
        request.getfixturevalue("pubsub_emulator")
        request.getfixturevalue("firestore_emulator")
    # Here each function is started by functions-framework's own command; `setpoint dev up` forks them.
    emulators = request.param == "emulators"
    with system.up(ROOT, tmp_path, lambda _: None, emulators=emulators, forked=not emulators) as up, up.going():
        yield up


def texts(running) -> list[str]:
    return [f"{message.text} {message.blocks}" for message in running.slack.shown(fleet.CHANNEL)]


def test_a_drift_is_told_approved_in_slack_and_told_to_be_over(running):
    running.change("unversion-bucket")

    wait_until(lambda: any("Approve" in text for text in texts(running)), lambda: f"no Approve in {texts(running)}")
    (text,) = texts(running)
    assert "versioning" in text
    wait_until(lambda: fleet.ACTOR in texts(running)[0], lambda: f"nobody changed it in {texts(running)}")
    assert fleet.ACTOR in requests.get(running.addresses["console"], timeout=60).text

    running.click_latest("approve")

    wait_until(lambda: "resolved" in texts(running)[0].lower(), lambda: f"not resolved in {texts(running)}")
    (text,) = texts(running)
    assert "Approve" not in text
    (message,) = running.slack.shown(fleet.CHANNEL)

    def replies() -> str:
        return str([reply.text for reply in running.slack.replies(fleet.CHANNEL, message.ts)])

    wait_until(lambda: "Remediated" in replies(), lambda: f"no remediation in {replies()}")
