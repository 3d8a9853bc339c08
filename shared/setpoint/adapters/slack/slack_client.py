"""Call Slack's Web API, and convert its errors.

Sources: https://docs.slack.dev/apis/web-api/#responses, https://docs.slack.dev/apis/web-api/rate-limits, and the errors
of each method, https://docs.slack.dev/reference/methods/chat.postMessage#errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from setpoint.adapters.retry_after import seconds_of
from setpoint.errors import BadRequest, SetpointError, Throttled, Unavailable

_CALL_SECONDS = 10
_PAGE = 200
_ADDRESS = "https://slack.com/api/"
_CODE = re.compile(r"[a-z][a-z0-9_]{1,63}\Z")
_OK, _TOO_MANY, _BROKEN = 200, 429, 500
_TOKEN = "SETPOINT_SLACK_TOKEN"  # noqa: S105 - the name of the variable

_PASSING = frozenset(
    ("internal_error", "fatal_error", "request_timeout", "service_unavailable", "team_added_to_org", "accesslimited")
)
"""Errors of Slack that leave the result unknown."""
_LIMITS = frozenset(("ratelimited", "rate_limited", "message_limit_exceeded"))

_STEPS = {
    "channel_not_found": "it does not exist or is private: invite the app with /invite, or correct the route",
    "not_in_channel": "the app is not in it: invite it with /invite",
    "is_archived": "it is archived: unarchive it, or correct the route",
    "restricted_action": "the workspace does not let apps post there: ask its administrators",
    "restricted_action_read_only_channel": "it is read-only: let the app post there, or correct the route",
    "user_not_in_channel": "the user who clicked is not in it",
    "msg_too_long": "Slack does not accept a message of this length: please report it",
    "msg_blocks_too_long": "Slack does not accept a message of this length: please report it",
    "invalid_blocks": "Slack does not accept the blocks of the message: please report it",
    "edit_window_closed": "the workspace forbids editing after a time: allow it for apps",
    "cant_update_message": "the message is not the app's own: was it installed again?",
    "missing_scope": "the app lacks a scope: install it again from infra/slack-app.yaml",
    "not_allowed_token_type": f"{_TOKEN} is not a token of a bot (xoxb-…)",
    "no_such_subteam": "there is no such user group: correct the approvers",
    "user_not_found": "there is no such user",
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission"),
        f"the token is refused: put a valid one into {_TOKEN}",
    ),
}
"""The next step for each error."""


class SlackRefused(BadRequest):
    """Slack refuses a call for good.

    Args:
        what: the channel, user or group of the call.
        code: Slack's error code.
    """

    def __init__(self, what: str, code: str) -> None:
        super().__init__(f"Slack, {what}: {code}; {_STEPS.get(code, 'look it up at docs.slack.dev')}")
        self.code = code


def client(token: str, base_url: str = "", seconds: float = _CALL_SECONDS) -> WebClient:
    """A client without retries; created once per process.

    Args:
        token: a bot's, ``xoxb-…``.
        base_url: URL of a server in place of Slack, for tests; empty for Slack.
        seconds: timeout in seconds.
    """
    return WebClient(token, base_url or _ADDRESS, timeout=seconds, retry_handlers=[])  # type: ignore[arg-type] # takes fractions


def call(client: WebClient, method: str, what: str, **arguments: Any) -> dict[str, Any]:
    """Call a method once.

    Args:
        client: made by ``client``.
        method: ``chat.postMessage``.
        what: the channel, user or group of the call, for error messages.
        arguments: arguments of the method; those that are None are omitted.

    Returns:
        Slack's answer.

    Raises:
        Throttled: Slack's rate limit is reached and nothing was done; try again.
        SlackRefused: Slack refuses the call for good; nothing was done.
        Unavailable: the result is unknown; look it up.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    how = {"json": given} if method.startswith("chat.") else {"params": given}
    try:
        answer = client.api_call(method, **how).data  # type: ignore[arg-type]
    except SlackApiError as error:
        raise _error_of(error.response, method, what) from None
    except (OSError, HTTPException, ValueError, AttributeError, SlackClientError) as error:
        # In addition to urllib's errors, since the SDK fails on answers that are no JSON objects.
        raise Unavailable(f"Slack, {what}: {method} had no response ({type(error).__name__})") from None
    if not isinstance(answer, dict):
        raise Unavailable(f"Slack, {what}: {method} had an invalid response")
    return answer


def pages(client: WebClient, method: str, what: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """The pages of a listing.

    Raises:
        Throttled: as ``call`` does.
        SlackRefused: as ``call`` does.
        Unavailable: as ``call`` does.
    """
    cursor = None
    while True:
        page = call(client, method, what, limit=_PAGE, cursor=cursor, **arguments)
        yield page
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return


def _error_of(response: Any, method: str, what: str) -> SetpointError:
    """The error for an answer that is not ok."""
    status, data = response.status_code, response.data
    code = data.get("error") if isinstance(data, dict) else None
    if status == _TOO_MANY or code in _LIMITS:
        return Throttled(f"Slack, {what}", seconds_of(response.headers.get("Retry-After")))
    if status >= _BROKEN or code in _PASSING or not isinstance(code, str) or not _CODE.match(code):
        return Unavailable(f"Slack, {what}: {method} returned {status}; whether it took effect is not known")
    return SlackRefused(what, code)
