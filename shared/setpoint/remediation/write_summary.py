"""A line of text for each remediated difference."""

from __future__ import annotations

from typing import Any

import msgspec

from setpoint.comparison import difference_text
from setpoint.model.difference import Difference
from setpoint.util.texts import clip

_LONGEST = 120


def line(difference: Difference) -> str:
    """``lifecycle.rule[0].action.type: Delete -> SetStorageClass``; secrets are already masked in a difference."""
    if difference.op == "missing" and difference.observed is not msgspec.UNSET:
        return f"{difference.path} instead of {_shown(difference.observed)}: {_shown(difference.declared)}"
    return f"{difference.path}: {_shown(difference.observed)} -> {_shown(difference.declared)}"


def _shown(value: Any) -> str:
    if value is msgspec.UNSET:
        return "(absent)"
    return clip(
        difference_text.encodable(value) if isinstance(value, str) else difference_text.encoded(value), _LONGEST
    )
