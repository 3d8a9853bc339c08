"""Render findings as Slack messages: resource, project, owner, severity, differences, actor and next step."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from setpoint.alerting.rendering import button_payload, phrases, slack_differences
from setpoint.alerting.rendering import links as addresses
from setpoint.alerting.rendering.mrkdwn import code, date, link, prose
from setpoint.alerting.rendering.slack_blocks import (
    Block,
    Confirmation,
    MessagePart,
    actions,
    context,
    fields,
    header,
    listed,
    message,
    more,
    pack,
    section,
)
from setpoint.comparison import difference_text
from setpoint.model import declaration_links, drift_origin, grouping
from setpoint.model.difference import Difference, Operation
from setpoint.model.display_names import short_name
from setpoint.model.drift_history import beginning, since_text
from setpoint.model.events import DriftData
from setpoint.model.notice_view import ButtonAction, FindingView, GroupView, Links, Message
from setpoint.model.severity import SEVERITIES
from setpoint.util.texts import clip

FORM = phrases.RenderStyle(value=lambda value: code(value, 100), prose=lambda text: prose(text, 400), date=date)
"""How Slack shows values from outside Setpoint."""

_MAX_LINES = 6
_MAX_SAMPLES = 10
_MAX_LISTED = 5
_MAX_MESSAGES = 10
_A_LIST = 40
_LOOKED_AT = 400
_MAX_PARTS = 1_000
_OPERATIONS: Mapping[Operation, str] = {"changed": "changed", "missing": "missing", "unexpected": "not declared"}
_QUIET_MARKS = {"exempted": "🔕 Exempted", "accepted": "☑️ Accepted"}
_STEP_MARKS: Mapping[str, str] = {
    "drift.opened": "🔎",
    "drift.changed": "🔀",
    "drift.resolved": "✅",
    "drift.exempted": "🔕",
    "drift.attributed": "👤",
    "remediation.requested": "✋",
    "remediation.started": "🔧",
    "remediation.succeeded": "✅",
    "remediation.failed": "❌",
    "remediation.blocked": "⛔",
    "approved": "👍",
    "exempted": "🔕",
    "accepted": "☑️",
}


def finding(shown: FindingView, links: Links) -> Message:
    """A finding in its current state; the message is sent once, and updated when its content changes.

    Args:
        shown: the finding.
        links: URLs of the pages that it links to.
    """
    if shown.data.status == "resolved":
        return message(phrases.summary(shown), _resolved(shown, links))
    blocks = [header(_title(shown.data)), _differences(shown.data), fields(_facts(shown))]
    blocks += [section(f"*Next:* {phrases.next_step(shown, FORM)}."), _footer(shown, links), *_actions(shown)]
    return message(phrases.summary(shown), blocks)


def _title(data: DriftData) -> str:
    quiet = _QUIET_MARKS.get(data.status)
    mark = quiet or f"{phrases.SEVERITY_MARKS[data.severity]} {phrases.severity_word(data.severity)}"
    what = phrases.subject(data)
    happened = phrases.status_phrase(data)
    room = 150 - len(mark) - len(happened) - 10
    return f"{mark}: {clip(what, room)} {happened}"


def _resolved(shown: FindingView, links: Links) -> Iterator[Block]:
    """A resolved finding, in short form."""
    data = shown.data
    lost = f"~{code(phrases.subject(data), 300)} {phrases.status_phrase(data)}~"
    yield section(f"✅ {lost}\nResolved after {phrases.duration(data)}: {phrases.ended(shown, FORM)}.")
    extent = ""
    if data.kind == "modified" and data.differences:
        others = f" {more(data.difference_count - 1)}" if data.difference_count > 1 else ""
        extent = f"It was {slack_differences.difference_line(data.differences[0])}{others}"
    done = f"changed by {phrases.changed_by(data.actor, FORM)}" if data.actor is not None else ""
    yield context(_where(data), extent, done, _ended_at(data))
    yield _footer(shown, links)


def _ended_at(data: DriftData) -> str:
    return f"until {date(data.resolved_at)}" if data.resolved_at is not None else ""


def _differences(data: DriftData) -> Block:
    if data.kind == "deleted":
        return section("It is declared; expected to exist, found nothing.")
    if data.kind == "unmanaged":
        evidence = f"\nIt {code(data.evidence, 600)}" if data.evidence and data.actor is None else ""
        return section(f"Unmanaged: it is in a scope, and has no declaration.{evidence}")
    is_grants = data.content == "iam_policy"
    heading = "*Grants that differ*" if is_grants else "*What differs*: declared → now"
    lines = [slack_differences.difference_line(difference) for difference in data.differences[:_MAX_LINES]]
    return listed(heading, lines, max(data.difference_count - len(lines), 0))


def _facts(shown: FindingView) -> Iterator[tuple[str, str]]:
    data = shown.data
    yield "Project", _where(data) or "not known"
    yield "Owner", _whose(data)
    yield "Changed by", phrases.changed_by(data.actor, FORM)
    yield "Origin", drift_origin.in_words(data.origin)
    yield "Since", _since(data)


def _where(data: DriftData) -> str:
    return code(data.project, 100) if data.project else ""


def _whose(data: DriftData) -> str:
    owner = data.owner
    contact = owner.slack or owner.email
    if not owner.team:
        return code(contact, 100) if contact else "none declared"
    return f"team {code(owner.team, 100)}" + (f", {code(contact, 100)}" if contact else "")


def _since(data: DriftData) -> str:
    again = f", for the {phrases.ordinal(data.episodes)} time" if data.episodes > 1 else ""
    began_at, at_least = beginning(data.history, data.first_seen)
    return f"{'at least ' if at_least else ''}{date(began_at)}{again}"


def _footer(shown: FindingView, links: Links) -> Block:
    """The declaration's location, the resource's name, and links."""
    data = shown.data
    page = link(addresses.of_finding(links, shown), "Open in Setpoint") or code(_command(data), 100)
    return context(_declared(data), code(short_name(data.resource_name), 200), page)


def _command(data: DriftData) -> str:
    return f"setpoint findings show {data.finding_id[:12]}"


def _declared(data: DriftData) -> str:
    place = _place(data)
    word = "Scope" if data.kind == "unmanaged" else "Declared"
    return f"{word} in {place}" if place else ""


def _place(data: DriftData) -> str:
    source = data.declared_in
    where = str(source) or source.repo
    return link(declaration_links.declared_at(source), where) or code(where, 160) if where else ""


def _actions(shown: FindingView) -> list[Block]:
    """The buttons; none if the resource's name is too long for a button's value."""
    data = shown.data
    value = button_payload.finding_value(data.resource_name, data.content, data.fingerprint)
    offered = button_payload.offered_actions(shown) if value else ()
    seed = f"{data.finding_id}\n{data.fingerprint}\n{shown.event}\n{shown.event_time.isoformat()}\n{len(shown.steps)}"
    written = "; ".join(shown.data.remediation.summary[:2]) if shown.data.remediation else ""
    write = written or "; ".join(map(difference_text.as_line, data.differences[:2])) or phrases.subject(data)
    questions: dict[ButtonAction, Confirmation] = {
        "fix": Confirmation("Remediate now?", f"Setpoint writes to Google Cloud: {write}", "Fix now"),
        "approve": Confirmation("Approve?", f"Setpoint writes to Google Cloud: {write}", "Approve"),
        "accept": Confirmation(
            "Accept this drift?",
            "The drift stays. There is no further alert unless it changes.",
            "Accept",
            is_grave=True,
        ),
    }
    return [actions(_block_id(seed), offered, value, questions)] if offered else []


def _block_id(seed: str) -> str:
    return f"setpoint:{hashlib.blake2b(seed.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def group(group: GroupView, links: Links) -> Message:
    """A group of findings in their current state.

    Args:
        group: the findings.
        links: URLs of the pages that it links to.
    """
    page = addresses.of_group(links, group)
    show = link(page, f"Show all {group.total:,} in Setpoint") or code("setpoint findings list")
    if phrases.is_over(group):
        took = phrases.lasted((group.changed_at - group.opened_at).total_seconds())
        lost = f"~{code(phrases.group_title(group), 200)} {phrases.group_status_phrase(group)}~"
        blocks = [section(f"✅ {lost}\nAll resolved after {took}."), context(_actors(group), show)]
        return message(phrases.group_summary(group), blocks)
    mark = f"{phrases.SEVERITY_MARKS[group.severity]} {phrases.severity_word(group.severity)}"
    blocks = [
        header(f"{mark}: {phrases.group_title(group)} {phrases.group_status_phrase(group)}"),
        *_changes(group),
        fields(_group_facts(group)),
        *_samples(group, links),
        context(f"last change {date(group.changed_at)}", show),
        *_group_actions(group),
    ]
    return message(phrases.group_summary(group), blocks)


def _changes(group: GroupView) -> list[Block]:
    lines = [_change(change, group.samples) for change in group.cause.changes[:_MAX_LINES]]
    if not lines:
        return []
    return [listed("*What differs*: declared → now", lines, len(group.cause.changes) - len(lines), 2_000)]


def _change(change: tuple[str, Operation], samples: Sequence[FindingView]) -> str:
    """A difference of a group, with its values if they are the same in all samples."""
    differences = [_difference_of(shown.data, change) for shown in samples]
    known = [difference for difference in differences if difference is not None]
    values = {
        (difference_text.as_text(difference.declared), difference_text.as_text(difference.observed))
        for difference in known
    }
    if known and len(known) == len(differences) and len(values) == 1:
        return slack_differences.difference_line(known[0])
    path, op = change
    return f"{code(path or '(all)', 160)} {_OPERATIONS[op]}"


def _difference_of(data: DriftData, change: tuple[str, Operation]) -> Difference | None:
    """The finding's difference for a change of the group; None if there are several."""
    matching = [
        difference for difference in islice(data.differences, _LOOKED_AT) if grouping.change_of(difference) == change
    ]
    return matching[0] if len(matching) == 1 else None


def _group_facts(group: GroupView) -> Iterator[tuple[str, str]]:
    yield "Status", phrases.statuses(group)
    yield "Changed by", _actors(group)
    yield "Origin", phrases.group_origin(group)
    yield "Projects", _counted(group.projects, group.project_count)
    yield "Teams", _counted(group.teams, len(group.teams))
    if len(group.severities) > 1:
        counts = [(level, group.severities[level]) for level in reversed(SEVERITIES) if group.severities.get(level)]
        yield "Severity", ", ".join(f"{count:,} {level}" for level, count in counts)
    yield "Since", date(group.opened_at)
    next_steps = {phrases.next_step(shown, FORM) for shown in group.samples if shown.data.status == "open"}
    if len(next_steps) == 1:
        yield "Next", next_steps.pop()


def _counted(counts: Mapping[str, int], total: int) -> str:
    """The largest counts, and the number of the others."""
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MAX_LISTED]
    parts = [f"{code(name, 60) if name else 'none'} {count:,}" for name, count in largest]
    if (more := max(total, len(counts)) - len(largest)) > 0:
        parts.append(f"{more:,} more")
    return ", ".join(parts)


def _actors(group: GroupView) -> str:
    """The actors; with the tool if there is only one actor."""
    principals = [name for name in group.actors if name]
    if not principals:
        return "not known yet"
    known = [shown.data.actor for shown in group.samples if shown.data.actor is not None]
    if len(group.actors) == 1 and known and all(actor.principal == principals[0] for actor in known):
        return phrases.changed_by(known[0], FORM)
    largest = sorted(group.actors.items(), key=lambda item: (-item[1], item[0]))[:_MAX_LISTED]
    text = ", ".join(f"{code(name, 80) if name else 'not known yet'} {count:,}" for name, count in largest)
    return f"{text}, and others" if len(group.actors) > _MAX_LISTED else text


def _samples(group: GroupView, links: Links) -> list[Block]:
    lines = [_line(shown, links, with_difference=False) for shown in group.samples[:_MAX_SAMPLES]]
    return [listed("*Some of them*", lines, max(group.total - len(lines), 0))] if lines else []


def _group_actions(group: GroupView) -> list[Block]:
    value = button_payload.group_value(group.id)
    count = group.statuses.get("open", 0)
    if not value or not count:
        return []
    can_fix = any("fix" in button_payload.offered_actions(shown) for shown in group.samples)
    first: tuple[ButtonAction, ...] = ("approve",) if group.statuses.get("awaiting") else ("fix",) if can_fix else ()
    those = phrases.plural("resource", count)
    questions: dict[ButtonAction, Confirmation] = {
        "fix": Confirmation(f"Remediate {those} now?", f"Setpoint writes to Google Cloud, to {those}.", "Fix now"),
        "approve": Confirmation(
            f"Approve {phrases.plural('write', group.statuses.get('awaiting', 0))}?",
            "Setpoint writes to Google Cloud, within the limits of the policy.",
            "Approve all",
        ),
        "accept": Confirmation(
            f"Accept all {count:,}?",
            "The drift stays. A finding alerts again only if its drift changes.",
            "Accept all",
            is_grave=True,
        ),
    }
    seed = f"{group.id}\n{group.changed_at.isoformat()}\n{group.total}"
    return [actions(_block_id(seed), (*first, "snooze", "accept", "why"), value, questions)]


def digest(findings: Sequence[FindingView], links: Links) -> Message:
    """Many findings in one message, the most severe first.

    Args:
        findings: the findings.
        links: URLs of the pages that it links to.
    """
    title = _counts(findings)
    lines = [_line(shown, links) for shown in sorted(findings, key=phrases.worst_first)[:_A_LIST]]
    unsaid = len(findings) - len(lines)
    packed = pack([MessagePart("", lines or ["No findings."])], _rest, messages=1, unsaid=unsaid)
    return message(title, [header(f"🗞️ {title}"), *packed[0]])


def _counts(findings: Sequence[FindingView]) -> str:
    """``42 findings: 3 high, 39 low``."""
    counts = Counter(shown.data.severity for shown in findings)
    levels = ", ".join(f"{counts[level]:,} {level}" for level in reversed(SEVERITIES) if counts[level])
    return phrases.plural("finding", len(findings)) + (f": {levels}" if levels else "")


def _line(shown: FindingView, links: Links, *, with_difference: bool = True) -> str:
    """A finding in a line of up to about 700 characters."""
    data = shown.data
    mark = {"resolved": "✅", "exempted": "🔕", "accepted": "☑️"}.get(data.status) or phrases.SEVERITY_MARKS[
        data.severity
    ]
    name = link(addresses.of_finding(links, shown), phrases.subject(data), 100) or code(phrases.subject(data), 100)
    text = f"{mark} {name}"
    if phrases.title(data).project not in ("", phrases.title(data).name):
        text += f" in {code(data.project, 60)}"
    if data.status == "resolved":
        return f"{text}: resolved after {phrases.duration(data)}"
    if not with_difference or data.kind != "modified" or not data.differences:
        return f"{text} {phrases.status_phrase(data)}" if with_difference else text
    others = f" {more(data.difference_count - 1)}" if data.difference_count > 1 else ""
    return f"{text}: {slack_differences.difference_line(data.differences[0])}{others}"


def details(findings: Sequence[FindingView], links: Links) -> tuple[Message, ...]:
    """The details of findings, for the thread of a message; up to ten messages.

    Args:
        findings: a single finding, which is shown in full, or several, which are listed.
        links: URLs of the pages that they link to.
    """
    if len(findings) == 1:
        return _in_full(findings[0], links)
    lines = [_line(shown, links) for shown in findings[: _A_LIST * _MAX_MESSAGES]]
    unsaid = len(findings) - len(lines)
    packed = pack([MessagePart("", lines)], _rest, messages=_MAX_MESSAGES, lines=_A_LIST, unsaid=unsaid)
    return tuple(message(_counts(findings), blocks) for blocks in packed)


def _rest(left: int) -> str:
    return f"{more(left)}: {code('setpoint findings list --status all')}"


def _in_full(shown: FindingView, links: Links) -> tuple[Message, ...]:
    data = shown.data
    where = link(addresses.of_finding(links, shown), "open in Setpoint") or code(_command(data), 100)
    fields_heading = f"*{phrases.plural('difference', data.difference_count)}*: declared → now"
    lines = [
        f"{slack_differences.difference_line(difference)}{slack_differences.in_own_terms(difference)}"
        for difference in data.differences[:_MAX_PARTS]
    ]
    unsaid = max(data.difference_count - len(lines), 0)
    parts = [
        MessagePart(
            f"*All of {code(phrases.subject(data), 200)}*",
            [f"{name}: {fact}" for name, fact in _all_facts(shown) if fact],
        ),
        MessagePart(
            "*What has happened*",
            [f"{date(entry.occurred_at)}  {phrases.step_line(entry, FORM)}" for entry in shown.steps],
        ),
        MessagePart("*What would remediate it*", _summary(data)),
        MessagePart("*Before it was deleted*", list(islice(_leaves(data.previous_data), _MAX_PARTS))),
        MessagePart(fields_heading, lines),
    ]
    packed = pack(parts, lambda left: f"{more(left)}: {where}", messages=_MAX_MESSAGES, unsaid=unsaid)
    return tuple(message(f"All of {phrases.subject(data)}", blocks) for blocks in packed)


def _all_facts(shown: FindingView) -> Iterator[tuple[str, str]]:
    data = shown.data
    yield "Resource", code(data.resource_name, 1_000)
    about = f", {data.content.replace('_', ' ')}" if data.content != "resource" else ""
    yield "Type", f"{code(data.asset_type, 200)}{about}"
    yield "Location", ", ".join(code(place, 60) for place in data.ancestors[:_MAX_SAMPLES])
    yield "Project", code(data.project, 100) if data.project else ""
    yield "Owner", ", ".join(code(part, 100) for part in msgspec.structs.astuple(data.owner) if part)
    yield "Status", data.status + (f": {prose(data.reason)}" if data.reason else "")
    yield "Severity", f"{phrases.SEVERITY_MARKS[data.severity]} {data.severity}"
    yield "Mode", data.mode
    yield "Next", phrases.next_step(shown, FORM)
    yield "Changed by", phrases.changed_by(data.actor, FORM)
    yield from _of_actor(data)
    yield "Origin", drift_origin.in_words(data.origin)
    yield "Drifts since", since_text(data.history)
    yield "First seen", date(data.first_seen)
    yield "Last seen", f"{date(data.last_seen)}, {phrases.plural('observation', data.count)}"
    yield "Resolved", date(data.resolved_at) if data.resolved_at else ""
    yield "Recurrence", phrases.ordinal(data.episodes)
    yield "Declared in", _place(data)
    yield "Terraform", code(data.declared_in.address, 160) if data.declared_in.address else ""
    yield "Revision", code(data.declared_in.commit, 80) if data.declared_in.commit else ""
    yield "Finding", f"{code(data.finding_id, 100)}, drift {code(data.fingerprint, 100)}"


def _of_actor(data: DriftData) -> Iterator[tuple[str, str]]:
    actor = data.actor
    if actor is not None:
        yield "Confidence", actor.confidence
        yield (
            "Call",
            f"{code(actor.method, 120)}, {date(actor.requested_at)}" if actor.method else date(actor.requested_at),
        )
        yield "From", code(actor.ip, 60) if actor.ip else ""


def _summary(data: DriftData) -> list[str]:
    return [code(line, 300) for line in data.remediation.summary] if data.remediation else []


def _leaves(value: object, path: str = "") -> Iterator[str]:
    """The values of a deleted resource, one line each."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else str(key))
    elif value is not None:
        text = difference_text.as_text(value)[:400]
        yield f"{code(path or '(all)', 160)}: {slack_differences.value_text(value, text)}"


def step(shown: FindingView, links: Links) -> Message:
    """The latest step of a finding, for the thread of its message.

    Args:
        shown: the finding; its last step is shown, or its latest event.
        links: URLs of the pages that it links to.
    """
    what = shown.steps[-1].what if shown.steps else shown.event
    text = f"{_STEP_MARKS.get(what, '•')} {phrases.latest_step(shown, FORM)}."
    plain_text = phrases.latest_step(shown)
    blocks = [section(text)]
    if what in ("drift.opened", "drift.changed") and shown.data.status == "open":
        blocks.append(_differences(shown.data))
    elif what in ("remediation.requested", "remediation.started") and (written := _summary(shown.data)):
        blocks.append(listed("*What would remediate it*", written[:_MAX_LINES], max(len(written) - _MAX_LINES, 0)))
    if page := addresses.of_finding(links, shown):
        blocks.append(context(link(page, "Open in Setpoint")))
    return message(f"{phrases.subject(shown.data)}: {plain_text}", blocks)


def escalation(shown: FindingView) -> Message:
    """An escalation of a severe finding that is still open.

    Args:
        shown: the finding.
    """
    data = shown.data
    waited = phrases.lasted((shown.event_time - data.first_seen).total_seconds())
    title = f"🚨 {phrases.severity_word(data.severity)}, and no action was taken: {phrases.subject(data)}"
    blocks = [header(title), _differences(data), fields(_facts(shown))]
    blocks += [section(f"*Open for {waited}.* {phrases.next_step(shown, FORM)}."), _footer(shown, Links())]
    return message(f"{title}. {phrases.summary(shown)}", [*blocks, *_actions(shown)])
