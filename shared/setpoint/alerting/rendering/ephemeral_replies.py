"""Ephemeral replies to a Slack user who clicked a button; Slack's markup, with escaped values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from setpoint.alerting.rendering import mrkdwn
from setpoint.comparison import difference_text
from setpoint.model.alerting_config import Approvers
from setpoint.model.audit_trail import AuditEntry, display_text
from setpoint.model.difference import Difference
from setpoint.model.drift_history import FieldOnset, since_text
from setpoint.model.drift_origin import WORDS
from setpoint.model.events import DriftData
from setpoint.remediation.decision import Decision
from setpoint.util.counts import counted

LIMIT = 3_900
"""Maximum characters of a text; Slack advises 4,000 (https://docs.slack.dev/reference/methods/chat.postEphemeral)."""
READING = "_The beginning and the actor are being read from the history; click again in a minute._"
_MAX_TEXT = 300
_MAX_VALUE = 120
_MAX_LINES = 10
_MAX_ENTRIES = 8


def code(text: str) -> str:
    """A value in a code span, where nothing is formatted, linked or mentioned."""
    return mrkdwn.code(text, _MAX_TEXT)


def stale(name: str, why: str) -> str:
    """The reply to a click on an outdated button."""
    return f"Nothing was done about {code(name)}: {code(why)}."


def refusal(name: str, approvers: Sequence[Approvers]) -> str:
    """The reply to a user without permission: who may click."""
    who = list(dict.fromkeys(_names(approvers)))
    if not who:
        return f"Nothing was done: {code(name)} has no approvers. Name them in the `Alerting` document of the fleet."
    more = f" and {len(who) - _MAX_LINES} more" if len(who) > _MAX_LINES else ""
    return f"Nothing was done: the approvers of {code(name)} are {', '.join(who[:_MAX_LINES])}{more}."


def counts(what: str, outcomes: Mapping[str, int]) -> str:
    """The result of a click on a group's button."""
    by_outcome = Counter(outcomes)
    words = {
        "done": f"{what}",
        "already": "had this status already",
        "stale": "have changed or are resolved",
        "declined": "cannot be",
        "refused": "have other approvers",
    }
    parts = [f"{by_outcome[outcome]} {text}" for outcome, text in words.items() if by_outcome[outcome]]
    return (
        f"Of {counted(by_outcome.total(), 'finding')}: {', '.join(parts)}."
        if parts
        else "The message no longer has findings."
    )


def why(data: DriftData, decision: Decision | None, approvers: Sequence[Approvers], trail: Sequence[AuditEntry]) -> str:
    """Explain a finding: its cause, its next step, and the decisions about it."""
    return _fit([*_finding(data), *_decision(data, decision), *_who(approvers), *_trail(trail)])


def _finding(data: DriftData) -> Iterator[str]:
    yield f"*{code(data.resource_name)}* is {data.status}: {data.severity}, {data.kind}"
    if data.reason:
        yield f"because {code(data.reason)}"
    yield from (f"• {_difference(difference)}" for difference in data.differences[:_MAX_LINES])
    if (more := data.difference_count - len(data.differences[:_MAX_LINES])) > 0:
        yield f"• and {counted(more, 'more field')}"
    if str(data.declared_in):
        yield f"declared in {code(str(data.declared_in))}"
    actor = data.actor
    yield f"changed by {code(actor.principal)} ({actor.confidence})" if actor else "not known yet who changed it"
    if since := since_text(data.history):
        yield f"drifts since {code(since)}"
    if data.origin != "unknown" or data.evidence:
        yield f"origin: {WORDS[data.origin]}{f' ({code(data.evidence)})' if data.evidence else ''}"
    if data.history is not None:
        yield from (f"• {_began(field)}" for field in data.history.fields[:_MAX_LINES] if field.path)


def _began(field: FieldOnset) -> str:
    """Since when one field has its value, and who gave it."""
    since = f"{field.since:%Y-%m-%d %H:%M} UTC{' or earlier' if field.at_least else ''}" if field.since else "unknown"
    by = f" by {code(field.actor.principal)}" if field.actor else ""
    return f"{code(field.path)} since {since}{by}{f': {field.reason}' if field.reason else ''}"


def _difference(difference: Difference) -> str:
    if granted := difference_text.grant(difference):
        return code(granted)
    declared, observed = difference_text.sides(difference, _MAX_VALUE)
    path = code(difference.declared_path or difference.path or "(all)")
    return str(difference_text.parts(difference, code(declared), code(observed), path))


def _decision(data: DriftData, decision: Decision | None) -> Iterator[str]:
    if decision is None:
        yield f"*No remediation*: mode {data.mode}, and it is {data.status}"
        return
    yield f"*Decision: {display_text(decision.action)}*"
    yield from (f"{'+' if reason.action == 'act' else '-'} {code(reason.text)}" for reason in decision.reasons)


def _who(approvers: Sequence[Approvers]) -> Iterator[str]:
    who = list(dict.fromkeys(_names(approvers)))
    yield f"*Approvers*: {', '.join(who[:_MAX_LINES]) or 'none; name them in the `Alerting` document'}"


def _trail(trail: Sequence[AuditEntry]) -> Iterator[str]:
    if trail:
        yield "*Audit trail*"
    for entry in trail[-_MAX_ENTRIES:]:
        by = f" by {code(entry.by)}" if entry.by else ""
        text = f": {code(entry.text)}" if entry.text else ""
        yield f"• {entry.recorded_at:%Y-%m-%d %H:%M} UTC {display_text(entry.what)}{by}{text}"


def _names(approvers: Iterable[Approvers]) -> Iterator[str]:
    """Groups and users as Slack shows them; addresses and patterns as configured."""
    for approver in approvers:
        yield from (f"<!subteam^{group}>" if group.isalnum() else code(group) for group in approver.groups)
        yield from (f"<@{user}>" if _is_id(user) else code(user) for user in approver.users)


def _is_id(user: str) -> bool:
    return user.isalnum() and user.isupper() and user[0] in "UW"


def _fit(lines: Sequence[str]) -> str:
    """As many lines as fit."""
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > LIMIT:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept)
