"""What webhooks are sent: CloudEvents 1.0 in structured JSON, one for each change of what is shown.

A webhook has no messages that could be changed. What belongs to one message carries the same ``notice``, and what was
sent twice the same ``id``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from setpoint.alerting.rendering import links as addresses
from setpoint.model.notice_view import FindingView, GroupView, Links

NoticeType = Literal[
    "notice.finding",  # a finding as it is by now
    "notice.group",  # several of one cause, as they are by now
    "notice.step",  # what has last happened to a finding of a message
    "notice.details",  # some of the findings of a message
    "notice.digest",  # some of what is told once in a while
    "notice.escalation",  # a finding that somebody has to look at, or no longer
]

NOTICE_SCHEMA = "https://setpoint.dev/schemas/notice.v1.json"
_PART = 50
"""Findings in one body: what is shown of one is a kilobyte or some, and tens of them at the very most."""


class NoticeData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is shown.

    Args:
        findings: the finding, or those of this part.
        group: several findings of one cause.
        part: which part of it this is, from 1.
        parts: how many there are.
        link: where a page of it is, where there is one.
    """

    findings: tuple[FindingView, ...] = ()
    group: GroupView | None = None
    part: int = 1
    parts: int = 1
    link: str = ""


class WebhookNotice(msgspec.Struct, frozen=True, kw_only=True):
    """One body.

    Args:
        id: the same whenever the same is sent; receivers drop what they have seen.
        type: what is shown.
        subject: full resource name; of several findings, their asset type, or empty.
        time: of what is shown.
        notice: the message that it belongs to, by its own id.
        data: what is shown.
    """

    id: str
    type: NoticeType
    subject: str
    time: datetime
    notice: str
    data: NoticeData
    source: str = "//setpoint.dev/notify"
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str = NOTICE_SCHEMA


encode = msgspec.json.Encoder().encode


def shown(name: str, view: FindingView | GroupView, links: Links) -> WebhookNotice:
    """A finding, or several of one cause, as they are by now."""
    if isinstance(view, GroupView):
        link = addresses.of_group(links, view)
        return _notice("notice.group", name, view.cause.asset_type, view.changed_at, NoticeData(group=view, link=link))
    return _of_one("notice.finding", name, name, view, links)


def escalation(name: str, view: FindingView, links: Links) -> WebhookNotice:
    """A finding that somebody has to look at; no longer, where it is not open."""
    return _of_one("notice.escalation", name, name, view, links)


def step(name: str, notice: str, view: FindingView, links: Links) -> WebhookNotice:
    """What has last happened to a finding."""
    return _of_one("notice.step", name, notice, view, links)


def details(name: str, notice: str, findings: Sequence[FindingView]) -> Iterator[WebhookNotice]:
    """All of some findings, a part at a time."""
    return _parts("notice.details", name, notice, findings)


def digest(name: str, findings: Sequence[FindingView]) -> Iterator[WebhookNotice]:
    """Many findings, a part at a time."""
    return _parts("notice.digest", name, name, findings)


def _of_one(kind: NoticeType, name: str, notice: str, view: FindingView, links: Links) -> WebhookNotice:
    data = NoticeData(findings=(view,), link=addresses.of_finding(links, view))
    return _notice(kind, notice, view.data.resource_name, view.event_time, data, seed=name)


def _parts(kind: NoticeType, name: str, notice: str, findings: Sequence[FindingView]) -> Iterator[WebhookNotice]:
    parts = [tuple(findings[start : start + _PART]) for start in range(0, len(findings), _PART)]
    for number, part in enumerate(parts, 1):
        latest = max(finding.event_time for finding in part)
        data = NoticeData(findings=part, part=number, parts=len(parts))
        yield _notice(kind, notice, "", latest, data, seed=f"{name}/{number}")


def _notice(
    kind: NoticeType, notice: str, subject: str, time: datetime, data: NoticeData, seed: str = ""
) -> WebhookNotice:
    content = f"{kind}\n{seed or notice}\n".encode() + msgspec.json.encode(data)
    identifier = hashlib.blake2b(content, digest_size=16).hexdigest()
    return WebhookNotice(id=identifier, type=kind, subject=subject, time=time, notice=notice, data=data)
