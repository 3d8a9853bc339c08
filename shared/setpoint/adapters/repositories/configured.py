"""The repositories in ``SETPOINT_SINKS``: each is reached by its own token, and no other is."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import requests

from setpoint.adapters.repositories import github, gitlab
from setpoint.adapters.repositories.github_app import AppToken
from setpoint.adapters.repositories.issues import Tracker
from setpoint.adapters.repositories.rest import Rest
from setpoint.adapters.webhooks.sink_addresses import REPOSITORY_FORMATS, Address, Addresses
from setpoint.errors import BadRequest
from setpoint.ports.repositories import Repository, RequestSettings

_GITHUB = "github.com"


class ConfiguredRepositories:
    """``Repositories`` by the settings.

    Args:
        addresses: the settings.
        session: kept for the life of the process.
        clock: the current time in seconds.
    """

    def __init__(self, addresses: Addresses, session: requests.Session, clock: Callable[[], float] = time.time) -> None:
        self._addresses = addresses
        self._session = session
        self._clock = clock
        self._opened: dict[str, RequestSettings] = {}
        self._trackers: dict[str, Tracker] = {}

    def get(self, name: str) -> RequestSettings:
        """See ``Repositories.get``."""
        if name not in self._opened:
            address = self._addresses.get(name, *REPOSITORY_FORMATS)
            repository = _OPENERS[address.format](name, address, self._session, self._clock)
            self._opened[name] = RequestSettings(
                repository, address.labels, address.directory, address.roots, address.code
            )
        return self._opened[name]

    def issues(self, name: str) -> Tracker:
        """The issues of a repository at GitHub.

        Raises:
            BadRequest: no repository at GitHub has the name.
        """
        if name not in self._trackers:
            address = self._addresses.get(name, "github")
            path, rest = _github_api(name, address, self._session, self._clock)
            self._trackers[name] = Tracker(path, rest, address.labels)
        return self._trackers[name]


def _github(name: str, address: Address, session: requests.Session, clock: Callable[[], float]) -> Repository:
    path, rest = _github_api(name, address, session, clock)
    return github.GitHubRepository(name, address.url, path, rest, address.branch)


def _github_api(name: str, address: Address, session: requests.Session, clock: Callable[[], float]) -> tuple[str, Rest]:
    """The path and the API of a repository at GitHub."""
    host, path = _parts(name, address.url)
    api = address.api or ("https://api.github.com" if host == _GITHUB else f"https://{host}/api/v3")
    if path.count("/") != 1:
        raise BadRequest(f"repository `{name}`: its url is https://HOST/OWNER/NAME")
    token: Callable[[], str] = lambda: address.secret  # noqa: E731 - the other one is an object
    if address.app:
        token = AppToken(name, address, path, api, session, clock)
    return path, Rest(name, api, session, github.headers(token), clock)


def _gitlab(name: str, address: Address, session: requests.Session, clock: Callable[[], float]) -> Repository:
    host, path = _parts(name, address.url)
    api = address.api or f"https://{host}/api/v4"
    rest = Rest(name, api, session, gitlab.headers(lambda: address.secret), clock)
    return gitlab.GitLabRepository(name, address.url, path, rest, address.branch)


def _parts(name: str, url: str) -> tuple[str, str]:
    """The host and the path of a repository's page."""
    parts = urlsplit(url)
    path = parts.path.strip("/").removesuffix(".git")
    if not path:
        raise BadRequest(f"repository `{name}`: its url names no repository")
    return parts.netloc.lower(), path


_OPENERS: dict[str, Callable[[str, Address, requests.Session, Callable[[], float]], Repository]] = {
    "github": _github,
    "gitlab": _gitlab,
}
