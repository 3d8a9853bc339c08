"""The webhooks and repositories in ``SETPOINT_SINKS``; the URLs of webhooks are secrets and appear in no error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from setpoint.errors import BadRequest

Format = Literal["setpoint", "pagerduty", "chat", "github", "gitlab", "scc"]
REPOSITORY_FORMATS: tuple[Format, ...] = ("github", "gitlab")

SINKS = "SETPOINT_SINKS"
_SHORTEST_SECRET = 16
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Address:
    """A webhook or a repository.

    Args:
        url: its URL; of a repository its page, ``https://github.com/OWNER/NAME``; of a source of Security Command
            Center ``https://securitycenter.googleapis.com/v1/organizations/NUMBER/sources/NUMBER``.
        secret: the key for signatures; for PagerDuty, the integration key; for a repository, the token, or the private
            key of a GitHub App in PEM.
        format: the format of its messages.
        app: the id of the GitHub App; empty where ``secret`` is a token.
        installation: the id of the installation of the GitHub App.
        branch: the branch that requests are made to; empty for the default branch.
        labels: the labels of requests.
        directory: the directory that the files of declarations are relative to.
        roots: the directory of the Terraform root module of each source, by its name.
        code: the format of declarations of undeclared resources: ``native``, ``krm`` or ``terraform``.
        api: the URL of the API; empty for the usual one of the host.
    """

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    format: Format = "setpoint"
    app: str = ""
    installation: str = ""
    branch: str = ""
    labels: tuple[str, ...] = ()
    directory: str = ""
    roots: Mapping[str, str] = field(default_factory=dict)
    code: Literal["native", "krm", "terraform"] = "native"
    api: str = ""


_decode = msgspec.json.Decoder(dict[str, Address]).decode


class Addresses:
    """The webhooks of an installation.

    Args:
        text: the setting: ``{"name": {"url": "https://…", "secret": "…", "format": "setpoint"}}``; empty for none.

    Raises:
        BadRequest: a webhook is invalid; the error names it and the reason.
    """

    def __init__(self, text: str) -> None:
        self._known = _read(text)

    @property
    def has_repositories(self) -> bool:
        """Whether one of them is a repository."""
        return any(address.format in REPOSITORY_FORMATS for address in self._known.values())

    @property
    def has_centers(self) -> bool:
        """Whether one of them is a source of Security Command Center."""
        return any(address.format == "scc" for address in self._known.values())

    def get(self, name: str, *formats: Format) -> Address:
        """Look up a webhook by name.

        Args:
            name: the name.
            formats: the formats that the caller supports.

        Raises:
            BadRequest: the webhook does not exist, or has another format.
        """
        address = self._known.get(name)
        if address is None:
            known = ", ".join(sorted(self._known)) or "none"
            raise BadRequest(
                f"webhook `{name}`: {SINKS} has no such name (it has {known}); add it, or correct the route"
            )
        if address.format not in formats:
            raise BadRequest(
                f"webhook `{name}`: its format is {address.format}, and this destination takes {' or '.join(formats)}"
            )
        return address


def _read(text: str) -> Mapping[str, Address]:
    try:
        known = _decode(text or "{}")
    except (msgspec.MsgspecError, UnicodeError):  # their messages would quote the setting
        raise BadRequest(
            f'{SINKS}: not of the form {{"name": {{"url": "https://…", "secret": "…", "format": "setpoint"}}}}'
        ) from None
    for name, address in known.items():
        if not _is_address(address.url):
            raise BadRequest(f"{SINKS}, `{name}`: its url is not an https address")
        if address.format == "setpoint" and len(address.secret) < _SHORTEST_SECRET:
            raise BadRequest(f"{SINKS}, `{name}`: its secret has less than {_SHORTEST_SECRET} characters")
        if address.format == "pagerduty" and not address.secret:
            raise BadRequest(f"{SINKS}, `{name}`: its secret must be the integration key of a service")
        if address.format in REPOSITORY_FORMATS:
            _check_repository(name, address)
    return known


def _check_repository(name: str, address: Address) -> None:
    if not address.secret:
        raise BadRequest(f"{SINKS}, `{name}`: its secret must be a token of the repository")
    if bool(address.app) != bool(address.installation) or (address.app and address.format != "github"):
        raise BadRequest(f"{SINKS}, `{name}`: a GitHub App needs both app and installation")
    if address.api and not _is_address(address.api):
        raise BadRequest(f"{SINKS}, `{name}`: its api is not an https address")


def _is_address(url: str) -> bool:
    """Whether a URL is safe: over TLS, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return is_safe and bool(host) and parts.username is None and url.isprintable() and " " not in url
