"""Serve the report page to users of Identity-Aware Proxy, from a read-only store."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from setpoint.errors import AccessDenied, SetpointError, Unavailable
from setpoint.ports.reports import ReportStore
from setpoint.reporting.html import build, load, page
from setpoint.util.clock import utc_now

HEADER = "X-Goog-IAP-JWT-Assertion"
PERIOD = timedelta(days=30)
KEPT = timedelta(seconds=30)
"""How long a generated page is cached."""

_ALWAYS = {
    "Cache-Control": "private, no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


_STATUS: dict[type[SetpointError], int] = {AccessDenied: 403, Unavailable: 503}
"""The status of an error; 500 for others."""


class Response(NamedTuple):
    """The response to a request.

    Args:
        status: the status.
        headers: the headers.
        body: the body.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class IdentityVerifier(Protocol):
    """Verifies the identity of users."""

    def identity(self, assertion: str) -> str:
        """The identity of a user.

        Raises:
            AccessDenied: the assertion is missing or invalid.
            Unavailable: the identity cannot be verified now; try again.
        """


class _CachedPage(NamedTuple):
    """A generated page in the cache."""

    made_at: datetime
    body: bytes
    zipped: bytes
    tag: str


class Console:
    """Answers requests for the page.

    Args:
        store: the store.
        url: its URL, for the commands that the page shows.
        verifier: verifies the identity of users.
        clock: gives the current time.
        kept: how long a generated page is cached.
    """

    def __init__(
        self,
        store: ReportStore,
        url: str,
        verifier: IdentityVerifier,
        clock: Callable[[], datetime] = utc_now,
        kept: timedelta = KEPT,
    ) -> None:
        self._for = kept
        self._store, self._url, self._verifier, self._clock = store, url, verifier, clock
        self._lock = threading.Lock()
        self._kept: _CachedPage | None = None

    def answer(self, method: str, path: str, header: Callable[[str], str | None]) -> Response:
        """Answer one request.

        Args:
            method: the method; only GET and HEAD are allowed.
            path: the path; there is one page.
            header: gives the value of a request header.
        """
        try:
            self._verifier.identity(header(HEADER) or "")
            if method not in ("GET", "HEAD"):
                return _text_response(405, "this page is for reading", Allow="GET, HEAD")
            if path != "/":
                return _text_response(404, "there is one page here, at /")
            return _served(self._page(), method, header)
        except SetpointError as error:
            return _text_response(_STATUS.get(type(error), 500), str(error))

    def _page(self) -> _CachedPage:
        """The cached page, or a new one; concurrent requests wait for the same page."""
        with self._lock:
            now = self._clock()
            if self._kept is None or now - self._kept.made_at >= self._for:
                facts = load.gather(self._store, self._url, trails=0)
                body = page.render(build.build(facts, now - PERIOD, now))
                tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
                self._kept = _CachedPage(now, body, gzip.compress(body, 5, mtime=0), tag)
            return self._kept


def _served(kept: _CachedPage, method: str, header: Callable[[str], str | None]) -> Response:
    headers = {
        **_ALWAYS,
        "Content-Security-Policy": f"{page.policy()}; frame-ancestors 'none'",
        "Content-Type": "text/html; charset=utf-8",
        "ETag": kept.tag,
        "Vary": "Accept-Encoding",
    }
    known = {tag.strip().removeprefix("W/") for tag in (header("If-None-Match") or "").split(",")}
    if kept.tag in known:
        return Response(304, headers, b"")
    body = kept.body
    if "gzip" in (header("Accept-Encoding") or ""):
        headers["Content-Encoding"] = "gzip"
        body = kept.zipped
    headers["Content-Length"] = str(len(body))
    return Response(200, headers, b"" if method == "HEAD" else body)


def _text_response(status: int, text: str, **headers: str) -> Response:
    policy = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
    more = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return Response(status, {**_ALWAYS, **policy, **more, **headers}, f"{text}\n".encode())
