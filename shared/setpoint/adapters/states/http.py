"""Terraform states behind HTTP: the backend ``http``, and workspaces of Terraform Cloud and Terraform Enterprise.

Sources: https://developer.hashicorp.com/terraform/language/backend/http,
https://developer.hashicorp.com/terraform/cloud-docs/api-docs/state-versions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import requests

from setpoint.errors import BadRequest, Superseded, Unavailable
from setpoint.model.state_urls import compiled
from setpoint.ports.services import StateObject

_SECONDS = 30
_PAGE = 100
_FORBIDDEN = frozenset((401, 403))
_MISSING = frozenset((404, 410))
_HTTPS = "https"
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


class Login(NamedTuple):
    """Credentials of a reader.

    Args:
        token: sent as ``Authorization: Bearer``; empty for none.
        username: for basic authentication; used without a token.
        password: for basic authentication.
    """

    token: str = ""
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        """Whether there are credentials, without their values."""
        return "Login(…)" if any(self) else "Login()"


def session(url: str) -> requests.Session:
    """A session for a user-supplied URL: with the environment's proxies, and without its ``.netrc``."""
    opened = requests.Session()
    opened.trust_env = False
    opened.proxies = dict(requests.utils.get_environ_proxies(url))
    return opened


def _answer(http: requests.Session, url: str, login: Login, headers: Mapping[str, str] | None = None) -> Any:
    """Send one GET request.

    Raises:
        BadRequest: a secret would be sent unencrypted, or the permission to read is missing.
        Unavailable: the server does not answer; try again.
    """
    parts = urlsplit(url)
    if any(login) and parts.scheme != _HTTPS and parts.hostname not in _LOOPBACK:
        raise BadRequest(f"{_bare(url)}: credentials are sent over https only; use https://")
    sent = dict(headers or {})
    if login.token:
        sent["Authorization"] = f"Bearer {login.token}"
    basic = (login.username, login.password) if login.username and not login.token else None
    try:
        answer = http.get(url, headers=sent, auth=basic, timeout=_SECONDS)
    except requests.RequestException as error:
        raise Unavailable(f"{_bare(url)}: does not answer ({type(error).__name__})") from None
    if answer.status_code in _FORBIDDEN:
        raise BadRequest(
            f"{_bare(url)}: answers {answer.status_code}; set the token in the environment (docs/terraform.md)"
        )
    if answer.status_code not in _MISSING and not answer.ok:
        raise Unavailable(f"{_bare(url)}: answers {answer.status_code}")
    return answer


def _is_same_service(address: str, api: str) -> bool:
    """Whether a URL belongs to the service itself, or to its host ``archivist``, which stores the states."""
    host, own = urlsplit(address).hostname or "", urlsplit(api).hostname or ""
    return host in (own, f"archivist.{own.partition('.')[2]}")


def _bare(url: str) -> str:
    """A URL without parts that may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


class HttpStates:
    """``StateStorage`` of the backend ``http``: one URL is one state.

    Args:
        session: kept for the life of the process.
        login: the credentials.
    """

    def __init__(self, session: requests.Session, login: Login) -> None:
        self._session = session
        self._login = login

    def list(self, pattern: str) -> Iterator[StateObject]:
        """See ``StateStorage.list``; the backend has no listing, so the URL is that of one state."""
        yield StateObject(_bare(pattern), "", pattern)

    def read(self, state: StateObject) -> bytes:
        """See ``StateStorage.read``."""
        answer = _answer(self._session, state.locator or state.url, self._login)
        if answer.status_code in _MISSING:
            raise Superseded(f"{state.url}: there is no state; nothing was changed")
        return bytes(answer.content)


class WorkspaceStates:
    """``StateStorage`` of Terraform Cloud and Terraform Enterprise: ``tfc://HOST/ORGANIZATION/WORKSPACE``.

    The workspace may contain ``*`` and ``?``. The revision is the id of the workspace's current state version.

    Args:
        session: kept for the life of the process.
        login: an API token with permission to read state versions.
        base_url: URL in place of ``https://HOST``, for tests.
    """

    def __init__(self, session: requests.Session, login: Login, base_url: str = "") -> None:
        self._session = session
        self._login = login
        self._base_url = base_url

    def list(self, pattern: str) -> Iterator[StateObject]:
        """See ``StateStorage.list``."""
        host, _, rest = pattern.removeprefix("tfc://").partition("/")
        organization, _, workspaces = rest.partition("/")
        if not (host and organization and workspaces):
            raise BadRequest(f"`{pattern}` names no workspace; use tfc://app.terraform.io/ORGANIZATION/WORKSPACE")
        matches = compiled(workspaces)
        page: int | None = 1
        while page is not None:
            body = self._get(
                host,
                f"/api/v2/organizations/{quote(organization)}/workspaces?page%5Bnumber%5D={page}&page%5Bsize%5D={_PAGE}",
            )
            for workspace in body.get("data", ()):
                name = str(workspace["attributes"]["name"])
                current = workspace.get("relationships", {}).get("current-state-version", {}).get("data") or {}
                if matches.fullmatch(name) and current.get("id"):
                    version = str(current["id"])
                    yield StateObject(f"tfc://{host}/{organization}/{name}", version, f"{host} {version}")
            page = (body.get("meta", {}).get("pagination") or {}).get("next-page")

    def read(self, state: StateObject) -> bytes:
        """See ``StateStorage.read``."""
        host, _, version = state.locator.partition(" ")
        described = self._get(host, f"/api/v2/state-versions/{quote(version)}")
        address = described.get("data", {}).get("attributes", {}).get("hosted-state-download-url")
        if not isinstance(address, str):
            raise Superseded(f"{state.url}: its state version is gone; nothing was changed")
        login = self._login if _is_same_service(address, self._base_url or f"https://{host}") else Login()
        answer = _answer(self._session, address, login)
        if answer.status_code in _MISSING:
            raise Superseded(f"{state.url}: its state version is gone; nothing was changed")
        return bytes(answer.content)

    def _get(self, host: str, path: str) -> Any:
        url = f"{self._base_url or f'https://{host}'}{path}"
        answer = _answer(self._session, url, self._login, {"Content-Type": "application/vnd.api+json"})
        if answer.status_code in _MISSING:
            raise BadRequest(f"{_bare(url)}: is not there, or the token may not see it")
        return answer.json()
