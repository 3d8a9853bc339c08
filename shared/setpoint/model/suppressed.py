"""A difference that an ignore rule suppresses."""

from __future__ import annotations

import msgspec

from setpoint.model.difference import Difference
from setpoint.model.severity import Kind


class Suppressed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A drift, or one difference of it, that nobody is told of.

    Args:
        rule: file, line and text of the rule.
        kind: the kind of the drift.
        difference: the difference; None for a resource that is gone or unmanaged.
    """

    rule: str
    kind: Kind = "modified"
    difference: Difference | None = None
