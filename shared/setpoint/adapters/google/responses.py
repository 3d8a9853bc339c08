"""Classify an answer of Google's REST APIs: done, gone, stale, denied, busy, refused, or unknown.

Only an API's own answer counts: a JSON object, or an error with Google's own body
(https://cloud.google.com/apis/design/errors#http_mapping). An HTML page, an empty or truncated body, or a redirect
comes from an intermediary; the result is then unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import requests

from setpoint.adapters.retry_after import LONGEST, requested_seconds
from setpoint.catalog import shown_fields
from setpoint.errors import AccessDenied, Conflict, Refused, Throttled, Unavailable
from setpoint.model.write_plan import Call
from setpoint.util.json_values import as_object

ResponseClass = Literal[
    "done",  # done; the body is an object
    "gone",  # the resource does not exist
    "stale",  # the resource has another state than the precondition
    "denied",  # a permission is missing
    "busy",  # rate limited; nothing was done, retry later
    "refused",  # nothing was done, and a retry cannot succeed
    "unknown",  # it may have been done
]

_PASSING = frozenset((429, 500, 502, 503, 504))
_GONE = frozenset((404, 410))
_NEVER_TAKEN = frozenset((400, 405, 411, 413, 414, 415, 422, 501))
"""Statuses of requests that were not executed, with any body: Google's front ends send some as HTML."""
_BY_STATUS: Mapping[int, ResponseClass] = {
    401: "denied",
    403: "denied",
    404: "gone",
    410: "gone",
    409: "stale",
    412: "stale",
}
_TOO_FAST = (
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "RATE_LIMIT_EXCEEDED",
)
"""Reasons that Compute Engine, BigQuery and Cloud Storage send with status 403 in place of 429."""
_NO_METHOD = "method not found"
"""The API front end's 404 message for a path without a method."""
_LONGEST = 500
_SHORTEST = 4
"""A shorter text is not a secret, and is a part of many words."""
_HIDDEN = "(hidden)"


def classify(answer: requests.Response) -> ResponseClass:
    """The meaning of an answer by itself."""
    status = answer.status_code
    if 200 <= status < 300:  # noqa: PLR2004 - of HTTP
        return "done" if _object(answer) is not None else "unknown"
    error = _error(answer)
    if status in (429, 503) or (status == requests.codes.forbidden and _is_too_fast(error)):
        return "busy"
    if status in _NEVER_TAKEN:
        return "refused"
    if not error or not 400 <= status < 500:  # noqa: PLR2004 - of HTTP
        return "unknown"
    if status in _GONE and (error.get("code") != status or _NO_METHOD in str(error.get("message")).lower()):
        return "refused" if error.get("code") == status else "unknown"
    return _BY_STATUS.get(status, "refused")


def is_transient(answer: requests.Response) -> bool:
    """Whether a retry of the request may succeed."""
    return classify(answer) == "busy" or answer.status_code in _PASSING


def body(call: Call, answer: requests.Response) -> dict[str, Any]:
    """The body of a successful answer.

    Raises:
        Conflict: the resource has changed; read it again.
        AccessDenied: a permission is missing; grant it.
        Refused: the request can never succeed, or the resource does not exist.
        Throttled: the API is busy and nothing was done; try again.
        Unavailable: the result is unknown; read the resource.
    """
    meaning = classify(answer)
    if meaning == "done":
        return _object(answer) or {}
    where = f"{call.method} at {call.url}"
    message = _message(answer, call)
    match meaning:
        case "stale":
            raise Conflict(f"{where}: it has changed since it was read ({message}); read it again")
        case "denied":
            raise AccessDenied(call.url, call.permission, _hint(call, _error(answer)))
        case "busy":
            raise Throttled(f"{where}: {answer.status_code} ({message})", max(wait(answer), 1.0))
        case "refused" | "gone":
            raise Refused(f"{where}: {answer.status_code} ({message})")
        case "unknown":
            then = "try again later" if call.verb == "GET" else "it may have been done: read it again"
            raise Unavailable(f"{where}: {_described(answer, message)}; {then}")


def wait(answer: requests.Response) -> float:
    """The wait that the API asks for in seconds, at most an hour; 0 without one."""
    asked = requested_seconds(answer.headers.get("Retry-After"))
    if asked is not None:
        return asked
    for detail in _details(_error(answer)):
        delay = str(detail.get("retryDelay", "")).removesuffix("s")
        if delay.replace(".", "", 1).isdigit():
            return min(float(delay), LONGEST)
    return 0.0


def _object(answer: requests.Response) -> dict[str, Any] | None:
    """The JSON object in a body; None for an empty, truncated or undecodable body, or another type."""
    try:
        read = json.loads(answer.content.decode())  # Google's APIs send UTF-8; ``answer.json`` guesses
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _error(answer: requests.Response) -> Mapping[str, Any]:
    """Google's own error in a body; empty if there is none."""
    return as_object((_object(answer) or {}).get("error"))


def _details(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = [part for name in ("errors", "details") if isinstance(part := error.get(name), list)]
    return [detail for part in details for detail in part if isinstance(detail, dict)]


def _reasons(error: Mapping[str, Any]) -> list[str]:
    return [str(detail["reason"]) for detail in _details(error) if "reason" in detail]


def _is_too_fast(error: Mapping[str, Any]) -> bool:
    return any(reason in _TOO_FAST for reason in _reasons(error))


def _message(answer: requests.Response, call: Call) -> str:
    """What the API says, without the values that were sent: it quotes those that it does not take."""
    message = str(_error(answer).get("message") or answer.reason)
    for text in sorted(set(_sent(call.body)), key=len, reverse=True):
        if text in message and text not in call.url:
            message = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", _HIDDEN, message)
    return message[:_LONGEST]


def _sent(value: Any) -> Iterator[str]:
    """The texts in a request's body that an error must not show."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _sent(part)
    elif isinstance(value, str) and len(value) >= _SHORTEST and not shown_fields.may_be_quoted(value):
        yield value


def _described(answer: requests.Response, message: str) -> str:
    """An answer of unknown meaning, for people, without its body."""
    if _error(answer):
        return f"{answer.status_code} ({message})"
    form = answer.headers.get("Content-Type", "").partition(";")[0].strip()[:80]
    what = f"a body that is not a JSON object ({form or 'of no type'})" if answer.content else "no body"
    return f"{answer.status_code} with {what}, which is not an answer of the API"


def _hint(call: Call, error: Mapping[str, Any]) -> str:
    if error.get("code") == requests.codes.unauthorized:
        return "the credentials are not accepted; check the service account"
    if "SERVICE_DISABLED" in _reasons(error) or "has not been used" in str(error.get("message")):
        service = urlsplit(call.url).hostname
        return f"the API is not enabled; enable it with `gcloud services enable {service}`"
    return f"{call.method} is denied; grant {call.permission} on it to the calling account"
