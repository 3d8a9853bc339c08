"""Reasons in the words of earlier versions, as this one says them.

A step repeats the one that is stored if its reason is the same. Were other words another reason, each open step would
be recorded and reported again after an upgrade.
"""

from __future__ import annotations

import re

_PHRASES = {
    "no API document tells how to reach it": "no API document says how to reach it",
    "even one that names them all": "even a write that names all of them",
    "see to it by hand": "change it manually",
    "see to both by hand": "change both manually",
    "change it by hand": "change it manually",
    ": set it by hand": ": set it manually",
    ": remove it by hand": ": remove it manually",
    "or remove them by hand": "or remove them manually",
    "no write that can be planned puts it back": "no planned write reverts it",
    "no write that can be planned puts its last known good value back": (
        "no planned write restores its last known good value"
    ),
    "it is gone: make it again as declared": "it was deleted: create it again as declared",
    "a column that is gone or retyped takes its data along: see to it": (
        "dropping or retyping a column deletes its data: change it manually"
    ),
    "it tells of the pool's beginning: setSize resizes": "it is the initial size of the pool: setSize resizes it",
    "a lock can never be opened again": "a lock can never be removed",
    "who pays for a project is changed by a person": "the billing account of a project is changed manually only",
    "organisation and access policies are written by hand, or": (
        "organisation and access policies are changed manually, or"
    ),
    "applies declarations, and may be at it": "applies declarations, and may be applying them now",
    "nothing of it can be written": "none of its fields can be written",
    "something else drifts than what was written": "other fields drift than those that were written",
    "something else is declared of it by now": "its declaration has changed since the claim",
    "it was made again under the same name since it was observed; the inventory has to show it first": (
        "it was recreated under the same name after the observation; the inventory must show it first"
    ),
    "it is not known where it is, so": "its location is not known, so",
    "its API never gives it back, so": "its API never returns it, so",
    "the API takes no audit configuration here": "the API accepts no audit configuration here",
    "no method of the API takes this field": "no method of the API accepts this field",
}
"""The phrases of earlier versions that no API writes, each with the current one."""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(earlier), current)
    for earlier, current in (
        (r"\bto who\w+ runs this\b", "to the calling account"),
        (r"\bthe credentials are not taken\b", "the credentials are not accepted"),
        (r"\b(fields differ, of which \d+) were \w+ at\b", r"\1 are recorded"),
        (
            r"\bits API tells none of the ids and times by which it is known, so",
            "its API returns none of the ids and times that identify it, so",
        ),
        (r": no answer(?=(?: \(\w+\)|, \d+ times in a row)(?:;|$))", ": no response"),
        (r"\bis switched off; switch it on with(?= `gcloud services enable )", "is not enabled; enable it with"),
        (r"\bthe instance has to be (stopped first|moved: )", r"the instance must be \1"),
        (
            r"\bthe API cannot change it: (it|the resource) has to be recreated",
            r"the API cannot change it: \1 must be recreated",
        ),
        (r"\b(replication) has to be (set up again)", r"\1 must be \2"),
        (r"\b(the data) has to be (moved)", r"\1 must be \2"),
        (r"\b(what) has to be (sent along with it is a secret)", r"\1 must be \2"),
    )
)


def current(reason: str) -> str:
    """A stored reason in today's words.

    Args:
        reason: the reason, as this version or an earlier one wrote it.
    """
    for earlier, words in _PHRASES.items():
        reason = reason.replace(earlier, words)
    for pattern, words in _PATTERNS:
        reason = pattern.sub(words, reason)
    return reason
