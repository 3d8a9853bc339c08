"""A stand-in for Pub/Sub where Google's emulator is not installed: a gRPC server on the loopback, all in memory.

The real clients talk to it by ``PUBSUB_EMULATOR_HOST``. It publishes, pulls, acknowledges and pushes, tries again what
fails, and knows no filters, no order and no dead-letter topics: what Google's emulator does, it does better.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import grpc
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from google.pubsub_v1 import types

from setpoint.util import quotas

_WORKERS = 32
_PUSHERS = 4
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_WAIT = 1.0
_OK = range(200, 300)


class _Line:
    """The messages of one subscription."""

    def __init__(self, wanted: Any) -> None:
        self.wanted = wanted
        self.ready: queue.Queue[tuple[Any, int]] = queue.Queue()
        self.leased: dict[str, tuple[Any, float]] = {}
        self.closed = threading.Event()
        self._numbers = itertools.count(1)

    def take(self, most: int) -> list[tuple[str, Any]]:
        """Messages for whoever pulls; waits a moment for the first."""
        self._expire()
        taken: list[tuple[str, Any]] = []
        until = time.monotonic() + _WAIT
        while len(taken) < most:
            try:
                message, _ = self.ready.get(timeout=0 if taken else max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            handle = f"{next(self._numbers)}"
            self.leased[handle] = (message, time.monotonic() + (self.wanted.ack_deadline_seconds or 10))
            taken.append((handle, message))
        return taken

    def settle(self, handles: list[str], seconds: int | None = None) -> None:
        """Take messages off; or hold them so much longer, or not at all."""
        for handle in handles:
            leased = self.leased.pop(handle, None)
            if leased is None or seconds is None:
                continue
            if seconds:
                self.leased[handle] = (leased[0], time.monotonic() + seconds)
            else:
                self.ready.put((leased[0], 1))

    def _expire(self) -> None:
        for handle, (message, until) in list(self.leased.items()):
            if until < time.monotonic():
                self.leased.pop(handle, None)
                self.ready.put((message, 1))

    def push(self) -> None:
        """Push what comes, until it is closed."""
        address = urlsplit(self.wanted.push_config.push_endpoint)
        while not self.closed.is_set():
            try:
                message, tries = self.ready.get(timeout=_WAIT / 4)
            except queue.Empty:
                continue
            if not self._pushed(address, message):
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**tries)
                timer = threading.Timer(pause, self.ready.put, [(message, tries + 1)])
                timer.daemon = True
                timer.start()

    def _pushed(self, address: Any, message: Any) -> bool:
        content = {
            "data": base64.b64encode(message.data).decode(),
            "attributes": dict(message.attributes),
            "messageId": message.message_id,
            "publishTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        body = json.dumps({"message": content, "subscription": self.wanted.name})
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        try:
            connection.request("POST", address.path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status in _OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def refused_message(message: Any) -> str:
    """Why Pub/Sub does not take a message, by its published limits; empty where it does.

    Google's emulator enforces few of them. Source: https://cloud.google.com/pubsub/quotas#resource_limits
    """
    attributes = dict(message.attributes)
    size = len(message.data) + sum(len(part.encode()) for pair in attributes.items() for part in pair)
    reasons = {
        "a message has 10 MB at most": size > quotas.PUBSUB_MESSAGE,
        "a message has 100 attributes at most": len(attributes) > quotas.PUBSUB_ATTRIBUTES,
        "an attribute's key has 256 bytes at most": any(
            len(key.encode()) > quotas.PUBSUB_ATTRIBUTE_KEY for key in attributes
        ),
        "an attribute's value has 1,024 bytes at most": any(
            len(value.encode()) > quotas.PUBSUB_ATTRIBUTE for value in attributes.values()
        ),
        "an ordering key has 1,024 bytes at most": len(message.ordering_key.encode()) > quotas.PUBSUB_ORDERING_KEY,
        "a message has data or an attribute": not message.data and not attributes,
    }
    return next((why for why, is_broken in reasons.items() if is_broken), "")


class PubSubService:
    """Topics and subscriptions, and what waits in them."""

    def __init__(self) -> None:
        self._topics: dict[str, types.Topic] = {}
        self._lines: dict[str, _Line] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def create_topic(self, request: types.Topic, context: grpc.ServicerContext) -> types.Topic:
        """Make a topic."""
        with self._lock:
            if request.name in self._topics:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, "the topic is there")
            self._topics[request.name] = request
        return request

    def publish(self, request: types.PublishRequest, context: grpc.ServicerContext) -> types.PublishResponse:
        """Take messages, for every subscription of the topic."""
        if request.topic not in self._topics:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such topic")
        if why := next(filter(None, map(refused_message, request.messages)), ""):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, why)
        ids = []
        for message in request.messages:
            with self._lock:
                message.message_id = str(next(self._numbers))
                message.publish_time = datetime.now(UTC)
                ids.append(message.message_id)
                for line in self._lines.values():
                    if line.wanted.topic == request.topic:
                        line.ready.put((message, 0))
        return types.PublishResponse(message_ids=ids)

    def create_subscription(self, request: types.Subscription, context: grpc.ServicerContext) -> types.Subscription:
        """Make a subscription; one that is pushed begins to be."""
        with self._lock:
            if request.name in self._lines:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, "the subscription is there")
            if request.topic not in self._topics:
                context.abort(grpc.StatusCode.NOT_FOUND, "there is no such topic")
            line = self._lines[request.name] = _Line(request)
        if request.push_config.push_endpoint:
            for _ in range(_PUSHERS):
                threading.Thread(target=line.push, daemon=True).start()
        return request

    def get_subscription(
        self, request: types.GetSubscriptionRequest, context: grpc.ServicerContext
    ) -> types.Subscription:
        """Tell of a subscription."""
        subscription: types.Subscription = self._line(request.subscription, context).wanted
        return subscription

    def delete_subscription(self, request: types.DeleteSubscriptionRequest, context: grpc.ServicerContext) -> Any:
        """End a subscription."""
        self._line(request.subscription, context).closed.set()
        with self._lock:
            self._lines.pop(request.subscription, None)
        return empty_pb2.Empty()

    def pull(self, request: types.PullRequest, context: grpc.ServicerContext) -> types.PullResponse:
        """Hand out messages."""
        taken = self._line(request.subscription, context).take(request.max_messages)
        return types.PullResponse(
            received_messages=[types.ReceivedMessage(ack_id=handle, message=message) for handle, message in taken]
        )

    def acknowledge(self, request: types.AcknowledgeRequest, context: grpc.ServicerContext) -> Any:
        """Take messages off."""
        self._line(request.subscription, context).settle(list(request.ack_ids))
        return empty_pb2.Empty()

    def modify_ack_deadline(self, request: types.ModifyAckDeadlineRequest, context: grpc.ServicerContext) -> Any:
        """Hold messages longer, or no longer."""
        line = self._line(request.subscription, context)
        line.settle(list(request.ack_ids), request.ack_deadline_seconds)
        return empty_pb2.Empty()

    def _line(self, name: str, context: grpc.ServicerContext) -> _Line:
        line = self._lines.get(name)
        if line is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such subscription")
        assert line is not None  # noqa: S101 - abort raises; this tells the type checker
        return line

    def close(self) -> None:
        """Push nothing more."""
        for line in self._lines.values():
            line.closed.set()

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """What answers each method."""
        publisher: dict[str, tuple[Callable[..., Any], Any]] = {
            "CreateTopic": (self.create_topic, types.Topic),
            "Publish": (self.publish, types.PublishRequest),
        }
        subscriber: dict[str, tuple[Callable[..., Any], Any]] = {
            "CreateSubscription": (self.create_subscription, types.Subscription),
            "GetSubscription": (self.get_subscription, types.GetSubscriptionRequest),
            "DeleteSubscription": (self.delete_subscription, types.DeleteSubscriptionRequest),
            "Pull": (self.pull, types.PullRequest),
            "Acknowledge": (self.acknowledge, types.AcknowledgeRequest),
            "ModifyAckDeadline": (self.modify_ack_deadline, types.ModifyAckDeadlineRequest),
        }
        return [
            grpc.method_handlers_generic_handler(
                f"google.pubsub.v1.{service}",
                {
                    name: grpc.unary_unary_rpc_method_handler(answer, request.deserialize, _serialised)
                    for name, (answer, request) in methods.items()
                },
            )
            for service, methods in (("Publisher", publisher), ("Subscriber", subscriber))
        ]


@contextmanager
def pubsub_service() -> Iterator[str]:
    """The stand-in, up on a free port of the loopback; its address, as ``PUBSUB_EMULATOR_HOST`` wants it."""
    service = PubSubService()
    server = grpc.server(futures.ThreadPoolExecutor(_WORKERS), handlers=service.handlers())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        service.close()
        server.stop(grace=None).wait()


def _serialised(message: Any) -> bytes:
    made = message if hasattr(message, "SerializeToString") else type(message).pb(message)
    sent: bytes = made.SerializeToString()
    return sent
