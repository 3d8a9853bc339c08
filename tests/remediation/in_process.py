"""The fake of Google's REST APIs without a socket: the client's requests go straight to it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter
from werkzeug.test import EnvironBuilder, run_wsgi_app

from setpoint.adapters.google.rest import GoogleRest, RetryPolicy
from setpoint_tools.testing.google_apis import GoogleApis


class _Straight(BaseAdapter):
    """Answers requests by a WSGI application."""

    def __init__(self, application: Any) -> None:
        super().__init__()
        self._application = application

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The application's answer; a connection that it drops is lost."""
        del stream, timeout, verify, cert, proxies
        address = urlsplit(request.url or "")
        builder = EnvironBuilder(
            method=request.method or "GET",
            path=address.path,
            query_string=address.query,
            headers=dict(request.headers),
            data=request.body,
        )
        environ = builder.get_environ()
        environ["REQUEST_URI"] = address.path
        environ["werkzeug.socket"] = _Dropped()
        body, status, headers = run_wsgi_app(self._application, environ)
        content = b"".join(body)
        if status.startswith("500 Lost"):
            raise requests.ConnectionError("the connection was dropped")
        answer = requests.Response()
        answer.status_code = int(status.partition(" ")[0])
        answer.reason = status.partition(" ")[2]
        answer.headers.update(dict(headers))
        answer.raw = io.BytesIO(content)
        answer._content = content
        answer.url, answer.request = request.url or "", request
        return answer

    def close(self) -> None:
        """Nothing is open."""


class _Dropped:
    def shutdown(self, how: int) -> None:
        """The connection is dropped by the status."""


IMPATIENT = RetryPolicy(call=5, first=0.0001, longest=0.001)


def in_process(application: Any, retries: RetryPolicy = IMPATIENT) -> GoogleRest:
    """The product's own client on a fake in the same process."""
    session = requests.Session()
    session.trust_env = False  # no proxy is looked for on the way
    session.mount("http://", _Straight(application))
    return GoogleRest(session, "http://fake.invalid", retries)


@pytest.fixture
def apis_in_process() -> GoogleApis:
    """The fake of Google's REST APIs, for tests that are not about connections."""
    return GoogleApis()


@pytest.fixture
def rest_in_process(apis_in_process: GoogleApis) -> GoogleRest:
    """The product's own client on that fake."""
    return in_process(apis_in_process)
