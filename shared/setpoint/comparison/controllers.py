"""Values that a declared controller changes: an autoscaler the size, automatic growth the disk, a channel the release.

A table line with the verb `moved` names the field that enables the controller, and the fields with its bounds, if any.
Without the controller, or outside of its bounds, another value is drift.
"""

from __future__ import annotations

import re
from typing import Any

from setpoint.catalog import field_rules
from setpoint.comparison.position import Position

_NUMBERS = re.compile(r"\d+")
_MINOR = 2
"""Major and minor number of a release, within which a service upgrades automatically."""


def why_moved(rules: field_rules.Rules, place: Position, want: Any, have: Any) -> str:
    """Why a declared controller may have changed a value; empty if none may.

    Args:
        rules: the rules of the field.
        place: position of the field.
        want: the declared value.
        have: the observed value.
    """
    rule = rules.get("moved")
    if rule is not None and any(_is_within(controller, place, want, have) for controller in rule.value):
        return f"{rule.reason} ({rule.source})"
    rule = rules.get("upgraded")
    if rule is not None and is_upgrade(want, have) and any(_is_on(place, switch) for switch in rule.value):
        return f"{rule.reason} ({rule.source})"
    return ""


def _is_within(controller: dict[str, Any], place: Position, want: Any, have: Any) -> bool:
    if not all(_is_on(place, switch) for switch in controller["by"].split(" ")):
        return False
    low = _number(place.declared_at(controller["min"])) if "min" in controller else None
    high = _number(place.declared_at(controller["max"])) if "max" in controller else None
    if controller.get("grows"):
        low = _number(want)
    value = _number(have)
    return value is not None and (low is None or value >= low) and (not high or value <= high)


def _is_on(place: Position, switch: str) -> bool:
    side, _, path = switch.rpartition(":")
    value = place.observed_at(path) if side else place.declared_at(path)
    return bool(value) and not str(value).endswith("UNSPECIFIED")


def is_upgrade(declared: Any, observed: Any) -> bool:
    """Whether an observed release is a newer one of the declared major and minor version."""
    if not isinstance(declared, str) or not isinstance(observed, str):
        return False
    wanted, got = ([int(number) for number in _NUMBERS.findall(side)] for side in (declared, observed))
    return len(wanted) > _MINOR and wanted[:_MINOR] == got[:_MINOR] and got >= wanted


def _number(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
