"""The webhooks in ``SETPOINT_SINKS``; their URLs are secrets and appear in no error."""

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
    """A webhook.

    Args:
        url: its URL.
        secret: the key for signatures; for PagerDuty, the integration key.
        format: the format of its messages.
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
        BadRequest: a webhook is invalid; the error names it and the reason.
    """

    def __init__(self, text: str) -> None:
        self._known = _read(text)

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
            raise BadRequest(f"{SINKS}, `{name}`: its secret has to be the integration key of a service")
    return known


def _is_address(url: str) -> bool:
    """Whether a URL is safe: over TLS, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return is_safe and bool(host) and parts.username is None and url.isprintable() and " " not in url
