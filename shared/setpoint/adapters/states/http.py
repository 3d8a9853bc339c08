"""Terraform states behind HTTP: the backend ``http``, and workspaces of Terraform Cloud and Terraform Enterprise.

Sources: https://developer.hashicorp.com/terraform/language/backend/http,
https://developer.hashicorp.com/terraform/cloud-docs/api-docs/state-versions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import msgspec
import requests

from setpoint.adapters.states.sizes import LARGEST_STATE, too_large
from setpoint.errors import BadRequest, MissingState, Superseded, Unavailable
from setpoint.model.decode_errors import reason_of
from setpoint.model.state_urls import compiled, has_wildcards
from setpoint.ports.services import StateObject
from setpoint.util.secret_formats import holds_known

_Body = TypeVar("_Body")

_SECONDS = 30
_PAGE = 100
_CHUNK = 1 << 16
_MAX_REDIRECTS = 5
_FORBIDDEN = frozenset((401, 403))
_MISSING = frozenset((204, 404, 410))
_HTTPS = "https"
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
_STATE_HOSTS = {
    "app.terraform.io": "archivist.terraform.io",
    "app.eu.terraform.io": "archivist.eu.terraform.io",
}
"""The host that stores the states of a service; an installation of one's own stores them itself."""
_SECRET_PARAMETER = re.compile(
    r"(?i)token|secret|sig|key|pass|pwd|credential|code|auth|jwt|session|expires|x-(?:goog|amz|ms)-|googleaccessid"
)
"""Names of URL parameters that are secret, or that change with a signature."""


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


_NO_LOGIN = Login()


def _split(url: str) -> SplitResult:
    """The parts of a URL.

    Raises:
        BadRequest: it is none.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadRequest(f"a URL of a state cannot be read: {error}") from None
    return parts


def session(url: str) -> requests.Session:
    """A session for a user-supplied URL: with the environment's proxies, and without its ``.netrc``.

    Requests to the machine itself take no proxy: they may be sent unencrypted.
    """
    opened = requests.Session()
    opened.trust_env = False
    if not _is_loopback(url):
        opened.proxies = dict(requests.utils.get_environ_proxies(url))
    return opened


class _Answer(NamedTuple):
    """The answer of a server; without content where it has none to give."""

    status: int
    content: bytes

    @property
    def is_missing(self) -> bool:
        return self.status in _MISSING


def _answer(
    http: requests.Session, url: str, login: Login, largest: int, headers: Mapping[str, str] | None = None
) -> _Answer:
    """Send a GET request, and follow redirects; credentials are sent to the first host only.

    Args:
        http: sends it.
        url: the URL.
        login: the credentials for its host.
        largest: maximum size of the answer in bytes.
        headers: further headers.

    Raises:
        BadRequest: a secret would be sent unencrypted, the permission to read is missing, or the answer is too large.
        Unavailable: the server does not answer; try again.
    """
    current = url
    for _ in range(_MAX_REDIRECTS + 1):
        answer = _request(http, current, login if _origin(current) == _origin(url) else _NO_LOGIN, headers)
        if not answer.is_redirect:
            break
        answer.close()
        current = urljoin(current, answer.headers["location"])
        if not _is_protected(current):
            raise BadRequest(f"{_bare(url)}: its redirect to {_bare(current)} is not encrypted; use its https URL")
    else:
        raise BadRequest(f"{_bare(url)}: more than {_MAX_REDIRECTS} redirects; check the URL")
    with answer:
        if answer.status_code in _FORBIDDEN:
            raise BadRequest(
                f"{_bare(url)}: returned {answer.status_code}; set the token of this host in the environment "
                "(docs/terraform.md)"
            )
        if answer.status_code in _MISSING:
            return _Answer(answer.status_code, b"")
        if not answer.ok:
            raise Unavailable(f"{_bare(url)}: returned {answer.status_code}")
        return _Answer(answer.status_code, _content(answer, url, largest))


def _content(answer: requests.Response, url: str, largest: int) -> bytes:
    """The content of an answer, unpacked, up to the limit."""
    content = bytearray()
    try:
        for part in answer.iter_content(_CHUNK):
            content += part
            if len(content) > largest:
                raise too_large(_bare(url), largest)
    except requests.RequestException as error:
        raise Unavailable(f"{_bare(url)}: does not answer to the end ({type(error).__name__})") from None
    return bytes(content)


def _request(http: requests.Session, url: str, login: Login, headers: Mapping[str, str] | None) -> requests.Response:
    """Send one GET request."""
    if (any(login) or _holds_secret(url)) and not _is_protected(url):
        raise BadRequest(f"{_bare(url)}: credentials are sent over https only; use https://")
    sent = dict(headers or {})
    if login.token:
        sent["Authorization"] = f"Bearer {login.token}"
    basic = (login.username, login.password) if login.username and not login.token else None
    try:
        return http.get(url, headers=sent, auth=basic, timeout=_SECONDS, allow_redirects=False, stream=True)
    except (requests.RequestException, ValueError) as error:
        raise Unavailable(f"{_bare(url)}: does not respond ({type(error).__name__})") from None


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL; the port is 443 for https without one."""
    parts = _split(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == _HTTPS else None)


def _is_loopback(url: str) -> bool:
    return _split(url).hostname in _LOOPBACK


def _is_protected(url: str) -> bool:
    """Whether third parties cannot read the request: over https, or within the machine."""
    scheme = _split(url).scheme
    return scheme == _HTTPS or (scheme == "http" and _is_loopback(url))


def _holds_secret(url: str) -> bool:
    """Whether a URL holds a password, or a parameter that is secret."""
    parts = _split(url)
    return bool(parts.password or parts.username) or any(map(_is_secret, parts.query.split("&")))


def _is_secret(parameter: str) -> bool:
    return bool(_SECRET_PARAMETER.search(parameter.partition("=")[0])) or holds_known(parameter)


def is_same_service(address: str, api: str) -> bool:
    """Whether a URL belongs to the service itself, or to the host that stores its states."""
    origin = _origin(address)
    return origin in (_origin(api), (_HTTPS, _STATE_HOSTS.get(_split(api).hostname or "", ""), 443))


def _bare(url: str) -> str:
    """A URL without parts that may be secret."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _name(url: str) -> str:
    """The name of the source of a URL: without its password and its secret parameters."""
    parameters = "&".join(
        parameter for parameter in _split(url).query.split("&") if parameter and not _is_secret(parameter)
    )
    return f"{_bare(url)}?{parameters}" if parameters else _bare(url)


class HttpStates:
    """``StateStorage`` of the backend ``http``: one URL is one state.

    Args:
        session: kept for the life of the process.
        login: the credentials for the host of the URL.
        largest: maximum size of a state in bytes.
    """

    def __init__(self, session: requests.Session, login: Login, largest: int = LARGEST_STATE) -> None:
        self._session = session
        self._login = login
        self._largest = largest

    def list(self, pattern: str) -> Iterator[StateObject]:
        """See ``StateStorage.list``; the backend has no listing, so the URL is that of one state."""
        if has_wildcards(_bare(pattern)):
            raise BadRequest(f"{_bare(pattern)}: no wildcard can be used behind http; give the URL of each state")
        yield StateObject(_name(pattern), "", pattern)

    def read(self, state: StateObject) -> bytes:
        """See ``StateStorage.read``."""
        answer = _answer(self._session, state.locator or state.url, self._login, self._largest)
        if not answer.content:
            raise MissingState(f"{state.url}: there is no state; check the URL")
        return answer.content


class _Version(msgspec.Struct):
    id: str = ""


class _CurrentVersion(msgspec.Struct):
    data: _Version | None = None


class _Relationships(msgspec.Struct, rename="kebab"):
    current_state_version: _CurrentVersion = msgspec.field(default_factory=_CurrentVersion)


class _Name(msgspec.Struct):
    name: str


class _Workspace(msgspec.Struct):
    attributes: _Name
    relationships: _Relationships = msgspec.field(default_factory=_Relationships)


class _Pagination(msgspec.Struct, rename="kebab"):
    next_page: int | None = None


class _Meta(msgspec.Struct):
    pagination: _Pagination = msgspec.field(default_factory=_Pagination)


class _Workspaces(msgspec.Struct):
    """A page of workspaces."""

    data: list[_Workspace]
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _Address(msgspec.Struct, rename="kebab"):
    hosted_state_download_url: str | None = None


class _StateVersion(msgspec.Struct):
    attributes: _Address


class _Described(msgspec.Struct):
    """A state version."""

    data: _StateVersion


class WorkspaceStates:
    """``StateStorage`` of Terraform Cloud and Terraform Enterprise: ``tfc://HOST/ORGANIZATION/WORKSPACE``.

    The workspace may contain ``*`` and ``?``. The revision is the id of the workspace's current state version.

    Args:
        session: kept for the life of the process.
        login: gives the API token of a host, with permission to read state versions.
        base_url: URL in place of ``https://HOST``, for tests.
        largest: maximum size of a state in bytes.
    """

    def __init__(
        self,
        session: requests.Session,
        login: Callable[[str], Login],
        base_url: str = "",
        largest: int = LARGEST_STATE,
    ) -> None:
        self._session = session
        self._login = login
        self._base_url = base_url
        self._largest = largest

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
                _Workspaces,
            )
            for workspace in body.data:
                name, current = workspace.attributes.name, workspace.relationships.current_state_version.data
                if matches.fullmatch(name) and current is not None and current.id:
                    yield StateObject(f"tfc://{host}/{organization}/{name}", current.id, f"{host} {current.id}")
            page = body.meta.pagination.next_page

    def read(self, state: StateObject) -> bytes:
        """See ``StateStorage.read``."""
        host, _, version = state.locator.partition(" ")
        described = self._get(host, f"/api/v2/state-versions/{quote(version)}", _Described)
        address = described.data.attributes.hosted_state_download_url
        if address is None:
            raise Superseded(f"{state.url}: its state version is gone; nothing was changed")
        if not _is_protected(address):
            raise BadRequest(f"{state.url}: {host} gives an address of its state that is not encrypted; use https")
        login = self._login(host) if is_same_service(address, self._base_url or f"https://{host}") else _NO_LOGIN
        answer = _answer(self._session, address, login, self._largest)
        if answer.is_missing:
            raise Superseded(f"{state.url}: its state version is gone; nothing was changed")
        return answer.content

    def _get(self, host: str, path: str, form: type[_Body]) -> _Body:
        url = f"{self._base_url or f'https://{host}'}{path}"
        headers = {"Content-Type": "application/vnd.api+json"}
        answer = _answer(self._session, url, self._login(host), self._largest, headers)
        if answer.is_missing:
            raise BadRequest(f"{_bare(url)}: does not exist, or the token has no access to it")
        try:
            return msgspec.json.decode(answer.content, type=form)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadRequest(
                f"{_bare(url)}: this is not an answer of the API of Terraform Cloud ({reason_of(error)}); is {host} "
                "the right host?"
            ) from None
