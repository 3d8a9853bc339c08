"""The addresses of webhooks, as ``SETPOINT_SINKS`` holds them; secrets, which stand in no message of an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from setpoint.errors import BadRequest

Format = Literal["setpoint", "pagerduty", "chat"]

SINKS = "SETPOINT_SINKS"
_SHORTEST_SECRET = 16
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a webhook leads.

    Args:
        url: its address.
        secret: by which bodies are signed; of PagerDuty, the integration key.
        format: what it takes.
    """

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    format: Format = "setpoint"


_decode = msgspec.json.Decoder(dict[str, Address]).decode


class Addresses:
    """The webhooks of an installation.

    Args:
        text: the setting: ``{"name": {"url": "https://…", "secret": "…", "format": "setpoint"}}``; empty for none.

    Raises:
        BadRequest: names the webhook that cannot be used, and why.
    """

    def __init__(self, text: str) -> None:
        self._known = _read(text)

    def get(self, name: str, *formats: Format) -> Address:
        """A webhook by its name.

        Args:
            name: the name.
            formats: those that whoever asks can write.

        Raises:
            BadRequest: there is none, or it is of another kind.
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
    except (msgspec.MsgspecError, UnicodeError):  # whose messages would quote what is there
        raise BadRequest(
            f'{SINKS}: not of the form {{"name": {{"url": "https://…", "secret": "…", "format": "setpoint"}}}}'
        ) from None
    for name, address in known.items():
        if not _is_address(address.url):
            raise BadRequest(f"{SINKS}, `{name}`: its url is not an https address")
        if address.format == "setpoint" and len(address.secret) < _SHORTEST_SECRET:
            raise BadRequest(f"{SINKS}, `{name}`: its secret has less than {_SHORTEST_SECRET} characters")
        if address.format == "pagerduty" and not address.secret:
            raise BadRequest(f"{SINKS}, `{name}`: its secret has to be the integration key of a service")
    return known


def _is_address(url: str) -> bool:
    """Whether something may be sent there: over TLS, or to this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return is_safe and bool(host) and parts.username is None and url.isprintable() and " " not in url
