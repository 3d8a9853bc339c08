"""Security Command Center as a centre of findings.

Source: https://cloud.google.com/security-command-center/docs/reference/rest/v1/organizations.sources.findings/patch
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import requests
from google.auth.exceptions import GoogleAuthError, TransportError

from setpoint.adapters.retry_after import seconds_of
from setpoint.errors import AccessDenied, BadRequest, Throttled, Unavailable
from setpoint.ports.finding_centers import CentralFinding

_SOURCE = re.compile(
    r"(?:https://securitycenter\.(?:[\w.-]+\.)?googleapis\.com|http://127\.0\.0\.1:\d+)"
    r"/v1/(?:organizations|folders|projects)/[\w-]+/sources/\d+\Z"
)
"""The URL of a source: the credentials go to Google alone, or to this machine."""
_FIELDS = (
    "state",
    "resourceName",
    "category",
    "externalUri",
    "sourceProperties",
    "eventTime",
    "severity",
    "findingClass",
    "description",
)
_SECONDS = 20.0
_DENIED, _NOT_FOUND, _TIMEOUT, _TOO_MANY, _BROKEN = (401, 403), 404, 408, 429, 500


class SecurityCommandCenter:
    """``FindingCenter`` over HTTP.

    Args:
        session: gives the session, with the credentials of the environment; it is asked once.
        address: the URL of a source by its name, ``https://securitycenter.googleapis.com/v1/organizations/1/sources/2``.
    """

    def __init__(self, session: Callable[[], requests.Session], address: Callable[[str], str]) -> None:
        self._open = session
        self._session: requests.Session | None = None
        self._address = address
        self.seconds = _SECONDS

    def put(self, source: str, finding: CentralFinding) -> None:
        """See ``FindingCenter.put``."""
        url = self._address(source)
        if not _SOURCE.match(url):
            raise BadRequest(f"scc:{source}: its url is not a source: https://…/v1/organizations/NUMBER/sources/NUMBER")
        if self._session is None:
            self._session = self._open()
        try:
            answer = self._session.request(
                "PATCH",
                f"{url}/findings/{finding.id}",
                params={"updateMask": ",".join(_FIELDS)},
                data=msgspec.json.encode(_body(finding)),
                headers={"Content-Type": "application/json"},
                timeout=self.seconds,
                allow_redirects=False,
            )
        except GoogleAuthError as error:
            if isinstance(error, TransportError):
                raise Unavailable(f"scc:{source}: no response ({type(error).__name__})") from error
            raise BadRequest(f"scc:{source}: the credentials are not accepted; check the service account") from error
        except requests.RequestException as error:
            raise Unavailable(f"scc:{source}: no response ({type(error).__name__})") from None
        _check(source, answer)


def _body(finding: CentralFinding) -> dict[str, Any]:
    return {
        "state": "ACTIVE" if finding.is_active else "INACTIVE",
        "resourceName": finding.resource_name,
        "category": finding.category,
        "externalUri": finding.external_uri,
        "sourceProperties": finding.properties,
        "eventTime": f"{finding.event_time.isoformat().removesuffix('+00:00')}Z",
        "severity": finding.severity,
        "findingClass": "MISCONFIGURATION",
        "description": finding.description,
    }


def _check(source: str, answer: requests.Response) -> None:
    status, what = answer.status_code, f"scc:{source}"
    if answer.ok and not answer.is_redirect:
        return
    if status == _TOO_MANY:
        raise Throttled(what, seconds_of(answer.headers.get("Retry-After")))
    if status >= _BROKEN or status == _TIMEOUT:
        raise Unavailable(f"{what}: returned {status}; the effect is unknown")
    if status in _DENIED:
        reason = "grant roles/securitycenter.findingsEditor to the account of notify"
        raise AccessDenied(what, "securitycenter.findings.update", reason)
    if status == _NOT_FOUND:
        raise BadRequest(f"{what}: there is no such source; create it, and correct its url in setpoint-sinks")
    raise BadRequest(f"{what}: refused with {status}")
