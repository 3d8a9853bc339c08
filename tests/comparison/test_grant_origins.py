from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from setpoint.alerting.rendering.slack_differences import difference_line
from setpoint.cli.output import difference_line as command_line
from setpoint.comparison import difference_text, iam_policies
from setpoint.comparison.grant_origins import origin
from setpoint.model.difference import Difference
from setpoint.reporting.html.differences import fields

TEMPORARY = {"title": "Created by: PAM", "expression": 'request.time < timestamp("2026-03-01T01:00:00Z")'}


def grant(member: str, condition: Any = None) -> dict[str, Any]:
    return {"role": "roles/owner", "members": [member]} | ({"condition": condition} if condition else {})


@pytest.mark.parametrize(
    ("member", "condition", "text"),
    [
        ("user:a@example.com", None, ""),
        ("user:a@example.com", TEMPORARY, "by Privileged Access Manager"),
        ("user:a@example.com", TEMPORARY | {"title": "mine"}, ""),
        ("user:a@example.com", TEMPORARY | {"expression": "true"}, ""),
        ("group:a@example.com", None, "to everybody in the group"),
        ("group:a@example.com", TEMPORARY, "by Privileged Access Manager, to everybody in the group"),
        ("domain:example.com", None, "to everybody in the domain"),
        ("principalSet://iam.googleapis.com/x", None, "to all identities of the set"),
        ("projectOwner:prod", None, "to all owners of the project"),
    ],
)
def test_a_grant_says_by_whom_it_is_and_who_has_it(member: str, condition: Any, text: str) -> None:
    assert origin({"role": "roles/owner", "member": member, "condition": condition}) == text


@pytest.mark.parametrize(("member", "condition"), [("user:a@example.com", TEMPORARY), ("group:a@example.com", None)])
def test_messages_commands_and_the_page_name_it_and_it_stays_a_finding(member: str, condition: Any) -> None:
    (difference,) = iam_policies.compare({"bindings": []}, {"bindings": [grant(member, condition)]}, "policy")
    named = origin(difference.observed)
    assert named
    assert named in difference_text.grant(difference)
    assert named in difference_line(difference)


def test_a_change_of_what_nobody_declares_says_so_wherever_it_is_shown() -> None:
    change = Difference("ingress", "changed", "internal", "all", kind="undeclared_change")
    declared = replace(change, kind="")
    for shown in (difference_text.as_line, difference_line, lambda difference: command_line(difference).plain):
        assert shown(change) == f"{shown(declared)} (nobody declares it)"
    assert [field.undeclared for field in fields((change, declared), 100)] == [True, False]
