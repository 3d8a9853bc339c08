"""Authenticate calls of a function by the token of Pub/Sub.

Cloud Run checks the token, too; this second check protects against mistakes in IAM or ingress settings.
Source: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from google.auth import exceptions, transport
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from setpoint.errors import AccessDenied, Unavailable

_MAX_AGE = re.compile(r"max-age=(\d+)")
_SKEW_SECONDS = 10


class CachedCertificates(transport.Request):
    """Fetches Google's certificates, with a cache that follows their ``max-age``.

    Args:
        fetch: sends a request, in the form of google-auth's transport.
        clock: monotonic seconds.
    """

    def __init__(self, fetch: Callable[..., Any] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch or Request()
        self._clock = clock
        self._kept: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def __call__(self, url: Any, method: Any = "GET", *more: Any, **options: Any) -> Any:
        """The answer to a request; the cached one while it is fresh."""
        with self._lock:
            until, answer = self._kept.get(url, (0.0, None))
            if answer is not None and self._clock() < until:
                return answer
            answer = self._fetch(url, method, *more, **options)
            max_age = _MAX_AGE.search(_header(answer.headers, "cache-control"))
            if max_age is not None and answer.status == 200:  # noqa: PLR2004 - OK
                self._kept[url] = (self._clock() + int(max_age[1]), answer)
            return answer


class PushTokens:
    """Checks the tokens of pushed messages.

    Args:
        audience: the expected audience, which is the function's own URL; empty for any.
        account: the e-mail address of the expected service account.
        certificates: fetches Google's certificates.
    """

    def __init__(self, audience: str, account: str, certificates: transport.Request | None = None) -> None:
        self._audience = audience
        self._account = account
        self._certificates = certificates or CachedCertificates()

    def check(self, authorization: str) -> None:
        """Check that a request has a valid token of the expected account for this function.

        Args:
            authorization: the ``Authorization`` header.

        Raises:
            AccessDenied: the token is missing or invalid.
            Unavailable: Google's certificates cannot be fetched; try again.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _denied("it carries no token")
        try:
            claims = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]
                token, self._certificates, audience=self._audience or None, clock_skew_in_seconds=_SKEW_SECONDS
            )
        except exceptions.TransportError as error:
            raise Unavailable("Google's certificates cannot be fetched; the message will be delivered again") from error
        except (exceptions.GoogleAuthError, ValueError) as error:
            raise _denied(f"its token is invalid ({type(error).__name__})") from None
        if claims.get("email") != self._account or claims.get("email_verified") is not True:
            raise _denied(f"its token is not from {self._account}")


def _denied(reason: str) -> AccessDenied:
    return AccessDenied(
        "a pushed message", "run.invoker", f"{reason}; check the OIDC settings of the push subscription"
    )


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")
