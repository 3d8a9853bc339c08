"""Send alerts to Slack channels.

A message carries its id as metadata (https://docs.slack.dev/messaging/message-metadata). After an unknown result the
message is looked up by this id, since Slack has no idempotency keys.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from slack_sdk import WebClient

from setpoint.adapters.slack.channels import Channels
from setpoint.adapters.slack.slack_client import SlackRefused, call, pages
from setpoint.alerting.rendering import slack as messages
from setpoint.model.notice_view import FindingView, GroupView, Message
from setpoint.ports.people import OutgoingMessage, PostedMessage

EVENT_TYPE = "setpoint_notice"
"""The event type of the metadata."""

_SLACK_MARGIN = 3600.0
"""Margin in seconds for clock differences, and for observations later than the message about them."""
_BETWEEN = 1.1
"""Minimum seconds between two messages in a channel. Source: https://docs.slack.dev/apis/web-api/rate-limits"""
_LOOK_BACK = 2 * 86_400.0
"""Seconds after which an earlier attempt is no longer looked up: Pub/Sub has dropped its message long before."""


class SlackSink:
    """A ``Sink`` to Slack.

    Args:
        client: made by ``slack_client.client``.
        clock: the current time in seconds since 1970.
        sleep: waits between the parts of a reply, since Slack accepts one per second.
    """

    edits = True

    def __init__(
        self,
        client: WebClient,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._client = client
        self._clock = clock
        self._channels = Channels(client)

    def show(self, message: OutgoingMessage[FindingView | GroupView]) -> PostedMessage:
        """See ``Sink.show``."""
        view, links = message.view, message.links
        made = messages.group(view, links) if isinstance(view, GroupView) else messages.finding(view, links)
        return self._post_or_update(
            message, made, view.opened_at if isinstance(view, GroupView) else view.data.first_seen
        )

    def escalate(self, message: OutgoingMessage[FindingView]) -> PostedMessage:
        """See ``Sink.escalate``."""
        return self._post_or_update(message, messages.escalation(message.view), message.view.data.first_seen)

    def reply(self, message: OutgoingMessage[FindingView | Sequence[FindingView]], to: PostedMessage) -> None:
        """See ``Sink.reply``."""
        name, view, links = message.name, message.view, message.links
        if isinstance(view, FindingView):
            replies = {name: messages.step(view, links)}
        else:
            replies = {f"{name}/{number}": reply for number, reply in enumerate(messages.details(view, links), 1)}
        there = self._replied(to) if message.maybe else frozenset()
        missing = [identifier for identifier in replies if identifier not in there]
        for index, identifier in enumerate(missing):
            if index:
                self._sleep(_BETWEEN)
            self._post(identifier, to.channel, replies[identifier], thread=to.ts)

    def digest(self, message: OutgoingMessage[Sequence[FindingView]]) -> None:
        """See ``Sink.digest``."""
        name, channel = message.name, message.channel
        if not message.maybe or self._find(name, channel, self._oldest(None)) is None:
            self._post(name, channel, messages.digest(message.view, message.links))

    def _post_or_update(self, message: OutgoingMessage[object], made: Message, since: datetime) -> PostedMessage:
        """Post a message once, or update it.

        Args:
            message: what is sent.
            made: its content.
            since: an earlier attempt that may have been taken was made after this time.
        """
        name, channel, posted = message.name, message.channel, message.posted
        if posted is not None:
            if self._update(name, posted, made):
                return posted
            oldest = self._oldest(None)  # the message was deleted, and an interrupted attempt may have posted it again
        elif message.maybe:
            oldest = self._oldest(since)
        else:
            return self._post(name, channel, made)
        earlier = self._find(name, channel, oldest)
        if earlier is not None and self._update(name, earlier, made):
            return earlier
        return self._post(name, channel, made)

    def _post(self, name: str, channel: str, made: Message, thread: str | None = None) -> PostedMessage:
        answer = call(
            self._client,
            "chat.postMessage",
            channel,
            channel=channel,
            thread_ts=thread,
            unfurl_links=False,
            unfurl_media=False,
            **_content(name, made),
        )
        return PostedMessage(str(answer.get("channel", channel)), str(answer.get("ts", "")))

    def _update(self, name: str, posted: PostedMessage, made: Message) -> bool:
        """Update a message; False if it does not exist."""
        try:
            call(
                self._client,
                "chat.update",
                posted.channel,
                channel=posted.channel,
                ts=posted.ts,
                **_content(name, made),
            )
        except SlackRefused as refused:
            if refused.code == "message_not_found":
                return False
            raise
        return True

    def _oldest(self, since: datetime | None) -> str:
        """The start of the search for an earlier attempt, in Slack's time format."""
        limit = self._clock() - _LOOK_BACK
        return f"{max(limit, since.timestamp() - _SLACK_MARGIN) if since is not None else limit:.6f}"

    def _find(self, name: str, channel: str, oldest: str) -> PostedMessage | None:
        """The position of the first message with an id; None if there is none."""
        place = self._channels.readable(channel, lambda identifier: self._history(identifier, oldest))
        ours = sorted(_ts(message) for message in place.messages if _id_of(message) == name)
        return PostedMessage(place.channel, ours[0]) if ours else None

    def _history(self, channel: str, oldest: str) -> list[Mapping[str, Any]]:
        listed = pages(
            self._client, "conversations.history", channel, channel=channel, oldest=oldest, include_all_metadata=True
        )
        return [message for page in listed for message in _messages(page) if _id_of(message)]

    def _replied(self, posted: PostedMessage) -> frozenset[str]:
        """The ids of the replies to a message."""

        def replies(channel: str) -> list[Mapping[str, Any]]:
            listed = pages(
                self._client,
                "conversations.replies",
                channel,
                channel=channel,
                ts=posted.ts,
                oldest=self._oldest(None),
                include_all_metadata=True,
            )
            return [message for page in listed for message in _messages(page)]

        place = self._channels.readable(posted.channel, replies)
        return frozenset(map(_id_of, place.messages))


def _content(name: str, made: Message) -> dict[str, Any]:
    metadata = {"event_type": EVENT_TYPE, "event_payload": {"id": name}}
    return {"text": made.text, "blocks": list(made.blocks), "metadata": metadata}


def _messages(page: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return [message for message in page.get("messages") or () if isinstance(message, dict)]


def _ts(message: Mapping[str, Any]) -> str:
    return str(message.get("ts", ""))


def _id_of(message: Mapping[str, Any]) -> str:
    """The id in a message's metadata; empty for none."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return ""
    return str((metadata.get("event_payload") or {}).get("id", ""))
