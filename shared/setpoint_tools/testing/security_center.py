"""A fake of Security Command Center: the findings of one source, created and updated by their ids.

Source: https://cloud.google.com/security-command-center/docs/reference/rest/v1/organizations.sources.findings/patch
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from setpoint_tools.testing.code_hosts import CodeHost, HostAnswer, HostCall, StoredRepository
from setpoint_tools.testing.http_server import serving

SOURCE = "organizations/4/sources/7"


class SecurityCenter(CodeHost):
    """The fake; ``findings`` is what its console shows, by id."""

    def __init__(self) -> None:
        super().__init__(StoredRepository("", {}), "", _answer)
        self.findings: dict[str, dict[str, Any]] = {}


def _answer(host: CodeHost, call: HostCall) -> HostAnswer:
    assert isinstance(host, SecurityCenter)  # noqa: S101 - the only host with this answer
    match_ = re.fullmatch(rf"/v1/{SOURCE}/findings/([A-Za-z0-9]{{1,32}})", call.path)
    if call.verb != "PATCH" or match_ is None:
        return HostAnswer(404, {"error": {"status": "NOT_FOUND"}})
    masked = call.query["updateMask"].split(",")
    if not {"state", "category", "eventTime"} <= call.body.keys() <= set(masked):
        return HostAnswer(400, {"error": {"status": "INVALID_ARGUMENT"}})
    host.findings[match_[1]] = call.body
    return HostAnswer(200, {"name": f"{SOURCE}/findings/{match_[1]}", **call.body})


@contextmanager
def security_center() -> Iterator[tuple[SecurityCenter, str]]:
    """The fake, up on a free loopback port, and the URL of its source."""
    host = SecurityCenter()
    with serving(host) as address:
        yield host, f"{address}/v1/{SOURCE}"
