"""What became of one observation."""

from __future__ import annotations

from typing import Literal

Outcome = Literal[
    "opened",  # in sync until now; drifted with this observation
    "changed",  # drifted before, otherwise
    "drifted",  # drifted before, just so
    "attributed",  # as before, and it is known by now who is behind it
    "exempted",  # drifted, and somebody said to leave it alone
    "settling",  # drifted, and not yet for as long as it has to last
    "resolved",  # drifted before, no longer
    "in_sync",  # as declared, and was
    "unknown",  # nothing differs, and a declared field that matters to security could not be compared
    "undeclared",  # nothing declares it, and no scope covers it
    "waiting",  # named by a number or id of which nobody knows yet whose it is; judged when that is known
    "unreadable",  # declared, but the message does not tell what the resource is
    "stale",  # older than what is known
    "repeated",  # known already
    "welcome",  # a new feed's first message
    "rejected",  # no feed message: dead-lettered
]
"""What became of one message."""
