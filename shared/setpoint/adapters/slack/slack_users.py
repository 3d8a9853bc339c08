"""Look up users and groups in Slack, and answer users."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from slack_sdk import WebClient

from setpoint.adapters.slack.channels import Channels
from setpoint.adapters.slack.slack_client import SlackRefused, call
from setpoint.ports.people import Person

_KEPT_SECONDS = 300.0
_MAX_KEPT = 10_000
_GUEST = ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted")
_T = TypeVar("_T")


class SlackPeople:
    """``People`` of a workspace.

    Args:
        client: made by ``slack_client.client``.
        clock: the current time in seconds.
    """

    def __init__(self, client: WebClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._channels = Channels(client)
        self._persons: dict[str, tuple[float, Person]] = {}
        self._groups: dict[str, tuple[float, frozenset[str]]] = {}

    def person(self, user: str) -> Person:
        """See ``People.person``; only an address that Slack has confirmed counts."""
        return self._cached(self._persons, user, self._person)

    def group(self, group: str) -> frozenset[str]:
        """See ``People.group``."""
        return self._cached(self._groups, group, self._group)

    def send_private(self, user: str, channel: str, text: str, thread: str = "") -> None:
        """See ``People.send_private``."""
        try:
            self._send_private(user, channel, text, thread)
        except SlackRefused as refused:
            if refused.code != "not_in_channel":
                raise
            self._channels.join(channel)
            self._send_private(user, channel, text, thread)

    def _send_private(self, user: str, channel: str, text: str, thread: str) -> None:
        call(
            self._client,
            "chat.postEphemeral",
            channel,
            channel=channel,
            user=user,
            text=text,
            thread_ts=thread or None,
        )

    def _person(self, user: str) -> Person:
        profile = call(self._client, "users.info", user, user=user).get("user") or {}
        is_confirmed = profile.get("is_email_confirmed", False)
        email = (profile.get("profile") or {}).get("email") if is_confirmed else ""
        return Person(user, str(email or ""), any(profile.get(sign) for sign in _GUEST))

    def _group(self, group: str) -> frozenset[str]:
        answer: dict[str, Any] = call(self._client, "usergroups.users.list", group, usergroup=group)
        return frozenset(map(str, answer.get("users") or ()))

    def _cached(self, kept: dict[str, tuple[float, _T]], key: str, ask: Callable[[str], _T]) -> _T:
        now = self._clock()
        entry = kept.get(key)
        if entry is not None and now - entry[0] < _KEPT_SECONDS:
            return entry[1]
        if len(kept) >= _MAX_KEPT:
            kept.clear()
        value = ask(key)
        kept[key] = (now, value)
        return value
