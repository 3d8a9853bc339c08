"""The output of ``guard``: text for terminals, Markdown for a comment, GitHub annotations, JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from rich.text import Text

from setpoint.cli.github_annotations import annotation
from setpoint.cli.markdown import code
from setpoint.cli.output import SEVERITY_STYLES, actor_text, difference_line
from setpoint.comparison import difference_text
from setpoint.declarations.guard import EFFECTS, Effect, Review, ReviewedResource
from setpoint.model import display_names
from setpoint.model.difference import Difference

MARKER = "<!-- setpoint-guard -->"
"""The first line of the comment, by which a later run finds the comment to update."""
MAX_ROWS = 100
"""A comment of GitHub has at most 65,536 characters."""
_MAX_FIELDS = 5

_WORDS: dict[Effect, str] = {
    "destroys": "deletes or replaces a drifted resource",
    "overwrites": "overwrites drift",
    "foreign": "declared by another source",
    "remediating": "being remediated",
    "paused": "remediation paused",
    "exempt": "drift exempted",
    "resolves": "resolves drift",
}


def summary(review: Review) -> str:
    """The counts of a review in one sentence: changed resources, and how many of them have open drift."""
    counts = [f"{count} {_WORDS[effect]}" for effect in EFFECTS if (count := review.count(effect))]
    changed = f"{review.changed} resource{'' if review.changed == 1 else 's'} changed"
    return f"{changed}: {', '.join(counts)}" if counts else f"{changed}: none of them has open drift"


def as_text(review: Review) -> Iterator[Text]:
    """The review for a terminal, the most serious resources first."""
    for resource in review.resources:
        yield _title(resource)
        yield Text(f"    {resource.action} · {', '.join(_WORDS[effect] for effect in resource.effects)}")
        if resource.finding_id:
            yield Text(f"    {_since(resource)} · finding {resource.finding_id[:8]}", "dim")
        for difference in resource.overwritten[:_MAX_FIELDS]:
            yield Text("    ").append_text(_undone(difference))
        for note in resource.notes:
            yield Text(f"    {note}", "yellow")
        yield Text(f"    {_place(resource)}", "dim")


def _title(resource: ReviewedResource) -> Text:
    title = display_names.title(resource.resource_name, resource.content, resource.asset_type, resource.project)
    severity = resource.severity or "low"
    head = Text(f"{severity:<9}", SEVERITY_STYLES[severity]) if resource.severity else Text(" " * 9)
    return head.append(f"{title.kind} {title.name}", "bold").append(f"  {title.project}", "dim")


def _since(resource: ReviewedResource) -> str:
    since = f"{resource.first_seen:%Y-%m-%d %H:%M}" if resource.first_seen else "unknown"
    return f"drifted since {since}, changed by {actor_text(resource.actor)}"


def _undone(difference: Difference) -> Text:
    """What applying the change does to a field, ``path: live value → declared value``; a grant as findings show it."""
    if difference_text.grant(difference):
        return difference_line(difference)
    live, declared = (difference_text.as_json(value) for value in (difference.observed, difference.declared))
    return Text.assemble(difference.path or "(all)", ": ", live, (" → ", "dim"), declared)


def as_markdown(review: Review) -> Iterator[str]:
    """The review as a comment on a pull request; values are code, so that nothing in them formats or mentions."""
    yield MARKER
    yield f"### Setpoint: {summary(review)}"
    if review.not_reviewed:
        yield ""
        yield f"Not reviewed, since their resources cannot be named: {', '.join(map(code, review.not_reviewed))}."
    if not review.resources:
        return
    yield ""
    yield "| Resource | This change | Drift | Since, by | Declared in |"
    yield "|---|---|---|---|---|"
    for resource in review.resources[:MAX_ROWS]:
        title = display_names.title(resource.resource_name, resource.content, resource.asset_type, resource.project)
        cells = (
            f"{_cell(title.kind)} {code(title.name)}" + (f" in {code(title.project)}" if title.project else ""),
            f"**{resource.action}**: {', '.join(_WORDS[effect] for effect in resource.effects)}",
            "<br>".join([*_fields(resource), *(code(note) for note in resource.notes)]),
            _since_cell(resource.first_seen, resource),
            code(resource.address or resource.declared_in),
        )
        yield f"| {' | '.join(cells)} |"
    if (more := len(review.resources) - MAX_ROWS) > 0:
        yield ""
        yield f"and {more} more; `setpoint guard` prints all."


def _fields(resource: ReviewedResource) -> Iterator[str]:
    for difference in resource.overwritten[:_MAX_FIELDS]:
        yield code(_undone(difference).plain)
    if (more := len(resource.overwritten) - _MAX_FIELDS) > 0:
        yield f"and {more} more"


def _since_cell(first_seen: datetime | None, resource: ReviewedResource) -> str:
    if first_seen is None:
        return ""
    return f"{first_seen:%Y-%m-%d %H:%M} UTC<br>{code(actor_text(resource.actor))}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _place(resource: ReviewedResource) -> str:
    """Where a resource is declared: by address for Terraform, whose lines say nothing; else by file and line."""
    if not resource.address:
        return resource.declared_in
    file = resource.declared_in.rpartition(":")[0] or resource.declared_in
    return f"{resource.address} in {file}" if file else resource.address


def as_annotations(review: Review) -> Iterator[str]:
    """The review as annotations of lines in a pull request on GitHub.

    Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    for resource in review.resources:
        level = "notice" if resource.effects == ("resolves",) else "warning"
        file, _, line = resource.declared_in.rpartition(":")
        is_line = bool(file) and line.isdigit() and not resource.address
        title = display_names.title(resource.resource_name, resource.content, resource.asset_type, resource.project)
        name = f"{title.kind} {title.name}{f' ({resource.address})' if resource.address else ''}"
        sentences = [f"{name}: {', '.join(_WORDS[effect] for effect in resource.effects)}"]
        if resource.finding_id:
            sentences.append(_since(resource))
        sentences += [_undone(difference).plain for difference in resource.overwritten[:_MAX_FIELDS]]
        place = (file, line) if is_line else ("", "")
        yield annotation(level, "; ".join([*sentences, *resource.notes]), *place)
    for address in review.not_reviewed:
        yield annotation("warning", f"{address} is not reviewed: its resource cannot be named")


def as_json(review: Review) -> str:
    """The review for machines; see docs/schemas/guard.v1.json."""
    return msgspec.json.format(msgspec.json.encode(review), indent=2).decode()
