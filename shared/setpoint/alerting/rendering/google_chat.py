"""Render findings as cards of Google Chat, within its limits.

A message is limited to 32,000 bytes, and the text of cards supports a subset of HTML.
Sources: https://developers.google.com/workspace/chat/api/reference/rest/v1/cards,
https://developers.google.com/workspace/chat/format-messages#card-formatting
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from setpoint.alerting.rendering import links as addresses
from setpoint.alerting.rendering.safe_text import clean
from setpoint.comparison import difference_text
from setpoint.model import drift_origin
from setpoint.model.drift_history import since_text
from setpoint.model.notice_view import FindingView, GroupView, Links
from setpoint.util.counts import counted
from setpoint.util.quotas import cut
from setpoint.util.texts import ELLIPSIS

_BUDGET = 20_000
"""Maximum size of a card's lines in bytes, with room for the rest of the card and JSON escapes."""
_MAX_FIELD = 500
_MAX_VALUE = 120
_MAX_LINES = 60


def finding(shown: FindingView, links: Links) -> dict[str, Any]:
    """A finding in its current state."""
    data = shown.data
    facts = {
        "resource": data.resource_name,
        "owner": " ".join(filter(None, (data.owner.team, data.owner.email))),
        "changed by": _who(shown),
        "origin": drift_origin.in_words(data.origin),
        "since": since_text(data.history) or f"{data.first_seen:%Y-%m-%d %H:%M} UTC",
        "declared in": str(data.declared_in),
        "status": _status(shown),
    }
    link = addresses.of_finding(links, shown)
    return _card(f"{data.severity} drift: {_short(data.resource_name)}", _place(shown), facts, _lines(shown), link)


def group(group: GroupView, links: Links) -> dict[str, Any]:
    """A group of findings."""
    facts = {
        "open": f"{group.statuses.get('open', 0)} of {group.total}",
        "projects": f"{group.project_count}: {_counts(group.projects)}",
        "owners": _counts(group.teams),
        "changed by": _counts(group.actors),
        "since": f"{group.opened_at:%Y-%m-%d %H:%M} UTC",
    }
    lines = [f"{operation} {path}" for path, operation in group.cause.changes]
    lines += [sample.data.resource_name for sample in group.samples]
    title = f"{group.severity} drift: {group.total} {group.cause.asset_type}"
    return _card(title, group.cause.kind, facts, lines, addresses.of_group(links, group))


def step(shown: FindingView, links: Links) -> dict[str, Any]:
    """The latest step of a finding."""
    last = shown.steps[-1] if shown.steps else None
    what = last.what if last is not None else shown.event
    facts = {"by": last.by, "": last.text} if last is not None else {"status": _status(shown)}
    link = addresses.of_finding(links, shown)
    return _card(f"{what}: {_short(shown.data.resource_name)}", _place(shown), facts, (), link)


def details(findings: Sequence[FindingView], links: Links) -> Iterator[dict[str, Any]]:
    """The details of findings, one card each."""
    return (finding(shown, links) for shown in findings)


def digest(findings: Sequence[FindingView], links: Links) -> dict[str, Any]:
    """Many findings in one message; those that do not fit are counted."""
    del links
    lines = [f"{shown.data.severity}: {shown.data.resource_name} ({shown.data.status})" for shown in findings]
    return _card(counted(len(findings), "finding"), "digest", {}, lines, "")


def escalation(shown: FindingView, links: Links) -> dict[str, Any]:
    """An escalation of a finding, with its current status."""
    made = finding(shown, links)
    still = "still open" if shown.data.status == "open" else shown.data.status
    made["cardsV2"][0]["card"]["header"]["subtitle"] = _cut(f"{still}, {_place(shown)}", _MAX_FIELD)
    return made


def _card(title: str, subtitle: str, facts: dict[str, str], lines: Iterable[str], link: str) -> dict[str, Any]:
    widgets: list[dict[str, Any]] = [
        {"decoratedText": {"topLabel": label, "text": _html(text, _MAX_FIELD), "wrapText": True}}
        for label, text in facts.items()
        if text
    ]
    if text := _joined(list(lines)):
        widgets.append({"textParagraph": {"text": text}})
    if link.startswith(("https://", "http://")):
        button = {"text": "Open", "onClick": {"openLink": {"url": link[:2000]}}}
        widgets.append({"buttonList": {"buttons": [button]}})
    if not widgets:
        widgets.append({"textParagraph": {"text": _html(subtitle, _MAX_FIELD) or "-"}})
    header = {"title": _cut(title, _MAX_FIELD), "subtitle": _cut(subtitle, _MAX_FIELD)}
    # In plain text Chat would turn <users/all> into a mention.
    fallback = _cut(f"{title} ({subtitle})", _MAX_FIELD).replace("<", "(").replace(">", ")")
    card = {"header": header, "sections": [{"widgets": widgets}]}
    return {"fallbackText": fallback, "cardsV2": [{"cardId": "setpoint", "card": card}]}


def _joined(lines: list[str]) -> str:
    """As many lines as fit, and the number of the others."""
    kept: list[str] = []
    size = 0
    for line in lines[:_MAX_LINES]:
        made = _html(line, 3 * _MAX_FIELD)
        size += _bytes(made) + 4
        if size > _BUDGET:
            break
        kept.append(made)
    rest = len(lines) - len(kept)
    return "<br>".join([*kept, *([f"and {rest} more"] if rest else [])])


def _lines(shown: FindingView) -> list[str]:
    data = shown.data
    lines = [difference_text.as_line(difference, _MAX_VALUE, own_path=True) for difference in data.differences]
    more = data.difference_count - len(data.differences)
    return [*lines, *([f"and {counted(more, 'more field')}"] if more > 0 else [])]


def _who(shown: FindingView) -> str:
    actor = shown.data.actor
    if actor is None:
        return "not known"
    with_what = f" with {actor.caller}" if actor.caller else ""
    doubt = "" if actor.confidence == "certain" else f" ({actor.confidence})"
    return f"{actor.principal}{with_what}{doubt}"


def _status(shown: FindingView) -> str:
    reason = f": {shown.data.reason}" if shown.data.reason else ""
    until = f" until {shown.quiet_until:%Y-%m-%d %H:%M} UTC" if shown.quiet_until is not None else ""
    return f"{shown.data.status}{until}{reason}"


def _place(shown: FindingView) -> str:
    return " · ".join(filter(None, (shown.data.asset_type, shown.data.project, shown.data.kind)))


def _short(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name or 'not known'} ({count})" for name, count in counts.items())


def _html(text: str, most: int) -> str:
    """Text with escaped tags; it is cut before it is escaped, so that no escape is cut."""
    return escape(_cut(text, most), quote=False)


def _cut(text: str, most: int) -> str:
    """Clean text of at most this many bytes."""
    shown = clean(text[: most + 1])
    return shown if _bytes(shown) <= most else cut(shown, most - _bytes(ELLIPSIS)) + ELLIPSIS


def _bytes(text: str) -> int:
    return len(text.encode())
