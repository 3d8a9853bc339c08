"""Render a difference for a Slack message."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from setpoint.alerting.rendering import phrases
from setpoint.alerting.rendering.mrkdwn import code
from setpoint.comparison import difference_text, grant_origins, iam_policies
from setpoint.model.difference import Difference


def difference_line(difference: Difference) -> str:
    """A difference in markup, of up to about 500 characters."""
    value = difference.declared if difference.op == "missing" else difference.observed
    if iam_policies.is_grant(value):
        return _grant(value, is_missing=difference.op == "missing")
    shown_declared, shown_observed = difference_text.sides(difference, 120)
    made = difference_text.parts(
        difference,
        value_text(difference.declared, shown_declared),
        value_text(difference.observed, shown_observed),
        code(difference.path or "(all)", 160),
    )
    in_place = " (cannot be changed in place)" if difference.immutable else ""
    return f"{made}{in_place}{difference_text.undeclared(difference)}"


def in_own_terms(difference: Difference) -> str:
    """The field's name in the declaration, if it differs from the API's."""
    own = difference.declared_path
    return f", declared as {code(own, 160)}" if own and own != difference.path else ""


def value_text(value: object, text: str) -> str:
    """A value in markup, from its plain form `text`; a secret is not shown."""
    if value is msgspec.UNSET:
        return difference_text.NOTHING
    return text if phrases.is_masked(value) else code(text, 160)


def _grant(value: Mapping[str, object], *, is_missing: bool) -> str:
    condition = value.get("condition")
    named = condition if isinstance(condition, Mapping) else {}
    when = str(named.get("title") or named.get("expression") or "")
    role, member = (code(str(value.get(name, "")), 160) for name in ("role", "member"))
    text = (
        "\N{HEAVY MINUS SIGN} {} is no longer granted to {}"
        if is_missing
        else "\N{HEAVY PLUS SIGN} {} is granted to {}"
    )
    origin = grant_origins.origin(value)
    suffix = f" ({origin})" if origin else ""
    return text.format(role, member) + suffix + (f", on condition {code(when, 120)}" if when else "")
