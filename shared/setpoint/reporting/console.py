"""The page, served live: for whom Identity-Aware Proxy lets in, from a store that nothing is written to."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from setpoint.errors import AccessDenied, SetpointError, Unavailable
from setpoint.ports.stores import ReportStore
from setpoint.reporting.html import build, load, page

HEADER = "X-Goog-IAP-JWT-Assertion"
PERIOD = timedelta(days=30)
KEPT = timedelta(seconds=30)
"""How long a page is served again before another is made."""

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
"""What an error is answered with; any other is the installation's."""


class Response(NamedTuple):
    """What is answered to a request.

    Args:
        status: the status.
        headers: the headers.
        body: the body.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class IdentityVerifier(Protocol):
    """Knows who was let in."""

    def identity(self, assertion: str) -> str:
        """Who somebody is.

        Raises:
            AccessDenied: nobody who was let in.
            Unavailable: nobody can say now.
        """


class _CachedPage(NamedTuple):
    """A page that was made."""

    made_at: datetime
    body: bytes
    zipped: bytes
    tag: str


def _now() -> datetime:
    return datetime.now(UTC)


class Console:
    """Answers requests for the page.

    Args:
        store: the store.
        url: its URL, for the commands that the page shows.
        verifier: knows who was let in.
        clock: tells the time.
        kept: how long a page is served again before another is made.
    """

    def __init__(
        self,
        store: ReportStore,
        url: str,
        verifier: IdentityVerifier,
        clock: Callable[[], datetime] = _now,
        kept: timedelta = KEPT,
    ) -> None:
        self._for = kept
        self._store, self._url, self._verifier, self._clock = store, url, verifier, clock
        self._lock = threading.Lock()
        self._kept: _CachedPage | None = None

    def answer(self, method: str, path: str, header: Callable[[str], str | None]) -> Response:
        """Answer one request.

        Args:
            method: the method; nothing but GET and HEAD is answered.
            path: the path; there is one page.
            header: gives the value of a header of the request.
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
        """The page that is kept, or a new one; many who ask at once wait for one."""
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
