"""Web addresses of the pages that messages link to."""

from __future__ import annotations

from urllib.parse import quote

from setpoint.alerting.rendering.mrkdwn import is_address
from setpoint.model.grouping import cause_id
from setpoint.model.notice_view import FindingView, GroupView, Links


def of_finding(links: Links, shown: FindingView) -> str:
    """The URL of a finding's page; empty if there is none."""
    return _filled(links.finding, shown.data.finding_id)


def of_group(links: Links, group: GroupView) -> str:
    """The URL of the page of a group's findings; empty if there is none."""
    return _filled(links.group, cause_id(group.cause))


def _filled(template: str, identifier: str) -> str:
    url = template.replace("{id}", quote(identifier, safe=""))
    return url if is_address(url) else ""
