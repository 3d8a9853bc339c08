"""The title and text of a change request, in Markdown; values of the fleet stand in code spans.

Source: https://github.github.com/gfm/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from setpoint.alerting.rendering import links as addresses
from setpoint.alerting.rendering import phrases, safe_text
from setpoint.alerting.rendering.phrases import RenderStyle
from setpoint.comparison import difference_text
from setpoint.model.declaration_links import declared_at
from setpoint.model.difference import Difference
from setpoint.model.events import DriftData
from setpoint.model.notice_view import FindingView, GroupView, Links

_INTRODUCTION = """\
The live resource differs from its declaration. Merge this request to declare the live values; the finding ends when the
declaration is applied. If you close it, the drift remains."""
_BY_HAND = "These fields could not be edited. Change them manually, on this branch or elsewhere:"
_MAX_TITLE = 120
_MAX_VALUE = 120
_MAX_FIELDS = 12
_MAX_TEXT = 60_000


class ShownFinding(NamedTuple):
    """A finding in a change request.

    Args:
        data: the finding.
        differences: its differences, untruncated.
    """

    data: DriftData
    differences: tuple[Difference, ...]


def code(text: str, most: int = 300) -> str:
    """A code span, in which nothing formats, links or mentions."""
    plain = safe_text.fit(text.replace("`", "'"), most).strip()
    return f"`{plain}`" if plain else "` `"


STYLE = RenderStyle(code, code, phrases.PLAIN.date)


def title(findings: Sequence[ShownFinding]) -> str:
    """The title: ``Accept the drift of Firewall allow-ssh in shop-prod``."""
    first = findings[0].data
    if len(findings) > 1:
        return f"Accept the drift of {phrases.plural(phrases.title(first).kind, len(findings))}"
    kind, name, project = phrases.title(first)
    text = f"Accept the drift of {kind} {name}{f' in {project}' if project else ''}"
    return safe_text.fit(text, _MAX_TITLE)


def body(findings: Sequence[ShownFinding], view: FindingView | GroupView, links: Links) -> str:
    """The text: what has drifted, since when, by whom, each field, and links back."""
    link = addresses.of_group(links, view) if isinstance(view, GroupView) else ""
    more = (f"[All findings of this cause]({link})",) if link else ()
    return joined((_INTRODUCTION, *more), ("\n".join(of_finding(each, links)) for each in findings))


def ended(findings: Sequence[ShownFinding], why: str, links: Links) -> str:
    """The text of a request whose drift has ended."""
    return joined((f"**Closed: {why}.**",), ("\n".join(of_finding(each, links)) for each in findings))


def by_hand(steps: Iterable[str]) -> str:
    """The manual steps as a list; empty for none."""
    lines = [f"- {code(step, 500)}" for step in steps]
    return joined((_BY_HAND,), lines, "\n") if lines else ""


def joined(head: Iterable[str], parts: Iterable[str], between: str = "\n\n") -> str:
    """The head and as many parts as a text has room for; the others are counted.

    Source: GitHub takes 65,536 characters, https://docs.github.com/rest/pulls/pulls#create-a-pull-request
    """
    text, left = "\n\n".join(head) + "\n\n", 0
    for part in parts:
        if left or len(text) + len(part) > _MAX_TEXT:
            left += 1
        else:
            text += part + between
    return text.rstrip() + (f"{between}and {left:,} more" if left else "")


def of_finding(shown: ShownFinding, links: Links) -> Iterator[str]:
    """The lines about one finding: the resource, since when, by whom, and its fields."""
    data = shown.data
    kind, name, project = phrases.title(data)
    yield f"### {safe_text.clean(kind)} {code(name)}"
    yield f"{code(data.resource_name)}{f' in {code(project)}' if project else ''}, severity {data.severity}"
    yield ""
    yield f"- since {data.first_seen:%Y-%m-%d %H:%M} UTC, changed by {phrases.changed_by(data.actor, STYLE)}"
    page = declared_at(data.declared_in)
    yield f"- declared in {code(str(data.declared_in))}{f' ([applied revision]({page}))' if page else ''}"
    link = addresses.of_finding(links, FindingView("drift.changed", data.observed_at, data))
    yield f"- finding {code(data.finding_id)}{f' ([open in Setpoint]({link}))' if link else ''}"
    yield ""
    yield "| field | declared | now |"
    yield "|---|---|---|"
    for difference in shown.differences[:_MAX_FIELDS]:
        declared, observed = difference_text.sides(difference, _MAX_VALUE)
        yield f"| {_cell(difference.path or '(all)')} | {_cell(declared)} | {_cell(observed)} |"
    if (more := data.difference_count - min(len(shown.differences), _MAX_FIELDS)) > 0:
        yield f"| and {more} more | | |"


def _cell(text: str) -> str:
    return code(text).replace("|", "\\|")
