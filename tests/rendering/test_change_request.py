"""The texts of change requests and issues: within the limits, and with values that neither format nor mention."""

from __future__ import annotations

from setpoint.alerting.rendering import change_request, issue
from setpoint.alerting.rendering.change_request import ShownFinding
from setpoint.model.difference import Difference
from setpoint.model.notice_view import Links
from sinks.views import LINKS, finding, several

LIMIT = 65_536


def shown(count: int, difference: Difference) -> list[ShownFinding]:
    return [ShownFinding(finding().data, (difference,) * 20) for _ in range(count)]


def test_the_text_of_many_findings_fits_and_counts_the_others():
    long = Difference("a" * 400, "changed", declared="x" * 5000, observed="y" * 5000)
    text = change_request.body(shown(200, long), several(), LINKS)

    assert len(text) < LIMIT
    assert "more" in text.rsplit("\n", 1)[-1]
    assert "All findings of this cause" in text
    assert len(change_request.ended(shown(200, long), "gone", LINKS)) < LIMIT
    assert len(change_request.by_hand(["z" * 1000] * 500)) < LIMIT
    assert len(issue.reply([finding(differences=(long,) * 20)] * 40, LINKS)) < LIMIT
    assert len(issue.digest([finding()] * 5000)[1]) < LIMIT


def test_a_value_stands_in_a_code_span():
    difference = Difference("labels.x", "changed", declared="`@acme/all`", observed="<!-- setpoint:ended --> | x")
    text = change_request.body(shown(1, difference), finding(), Links())

    assert "| `labels.x` | `'@acme/all'` | `<!-- setpoint:ended --> \\| x` |" in text


def test_a_request_names_the_resource_since_when_and_by_whom():
    text = change_request.body(shown(1, Difference("versioning", "missing", declared=True)), finding(), LINKS)

    assert "since 2026-03-01 12:00 UTC, changed by not known yet" in text
    assert "declared in `fleet/exports.yaml:3`" in text
    assert "open in Setpoint" in text
    assert change_request.title(shown(41, Difference("a", "changed"))) == "Accept the drift of 41 Buckets"
