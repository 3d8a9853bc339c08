"""Incidents of PagerDuty: what its Events API takes, so that a finding is one incident that ends with it.

Source: https://developer.pagerduty.com/docs/send-alert-event
"""

from __future__ import annotations

from typing import Any

from setpoint.alerting.rendering import links as addresses
from setpoint.model.notice_view import FindingView, GroupView, Links
from setpoint.model.severity import Severity

_SEVERITY: dict[Severity, str] = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
_MAX_KEY, _MAX_SUMMARY, _MAX_FIELDS, _MAX_VALUE = 255, 1024, 20, 1000


def incident(name: str, view: FindingView | GroupView, links: Links, routing_key: str) -> dict[str, Any]:
    """The event that opens or changes an incident while anything is open, and else ends it.

    Args:
        name: the message's id, by which PagerDuty knows the incident.
        view: what it is about.
        links: where it links to.
        routing_key: the integration key of the service.
    """
    key = {"routing_key": routing_key, "dedup_key": name[:_MAX_KEY]}
    if not view.is_open:
        return key | {"event_action": "resolve"}
    link = _link(view, links)
    more = {"client_url": link} if link else {}
    payload = _of_group(view) if isinstance(view, GroupView) else _of_finding(view)
    return key | {"event_action": "trigger", "client": "Setpoint", "payload": payload} | more


def _link(view: FindingView | GroupView, links: Links) -> str:
    if isinstance(view, GroupView):
        return addresses.of_group(links, view)
    return addresses.of_finding(links, view)


def _of_finding(shown: FindingView) -> dict[str, Any]:
    data = shown.data
    who = data.actor.principal if data.actor is not None else ""
    return {
        "summary": f"{data.severity} drift ({data.kind}) of {data.resource_name}"[:_MAX_SUMMARY],
        "source": data.resource_name[:_MAX_SUMMARY],
        "severity": _SEVERITY[data.severity],
        "timestamp": data.first_seen.isoformat(),
        "component": data.asset_type,
        "group": data.project,
        "class": data.kind,
        "custom_details": {
            "differences": [
                f"{difference.op} {difference.path}"[:_MAX_VALUE] for difference in data.differences[:_MAX_FIELDS]
            ],
            "difference_count": data.difference_count,
            "owner": data.owner.team,
            "declared_in": str(data.declared_in),
            "changed_by": who,
            "finding_id": data.finding_id,
        },
    }


def _of_group(group: GroupView) -> dict[str, Any]:
    cause = group.cause
    return {
        "summary": f"{group.severity} drift ({cause.kind}) of {group.total} {cause.asset_type}"[:_MAX_SUMMARY],
        "source": cause.asset_type,
        "severity": _SEVERITY[group.severity],
        "timestamp": group.opened_at.isoformat(),
        "component": cause.asset_type,
        "class": cause.kind,
        "custom_details": {
            "open": group.statuses.get("open", 0),
            "total": group.total,
            "projects": group.projects,
            "teams": group.teams,
            "changed_by": group.actors,
            "differences": [f"{operation} {path}"[:_MAX_VALUE] for path, operation in cause.changes[:_MAX_FIELDS]],
        },
    }
