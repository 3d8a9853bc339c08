"""Publish events and dead letters to Pub/Sub, and receive messages from a subscription."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent import futures
from typing import TYPE_CHECKING, NamedTuple

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.publisher.exceptions import MessageTooLargeError, PublishToPausedOrderingKeyException
from google.cloud.pubsub_v1.subscriber.scheduler import ThreadScheduler
from google.cloud.pubsub_v1.types import FlowControl

from setpoint.errors import LOG_IN, NO_CREDENTIALS, BadRequest, Refused, Unavailable
from setpoint.model import events
from setpoint.model.events import CloudEvent
from setpoint.operations.dead_letters import REASON, REJECTED_BY
from setpoint.util import telemetry
from setpoint.util.quotas import (
    PUBSUB_ATTRIBUTE,
    PUBSUB_ATTRIBUTE_KEY,
    PUBSUB_ATTRIBUTES,
    PUBSUB_ORDERING_KEY,
    cut,
)
from setpoint.util.secret_formats import scrub

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
    from google.cloud.pubsub_v1.subscriber.futures import StreamingPullFuture
    from google.cloud.pubsub_v1.subscriber.message import Message

_PUBLISH_SECONDS = 60.0
_PULL_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_LEASE_SECONDS = 20
"""The extension of a message's lease; messages of a crashed process are redelivered after this time."""
_FAILURES = (
    exceptions.GoogleAPICallError,
    exceptions.RetryError,
    futures.TimeoutError,
)
_FAILED_BEFORE = (PublishToPausedOrderingKeyException, RuntimeError, AssertionError)
"""Errors of the client for a resource after a failure in another thread: paused, cancelled, or an assertion of its own
between the failure and the pause."""
_RESUME_TRIES = 20
_RESUME_SECONDS = 0.01
_LARGEST_LETTER = 9_900_000
"""Maximum bytes of a message; 10 MB with its attributes (https://cloud.google.com/pubsub/quotas)."""
_NAMED = 3
_TAKEN = frozenset((REASON, REJECTED_BY, "self", "topic", "data", "ordering_key", "retry", "timeout"))
"""Reserved attribute names: the client takes attributes as keyword arguments together with its own."""
_LOG_IN = f"{LOG_IN}, or set PUBSUB_EMULATOR_HOST"


def publisher() -> PublisherClient:
    """A client that preserves the order of messages with the same ordering key.

    Raises:
        BadRequest: there are no credentials; log in.
    """
    ordered = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    try:
        return pubsub_v1.PublisherClient(publisher_options=ordered)
    except GoogleAuthError as error:
        raise BadRequest(f"no credentials for Pub/Sub; {_LOG_IN}") from error


def subscriber() -> SubscriberClient:
    """A client for subscriptions; for the emulator if ``PUBSUB_EMULATOR_HOST`` is set.

    Raises:
        BadRequest: there are no credentials; log in.
    """
    try:
        return pubsub_v1.SubscriberClient()
    except GoogleAuthError as error:
        raise BadRequest(f"no credentials for Pub/Sub; {_LOG_IN}") from error


class PubSubTopic:
    """A topic for unordered messages.

    Args:
        client: made by ``publisher()``.
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def publish(
        self,
        messages: Iterable[tuple[bytes, Mapping[str, str]]],
        what: str,
        seconds: float = _PUBLISH_SECONDS,
        then: str = "try again",
    ) -> None:
        """Publish messages with their attributes, and return when all are accepted.

        Args:
            messages: each with its attributes.
            what: the kind of message, for the error.
            seconds: timeout for each message.
            then: the next step after a failure, for the error.

        Raises:
            Unavailable: some messages may not be published; publish them again.
        """
        try:
            sent = [self._client.publish(self._topic, data, **attributes) for data, attributes in messages]
            for future in sent:
                future.result(timeout=seconds)
        except _FAILURES as error:
            raise Unavailable(f"{self._topic} did not accept {what} ({type(error).__name__}); {then}") from error


class PubSubBus:
    """An ``EventBus`` to a topic: CloudEvents in structured mode, ordered by resource.

    The content type is an attribute, as in
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md; the other attributes
    are for subscription filters.

    Args:
        client: made by ``publisher()``.
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """See ``EventBus.publish``."""
        failed: dict[str, Exception] = {}
        sent: list[tuple[str, futures.Future[str]]] = []
        for event in events:
            key = _ordering_key(event)
            try:
                sent.append((key, self._send(event, key)))
            except (*_FAILED_BEFORE, MessageTooLargeError) as error:
                failed[key] = error
        until = time.monotonic() + _PUBLISH_SECONDS
        for key, future in sent:
            try:
                future.result(timeout=max(until - time.monotonic(), 0.0))
            except (*_FAILURES, *_FAILED_BEFORE) as error:
                failed.setdefault(key, error)
        if failed:
            self._resume(failed.keys())
            first = next(iter(failed.values()))
            if isinstance(first, (exceptions.InvalidArgument, MessageTooLargeError)):
                names = ", ".join(sorted(failed)[:_NAMED])
                raise Refused(f"{self._topic} will never accept an event of {names} ({first})") from first
            raise Unavailable(f"{self._topic} did not accept an event ({type(first).__name__}); try again") from first

    def _resume(self, keys: Collection[str]) -> None:
        """Resume publishing for resources after a failure.

        The client pauses a resource shortly after it reports the failure. It does not pause after a timeout, and
        another thread may have resumed the resource.
        """
        for _ in range(_RESUME_TRIES):
            keys = [key for key in keys if not self._is_resumed(key)]
            if not keys:
                return
            time.sleep(_RESUME_SECONDS)

    def _is_resumed(self, key: str) -> bool:
        try:
            self._client.resume_publish(self._topic, key)
        except RuntimeError:  # not paused
            return False
        return True

    def _send(self, event: CloudEvent, ordering_key: str) -> futures.Future[str]:
        data = event.data
        return self._client.publish(  # type: ignore[no-any-return]
            self._topic,
            events.encode(event),
            ordering_key=ordering_key,
            **{
                "content-type": "application/cloudevents+json",
                "type": event.type,
                "asset_type": cut(data.asset_type, PUBSUB_ATTRIBUTE),
                "project": cut(data.project, PUBSUB_ATTRIBUTE),
                "team": cut(data.owner.team, PUBSUB_ATTRIBUTE),
                "severity": data.severity,
                **telemetry.trace_attributes(),
            },
        )


class PubSubDeadLetters:
    """``DeadLetters`` to a topic: the unchanged message, with the additional attribute ``reason``.

    An attribute of the message with a reserved name is renamed to ``original_…``; values beyond Pub/Sub's limits are
    cut.

    Args:
        client: made by ``publisher()``.
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._topic = PubSubTopic(client, topic)

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """See ``DeadLetters.put``; a message that leaves no room for the reason is truncated."""
        run = telemetry.current()
        more = {REJECTED_BY: run.function} if run is not None else {}
        own = _own_attributes(attributes, room=PUBSUB_ATTRIBUTES - len(more) - 1)
        if len(message) + sum(len(part.encode()) for pair in own.items() for part in pair) > _LARGEST_LETTER:
            message, own = message[:_LARGEST_LETTER], {"cut_from_bytes": str(len(message))}
        own[REASON] = cut(scrub(reason), PUBSUB_ATTRIBUTE)
        own |= more
        self._topic.publish([(message, own)], "a dead letter")


class Delivered:
    """A message of a stream, leased until it is acknowledged or released.

    Args:
        message: the client's message.
    """

    __slots__ = ("_message", "attributes", "data")

    def __init__(self, message: Message) -> None:
        self._message = message
        self.data: bytes = message.data
        self.attributes: Mapping[str, str] = message.attributes

    def ack(self) -> None:
        """Acknowledge the message; acknowledgements are sent in batches."""
        self._message.ack()

    def nack(self) -> None:
        """Release the message for redelivery."""
        self._message.nack()


class PubSubStream:
    """Streaming pull of a subscription, limited by the number and size of outstanding messages.

    Leases are extended while messages are outstanding. Messages beyond the limits wait in Pub/Sub.

    Args:
        client: kept for the life of the process.
        subscription: ``projects/P/subscriptions/S``.
        messages: maximum number of outstanding messages.
        size: maximum size of outstanding messages in bytes.
    """

    def __init__(self, client: SubscriberClient, subscription: str, *, messages: int, size: int) -> None:
        self._client = client
        self._subscription = subscription
        self._limits = FlowControl(
            max_bytes=size, max_messages=messages, max_duration_per_lease_extension=_LEASE_SECONDS
        )
        self._pull: StreamingPullFuture | None = None

    def open(self, take: Callable[[Delivered], None]) -> None:
        """Pass each message to ``take``, which must return at once, in another thread."""
        self._pull = self._client.subscribe(
            self._subscription,
            lambda message: take(Delivered(message)),
            flow_control=self._limits,
            scheduler=ThreadScheduler(futures.ThreadPoolExecutor(1, "messages")),
            await_callbacks_on_shutdown=True,
        )

    def wait(self, seconds: float) -> None:
        """Wait this many seconds while messages arrive.

        Raises:
            BadRequest: the subscription does not exist, or the permission to pull is missing.
            Unavailable: the stream ended; open it again.
        """
        assert self._pull is not None  # noqa: S101 - callers open it first
        try:
            self._pull.result(timeout=seconds)
        except futures.TimeoutError:
            return
        except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
            raise not_pulled(self._subscription, error) from error

    def close(self) -> None:
        """Stop deliveries, and return when all acknowledgements are sent."""
        if self._pull is not None:
            self._pull.cancel()
            with contextlib.suppress(Exception):  # the stream has ended, with any error
                self._pull.result(timeout=_CLOSE_SECONDS)
        self._client.close()


class ReceivedMessage(NamedTuple):
    """A message pulled from a subscription."""

    data: bytes
    attributes: Mapping[str, str]
    ack_id: str


class PubSubFeed:
    """Pulls the messages of a subscription.

    Args:
        client: kept for the life of the process.
        subscription: ``projects/P/subscriptions/S``.
    """

    def __init__(self, client: SubscriberClient, subscription: str) -> None:
        self._client = client
        self._subscription = subscription

    def pull(self, most: int = 100) -> list[ReceivedMessage]:
        """Pull up to ``most`` messages; empty after some seconds without messages.

        Raises:
            BadRequest: the subscription does not exist, or the permission to pull is missing.
            Unavailable: Pub/Sub does not answer; try again.
        """
        try:
            response = self._client.pull(
                subscription=self._subscription, max_messages=most, timeout=_PULL_SECONDS, retry=None
            )
        except exceptions.DeadlineExceeded:
            return []
        except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
            raise not_pulled(self._subscription, error) from error
        return [
            ReceivedMessage(message.message.data, dict(message.message.attributes), message.ack_id)
            for message in response.received_messages
        ]

    def settle(self, done: Sequence[ReceivedMessage], again: Sequence[ReceivedMessage] = ()) -> None:
        """Acknowledge handled messages, and release the others for redelivery.

        Raises:
            Unavailable: Pub/Sub does not answer; the messages will be redelivered.
        """
        try:
            if done:
                self._client.acknowledge(subscription=self._subscription, ack_ids=[message.ack_id for message in done])
            if again:
                self._client.modify_ack_deadline(
                    subscription=self._subscription,
                    ack_ids=[message.ack_id for message in again],
                    ack_deadline_seconds=0,
                )
        except exceptions.GoogleAPICallError as error:
            raise Unavailable(
                f"{self._subscription} did not accept acknowledgements ({type(error).__name__})"
            ) from error


def _own_attributes(attributes: Mapping[str, str], room: int) -> dict[str, str]:
    """A message's attributes with allowed names and sizes, up to a number."""
    kept: dict[str, str] = {}
    for key, value in attributes.items():
        name = cut(key, PUBSUB_ATTRIBUTE_KEY)
        while name in _TAKEN or (name != key and name in attributes):
            name = f"original_{name}"
        if name and not name.startswith("goog") and len(kept) < room:
            kept[name] = cut(value, PUBSUB_ATTRIBUTE)
    return kept


def not_pulled(subscription: str, error: Exception) -> BadRequest | Unavailable:
    """The error of a failed pull: a mistake in the settings, or an outage."""
    if isinstance(error, exceptions.NotFound):
        return BadRequest(f"there is no {subscription}; `gcloud pubsub subscriptions list` lists what there is")
    if isinstance(error, exceptions.InvalidArgument):
        return BadRequest(f"`{subscription}` cannot be pulled; use projects/PROJECT/subscriptions/NAME")
    if isinstance(error, exceptions.Forbidden):
        return BadRequest(
            f"{subscription}: no permission to pull it; grant roles/pubsub.subscriber on it to the calling account"
        )
    if isinstance(error, (exceptions.Unauthorized, GoogleAuthError)) or NO_CREDENTIALS in str(error):
        return BadRequest(f"{subscription} cannot be pulled without credentials; {_LOG_IN}")
    reason = error.message if isinstance(error, exceptions.GoogleAPICallError) else error
    return Unavailable(f"{subscription} cannot be pulled ({type(error).__name__}: {reason})")


def _ordering_key(event: CloudEvent) -> str:
    """The resource name; the finding's id if the name is too long for Pub/Sub (1 KiB)."""
    return event.subject if len(event.subject.encode()) <= PUBSUB_ORDERING_KEY else event.data.finding_id
