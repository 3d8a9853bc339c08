"""The token of a GitHub App's installation, limited to one repository and to what requests need.

Source: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import requests
from google.auth import crypt, jwt

from setpoint.adapters.repositories import github
from setpoint.adapters.repositories.rest import Rest
from setpoint.adapters.webhooks.sink_addresses import Address
from setpoint.errors import BadRequest

PERMISSIONS = {"contents": "write", "pull_requests": "write", "issues": "write", "metadata": "read"}
_LIFE = 540
_SKEW = 60
_MARGIN = 300.0


class AppToken:
    """Gives the current token, and asks for another before it expires.

    Args:
        name: the repository's name in the settings.
        address: with the app, the installation and the private key.
        path: ``OWNER/NAME``.
        api: the URL of the API.
        session: kept for the life of the process.
        clock: the current time in seconds.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        path: str,
        api: str,
        session: requests.Session,
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._address = address
        self._repository = path.partition("/")[2]
        self._rest = Rest(name, api, session, github.headers(self._assertion), clock)
        self._clock = clock
        self._token = ""
        self._expires = 0.0

    def __call__(self) -> str:
        """The token.

        Raises:
            BadRequest: GitHub does not accept the app, its key or its installation.
            Unavailable: no answer; try again.
        """
        if self._clock() > self._expires - _MARGIN:
            body = {"repositories": [self._repository], "permissions": PERMISSIONS}
            path = f"/app/installations/{self._address.installation}/access_tokens"
            data = self._rest.call("POST", path, body).data
            self._token = str(data["token"])
            self._expires = datetime.fromisoformat(data["expires_at"]).timestamp()
        return self._token

    def _assertion(self) -> str:
        """The app's own token, signed with its private key, for ten minutes at most."""
        now = int(self._clock())
        try:
            signer = crypt.RSASigner.from_string(self._address.secret)  # type: ignore[no-untyped-call]
        except ValueError:
            raise BadRequest(f"repository `{self._name}`: its secret is not the private key of a GitHub App") from None
        claims = {"iat": now - _SKEW, "exp": now + _LIFE, "iss": self._address.app}
        return bytes(jwt.encode(signer, claims)).decode()  # type: ignore[no-untyped-call]
