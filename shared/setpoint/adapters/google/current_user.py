"""The person behind the credentials of the environment, as Google reports it."""

from __future__ import annotations

from typing import Any

import google.auth
import requests
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import AuthorizedSession

from setpoint.errors import LOG_IN, BadRequest, Unavailable
from setpoint.util.json_values import as_object

USERINFO = "https://openidconnect.googleapis.com/v1/userinfo"
"""https://developers.google.com/identity/openid-connect/openid-connect#obtaininguserprofileinformation"""
_SCOPES = ("openid", "https://www.googleapis.com/auth/userinfo.email")
_TIMEOUT = 10.0


def email() -> str:
    """The e-mail address of the account whose credentials these are.

    Google is asked with the access token, so that no setting and no file can name another person.

    Raises:
        BadRequest: there are no credentials, or they are of no account with an address; log in.
        Unavailable: Google does not answer; try again.
    """
    try:
        credentials, _ = google.auth.default(scopes=list(_SCOPES))
        session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        answer = session.get(USERINFO, timeout=_TIMEOUT, allow_redirects=False)
    except (TransportError, requests.RequestException) as error:
        raise Unavailable(f"{USERINFO}: no answer says who decides; try again") from error
    except GoogleAuthError as error:
        raise BadRequest(f"no credentials say who decides; {LOG_IN}") from error
    return address_in(answer)


def address_in(answer: requests.Response) -> str:
    """The verified address in an answer of the userinfo endpoint.

    Raises:
        BadRequest: it names none; log in.
        Unavailable: it is not an answer of Google's; try again.
    """
    if answer.status_code >= 500:  # noqa: PLR2004 - of HTTP
        raise Unavailable(f"{USERINFO}: {answer.status_code}; nothing says who decides, try again")
    body = _object(answer)
    address = body.get("email")
    if answer.ok and isinstance(address, str) and address and body.get("email_verified") is True:
        return address
    raise BadRequest(f"the credentials do not name their account ({answer.status_code}); {LOG_IN}")


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        return as_object(answer.json())
    except requests.JSONDecodeError:
        return {}
