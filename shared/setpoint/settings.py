"""What an installation sets from outside: the environment, read once into one frozen object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from setpoint.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a function.

    Args:
        store: URL of the store, ``SETPOINT_STORE``: ``firestore://PROJECT/DATABASE``, ``sqlite:///path``, ``memory:``.
        events_topic: ``SETPOINT_EVENTS_TOPIC``, ``projects/P/topics/T``.
        dead_letter_topic: ``SETPOINT_DEAD_LETTER_TOPIC``, ``projects/P/topics/T``.
        google_apis: ``SETPOINT_GOOGLE_APIS``, where Google's REST APIs are in place of Google's own; for tests.
        sweep_topic: ``SETPOINT_SWEEP_TOPIC``, ``projects/P/topics/T``.
        sweep_seconds: ``SETPOINT_SWEEP_SECONDS``, how long one run of ``functions/sweep`` works before it hands over.
        subscription: ``SETPOINT_SUBSCRIPTION``, ``projects/P/subscriptions/S``, which ``setpoint worker`` pulls.
    """

    store: str
    events_topic: str
    dead_letter_topic: str
    google_apis: str
    sweep_topic: str
    sweep_seconds: str
    subscription: str

    def seconds(self) -> float:
        """``sweep_seconds`` as a number.

        Raises:
            BadRequest: it is none, or not positive.
        """
        if not self.sweep_seconds.isdecimal() or not int(self.sweep_seconds):
            raise BadRequest(f"{VARIABLES['sweep_seconds']} is a number of seconds, not `{self.sweep_seconds}`")
        return float(self.sweep_seconds)


VARIABLES = {
    "store": "SETPOINT_STORE",
    "events_topic": "SETPOINT_EVENTS_TOPIC",
    "dead_letter_topic": "SETPOINT_DEAD_LETTER_TOPIC",
    "google_apis": "SETPOINT_GOOGLE_APIS",
    "sweep_topic": "SETPOINT_SWEEP_TOPIC",
    "sweep_seconds": "SETPOINT_SWEEP_SECONDS",
    "subscription": "SETPOINT_SUBSCRIPTION",
}
"""Each setting's environment variable."""


def from_environment(environment: Mapping[str, str], *needed: str) -> Settings:
    """Read the settings.

    Args:
        environment: the process's environment.
        needed: the settings that have to be there.

    Raises:
        BadRequest: names every variable that is missing.
    """
    missing = [VARIABLES[name] for name in needed if not environment.get(VARIABLES[name])]
    if missing:
        raise BadRequest(f"not set: {', '.join(missing)}; see docs/reference.md for what each of them means")
    return Settings(**{name: environment.get(variable, "") for name, variable in VARIABLES.items()})
