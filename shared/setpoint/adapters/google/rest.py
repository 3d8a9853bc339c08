"""Google's REST APIs: read a live resource, send a planned write, poll an operation."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import google.auth
import requests
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import AuthorizedSession
from urllib3.exceptions import HTTPError, NewConnectionError

from setpoint.adapters.google import responses
from setpoint.adapters.retry_after import http_date
from setpoint.errors import LOG_IN, BadRequest, Unavailable
from setpoint.model.write_plan import Call, Done, Failed, Running, Started, WritePlan, Written
from setpoint.remediation import operations
from setpoint.util.retries import backoff

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_WRITE_TRIES = 2
"""Maximum number of attempts of a write to a busy API; the engine retries later with longer waits."""


class RetryPolicy(NamedTuple):
    """Timeouts and retries, in seconds.

    Args:
        call: timeout of one call.
        first: wait before the first retry; doubled for each further one.
        longest: maximum wait.
        tries: maximum number of attempts.
    """

    call: float = 30
    first: float = 0.5
    longest: float = 8
    tries: int = 4


def session(quota_project: str = "") -> AuthorizedSession:
    """A session with the credentials of the environment.

    Args:
        quota_project: the project whose quota is used; empty for that of the credentials.

    Raises:
        BadRequest: there are no credentials; log in.
    """
    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE], quota_project_id=quota_project or None)
    except GoogleAuthError as error:
        raise BadRequest(f"no credentials for Google's APIs; {LOG_IN}") from error
    return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]


def open_apis(instead: str = "", retries: RetryPolicy = RetryPolicy()) -> GoogleRest:  # noqa: B008 - immutable
    """Google's REST APIs with the credentials of the environment, or a substitute server without credentials.

    Args:
        instead: URL of a server in place of all of Google's APIs, ``http://127.0.0.1:8080``, for tests; empty for none.
        retries: timeouts and retries.

    Raises:
        BadRequest: there are no credentials; log in.
    """
    if instead:
        return GoogleRest(requests.Session(), instead.rstrip("/"), retries)
    return GoogleRest(session(), retries=retries)


class GoogleRest:
    """``ResourceApi`` over HTTP.

    Args:
        session: kept for the life of the process.
        base_url: sends every request there, with the API's host as the first part of the path, for tests; empty for
            none.
        retries: timeouts and retries.
    """

    def __init__(self, session: requests.Session, base_url: str = "", retries: RetryPolicy = RetryPolicy()) -> None:  # noqa: B008 - immutable
        self._session = session
        self._base_url = base_url
        self._retries = retries

    def read(self, call: Call) -> Any:
        """See ``ResourceApi.read``."""
        answer = self._send(call, again=responses.is_transient)
        return None if responses.classify(answer) == "gone" else responses.body(call, answer)

    def write(self, plan: WritePlan) -> Written | Started | Failed:
        """See ``ResourceApi.write``."""
        call = plan.call
        answer = self._send(call, again=_is_busy if call.guarded else _never, reading=False)
        body = responses.body(call, answer)
        if not call.long_running:
            return Written()
        match operations.progress(body):
            case Done():
                return Written()
            case Failed(reason):
                return Failed(f"{call.method} on {plan.key.name} failed: {reason}")
        where = operations.address(call, body)
        if not where:
            raise Unavailable(
                f"{call.method} on {plan.key.name} goes on, and its answer does not say where: read again"
            )
        return Started(where)

    def operation(self, started: Started) -> Running | Done | Failed:
        """See ``ResourceApi.operation``."""
        call = Call("operations.get", "GET", started.url, permission="operations.get")
        answer = self._send(call, again=responses.is_transient)
        if responses.classify(answer) == "gone":
            return Failed("the operation is no longer known: read the resource again")
        return operations.progress(responses.body(call, answer))

    def time(self) -> datetime:
        """The current time of Google's servers, to the second.

        Raises:
            Unavailable: no server answers; try again.
        """
        call = Call("clock", "GET", "https://www.googleapis.com/generate_204")
        date = http_date(self._send(call, again=responses.is_transient).headers.get("Date", ""))
        if date is None:
            raise Unavailable(f"{call.url} does not say the time; try again later")
        return date.astimezone(UTC)

    def _send(
        self, call: Call, *, again: Callable[[requests.Response], bool], reading: bool = True
    ) -> requests.Response:
        """Send a request; retry it only if that does no harm."""
        retries = self._retries
        for tries in range(1, retries.tries + 1):
            answer, failure = self._once(call)
            if failure is not None and not (reading or _never_left(failure)):
                raise Unavailable(
                    f"{call.method} at {call.url}: no response ({type(failure).__name__}); it may have been done"
                ) from failure
            if answer is not None and not again(answer):
                return answer
            is_last = tries == retries.tries or (answer is not None and not reading and tries >= _WRITE_TRIES)
            if is_last or (answer is not None and responses.wait(answer) > retries.longest):
                break
            time.sleep(_pause(retries, tries, answer))
        if answer is not None:
            return answer
        raise Unavailable(f"{call.method} at {call.url}: no response, {retries.tries} times in a row") from failure

    def _once(self, call: Call) -> tuple[requests.Response | None, Exception | None]:
        try:
            answer = self._session.request(
                call.verb,
                self._address(call.url),
                params=call.query or None,
                json=call.body,
                headers=dict(call.headers) or None,
                timeout=self._retries.call,
                allow_redirects=False,
            )
        except (requests.RequestException, HTTPError, TransportError) as failure:
            return None, failure
        except GoogleAuthError as error:
            raise BadRequest(f"{call.method}: the credentials are not accepted; check the service account") from error
        return answer, None

    def _address(self, url: str) -> str:
        if not self._base_url:
            return url
        parts = urlsplit(url)
        return f"{self._base_url}/{parts.netloc}{parts.path}"


def _never_left(failure: Exception) -> bool:
    """Whether a request certainly did not reach the API because no connection was made."""
    if isinstance(failure, requests.ConnectTimeout | TransportError):
        return True
    reason = getattr(failure.args[0], "reason", None) if failure.args else None
    return isinstance(failure, requests.ConnectionError) and isinstance(reason, NewConnectionError)


def _pause(retries: RetryPolicy, tries: int, answer: requests.Response | None) -> float:
    """The API's requested wait, or exponential backoff with jitter; a longer request is left to the engine."""
    asked = responses.wait(answer) if answer is not None else 0.0
    return asked or backoff(retries.first, retries.longest, tries - 1)


def _is_busy(answer: requests.Response) -> bool:
    return responses.classify(answer) == "busy"


def _never(answer: requests.Response) -> bool:
    del answer
    return False
