"""A button that was pressed in Slack; handed on, so that Slack has its answer within its three seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from setpoint import bootstrap

if TYPE_CHECKING:
    from flask import Request


@functions_framework.http
def slack_actions(request: Request) -> tuple[str, int]:
    """Check that a request is Slack's, hand on what was pressed, and do nothing else."""
    return "", bootstrap.slack_requests().take(dict(request.headers), request.stream)
