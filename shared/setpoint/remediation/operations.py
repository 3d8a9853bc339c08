"""Long-running operations: the URL of an operation, and its progress.

Most APIs answer with ``google.longrunning.Operation`` (https://cloud.google.com/apis/design/design_patterns#long_running_operations);
Compute Engine, Cloud SQL, Kubernetes Engine and Cloud DNS have operations of their own, with a ``status``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from setpoint.catalog import shown_fields
from setpoint.model.write_plan import Call, Done, Failed, Running
from setpoint.util.secret_formats import SCRUBBED, scrub


def address(call: Call, answer: Mapping[str, Any]) -> str:
    """The URL of an operation; empty if the answer has none.

    Args:
        call: the request.
        answer: the operation that it returned.
    """
    for name in (answer.get("selfLink"), answer.get("name"), _beside(call, answer)):
        if not isinstance(name, str) or "/" not in name:
            continue
        for pattern in sorted(call.operations, key=lambda text: -text.count("/")):
            match = re.search(rf"(?:\A|/)({re.escape(pattern).replace(chr(92) + '*', '[^/]+')})\Z", name)
            if match:
                return call.base + match[1]
    name = answer.get("name")
    return f"{call.base}{name}" if isinstance(name, str) and "/" in name else ""


def _beside(call: Call, answer: Mapping[str, Any]) -> str:
    """The URL of a Cloud DNS operation, which is returned as an id below the resource."""
    return f"{call.url}/operations/{answer['id']}" if "id" in answer else ""


def progress(answer: Mapping[str, Any]) -> Running | Done | Failed:
    """The progress of an operation.

    Args:
        answer: the operation that was read.
    """
    ended = answer.get("done") is True or str(answer.get("status", "")).upper() == "DONE"
    if not ended:
        return Running()
    error = answer.get("error")
    if not error:
        return Done()
    return Failed(_reason(error))


def _reason(error: Any) -> str:
    """The message of an error, or of a list of errors."""
    errors = error.get("errors") if isinstance(error, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else error
    if not isinstance(first, dict):
        return "it ended with an error"
    code = first.get("code") or first.get("status") or ""
    message = _without_values(str(first.get("message", ""))[:_LIMIT])
    return scrub(f"{code}: {message}").strip(": ")[:_LONGEST] or "it ended with an error"


def _without_values(message: str) -> str:
    """A message without the values that it quotes: a sent value may be a secret, which only its field shows."""
    start = 0
    while quoted := _QUOTED.search(message, start):
        value = quoted["value"]
        start = quoted.end()
        if not quoted["field"] and len(value) >= _SHORTEST and not shown_fields.may_be_quoted(value):
            end = message.rindex(quoted["mark"])  # a value may hold quotation marks itself
            message = f"{message[: quoted.start('value')]}{SCRUBBED}{message[end:]}"
            start = quoted.start("value") + len(SCRUBBED) + 1
    return message


_QUOTED = re.compile(
    r"(?P<field>\b(?:field|parameter|property|attribute|method|permission)s?:? )?"
    r"(?<!\w)(?P<mark>['\"`])(?P<value>(?:(?!(?P=mark)).){1,4000}+)(?P=mark)",
    re.IGNORECASE | re.DOTALL,
)
_SHORTEST = 4
"""A shorter text is not a secret."""
_LONGEST = 500
_LIMIT = 5_000


_USUALLY = timedelta(hours=1)
_LONGEST_BY_SERVICE: Mapping[str, timedelta] = {
    # Defaults of the ``timeouts`` that https://registry.terraform.io/providers/hashicorp/google documents for updates,
    # and longer for upgrades that proceed node by node.
    "compute": timedelta(minutes=20),
    "dns": timedelta(minutes=20),
    "run": timedelta(minutes=20),
    "cloudresourcemanager": timedelta(minutes=20),
    "redis": timedelta(hours=2),
    "spanner": timedelta(hours=2),
    "alloydb": timedelta(hours=2),
    "sqladmin": timedelta(hours=3),
    "composer": timedelta(hours=3),
    "container": timedelta(hours=8),
}


def longest(operation: str) -> timedelta:
    """The longest time an operation may take before an alert.

    Args:
        operation: its URL.
    """
    service = (urlsplit(operation).hostname or "").partition(".")[0]
    return _LONGEST_BY_SERVICE.get(service, _USUALLY)
