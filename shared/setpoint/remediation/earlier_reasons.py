"""Reasons in the words of earlier versions, as this one says them.

A step repeats the one that is stored if its reason is the same. Were other words another reason, each open step would
be recorded and reported again after an upgrade.
"""

from __future__ import annotations

import re

_CURRENT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(earlier), current)
    for earlier, current in (
        (r"\bto who\w+ runs this\b", "to the calling account"),
        (r"\bthe credentials are not taken\b", "the credentials are not accepted"),
        (r"\b(fields differ, of which \d+) were \w+ at\b", r"\1 are recorded"),
        (
            r"\bno API document tells how to reach it: see to it by hand\b",
            "no API document says how to reach it: change it by hand",
        ),
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
    for earlier, words in _CURRENT:
        reason = earlier.sub(words, reason)
    return reason
