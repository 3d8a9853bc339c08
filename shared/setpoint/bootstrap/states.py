"""The storage of Terraform states by URL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from setpoint.errors import BadRequest

if TYPE_CHECKING:
    from setpoint.adapters.states.http import Login
    from setpoint.ports.services import StateStorage

_CLOUD = "app.terraform.io"


def state_storage(url: str) -> StateStorage:
    """The reader of the states at a URL.

    Args:
        url: ``gs://…``, ``http(s)://…`` or ``tfc://HOST/…``.

    Raises:
        BadRequest: a token or password is set without its host, or the maximum size is not a number.
    """
    largest = largest_state(os.environ)
    if url.startswith("gs://"):
        from setpoint.adapters.google.cloud_storage import client
        from setpoint.adapters.states.buckets import BucketStates

        return BucketStates(client(), largest)
    from setpoint.adapters.states.http import HttpStates, WorkspaceStates, session

    if url.startswith("tfc://"):
        return WorkspaceStates(session(url), lambda host: workspace_login(host, os.environ), largest=largest)
    return HttpStates(session(url), http_login(url, os.environ), largest)


def largest_state(environment: Mapping[str, str]) -> int:
    """Maximum size of a state in bytes: ``SETPOINT_LARGEST_STATE``, or the default.

    Raises:
        BadRequest: it is not a number of bytes.
    """
    from setpoint.adapters.states.sizes import LARGEST_STATE

    text = environment.get("SETPOINT_LARGEST_STATE", "")
    if not text:
        return LARGEST_STATE
    if not (text.isascii() and text.isdecimal()) or not int(text):
        raise BadRequest(f"SETPOINT_LARGEST_STATE is a number of bytes, such as {LARGEST_STATE}, not `{text}`")
    return int(text)


def http_login(url: str, environment: Mapping[str, str]) -> Login:
    """Who reads an HTTP backend: each token and password is for one host.

    ``SETPOINT_STATE_TOKEN_states_example_com`` is named after its host. ``SETPOINT_STATE_TOKEN`` is for
    ``SETPOINT_STATE_HOST``, and ``TF_HTTP_USERNAME`` and ``TF_HTTP_PASSWORD`` for the host of ``TF_HTTP_ADDRESS``.

    Raises:
        BadRequest: a token or password is set without its host.
    """
    from setpoint.adapters.states.http import Login

    host = urlsplit(url).hostname or ""
    if named := environment.get(f"SETPOINT_STATE_TOKEN_{_in_variable(host)}"):
        return Login(named)
    if token := environment.get("SETPOINT_STATE_TOKEN"):
        own = _host_of("SETPOINT_STATE_TOKEN", "SETPOINT_STATE_HOST", environment)
        return Login(token) if own == host else Login()
    if username := environment.get("TF_HTTP_USERNAME"):
        own = _host_of("TF_HTTP_USERNAME", "TF_HTTP_ADDRESS", environment)
        return Login("", username, environment.get("TF_HTTP_PASSWORD", "")) if own == host else Login()
    return Login()


def workspace_login(host: str, environment: Mapping[str, str]) -> Login:
    """Who reads workspaces: ``TF_TOKEN_app_terraform_io``, named after the host as Terraform does, or ``TFE_TOKEN``.

    ``TFE_TOKEN`` is for the host that ``TFE_HOSTNAME`` or ``TFE_ADDRESS`` names, or for app.terraform.io.
    Sources: https://developer.hashicorp.com/terraform/cli/config/config-file#environment-variable-credentials,
    https://registry.terraform.io/providers/hashicorp/tfe/latest/docs
    """
    from setpoint.adapters.states.http import Login

    if named := environment.get(f"TF_TOKEN_{_in_variable(_host(host))}"):
        return Login(named)
    own = environment.get("TFE_HOSTNAME") or environment.get("TFE_ADDRESS") or _CLOUD
    return Login(environment.get("TFE_TOKEN", "")) if _host(own) == _host(host) else Login()


def _in_variable(host: str) -> str:
    """A host in the name of a variable, as Terraform writes it."""
    return host.replace("-", "__").replace(".", "_")


def _host_of(secret: str, variable: str, environment: Mapping[str, str]) -> str:
    """The host that a variable names.

    Raises:
        BadRequest: it is not set, so that the host of the secret is unknown.
    """
    if not environment.get(variable):
        raise BadRequest(f"{secret} is set without {variable}: set the host that it is for")
    return _host(environment[variable])


def _host(address: str) -> str:
    """The host of a URL, or of a host with or without a port."""
    return urlsplit(address if "//" in address else f"//{address}").hostname or ""
