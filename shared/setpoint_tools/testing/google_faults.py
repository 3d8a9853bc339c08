"""Faults of the fake of Google's APIs, and the journal of successful requests."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from werkzeug.wrappers import Request, Response

from setpoint_tools.testing.google_bodies import ApiError

_STATUS = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
}


class Effect(NamedTuple):
    """A write that took effect: the method, the resource's address, and the resource before and after."""

    method: str
    url: str
    before: Any
    after: Any


class Fault(NamedTuple):
    """What goes wrong with a request.

    Args:
        status: the answer, in place of doing anything; 0 for none.
        reason: the reason in that answer.
        lost: ``before`` drops the connection without doing anything, ``after`` when all is done; ``shown`` does all,
            and answers as the fault says.
        delay: seconds before anything is done.
        operation: the operation that the request starts ends with this error, and without effect.
        has_effect: it takes effect all the same.
        wait: seconds that the answer asks to wait.
        body: the body of the answer in place of Google's own error; None for that.
        form: its content type.
        encoding: what it says to be compressed as.
        location: where it redirects to.
    """

    status: int = 0
    reason: str = ""
    lost: str = ""
    delay: float = 0
    operation: str = ""
    has_effect: bool = False
    wait: int = 0
    body: bytes | None = None
    form: str = "application/json"
    encoding: str = ""
    location: str = ""

    @property
    def answer(self) -> Response:
        """The answer in place of the real one."""
        if self.body is None:
            answer = refusal(ApiError(self.status, self.reason or "injected", "the test asked for it"))
        else:
            answer = Response(self.body, status=self.status, content_type=self.form)
        headers = {"Retry-After": self.wait, "Content-Encoding": self.encoding, "Location": self.location}
        answer.headers.update({name: str(value) for name, value in headers.items() if value})
        return answer


def path_of(request: Request) -> str:
    """The path as it was sent, host first; an escaped slash stays one, since it is part of a name."""
    raw = urlsplit(str(request.environ.get("REQUEST_URI", request.path))).path
    return unquote(raw.lstrip("/").replace("%2F", "%252F"))


class Planned:
    """A fault, and the requests that it is for."""

    def __init__(self, fault: Fault, verb: str, path: str, times: int) -> None:
        self.fault = fault
        self.verb = verb
        self.path = path
        self.left = times

    def applies(self, request: Request) -> bool:
        """Whether this request goes wrong."""
        return self.left != 0 and self.verb in ("", request.method) and self.path in path_of(request)


def refusal(error: ApiError) -> Response:
    """An error as Google's APIs answer it."""
    body = {
        "error": {
            "code": error.status,
            "message": error.message,
            "status": _STATUS.get(error.status, "UNKNOWN"),
            "errors": [{"reason": error.reason, "message": error.message}],
        }
    }
    return Response(json.dumps(body), status=error.status, content_type="application/json")


def hang_up(environ: Mapping[str, Any], start_response: Any) -> list[bytes]:
    """Drop the connection in place of an answer."""
    with suppress(OSError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    start_response("500 Lost", [])
    return []
