"""How a plan reads, for people and for machines."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.text import Text

from setpoint.cli.output import difference_line, out, short_name
from setpoint.core.compare import compare
from setpoint.syncing import Change, Plan

_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_MOST = 200


def print_plan(plan: Plan, most: int = _MOST) -> None:
    """What an apply would do, a resource a line, with the declared fields that change."""
    for change in plan.changes[:most]:
        sign, style = _SIGNS[change.action]
        content = "" if change.key.content == "resource" else f" {change.key.content}"
        where = f"  {change.after.declarations[0].source}" if change.after else ""
        line = Text.assemble((f"{sign} {short_name(change.key.name)}{content}", style), (where, "dim"))
        out.print(line, soft_wrap=True)
        for difference in _field_changes(change):
            out.print(Text("    ").append_text(difference), soft_wrap=True)
    if (more := len(plan.changes) - most) > 0:
        out.print(f"and {more} more", style="dim")
    for claim in plan.claimed:
        out.print(
            f"[red]![/] {short_name(claim.key.name)}: {claim.here} declares what source {claim.source} declares "
            f"already, at {claim.where}; not applied",
            soft_wrap=True,
        )
    out.print(plan.summary(), soft_wrap=True)


def _field_changes(change: Change) -> list[Text]:
    """The declared fields that change, as long as one declaration becomes one."""
    if change.before is None or change.after is None:
        return []
    old, new = change.before.declarations, change.after.declarations
    if len(old) != 1 or len(new) != 1:
        return []
    return [difference_line(one) for one in compare(old[0].data, new[0].data, exact=True)]


def as_json(plan: Plan) -> bytes:
    """The plan for machines."""
    whole: dict[str, Any] = {
        "source": plan.source,
        "changes": [
            {
                "action": change.action,
                "resource_name": change.key.name,
                "content": change.key.content,
                "declared_in": [str(one.source) for one in change.after.declarations] if change.after else [],
            }
            for change in plan.changes
        ],
        "claimed": [msgspec.to_builtins(claim) for claim in plan.claimed],
        "kept": [key.name for key in plan.kept],
        "unchanged": plan.unchanged,
    }
    return msgspec.json.encode(whole)
