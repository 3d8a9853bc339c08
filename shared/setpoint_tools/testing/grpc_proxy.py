"""A proxy between Google's clients and an emulator: counts the calls, delays them, lets them fail, leads elsewhere.

What passes through is not looked into, so that it works for every service of gRPC.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import grpc

_NO_LIMIT = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
_WORKERS = 64
_RESERVED = ("grpc-", "user-agent", ":", "content-type", "te")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with calls.

    Args:
        method: the method's name, ``Commit``.
        code: what is answered.
        share: of the calls.
        when: ``before`` the emulator sees the call, or ``after``, so that it has had its effect.
    """

    method: str
    code: grpc.StatusCode
    share: float = 1.0
    when: Literal["before", "after"] = "before"


class GrpcProxy(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Stands in front of an emulator.

    Args:
        target: ``127.0.0.1:PORT`` of what is behind.
    """

    def __init__(self, target: str) -> None:
        self.address = ""
        """``127.0.0.1:PORT`` of the proxy itself."""
        self.calls: Counter[str] = Counter()
        """Calls so far, by the name of the method."""
        self.faults: list[Fault] = []
        """What goes wrong, until it is taken out."""
        self.is_away = False
        """Whether every call is answered with UNAVAILABLE."""
        self.pause = 0.0
        """Seconds before each call is passed on."""
        self._rng = random.Random(0)  # noqa: S311 - faults, no secret
        self._channel = _open(target)

    def lead_to(self, target: str) -> None:
        """Lead to another emulator from now on; calls that are under way end."""
        before, self._channel = self._channel, _open(target)
        before.close()

    def close(self) -> None:
        """End all calls that are under way."""
        self._channel.close()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """What answers a method, whichever it is: to gRPC a single message is a stream of one."""
        name = details.method.rpartition("/")[2]

        def answer(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            self.calls[name] += 1
            faults = [fault for fault in self.faults if fault.method == name and self._rng.random() < fault.share]
            if self.pause:
                time.sleep(self.pause)
            if self.is_away:
                context.abort(grpc.StatusCode.UNAVAILABLE, "away")
            _fail(faults, "before", context)
            call = self._channel.stream_stream(details.method)(requests, metadata=_passed_on(context))
            context.add_callback(call.cancel)
            try:
                if any(fault.when == "after" for fault in faults):
                    list(call)
                else:
                    yield from call
            except grpc.RpcError as error:
                context.set_trailing_metadata(error.trailing_metadata() or ())
                context.abort(error.code(), error.details())
            except ValueError:  # the channel was closed
                context.abort(grpc.StatusCode.UNAVAILABLE, "gone elsewhere")
            _fail(faults, "after", context)

        return grpc.stream_stream_rpc_method_handler(answer)


def _open(target: str) -> grpc.Channel:
    return grpc.insecure_channel(target, options=_NO_LIMIT)


def _fail(faults: list[Fault], when: str, context: grpc.ServicerContext) -> None:
    for fault in faults:
        if fault.when == when:
            context.abort(fault.code, "told to fail")


def _passed_on(context: grpc.ServicerContext) -> list[tuple[str, str | bytes]]:
    """What the client says beside its message, less what gRPC says by itself."""
    return [(key, value) for key, value in context.invocation_metadata() if not key.startswith(_RESERVED)]


@contextmanager
def grpc_proxy(target: str) -> Iterator[GrpcProxy]:
    """A proxy, up on a free port of the loopback."""
    proxy = GrpcProxy(target)
    server = grpc.server(futures.ThreadPoolExecutor(_WORKERS), handlers=(proxy,), options=_NO_LIMIT)
    proxy.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield proxy
    finally:
        proxy.close()
        server.stop(grace=None).wait()
