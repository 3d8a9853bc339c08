"""Receive button clicks from Slack, and queue them, so that Slack gets its answer within three seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from setpoint import bootstrap

if TYPE_CHECKING:
    from flask import Request


@functions_framework.http
def slack_actions(request: Request) -> tuple[str, int]:
    """Verify that the request is from Slack, and queue the click."""
    return "", bootstrap.slack_requests().take(dict(request.headers), request.stream)
