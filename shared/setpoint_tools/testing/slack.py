"""A fake Slack: the part of its Web API that Setpoint uses, for the real ``WebClient``, and clickable buttons.

It runs on loopback and keeps channels, messages and threads; it refuses what Slack refuses, and shows the faults that a
test asks for. ``GET /`` shows what stands in it. It needs ``werkzeug``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from setpoint_tools.testing.google_faults import hang_up
from setpoint_tools.testing.http_server import serving
from setpoint_tools.testing.slack_blocks import refusal
from setpoint_tools.testing.slack_faults import NONE, Fault, wait_for_the_end
from setpoint_tools.testing.slack_page import page

TOKEN = "xoxb-fake"  # noqa: S105 - of the fake
SIGNING_SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105 - as above
_PAGE = 100
_FORM = "application/x-www-form-urlencoded"


class _Refused(Exception):  # noqa: N818 - Slack's word for it follows
    """A call that Slack does not follow."""


@dataclass
class SlackMessage:
    """A message that stands in a channel.

    Args:
        ts: its time, by which Slack knows it.
        text: what it says in plain text.
        blocks: what it shows.
        metadata: what its app has put beside it.
        thread: the message that it is a reply to, or empty.
        edits: how often it was changed.
    """

    ts: str
    text: str
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any] | None
    thread: str = ""
    edits: int = 0


@dataclass
class Channel:
    """A channel.

    Args:
        id: as Slack knows it.
        name: as people do, without ``#``.
        is_private: only for those who are in it.
        is_member: the app is in it.
        is_archived: nobody may post any more.
        messages: by their times.
        whispers: private messages in the channel: the user, the text and the thread.
    """

    id: str
    name: str
    is_private: bool = False
    is_member: bool = True
    is_archived: bool = False
    messages: dict[str, SlackMessage] = field(default_factory=dict)
    whispers: list[tuple[str, str, str]] = field(default_factory=list)


class Slack:
    """What stands in the fake, who is there, and the faults that it is to show.

    Args:
        clock: the time, in seconds.
        pace: seconds between two messages in one channel, below which it answers 429; 0 for no limit.
    """

    def __init__(self, clock: Callable[[], float] = time.time, pace: float = 0.0) -> None:
        self.pace = pace
        self.on_click: Callable[[str, str, Mapping[str, Any]], None] | None = None
        self.calls: list[str] = []
        self.throttled = 0
        self.plan: list[Fault] = []
        self.channels: dict[str, Channel] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, list[str]] = {}
        self.views: list[dict[str, Any]] = []
        self._clock = clock
        self._last = 0.0
        self._posted_at: dict[str, float] = defaultdict(lambda: float("-inf"))
        self._lock = threading.RLock()

    def channel(self, name: str) -> Channel:
        """Make a channel, or find it by its name."""
        channel = next((known for known in self.channels.values() if known.name == name), None)
        if channel is None:
            channel = Channel(f"C{len(self.channels) + 1:010d}", name)
            self.channels[channel.id] = channel
        return channel

    def user(self, identifier: str, email: str, **more: Any) -> None:
        """Let somebody be there."""
        profile = {"email": email}
        self.users[identifier] = {"id": identifier, "profile": profile, "is_email_confirmed": True, **more}

    def shown(self, name: str) -> list[SlackMessage]:
        """The messages of a channel, replies left out, the oldest first."""
        return [message for message in self.channel(name).messages.values() if not message.thread]

    def replies(self, name: str, ts: str) -> list[SlackMessage]:
        """What stands in the thread below a message."""
        return [message for message in self.channel(name).messages.values() if message.thread == ts]

    def delete(self, name: str, ts: str) -> None:
        """Somebody deletes a message."""
        del self.channel(name).messages[ts]

    def clicked(self, name: str, ts: str, action: Mapping[str, Any], user: str) -> dict[str, Any]:
        """The payload that Slack sends when somebody clicks a button.

        Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload

        Args:
            name: the channel.
            ts: the message.
            action: the button; of a menu, with its ``selected_option``.
            user: who.
        """
        channel = self.channel(name)
        message = channel.messages[ts]
        block = next((candidate for candidate in message.blocks if _holds(candidate, str(action.get("action_id")))), {})
        action_ts = f"{self._clock():.6f}"
        container = {"type": "message", "message_ts": ts, "channel_id": channel.id, "is_ephemeral": False}
        return {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": "T1"},
            "api_app_id": "A1",
            "token": "verification",
            "container": container | ({"thread_ts": message.thread} if message.thread else {}),
            "trigger_id": "1.2.3",
            "team": {"id": "T1", "domain": "example"},
            "channel": {"id": channel.id, "name": channel.name},
            "message": {"type": "message", "ts": ts, "text": message.text, "blocks": message.blocks},
            "response_url": "https://hooks.slack.com/actions/T1/1/x",
            "actions": [{**action, "block_id": block.get("block_id", ""), "action_ts": action_ts}],
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request, as a WSGI application."""
        request = Request(environ)
        if request.method == "GET":
            with self._lock:
                shown = page(self)
            return Response(shown, content_type="text/html; charset=utf-8")(environ, start_response)
        if request.path == "/click":
            return self._clicked(request.form)(environ, start_response)
        given = _given(request)
        with self._lock:
            self.calls.append(request.path.removeprefix("/api/"))
            fault = self.plan.pop(0) if self.plan else NONE
            answer = self._answer(request, given, fault)
        if fault.silent:
            wait_for_the_end(environ)
        if fault.lost or fault.silent:
            return hang_up(environ, start_response)
        return answer(environ, start_response)

    def _clicked(self, form: Mapping[str, str]) -> Response:
        """Somebody clicks a button on the page; then they see the page again."""
        with self._lock:
            message = self.channel(form["channel"]).messages.get(form["ts"])
            elements = [part for block in message.blocks for part in block.get("elements", ())] if message else []
        action = next((part for part in elements if part.get("action_id") == form["action"]), None)
        if action is not None and self.on_click is not None:
            chosen = [option for option in action.get("options", ()) if option["value"] == form.get("option")]
            selected = {"selected_option": chosen[0]} if chosen else {}
            if chosen or "options" not in action:
                self.on_click(form["channel"], form["ts"], {**action, **selected})
        return Response(status=303, headers={"Location": "/"})

    def _answer(self, request: Request, given: dict[str, Any], fault: Fault) -> Response:
        done = self._done(request, given) if fault == NONE or fault.taken else {}
        if fault.garbled:
            return Response("<html>Bad Gateway</html>", status=fault.status)
        if fault.error:
            done = {"ok": False, "error": fault.error}
        headers = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after else {}
        status = fault.status
        if "retry_after" in done:
            status, headers = 429, {"Retry-After": str(done.pop("retry_after"))}
        return Response(json.dumps(done), status=status, headers=headers, content_type="application/json")

    def _done(self, request: Request, given: dict[str, Any]) -> dict[str, Any]:
        method = _METHODS.get(request.path.removeprefix("/api/"))
        try:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise _Refused("invalid_auth" if "Authorization" in request.headers else "not_authed")  # noqa: TRY301 - answered alike
            if method is None:
                raise _Refused("unknown_method")  # noqa: TRY301 - as above
            return {"ok": True, **method(self, given)}
        except _Refused as refused:
            code, _, more = str(refused).partition(" ")
            if code == "ratelimited":
                return {"ok": False, "error": code, "retry_after": max(1, round(float(more) + 0.5))}
            return {"ok": False, "error": code, "response_metadata": {"messages": [f"[ERROR] {more}"]}}

    def _place(self, given: Mapping[str, Any], *, by_name: bool = False, post: bool = False) -> Channel:
        asked = str(given.get("channel", ""))
        channel = self.channels.get(asked)
        if channel is None and by_name:
            channel = next((known for known in self.channels.values() if known.name == asked.removeprefix("#")), None)
        if channel is None or (channel.is_private and not channel.is_member):
            raise _Refused("channel_not_found")
        if post and channel.is_archived:
            raise _Refused("is_archived")
        if not post and not channel.is_member:
            raise _Refused("not_in_channel")
        return channel

    def _checked(self, given: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        blocks = given.get("blocks") or []
        text = str(given.get("text", ""))
        if wrong := refusal(text, blocks):
            raise _Refused(wrong)
        return text, blocks

    def _post(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._place(given, by_name=True, post=True)
        text, blocks = self._checked(given)
        now = self._clock()
        wait = self._posted_at[channel.id] + self.pace - now
        if wait > 0:
            self.throttled += 1
            raise _Refused(f"ratelimited {wait}")
        self._posted_at[channel.id] = now
        self._last = max(now, self._last + 0.000001)
        ts = f"{self._last:.6f}"
        thread = str(given.get("thread_ts") or "")
        channel.messages[ts] = SlackMessage(ts, text, blocks, given.get("metadata"), thread)
        return {"channel": channel.id, "ts": ts}

    def _update(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._place(given, post=True)
        text, blocks = self._checked(given)
        message = channel.messages.get(str(given.get("ts")))
        if message is None:
            raise _Refused("message_not_found")
        message.text, message.blocks, message.edits = text, blocks, message.edits + 1
        message.metadata = given.get("metadata", message.metadata)
        return {"channel": channel.id, "ts": message.ts}

    def _whisper(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._place(given, by_name=True)
        user = str(given.get("user"))
        if user not in self.users:
            raise _Refused("user_not_in_channel")
        channel.whispers.append((user, str(given.get("text", "")), str(given.get("thread_ts", ""))))
        return {"message_ts": f"{self._clock():.6f}"}

    def _history(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._place(given)
        ours = [message for message in channel.messages.values() if not message.thread]
        return _listed(list(reversed(ours)), given)

    def _replies(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._place(given)
        parent = channel.messages.get(str(given.get("ts")))
        if parent is None:
            raise _Refused("thread_not_found")
        below = [message for message in channel.messages.values() if message.thread == parent.ts]
        return _listed(below, given, first=parent)

    def _channels(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known = [channel for channel in self.channels.values() if not channel.is_private or channel.is_member]
        start, size = int(given.get("cursor") or 0), int(given.get("limit") or _PAGE)
        shown = [
            {"id": channel.id, "name": channel.name}
            for channel in known[start : start + size]
            if not channel.is_archived
        ]
        return {"channels": shown, **_cursor(start + size, len(known))}

    def _join(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self.channels.get(str(given.get("channel")))
        if channel is None or channel.is_private:
            raise _Refused("channel_not_found")
        channel.is_member = True
        return {"channel": {"id": channel.id}}

    def _user(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.get("user") not in self.users:
            raise _Refused("user_not_found")
        return {"user": self.users[str(given["user"])]}

    def _group(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.get("usergroup") not in self.groups:
            raise _Refused("no_such_subteam")
        return {"users": self.groups[str(given["usergroup"])]}

    def _view(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.views.append(dict(given))
        return {"view": {"id": f"V{len(self.views)}"}}


_METHODS: dict[str, Callable[[Slack, dict[str, Any]], dict[str, Any]]] = {
    "auth.test": lambda _, __: {"team_id": "T1", "user_id": "UAPP"},
    "chat.postMessage": Slack._post,  # noqa: SLF001 - of the class above
    "chat.update": Slack._update,  # noqa: SLF001
    "chat.postEphemeral": Slack._whisper,  # noqa: SLF001
    "conversations.history": Slack._history,  # noqa: SLF001
    "conversations.replies": Slack._replies,  # noqa: SLF001
    "conversations.list": Slack._channels,  # noqa: SLF001
    "conversations.join": Slack._join,  # noqa: SLF001
    "users.info": Slack._user,  # noqa: SLF001
    "usergroups.users.list": Slack._group,  # noqa: SLF001
    "views.open": Slack._view,  # noqa: SLF001
}


def _given(request: Request) -> dict[str, Any]:
    """A call's arguments, which come as JSON or as a form."""
    if request.mimetype == "application/json":
        return dict(request.get_json())
    return dict(request.form.items())


def _holds(block: Mapping[str, Any], action_id: str) -> bool:
    elements = [*(block.get("elements") or ()), block.get("accessory") or {}]
    return any(element.get("action_id") == action_id for element in elements)


def _listed(
    messages: list[SlackMessage], given: Mapping[str, Any], first: SlackMessage | None = None
) -> dict[str, Any]:
    """A page of messages; of a thread, with the message that it hangs on at the top of each."""
    oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
    matching = [message for message in messages if oldest < float(message.ts) < latest]
    start, size = int(given.get("cursor") or 0), int(given.get("limit") or _PAGE)
    with_metadata = str(given.get("include_all_metadata", "")).lower() in ("1", "true")
    page = [*([first] if first is not None else []), *matching[start : start + size]]
    return {"messages": [_as_json(message, with_metadata) for message in page], **_cursor(start + size, len(matching))}


def _as_json(message: SlackMessage, with_metadata: bool) -> dict[str, Any]:  # noqa: FBT001 - private
    fields: dict[str, Any] = {"type": "message", "ts": message.ts, "text": message.text, "blocks": message.blocks}
    if message.thread:
        fields["thread_ts"] = message.thread
    return fields | ({"metadata": message.metadata} if with_metadata and message.metadata else {})


def _cursor(end: int, total: int) -> dict[str, Any]:
    return {"has_more": end < total, "response_metadata": {"next_cursor": str(end) if end < total else ""}}


def signed(payload: Mapping[str, Any], time: float, secret: str = SIGNING_SECRET) -> tuple[bytes, dict[str, str]]:
    """The body and the headers by which Slack sends a payload.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    body = urlencode({"payload": json.dumps(payload)}).encode()
    signed_text = f"v0:{time:.0f}:".encode() + body
    signature = f"v0={hmac.new(secret.encode(), signed_text, hashlib.sha256).hexdigest()}"
    headers = {"Content-Type": _FORM, "X-Slack-Request-Timestamp": f"{time:.0f}", "X-Slack-Signature": signature}
    return body, headers


@contextmanager
def slack(clock: Callable[[], float] = time.time, pace: float = 0.0) -> Iterator[tuple[Slack, str]]:
    """The fake, up on a free loopback port, and the address of its API."""
    service = Slack(clock, pace)
    with serving(service) as address:
        yield service, f"{address}/api/"
