"""Send a body to a webhook, and convert the result; the URL is a secret and appears in no error."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from setpoint.adapters.retry_after import seconds_of
from setpoint.errors import BadRequest, Throttled, Unavailable

SECONDS = 10.0
_TOO_MANY, _TIMEOUT, _BROKEN = 429, 408, 500
_STEPS = {
    400: "it does not accept this body; check its format",
    401: "it does not accept the signature; check its secret",
    403: "it refuses the request; check its address and its secret",
    404: "not found: correct its address in SETPOINT_SINKS",
    410: "gone: correct its address in SETPOINT_SINKS",
    413: "it does not accept a body of this size",
}


def session() -> requests.Session:
    """A session, kept for the life of the process."""
    return requests.Session()


def post(
    session: requests.Session,
    what: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> None:
    """Send a body once; the body of the answer is not read.

    Args:
        session: kept for the life of the process.
        what: the webhook's name, for error messages.
        url: its URL.
        body: JSON.
        headers: additional headers.
        query: additional query parameters.
        seconds: timeout in seconds.

    Raises:
        Throttled: the rate limit is reached; try again.
        BadRequest: the webhook refuses the body for good.
        Unavailable: whether it was accepted is unknown; try again.
    """
    try:
        with session.post(
            url,
            data=body,
            params=dict(query or {}),
            headers={"Content-Type": "application/json; charset=utf-8", **headers},
            timeout=seconds,
            allow_redirects=False,
            stream=True,
        ) as answer:
            status, wait = answer.status_code, answer.headers.get("Retry-After")
            is_taken, is_elsewhere = answer.ok and not answer.is_redirect, 300 <= status < 400  # noqa: PLR2004 - of HTTP
    except requests.RequestException as error:  # its message contains the URL
        raise Unavailable(f"webhook `{what}`: no response ({type(error).__name__})") from None
    if status == _TOO_MANY:
        raise Throttled(f"webhook `{what}`", seconds_of(wait))
    if status >= _BROKEN or status == _TIMEOUT:
        raise Unavailable(f"webhook `{what}`: returned {status}; whether it took effect is not known")
    if is_elsewhere:
        raise BadRequest(
            f"webhook `{what}`: it redirects ({status}), and redirects are not followed: correct its address"
        )
    if not is_taken:
        raise BadRequest(f"webhook `{what}`: returned {status}; {_STEPS.get(status, 'see its log for the reason')}")
