"""Verify the identity of a user by Identity-Aware Proxy's signed assertion.

Source: https://cloud.google.com/iap/docs/signed-headers-howto
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from google.auth import exceptions
from google.auth.transport import Request
from google.oauth2 import id_token

from setpoint.errors import AccessDenied, Unavailable

KEYS = "https://www.gstatic.com/iap/verify/public_key"
"""URL of the public keys for assertions."""

_ISSUER = "https://cloud.google.com/iap"
_KEPT = 3600.0
_ASKED_AGAIN = 60.0
"""Minimum age of cached keys in seconds, before an unknown key causes another fetch."""
_SKEW = 30


class _CachedCertificates(Request):
    """A transport of google-auth with a cache of one hour, since keys change every few weeks."""

    def __init__(self, transport: Callable[..., Any], clock: Callable[[], float]) -> None:
        self._transport, self._clock = transport, clock
        self._lock = threading.Lock()
        self._response: Any = None
        self._fetched = 0.0

    def __call__(self, url: str, method: str = "GET", *more: Any, **named: Any) -> Any:
        with self._lock:
            if self._response is None or self._clock() - self._fetched > _KEPT:
                response = self._transport(url, method, *more, **named)
                if response.status != 200:  # noqa: PLR2004 - OK
                    return response
                self._response, self._fetched = response, self._clock()
            return self._response

    def forget(self) -> bool:
        """Drop the cached keys; False if they were just fetched."""
        with self._lock:
            if self._clock() - self._fetched < _ASKED_AGAIN:
                return False
            self._response = None
            return True


class IapTokenVerifier:
    """Verifies users' assertions.

    Args:
        audience: the expected audience of assertions, ``/projects/NUMBER/global/backendServices/ID``.
        transport: fetches keys, in the form of google-auth's transports.
        clock: seconds, for the age of keys.
    """

    def __init__(
        self, audience: str, transport: Callable[..., Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._audience = audience
        self._keys = _CachedCertificates(transport, clock)

    def identity(self, assertion: str) -> str:
        """The user of a request, by its assertion.

        Args:
            assertion: the value of the header ``X-Goog-IAP-JWT-Assertion``; empty if there is none.

        Returns:
            The user's e-mail address.

        Raises:
            AccessDenied: the assertion is missing, or invalid for this page; open the page through Identity-Aware
                Proxy.
            Unavailable: the keys cannot be fetched; try again.
        """
        if not assertion:
            raise _denied("it is served behind Identity-Aware Proxy alone, and the request did not come from there")
        try:
            claims = self._claims(assertion)
        except exceptions.TransportError:
            raise Unavailable("the keys of Identity-Aware Proxy cannot be fetched; try again") from None
        except (ValueError, exceptions.GoogleAuthError):
            raise _denied("the request's assertion is none of Identity-Aware Proxy's for it") from None
        email = claims.get("email")
        if claims.get("iss") != _ISSUER or not isinstance(email, str) or not email:
            raise _denied("the request's assertion names nobody, or was not issued by Identity-Aware Proxy")
        return email

    def _claims(self, assertion: str) -> Any:
        try:
            return self._verified(assertion)
        except ValueError:
            if not self._keys.forget():  # the signing key may be newer than the cached ones
                raise
        return self._verified(assertion)

    def _verified(self, assertion: str) -> Any:
        return id_token.verify_token(
            assertion, self._keys, audience=self._audience, certs_url=KEYS, clock_skew_in_seconds=_SKEW
        )


def _denied(reason: str) -> AccessDenied:
    return AccessDenied("this page", "iap.webServiceVersions.accessViaIAP", reason)


def transport() -> Callable[..., Any]:
    """google-auth's own transport."""
    from google.auth.transport.requests import Request  # noqa: PLC0415 - with the first request

    made: Callable[..., Any] = Request()
    return made
