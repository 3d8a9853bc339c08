"""The endpoints of messages and state: Google's emulators if installed, otherwise stand-ins, with a message."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from setpoint.bootstrap.settings import VARIABLES
from setpoint_tools.dev import fleet
from setpoint_tools.testing.emulators import FIRESTORE, PUBSUB, EmulatorMissing, running
from setpoint_tools.testing.github import TOKEN as GITHUB_TOKEN
from setpoint_tools.testing.pubsub_service import pubsub_service
from setpoint_tools.testing.slack import SIGNING_SECRET, TOKEN

HOME = "setpoint-dev"
"""The project that Setpoint runs in, on this machine."""

PUSHED: dict[str, tuple[str, ...]] = {
    "detect": ("asset-changes",),
    "sweep": ("sweeps",),
    "remediate": ("drift-events", "remediate-ticks"),
    "attribute": ("audit-log",),
    "notify": ("drift-events", "notify-ticks", "slack-actions"),
}
"""Which topics are pushed to which function; one that is not here is served, and nothing is pushed to it."""


class Endpoints(NamedTuple):
    """Where things are.

    Args:
        variables: of the environment, by which clients find them.
        store: URL of the store.
        stand_ins: what is not the real thing, in words.
    """

    variables: dict[str, str]
    store: str
    stand_ins: list[str]


def find(stack: ExitStack, folder: Path, *, emulators: bool = True) -> Endpoints:
    """Start what is there, and stand-ins for what is not; all of it ends with the stack.

    Args:
        stack: ends it.
        folder: for files.
        emulators: whether Google's are looked for at all.
    """
    variables: dict[str, str] = {}
    stand_ins: list[str] = []
    try:
        if not emulators:
            raise EmulatorMissing("Google's Pub/Sub emulator is not wanted")  # noqa: TRY301 - as if it were missing
        variables[PUBSUB.variable] = stack.enter_context(running(PUBSUB)).address
    except EmulatorMissing as missing:
        stand_ins.append(f"Pub/Sub is a stand-in, without order, filters and dead letters: {missing}")
        variables[PUBSUB.variable] = stack.enter_context(pubsub_service())
    try:
        if not emulators:
            raise EmulatorMissing("Google's Firestore emulator is not wanted")  # noqa: TRY301 - as above
        variables[FIRESTORE.variable] = stack.enter_context(running(FIRESTORE)).address
        store = f"firestore://{HOME}/(default)"
    except EmulatorMissing as missing:
        stand_ins.append(f"the store is SQLite, not Firestore: {missing}")
        store = f"sqlite:///{folder / 'setpoint.db'}"
    return Endpoints(variables, store, stand_ins)


def topic(name: str) -> str:
    """The full name of a topic."""
    return f"projects/{HOME}/topics/{name}"


def topics() -> list[str]:
    """The short names of all topics: those that are pushed, and those that settings name."""
    named = {_short(variable) for variable in VARIABLES.values() if variable.endswith("_TOPIC")}
    return sorted(
        {"asset-changes", "remediate-ticks", *named, *(topic for pushed in PUSHED.values() for topic in pushed)}
    )


def environment(places: Endpoints, google: str, slack: str, github: str) -> dict[str, str]:
    """The environment of the functions: every setting that names a topic gets one.

    Args:
        places: where messages and state are.
        google: the fake of Google's REST APIs.
        slack: the API of the fake of Slack.
        github: the API of the fake of GitHub.
    """
    repository = {
        "url": f"https://github.com/{fleet.REPOSITORY}",
        "format": "github",
        "api": github,
        "secret": GITHUB_TOKEN,
    }
    named = {variable: topic(_short(variable)) for variable in VARIABLES.values() if variable.endswith("_TOPIC")}
    others = {
        "SETPOINT_STORE": places.store,
        "SETPOINT_SWEEP_SECONDS": "30",
        "SETPOINT_HISTORY_CALLS": "0",
        "SETPOINT_GOOGLE_APIS": google,
        "SETPOINT_SLACK_API": slack,
        "SETPOINT_SLACK_TOKEN": TOKEN,
        "SETPOINT_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SETPOINT_SINKS": json.dumps({"fleet": repository}),
        "SETPOINT_MASK_IP": "true",
        "SETPOINT_OWN_ACCOUNTS": f"setpoint-remediate@{HOME}.iam.gserviceaccount.com",
        "GOOGLE_CLOUD_PROJECT": HOME,
    }
    return {**places.variables, **named, **{name: value for name, value in others.items() if value}}


def _short(variable: str) -> str:
    """The topic that a setting names; two are called otherwise."""
    called = {"SETPOINT_EVENTS_TOPIC": "drift-events", "SETPOINT_DEAD_LETTER_TOPIC": "dead-letters"}
    called |= {"SETPOINT_SWEEP_TOPIC": "sweeps", "SETPOINT_ACTIONS_TOPIC": "slack-actions"}
    plain = variable.removeprefix("SETPOINT_").removesuffix("_TOPIC").lower().replace("_", "-")
    return called.get(variable, plain)
