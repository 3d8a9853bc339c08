"""A difference that an ignore rule suppresses."""

from __future__ import annotations

import msgspec

from setpoint.model.difference import Difference
from setpoint.model.severity import Kind


class Suppressed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A suppressed drift, or one suppressed difference.

    Args:
        rule: file, line and text of the rule.
        kind: the kind of the drift.
        difference: the difference; None for a deleted or unmanaged resource.
    """

    rule: str
    kind: Kind = "modified"
    difference: Difference | None = None
