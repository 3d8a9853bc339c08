"""The settings of an installation, read once from the environment into a frozen object."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from setpoint.detection.installation_key import InstallationKey
from setpoint.errors import BadRequest
from setpoint.model.retention import Retention
from setpoint.model.retention import parse as parse_retention
from setpoint.ports.keys import KeyStore

_SHORTEST_KEY = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a function.

    Args:
        store: URL of the store, ``SETPOINT_STORE``: ``firestore://PROJECT/DATABASE``, ``sqlite:///path``, ``memory:``.
        events_topic: ``SETPOINT_EVENTS_TOPIC``, ``projects/P/topics/T``.
        dead_letter_topic: ``SETPOINT_DEAD_LETTER_TOPIC``, ``projects/P/topics/T``.
        google_apis: ``SETPOINT_GOOGLE_APIS``, where Google's REST APIs are in place of Google's own; for tests.
        slack_api: ``SETPOINT_SLACK_API``, where Slack's Web API is in place of Slack's own; for tests.
        sweep_topic: ``SETPOINT_SWEEP_TOPIC``, ``projects/P/topics/T``.
        sweep_seconds: ``SETPOINT_SWEEP_SECONDS``, how long one run of ``functions/sweep`` works before it hands over.
        slack_token: ``SETPOINT_SLACK_TOKEN``, of the Slack app's bot, ``xoxb-…``.
        slack_signing_secret: ``SETPOINT_SLACK_SIGNING_SECRET``, by which Slack signs clicks.
        sinks: ``SETPOINT_SINKS``, the addresses and secrets of webhooks, JSON; see ``adapters.addresses``.
        actions_topic: ``SETPOINT_ACTIONS_TOPIC``, to which clicks are published.
        mask_ip: ``SETPOINT_MASK_IP``, ``true`` or ``false``: whether the end of callers' addresses is left out.
        own_accounts: ``SETPOINT_OWN_ACCOUNTS``, the accounts that Setpoint runs as, with commas between.
        iap_audience: ``SETPOINT_IAP_AUDIENCE``, whom Identity-Aware Proxy's assertions are for:
            ``/projects/NUMBER/global/backendServices/ID``.
        dataset: ``SETPOINT_DATASET``, ``project.dataset``, where ``functions/report`` writes.
        push_audience: ``SETPOINT_PUSH_AUDIENCE``, whom the token of a pushed message must be for; empty for anybody.
        push_account: ``SETPOINT_PUSH_ACCOUNT``, the account whose token it must be; empty to check no token.
        secret_key: ``SETPOINT_SECRET_KEY``, 32 characters or more, with which the store's key is wrapped; earlier ones
            may follow it, with spaces between. The store's key is kept in plain where it is empty.
        subscription: ``SETPOINT_SUBSCRIPTION``, ``projects/P/subscriptions/S``, which ``setpoint worker`` pulls.
        retention: ``SETPOINT_RETENTION``, days, ``audit=400,gone=400,resolved=90``; 0 for ever.
        declarations_bucket: ``SETPOINT_DECLARATIONS_BUCKET``, the only bucket that sync takes archives from.
        history_calls: ``SETPOINT_HISTORY_CALLS``, how many calls of the inventory's history and of Cloud Logging
            ``functions/sweep`` may make in an hour; 0 or empty for none.
        state_buckets: ``SETPOINT_STATE_BUCKETS``, JSON, buckets of Terraform states; see ``declarations.uploads``.
    """

    store: str
    events_topic: str
    dead_letter_topic: str
    google_apis: str
    slack_api: str
    sweep_topic: str
    sweep_seconds: str
    slack_token: str = field(repr=False)
    slack_signing_secret: str = field(repr=False)
    sinks: str = field(repr=False)
    actions_topic: str
    mask_ip: str
    own_accounts: str
    iap_audience: str
    dataset: str
    push_audience: str
    push_account: str
    secret_key: str = field(repr=False)
    subscription: str
    retention: str
    state_buckets: str
    declarations_bucket: str = ""
    history_calls: str = ""

    def calls_of_history(self) -> int:
        """``history_calls`` as a number.

        Raises:
            BadRequest: it is none.
        """
        if not self.history_calls:
            return 0
        if not self.history_calls.isdecimal():
            raise BadRequest(f"{VARIABLES['history_calls']} is a number of calls, not `{self.history_calls}`")
        return int(self.history_calls)

    def parsed_retention(self) -> Retention:
        """``retention`` as durations.

        Raises:
            BadRequest: it is none.
        """
        return parse_retention(self.retention)

    def seconds(self) -> float:
        """``sweep_seconds`` as a number.

        Raises:
            BadRequest: it is none, or not positive.
        """
        if not self.sweep_seconds.isdecimal() or not int(self.sweep_seconds):
            raise BadRequest(f"{VARIABLES['sweep_seconds']} is a number of seconds, not `{self.sweep_seconds}`")
        return float(self.sweep_seconds)

    def masks_ip(self) -> bool:
        """``mask_ip`` as a boolean; addresses are masked by default.

        Raises:
            BadRequest: it says something else.
        """
        if self.mask_ip not in ("", "true", "false"):
            raise BadRequest(f"{VARIABLES['mask_ip']} is true or false, not `{self.mask_ip}`")
        return self.mask_ip != "false"

    def wrapping_keys(self) -> tuple[bytes, ...]:
        """The keys in ``secret_key``, 32 bytes each; the first one is current.

        Raises:
            BadRequest: one is too short.
        """
        keys = self.secret_key.split()
        if any(len(key) < _SHORTEST_KEY for key in keys):
            raise BadRequest(f"{VARIABLES['secret_key']} must have {_SHORTEST_KEY} characters or more")
        return tuple(hashlib.sha256(key.encode()).digest() for key in keys)

    def accounts(self) -> frozenset[str]:
        """``own_accounts`` as a set."""
        return frozenset(filter(None, (part.strip() for part in self.own_accounts.split(","))))


VARIABLES = {
    "store": "SETPOINT_STORE",
    "events_topic": "SETPOINT_EVENTS_TOPIC",
    "dead_letter_topic": "SETPOINT_DEAD_LETTER_TOPIC",
    "google_apis": "SETPOINT_GOOGLE_APIS",
    "slack_api": "SETPOINT_SLACK_API",
    "sweep_topic": "SETPOINT_SWEEP_TOPIC",
    "sweep_seconds": "SETPOINT_SWEEP_SECONDS",
    "slack_token": "SETPOINT_SLACK_TOKEN",
    "slack_signing_secret": "SETPOINT_SLACK_SIGNING_SECRET",
    "sinks": "SETPOINT_SINKS",
    "actions_topic": "SETPOINT_ACTIONS_TOPIC",
    "mask_ip": "SETPOINT_MASK_IP",
    "own_accounts": "SETPOINT_OWN_ACCOUNTS",
    "iap_audience": "SETPOINT_IAP_AUDIENCE",
    "dataset": "SETPOINT_DATASET",
    "push_audience": "SETPOINT_PUSH_AUDIENCE",
    "push_account": "SETPOINT_PUSH_ACCOUNT",
    "secret_key": "SETPOINT_SECRET_KEY",
    "subscription": "SETPOINT_SUBSCRIPTION",
    "retention": "SETPOINT_RETENTION",
    "state_buckets": "SETPOINT_STATE_BUCKETS",
    "declarations_bucket": "SETPOINT_DECLARATIONS_BUCKET",
    "history_calls": "SETPOINT_HISTORY_CALLS",
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


def installation_key(store: KeyStore, environment: Mapping[str, str]) -> InstallationKey:
    """The installation's key for masking secrets, wrapped by ``Settings.wrapping_keys``.

    Raises:
        BadRequest: a wrapping key is too short.
    """
    return InstallationKey(store, from_environment(environment).wrapping_keys())
