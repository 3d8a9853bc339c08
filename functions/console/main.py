"""Serve the report page to users whom Identity-Aware Proxy admits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework
from flask import Response

from setpoint import bootstrap

if TYPE_CHECKING:
    from flask import Request


@functions_framework.http
def console(request: Request) -> Response:
    """Answer one request; nothing is written."""
    answer = bootstrap.console().answer(request.method, request.path, request.headers.get)
    return Response(answer.body, answer.status, answer.headers)
