"""Slack channels: look up ids, and join channels to read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from slack_sdk import WebClient

from setpoint.adapters.slack.slack_client import SlackRefused, call, pages

_ID = re.compile(r"[CGD][A-Z0-9]{7,}\Z")
_KINDS = "public_channel,private_channel"


class ChannelPage(NamedTuple):
    """The result of a read of a channel.

    Args:
        channel: its id.
        messages: some of its messages.
    """

    channel: str
    messages: Sequence[Mapping[str, Any]]


class Channels:
    """The channels of a workspace.

    Posting needs only a channel's name, and no membership in a public channel; reading needs the id and membership.

    Args:
        client: made by ``slack_client.client``.
    """

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._ids: dict[str, str] = {}

    def id_of(self, channel: str) -> str:
        """The id of a channel by its name, ``#payments`` or ``payments``, or by its id.

        Raises:
            SlackRefused: the channel does not exist, or it is private and the app is not a member; invite the app.
            Unavailable: Slack does not answer; try again.
        """
        if _ID.match(channel):
            return channel
        name = channel.removeprefix("#")
        if name not in self._ids:
            listed = pages(self._client, "conversations.list", channel, types=_KINDS, exclude_archived=True)
            self._ids |= {
                str(listing["name"]): str(listing["id"]) for page in listed for listing in page.get("channels") or ()
            }
        if name not in self._ids:
            raise SlackRefused(channel, "channel_not_found")
        return self._ids[name]

    def readable(self, channel: str, read: Callable[[str], Sequence[Mapping[str, Any]]]) -> ChannelPage:
        """Read from a channel; join a public channel if reading needs membership.

        Raises:
            SlackRefused: the channel cannot be read; invite the app.
            Unavailable: Slack does not answer; try again.
        """
        identifier = self.id_of(channel)
        try:
            return ChannelPage(identifier, read(identifier))
        except SlackRefused as refused:
            if refused.code != "not_in_channel":
                raise
        self.join(identifier)
        return ChannelPage(identifier, read(identifier))

    def join(self, channel: str) -> None:
        """Join a public channel.

        Raises:
            SlackRefused: the channel is private or archived.
            Unavailable: Slack does not answer; try again.
        """
        call(self._client, "conversations.join", channel, channel=channel)
