"""Send alerts to GitHub issues: one issue for each message, closed when no one has to act any more.

An issue carries the message's id in its text, since GitHub has no idempotency keys: after an unknown answer the issues
with Setpoint's label are searched first. Source: https://docs.github.com/rest/issues
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from setpoint.adapters.repositories.rest import Rest
from setpoint.alerting.rendering import issue as rendering
from setpoint.model.notice_view import FindingView, GroupView
from setpoint.ports.people import OutgoingMessage, PostedMessage

LABEL = "setpoint"
"""The label of every issue, by which they are searched."""

_NOT_FOUND, _GONE = 404, 410
_MARGIN = timedelta(days=1)


class Tracker(NamedTuple):
    """The issues of one repository.

    Args:
        path: ``OWNER/NAME``.
        rest: the API.
        labels: further labels of each issue.
    """

    path: str
    rest: Rest
    labels: tuple[str, ...] = ()


class _Issue(NamedTuple):
    title: str
    body: str
    is_open: bool
    since: datetime | None = None


class GitHubIssues:
    """A ``Sink`` to issues, with the names of repositories in ``SETPOINT_SINKS`` as channels.

    Args:
        tracker: opens a repository's issues by its name; raises ``BadRequest`` where there is no such name.
    """

    edits = True

    def __init__(self, tracker: Callable[[str], Tracker]) -> None:
        self._tracker = tracker

    def show(self, message: OutgoingMessage[FindingView | GroupView]) -> PostedMessage:
        """See ``Sink.show``."""
        view = message.view
        since = view.opened_at if isinstance(view, GroupView) else view.data.first_seen
        issue = _Issue(rendering.title(view), rendering.body(view, message.links), view.is_open, since)
        return self._put(message, issue, message.posted)

    def escalate(self, message: OutgoingMessage[FindingView]) -> PostedMessage:
        """See ``Sink.escalate``."""
        return self.show(message)

    def reply(self, message: OutgoingMessage[FindingView | Sequence[FindingView]], to: PostedMessage) -> None:
        """See ``Sink.reply``."""
        tracker, mark = self._tracker(to.channel), _mark(message.name)
        comments = f"/repos/{quote(tracker.path)}/issues/{to.ts}/comments"
        if message.maybe and any(mark in str(comment["body"]) for comment in tracker.rest.pages(comments)):
            return
        tracker.rest.call("POST", comments, {"body": f"{rendering.reply(message.view, message.links)}\n\n{mark}"})

    def digest(self, message: OutgoingMessage[Sequence[FindingView]]) -> None:
        """See ``Sink.digest``; a digest is an issue of its own, for people to close."""
        title, body = rendering.digest(message.view)
        self._put(message, _Issue(title, body, is_open=True), None)

    def _put(self, message: OutgoingMessage[object], issue: _Issue, posted: PostedMessage | None) -> PostedMessage:
        """Update the issue of a message, or open it."""
        tracker, mark = self._tracker(message.channel), _mark(message.name)
        number = posted.ts if posted is not None else self._find(mark, issue.since, tracker)
        change = {"title": issue.title, "body": f"{issue.body}\n\n{mark}"}
        issues = f"/repos/{quote(tracker.path)}/issues"
        if number:
            state = {"state": "open"} if issue.is_open else {"state": "closed", "state_reason": "completed"}
            answer = tracker.rest.call("PATCH", f"{issues}/{number}", change | state, expected=(_NOT_FOUND, _GONE))
            if answer.status not in (_NOT_FOUND, _GONE):
                return PostedMessage(message.channel, number)
        made = tracker.rest.call("POST", issues, {**change, "labels": [LABEL, *tracker.labels]}).data
        opened = PostedMessage(message.channel, str(made["number"]))
        return opened if issue.is_open else self._put(message, issue, opened)

    def _find(self, mark: str, since: datetime | None, tracker: Tracker) -> str:
        """The number of the issue with a mark; empty where there is none."""
        query = {"labels": LABEL, "state": "all"}
        if since is not None:
            query["since"] = f"{since - _MARGIN:%Y-%m-%dT%H:%M:%SZ}"
        listed: Iterable[Mapping[str, Any]] = tracker.rest.pages(f"/repos/{quote(tracker.path)}/issues", query)
        return next((str(each["number"]) for each in listed if mark in str(each.get("body"))), "")


def _mark(name: str) -> str:
    return f"<!-- setpoint:message {name} -->"
