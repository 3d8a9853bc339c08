"""Faults of the fakes of Slack and of webhooks."""

from __future__ import annotations

import select
from collections.abc import Mapping
from typing import Any, NamedTuple

_LONGEST_SILENCE = 30.0


class Fault(NamedTuple):
    """What goes wrong with a call.

    Args:
        status: of the answer.
        error: Slack's word in an answer that is not ok.
        taken: the call has its effect all the same.
        lost: the connection is dropped in place of an answer.
        silent: no answer comes until the client has hung up.
        garbled: the answer is a page for people.
        retry_after: seconds in the header of that name.
    """

    status: int = 200
    error: str = ""
    taken: bool = False
    lost: bool = False
    silent: bool = False
    garbled: bool = False
    retry_after: float = 0


NONE = Fault()
FAULTS: dict[str, Fault] = {
    "too many": Fault(status=429, error="ratelimited", retry_after=1),
    "broken before": Fault(status=503, error="service_unavailable"),
    "broken after": Fault(status=500, error="internal_error", taken=True),
    "confused after": Fault(error="internal_error", taken=True),
    "confused before": Fault(error="fatal_error"),
    "garbled after": Fault(status=502, garbled=True, taken=True),
    "dropped before": Fault(lost=True),
    "dropped after": Fault(lost=True, taken=True),
    "silent before": Fault(silent=True),
    "silent after": Fault(silent=True, taken=True),
}
"""Each way in which a call may go wrong, by its name."""


def wait_for_the_end(environ: Mapping[str, Any]) -> None:
    """Say nothing until the client has hung up."""
    select.select([environ["werkzeug.socket"]], [], [], _LONGEST_SILENCE)
