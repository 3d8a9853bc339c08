"""Send requests to the API of a code host, and convert its errors; a token appears in no error."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import requests

from setpoint.adapters.retry_after import seconds_of
from setpoint.errors import AccessDenied, BadRequest, Conflict, IncompleteListing, Throttled, Unavailable

SECONDS = 20.0
PAGE = 100
MAX_PAGES = 50
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TIMEOUT, _CONFLICT, _TOO_MANY = 401, 403, 404, 408, 409, 429
_BROKEN = 500
_SECONDARY = 60.0
"""Seconds to wait for a secondary rate limit that names no time.

Source: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
"""
_LONGEST = 3600.0
_SAME_COMMIT_SECONDS = 5.0
"""Seconds between the two dates of a commit that an API makes, at most."""


class ApiResponse(NamedTuple):
    """An answer of the API.

    Args:
        status: its HTTP status.
        data: its body; None where it is not JSON.
        content: its body as it came.
    """

    status: int
    data: Any
    content: bytes

    @property
    def message(self) -> str:
        """What the service says of the error."""
        if not isinstance(self.data, dict):
            return ""
        texts = [self.data.get("message"), self.data.get("error"), *_listed(self.data.get("errors"))]
        return "; ".join(str(text) for text in texts if text)[:300]


def text_of(answer: ApiResponse) -> str | None:
    """The text of a file; None where there is none, or it is not text."""
    if answer.status == _NOT_FOUND:
        return None
    try:
        return answer.content.decode()
    except UnicodeDecodeError:
        return None


def _listed(errors: Any) -> list[Any]:
    parts = errors if isinstance(errors, list) else []
    return [part.get("message") or part.get("code") if isinstance(part, dict) else part for part in parts]


class Rest:
    """The API of a code host, for one repository.

    Args:
        what: the name of the repository in the settings, for errors.
        api: the URL of the API.
        session: kept for the life of the process.
        headers: gives the headers of a request, with the token.
        clock: the current time in seconds.
        seconds: timeout in seconds.
    """

    def __init__(
        self,
        what: str,
        api: str,
        session: requests.Session,
        headers: Callable[[], Mapping[str, str]],
        clock: Callable[[], float] = time.time,
        seconds: float = SECONDS,
    ) -> None:
        self.what = what
        self.seconds = seconds
        self._api = api.rstrip("/")
        self._session = session
        self._headers = headers
        self._clock = clock

    def call(
        self,
        verb: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
        expected: Collection[int] = (),
    ) -> ApiResponse:
        """Send a request once.

        Args:
            verb: the HTTP method.
            path: the path below the API's URL.
            body: JSON; None for no body.
            query: query parameters.
            accept: the media type of the answer.
            expected: statuses of errors that the caller handles.

        Raises:
            Throttled: the rate limit is reached.
            Unavailable: whether the request took effect is unknown.
            Conflict: another change was made to the same thing.
            BadRequest: it never succeeds.
        """
        headers = {**self._headers(), "Accept": accept}
        data = None
        if body is not None:
            data, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        try:
            response = self._session.request(
                verb,
                f"{self._api}{path}",
                data=data,
                params=dict(query or {}),
                headers=headers,
                timeout=self.seconds,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unavailable(f"repository `{self.what}`: no response ({type(error).__name__})") from None
        answer = ApiResponse(response.status_code, _parsed(response.content), response.content)
        if answer.status not in expected:
            self._check(answer, response.headers)
        return answer

    def pages(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The elements of a listing in pages.

        Raises:
            IncompleteListing: there may be more elements than are read.
        """
        for page in range(1, MAX_PAGES + 1):
            answer = self.call("GET", path, query={**(query or {}), "per_page": str(PAGE), "page": str(page)})
            if not isinstance(answer.data, list):
                raise Unavailable(f"repository `{self.what}`: answered with no list")
            yield from answer.data
            if len(answer.data) < PAGE:
                return
        raise IncompleteListing(
            f"repository `{self.what}`: {path.rpartition('/')[2]} cannot be listed whole: "
            f"there are more than {MAX_PAGES * PAGE}"
        )

    def _check(self, answer: ApiResponse, headers: Mapping[str, str]) -> None:
        status, what = answer.status, f"repository `{self.what}`"
        if 200 <= status < 300:  # noqa: PLR2004 - of HTTP
            return
        if (wait := self._wait(answer, headers)) is not None:
            raise Throttled(what, wait)
        if status >= _BROKEN or status == _TIMEOUT:
            raise Unavailable(f"{what}: returned {status}; the effect is unknown")
        if status == _CONFLICT:
            raise Conflict(f"{what}: {answer.message or 'another change was made to the same thing'}")
        if status == _UNAUTHORIZED:
            raise BadRequest(f"{what}: the token is not accepted; add a new version of the secret setpoint-sinks")
        if status == _FORBIDDEN:
            reason = f"the token may not do that ({answer.message}); see docs/into-code.md for its permissions"
            raise AccessDenied(what, "contents and pull requests: write", reason)
        if status == _NOT_FOUND:
            raise BadRequest(f"{what}: not found, or the token does not reach it; check its url in setpoint-sinks")
        if status < 400:  # noqa: PLR2004 - of HTTP
            raise BadRequest(f"{what}: it has moved; correct its url in setpoint-sinks")
        raise BadRequest(f"{what}: refused with {status}: {answer.message or 'see its log for the reason'}")

    def _wait(self, answer: ApiResponse, headers: Mapping[str, str]) -> float | None:
        """Seconds to wait for a rate limit; None where there is none."""
        if answer.status not in (_FORBIDDEN, _TOO_MANY):
            return None
        if "Retry-After" in headers:
            return seconds_of(headers["Retry-After"])
        reset = headers.get("X-RateLimit-Reset", "")
        if headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
            return min(max(float(reset) - self._clock(), 1.0), _LONGEST)
        is_limit = answer.status == _TOO_MANY or "rate limit" in answer.message.lower()
        return _SECONDARY if is_limit else None


def is_amended(written: str, committed: str) -> bool:
    """Whether a commit was committed again after it was written, by its dates; an API writes both at once.

    ``git commit --amend`` and ``git rebase`` keep the first and renew the second:
    https://git-scm.com/docs/git-commit#Documentation/git-commit.txt---reset-author
    """
    first, last = (datetime.fromisoformat(date).timestamp() for date in (written, committed))
    return abs(last - first) > _SAME_COMMIT_SECONDS


def _parsed(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content) if content else None
    except (msgspec.DecodeError, UnicodeError):
        return None
