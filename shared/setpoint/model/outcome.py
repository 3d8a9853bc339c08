"""The outcome of an observation or message."""

from __future__ import annotations

from typing import Literal

Outcome = Literal[
    "opened",  # was in sync; this observation shows drift
    "changed",  # the drift has changed
    "drifted",  # the drift is unchanged
    "attributed",  # the drift is unchanged, and its actor became known
    "exempted",  # drifted, and exempt
    "settling",  # drifted, and still within its grace period
    "resolved",  # the drift has ended
    "in_sync",  # as declared, as before
    "unknown",  # no difference, and a declared field that matters to security could not be compared
    "undeclared",  # not declared, and in no scope
    "waiting",  # the number or id in its name is unknown; evaluated when that is known
    "unreadable",  # declared, but the message has no readable state
    "stale",  # older than the stored state
    "repeated",  # already recorded
    "welcome",  # a new feed's first message
    "rejected",  # not a feed message: dead-lettered
]
"""The outcome of a message."""
