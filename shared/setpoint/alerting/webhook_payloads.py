"""The bodies that webhooks get: CloudEvents 1.0 in structured JSON, one for each change of a message.

A webhook has no messages that can be updated. Bodies about one message have the same ``notice``, and a body that is
sent twice has the same ``id``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from setpoint.alerting.rendering import links as addresses
from setpoint.model.notice_view import FindingView, GroupView, Links
from setpoint.util.external_sort import batches

NoticeType = Literal[
    "notice.finding",  # a finding as it is by now
    "notice.group",  # several of one cause, as they are by now
    "notice.step",  # what has last happened to a finding of a message
    "notice.details",  # some of the findings of a message
    "notice.digest",  # a part of a digest
    "notice.escalation",  # a finding is escalated, or no longer
]

NOTICE_SCHEMA = "https://setpoint.dev/schemas/notice.v1.json"
_PART = 50
"""Largest number of findings in one body: a finding takes some kilobytes, and tens of them at most."""


class NoticeData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of a finding or a group.

    Args:
        findings: the finding, or those of this part.
        group: the group, for several findings of one cause.
        part: the number of this part, from 1.
        parts: the number of parts.
        link: a page about it; empty for none.
    """

    findings: tuple[FindingView, ...] = ()
    group: GroupView | None = None
    part: int = 1
    parts: int = 1
    link: str = ""


class WebhookNotice(msgspec.Struct, frozen=True, kw_only=True):
    """One body.

    Args:
        id: equal for equal bodies, so that receivers can drop repeats.
        type: the kind of event.
        subject: full resource name; for several findings their asset type, or empty.
        time: the time of the state.
        notice: the id of the message that it belongs to.
        data: the state.
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
    """The body for the current state of a finding, or of several with one cause."""
    if isinstance(view, GroupView):
        link = addresses.of_group(links, view)
        return _notice("notice.group", name, view.cause.asset_type, view.changed_at, NoticeData(group=view, link=link))
    return _of_finding("notice.finding", name, name, view, links)


def escalation(name: str, view: FindingView, links: Links) -> WebhookNotice:
    """The body for an escalation; where the finding is not open, that the escalation is over."""
    return _of_finding("notice.escalation", name, name, view, links)


def step(name: str, notice: str, view: FindingView, links: Links) -> WebhookNotice:
    """The body for the latest step of a finding."""
    return _of_finding("notice.step", name, notice, view, links)


def details(name: str, notice: str, findings: Sequence[FindingView]) -> Iterator[WebhookNotice]:
    """The bodies with the details of several findings, in parts."""
    return _parts("notice.details", name, notice, findings)


def digest(name: str, findings: Sequence[FindingView]) -> Iterator[WebhookNotice]:
    """The bodies of a digest, in parts."""
    return _parts("notice.digest", name, name, findings)


def _of_finding(kind: NoticeType, name: str, notice: str, view: FindingView, links: Links) -> WebhookNotice:
    data = NoticeData(findings=(view,), link=addresses.of_finding(links, view))
    return _notice(kind, notice, view.data.resource_name, view.event_time, data, seed=name)


def _parts(kind: NoticeType, name: str, notice: str, findings: Sequence[FindingView]) -> Iterator[WebhookNotice]:
    parts = [tuple(part) for part in batches(findings, _PART)]
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
