"""The server of the fakes answers as WSGI has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import requests

from setpoint_tools.testing.http_server import serving


def application(environ: dict[str, Any], start_response: Callable[..., Callable[[bytes], object]]) -> Iterable[bytes]:
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/written":
        write(b"first, ")
    return [environ["wsgi.input"].read(), b"last"]


@pytest.mark.parametrize(("path", "body"), [("/written", "first, asked, last"), ("/returned", "asked, last")])
def test_what_an_application_writes_comes_before_what_it_returns(path: str, body: str) -> None:
    with serving(application) as address, requests.Session() as session:
        answers = [session.post(f"{address}{path}", data=b"asked, ", timeout=10) for _ in range(2)]

    assert [answer.text for answer in answers] == [body, body]
