"""The phrases about findings, the same in every sink; a ``RenderStyle`` formats values and times for one sink.

Phrases are plain text. Values of the fleet go through the style, which makes them safe in the markup of its sink.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from setpoint.alerting.rendering import safe_text as texts
from setpoint.catalog import words
from setpoint.comparison import difference_text
from setpoint.model import display_names
from setpoint.model.actors import Actor
from setpoint.model.drift_history import since_text
from setpoint.model.drift_origin import PROJECTS, WORDS
from setpoint.model.events import DriftData, EventType, RemediationData
from setpoint.model.notice_view import FindingView, GroupView, TimelineEntry
from setpoint.model.secrecy import is_hidden
from setpoint.model.severity import SEVERITIES, Kind, Severity
from setpoint.util.counts import counted

SEVERITY_MARKS: Mapping[Severity, str] = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "🔵"}
_ENDS: Mapping[str, str] = {
    "in sync": "it is as declared again",
    "gone": "it was deleted",
    "absorbed": "the declaration now includes the drift",
    "ignored": "a rule suppresses it now",
    "no longer declared": "it is no longer declared",
}
_HAPPENED: Mapping[Kind, str] = {"modified": "has drifted", "deleted": "was deleted", "unmanaged": "is not declared"}
_CALLERS: Mapping[str, str] = {
    "console": "in the Cloud console",
    "gcloud": "with gcloud",
    "terraform": "with Terraform",
    "config-connector": "with Config Connector",
    "pulumi": "with Pulumi",
    "sdk": "with a client library",
}
_EXECUTORS: Mapping[str, str] = {"handoff": "the applier of the declarations", "propose": "a change of its declaration"}
_PRECISE_HOURS = 10
_MAX_OTHERS = 10
_LONGEST_SUMMARY = 600


class RenderStyle(NamedTuple):
    """The format of values from outside Setpoint in a sink.

    Args:
        value: formats a value or name of the fleet.
        prose: formats text from a person or an API.
        date: formats a time.
    """

    value: Callable[[str], str]
    prose: Callable[[str], str]
    date: Callable[[datetime], str]


PLAIN = RenderStyle(texts.clean, texts.clean, lambda time: f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def title(data: DriftData) -> display_names.Title:
    """What drifted: ``IAM of Bucket``, its name, and its project if the name does not contain it."""
    return display_names.title(data.resource_name, data.content, data.asset_type, data.project)


def subject(data: DriftData) -> str:
    """What drifted in one text: ``IAM of Bucket exports``."""
    kind, name, _ = title(data)
    return f"{kind} {name}"


def status_phrase(data: DriftData) -> str:
    """The latest status of a finding: ``has drifted``."""
    return "have drifted" if data.content == "org_policy" and data.kind == "modified" else _HAPPENED[data.kind]


def plural(word: str, count: int) -> str:
    """``3 Buckets``, ``1 Policy``, ``2 Policies``."""
    return counted(count, word, words.plural(word))


def is_masked(value: Any) -> bool:
    """Whether a value is a masked secret."""
    return is_hidden(value)


def lasted(seconds: float) -> str:
    """A duration for people: ``45 s``, ``12 min``, ``1 h 5 min``, ``12 h``, ``3 d``."""
    minutes, hours, days = (int(max(seconds, 0)) // size for size in (60, 3_600, 86_400))
    if days:
        return f"{days:,} d"
    if hours:
        rest = minutes % 60
        return f"{hours} h {rest} min" if rest and hours < _PRECISE_HOURS else f"{hours} h"
    return f"{minutes} min" if minutes else f"{int(max(seconds, 0))} s"


def changed_by(actor: Actor | None, form: RenderStyle = PLAIN) -> str:
    """The actor, the tool, and the confidence."""
    if actor is None:
        return "not known yet"
    if actor.confidence == "possible":
        return f"{_one_of((actor.principal, *actor.others), form)}: several accounts changed it at about that time"
    text = f"{_actor_name(actor, form)}{_through(actor, form)}{_how(actor, form)}{_confidence(actor)}"
    return (
        text
        if actor.kind != "applier"
        else f"{text}: the account that applies your declarations; a sync may be running"
    )


def group_origin(group: GroupView) -> str:
    """Where the drifts of a group come from: the words of those that it shows; empty if unknown."""
    words = Counter(shown.data.origin for shown in group.samples if shown.data.origin != "unknown")
    if not words and group.project_count >= PROJECTS and not any(group.actors):
        return f"{WORDS['by_google']}: the same change in {group.project_count:,} projects, and no actor is known"
    return ", ".join(WORDS[word] for word, _ in words.most_common())


def _one_of(names: tuple[str, ...], form: RenderStyle) -> str:
    candidates = [form.value(name or "somebody unknown") for name in names[:_MAX_OTHERS]]
    if (more := len(names) - len(candidates)) > 0:
        candidates.append(f"{more} more")
    return (
        f"one of {', '.join(candidates[:-1])} or {candidates[-1]}"
        if len(candidates) > 1
        else f"possibly {candidates[0]}"
    )


def _actor_name(actor: Actor, form: RenderStyle) -> str:
    name = form.value(actor.principal) if actor.principal else "an account that the log does not name"
    match actor.kind:
        case "person" | "applier":
            return name
        case "service":
            return f"service account {name}"
        case "google":
            return f"Google itself, {name}"


def _through(actor: Actor, form: RenderStyle) -> str:
    return f", acting as {' through '.join(map(form.value, actor.through[:3]))}" if actor.through else ""


def _how(actor: Actor, form: RenderStyle) -> str:
    if not actor.caller or actor.kind == "google":
        return ""
    return f" {_CALLERS.get(actor.caller) or f'with {form.value(actor.caller)}'}"


def _confidence(actor: Actor) -> str:
    return " (certain)" if actor.confidence == "certain" else " (likely: no other change is known)"


def next_step(shown: FindingView, form: RenderStyle = PLAIN) -> str:
    """What happens next; empty for a resolved finding."""
    data = shown.data
    if data.status == "resolved":
        return ""
    if data.status != "open":
        word = "Accepted as it is" if data.status == "accepted" else "Exempted"
        return f"{word}{_until(shown, form)}{_because(data.reason, form)}"
    if data.remediation is not None and data.remediation.step in _STEPS:
        return _STEPS[data.remediation.step](shown, data.remediation, form)
    return _by_mode(shown, form)


def _by_mode(shown: FindingView, form: RenderStyle) -> str:
    match shown.data.mode:
        case "auto":
            return f"Will be remediated automatically{_at_window(shown, form)}"
        case "approve":
            return "Will be remediated after an approval"
        case "alert":
            return "Alert only: nothing is remediated"
        case "off":
            return "Remediation is off"


def _until(shown: FindingView, form: RenderStyle) -> str:
    return f" until {form.date(shown.quiet_until)}" if shown.quiet_until is not None else ""


def _because(reason: str, form: RenderStyle) -> str:
    return f": {form.prose(reason)}" if reason else ""


def _at_window(shown: FindingView, form: RenderStyle) -> str:
    return f", from {form.date(shown.next_window)}" if shown.next_window is not None else ""


def _waiting(shown: FindingView, attempt: RemediationData, form: RenderStyle) -> str:
    return f"Will be remediated{_at_window(shown, form) or ' later'}{_because(attempt.reason, form)}"


def _delegated(shown: FindingView, attempt: RemediationData, form: RenderStyle) -> str:
    del shown
    to = _EXECUTORS.get(attempt.executor, "another executor")
    return f"Delegated to {to}{_because(attempt.reason, form)}"


def _stopped(shown: FindingView, attempt: RemediationData, form: RenderStyle) -> str:
    if is_dry_run(attempt):
        return "Dry run: it would be remediated, and nothing is written"
    del shown
    return f"Stopped until a person decides{_because(attempt.reason, form)}"


_STEPS: Mapping[str, Callable[[FindingView, RemediationData, RenderStyle], str]] = {
    "asked": lambda _, attempt, form: f"Waiting for approval{_because(attempt.reason, form)}",
    "waiting": _waiting,
    "acting": lambda *_: "Is being remediated now",
    "operating": lambda *_: "Is being remediated: an operation of Google's API is running",
    "verifying": lambda *_: "Written; not yet verified by the inventory",
    "done": lambda *_: "Was remediated",
    "handed_off": _delegated,
    "stopped": _stopped,
}
"""What happens next, by the outcome of the remediation; for other outcomes the mode decides."""


def is_dry_run(attempt: RemediationData | None) -> bool:
    """Whether only the dry run prevents a remediation."""
    return attempt is not None and attempt.step == "stopped" and "dry run" in attempt.reason and bool(attempt.summary)


def ended(shown: FindingView, form: RenderStyle = PLAIN) -> str:
    """Why a finding is resolved, and who resolved it."""
    attempt = shown.data.remediation
    if (attempt is not None and attempt.step == "done") or _was_remediated(shown.steps):
        by_whom = attempt.approved_by if attempt is not None else ""
        approved = f", approved by {form.value(by_whom)}" if by_whom else ""
        return f"remediated by Setpoint{approved}"
    return _ENDS.get(shown.data.reason) or form.prose(shown.data.reason or "it ended")


def _was_remediated(steps: Iterable[TimelineEntry]) -> bool:
    """Whether Setpoint has remediated the finding since it last opened."""
    is_remediated = False
    for step in steps:
        is_remediated = step.what == "remediation.succeeded" or (is_remediated and step.what != "drift.opened")
    return is_remediated


def duration(data: DriftData) -> str:
    """How long a drift lasted, or has lasted until the latest observation."""
    return lasted(((data.resolved_at or data.observed_at) - data.first_seen).total_seconds())


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``11th``."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def _resolved(shown: FindingView, form: RenderStyle) -> str:
    return f"Resolved after {duration(shown.data)}: {ended(shown, form)}"


def _requested(shown: FindingView, form: RenderStyle) -> str:
    if shown.data.remediation is None:
        return "Approval is requested"
    return next_step(shown, form)


def _attempt_reason(shown: FindingView, form: RenderStyle) -> str:
    return _because(shown.data.remediation.reason if shown.data.remediation else "", form)


def _opened(shown: FindingView, form: RenderStyle) -> str:
    del form
    again = f" again, for the {ordinal(shown.data.episodes)} time" if shown.data.episodes > 1 else ""
    return f"It {status_phrase(shown.data)}{again}"


_EVENTS: Mapping[EventType, Callable[[FindingView, RenderStyle], str]] = {
    "drift.opened": _opened,
    "drift.changed": lambda shown, _: f"The drift has changed: {extent(shown.data)}",
    "drift.resolved": _resolved,
    "drift.exempted": next_step,
    "drift.attributed": lambda shown, form: f"Changed by: {changed_by(shown.data.actor, form)}{_since(shown.data)}",
    "remediation.requested": _requested,
    "remediation.started": lambda *_: "Remediation started",
    "remediation.succeeded": lambda shown, form: f"{_capital(ended(shown, form))} after {duration(shown.data)}",
    "remediation.failed": lambda shown, form: f"Remediation failed{_attempt_reason(shown, form)}",
    "remediation.blocked": lambda shown, form: next_step(shown, form) or f"Held{_attempt_reason(shown, form)}",
}


def _since(data: DriftData) -> str:
    since = since_text(data.history)
    return f"; drifts since {since}" if since else ""


_ORDERS: Mapping[str, str] = {
    "approved": "Approved",
    "exempted": "Left alone",
    "accepted": "Accepted as it is",
}


def latest_step(shown: FindingView, form: RenderStyle = PLAIN) -> str:
    """The latest step of a finding."""
    step = shown.steps[-1] if shown.steps else None
    if step is None or step.what == shown.event:
        return _EVENTS[shown.event](shown, form)
    return step_line(step, form)


def step_line(step: TimelineEntry, form: RenderStyle = PLAIN) -> str:
    """A step of a finding's timeline, in a line."""
    word = _ORDERS.get(step.what) or _capital(step.what.partition(".")[2].replace("_", " ") or step.what)
    subject = {"drift": "Drift ", "remediation": "Remediation "}.get(step.what.partition(".")[0], "")
    text = f"{subject}{word.lower()}" if subject else word
    person = f" by {form.value(step.by)}" if step.by else ""
    return f"{text if step.what in _ORDERS or subject else form.prose(text)}{person}{_because(step.text, form)}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def extent(data: DriftData) -> str:
    """The extent of a drift: ``3 fields differ``, or the status of the whole resource."""
    if data.kind != "modified":
        return f"it {status_phrase(data)}"
    noun = "grant" if data.content == "iam_policy" else "field"
    return f"{plural(noun, data.difference_count)} {'differs' if data.difference_count == 1 else 'differ'}"


def severity_word(severity: Severity) -> str:
    """``Critical``."""
    return severity.capitalize()


def worst_first(shown: FindingView) -> tuple[bool, int, str]:
    """Sort key of findings: open ones first, then by severity, then by name."""
    return shown.data.status != "open", -SEVERITIES.index(shown.data.severity), shown.data.resource_name


def statuses(group: GroupView) -> str:
    """The number of open findings in a group, and the statuses of the others."""
    counts = group.statuses
    of_open = [
        f"{counts[name]:,} {label}"
        for name, label in (("awaiting", "waiting for approval"), ("remediating", "being remediated"))
        if counts.get(name)
    ]
    parts = [f"{counts.get('open', 0):,} open" + (f" ({', '.join(of_open)})" if of_open else "")]
    parts += [f"{counts[name]:,} {name}" for name in ("resolved", "exempted", "accepted") if counts.get(name)]
    return " · ".join(parts)


def in_projects(group: GroupView) -> str:
    """``in 40 projects``."""
    return f"in {plural('project', group.project_count)}" if group.project_count else ""


def group_title(group: GroupView) -> str:
    """``41 Buckets in 40 projects``."""
    cause = group.cause
    counted = plural(display_names.kind_with_content(cause.asset_type, cause.content), group.total)
    return " ".join(filter(None, (counted, in_projects(group))))


def summary(shown: FindingView) -> str:
    """A finding in one line of plain text, for notifications and for sinks without layout."""
    data = shown.data
    place = ", ".join(filter(None, (data.project, f"team {data.owner.team}" if data.owner.team else "")))
    head = f"{subject(data)}{f' ({place})' if place else ''}"
    if data.status == "resolved":
        return texts.fit(f"Resolved: {head} after {duration(data)}, {ended(shown)}", _LONGEST_SUMMARY)
    text = f"{severity_word(data.severity)}: {head} {status_phrase(data)}"
    if data.kind == "modified" and data.differences:
        more = data.difference_count - 1
        text += f": {difference_text.as_line(data.differences[0])}{f' and {more:,} more' if more > 0 else ''}"
    if data.actor is not None:
        text += f", by {changed_by(data.actor)}"
    return texts.fit(f"{text}. {next_step(shown)}", _LONGEST_SUMMARY)


def group_summary(group: GroupView) -> str:
    """A group of findings in one line of plain text."""
    if is_over(group):
        return texts.fit(f"Resolved: {group_title(group)}", _LONGEST_SUMMARY)
    text = f"{severity_word(group.severity)}: {group_title(group)} {group_status_phrase(group)}; {statuses(group)}"
    return texts.fit(text, _LONGEST_SUMMARY)


def group_status_phrase(group: GroupView) -> str:
    """The latest status of a group: ``have drifted``."""
    have = {"modified": "drifted", "deleted": "were deleted", "unmanaged": "are not declared"}
    return have[group.cause.kind]


def is_over(group: GroupView) -> bool:
    """Whether every finding of a group is resolved."""
    return not group.statuses.get("open") and group.statuses.get("resolved", 0) >= group.total > 0
