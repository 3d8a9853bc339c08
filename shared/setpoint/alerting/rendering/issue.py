"""The title and text of an issue about a finding or several of one cause, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from setpoint.alerting.rendering import change_request, phrases, safe_text
from setpoint.alerting.rendering import links as addresses
from setpoint.alerting.rendering.change_request import ShownFinding, code
from setpoint.model.notice_view import FindingView, GroupView, Links

_MAX_TITLE = 200


def title(view: FindingView | GroupView) -> str:
    """The title: ``high: Firewall allow-ssh has drifted``."""
    if isinstance(view, GroupView):
        kind = phrases.title(view.samples[0].data).kind if view.samples else view.cause.asset_type
        text = f"{view.severity}: {phrases.plural(kind, view.total)} drifted the same way"
    else:
        text = f"{view.data.severity}: {phrases.subject(view.data)} {phrases.status_phrase(view.data)}"
    return safe_text.fit(text, _MAX_TITLE)


def body(view: FindingView | GroupView, links: Links) -> str:
    """The text: the findings as they are now."""
    if isinstance(view, FindingView):
        return f"Status: {view.data.status}\n\n{_finding(view, links)}"
    statuses = ", ".join(f"{count} {status}" for status, count in view.statuses.items() if count)
    head = [f"Status: {statuses}, the {len(view.samples)} most severe of {view.total} below"]
    if link := addresses.of_group(links, view):
        head.append(f"[All findings of this cause]({link})")
    return change_request.joined(head, (_finding(sample, links) for sample in view.samples))


def reply(view: FindingView | Sequence[FindingView], links: Links) -> str:
    """The latest step of a finding, or the details of several."""
    if isinstance(view, FindingView):
        step = view.steps[-1] if view.steps else None
        by = f" by {code(step.by)}" if step is not None and step.by else ""
        text = f": {code(step.text)}" if step is not None and step.text else ""
        return f"{step.what if step is not None else view.event}{by}{text}"
    return change_request.joined((phrases.plural("finding", len(view)),), (_finding(each, links) for each in view))


def digest(findings: Sequence[FindingView]) -> tuple[str, str]:
    """The title and text of a digest."""
    lines = [f"- {each.data.severity}: {code(each.data.resource_name)} ({each.data.status})" for each in findings]
    return f"Digest: {phrases.plural('finding', len(findings))}", change_request.joined(("Now open:",), lines, "\n")


def _finding(view: FindingView, links: Links) -> str:
    shown = ShownFinding(view.data, view.data.differences)
    return "\n".join(change_request.of_finding(shown, links))
