"""Which storage holds the Terraform states that a URL names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from setpoint.adapters.states.http import Login
    from setpoint.ports.services import StateStorage


def state_storage(url: str) -> StateStorage:
    """What reads the states that a URL names.

    Args:
        url: ``gs://…``, ``http(s)://…`` or ``tfc://HOST/…``.

    Raises:
        BadRequest: there are no credentials.
    """
    if url.startswith("gs://"):
        from setpoint.adapters.google.cloud_storage import client
        from setpoint.adapters.states.buckets import BucketStates

        return BucketStates(client())
    from setpoint.adapters.states.http import HttpStates, WorkspaceStates, session

    if url.startswith("tfc://"):
        host = url.removeprefix("tfc://").partition("/")[0]
        return WorkspaceStates(session(url), workspace_login(host, os.environ))
    return HttpStates(session(url), http_login(os.environ))


def http_login(environment: Mapping[str, str]) -> Login:
    """Who reads an HTTP backend: ``SETPOINT_STATE_TOKEN``, or the variables of Terraform's own backend ``http``."""
    from setpoint.adapters.states.http import Login

    return Login(
        environment.get("SETPOINT_STATE_TOKEN", ""),
        environment.get("TF_HTTP_USERNAME", ""),
        environment.get("TF_HTTP_PASSWORD", ""),
    )


def workspace_login(host: str, environment: Mapping[str, str]) -> Login:
    """Who reads workspaces: ``TF_TOKEN_app_terraform_io``, named after the host as Terraform does, or ``TFE_TOKEN``.

    Source: https://developer.hashicorp.com/terraform/cli/config/config-file#environment-variable-credentials
    """
    from setpoint.adapters.states.http import Login

    named = f"TF_TOKEN_{host.replace('-', '__').replace('.', '_')}"
    return Login(environment.get(named) or environment.get("TFE_TOKEN", ""))
