"""Preview Slack messages with their threads in one HTML file that needs no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import jinja2

from setpoint.alerting.rendering import mrkdwn_html, phrases, slack
from setpoint.model.grouping import cause_id, cause_of
from setpoint.model.notice_view import FindingView, GroupView, Links, Message
from setpoint.model.severity import SEVERITIES

_MAX_SAMPLES = 10
_MAX_PROJECTS = 20
_MAX_COUNTED = 10


class Conversation(NamedTuple):
    """A message and its thread.

    Args:
        time: when the message was sent.
        message: the message.
        replies: the messages in its thread, the oldest first.
        note: a comment for readers of the preview.
    """

    time: datetime
    message: Message
    replies: tuple[Message, ...] = ()
    note: str = ""


def conversations(findings: Sequence[FindingView], links: Links) -> list[Conversation]:
    """The Slack messages about findings: grouped as alerts group them, the most severe first, resolved ones last.

    Args:
        findings: the findings.
        links: URLs of the pages that messages link to.
    """
    causes = [cause_id(cause_of(shown.data)) for shown in findings]
    common = Counter(cause for cause, shown in zip(causes, findings, strict=True) if shown.data.status != "resolved")
    grouped: dict[str, list[FindingView]] = {}
    single = []
    for cause, shown in zip(causes, findings, strict=True):
        if common[cause] > 1 and shown.data.status != "resolved":
            grouped.setdefault(cause, []).append(shown)
        else:
            single.append(shown)
    groups = [group_of(cause, sorted(members, key=phrases.worst_first)) for cause, members in grouped.items()]
    previews = [_of_group(group, grouped[group.id], links) for group in sorted(groups, key=_worst_group_first)]
    previews += [_of_finding(shown, links) for shown in sorted(single, key=phrases.worst_first)]
    quiet = [shown for shown in findings if shown.data.severity == "low" and shown.data.status == "open"]
    if quiet:
        note = "once a day, where the fleet's Alerting says so for low severities"
        previews.append(Conversation(max(shown.event_time for shown in quiet), slack.digest(quiet, links), note=note))
    return previews


def _worst_group_first(group: GroupView) -> tuple[int, int]:
    return -SEVERITIES.index(group.severity), -group.total


def _of_group(group: GroupView, findings: Sequence[FindingView], links: Links) -> Conversation:
    return Conversation(group.opened_at, slack.group(group, links), slack.details(findings, links))


def _of_finding(shown: FindingView, links: Links) -> Conversation:
    replies = slack.details([shown], links)
    if shown.event != "drift.opened":
        replies = (*replies, slack.step(shown, links))
    return Conversation(shown.data.first_seen, slack.finding(shown, links), replies)


def group_of(identifier: str, findings: Sequence[FindingView]) -> GroupView:
    """A group of findings as one message shows them, the most severe first.

    Args:
        identifier: the message's id.
        findings: one or more, the most severe first.
    """
    data = [shown.data for shown in findings]
    steps = Counter(
        finding.remediation.step for finding in data if finding.remediation is not None and finding.status == "open"
    )
    projects = Counter(finding.project for finding in data if finding.project)
    statuses: Counter[str] = Counter(finding.status for finding in data)
    statuses["awaiting"] = steps["asked"]
    statuses["remediating"] = steps["acting"] + steps["operating"] + steps["verifying"] + steps["handed_off"]
    return GroupView(
        id=identifier,
        cause=cause_of(data[0]),
        severity=max((finding.severity for finding in data), key=SEVERITIES.index),
        opened_at=min(finding.first_seen for finding in data),
        changed_at=max(shown.event_time for shown in findings),
        total=len(data),
        statuses={name: count for name, count in statuses.items() if count},
        severities=dict(Counter(finding.severity for finding in data)),
        projects=dict(projects.most_common(_MAX_PROJECTS)),
        project_count=len(projects),
        teams=dict(Counter(finding.owner.team for finding in data if finding.owner.team).most_common(_MAX_COUNTED)),
        actors=dict(
            Counter(finding.actor.principal if finding.actor is not None else "" for finding in data).most_common(
                _MAX_COUNTED
            )
        ),
        samples=tuple(findings[:_MAX_SAMPLES]),
    )


def page(shown: Iterable[Conversation], channel: str = "drift") -> str:
    """The conversations as an HTML page, light or dark by the reader's preference.

    Args:
        shown: the conversations, in their order.
        channel: the name of the channel in the page's header.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("setpoint.alerting.rendering"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = mrkdwn_html.shown
    return environment.get_template("preview.html").render(conversations=list(shown), channel=channel) + "\n"
