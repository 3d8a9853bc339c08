"""A fake receiver of webhooks: it stores requests, checks signatures, and returns faults on request.

What has an id that it knows already, it has taken before: ``Setpoint-Id``, Google Chat's ``requestId``, or PagerDuty's
``dedup_key``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from werkzeug.wrappers import Request, Response

from setpoint_tools.testing.google_faults import hang_up
from setpoint_tools.testing.http_server import serving
from setpoint_tools.testing.slack_faults import NONE, Fault, wait_for_the_end

_WINDOW = 300


class ReceivedRequest(NamedTuple):
    """A request that was taken.

    Args:
        path: of its address.
        query: of its address.
        headers: by their names in lower case.
        body: what it said.
    """

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def id(self) -> str:
        """By what it is known again; empty where it tells nothing of that."""
        known = self.headers.get("setpoint-id") or self.query.get("requestId", "")
        incident = self.body.get("dedup_key")
        return f"{incident} {self.body['event_action']}" if incident else known


class Webhooks:
    """What was sent, and the faults that are to be shown.

    ``requests`` holds all that was taken in its order, ``refused`` how many were not since their signature was wrong.

    Args:
        secret: by which requests are signed; empty where they are not.
        clock: the time, in seconds.
    """

    def __init__(self, secret: str = "", clock: Callable[[], float] = time.time) -> None:
        self.plan: list[Fault] = []
        self.requests: list[ReceivedRequest] = []
        self.refused = 0
        self._secret = secret
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def accepted(self) -> list[ReceivedRequest]:
        """What was taken, each once."""
        return list({request.id or str(position): request for position, request in enumerate(self.requests)}.values())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request, as a WSGI application."""
        request = Request(environ)
        body = request.get_data()
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._lock:
            fault = self.plan.pop(0) if self.plan else NONE
            if self._secret and not is_signed(body, headers, self._secret, self._clock()):
                self.refused += 1
                fault = Fault(status=401)
            if fault == NONE or fault.taken:
                self.requests.append(ReceivedRequest(request.path, request.args.to_dict(), headers, json.loads(body)))
        if fault.silent:
            wait_for_the_end(environ)
        if fault.lost or fault.silent:
            return hang_up(environ, start_response)
        answer = Response("{}", status=fault.status if fault.status != 200 else 500 if fault.error else 200)  # noqa: PLR2004 - of HTTP
        if fault.retry_after:
            answer.headers["Retry-After"] = f"{fault.retry_after:g}"
        return answer(environ, start_response)


def is_signed(body: bytes, headers: Mapping[str, str], secret: str, now: float) -> bool:
    """Whether a request is Setpoint's, and not older than five minutes; as a receiver checks it.

    Args:
        body: as it came.
        headers: by their names in lower case.
        secret: the one that was agreed on.
        now: the time, in seconds.
    """
    timestamp = headers.get("setpoint-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdecimal()) or abs(now - int(timestamp)) > _WINDOW:
        return False
    wanted = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    given = headers.get("setpoint-signature", "").encode()
    return hmac.compare_digest(f"v1={wanted}".encode(), given)


@contextmanager
def webhooks(secret: str = "", clock: Callable[[], float] = time.time) -> Iterator[tuple[Webhooks, str]]:
    """The fake, up on a free loopback port, and its address."""
    service = Webhooks(secret, clock)
    with serving(service) as address:
        yield service, address
